/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client's requests: which are answered here, how the others come back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy.h"

void gs_proxy_request_deinit(struct gs_proxy_request *r)
{
	gs_json_destroy(r->message);
	gs_json_destroy(r->id);
	gs_json_destroy(r->names);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct gs_proxy_request){.fd = -1};
}

/* ---- answers of our own, without the id; NULL: out of memory ---- */

static struct gs_json *refusal(const char *class, const char *desc)
{
	gs_autojson struct gs_json *error = gs_json_new_object(), *answer = gs_json_new_object();
	bool ok = gs_json_set(error, "class", gs_json_new_string(class));

	ok = gs_json_set(error, "desc", gs_json_new_string(desc)) && ok;
	ok = gs_json_set(answer, "error", gs_take(error)) && ok;
	return ok ? gs_take(answer) : NULL;
}

static struct gs_json *success(void)
{
	gs_autojson struct gs_json *answer = gs_json_new_object();

	return gs_json_set(answer, "return", gs_json_new_object()) ? gs_take(answer) : NULL;
}

/* What QEMU would not take for a negotiation, is none; and there is nothing to be had from us. */
static const char *check_negotiation(const struct gs_json *arguments)
{
	if (arguments && gs_json_type(arguments) != GS_JSON_OBJECT)
		return "QMP input member 'arguments' must be an object";
	gs_json_for_each (item, arguments) {
		if (strcmp(gs_json_key(item), "enable") != 0)
			return "qmp_capabilities: the only argument is 'enable'";
		if (gs_json_type(item) != GS_JSON_ARRAY)
			return "qmp_capabilities: 'enable' must be an array";
		if (gs_json_count(item))
			return "qmp_capabilities: no such capability is offered here";
	}
	return NULL;
}

static struct gs_json *negotiate(struct gs_proxy_client *c, const struct gs_json *message)
{
	const char *wrong = check_negotiation(gs_json_get(message, "arguments"));

	if (c->negotiated)
		return refusal("CommandNotFound", "capabilities were negotiated already");
	if (wrong)
		return refusal("GenericError", wrong);
	c->negotiated = true;
	return success();
}

/* The human monitor goes by the first word, which also '/' ends. */
static bool is_hmp_quit(const char *line)
{
	size_t size;

	line += strspn(line, " \t\n\v\f\r");
	size = strcspn(line, " \t\n\v\f\r/");
	return (size == 1 && line[0] == 'q') || (size == 4 && memcmp(line, "quit", 4) == 0);
}

static bool yanks_chardev(const struct gs_json *arguments)
{
	gs_json_for_each (instance, gs_json_get(arguments, "instances")) {
		const char *type = gs_json_string(gs_json_get(instance, "type"));

		if (type && strcmp(type, "chardev") == 0)
			return true;
	}
	return false;
}

/* Whether it would end the monitor that all clients share. */
static bool ends_monitor(const char *command, const struct gs_json *arguments)
{
	const char *line = gs_json_string(gs_json_get(arguments, "command-line"));

	if (strcmp(command, "quit") == 0)
		return true;
	if (strcmp(command, "human-monitor-command") == 0)
		return line && is_hmp_quit(line);
	return strcmp(command, "yank") == 0 && yanks_chardev(arguments);
}

static const char *check_fd(const struct gs_proxy_client *c, const char *command)
{
	if (!gs_proxy_takes_fd(command))
		return NULL;
	if (c->passed_fd < 0)
		return "no file descriptor came with the command";
	if (strcmp(command, "getfd") == 0 && gs_proxy_names_are_full(&c->names))
		return "too many file descriptors are open: close some by closefd";
	return NULL;
}

/* ---- from and to the client ---- */

/* Takes @reply; the client's id comes where one is, or behind all. */
static void answer(struct gs_proxy_client *c, struct gs_json *reply)
{
	if (reply && c->request.id && !gs_json_set(reply, "id", gs_take(c->request.id))) {
		gs_json_destroy(reply);
		reply = NULL;
	}
	gs_proxy_request_deinit(&c->request);
	c->has_request = false;
	gs_proxy_client_reply(c, reply);
}

/* Whether it did not take QEMU to answer. */
static bool answer_here(struct gs_proxy_client *c, const char *command,
			const struct gs_json *message, bool allow_quit)
{
	struct gs_json *reply;
	const char *wrong = check_fd(c, command);

	if (strcmp(command, "qmp_capabilities") == 0)
		reply = negotiate(c, message);
	else if (!c->negotiated)
		reply = refusal("CommandNotFound",
				"capabilities are to be negotiated first: qmp_capabilities");
	else if (!allow_quit && ends_monitor(command, gs_json_get(message, "arguments")))
		reply = refusal("GenericError", "the monitor is shared with other clients: its "
						"proxy does not allow to end it");
	else if (wrong)
		reply = refusal("GenericError", wrong);
	else
		return false;
	answer(c, reply);
	return true;
}

/* Takes @err. What was not understood has no id, as nobody knows it. */
static void refuse_garbage(struct gs_proxy_client *c, enum gs_qmp_found found, struct gs_error *err)
{
	gs_autoerror struct gs_error *owned = err;
	bool is_object = found != GS_QMP_GARBAGE;

	gs_proxy_client_reply(
		c, refusal("GenericError", is_object ? owned->message : "not a JSON object"));
}

static bool prepare(struct gs_proxy_client *c, const char *command)
{
	struct gs_proxy_request *r = &c->request;

	if (gs_proxy_takes_fd(command))
		r->fd = gs_take_fd(&c->passed_fd);
	return gs_proxy_names_translate(&c->names, command, r);
}

void gs_proxy_request_take(struct gs_proxy_client *c, bool allow_quit)
{
	struct gs_json *message = NULL;
	enum gs_qmp_found found = gs_qmp_input_scan(&c->input);
	struct gs_error *err = gs_qmp_input_take(&c->input, &message);
	const char *command;

	gs_qmp_input_release(&c->input);
	c->input.aligned = true; /* behind garbage, too: as QEMU does, go on with the next byte */
	if (err) {
		refuse_garbage(c, found, err);
		return;
	}
	c->has_request = true;
	c->request = (struct gs_proxy_request){
		.message = message, .id = gs_json_detach(message, "id"), .fd = -1};
	command = gs_json_string(gs_json_get(message, "execute"));
	command = command ? command : ""; /* QEMU will say what is wrong with it */
	if (!answer_here(c, command, message, allow_quit) && !prepare(c, command))
		c->leaving = "out of memory";
}

/* QEMU may have quoted a name. */
static void restore_names(const struct gs_proxy_client *c, struct gs_json *reply)
{
	struct gs_json *error = gs_json_get_mutable(reply, "error");
	const char *desc = gs_json_string(gs_json_get(error, "desc"));
	gs_autofree char *restored = NULL;

	if (!desc || !strstr(desc, c->names.prefix))
		return;
	restored = gs_proxy_names_restore(&c->names, desc);
	if (restored)
		(void)gs_json_set(error, "desc", gs_json_new_string(restored));
}

void gs_proxy_request_finish(struct gs_proxy_client *c, struct gs_json *reply,
			     struct gs_error *failure)
{
	gs_autoerror struct gs_error *err = failure;

	if (err) {
		answer(c, refusal("GenericError", err->message));
		return;
	}
	if (gs_json_get(reply, "return"))
		gs_proxy_names_update(&c->names, &c->request);
	restore_names(c, reply);
	if (!c->request.id)
		gs_json_destroy(gs_json_detach(reply, "id"));
	answer(c, reply);
}
