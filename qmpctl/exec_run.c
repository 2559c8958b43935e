/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec: one command, checked, sent, its reply printed. */
#include <stdio.h>

#include <guestscope/base/text.h>

#include "exec.h"

int exec_fail(const struct exec *exec, struct gs_error *err, const char *place)
{
	return gs_args_fail(exec->args, place ? gs_error_wrap(err, "%s", place) : err);
}

static int print(const struct exec *exec, const struct gs_json *value, enum gs_json_layout layout)
{
	gs_autofree char *json = gs_json_print(value, layout);
	gs_autofree char *line = json ? gs_strf("%s\n", json) : NULL;

	return line ? gs_args_print(exec->args, line) : gs_args_fail(exec->args, gs_error_nomem());
}

/* The command as it goes over the wire, but for the id. */
static int print_request(const struct exec *exec, const char *command,
			 const struct gs_json *arguments)
{
	gs_autojson struct gs_json *request = gs_json_new_object();
	bool ok = gs_json_set(request, "execute", gs_json_new_string(command));

	if (ok && arguments)
		ok = gs_json_set(request, "arguments", gs_json_copy(arguments));
	return ok ? print(exec, request, GS_JSON_COMPACT)
		  : gs_args_fail(exec->args, gs_error_nomem());
}

/* ---- before ---- */

/*
 * Once for all commands. A QEMU that has no schema, or none that we understand, may well have the
 * command.
 */
static struct gs_error *ask_schema(struct exec *exec)
{
	struct gs_error *err;

	exec->asks_schema = false;
	err = gs_schema_query(exec->target.qmp, &exec->schema);
	if (err && (err->code == GS_ERROR_REFUSED || err->code == GS_ERROR_CORRUPT)) {
		gs_args_note(exec->args, "not checked: %s", err->message);
		gs_error_destroy(err);
		return NULL;
	}
	return err;
}

/* Takes @err. */
static int misuse(const struct exec *exec, const struct call *call, struct gs_error *err,
		  const char *place)
{
	bool is_known = gs_schema_find(exec->schema, GS_SCHEMA_COMMAND, call->command);
	int status = exec_fail(exec, err, place);

	if (!place)
		fprintf(stderr, "Try 'qmpctl schema%s%s'%s; --no-check sends it anyway.\n",
			is_known ? " " : "", is_known ? call->command : "",
			is_known ? ", and key:=json for what is no string" : "");
	return status;
}

static int check(struct exec *exec, const struct call *call, const char *place)
{
	gs_autojson struct gs_json *notes = NULL;
	struct gs_error *err = exec->asks_schema ? ask_schema(exec) : NULL;

	if (err)
		return exec_fail(exec, err, place);
	if (!exec->schema)
		return GS_EXIT_OK;
	err = gs_schema_check(exec->schema, call->command, call->arguments, &notes);
	if (err)
		return misuse(exec, call, err, place);
	gs_json_for_each (item, notes)
		gs_args_note(exec->args, "%s", gs_json_string(item));
	return GS_EXIT_OK;
}

/* ---- the command ---- */

static int run_raw(struct exec *exec, struct call *call, const char *place)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_error *err =
		gs_qmp_execute_reply(exec->target.qmp, call->command, gs_take(call->arguments),
				     exec->fds.riding, 0, &reply);
	int status;

	if (err)
		return exec_fail(exec, err, place);
	status = print(exec, reply, GS_JSON_COMPACT);
	if (status == GS_EXIT_OK && gs_json_get(reply, "error"))
		status = GS_EXIT_FAILED;
	return status;
}

/* Takes @err; a refusal with its class, which scripts look for. */
static int refused(const struct exec *exec, const struct call *call, struct gs_error *err,
		   const char *place)
{
	if (err->code == GS_ERROR_REFUSED)
		err = gs_error_wrap(err, "%s", gs_qmp_error_class(exec->target.qmp));
	return exec_fail(exec, gs_error_wrap(err, "%s", call->command), place);
}

static int run(struct exec *exec, struct call *call, const char *place)
{
	gs_autojson struct gs_json *answer = NULL;
	struct gs_error *err =
		gs_qmp_execute_fd(exec->target.qmp, call->command, gs_take(call->arguments),
				  exec->fds.riding, 0, &answer);

	return err ? refused(exec, call, err, place) : print(exec, answer, exec->layout);
}

/* ---- descriptors, and all of it ---- */

static int print_fds(const struct exec *exec)
{
	int status = GS_EXIT_OK;

	for (size_t i = 0; !status && i < exec->fds.count; i++) {
		gs_autojson struct gs_json *arguments = gs_json_new_object();

		if (!exec->fds.at[i].name)
			continue;
		gs_json_set(arguments, "fdname", gs_json_new_string(exec->fds.at[i].name));
		status = print_request(exec, "getfd", arguments);
	}
	return status;
}

/* Before the first command that is sent, and not before it was found to be right. */
static int pass_fds(struct exec *exec, const char *place)
{
	struct gs_error *err;

	if (exec->passed_fds)
		return GS_EXIT_OK;
	if (exec->dry_run) {
		exec->passed_fds = true;
		return print_fds(exec);
	}
	err = exec_fds_pass(&exec->fds, exec->target.qmp);
	exec->passed_fds = !err;
	return err ? exec_fail(exec, err, place) : GS_EXIT_OK;
}

int exec_run(struct exec *exec, struct call *call, const char *place)
{
	int status = check(exec, call, place);

	if (status == GS_EXIT_OK)
		status = pass_fds(exec, place);
	if (status != GS_EXIT_OK)
		return status;
	if (exec->dry_run)
		return print_request(exec, call->command, call->arguments);
	return exec->raw ? run_raw(exec, call, place) : run(exec, call, place);
}
