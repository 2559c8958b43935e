/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hmp: any command of the human monitor. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "qmpctl.h"

/* The words as one line. */
static struct gs_error *join_words(const struct gs_args *args, char **ret)
{
	gs_autotext struct gs_text line = {0};

	for (size_t i = 0; i < gs_args_count(args); i++)
		gs_text_printf(&line, "%s%s", i ? " " : "", gs_args_at(args, i));
	return gs_text_finish(&line, ret);
}

static struct gs_error *run_hmp(const struct gs_args *args, char **text_ret)
{
	auto_target struct target target = {.pidfd = -1};
	gs_autofree char *line = NULL;
	uint64_t cpu, timeout_ms;
	struct gs_error *err = gs_args_u64(args, "cpu", 0, &cpu);

	if (!err && cpu > INT_MAX)
		err = gs_error_create(GS_ERROR_INVALID, "--cpu: there is no such CPU");
	if (!err)
		err = gs_args_duration(args, "timeout", 0, &timeout_ms);
	if (!err)
		err = join_words(args, &line);
	if (!err)
		err = target_open(args, timeout_ms, &target);
	if (!err)
		err = gs_qmp_hmp(target.qmp, line, gs_args_has(args, "cpu") ? (int)cpu : -1,
				 text_ret);
	return err;
}

/* As it is; but a terminal obeys control characters, which may be a guest's. */
static int print_answer(const struct gs_args *args, const char *answer)
{
	gs_autotext struct gs_text text = {0};
	gs_autofree char *shown = NULL;
	struct gs_error *err;

	if (!isatty(STDOUT_FILENO))
		return gs_args_print(args, answer);
	gs_text_append_printable_lines(&text, answer, strlen(answer));
	err = gs_text_finish(&text, &shown);
	return err ? gs_args_fail(args, err) : gs_args_print(args, shown);
}

int cmd_hmp(struct gs_args *args)
{
	gs_autofree char *text = NULL;
	struct gs_error *err = run_hmp(args, &text);
	bool failed;
	int status;

	if (err)
		return gs_args_fail(args, err);
	failed = gs_qmp_hmp_looks_failed(text) && !gs_args_has(args, "raw");
	if (gs_args_has(args, "json")) {
		struct gs_emit *e = gs_args_emit(args, false);

		gs_emit_begin(e, NULL, NULL);
		gs_emit_string(e, "text", NULL, text);
		gs_emit_bool(e, "failed", NULL, failed);
		gs_emit_end(e);
		return gs_args_finish(args, e, failed ? GS_EXIT_HMP : GS_EXIT_OK);
	}
	status = print_answer(args, text);
	if (failed)
		gs_args_note(args, "this reads like a failure; --raw takes it as it is");
	return failed ? GS_EXIT_HMP : status;
}
