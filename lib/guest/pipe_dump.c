/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump in a pipe. QMP has no command that cancels a dump, but QEMU gives up with EPIPE once
 * nobody reads: our end of the pipe is the handle, also when we die.
 */
#include "pipe_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>

#define PIPE_BYTES (1 << 20) /* fewer, longer turns between QEMU and us */
#define CANCEL_MS 5000       /* a QEMU that does not hang gives up much faster */
#define FD_NAME "guestscope-dump"

static struct gs_error *hand_over_pipe(struct gs_qmp *qmp, int *read_fd_ret)
{
	gs_autoclose int write_fd = -1;
	int pair[2];
	struct gs_error *err;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	write_fd = pair[1];
	/* Only a matter of speed: unprivileged users may have used up their share. */
	(void)fcntl(write_fd, F_SETPIPE_SZ, PIPE_BYTES);
	err = gs_qmp_getfd(qmp, FD_NAME, write_fd);
	if (err)
		close(pair[0]);
	else
		*read_fd_ret = pair[0];
	return err;
}

struct gs_error *gs_pipe_dump_start(struct gs_qmp *qmp, const char *format, gs_gpa_t begin,
				    uint64_t length, struct pipe_dump *ret)
{
	struct gs_qmp_dump command = {.fd_name = FD_NAME,
				      .format = format,
				      .detach = true,
				      .has_range = length != 0,
				      .begin = begin,
				      .length = length};
	gs_autoclose int fd = -1;
	struct gs_error *err;
	uint64_t id;

	/* Of a dump that somebody else took there may be a verdict in the queue. */
	gs_qmp_drop_events(qmp);
	err = hand_over_pipe(qmp, &fd);
	if (err)
		return err;
	err = gs_qmp_dump_start(qmp, &command, &id);
	if (!err)
		err = gs_qmp_await(qmp, id, 0, NULL);
	if (err) {
		/* An early refusal leaves the name registered, a later one does not. */
		if (err->code == GS_ERROR_REFUSED)
			gs_error_destroy(gs_qmp_closefd(qmp, FD_NAME));
		return gs_error_wrap(err, "dump-guest-memory");
	}
	*ret = (struct pipe_dump){.qmp = qmp, .fd = gs_take_fd(&fd), .active = true};
	return NULL;
}

static struct gs_error *read_verdict(const struct gs_json *data)
{
	const char *status = gs_json_string(gs_json_path(data, "result", "status", NULL));
	const char *why = gs_json_string(gs_json_get(data, "error"));

	if (status && strcmp(status, "completed") == 0)
		return NULL;
	return gs_error_create(GS_ERROR_REFUSED, "QEMU's dump %s%s%s", status ? status : "failed",
			       why ? ": " : "", why ? why : "");
}

/* @verdict_ret NULL: any event of that name will do. */
static struct gs_error *await_event(struct gs_qmp *qmp, const char *name, uint64_t deadline,
				    struct gs_error **verdict_ret)
{
	for (;;) {
		struct gs_qmp_event event;
		struct gs_error *err = gs_qmp_next_event(qmp, deadline, &event);
		bool found;

		if (err)
			return gs_error_wrap(err, "waiting for %s", name);
		found = strcmp(event.name, name) == 0;
		if (found && verdict_ret)
			*verdict_ret = read_verdict(event.data);
		gs_qmp_event_deinit(&event);
		if (found)
			return NULL;
	}
}

/*
 * QEMU says DUMP_COMPLETED before it lets a guest that it had stopped itself run again. Whoever
 * asks for the guest's state in between is told that it stands still.
 */
static struct gs_error *await_resume(struct gs_qmp *qmp, uint64_t deadline)
{
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_query_status(qmp, &status);

	if (err || strcmp(status.status, "save-vm") != 0)
		return err;
	return await_event(qmp, "RESUME", deadline, NULL);
}

static struct gs_error *await_verdict(struct pipe_dump *dump, uint64_t deadline)
{
	gs_autoerror struct gs_error *verdict = NULL;
	struct gs_error *err;

	if (!dump->active)
		return NULL;
	dump->active = false;
	err = await_event(dump->qmp, "DUMP_COMPLETED", deadline, &verdict);
	if (!err)
		err = await_resume(dump->qmp, deadline);
	return err ? err : gs_take(verdict);
}

/* Behind the RAM there are sections that nobody here wants, but QEMU wants to be rid of. */
static void drain(int fd)
{
	char piece[4096];

	while (gs_read_steady(fd, piece, sizeof(piece), GS_PIPE_SILENCE_MS) == sizeof(piece))
		;
}

struct gs_error *gs_pipe_dump_finish(struct pipe_dump *dump)
{
	if (dump->fd >= 0) {
		drain(dump->fd);
		close(gs_take_fd(&dump->fd));
	}
	return await_verdict(dump, gs_deadline_in(GS_PIPE_SILENCE_MS));
}

void gs_pipe_dump_cancel(struct pipe_dump *dump)
{
	if (dump->fd >= 0)
		close(gs_take_fd(&dump->fd));
	gs_error_destroy(await_verdict(dump, gs_deadline_in(CANCEL_MS)));
}
