/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Engine "qemu": QEMU's own writer, through a pipe so that our death ends the dump. */
#include <guestscope/guest.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <guestscope/base/io.h>

#include "pipe_dump.h"

#define PIECE_BYTES (1 << 20)

/* Outputs that splice() refuses (terminals, O_APPEND files) get a copy. */
static ssize_t copy_piece(int from, int to)
{
	gs_autofree char *piece = malloc(PIECE_BYTES);
	ssize_t size;

	if (!piece)
		return -1;
	size = read(from, piece, PIECE_BYTES);
	if (size > 0 && gs_write_full(to, piece, (size_t)size) < 0)
		return -1;
	return size;
}

static ssize_t move_piece(int from, int to)
{
	ssize_t size = splice(from, NULL, to, NULL, PIECE_BYTES, SPLICE_F_MOVE);

	return size < 0 && errno == EINVAL ? copy_piece(from, to) : size;
}

static int await(int fd, short events, int timeout_ms)
{
	struct pollfd wait = {.fd = fd, .events = events};

	return poll(&wait, 1, timeout_ms);
}

static struct gs_error *move_all(int from, int to, _Atomic uint64_t *done_bytes,
				 const _Atomic int *cancelled)
{
	for (;;) {
		int ready = await(from, POLLIN, GS_PIPE_SILENCE_MS);
		ssize_t size = ready;

		if (cancelled && *cancelled)
			return gs_error_os(EINTR, "dump");
		if (ready == 0)
			return gs_error_create(GS_ERROR_TIMEOUT, "QEMU wrote nothing for %d s",
					       GS_PIPE_SILENCE_MS / 1000);
		if (ready > 0)
			size = move_piece(from, to);
		if (size == 0)
			return NULL;
		/* Somebody may have made our stdout non-blocking. */
		if (size < 0 && errno == EAGAIN)
			(void)await(to, POLLOUT, -1);
		else if (size < 0 && errno != EINTR)
			return gs_error_os(errno, "write");
		if (size > 0 && done_bytes)
			*done_bytes += (uint64_t)size;
	}
}

struct gs_error *gs_guest_qemu_dump(struct gs_qmp *qmp, const char *format, int fd_out,
				    _Atomic uint64_t *done_bytes, const _Atomic int *cancelled)
{
	struct pipe_dump dump;
	struct gs_error *err = gs_pipe_dump_start(qmp, format, &dump);

	if (err)
		return err;
	err = move_all(dump.fd, fd_out, done_bytes, cancelled);
	if (err) {
		gs_pipe_dump_cancel(&dump);
		return err;
	}
	return gs_pipe_dump_finish(&dump);
}
