/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A QEMU that is run for -dump-vmstate, into a pipe of ours: nothing of it lands in a folder. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "export.h"
#include "internal.h"

#define WORDS_MAX 8192
#define WORDS_LINES 4
#define OTHER_BUILD "Only modules from the same build"
#define OTHER_MODULE "failed to initialize module: "

struct run {
	const char *binary;
	struct gs_process process;
	int dump_fd, words_fd; /* what we read; -1: at its end */
	struct gs_text dump;
	char words[WORDS_MAX + 1]; /* the last ones */
	size_t words_size;
};

/* ---- start and end ---- */

static struct gs_error *spawn(struct run *run, int dump_fd, int words_fd)
{
	gs_autofree char *file = gs_strf("/proc/self/fd/%d", dump_fd);
	const char *const argv[] = {
		run->binary,     "-M", "none", "-no-user-config", "-nodefaults", "-display", "none",
		"-dump-vmstate", file, NULL,
	};
	const struct gs_spawn_fd fds[] = {{dump_fd, -1}};
	const struct gs_spawn how = {
		.argv = argv,
		.fds = fds,
		.fd_count = 1,
		.stdin_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = words_fd,
		.tied = true,
		.group = true,
	};

	return file ? gs_process_spawn(&how, &run->process) : gs_error_nomem();
}

/* Both ends are ours alone; the one that we read does not wait. */
static struct gs_error *make_pipe(int *read_ret, int *write_ret)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*read_ret = fds[0];
	*write_ret = fds[1];
	return NULL;
}

static struct gs_error *start(struct run *run)
{
	gs_autoclose int dump_fd = -1, words_fd = -1;
	struct gs_error *err = make_pipe(&run->dump_fd, &dump_fd);

	if (!err)
		err = make_pipe(&run->words_fd, &words_fd);
	return err ? err : spawn(run, dump_fd, words_fd);
}

static void end(struct run *run)
{
	if (run->process.pidfd >= 0)
		gs_error_destroy(gs_process_end(&run->process, NULL));
	if (run->dump_fd >= 0)
		close(run->dump_fd);
	if (run->words_fd >= 0)
		close(run->words_fd);
	gs_text_deinit(&run->dump);
}

/* ---- between them ---- */

/* What is there now; closes @fd at its end. false: nothing. */
static bool take(int *fd, char *buf, size_t capacity, size_t *size_ret)
{
	ssize_t size = *fd >= 0 ? read(*fd, buf, capacity) : -1;

	*size_ret = size > 0 ? (size_t)size : 0;
	if (*fd >= 0 && (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))) {
		close(*fd);
		*fd = -1;
	}
	return size > 0;
}

static struct gs_error *take_dump(struct run *run)
{
	char chunk[65536];
	size_t size;

	while (take(&run->dump_fd, chunk, sizeof(chunk), &size)) {
		if (size > GS_EXPORT_DUMP_MAX - run->dump.size)
			return gs_error_create(GS_ERROR_CORRUPT,
					       "-dump-vmstate writes more than %zu bytes",
					       GS_EXPORT_DUMP_MAX);
		gs_text_append(&run->dump, chunk, size);
		if (run->dump.failed)
			return gs_error_nomem();
	}
	return NULL;
}

/* As much as a pipe holds: who writes without an end is not followed without one. */
static void take_words(struct run *run)
{
	char chunk[WORDS_MAX];
	size_t size;

	for (int i = 0; i < 65536 / WORDS_MAX; i++) {
		size_t drop;

		if (!take(&run->words_fd, chunk, sizeof(chunk), &size))
			return;
		drop = run->words_size + size > WORDS_MAX ? run->words_size + size - WORDS_MAX : 0;
		memmove(run->words, run->words + drop, run->words_size - drop);
		memcpy(run->words + run->words_size - drop, chunk, size);
		run->words_size += size - drop;
	}
}

/* Until it has ended and all that it wrote is here. */
static struct gs_error *follow(struct run *run, uint64_t deadline_ms)
{
	struct gs_error *err = NULL;
	bool ended = false;

	while (!err && !ended) {
		struct pollfd fds[] = {{.fd = run->dump_fd, .events = POLLIN},
				       {.fd = run->words_fd, .events = POLLIN},
				       {.fd = run->process.pidfd, .events = POLLIN}};
		int count = poll(fds, 3, gs_deadline_poll_ms(deadline_ms));

		if (count < 0 && errno != EINTR)
			return gs_error_os(errno, "poll");
		ended = count > 0 && fds[2].revents;
		err = take_dump(run);
		take_words(run);
		if (!err && !ended && gs_deadline_passed(deadline_ms))
			err = gs_error_create(GS_ERROR_TIMEOUT, "-dump-vmstate does not end");
	}
	return err;
}

/* ---- the verdict ---- */

/* QEMU aborts at some modules of another build. Setting QEMU_MODULE_DIR does not keep it from them.
 */
static struct gs_error *other_build(const char *words)
{
	const char *path = strstr(words, OTHER_MODULE);
	const char *slash = NULL;
	int size = 0;

	if (path) {
		path += strlen(OTHER_MODULE);
		size = (int)strcspn(path, "\r\n");
		slash = memrchr(path, '/', (size_t)size);
	}
	if (!slash)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "it met modules of another build, and ended");
	return gs_error_create(
		GS_ERROR_UNSUPPORTED,
		"it met modules of another build, and ended: %.*s; run it where its own are at "
		"that place: unshare -rm sh -c 'mount --bind ITS_MODULES %.*s && exec vmstate ...'",
		size, path, (int)(slash - path), path);
}

static struct gs_error *judge(struct run *run, char **words_ret)
{
	gs_autofree char *how = NULL, *words = NULL;
	struct gs_error *err;
	int status;

	err = gs_process_end(&run->process, &status);
	if (err)
		return err;
	run->words[run->words_size] = '\0';
	if (status != 0 && memmem(run->words, run->words_size, OTHER_BUILD, strlen(OTHER_BUILD)))
		return other_build(run->words);
	how = gs_wait_status_text(status);
	words = gs_log_words(run->words, WORDS_LINES);
	if (!how || !words)
		return gs_error_nomem();
	if (status != 0)
		return gs_error_create(GS_ERROR_GONE, "-dump-vmstate: %s%s%s", how,
				       words[0] ? ": " : " without a word", words);
	if (run->dump.size == 0)
		return gs_error_create(GS_ERROR_NODATA, "-dump-vmstate wrote nothing%s%s",
				       words[0] ? ": " : "", words);
	*words_ret = gs_take(words);
	return NULL;
}

static struct gs_error *check_dump(const struct gs_text *dump)
{
	gs_autojson struct gs_json *value = NULL;
	struct gs_error *err = gs_json_parse(dump->data, dump->size, &value);

	if (!err && !gs_json_get(value, "vmschkmachine"))
		err = gs_error_create(GS_ERROR_CORRUPT, "no 'vmschkmachine' in it");
	return gs_error_wrap(err, "what -dump-vmstate wrote");
}

static struct gs_error *finish(struct run *run, uint64_t deadline_ms, char **words_ret)
{
	struct gs_error *err = follow(run, deadline_ms);

	if (!err)
		err = judge(run, words_ret);
	if (!err)
		err = check_dump(&run->dump);
	return gs_error_wrap(err, "%s", run->binary);
}

struct gs_error *gs_export_run(const char *binary, uint64_t deadline_ms, struct gs_text *dump_ret,
			       char **words_ret)
{
	struct run run = {
		.binary = binary,
		.process = {.pidfd = -1, .gate_fd = -1},
		.dump_fd = -1,
		.words_fd = -1,
	};
	gs_autofree char *words = NULL;
	struct gs_error *err = start(&run);

	if (!err)
		err = finish(&run, deadline_ms, &words);
	if (!err) {
		*dump_ret = run.dump;
		run.dump = (struct gs_text){0};
		*words_ret = gs_take(words);
	}
	end(&run);
	return err;
}
