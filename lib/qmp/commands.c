/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that the project uses, typed. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gs_error *bad_reply(const struct gs_qmp *qmp, const char *command, const char *what)
{
	return gs_error_create(GS_ERROR_PROTOCOL, "%s: %s: reply without %s", qmp->name, command,
			       what);
}

/* {@key: @value}; NULL when out of memory. */
static struct gs_json *string_argument(const char *key, const char *value)
{
	gs_autojson struct gs_json *arguments = gs_json_new_object();

	if (!gs_json_set(arguments, key, gs_json_new_string(value)))
		return NULL;
	return gs_take(arguments);
}

/* Member @key of @reply as a word of at most @size - 1 bytes. */
static bool copy_word(const struct gs_json *reply, const char *key, char *ret, size_t size)
{
	const char *word = gs_json_string(gs_json_get(reply, key));

	if (!word || strlen(word) >= size)
		return false;
	strcpy(ret, word);
	return true;
}

struct gs_error *gs_qmp_simple(struct gs_qmp *qmp, const char *command)
{
	return gs_qmp_execute(qmp, command, NULL, 0, NULL);
}

struct gs_error *gs_qmp_query_status(struct gs_qmp *qmp, struct gs_qmp_status *ret)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_execute(qmp, "query-status", NULL, 0, &reply);

	if (err)
		return err;
	status.running = gs_json_is_true(gs_json_get(reply, "running"));
	if (!copy_word(reply, "status", status.status, sizeof(status.status)))
		return bad_reply(qmp, "query-status", "a status");
	*ret = status;
	return NULL;
}

struct gs_error *gs_qmp_getfd(struct gs_qmp *qmp, const char *name, int fd)
{
	struct gs_json *arguments = string_argument("fdname", name);

	if (!arguments)
		return gs_error_nomem();
	return gs_qmp_execute_fd(qmp, "getfd", arguments, fd, 0, NULL);
}

struct gs_error *gs_qmp_closefd(struct gs_qmp *qmp, const char *name)
{
	struct gs_json *arguments = string_argument("fdname", name);

	if (!arguments)
		return gs_error_nomem();
	return gs_qmp_execute(qmp, "closefd", arguments, 0, NULL);
}

static struct gs_json *dump_arguments(const struct gs_qmp_dump *dump)
{
	gs_autojson struct gs_json *a = gs_json_new_object();
	char protocol[128];
	bool ok;

	snprintf(protocol, sizeof(protocol), "fd:%s", dump->fd_name);
	ok = gs_json_set(a, "paging", gs_json_new_bool(false));
	ok = gs_json_set(a, "protocol", gs_json_new_string(protocol)) && ok;
	if (dump->detach)
		ok = gs_json_set(a, "detach", gs_json_new_bool(true)) && ok;
	if (dump->has_range) {
		ok = gs_json_set(a, "begin", gs_json_new_u64(dump->begin)) && ok;
		ok = gs_json_set(a, "length", gs_json_new_u64(dump->length)) && ok;
	}
	if (dump->format)
		ok = gs_json_set(a, "format", gs_json_new_string(dump->format)) && ok;
	return ok ? gs_take(a) : NULL;
}

struct gs_error *gs_qmp_dump_start(struct gs_qmp *qmp, const struct gs_qmp_dump *dump,
				   uint64_t *id_ret)
{
	struct gs_json *arguments = dump_arguments(dump);

	if (!arguments)
		return gs_error_nomem();
	return gs_qmp_send(qmp, "dump-guest-memory", arguments, id_ret);
}

struct gs_error *gs_qmp_query_dump(struct gs_qmp *qmp, struct gs_qmp_dump_status *ret)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_qmp_dump_status status;
	struct gs_error *err = gs_qmp_execute(qmp, "query-dump", NULL, 0, &reply);

	if (err)
		return err;
	if (!copy_word(reply, "status", status.status, sizeof(status.status)) ||
	    !gs_json_u64(gs_json_get(reply, "completed"), &status.completed_bytes) ||
	    !gs_json_u64(gs_json_get(reply, "total"), &status.total_bytes))
		return bad_reply(qmp, "query-dump", "status, completed and total");
	*ret = status;
	return NULL;
}

struct gs_error *gs_qmp_dump_formats(struct gs_qmp *qmp, struct gs_json **ret)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_error *err =
		gs_qmp_execute(qmp, "query-dump-guest-memory-capability", NULL, 0, &reply);

	if (err)
		return err;
	if (gs_json_type(gs_json_get(reply, "formats")) != GS_JSON_ARRAY)
		return bad_reply(qmp, "query-dump-guest-memory-capability", "formats");
	*ret = gs_json_detach(reply, "formats");
	return NULL;
}
