/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shell: QMP and HMP by hand, or line by line from a script. */
#include <unistd.h>

#include "shell.h"

#define REPLY_MS 30000 /* for scripts; people have Ctrl-C */

/* A QEMU that gives no schema can be talked to all the same. */
static struct gs_error *learn_schema(struct shell *s)
{
	struct gs_error *err = gs_schema_query(s->qmp, &s->schema);

	if (!err || (err->code != GS_ERROR_REFUSED && err->code != GS_ERROR_CORRUPT))
		return err;
	gs_args_note(s->args, "no schema, so nothing is checked: %s", err->message);
	gs_error_destroy(err);
	return NULL;
}

static struct gs_error *run(struct shell *s)
{
	struct gs_error *err = gs_args_duration(
		s->args, "timeout", s->is_interactive ? GS_NO_DEADLINE : REPLY_MS, &s->timeout_ms);

	if (!err)
		err = learn_schema(s);
	if (!err)
		err = s->is_interactive ? shell_run_terminal(s) : shell_run_batch(s);
	return err;
}

/* What went wrong on the way is of no matter to who leaves by hand. */
static int exit_status(const struct shell *s)
{
	bool ended = s->status == GS_EXIT_GONE || s->status == GS_EXIT_LOST;

	return s->is_interactive && !ended && s->status < GS_EXIT_SIGNAL ? GS_EXIT_OK : s->status;
}

int cmd_shell(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	bool is_interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct shell s = {
		.args = args,
		.is_interactive = is_interactive,
		.color = gs_args_color(args),
		.shows_events = is_interactive,
		.signal_fd = -1,
	};
	struct gs_error *err = target_open(args, 0, &target);

	if (!err) {
		s.qmp = target.qmp;
		err = run(&s);
	}
	shell_input_drop(&s.input);
	gs_schema_destroy(s.schema);
	return err ? gs_args_fail(args, err) : exit_status(&s);
}
