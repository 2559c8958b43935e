/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump in a pipe. QMP has no command that cancels a dump, but QEMU gives up with EPIPE once
 * nobody reads: our end of the pipe is the handle, also when we die.
 */
#include "pipe_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>

#define PIPE_BYTES (1 << 20) /* fewer, longer turns between QEMU and us */
#define CANCEL_MS 5000       /* a QEMU that does not hang gives up much faster */
#define FD_NAME "guestscope-dump"

static struct gs_error *make_pipe(int *read_fd_ret, int *write_fd_ret)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	*read_fd_ret = pair[0];
	*write_fd_ret = pair[1];
	/* Only a matter of speed: unprivileged users may have used up their share. */
	(void)fcntl(pair[1], F_SETPIPE_SZ, PIPE_BYTES);
	return NULL;
}

static struct gs_error *hand_over_pipe(struct gs_qmp *qmp, int *read_fd_ret)
{
	gs_autoclose int read_fd = -1, write_fd = -1;
	struct gs_error *err = make_pipe(&read_fd, &write_fd);

	if (!err)
		err = gs_qmp_getfd(qmp, FD_NAME, write_fd);
	if (!err)
		*read_fd_ret = gs_take_fd(&read_fd);
	return err;
}

/* libvirt knows no ranges, and no dump that is over with its reply. */
static struct gs_error *start_by_libvirt(struct gs_qmp *qmp, const char *format,
					 struct pipe_dump *ret)
{
	gs_autoclose int read_fd = -1, write_fd = -1;
	struct gs_error *err;

	gs_qmp_drop_events(qmp);
	err = make_pipe(&read_fd, &write_fd);
	if (!err)
		err = gs_qmp_libvirt_dump(qmp, format, write_fd);
	if (err)
		return gs_error_wrap(err, "libvirt's dump");
	*ret = (struct pipe_dump){.qmp = qmp, .fd = gs_take_fd(&read_fd), .active = true};
	return NULL;
}

/* An early refusal leaves the name registered, a later one does not. */
static struct gs_error *refused(struct gs_qmp *qmp, struct gs_error *err)
{
	if (err->code == GS_ERROR_REFUSED)
		gs_error_destroy(gs_qmp_closefd(qmp, FD_NAME));
	return gs_error_wrap(err, "dump-guest-memory");
}

/* *id_ret: of the command, whose reply has not been awaited. */
static struct gs_error *begin(struct gs_qmp *qmp, struct gs_qmp_dump *command, int *fd_ret,
			      uint64_t *id_ret)
{
	gs_autoclose int fd = -1;
	struct gs_error *err;

	/* Of a dump that somebody else took there may be a verdict in the queue. */
	gs_qmp_drop_events(qmp);
	err = hand_over_pipe(qmp, &fd);
	if (err)
		return err;
	command->fd_name = FD_NAME;
	err = gs_qmp_dump_start(qmp, command, id_ret);
	if (err)
		return refused(qmp, err);
	*fd_ret = gs_take_fd(&fd);
	return NULL;
}

struct gs_error *gs_pipe_dump_start(struct gs_qmp *qmp, const char *format, struct pipe_dump *ret)
{
	struct gs_qmp_dump command = {.format = format, .detach = true};
	gs_autoclose int fd = -1;
	uint64_t id;
	struct gs_error *err;

	if (gs_qmp_is_libvirt(qmp))
		return start_by_libvirt(qmp, format, ret);
	err = begin(qmp, &command, &fd, &id);
	if (err)
		return err;
	err = gs_qmp_await(qmp, id, 0, NULL);
	if (err)
		return refused(qmp, err);
	*ret = (struct pipe_dump){.qmp = qmp, .fd = gs_take_fd(&fd), .active = true};
	return NULL;
}

/* Until there is something to read, or a reply: the dump is over already, or was refused. */
static struct gs_error *await_start(const struct pipe_dump *dump)
{
	uint64_t deadline = gs_deadline_in(GS_PIPE_SILENCE_MS);
	struct pollfd wait[] = {{.fd = dump->fd, .events = POLLIN},
				{.fd = gs_qmp_fd(dump->qmp), .events = POLLIN}};

	while (!gs_qmp_answered(dump->qmp, dump->reply_id)) {
		int rc = poll(wait, 2, gs_deadline_poll_ms(deadline));

		if (rc < 0 && errno != EINTR)
			return gs_error_os(errno, "poll");
		if (rc > 0 && (wait[0].revents & POLLIN))
			return NULL;
		if (rc > 0 && wait[0].revents)
			wait[0].fd = -1; /* closed unused: the reply says why */
		if (gs_deadline_passed(deadline))
			return gs_error_create(GS_ERROR_TIMEOUT, "QEMU wrote nothing for %d s",
					       GS_PIPE_SILENCE_MS / 1000);
	}
	return NULL;
}

struct gs_error *gs_pipe_dump_start_brief(struct gs_qmp *qmp, gs_gpa_t begin_gpa, uint64_t length,
					  struct pipe_dump *ret)
{
	struct gs_qmp_dump command = {
		.has_range = length != 0, .begin = begin_gpa, .length = length};
	struct pipe_dump dump = {.qmp = qmp, .fd = -1};
	struct gs_error *err;

	if (gs_qmp_is_libvirt(qmp))
		return length ? gs_error_create(GS_ERROR_UNSUPPORTED,
						"libvirt dumps all memory or nothing")
			      : start_by_libvirt(qmp, NULL, ret);
	err = begin(qmp, &command, &dump.fd, &dump.reply_id);
	if (err)
		return err;
	err = await_start(&dump);
	if (!err && gs_qmp_answered(qmp, dump.reply_id)) {
		err = gs_qmp_await(qmp, dump.reply_id, 0, NULL);
		dump.reply_id = 0;
		if (err)
			err = refused(qmp, err);
	}
	if (err)
		gs_pipe_dump_cancel(&dump);
	else
		*ret = dump;
	return err;
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

	if (dump->reply_id) {
		err = gs_qmp_await(dump->qmp, dump->reply_id, deadline, NULL);
		dump->reply_id = 0;
		return gs_error_wrap(err, "dump-guest-memory");
	}
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
