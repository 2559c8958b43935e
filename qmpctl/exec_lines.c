/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec: commands from a file, a line each. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "exec.h"

#define LINE_SIZE_MAX (64u << 20) /* what QEMU takes in one command */

#define EVENTS_AT_ONCE 256 /* then it is the lines' turn */

/* Where lines come from. */
struct input {
	int fd;
	char chunk[4096];
	size_t at, size;
	bool ended;
};

/* ---- reading ---- */

/* Events that nobody takes would pile up in QEMU; false: the guest has ended. */
static bool drop_events(struct gs_qmp *qmp)
{
	struct gs_error *err = NULL;
	bool lives;

	for (int i = 0; !err && i < EVENTS_AT_ONCE; i++) {
		struct gs_qmp_event event;

		err = gs_qmp_next_event(qmp, 1, &event);
		if (!err)
			gs_qmp_event_deinit(&event);
	}
	lives = !err || err->code == GS_ERROR_TIMEOUT;
	gs_error_destroy(err);
	return lives;
}

/* Until there is something to read. The next command will tell if the guest has ended. */
static void await_input(const struct input *in, struct gs_qmp *qmp)
{
	struct pollfd fds[] = {
		{.fd = in->fd, .events = POLLIN},
		{.fd = qmp ? gs_qmp_fd(qmp) : -1, .events = POLLIN},
	};

	while (poll(fds, 2, -1) >= 0 && !fds[0].revents)
		if (fds[1].revents && !drop_events(qmp))
			fds[1].fd = -1;
}

static struct gs_error *fill(struct input *in, struct gs_qmp *qmp)
{
	ssize_t size;

	await_input(in, qmp);
	size = read(in->fd, in->chunk, sizeof(in->chunk));
	if (size < 0)
		return gs_error_os(errno, "reading");
	in->at = 0;
	in->size = (size_t)size;
	in->ended = !size;
	return NULL;
}

/* Without its end; *more_ret: false at the end of @in. */
static struct gs_error *read_line(struct input *in, struct gs_qmp *qmp, struct gs_text *line,
				  bool *more_ret)
{
	struct gs_error *err = NULL;
	const char *start, *end = NULL;
	size_t size;

	gs_text_clear(line);
	while (!err && !end && !in->ended) {
		if (in->at == in->size)
			err = fill(in, qmp);
		start = in->chunk + in->at;
		end = memchr(start, '\n', in->size - in->at);
		size = end ? (size_t)(end - start) : in->size - in->at;
		if (!err && size > LINE_SIZE_MAX - line->size)
			err = gs_error_create(GS_ERROR_INVALID, "longer than %u bytes",
					      LINE_SIZE_MAX);
		if (!err)
			gs_text_append(line, start, size);
		in->at += size + (end != NULL);
	}
	if (!err && line->size && memchr(line->data, '\0', line->size))
		err = gs_error_create(GS_ERROR_INVALID, "a NUL in a line");
	*more_ret = end || line->size;
	return err || !line->failed ? err : gs_error_nomem();
}

/* ---- running ---- */

static struct gs_error *parse(const char *line, struct call *ret)
{
	auto_words struct words words = {0};
	struct gs_error *err = words_split(line, &words);

	if (err && err->code == GS_ERROR_NODATA)
		err->code = GS_ERROR_INVALID; /* there is no more to come here */
	return err ? err : call_parse(words_all(&words), words.count, ret);
}

static int run_line(struct exec *exec, const char *line, const char *place)
{
	auto_call struct call call = {0};
	struct gs_error *err = parse(line, &call);

	return err ? exec_fail(exec, err, place) : exec_run(exec, &call, place);
}

static bool is_command(const struct gs_text *line)
{
	size_t blanks = line->size ? strspn(line->data, " \t\r") : 0;

	return blanks < line->size && line->data[blanks] != '#';
}

/* What one command may be told: others can still be right. */
static bool is_about_one(int status)
{
	return status == GS_EXIT_FAILED || status == GS_EXIT_USAGE;
}

int exec_lines(struct exec *exec, int fd, const char *name)
{
	bool keeps_going = gs_args_has(exec->args, "keep-going");
	gs_autotext struct gs_text line = {0};
	struct input in = {.fd = fd};
	int status = GS_EXIT_OK, first = GS_EXIT_OK;
	bool more;

	for (uint64_t number = 1;; number++) {
		struct gs_error *err = read_line(&in, exec->target.qmp, &line, &more);
		gs_autofree char *place = gs_strf("%s:%" PRIu64, name, number);

		if (err || !place)
			return exec_fail(exec, err ? err : gs_error_nomem(), place);
		if (!more)
			return first;
		if (!is_command(&line))
			continue;
		status = run_line(exec, line.data, place);
		first = first ? first : status;
		if (status && !(keeps_going && is_about_one(status)))
			return status;
	}
}
