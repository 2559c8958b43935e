/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a proxy consists of. A client's command goes this way:
 *
 *	read -- input -- take -- request -- its turn -- gs_qmp_post()
 *	(proxy_client.c) (proxy_request.c)  (proxy.c)   ...
 *	write -- out -- its own id and names put back - gs_qmp_collect()
 *
 * A client has at most one request; no more is read from it before the reply is in its socket.
 */
#ifndef QMP_PROXY_H
#define QMP_PROXY_H

#include <guestscope/base/text.h>
#include <guestscope/qmp/proxy.h>

#include "stream_input.h"

/* A client's names for descriptors (getfd). */
struct gs_proxy_names {
	char prefix[48];      /* what makes them one client's among all that QEMU knows */
	struct gs_json *held; /* an object whose members are the names; NULL: none */
};

enum gs_proxy_name_use {
	GS_PROXY_NAME_TAKEN,  /* a command that works takes the descriptor along */
	GS_PROXY_NAME_OPENED, /* getfd */
};

struct gs_proxy_request {
	struct gs_json *message; /* the command without its id; NULL once it is on its way */
	struct gs_json *id;      /* the client's; NULL: it gave none */
	int fd;                  /* came with it; -1: none */
	uint64_t ticket;         /* who came earlier has a smaller one */
	uint64_t posted_id;      /* on its way under this id of the session; 0: not yet */
	struct gs_json *names;   /* array: those of the client's names that it mentions */
	enum gs_proxy_name_use use;
};

struct gs_proxy_client {
	int fd;
	char label[64]; /* for the log */
	bool negotiated;
	bool at_end;         /* it says no more, but may still listen */
	const char *leaving; /* why it is to be dropped; NULL: it is not */

	struct gs_qmp_input input;
	int passed_fd; /* came last; the next command that takes one gets it; -1: none */
	bool has_request;
	struct gs_proxy_request request;
	struct gs_proxy_names names;

	struct gs_text out;
	size_t out_sent;
	size_t reply_bytes; /* of what is in out, are a reply's: at most */
};

/* ---- proxy_client.c: bytes from and to a client ---- */

/* Takes @fd on success. */
GS_MUST_CHECK struct gs_error *gs_proxy_client_create(int fd, uint64_t number, size_t request_max,
						      struct gs_proxy_client **ret);
void gs_proxy_client_destroy(struct gs_proxy_client *c);
GS_DEFINE_CLEANUP(struct gs_proxy_client *, gs_proxy_client_destroy)
/* What to poll() for. */
short gs_proxy_client_interest(struct gs_proxy_client *c);
/* Do what poll() found possible. */
void gs_proxy_client_move(struct gs_proxy_client *c, short found);
/* Whether a request can be taken now. */
bool gs_proxy_client_is_ready(struct gs_proxy_client *c);
bool gs_proxy_client_has_unsent(const struct gs_proxy_client *c);
/* It has closed its side, and everything is answered. */
bool gs_proxy_client_is_over(struct gs_proxy_client *c);
/* Takes @message, which may be NULL for want of memory: then the client leaves. */
void gs_proxy_client_reply(struct gs_proxy_client *c, struct gs_json *message);
/* One line of JSON; a client that has @backlog_max bytes of them unread leaves. */
void gs_proxy_client_event(struct gs_proxy_client *c, const struct gs_text *line,
			   size_t backlog_max);

/* ---- proxy_request.c: what a client may ask, and how it is answered ---- */

/* Take the next request of a client that is ready: it is then answered, or there to be posted. */
void gs_proxy_request_take(struct gs_proxy_client *c, bool allow_quit);
/* What became of it. Takes both: @failure counts where there is one. */
void gs_proxy_request_finish(struct gs_proxy_client *c, struct gs_json *reply,
			     struct gs_error *failure);
void gs_proxy_request_deinit(struct gs_proxy_request *request);

/* ---- proxy_names.c ---- */

void gs_proxy_names_init(struct gs_proxy_names *names, uint64_t number);
void gs_proxy_names_deinit(struct gs_proxy_names *names);
/* Whether @command takes a descriptor that is passed along with it. */
bool gs_proxy_takes_fd(const char *command);
/*
 * Put QEMU's names for the client's own in request->message, and note which those are. false: out
 * of memory.
 */
bool gs_proxy_names_translate(const struct gs_proxy_names *names, const char *command,
			      struct gs_proxy_request *request);
/* What a request that worked makes of the names it mentions. */
void gs_proxy_names_update(struct gs_proxy_names *names, const struct gs_proxy_request *request);
/* @text as the client would have it; the caller frees. NULL when out of memory. */
char *gs_proxy_names_restore(const struct gs_proxy_names *names, const char *text);
/* Whether it holds as many as it may. */
bool gs_proxy_names_are_full(const struct gs_proxy_names *names);

/* QEMU's names of descriptors whose clients have left. {0} is none. */
struct gs_proxy_leftovers {
	char **names;
	size_t count, capacity;
};

/* Out of memory it is left open, which harms nobody else. */
void gs_proxy_leftovers_add(struct gs_proxy_leftovers *leftovers,
			    const struct gs_proxy_names *names, const char *name);
/* The command that closes one of them, until gs_proxy_leftovers_pop() the same. NULL: no memory. */
struct gs_json *gs_proxy_leftovers_request(const struct gs_proxy_leftovers *leftovers);
void gs_proxy_leftovers_pop(struct gs_proxy_leftovers *leftovers);
void gs_proxy_leftovers_deinit(struct gs_proxy_leftovers *leftovers);

#endif
