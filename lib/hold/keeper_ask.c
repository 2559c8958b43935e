/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking a keeper, its own front end's or another's; and acting for one that is gone. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <guestscope/base/json.h>
#include <guestscope/base/process.h>
#include <guestscope/base/socket.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "keeper.h"

#define PATIENCE_S 10
#define STOP_MS 5000
#define NAP_NS 2000000

static struct gs_error *to_error(const struct gs_json *reply)
{
	const struct gs_json *error = gs_json_get(reply, "error");
	const char *message = gs_json_string(gs_json_get(error, "message"));
	const char *code = gs_json_string(gs_json_get(error, "code"));
	int64_t os_errno = 0;
	struct gs_error *err;

	if (gs_json_get(reply, "return"))
		return NULL;
	(void)gs_json_i64(gs_json_get(error, "errno"), &os_errno);
	for (int i = GS_ERROR_OS; code && message && i <= GS_ERROR_GONE; i++) {
		if (strcmp(code, gs_error_code_name((enum gs_error_code)i)) != 0)
			continue;
		err = gs_error_create((enum gs_error_code)i, "%s", message);
		if (err->code == (enum gs_error_code)i) /* and no lack of memory */
			err->os_errno = (int)os_errno;
		return err;
	}
	return gs_error_create(GS_ERROR_PROTOCOL, "the keeper answers with nonsense");
}

/* *@ret: what is returned, for the caller to free. */
static struct gs_error *exchange(int fd, const char *request, struct gs_json **ret)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct gs_json *reply = NULL;
	char packet[GS_KEEPER_PACKET_MAX];
	struct gs_error *err;
	ssize_t size;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	size = send(fd, request, strlen(request), MSG_NOSIGNAL);
	do
		size = size < 0 ? size : recv(fd, packet, sizeof(packet), 0);
	while (size < 0 && errno == EINTR);
	if (size < 0 && errno == EAGAIN)
		return gs_error_create(GS_ERROR_TIMEOUT, "the keeper does not answer");
	if (size <= 0)
		return gs_error_create(GS_ERROR_GONE, "the keeper has ended");
	err = gs_json_parse(packet, (size_t)size, &reply);
	if (!err)
		err = to_error(reply);
	if (err)
		gs_json_destroy(reply);
	else
		*ret = reply;
	return err;
}

static struct gs_error *ask_what(const char *dir, pid_t keeper, const char *request,
				 struct gs_json **ret)
{
	gs_autofree char *name = gs_keeper_socket_name(keeper);
	gs_autoclose int fd = -1;
	struct gs_error *err;

	if (!name || !request)
		return gs_error_nomem();
	err = gs_unix_connect(dir, name, SOCK_SEQPACKET, &fd);
	return err ? err : exchange(fd, request, ret);
}

static struct gs_error *ask(const char *dir, pid_t keeper, const char *request)
{
	gs_autojson struct gs_json *reply = NULL;

	return ask_what(dir, keeper, request, &reply);
}

static struct gs_error *ask_for(const char *dir, pid_t keeper, const char *what, const char *key,
				pid_t pid)
{
	gs_autofree char *request = gs_strf("{\"do\": \"%s\", \"%s\": %d}", what, key, (int)pid);

	return ask(dir, keeper, request);
}

struct gs_error *gs_keeper_seize(struct gs_keeper *keeper, pid_t pid)
{
	return ask_for(gs_keeper_dir(keeper), gs_keeper_pid(keeper), "seize", "pid", pid);
}

struct gs_error *gs_keeper_release_all(struct gs_keeper *keeper)
{
	gs_keeper_wake(keeper);
	return ask(gs_keeper_dir(keeper), gs_keeper_pid(keeper), "{\"do\": \"release-all\"}");
}

/* ---- holds at functions ---- */

struct gs_error *gs_keeper_catch(struct gs_keeper *keeper, enum gs_catch_mechanism *ret,
				 char **why_ret)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_error *err = ask_what(gs_keeper_dir(keeper), gs_keeper_pid(keeper),
					"{\"do\": \"catch\"}", &reply);
	const char *name = gs_json_string(gs_json_path(reply, "return", "mechanism", NULL));
	const char *why = gs_json_string(gs_json_path(reply, "return", "why", NULL));

	if (err)
		return err;
	*ret = name && strcmp(name, gs_catch_mechanism_name(GS_CATCH_INT3)) == 0 ? GS_CATCH_INT3
										 : GS_CATCH_PERF;
	*why_ret = why ? strdup(why) : NULL;
	return why && !*why_ret ? gs_error_nomem() : NULL;
}

struct gs_error *gs_keeper_arm(struct gs_keeper *keeper, const struct gs_place *place)
{
	gs_autojson struct gs_json *json = gs_json_new_object();
	gs_autofree char *request = NULL;

	if (json && gs_json_set(json, "do", gs_json_new_string("arm")) &&
	    gs_json_set(json, "place", gs_hold_place_json(place)))
		request = gs_json_print(json, GS_JSON_SPACED);
	return ask(gs_keeper_dir(keeper), gs_keeper_pid(keeper), request);
}

struct gs_error *gs_keeper_go_on(struct gs_keeper *keeper, pid_t tid)
{
	return ask_for(gs_keeper_dir(keeper), gs_keeper_pid(keeper), "go-on", "id", tid);
}

/* ---- holds at main ---- */

struct gs_error *gs_keeper_go_to(struct gs_keeper *keeper, pid_t id, enum gs_keeper_then then,
				 const struct gs_place *place)
{
	gs_autojson struct gs_json *json = gs_json_new_object();
	gs_autofree char *request = NULL;

	if (json && gs_json_set(json, "do", gs_json_new_string("go-to")) &&
	    gs_json_set(json, "id", gs_json_new_i64(id)) &&
	    gs_json_set(json, "then", gs_json_new_string(gs_keeper_then_names[then])) &&
	    gs_json_set(json, "place", gs_hold_place_json(place)))
		request = gs_json_print(json, GS_JSON_SPACED);
	return ask(gs_keeper_dir(keeper), gs_keeper_pid(keeper), request);
}

/* ---- holds of others ---- */

static char state_of(const struct gs_proc_id *id)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(id->pid, &stat) && stat.start == id->start ? stat.state : 'X';
}

/* Without its keeper it runs, unless it was handed over before. */
static struct gs_error *release_stale(const char *dir, const struct gs_hold_record *record)
{
	if (state_of(&record->id) == 'T' && kill(record->pid, SIGCONT) < 0 && errno != ESRCH)
		return gs_error_os(errno, "process %d", (int)record->pid);
	gs_hold_record_remove(dir, record->id.pid);
	return NULL;
}

struct gs_error *gs_hold_release(const char *dir, const struct gs_hold_record *record)
{
	if (gs_hold_is_stale(record))
		return release_stale(dir, record);
	return ask_for(dir, record->keeper.pid, "release", "id", record->id.pid);
}

/* The stop is queued before the keeper lets go, but it takes the process a moment to get there. */
static struct gs_error *await_stop(const struct gs_proc_id *process)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	uint64_t deadline_ms = gs_deadline_in(STOP_MS);
	char state;

	while ((state = state_of(process)) != 'T' && state != 't') {
		if (state == 'X' || state == 'Z')
			return gs_error_create(GS_ERROR_GONE, "process %d has ended",
					       (int)process->pid);
		if (gs_deadline_passed(deadline_ms))
			return gs_error_create(GS_ERROR_TIMEOUT, "process %d does not stop",
					       (int)process->pid);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

struct gs_error *gs_hold_hand_over(const char *dir, const struct gs_hold_record *record,
				   bool resume)
{
	gs_autofree char *request = gs_strf("{\"do\": \"hand-over\", \"id\": %d, \"resume\": %s}",
					    (int)record->id.pid, resume ? "true" : "false");
	struct gs_error *err = NULL;

	if (!gs_hold_is_stale(record))
		err = ask(dir, record->keeper.pid, request);
	else if (state_of(&record->id) != 'T')
		err = gs_error_create(GS_ERROR_GONE, "its keeper has ended, and it runs");
	return err ? err : await_stop(&record->id);
}
