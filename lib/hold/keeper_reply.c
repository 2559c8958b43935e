/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request to the keeper, and its reply. */
#include <limits.h>
#include <string.h>

#include <guestscope/base/json.h>

#include "keeper.h"

static struct gs_error *get_pid(const struct gs_json *request, const char *key, pid_t *ret)
{
	uint64_t number;

	if (!gs_json_u64(gs_json_get(request, key), &number) || number == 0 || number > INT_MAX)
		return gs_error_create(GS_ERROR_PROTOCOL, "a request without '%s'", key);
	*ret = (pid_t)number;
	return NULL;
}

static struct gs_error *serve(const struct gs_keeper_service *service, void *arg,
			      const struct gs_json *request)
{
	const char *what = gs_json_string(gs_json_get(request, "do"));
	struct gs_error *err;
	pid_t pid;

	if (!what)
		return gs_error_create(GS_ERROR_PROTOCOL, "a request without 'do'");
	if (strcmp(what, "release-all") == 0)
		return service->release_all(arg);
	if (strcmp(what, "seize") == 0) {
		err = get_pid(request, "pid", &pid);
		return err ? err : service->seize(arg, pid);
	}
	err = get_pid(request, "id", &pid);
	if (err)
		return err;
	if (strcmp(what, "release") == 0)
		return service->release(arg, pid);
	if (strcmp(what, "hand-over") == 0)
		return service->hand_over(arg, pid,
					  gs_json_is_true(gs_json_get(request, "resume")));
	return gs_error_create(GS_ERROR_UNSUPPORTED, "a request that this keeper does not know");
}

static struct gs_json *describe(const struct gs_error *err)
{
	struct gs_json *object = gs_json_new_object();

	if (object &&
	    gs_json_set(object, "code", gs_json_new_string(gs_error_code_name(err->code))) &&
	    gs_json_set(object, "errno", gs_json_new_i64(err->os_errno)) &&
	    gs_json_set(object, "message", gs_json_new_string(err->message)))
		return object;
	gs_json_destroy(object);
	return NULL;
}

char *gs_keeper_answer(const struct gs_keeper_service *service, void *arg, const char *request,
		       size_t size)
{
	gs_autojson struct gs_json *json = NULL, *reply = gs_json_new_object();
	gs_autoerror struct gs_error *err = gs_json_parse(request, size, &json);
	bool ok;

	if (!err)
		err = serve(service, arg, json);
	ok = reply && (err ? gs_json_set(reply, "error", describe(err))
			   : gs_json_set(reply, "return", gs_json_new_object()));
	return ok ? gs_json_print(reply, GS_JSON_SPACED) : NULL;
}
