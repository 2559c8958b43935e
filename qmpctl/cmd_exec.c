/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec: any QMP command. */
#include <stdio.h>

#include "qmpctl.h"

/* Wrong JSON from the user is misuse, not a corrupt file. */
static int misuse(const struct gs_args *args, struct gs_error *err)
{
	bool wrong = err->code == GS_ERROR_CORRUPT;
	int status = gs_args_fail(args, err);

	return wrong ? GS_EXIT_USAGE : status;
}

/* Takes @err; a refusal with its class, which scripts look for. */
static int refused(const struct gs_args *args, const struct gs_qmp *qmp, struct gs_error *err)
{
	if (err->code == GS_ERROR_REFUSED)
		err = gs_error_wrap(err, "%s", gs_qmp_error_class(qmp));
	return gs_args_fail(args, gs_error_wrap(err, "%s", gs_args_at(args, 0)));
}

int cmd_exec(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	gs_autojson struct gs_json *answer = NULL;
	struct gs_json *arguments = NULL;
	gs_autofree char *text = NULL;
	uint64_t timeout_ms;
	struct gs_error *err =
		arguments_parse(gs_args_all(args) + 1, gs_args_count(args) - 1, &arguments);

	if (err)
		return misuse(args, err);
	err = gs_args_duration(args, "timeout", 0, &timeout_ms);
	if (!err)
		err = target_open(args, timeout_ms, &target);
	if (err) {
		gs_json_destroy(arguments);
		return gs_args_fail(args, err);
	}
	err = gs_qmp_execute(target.qmp, gs_args_at(args, 0), arguments, 0, &answer);
	if (err)
		return refused(args, target.qmp, err);
	text = gs_json_print(answer, GS_JSON_PRETTY);
	if (!text)
		return gs_args_fail(args, gs_error_nomem());
	puts(text);
	return GS_EXIT_OK;
}
