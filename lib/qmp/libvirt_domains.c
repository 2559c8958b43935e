/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt's domains: asking for them with a deadline, and reading the answer. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "domain.h"
#include "libvirt.h"
#include "libvirt_answer.h"

#define ANSWER_MAX (64 << 20)
#define PIECE (64 << 10)

/* ---- the process ---- */

#ifdef GS_HAVE_LIBVIRT
/* One that its parent does not await has nobody to talk to. */
static pid_t start(const struct gs_libvirt_question *question, int fd)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
			_exit(EXIT_FAILURE);
		gs_libvirt_answer_main(question, fd);
	}
	return pid;
}

static struct gs_error *receive(int fd, uint64_t deadline_ms, struct gs_text *ret)
{
	char piece[PIECE];
	ssize_t size = 1;

	while (size) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, gs_deadline_poll_ms(deadline_ms));

		if (ready == 0)
			return gs_error_create(GS_ERROR_TIMEOUT, "libvirt did not answer in time");
		size = ready < 0 ? -1 : read(fd, piece, sizeof(piece));
		if (size < 0 && errno != EINTR)
			return gs_error_os(errno, "the answer of libvirt");
		if (size > 0)
			gs_text_append(ret, piece, (size_t)size);
		if (ret->size > ANSWER_MAX)
			return gs_error_create(GS_ERROR_CORRUPT,
					       "libvirt has more than %d bytes to tell",
					       ANSWER_MAX);
	}
	return ret->failed ? gs_error_nomem() : NULL;
}

static struct gs_error *read_answer(const struct gs_text *text, struct gs_json **ret)
{
	gs_autojson struct gs_json *answer = NULL;
	const char *words;
	uint64_t code;
	struct gs_error *err;

	if (!text->size)
		return gs_error_create(GS_ERROR_UNREACHABLE,
				       "the process that asks libvirt has died");
	err = gs_json_parse(text->data, text->size, &answer);
	if (err)
		return err;
	words = gs_json_string(gs_json_get(answer, "error"));
	if (words && gs_json_u64(gs_json_get(answer, "code"), &code))
		return gs_error_create((enum gs_error_code)code, "%s", words);
	*ret = gs_take(answer);
	return NULL;
}

static struct gs_error *ask(const struct gs_libvirt_question *question, uint64_t deadline_ms,
			    struct gs_json **ret)
{
	gs_autoclose int read_end = -1, write_end = -1;
	gs_autotext struct gs_text text = {0};
	struct gs_error *err;
	int pipe_fds[2];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	read_end = pipe_fds[0];
	write_end = pipe_fds[1];
	pid = start(question, write_end);
	if (pid < 0)
		return gs_error_os(errno, "fork");
	close(gs_take_fd(&write_end));
	err = receive(read_end, deadline_ms, &text);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err ? err : read_answer(&text, ret);
}
#else
static struct gs_error *ask(const struct gs_libvirt_question *question, uint64_t deadline_ms,
			    struct gs_json **ret)
{
	(void)question;
	(void)deadline_ms;
	(void)ret;
	return gs_error_create(GS_ERROR_UNSUPPORTED, "built without libvirt");
}
#endif

/* ---- the answer ---- */

static bool copy_string(const struct gs_json *object, const char *key, char **ret)
{
	const char *text = gs_json_string(gs_json_get(object, key));

	if (text)
		*ret = strdup(text);
	return !text || *ret;
}

static bool read_domain(const struct gs_json *object, struct gs_domain *ret)
{
	const char *state = gs_json_string(gs_json_get(object, "state"));

	snprintf(ret->state, sizeof(ret->state), "%s", state ? state : "unknown");
	ret->running = gs_json_is_true(gs_json_get(object, "running"));
	gs_json_u64(gs_json_get(object, "memory"), &ret->mem_bytes);
	return copy_string(object, "name", &ret->name) && ret->name &&
	       copy_string(object, "uuid", &ret->uuid) && ret->uuid;
}

static int by_name(const void *a, const void *b)
{
	const struct gs_domain *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct gs_error *read_domains(const struct gs_json *answer, struct gs_domain **ret,
				     size_t *count_ret)
{
	const struct gs_json *list = gs_json_get(answer, "domains");
	struct gs_domain *domains = calloc(gs_json_count(list) + 1, sizeof(*domains));
	size_t count = 0;
	bool ok = domains != NULL;

	for (const struct gs_json *item = gs_json_first(list); ok && item;
	     item = gs_json_next(item))
		ok = read_domain(item, &domains[count++]);
	if (!ok) {
		gs_domains_free(domains, count);
		return gs_error_nomem();
	}
	if (gs_json_is_true(gs_json_get(answer, "is_local")))
		gs_qmp_find_domains(domains, count);
	qsort(domains, count, sizeof(*domains), by_name);
	*ret = domains;
	*count_ret = count;
	return NULL;
}

struct gs_error *gs_libvirt_list(const char *uri, bool all, uint64_t deadline_ms,
				 struct gs_domain **ret, size_t *count_ret)
{
	const struct gs_libvirt_question question = {.uri = uri, .all = all};
	gs_autojson struct gs_json *answer = NULL;
	struct gs_error *err = ask(&question, deadline_ms, &answer);

	if (!err)
		err = read_domains(answer, ret, count_ret);
	return gs_error_wrap(err, "libvirt's domains");
}

static bool read_disk(const struct gs_json *object, struct gs_domain_disk *ret)
{
	bool ok = true;

	for (size_t f = 0; ok && f < GS_DOMAIN_DISK_FIELDS; f++)
		ok = copy_string(object, gs_domain_disk_fields[f].name,
				 gs_domain_disk_field(ret, f));
	ret->readonly = gs_json_is_true(gs_json_get(object, "readonly"));
	return ok;
}

static struct gs_error *read_disks(const struct gs_json *answer, struct gs_domain_info *info)
{
	const struct gs_json *list = gs_json_get(answer, "disks");

	info->disks = calloc(gs_json_count(list) + 1, sizeof(*info->disks));
	gs_json_for_each (item, list)
		if (!info->disks || !read_disk(item, &info->disks[info->disk_count++]))
			return gs_error_nomem();
	return copy_string(answer, "xml", &info->xml) ? NULL : gs_error_nomem();
}

static struct gs_error *read_info(const struct gs_json *answer, struct gs_domain_info *ret)
{
	struct gs_domain *domain;
	size_t count;
	struct gs_error *err = read_domains(answer, &domain, &count);

	if (err)
		return err;
	ret->domain = *domain;
	*domain = (struct gs_domain){0};
	gs_domains_free(domain, count);
	ret->is_local = gs_json_is_true(gs_json_get(answer, "is_local"));
	err = read_disks(answer, ret);
	if (err)
		gs_domain_info_deinit(ret);
	return err;
}

struct gs_error *gs_libvirt_domain(const char *uri, const char *name, uint64_t deadline_ms,
				   struct gs_domain_info *ret)
{
	const struct gs_libvirt_question question = {.uri = uri, .domain = name};
	gs_autojson struct gs_json *answer = NULL;
	struct gs_domain_info info = {0};
	struct gs_error *err = ask(&question, deadline_ms, &answer);

	if (!err)
		err = read_info(answer, &info);
	if (!err)
		*ret = info;
	return gs_error_wrap(err, "libvirt:%s", name);
}
