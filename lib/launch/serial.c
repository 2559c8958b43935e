/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits until a guest has written a text to its serial port. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "internal.h"

#define SERIAL_CHUNK 65536

/* A search that goes on where it stopped: the text may come in pieces. */
struct search {
	int fd;
	struct gs_text seen; /* the end of what was read: less than the text's size, and new data */
	bool found;
};

/* Reads what is new. */
static struct gs_error *search_on(struct search *search, const struct gs_serial_wait *wait)
{
	size_t keep = strlen(wait->text) - 1;
	gs_autofree char *chunk = malloc(SERIAL_CHUNK);
	ssize_t size;

	if (!chunk)
		return gs_error_nomem();
	while (!search->found && (size = gs_read_full(search->fd, chunk, SERIAL_CHUNK)) != 0) {
		struct gs_text *seen = &search->seen;

		if (size < 0)
			return gs_error_os(errno, "%s", wait->path);
		gs_text_append(seen, chunk, (size_t)size);
		if (seen->failed)
			return gs_error_nomem();
		search->found = memmem(seen->data, seen->size, wait->text, keep + 1);
		if (seen->size > keep) {
			memmove(seen->data, seen->data + seen->size - keep, keep);
			seen->size = keep;
		}
	}
	return NULL;
}

/* The inotify queue only says that there is something to read. */
static void drain(int inotify_fd)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(inotify_fd, events, sizeof(events)) > 0)
		;
}

/* Sleeps until there is news; NULL: the file may have grown. */
static struct gs_error *await_news(const struct gs_serial_wait *wait, int inotify_fd)
{
	struct pollfd fds[] = {
		{.fd = inotify_fd, .events = POLLIN},
		{.fd = wait->pidfd, .events = POLLIN},
		{.fd = wait->cancel_fd > 0 ? wait->cancel_fd : -1, .events = POLLIN},
	};
	int rc = poll(fds, 3, gs_deadline_poll_ms(wait->deadline_ms));

	if (rc < 0 && errno != EINTR)
		return gs_error_os(errno, "poll");
	if (rc > 0 && fds[2].revents)
		return gs_error_os(EINTR, "waiting for '%s'", wait->text);
	if (rc > 0 && fds[1].revents)
		return gs_error_create(GS_ERROR_GONE, "the guest ended before it wrote '%s'",
				       wait->text);
	drain(inotify_fd);
	if (gs_deadline_passed(wait->deadline_ms)) /* also when the guest never stops talking */
		return gs_error_create(GS_ERROR_TIMEOUT, "no '%s' on the serial port in time",
				       wait->text);
	return NULL;
}

static struct gs_error *await(const struct gs_serial_wait *wait, struct search *search,
			      int inotify_fd)
{
	for (;;) {
		struct gs_error *err, *news;

		err = search_on(search, wait);
		if (err || search->found)
			return err;
		news = await_news(wait, inotify_fd);
		if (!news)
			continue;
		/* The text may have come at the very end. */
		err = search_on(search, wait);
		if (!err && !search->found)
			return news;
		gs_error_destroy(news);
		return err;
	}
}

struct gs_error *gs_serial_await(const struct gs_serial_wait *wait)
{
	gs_autoclose int inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	gs_autoclose int fd = open(wait->path, O_RDONLY | O_CLOEXEC);
	struct search search = {.fd = fd};
	struct gs_error *err;

	if (inotify_fd < 0)
		return gs_error_os(errno, "inotify");
	if (fd < 0 || inotify_add_watch(inotify_fd, wait->path, IN_MODIFY) < 0)
		return gs_error_os(errno, "%s", wait->path);
	err = await(wait, &search, inotify_fd);
	gs_text_deinit(&search.seen);
	return err;
}
