/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session consists of. Messages go this way:
 *
 *	transport -- gs_qmp_pump() --+- greeting --- session.c
 *	                             +- event ------ events.c: queue
 *	                             +- reply ------ incoming.c: the request with its id
 *
 * Recovery (incoming.c). An error without an id, or bytes that are no message, tell that something
 * was not understood, but not what. The session then makes the peer's parser forget what it has
 * and sends a marker, a command whose reply everything older must precede. When that comes, the
 * requests that are older and still without a reply are the ones that were not understood.
 */
#ifndef QMP_SESSION_H
#define QMP_SESSION_H

#include <guestscope/qmp.h>

#include "transport.h"

#define GS_QMP_IN_FLIGHT_MAX 8
#define GS_QMP_COMMAND_NAME_SIZE 64

enum gs_qmp_request_state {
	GS_QMP_REQUEST_FREE,
	GS_QMP_REQUEST_WAITING,
	GS_QMP_REQUEST_ANSWERED,
	GS_QMP_REQUEST_ABANDONED, /* nobody waits, but the peer has yet to answer it */
};

struct gs_qmp_request {
	enum gs_qmp_request_state state;
	uint64_t id;
	char command[GS_QMP_COMMAND_NAME_SIZE];
	bool carries_fd;
	struct gs_json *reply;    /* ANSWERED: the whole message, or */
	struct gs_error *failure; /* why there is none */
};

struct gs_qmp_events {
	struct gs_qmp_event *ring;
	size_t *sizes; /* bytes of each one's text */
	size_t first, count, capacity;
	size_t bytes;     /* of all in the ring */
	uint64_t dropped; /* older than the first, not yet reported */
	bool shutdown_seen;
	struct gs_qmp_run_history history;
	uint64_t stopped_us; /* time of a STOP that no RESUME followed yet; 0: none */
};

struct gs_qmp {
	struct gs_qmp_options options; /* complete: no zeros that stand for defaults */
	struct gs_qmp_transport *transport;
	char *name;
	char id_prefix[32]; /* of this session alone, even after a fork */
	uint64_t last_id;
	struct gs_qmp_request requests[GS_QMP_IN_FLIGHT_MAX];
	struct gs_qmp_events events;

	uint64_t marker_id;             /* of the recovery in process, or 0 */
	struct gs_json *not_understood; /* the error without an id that set it off, or */
	struct gs_error *garbled;       /* what was wrong with the bytes that did */

	bool greeted;
	bool negotiated;        /* from here on, garbage sets off a recovery */
	struct gs_error *ended; /* why no more will come */
	bool is_proxied;        /* by proxy.c: the process at the other end is not QEMU */
	bool is_bridged;        /* through libvirt (libvirt.h): */
	char *domain_uuid;      /* of the domain; "" if it is not on this host */
	int version[3];
	char error_class[64];
};

/* ---- session.c ---- */

/*
 * A session over a connected socket, which it takes on success; nothing was said yet. @aligned: see
 * transport.h. @name is copied.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_session_over(int fd, bool aligned, const char *name,
						   const struct gs_qmp_options *options,
						   struct gs_qmp **ret);
/*
 * Connect to a UNIX or TCP address. @give_way: where the kernel tells that another client is
 * served, BUSY at once and not only when patience ends.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_connect_socket(const struct gs_qmp_address *address,
						     const struct gs_qmp_options *options,
						     bool give_way, struct gs_qmp **ret);

/* Await the greeting of a fresh connection, and negotiate. */
GS_MUST_CHECK struct gs_error *gs_qmp_greet(struct gs_qmp *qmp);
/* How long a connection may take by these options, which may be NULL. */
uint64_t gs_qmp_greeting_ms(const struct gs_qmp_options *options);

/* ---- incoming.c ---- */

/*
 * Receive one message and file it. NULL also when the connection ended: then qmp->ended is set.
 * TIMEOUT when nothing came.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_pump(struct gs_qmp *qmp, uint64_t deadline_ms);
/* @version: of the greeting, or the reply to query-version. */
void gs_qmp_note_version(struct gs_qmp *qmp, const struct gs_json *version);
/* Start a recovery, or go on with the one in process. */
GS_MUST_CHECK struct gs_error *gs_qmp_recover(struct gs_qmp *qmp, uint64_t deadline_ms);
void gs_qmp_request_free(struct gs_qmp_request *request);
struct gs_qmp_request *gs_qmp_request_find(struct gs_qmp *qmp, uint64_t id);
/* A whole command under the id @id, as text; *ret was NULL. */
GS_MUST_CHECK struct gs_error *gs_qmp_label(const struct gs_qmp *qmp, struct gs_json *request,
					    uint64_t id, char **ret);
/* The command as it goes over the wire. Takes @arguments, which may be NULL. */
GS_MUST_CHECK struct gs_error *gs_qmp_request_text(const struct gs_qmp *qmp, const char *command,
						   struct gs_json *arguments, uint64_t id,
						   char **ret);
/* Whether to stop waiting: the deadline has passed and everything that had arrived is filed. */
bool gs_qmp_is_over(struct gs_qmp *qmp, uint64_t deadline_ms);

/* ---- exchange.c: for one who passes on what others say. None of these waits. ---- */

/* Whether gs_qmp_post() can be called; with a descriptor: @for_fd. */
bool gs_qmp_has_room(const struct gs_qmp *qmp, bool for_fd);
/* Commands that the peer has yet to answer, or whose replies were not collected. */
size_t gs_qmp_in_flight(const struct gs_qmp *qmp);
/* What the peer has had no room for goes out with later calls, best when its socket takes it. */
bool gs_qmp_has_unsent(const struct gs_qmp *qmp);
/*
 * Send @request, a whole command that is the caller's and stays so; its member "id" becomes the
 * session's own. @fd rides on it unless -1. TIMEOUT: not now.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_post(struct gs_qmp *qmp, struct gs_json *request, int fd,
					   uint64_t *id_ret);
/*
 * The whole reply, be it an error, with the session's id; *ret stays as it is while there is none.
 * PROTOCOL: the peer gave none that could be understood.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_collect(struct gs_qmp *qmp, uint64_t id,
					      struct gs_json **ret);
/* The reply will be dropped. */
void gs_qmp_abandon(struct gs_qmp *qmp, uint64_t id);

/* ---- events.c ---- */

/* Takes @message, an object with a member "event". @size: bytes of its text. */
GS_MUST_CHECK struct gs_error *gs_qmp_events_push(struct gs_qmp_events *events,
						  struct gs_json *message, size_t size);
/* Queue the event that a peer which vanishes does not send. */
GS_MUST_CHECK struct gs_error *gs_qmp_events_push_end(struct gs_qmp_events *events);
void gs_qmp_events_clear(struct gs_qmp_events *events);
void gs_qmp_events_deinit(struct gs_qmp_events *events);

/* ---- process.c ---- */

/* Connect to a monitor of the QEMU process of a PID address. */
GS_MUST_CHECK struct gs_error *gs_qmp_connect_process(const struct gs_qmp_address *address,
						      const struct gs_qmp_options *options,
						      struct gs_qmp **ret);

#endif
