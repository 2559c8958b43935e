/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bridge: serves QMP on a socket, and gets the answers from libvirt.
 *
 * Three threads: one takes commands, each to its end, as libvirt lets only one at a time through to
 * a domain anyway; one runs libvirt's event loop, where events come from; and one waits for the
 * socket's end, from the start: connecting may hang, too.
 */
#ifdef GS_HAVE_LIBVIRT
#include "libvirt.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>

#include "libvirt_api.h"
#include "libvirt_dump.h"
#include "stream_input.h"

#define NAME "libvirt-bridge"
#define SOCKET_FD GS_ISOLATED_FD(0)
#define REPORT_FD GS_ISOLATED_FD(1)
#define COMMAND_MAX (64 << 20) /* bytes of one command */
#define VERSION_COMMAND "{\"execute\":\"query-version\"}"
#define END_MS 5000
#define KEEPALIVE_S 5 /* a host that vanishes is noticed after a few of these */
#define KEEPALIVE_COUNT 3

struct bridge {
	struct gs_libvirt_api api;
	virConnectPtr conn;
	virDomainPtr domain;
	struct gs_json *version; /* the reply to query-version */
	struct gs_qmp_input input;
	int passed_fd;        /* came with the command that is being received; -1: none */
	pthread_mutex_t lock; /* one message at a time goes out */
};

/* ---- messages out ---- */

static void end(struct bridge *b)
{
	(void)b;
	gs_libvirt_dump_abandon();
	_exit(EXIT_SUCCESS);
}

/* Takes @message. A socket that nobody reads is a session that has ended. */
static void say(struct bridge *b, struct gs_json *message)
{
	gs_autojson struct gs_json *owned = message;
	gs_autofree char *text = owned ? gs_json_print(owned, GS_JSON_COMPACT) : NULL;
	int failed;

	if (!text)
		end(b);
	pthread_mutex_lock(&b->lock);
	failed = gs_write_full(SOCKET_FD, text, strlen(text)) < 0 ||
		 gs_write_full(SOCKET_FD, "\r\n", 2) < 0;
	pthread_mutex_unlock(&b->lock);
	if (failed)
		end(b);
}

static struct gs_json *object_of(const char *key, struct gs_json *value)
{
	struct gs_json *object = gs_json_new_object();

	if (!gs_json_set(object, key, value)) {
		gs_json_destroy(object);
		return NULL;
	}
	return object;
}

/* Takes both; @id may be NULL. In QEMU's order: "return", "id", but "id", "error". */
static void reply(struct bridge *b, struct gs_json *message, struct gs_json *id)
{
	struct gs_json *error = gs_json_detach(message, "error");

	if (id)
		gs_json_set(message, "id", id);
	if (error)
		gs_json_set(message, "error", error);
	say(b, message);
}

static struct gs_json *refusal(const char *why)
{
	struct gs_json *error = object_of("class", gs_json_new_string("GenericError"));

	gs_json_set(error, "desc", gs_json_new_string(why));
	return object_of("error", error);
}

/* What libvirt itself has to say, in the shape of an error of the monitor's. */
static struct gs_json *libvirt_error(const struct bridge *b)
{
	const char *message = b->api.virGetLastErrorMessage();

	return refusal(message ? message : "libvirt failed");
}

/* ---- commands ---- */

/*
 * Whether libvirt passed @command on and was answered. It has no id: libvirt has ids of its own,
 * and refuses others. *text_ret is malloc()ed.
 */
static bool pass_on(const struct bridge *b, const char *command, int fd, char **text_ret)
{
	return b->api.virDomainQemuMonitorCommandWithFiles(b->domain, command, fd >= 0 ? 1 : 0,
							   fd >= 0 ? &fd : NULL, NULL, NULL,
							   text_ret, 0) == 0;
}

static struct gs_json *read_answer(const char *text)
{
	gs_autoerror struct gs_error *err = NULL;
	struct gs_json *answer = NULL;

	err = gs_json_parse(text, strlen(text), &answer);
	if (!answer)
		return refusal(err->message);
	gs_json_destroy(gs_json_detach(answer, "id"));
	return answer;
}

/*
 * libvirt takes a while to see that a QEMU is gone, and calls its domain active, but lets no
 * command through. The events tell how it ended, and of the end; this is for when they do not.
 */
static void end_if_gone(struct bridge *b)
{
	gs_autofree char *text = NULL;

	if (pass_on(b, VERSION_COMMAND, -1, &text))
		return;
	poll(NULL, 0, END_MS);
	end(b);
}

static struct gs_json *ask(struct bridge *b, const char *command, int fd)
{
	gs_autofree char *text = NULL;
	struct gs_json *error;

	if (pass_on(b, command, fd, &text))
		return read_answer(text);
	error = libvirt_error(b);
	if (b->api.virGetLastErrorCode() != VIR_ERR_OPERATION_TIMEOUT) /* others are at work */
		end_if_gone(b);
	return error;
}

static struct gs_json *start_dump(struct bridge *b, const struct gs_json *command, int *fd)
{
	const char *format = gs_json_string(gs_json_path(command, "arguments", "format", NULL));
	gs_autoerror struct gs_error *err =
		gs_libvirt_dump_start(&b->api, b->domain, format, gs_take_fd(fd));

	return err ? refusal(err->message) : object_of("return", gs_json_new_object());
}

/*
 * Capabilities were libvirt's to negotiate. libvirt 9.0 dies of a DUMP_COMPLETED that it did not
 * ask for, and takes all its connections with it.
 */
static struct gs_json *answer(struct bridge *b, const struct gs_json *command, int *fd)
{
	const char *name = gs_json_string(gs_json_get(command, "execute"));
	gs_autofree char *text = gs_json_print(command, GS_JSON_COMPACT);

	if (name && strcmp(name, "qmp_capabilities") == 0)
		return object_of("return", gs_json_new_object());
	if (name && strcmp(name, GS_QMP_BRIDGE_DUMP) == 0)
		return start_dump(b, command, fd);
	if (name && strcmp(name, "dump-guest-memory") == 0)
		return refusal("libvirt does not survive a dump that it did not start itself");
	return text ? ask(b, text, *fd) : NULL;
}

/* Takes @command. */
static void serve(struct bridge *b, struct gs_json *command)
{
	gs_autojson struct gs_json *owned = command;
	gs_autoclose int fd = gs_take_fd(&b->passed_fd);
	struct gs_json *id = gs_json_detach(owned, "id");

	reply(b, answer(b, owned, &fd), id);
}

static void receive(struct bridge *b)
{
	ssize_t size = gs_qmp_input_receive(&b->input, SOCKET_FD, 0, &b->passed_fd);

	if (size == 0 || (size < 0 && errno != EINTR))
		end(b);
}

/*
 * Half a command of a client that died is followed by a byte that no JSON holds: both are dropped.
 * As from QEMU, a line says so: the next message, which begins a line, is known by that for one.
 */
static _Noreturn void serve_for_ever(struct bridge *b)
{
	for (;;) {
		struct gs_json *command;
		struct gs_error *err;

		while (gs_qmp_input_scan(&b->input) == GS_QMP_NOTHING)
			receive(b);
		err = gs_qmp_input_take(&b->input, &command);
		b->input.aligned = true;
		if (!err)
			serve(b, command);
		else
			say(b, refusal(err->message));
		gs_error_destroy(err);
	}
}

/* ---- events ---- */

static void on_event(virConnectPtr conn, virDomainPtr domain, const char *name, long long seconds,
		     unsigned int micros, const char *details, void *opaque)
{
	struct gs_json *time = object_of("seconds", gs_json_new_i64(seconds)), *data = NULL, *event;

	(void)conn;
	(void)domain;
	gs_json_set(time, "microseconds", gs_json_new_u64(micros));
	event = object_of("timestamp", time); /* in QEMU's own order */
	gs_json_set(event, "event", gs_json_new_string(name));
	if (details) {
		gs_error_destroy(gs_json_parse(details, strlen(details), &data));
		gs_json_set(event, "data", data ? data : gs_json_new_string(details));
	}
	say(opaque, event);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail,
			void *opaque)
{
	(void)conn;
	(void)domain;
	(void)detail;
	if (event == VIR_DOMAIN_EVENT_STOPPED || event == VIR_DOMAIN_EVENT_CRASHED)
		end(opaque);
	return 0;
}

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
	(void)conn;
	(void)reason;
	end(opaque);
}

static void *run_events(void *arg)
{
	struct bridge *b = arg;

	while (b->api.virEventRunDefaultImpl() == 0)
		;
	end(b);
	return NULL;
}

/* Not every connection has events: commands work all the same. */
static void start_events(struct bridge *b)
{
	const struct gs_libvirt_api *api = &b->api;
	pthread_t thread;

	(void)api->virConnectSetKeepAlive(b->conn, KEEPALIVE_S, KEEPALIVE_COUNT);
	(void)api->virConnectRegisterCloseCallback(b->conn, on_close, b, NULL);
	(void)api->virConnectDomainEventRegisterAny(
		b->conn, b->domain, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
		VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), b, NULL);
	(void)api->virConnectDomainQemuMonitorEventRegister(b->conn, b->domain, NULL, on_event, b,
							    NULL, 0);
	if (pthread_create(&thread, NULL, run_events, b) != 0)
		end(b);
}

/* ---- the beginning ---- */

static void *await_hangup(void *arg)
{
	struct pollfd p = {.fd = SOCKET_FD, .events = 0};

	while (poll(&p, 1, -1) < 0)
		;
	end(arg);
	return NULL;
}

static void watch_socket(struct bridge *b)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, await_hangup, b) != 0)
		end(b);
}

static const char *connect_domain(struct bridge *b, const char *uri, const char *domain)
{
	const struct gs_libvirt_api *api = &b->api;

	if (api->virEventRegisterDefaultImpl() < 0)
		return api->virGetLastErrorMessage();
	b->conn = api->virConnectOpen(uri);
	b->domain = b->conn ? api->virDomainLookupByName(b->conn, domain) : NULL;
	if (!b->domain)
		return api->virGetLastErrorMessage();
	return api->virDomainIsActive(b->domain) == 1 ? NULL : "the domain is not running";
}

/* What the greeting tells, and whether libvirt lets anything through at all. */
static const char *ask_version(struct bridge *b)
{
	gs_autofree char *text = NULL;
	const char *why_not;

	if (!pass_on(b, VERSION_COMMAND, -1, &text))
		return b->api.virGetLastErrorMessage();
	b->version = read_answer(text);
	if (gs_json_get(b->version, "return"))
		return NULL;
	why_not = gs_json_string(gs_json_path(b->version, "error", "desc", NULL));
	return why_not ? why_not : "the monitor does not tell its version";
}

static void connect_and_report(struct bridge *b, const char *uri, const char *domain)
{
	struct gs_qmp_bridge_report r = {0};
	gs_autoerror struct gs_error *err = gs_libvirt_load(&b->api);
	const char *why_not = err ? err->message : connect_domain(b, uri, domain);

	if (!why_not && b->api.virDomainGetUUIDString(b->domain, r.uuid) < 0)
		why_not = b->api.virGetLastErrorMessage();
	if (!why_not)
		start_events(b);
	if (!why_not)
		why_not = ask_version(b);
	if (why_not) {
		r.code = err ? err->code : GS_ERROR_UNREACHABLE;
		snprintf(r.message, sizeof(r.message), "%s", why_not);
	} else {
		r.is_local = gs_libvirt_is_local(&b->api, b->conn);
	}
	if (gs_write_full(REPORT_FD, &r, sizeof(r)) < 0 || why_not)
		_exit(EXIT_FAILURE);
	close(REPORT_FD);
}

static void greet(struct bridge *b)
{
	struct gs_json *hello = object_of("version", gs_json_detach(b->version, "return"));

	gs_json_set(hello, "capabilities", gs_json_new_array());
	say(b, object_of("QMP", hello));
}

_Noreturn void gs_qmp_bridge_main(const char *uri, const char *domain, int socket, int report_fd)
{
	static struct bridge b = {.passed_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
	int fds[] = {socket, report_fd};

	b.input.aligned = true;
	b.input.message_max = COMMAND_MAX;
	if (!gs_process_isolate(NAME, fds, 2))
		_exit(EXIT_FAILURE);
	watch_socket(&b);
	connect_and_report(&b, uri, domain);
	greet(&b);
	serve_for_ever(&b);
}
#endif
