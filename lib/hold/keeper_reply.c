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

static struct gs_error *serve_arm(const struct gs_keeper_service *service, void *arg,
				  const struct gs_json *request)
{
	struct gs_place place;
	struct gs_error *err = gs_hold_place_parse(gs_json_get(request, "place"), &place);

	if (err)
		return err;
	err = service->arm(arg, &place);
	gs_place_deinit(&place);
	return err;
}

const char *const gs_keeper_then_names[] = {[GS_KEEPER_THEN_STAY] = "stay",
					    [GS_KEEPER_THEN_ASK] = "ask",
					    [GS_KEEPER_THEN_ARGUMENT] = "argument",
					    NULL};

static struct gs_error *serve_go_to(const struct gs_keeper_service *service, void *arg, pid_t id,
				    const struct gs_json *request)
{
	const char *then = gs_json_string(gs_json_get(request, "then"));
	struct gs_place place;
	struct gs_error *err;
	int i = 0;

	while (then && gs_keeper_then_names[i] && strcmp(gs_keeper_then_names[i], then) != 0)
		i++;
	if (!then || !gs_keeper_then_names[i])
		return gs_error_create(GS_ERROR_PROTOCOL, "a request without 'then'");
	err = gs_hold_place_parse(gs_json_get(request, "place"), &place);
	if (err)
		return err;
	err = service->go_to(arg, id, (enum gs_keeper_then)i, &place);
	gs_place_deinit(&place);
	return err;
}

static struct gs_error *serve(const struct gs_keeper_service *service, void *arg,
			      const struct gs_json *request, struct gs_json *result)
{
	const char *what = gs_json_string(gs_json_get(request, "do"));
	struct gs_error *err;
	pid_t pid;

	if (!what)
		return gs_error_create(GS_ERROR_PROTOCOL, "a request without 'do'");
	if (strcmp(what, "release-all") == 0)
		return service->release_all(arg);
	if (strcmp(what, "catch") == 0)
		return service->catch (arg, result);
	if (strcmp(what, "arm") == 0)
		return serve_arm(service, arg, request);
	if (strcmp(what, "seize") == 0) {
		err = get_pid(request, "pid", &pid);
		return err ? err : service->seize(arg, pid);
	}
	err = get_pid(request, "id", &pid);
	if (err)
		return err;
	if (strcmp(what, "release") == 0)
		return service->release(arg, pid);
	if (strcmp(what, "go-on") == 0)
		return service->go_on(arg, pid);
	if (strcmp(what, "go-to") == 0)
		return serve_go_to(service, arg, pid, request);
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

/* Takes @err and @result. NULL: out of memory. */
static char *print(struct gs_error *err, struct gs_json *result)
{
	gs_autojson struct gs_json *reply = gs_json_new_object();
	bool ok = reply;

	if (err)
		gs_json_destroy(result);
	ok = ok && (err ? gs_json_set(reply, "error", describe(err))
			: gs_json_set(reply, "return", result));
	gs_error_destroy(err);
	return ok ? gs_json_print(reply, GS_JSON_SPACED) : NULL;
}

char *gs_keeper_answer(const struct gs_keeper_service *service, void *arg, const char *request,
		       size_t size)
{
	gs_autojson struct gs_json *json = NULL;
	struct gs_json *result = gs_json_new_object();
	struct gs_error *err;

	if (!result)
		return NULL;
	err = gs_json_parse(request, size, &json);
	if (!err)
		err = serve(service, arg, json, result);
	return print(err, result);
}
