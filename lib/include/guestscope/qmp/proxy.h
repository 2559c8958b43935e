/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A monitor for many: clients connect to a socket of ours and each of them finds what looks like a
 * monitor of its own. Behind it is one session, which may lead anywhere that qmp.h can connect to.
 *
 *	client ─┐                            ids made ours, and back again
 *	client ─┼─ queue of each ─ turns ─── one session ─── the monitor
 *	client ─┘                            events to all, replies to the asker
 *
 * - Clients are greeted with the monitor's version, and negotiate with us.
 * - A client's commands run in order; clients take turns. A command without id gets its reply
 *   without one. Numbers keep their text both ways.
 * - Descriptors pass where the session passes them. Names given by getfd are a client's own:
 *   another one neither sees nor overwrites them, and they are closed when it leaves.
 * - One that does not read its replies is read from no more, and is dropped when too many events
 *   have piled up for it; one that leaves takes its waiting commands along, and the reply to the
 *one that runs is dropped. None of that holds the others up.
 * - "quit" is refused unless allowed; so is what would end the others' connection in other ways.
 */
#ifndef GUESTSCOPE_QMP_PROXY_H
#define GUESTSCOPE_QMP_PROXY_H

#include <guestscope/qmp.h>

struct gs_proxy_options {
	bool allow_quit;
	size_t client_max;  /* connections at a time; 0: 1024 */
	size_t request_max; /* bytes of one command; 0: 64 MiB, QEMU's own limit */
	size_t backlog_max; /* bytes that wait for a client to read them; 0: 16 MiB */
	int stop_fd;        /* readable: stop; 0: never */
	/* What happens to clients, one line each; may be NULL. */
	void (*log)(void *arg, const char *line);
	void *log_arg;
};

/*
 * Serve clients that connect to @listen_fd (a listening unix or TCP socket, the caller's) until
 * stop_fd tells to stop (NULL) or the monitor ends (GONE; the clients see what there was, then an
 * end). @qmp is used by nobody else meanwhile.
 */
GS_MUST_CHECK struct gs_error *gs_proxy_run(struct gs_qmp *qmp, int listen_fd,
					    const struct gs_proxy_options *options);

#endif
