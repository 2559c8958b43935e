/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The proxy's loop: who is connected, whose turn it is, what the monitor says. */
#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/time.h>

#include "session.h"

#define CLIENT_MAX 1024
#define REQUEST_MAX (1 << 20)
#define BACKLOG_MAX (4 << 20)
#define ACCEPT_MAX 16  /* connections at once, */
#define PUMP_MAX 64    /* and messages, before others get their turn */
#define LINGER_MS 1000 /* for last words */
#define FULL_MS 1000   /* after which another client is tried for */

/* What poll() looks at; clients come behind these. */
enum {
	POLL_STOP,
	POLL_LISTEN,
	POLL_MONITOR,
	POLL_CLIENTS,
};

struct proxy {
	struct gs_proxy_options options; /* complete */
	struct gs_qmp *qmp;
	int listen_fd;
	struct gs_json *greeting;

	struct gs_proxy_client **clients;
	struct pollfd *polls;
	size_t count, capacity; /* of clients */
	uint64_t last_number, last_ticket;
	bool is_full;    /* no descriptor is left for another client */
	bool is_blocked; /* the monitor's socket took not a byte */
	bool is_busy;    /* there is more to do, without waiting */

	struct gs_proxy_leftovers leftovers;

	uint64_t closing_ms; /* when to end even if not all is said; GS_NO_DEADLINE: not yet */
};

static void say(const struct proxy *p, const struct gs_proxy_client *c, const char *what)
{
	gs_autofree char *line = p->options.log ? gs_strf("%s: %s", c->label, what) : NULL;

	if (line)
		p->options.log(p->options.log_arg, line);
}

static bool is_closing(const struct proxy *p)
{
	return p->closing_ms != GS_NO_DEADLINE;
}

/* ---- clients come ---- */

/* Room for one more client, and for its place among the polls. */
static bool make_room(struct proxy *p)
{
	size_t capacity = p->capacity ? 2 * p->capacity : 16;
	struct gs_proxy_client **clients;
	struct pollfd *polls;

	if (p->count < p->capacity)
		return true;
	clients = reallocarray(p->clients, capacity, sizeof(*clients));
	if (clients)
		p->clients = clients;
	polls = reallocarray(p->polls, POLL_CLIENTS + capacity, sizeof(*polls));
	if (polls)
		p->polls = polls;
	if (!clients || !polls)
		return false;
	p->capacity = capacity;
	return true;
}

static struct gs_error *welcome(struct proxy *p, int fd)
{
	struct gs_proxy_client *c;
	struct gs_error *err;

	if (!make_room(p))
		return gs_error_nomem();
	err = gs_proxy_client_create(fd, ++p->last_number, p->options.request_max, &c);
	if (err)
		return err;
	p->clients[p->count++] = c;
	say(p, c, "connected");
	gs_proxy_client_reply(c, gs_json_copy(p->greeting));
	return NULL;
}

static bool is_shortage(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

/* Out of descriptors or memory, whoever else comes waits until somebody leaves, or some time. */
static void accept_clients(struct proxy *p)
{
	for (int i = 0; i < ACCEPT_MAX && p->count < p->options.client_max; i++) {
		gs_autoclose int fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		gs_autoerror struct gs_error *err = NULL;

		if (fd < 0) {
			p->is_full = is_shortage(errno);
			return;
		}
		err = welcome(p, fd);
		if (err) {
			p->is_full = true;
			return;
		}
		gs_take_fd(&fd);
	}
}

/* ---- and leave ---- */

/* Also the name of a getfd that is still on its way: what is sent from now on comes behind it. */
static void inherit(struct proxy *p, const struct gs_proxy_client *c)
{
	gs_json_for_each (item, c->names.held)
		gs_proxy_leftovers_add(&p->leftovers, &c->names, gs_json_key(item));
	if (!c->request.posted_id)
		return;
	gs_qmp_abandon(p->qmp, c->request.posted_id);
	if (c->request.use == GS_PROXY_NAME_OPENED)
		gs_json_for_each (item, c->request.names)
			gs_proxy_leftovers_add(&p->leftovers, &c->names, gs_json_string(item));
}

static bool is_parting(struct gs_proxy_client *c)
{
	if (!c->leaving && gs_proxy_client_is_over(c))
		c->leaving = "left";
	return c->leaving;
}

static void sweep(struct proxy *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct gs_proxy_client *c = p->clients[i];

		if (!is_parting(c)) {
			p->clients[kept++] = c;
			continue;
		}
		say(p, c, c->leaving);
		inherit(p, c);
		gs_proxy_client_destroy(c);
		p->is_full = false;
	}
	p->count = kept;
}

/* ---- the monitor speaks ---- */

static void broadcast(struct proxy *p, const struct gs_qmp_event *event)
{
	gs_autotext struct gs_text line = {0};
	gs_autofree char *text = gs_json_print(event->message, GS_JSON_SPACED);

	gs_text_puts(&line, text ? text : "");
	gs_text_puts(&line, "\r\n");
	if (!text || line.failed)
		return;
	for (size_t i = 0; i < p->count; i++)
		gs_proxy_client_event(p->clients[i], &line, p->options.backlog_max);
}

static struct gs_error *pass_events(struct proxy *p)
{
	struct gs_error *err = NULL;

	while (!err && p->qmp->events.count) {
		struct gs_qmp_event event;

		err = gs_qmp_next_event(p->qmp, 0, &event);
		if (err)
			break;
		/* What the session made up, each client finds out by itself. */
		if (!event.synthetic)
			broadcast(p, &event);
		gs_qmp_event_deinit(&event);
	}
	return err;
}

static void pass_replies(struct proxy *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct gs_proxy_client *c = p->clients[i];
		struct gs_json *reply = NULL;
		struct gs_error *err;

		if (!c->request.posted_id)
			continue;
		err = gs_qmp_collect(p->qmp, c->request.posted_id, &reply);
		if (err || reply)
			gs_proxy_request_finish(c, reply, err);
	}
}

/* Events and replies reach each client in the order in which the monitor gave them. */
static struct gs_error *listen_to_monitor(struct proxy *p)
{
	struct gs_error *err = NULL;

	for (int i = 0; i < PUMP_MAX && !err && !p->qmp->ended; i++) {
		err = gs_qmp_pump(p->qmp, 0);
		if (!err)
			err = pass_events(p);
		pass_replies(p);
	}
	if (!err || err->code != GS_ERROR_TIMEOUT)
		return err;
	gs_error_destroy(err);
	return NULL;
}

/* ---- turns ---- */

/* Whether @err, which it takes, only means "not now". */
static bool is_delay(struct proxy *p, struct gs_error *err)
{
	/* An end shows when the monitor is read from. */
	if (err->code != GS_ERROR_TIMEOUT && err->code != GS_ERROR_GONE)
		return false;
	p->is_blocked = true;
	gs_error_destroy(err);
	return true;
}

static void post(struct proxy *p, struct gs_proxy_client *c)
{
	struct gs_proxy_request *r = &c->request;
	struct gs_error *err = NULL;

	if (r->fd >= 0 && !gs_qmp_passes_fds(p->qmp))
		err = gs_error_create(GS_ERROR_UNSUPPORTED,
				      "the monitor is not reached by a local socket: no file "
				      "descriptors can be passed");
	if (!err)
		err = gs_qmp_post(p->qmp, r->message, r->fd, &r->posted_id);
	if (err) {
		if (!is_delay(p, err))
			gs_proxy_request_finish(c, NULL, err);
		return;
	}
	gs_json_destroy(gs_take(r->message));
	if (r->fd >= 0)
		close(gs_take_fd(&r->fd));
}

/* To close what was taken already fails, which nobody hears of. */
static void close_leftover(struct proxy *p)
{
	gs_autojson struct gs_json *request = gs_proxy_leftovers_request(&p->leftovers);
	struct gs_error *err;
	uint64_t id;

	err = request ? gs_qmp_post(p->qmp, request, -1, &id) : gs_error_nomem();
	if (err && is_delay(p, err))
		return;
	gs_proxy_leftovers_pop(&p->leftovers);
	if (err)
		gs_error_destroy(err);
	else
		gs_qmp_abandon(p->qmp, id);
}

static bool can_post(const struct proxy *p, const struct gs_proxy_client *c)
{
	return c->request.message && !c->leaving && !p->is_blocked &&
	       gs_qmp_has_room(p->qmp, c->request.fd >= 0);
}

/*
 * The one that has waited longest, of those that need not wait. Each client has one request at
 * most, so they take turns.
 */
static struct gs_proxy_client *find_next(const struct proxy *p)
{
	struct gs_proxy_client *next = NULL;

	for (size_t i = 0; i < p->count; i++) {
		struct gs_proxy_client *c = p->clients[i];

		if (can_post(p, c) && (!next || c->request.ticket < next->request.ticket))
			next = c;
	}
	return next;
}

/* One request of each client is taken, and as many are sent as the monitor takes. */
static void serve(struct proxy *p)
{
	struct gs_proxy_client *c;

	for (size_t i = 0; i < p->count; i++) {
		c = p->clients[i];
		if (gs_proxy_client_is_ready(c)) {
			gs_proxy_request_take(c, p->options.allow_quit);
			c->request.ticket = ++p->last_ticket;
		}
		p->is_busy |= gs_proxy_client_is_ready(c);
	}
	while (p->leftovers.count && !p->is_blocked && gs_qmp_has_room(p->qmp, false))
		close_leftover(p);
	while ((c = find_next(p)))
		post(p, c);
}

/* ---- the loop ---- */

static void prepare_polls(struct proxy *p)
{
	bool accepts = !is_closing(p) && !p->is_full && p->count < p->options.client_max;
	bool sends = p->is_blocked || gs_qmp_has_unsent(p->qmp);

	p->polls[POLL_STOP] = (struct pollfd){
		.fd = p->options.stop_fd && !is_closing(p) ? p->options.stop_fd : -1,
		.events = POLLIN};
	p->polls[POLL_LISTEN] =
		(struct pollfd){.fd = accepts ? p->listen_fd : -1, .events = POLLIN};
	p->polls[POLL_MONITOR] = (struct pollfd){.fd = p->qmp->ended ? -1 : gs_qmp_fd(p->qmp),
						 .events = (short)(POLLIN | (sends ? POLLOUT : 0))};
	for (size_t i = 0; i < p->count; i++) {
		p->is_busy |= is_parting(p->clients[i]);
		p->polls[POLL_CLIENTS + i] = (struct pollfd){
			.fd = p->clients[i]->fd, .events = gs_proxy_client_interest(p->clients[i])};
	}
}

static struct gs_error *wait_for_something(struct proxy *p)
{
	int timeout_ms, ready;

	prepare_polls(p);
	timeout_ms = p->is_full ? FULL_MS : gs_deadline_poll_ms(p->closing_ms);
	if (p->is_busy || gs_qmp_has_pending(p->qmp))
		timeout_ms = 0;
	do {
		ready = poll(p->polls, POLL_CLIENTS + p->count, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	p->is_busy = p->is_blocked = false;
	if (ready == 0 && timeout_ms)
		p->is_full = false;
	return ready < 0 ? gs_error_os(errno, "poll") : NULL;
}

static void close_soon(struct proxy *p)
{
	if (!is_closing(p))
		p->closing_ms = gs_deadline_in(LINGER_MS);
}

static void dismiss(struct proxy *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (!p->clients[i]->leaving)
			p->clients[i]->leaving = "the proxy ends";
}

/* The polls are of the clients as they were; those that come now are looked at next time.
 */
static struct gs_error *go_round(struct proxy *p)
{
	struct gs_error *err = wait_for_something(p);

	if (err)
		return err;
	for (size_t i = 0; i < p->count; i++)
		gs_proxy_client_move(p->clients[i], p->polls[POLL_CLIENTS + i].revents);
	if (p->polls[POLL_STOP].revents) {
		close_soon(p);
		dismiss(p);
	}
	if (p->polls[POLL_LISTEN].revents)
		accept_clients(p);
	err = listen_to_monitor(p);
	if (err)
		return err;
	if (p->qmp->ended)
		close_soon(p);
	sweep(p);
	if (!p->qmp->ended)
		serve(p);
	return NULL;
}

/* At the end, clients read their last replies, or the monitor closes what they left. */
static bool is_done(const struct proxy *p)
{
	bool unsent = false;

	for (size_t i = 0; i < p->count; i++)
		unsent |= gs_proxy_client_has_unsent(p->clients[i]);
	if (!is_closing(p))
		return false;
	if (p->qmp->ended)
		return !unsent || gs_deadline_passed(p->closing_ms);
	return (!p->leftovers.count && !gs_qmp_in_flight(p->qmp)) ||
	       gs_deadline_passed(p->closing_ms);
}

/* ---- beginning and end ---- */

static struct gs_error *make_greeting(struct proxy *p)
{
	gs_autojson struct gs_json *hello = gs_json_new_object();
	struct gs_json *version = NULL;
	struct gs_error *err = gs_qmp_execute(p->qmp, "query-version", NULL, 0, &version);
	bool ok;

	if (err)
		return err;
	p->greeting = gs_json_new_object();
	ok = gs_json_set(hello, "version", version);
	ok = gs_json_set(hello, "capabilities", gs_json_new_array()) && ok;
	ok = gs_json_set(hello, GS_PROXY_MARK, gs_json_new_bool(true)) && ok;
	ok = gs_json_set(p->greeting, "QMP", gs_take(hello)) && ok;
	return ok ? NULL : gs_error_nomem();
}

static struct gs_proxy_options complete(const struct gs_proxy_options *given)
{
	struct gs_proxy_options o = given ? *given : (struct gs_proxy_options){0};

	if (!o.client_max)
		o.client_max = CLIENT_MAX;
	if (!o.request_max)
		o.request_max = REQUEST_MAX;
	if (!o.backlog_max)
		o.backlog_max = BACKLOG_MAX;
	return o;
}

static struct gs_error *set_up(struct proxy *p)
{
	int flags = fcntl(p->listen_fd, F_GETFL);

	if (flags < 0 || fcntl(p->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return gs_error_os(errno, "listening socket");
	if (!make_room(p))
		return gs_error_nomem();
	return make_greeting(p);
}

static void proxy_deinit(struct proxy *p)
{
	for (size_t i = 0; i < p->count; i++)
		gs_proxy_client_destroy(p->clients[i]);
	gs_json_destroy(p->greeting);
	free(p->clients);
	free(p->polls);
	gs_proxy_leftovers_deinit(&p->leftovers);
}

struct gs_error *gs_proxy_run(struct gs_qmp *qmp, int listen_fd,
			      const struct gs_proxy_options *options)
{
	struct proxy p = {.qmp = qmp,
			  .listen_fd = listen_fd,
			  .options = complete(options),
			  .closing_ms = GS_NO_DEADLINE};
	struct gs_error *err = set_up(&p);

	while (!err && !is_done(&p))
		err = go_round(&p);
	if (!err && qmp->ended)
		err = gs_error_create(qmp->ended->code, "%s: %s", gs_qmp_name(qmp),
				      qmp->ended->message);
	proxy_deinit(&p);
	return err;
}
