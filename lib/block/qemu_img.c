/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-img, asked about an image: it knows all formats, and takes no lock. */
#include "graph.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#define PATIENCE_MS 20000
#define OUTPUT_MAX (16u << 20) /* info of a chain takes about 1 KiB for each image */

struct channel {
	int fd;
	struct gs_text text;
	bool overflow;
};

/* What has come; the fd is closed at its end. */
static struct gs_error *take(struct channel *c)
{
	char piece[16384];
	ssize_t n = read(c->fd, piece, sizeof(piece));

	if (n < 0)
		return errno == EINTR ? NULL : gs_error_os(errno, "qemu-img");
	if (n == 0) {
		close(gs_take_fd(&c->fd));
		return NULL;
	}
	if (c->text.size + (size_t)n > OUTPUT_MAX)
		return gs_error_create(GS_ERROR_CORRUPT, "qemu-img prints more than %u bytes",
				       OUTPUT_MAX);
	gs_text_append(&c->text, piece, (size_t)n);
	return c->text.failed ? gs_error_nomem() : NULL;
}

/* Both until their end. */
static struct gs_error *collect(struct channel channels[2], uint64_t deadline_ms)
{
	struct gs_error *err = NULL;

	while (!err && (channels[0].fd >= 0 || channels[1].fd >= 0)) {
		struct pollfd p[2] = {{.fd = channels[0].fd, .events = POLLIN},
				      {.fd = channels[1].fd, .events = POLLIN}};
		int ready = poll(p, 2, gs_deadline_poll_ms(deadline_ms));

		if (ready < 0 && errno != EINTR)
			return gs_error_os(errno, "poll");
		if (ready == 0)
			return gs_error_create(GS_ERROR_TIMEOUT, "qemu-img did not end within %d s",
					       PATIENCE_MS / 1000);
		for (int i = 0; ready > 0 && !err && i < 2; i++)
			if (p[i].revents)
				err = take(&channels[i]);
	}
	return err;
}

static struct gs_error *open_pipe(struct channel *c, int *write_fd_ret)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	c->fd = pair[0];
	*write_fd_ret = pair[1];
	return NULL;
}

static struct gs_error *start(const char *const *argv, struct channel channels[2],
			      struct gs_process *process)
{
	gs_autoclose int out_fd = -1, err_fd = -1;
	struct gs_error *err = open_pipe(&channels[0], &out_fd);
	struct gs_spawn spawn = {.argv = argv, .stdin_fd = -1};

	if (!err)
		err = open_pipe(&channels[1], &err_fd);
	if (err)
		return err;
	spawn.stdout_fd = out_fd;
	spawn.stderr_fd = err_fd;
	err = gs_process_spawn(&spawn, process);
	if (err && err->code == GS_ERROR_OS && err->os_errno == ENOENT) {
		gs_error_destroy(err);
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "qemu-img is not installed, and would have to be asked");
	}
	return err;
}

static struct gs_error *judge(struct channel channels[2], int status, struct gs_json **ret)
{
	gs_autofree char *ending = NULL;
	gs_autoerror struct gs_error *err = NULL;
	const char *said = channels[1].text.data;

	/* A check that found something exits with failure, too, but has printed its numbers. */
	if (channels[0].text.size) {
		err = gs_json_parse(channels[0].text.data, channels[0].text.size, ret);
		if (!err)
			return NULL;
	}
	if (said)
		return gs_error_create(strstr(said, "not support") ? GS_ERROR_UNSUPPORTED
								   : GS_ERROR_CORRUPT,
				       "%.*s", (int)strcspn(said, "\n"), said);
	if (err)
		return gs_error_wrap(gs_take(err), "qemu-img");
	ending = gs_wait_status_text(status);
	return gs_error_create(GS_ERROR_CORRUPT, "qemu-img %s", ending ? ending : "failed");
}

static struct gs_error *run(const char *const *argv, struct channel channels[2],
			    struct gs_json **ret)
{
	uint64_t deadline_ms = gs_deadline_in(PATIENCE_MS);
	struct gs_process process;
	struct gs_error *err = start(argv, channels, &process);
	int status = 0;

	if (err)
		return err;
	err = collect(channels, deadline_ms);
	if (!err)
		err = gs_process_wait(&process, deadline_ms, &status);
	if (err) {
		gs_error_destroy(gs_process_end(&process, NULL));
		return err;
	}
	gs_process_deinit(&process);
	return judge(channels, status, ret);
}

struct gs_error *gs_block_qemu_img(const char *command, const char *option, const char *format,
				   const char *path, struct gs_json **ret)
{
	struct channel channels[2] = {{.fd = -1}, {.fd = -1}};
	/* What stands before a colon would be taken for a protocol, and a dash for an option. */
	gs_autofree char *name = gs_strf("%s%s", *path == '/' ? "" : "./", path);
	const char *argv[] = {"qemu-img", command, "--output=json",        "--force-share",
			      "-f",       format,  option ? option : name, option ? name : NULL,
			      NULL};
	struct gs_error *err = name ? run(argv, channels, ret) : gs_error_nomem();

	for (int i = 0; i < 2; i++) {
		if (channels[i].fd >= 0)
			close(channels[i].fd);
		gs_text_deinit(&channels[i].text);
	}
	return gs_error_wrap(err, "%s", path);
}
