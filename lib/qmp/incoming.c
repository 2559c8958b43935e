/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes in is filed: replies by id, and by recovery where the id did not make it. */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/proxy.h>

/* ---- requests ---- */

void gs_qmp_request_free(struct gs_qmp_request *request)
{
	gs_json_destroy(request->reply);
	gs_error_destroy(request->failure);
	*request = (struct gs_qmp_request){0};
}

struct gs_qmp_request *gs_qmp_request_find(struct gs_qmp *qmp, uint64_t id)
{
	for (size_t i = 0; i < GS_QMP_IN_FLIGHT_MAX; i++)
		if (qmp->requests[i].state != GS_QMP_REQUEST_FREE && qmp->requests[i].id == id)
			return &qmp->requests[i];
	return NULL;
}

static struct gs_qmp_request *find_oldest_unanswered(struct gs_qmp *qmp)
{
	struct gs_qmp_request *oldest = NULL;

	for (size_t i = 0; i < GS_QMP_IN_FLIGHT_MAX; i++) {
		struct gs_qmp_request *r = &qmp->requests[i];
		bool open =
			r->state == GS_QMP_REQUEST_WAITING || r->state == GS_QMP_REQUEST_ABANDONED;

		if (open && (!oldest || r->id < oldest->id))
			oldest = r;
	}
	return oldest;
}

/* Takes @reply or @failure, whichever is there. */
static void answer(struct gs_qmp_request *r, struct gs_json *reply, struct gs_error *failure)
{
	bool wanted = r->state == GS_QMP_REQUEST_WAITING;

	r->reply = reply;
	r->failure = failure;
	r->state = GS_QMP_REQUEST_ANSWERED;
	if (!wanted)
		gs_qmp_request_free(r);
}

/* ---- ids: "gs-<session>-<number>" ---- */

static uint64_t own_id(const struct gs_qmp *qmp, const char *text)
{
	size_t size = strlen(qmp->id_prefix);
	uint64_t id;
	gs_autoerror struct gs_error *err = NULL;

	if (!text || strncmp(text, qmp->id_prefix, size) != 0)
		return 0;
	err = gs_parse_u64(text + size, &id);
	return err ? 0 : id;
}

struct gs_error *gs_qmp_label(const struct gs_qmp *qmp, struct gs_json *request, uint64_t id,
			      char **ret)
{
	char id_text[64];

	snprintf(id_text, sizeof(id_text), "%s%" PRIu64, qmp->id_prefix, id);
	if (gs_json_set(request, "id", gs_json_new_string(id_text)))
		*ret = gs_json_print(request, GS_JSON_COMPACT);
	return *ret ? NULL : gs_error_nomem();
}

struct gs_error *gs_qmp_request_text(const struct gs_qmp *qmp, const char *command,
				     struct gs_json *arguments, uint64_t id, char **ret)
{
	gs_autojson struct gs_json *request = gs_json_new_object();
	bool ok = gs_json_set(request, "execute", gs_json_new_string(command));

	if (arguments)
		ok = gs_json_set(request, "arguments", arguments) && ok;
	return ok ? gs_qmp_label(qmp, request, id, ret) : gs_error_nomem();
}

/* ---- recovery ---- */

static void forget_cause(struct gs_qmp *qmp)
{
	gs_json_destroy(qmp->not_understood);
	gs_error_destroy(qmp->garbled);
	qmp->not_understood = NULL;
	qmp->garbled = NULL;
}

/* Something was not understood, and the recovery from that is in process or due. */
static bool has_cause(const struct gs_qmp *qmp)
{
	return qmp->marker_id || qmp->not_understood || qmp->garbled;
}

static void blame(struct gs_qmp *qmp, struct gs_qmp_request *r)
{
	if (qmp->not_understood)
		answer(r, gs_json_copy(qmp->not_understood), NULL);
	else
		answer(r, NULL,
		       gs_error_create(GS_ERROR_PROTOCOL, "%s",
				       qmp->garbled ? qmp->garbled->message
						    : "the peer gave no reply"));
}

/* The marker's reply is there: what it overtook will never be answered. */
static void end_recovery(struct gs_qmp *qmp)
{
	struct gs_qmp_request *r;

	while ((r = find_oldest_unanswered(qmp)) && r->id < qmp->marker_id)
		blame(qmp, r);
	qmp->marker_id = 0;
	forget_cause(qmp);
}

struct gs_error *gs_qmp_recover(struct gs_qmp *qmp, uint64_t deadline_ms)
{
	const struct gs_qmp_transport_ops *ops = qmp->transport->ops;
	gs_autofree char *text = NULL;
	struct gs_error *err;

	if (qmp->marker_id)
		return NULL;
	/* Refused by a peer that is negotiated already: without effect, and answered in any state.
	 */
	err = gs_qmp_request_text(qmp, "qmp_capabilities", NULL, qmp->last_id + 1, &text);
	if (!err)
		err = ops->resync(qmp->transport, deadline_ms);
	if (!err)
		err = ops->send(qmp->transport, text, strlen(text), -1, deadline_ms);
	if (!err)
		qmp->marker_id = ++qmp->last_id;
	return err;
}

/*
 * Something was not understood, by the peer or by us. The cause is known to qmp; where the
 * transport has no recovery, commands are whole and in order, so that the oldest is the one.
 */
static struct gs_error *find_culprit(struct gs_qmp *qmp, uint64_t deadline_ms)
{
	struct gs_qmp_request *oldest = find_oldest_unanswered(qmp);
	struct gs_error *err = NULL;

	if (oldest && qmp->transport->ops->resync)
		err = gs_qmp_recover(qmp, deadline_ms);
	else if (oldest)
		blame(qmp, oldest);
	/* A peer that takes nothing now may do so later; until then the recovery is due. */
	if (err && err->code == GS_ERROR_TIMEOUT) {
		gs_error_destroy(err);
		return NULL;
	}
	if (!qmp->marker_id)
		forget_cause(qmp);
	if (err && err->code == GS_ERROR_GONE) {
		gs_error_destroy(err);
		return NULL;
	}
	return err;
}

/* ---- filing what comes ---- */

/* Takes @message. */
static struct gs_error *file_anonymous(struct gs_qmp *qmp, struct gs_json *message,
				       uint64_t deadline_ms)
{
	gs_autojson struct gs_json *reply = message;
	struct gs_qmp_request *oldest = find_oldest_unanswered(qmp);

	/* One bad input gives many errors; one recovery covers them all. */
	if (has_cause(qmp))
		return NULL;
	if (gs_json_get(reply, "error")) {
		qmp->not_understood = gs_take(reply);
		return find_culprit(qmp, deadline_ms);
	}
	/* A peer that does not echo ids answers in order. */
	if (oldest)
		answer(oldest, gs_take(reply), NULL);
	return NULL;
}

/* Takes @message. A reply to nobody is one to a request given up before this session began. */
static struct gs_error *file_reply(struct gs_qmp *qmp, struct gs_json *message,
				   uint64_t deadline_ms)
{
	gs_autojson struct gs_json *reply = message;
	struct gs_qmp_request *r;
	uint64_t id;

	if (!gs_json_get(reply, "id"))
		return file_anonymous(qmp, gs_take(reply), deadline_ms);
	id = own_id(qmp, gs_json_string(gs_json_get(reply, "id")));
	r = id ? gs_qmp_request_find(qmp, id) : NULL;
	if (r && r->state != GS_QMP_REQUEST_ANSWERED)
		answer(r, gs_take(reply), NULL);
	else if (id && id == qmp->marker_id)
		end_recovery(qmp);
	return NULL;
}

void gs_qmp_note_version(struct gs_qmp *qmp, const struct gs_json *version)
{
	static const char *const parts[] = {"major", "minor", "micro"};

	for (size_t i = 0; i < 3; i++) {
		int64_t number;

		if (gs_json_i64(gs_json_path(version, "qemu", parts[i], NULL), &number) &&
		    number >= 0 && number <= INT32_MAX)
			qmp->version[i] = (int)number;
	}
}

static void file_greeting(struct gs_qmp *qmp, const struct gs_json *message)
{
	qmp->greeted = true;
	qmp->is_proxied = gs_json_path(message, "QMP", GS_PROXY_MARK, NULL);
	gs_qmp_note_version(qmp, gs_json_path(message, "QMP", "version", NULL));
}

/* Takes @message. Told apart by their members: their order means nothing, unknown ones neither. */
static struct gs_error *file(struct gs_qmp *qmp, struct gs_json *message, size_t size,
			     uint64_t deadline_ms)
{
	if (gs_json_get(message, "event"))
		return gs_qmp_events_push(&qmp->events, message, size);
	if (gs_json_get(message, "return") || gs_json_get(message, "error"))
		return file_reply(qmp, message, deadline_ms);
	if (gs_json_get(message, "QMP"))
		file_greeting(qmp, message);
	gs_json_destroy(message);
	return NULL;
}

struct gs_error *gs_qmp_pump(struct gs_qmp *qmp, uint64_t deadline_ms)
{
	struct gs_json *message;
	size_t size;
	struct gs_error *err = NULL;

	if (qmp->ended)
		return NULL;
	if (has_cause(qmp) && !qmp->marker_id)
		err = find_culprit(qmp, deadline_ms);
	if (err)
		return err;
	err = qmp->transport->ops->receive(qmp->transport, deadline_ms, &message, &size);
	if (!err)
		err = file(qmp, message, size, deadline_ms);
	if (err && err->code == GS_ERROR_GONE) {
		qmp->ended = err;
		return gs_qmp_events_push_end(&qmp->events);
	}
	if (err && err->code == GS_ERROR_PROTOCOL && qmp->negotiated) {
		if (has_cause(qmp)) {
			gs_error_destroy(err);
			return NULL;
		}
		qmp->garbled = err;
		return find_culprit(qmp, deadline_ms);
	}
	return err;
}

bool gs_qmp_is_over(struct gs_qmp *qmp, uint64_t deadline_ms)
{
	return gs_deadline_passed(deadline_ms) && !qmp->transport->ops->has_pending(qmp->transport);
}
