/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt dumps into files alone, and opens them itself. A fifo is one, for it:
 *
 *	QEMU ── pipe ── libvirt's helper ── fifo ── splice ── the session's pipe
 *
 * Two threads live as long as the dump: one waits in libvirt's call, one moves the bytes. When the
 * session closes its pipe, the mover closes the fifo, libvirt's helper dies of it, and QEMU's dump
 * ends.
 */
#ifdef GS_HAVE_LIBVIRT
#include "libvirt_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/cleanup.h>

#define DIR_TEMPLATE "/tmp/guestscope-dump.XXXXXX" /* where libvirtd can see it, too */
#define PIECE (1 << 20)
#define LOOK_MS 100 /* how long the end of a call without a byte may go unseen */

struct dump {
	const struct gs_libvirt_api *api;
	virDomainPtr domain;
	unsigned int format; /* virDomainCoreDumpFormat */
	char dir[sizeof(DIR_TEMPLATE)];
	char path[sizeof(DIR_TEMPLATE) + 8];
	int fifo, out;
	_Atomic bool called; /* libvirt's call is over */
	pthread_t caller;
};

/* Once libvirt has opened the fifo its name has done its work, and may not outlive us. */
static void remove_name(struct dump *d)
{
	if (*d->path)
		unlink(d->path);
	if (*d->dir)
		rmdir(d->dir);
	*d->path = *d->dir = '\0';
}

static _Atomic(struct dump *) current; /* libvirt takes one at a time */

static void destroy(struct dump *d)
{
	if (d->fifo >= 0)
		close(d->fifo);
	if (d->out >= 0)
		close(d->out);
	remove_name(d);
	current = NULL;
	free(d);
}

void gs_libvirt_dump_abandon(void)
{
	struct dump *d = current;

	if (d)
		remove_name(d);
}

static struct gs_error *parse_format(const char *name, unsigned int *ret)
{
	static const struct {
		const char *name;
		unsigned int format;
	} formats[] = {
		{"elf", VIR_DOMAIN_CORE_DUMP_FORMAT_RAW},
		{"kdump-zlib", VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB},
		{"kdump-lzo", VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO},
		{"kdump-snappy", VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY},
		{"win-dmp", VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP},
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (strcmp(name ? name : "elf", formats[i].name) == 0) {
			*ret = formats[i].format;
			return NULL;
		}
	}
	return gs_error_create(GS_ERROR_UNSUPPORTED, "libvirt cannot dump as %s", name);
}

static struct gs_error *make_fifo(struct dump *d)
{
	char template[] = DIR_TEMPLATE;

	if (!mkdtemp(template))
		return gs_error_os(errno, "%s", DIR_TEMPLATE);
	memcpy(d->dir, template, sizeof(d->dir));
	snprintf(d->path, sizeof(d->path), "%s/fifo", d->dir);
	if (mkfifo(d->path, 0600) < 0)
		return gs_error_os(errno, "%s", d->path);
	/* Without waiting for somebody who writes. */
	d->fifo = open(d->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return d->fifo < 0 ? gs_error_os(errno, "%s", d->path) : NULL;
}

/* The guest's state is the session's business: LIVE keeps libvirt from touching it. */
static void *call(void *arg)
{
	struct dump *d = arg;

	(void)d->api->virDomainCoreDumpWithFormat(d->domain, d->path, d->format,
						  VIR_DUMP_MEMORY_ONLY | VIR_DUMP_LIVE);
	d->called = true;
	return NULL;
}

/* Whether there may be more to move. */
static bool move_some(struct dump *d)
{
	struct pollfd p[] = {{.fd = d->fifo, .events = POLLIN}, {.fd = d->out}};
	ssize_t size;

	if (poll(p, 2, LOOK_MS) < 0)
		return errno == EINTR;
	if (p[1].revents & POLLERR)
		return false; /* nobody reads the pipe any more */
	if (!p[0].revents)
		return !d->called;
	remove_name(d);
	size = splice(d->fifo, NULL, d->out, NULL, PIECE, SPLICE_F_MOVE);
	if (size < 0)
		return errno == EINTR || errno == EAGAIN;
	return size > 0;
}

static void *move(void *arg)
{
	struct dump *d = arg;

	while (move_some(d))
		;
	remove_name(d);
	close(gs_take_fd(&d->fifo));
	close(gs_take_fd(&d->out));
	pthread_join(d->caller, NULL);
	destroy(d);
	return NULL;
}

static struct gs_error *start_threads(struct dump *d)
{
	pthread_t mover;

	if (pthread_create(&d->caller, NULL, call, d) != 0)
		return gs_error_create(GS_ERROR_NOMEM, "no thread for the dump");
	if (pthread_create(&mover, NULL, move, d) != 0)
		_exit(EXIT_FAILURE); /* of the bridge: libvirt's call is on its way */
	pthread_detach(mover);
	return NULL;
}

struct gs_error *gs_libvirt_dump_start(const struct gs_libvirt_api *api, virDomainPtr domain,
				       const char *format, int fd)
{
	struct dump *d = calloc(1, sizeof(*d));
	struct gs_error *err;

	if (!d) {
		close(fd);
		return gs_error_nomem();
	}
	*d = (struct dump){.api = api, .domain = domain, .fifo = -1, .out = fd};
	err = fd < 0 ? gs_error_create(GS_ERROR_INVALID, "no pipe came with the command") : NULL;
	if (!err)
		err = parse_format(format, &d->format);
	if (!err)
		err = make_fifo(d);
	current = d;
	if (!err)
		err = start_threads(d);
	if (err)
		destroy(d);
	return err;
}
#endif
