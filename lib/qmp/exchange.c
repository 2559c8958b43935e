/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands: sent, awaited, given up at their deadlines. */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sending ---- */

static struct gs_qmp_request *find_free(struct gs_qmp *qmp)
{
	for (size_t i = 0; i < GS_QMP_IN_FLIGHT_MAX; i++)
		if (qmp->requests[i].state == GS_QMP_REQUEST_FREE)
			return &qmp->requests[i];
	return NULL;
}

static struct gs_error *ended_error(const struct gs_qmp *qmp)
{
	return gs_error_create(qmp->ended->code, "%s: %s", qmp->name, qmp->ended->message);
}

static bool fd_in_flight(const struct gs_qmp *qmp)
{
	for (size_t i = 0; i < GS_QMP_IN_FLIGHT_MAX; i++) {
		const struct gs_qmp_request *r = &qmp->requests[i];

		if (r->carries_fd && r->state != GS_QMP_REQUEST_ANSWERED)
			return true;
	}
	return false;
}

static bool has_abandoned(const struct gs_qmp *qmp)
{
	for (size_t i = 0; i < GS_QMP_IN_FLIGHT_MAX; i++)
		if (qmp->requests[i].state == GS_QMP_REQUEST_ABANDONED)
			return true;
	return false;
}

/*
 * A free place, where late replies have to make room first. Descriptors wait for each other: a peer
 * that reads ahead could give the second one to the first command.
 */
static struct gs_error *reserve(struct gs_qmp *qmp, bool for_fd, uint64_t deadline_ms,
				struct gs_qmp_request **ret)
{
	struct gs_error *err = NULL;

	while (!err && !qmp->ended && (!find_free(qmp) || (for_fd && fd_in_flight(qmp)))) {
		if (!find_free(qmp) && !has_abandoned(qmp))
			return gs_error_create(GS_ERROR_INVALID,
					       "%s: %d commands are in flight already", qmp->name,
					       GS_QMP_IN_FLIGHT_MAX);
		err = gs_qmp_pump(qmp, deadline_ms);
		if (!err && gs_qmp_is_over(qmp, deadline_ms))
			break;
	}
	if (err && err->code != GS_ERROR_TIMEOUT)
		return gs_error_wrap(err, "%s", qmp->name);
	gs_error_destroy(err);
	if (qmp->ended)
		return ended_error(qmp);
	*ret = find_free(qmp);
	if (!*ret || (for_fd && fd_in_flight(qmp)))
		return gs_error_create(GS_ERROR_TIMEOUT,
				       "%s: earlier commands are still without a reply", qmp->name);
	return NULL;
}

/* The peer took nothing more; what it had said before is still there to be read. */
static struct gs_error *note_end(struct gs_qmp *qmp, struct gs_error *gone, uint64_t deadline_ms)
{
	struct gs_error *err = NULL;

	gs_error_destroy(gone);
	while (!err && !qmp->ended)
		err = gs_qmp_pump(qmp, deadline_ms);
	return err ? gs_error_wrap(err, "%s", qmp->name) : ended_error(qmp);
}

/* Takes @arguments. */
static struct gs_error *submit(struct gs_qmp *qmp, const char *command, struct gs_json *arguments,
			       int fd, uint64_t deadline_ms, uint64_t *id_ret)
{
	gs_autojson struct gs_json *owned = arguments;
	gs_autofree char *text = NULL;
	struct gs_qmp_request *r = NULL;
	struct gs_error *err = reserve(qmp, fd >= 0, deadline_ms, &r);

	if (!err)
		err = gs_qmp_request_text(qmp, command, gs_take(owned), qmp->last_id + 1, &text);
	if (err)
		return err;
	err = qmp->transport->ops->send(qmp->transport, text, strlen(text), fd, deadline_ms);
	if (err && err->code == GS_ERROR_GONE)
		return note_end(qmp, err, deadline_ms);
	if (err)
		return gs_error_wrap(err, "%s: %s", qmp->name, command);
	*r = (struct gs_qmp_request){
		.state = GS_QMP_REQUEST_WAITING, .id = ++qmp->last_id, .carries_fd = fd >= 0};
	snprintf(r->command, sizeof(r->command), "%s", command);
	*id_ret = r->id;
	return NULL;
}

static uint64_t command_deadline(const struct gs_qmp *qmp, uint64_t deadline_ms)
{
	return deadline_ms ? deadline_ms : gs_deadline_in(qmp->options.command_ms);
}

struct gs_error *gs_qmp_send(struct gs_qmp *qmp, const char *command, struct gs_json *arguments,
			     uint64_t *id_ret)
{
	return submit(qmp, command, arguments, -1, command_deadline(qmp, 0), id_ret);
}

/* ---- passing on ---- */

/* Few, as what has left cannot be taken back; enough to keep the peer from waiting for us. */
#define POSTED_MAX 4

bool gs_qmp_has_unsent(const struct gs_qmp *qmp)
{
	return qmp->transport->ops->has_unsent(qmp->transport);
}

size_t gs_qmp_in_flight(const struct gs_qmp *qmp)
{
	size_t count = 0;

	for (size_t i = 0; i < GS_QMP_IN_FLIGHT_MAX; i++)
		count += qmp->requests[i].state != GS_QMP_REQUEST_FREE;
	return count;
}

bool gs_qmp_has_room(const struct gs_qmp *qmp, bool for_fd)
{
	return !qmp->ended && gs_qmp_in_flight(qmp) < POSTED_MAX && !gs_qmp_has_unsent(qmp) &&
	       !(for_fd && fd_in_flight(qmp));
}

struct gs_error *gs_qmp_post(struct gs_qmp *qmp, struct gs_json *request, int fd, uint64_t *id_ret)
{
	struct gs_qmp_request *r = find_free(qmp);
	gs_autofree char *text = NULL;
	struct gs_error *err;

	if (!r)
		return gs_error_create(GS_ERROR_TIMEOUT, "too many commands are in flight");
	err = gs_qmp_label(qmp, request, qmp->last_id + 1, &text);
	if (!err)
		err = qmp->transport->ops->send(qmp->transport, text, strlen(text), fd, 0);
	if (err)
		return err;
	*r = (struct gs_qmp_request){
		.state = GS_QMP_REQUEST_WAITING, .id = ++qmp->last_id, .carries_fd = fd >= 0};
	*id_ret = r->id;
	return NULL;
}

struct gs_error *gs_qmp_collect(struct gs_qmp *qmp, uint64_t id, struct gs_json **ret)
{
	struct gs_qmp_request *r = gs_qmp_request_find(qmp, id);
	struct gs_error *err;

	if (!r || r->state != GS_QMP_REQUEST_ANSWERED)
		return NULL;
	err = gs_take(r->failure);
	if (!err && !r->reply)
		err = gs_error_nomem();
	if (!err)
		*ret = gs_take(r->reply);
	gs_qmp_request_free(r);
	return err;
}

void gs_qmp_abandon(struct gs_qmp *qmp, uint64_t id)
{
	struct gs_qmp_request *r = gs_qmp_request_find(qmp, id);

	if (r && r->state == GS_QMP_REQUEST_ANSWERED)
		gs_qmp_request_free(r);
	else if (r)
		r->state = GS_QMP_REQUEST_ABANDONED;
}

/* ---- awaiting ---- */

/* The error's words on one line: they go to terminals. */
static char *one_line(const char *desc)
{
	char *text = strdup(desc ? desc : "error without a description");

	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return text;
}

static struct gs_error *refused(struct gs_qmp *qmp, const struct gs_json *error)
{
	const char *class = gs_json_string(gs_json_get(error, "class"));
	gs_autofree char *desc = one_line(gs_json_string(gs_json_get(error, "desc")));

	snprintf(qmp->error_class, sizeof(qmp->error_class), "%s", class ? class : "");
	return desc ? gs_error_create(GS_ERROR_REFUSED, "%s", desc) : gs_error_nomem();
}

/* The whole answer of @r; frees @r. */
static struct gs_error *take_reply(struct gs_qmp *qmp, struct gs_qmp_request *r,
				   struct gs_json **reply_ret)
{
	struct gs_error *err = gs_take(r->failure);

	if (err)
		err = gs_error_wrap(err, "%s: %s", qmp->name, r->command);
	else if (!r->reply)
		err = gs_error_nomem();
	else
		*reply_ret = gs_take(r->reply);
	gs_qmp_request_free(r);
	return err;
}

/* What the answer of @r means; frees @r. */
static struct gs_error *conclude(struct gs_qmp *qmp, struct gs_qmp_request *r,
				 struct gs_json **return_ret)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_error *err = take_reply(qmp, r, &reply);

	if (!err && gs_json_get(reply, "error"))
		err = refused(qmp, gs_json_get(reply, "error"));
	else if (!err && return_ret)
		*return_ret = gs_json_detach(reply, "return");
	return err;
}

/* The connection ended first: did the peer do it, or not? Of "quit" it is known. */
static struct gs_error *lost(struct gs_qmp *qmp, struct gs_qmp_request *r)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_error *err;

	if (strcmp(r->command, "quit") == 0) {
		reply = gs_json_new_object();
		if (gs_json_set(reply, "return", gs_json_new_object()))
			r->reply = gs_take(reply);
		r->state = GS_QMP_REQUEST_ANSWERED;
		return NULL;
	}
	err = gs_error_create(GS_ERROR_LOST, "%s: %s: outcome unknown: %s", qmp->name, r->command,
			      qmp->ended->message);
	gs_qmp_request_free(r);
	return err;
}

static struct gs_error *give_up(struct gs_qmp *qmp, struct gs_qmp_request *r, struct gs_error *err)
{
	r->state = GS_QMP_REQUEST_ABANDONED;
	if (err && err->code != GS_ERROR_TIMEOUT)
		return gs_error_wrap(err, "%s: %s", qmp->name, r->command);
	gs_error_destroy(err);
	return gs_error_create(GS_ERROR_TIMEOUT, "%s: %s: no reply in time", qmp->name, r->command);
}

/* *ret is a request that has its answer, whatever it is. */
static struct gs_error *await_answer(struct gs_qmp *qmp, uint64_t id, uint64_t deadline_ms,
				     struct gs_qmp_request **ret)
{
	struct gs_qmp_request *r = gs_qmp_request_find(qmp, id);
	struct gs_error *err;

	if (!r || r->state == GS_QMP_REQUEST_ABANDONED)
		return gs_error_create(GS_ERROR_INVALID, "%s: no command %" PRIu64 " is in flight",
				       qmp->name, id);
	deadline_ms = command_deadline(qmp, deadline_ms);
	*ret = r;
	while (r->state == GS_QMP_REQUEST_WAITING) {
		if (qmp->ended)
			return lost(qmp, r);
		err = gs_qmp_pump(qmp, deadline_ms);
		if (err)
			return give_up(qmp, r, err);
		if (r->state == GS_QMP_REQUEST_WAITING && !qmp->ended &&
		    gs_qmp_is_over(qmp, deadline_ms))
			return give_up(qmp, r, NULL);
	}
	return NULL;
}

struct gs_error *gs_qmp_await(struct gs_qmp *qmp, uint64_t id, uint64_t deadline_ms,
			      struct gs_json **return_ret)
{
	struct gs_qmp_request *r = NULL;
	struct gs_error *err = await_answer(qmp, id, deadline_ms, &r);

	return err ? err : conclude(qmp, r, return_ret);
}

bool gs_qmp_answered(struct gs_qmp *qmp, uint64_t id)
{
	const struct gs_qmp_request *r = gs_qmp_request_find(qmp, id);

	while (r && r->state == GS_QMP_REQUEST_WAITING && !qmp->ended) {
		struct gs_error *err = gs_qmp_pump(qmp, 0);

		if (err) {
			bool is_silent = err->code == GS_ERROR_TIMEOUT;

			gs_error_destroy(err);
			return !is_silent; /* what it is, it is once more when awaited */
		}
	}
	return true;
}

struct gs_error *gs_qmp_execute(struct gs_qmp *qmp, const char *command, struct gs_json *arguments,
				uint64_t deadline_ms, struct gs_json **return_ret)
{
	return gs_qmp_execute_fd(qmp, command, arguments, -1, deadline_ms, return_ret);
}

/* Takes @arguments. */
static struct gs_error *run(struct gs_qmp *qmp, const char *command, struct gs_json *arguments,
			    int fd, uint64_t deadline_ms, struct gs_qmp_request **ret)
{
	uint64_t id;
	struct gs_error *err;

	if (fd >= 0 && !qmp->transport->can_pass_fds) {
		gs_json_destroy(arguments);
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: %s: descriptors pass through local sockets only",
				       qmp->name, command);
	}
	deadline_ms = command_deadline(qmp, deadline_ms);
	err = submit(qmp, command, arguments, fd, deadline_ms, &id);
	return err ? err : await_answer(qmp, id, deadline_ms, ret);
}

struct gs_error *gs_qmp_execute_fd(struct gs_qmp *qmp, const char *command,
				   struct gs_json *arguments, int fd, uint64_t deadline_ms,
				   struct gs_json **return_ret)
{
	struct gs_qmp_request *r = NULL;
	struct gs_error *err = run(qmp, command, arguments, fd, deadline_ms, &r);

	return err ? err : conclude(qmp, r, return_ret);
}

struct gs_error *gs_qmp_execute_reply(struct gs_qmp *qmp, const char *command,
				      struct gs_json *arguments, int fd, uint64_t deadline_ms,
				      struct gs_json **reply_ret)
{
	struct gs_qmp_request *r = NULL;
	struct gs_error *err = run(qmp, command, arguments, fd, deadline_ms, &r);

	return err ? err : take_reply(qmp, r, reply_ret);
}

const char *gs_qmp_error_class(const struct gs_qmp *qmp)
{
	return qmp->error_class;
}
