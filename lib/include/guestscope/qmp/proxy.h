/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A monitor for many: clients connect to a socket of ours and each of them finds what looks like a
 * monitor of its own. Behind it is one session, which may lead anywhere that qmp.h can connect to.
 *
 *	client ─┐                            ids made ours, and back again
 *	client ─┼─ queue of each ─ turns ─── one session ─── the monitor
 *	client ─┘                            events to all, replies to the asker
 *
 * - Clients are greeted with the monitor's version, and negotiate with us. There is no oob. The
 *   greeting has one member more, GS_PROXY_MARK, by which gs_qmp_peer_pid() knows that the process
 *   at the other end is not QEMU.
 * - A client's commands run in order, one at a time; clients take turns. Ids are any JSON, or none.
 *   Members keep their order and numbers their text, both ways; replies look as QEMU prints them.
 * - Requests are JSON as RFC 8259 has it, and strings hold no \u0000: QEMU itself is more generous
 *   (single quotes). What is no such object gets an error without an id, as from QEMU, and whatever
 *   follows it counts again.
 * - Descriptors pass where the session passes them, with getfd and add-fd, which are the commands
 *   that take one. Names given by getfd are a client's own: another one neither sees nor overwrites
 *   them, and they are closed when it leaves. They are known where QEMU looks for such names
 *   (proxy_names.c), but not within the lines of human-monitor-command. Sets made by add-fd are
 *   QEMU's own, and everybody's.
 * - One that does not read its replies is read from no more, and is dropped when too many events
 *   have piled up for it; one that leaves takes its waiting commands along, and the reply to the
 *   one that runs is dropped. None of that holds the others up.
 * - "quit" is refused unless allowed, also through the human monitor; so is "yank" of chardevs, of
 *   which the monitor's own may be one.
 */
#ifndef GUESTSCOPE_QMP_PROXY_H
#define GUESTSCOPE_QMP_PROXY_H

#include <guestscope/qmp.h>

#define GS_PROXY_MARK "guestscope-proxy" /* true, beside "version" */

/* Where clients connect to. */
struct gs_proxy_listener {
	int fd;
	char *path;          /* of its unix socket; NULL: an abstract name, or TCP */
	uint64_t dev, inode; /* of the file there */
};

/*
 * Listen at a UNIX or TCP address. A unix socket's file has mode 0600; one that nobody listens to
 * any more is replaced, and two who do that at once do not take it from each other.
 *   BUSY     somebody listens there
 *   INVALID  there is a file that is no socket; or TCP on an address that others can reach, without
 *            @insecure: anyone who connects can do as they please with the guest and more
 */
GS_MUST_CHECK struct gs_error *gs_proxy_listen(const struct gs_qmp_address *address, bool insecure,
					       struct gs_proxy_listener *ret);
/* Also removes the file, if it is still ours. */
void gs_proxy_listener_close(struct gs_proxy_listener *listener);

struct gs_proxy_options {
	bool allow_quit;
	size_t client_max;  /* connections at a time, others wait; 0: 1024 */
	size_t request_max; /* bytes of one command; 0: 1 MiB, which takes QEMU seconds to read */
	size_t backlog_max; /* bytes of events that wait for a client to read them; 0: 4 MiB */
	int stop_fd;        /* readable: stop; 0: never */
	/* What happens to clients, one line each; may be NULL. */
	void (*log)(void *arg, const char *line);
	void *log_arg;
};

/*
 * Serve clients that connect to @listen_fd (a listening unix or TCP socket, the caller's; it will
 * not block any more) until stop_fd tells to stop (NULL) or the monitor ends (GONE; the clients see
 * what there was, then an end). @qmp is used by nobody else meanwhile. @options may be NULL.
 */
GS_MUST_CHECK struct gs_error *gs_proxy_run(struct gs_qmp *qmp, int listen_fd,
					    const struct gs_proxy_options *options);

#endif
