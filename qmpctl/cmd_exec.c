/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec: any QMP command, or many. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"

static void deinit(struct exec *exec)
{
	gs_schema_destroy(exec->schema);
	exec_fds_deinit(&exec->fds);
	target_close(&exec->target);
}

/* ---- one, or those of a file ---- */

static int run_file(struct exec *exec, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	gs_autoclose int fd = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && !is_stdin)
		return gs_args_fail(exec->args, gs_error_os(errno, "%s", path));
	if (gs_args_has(exec->args, "json"))
		exec->layout = GS_JSON_COMPACT;
	return exec_lines(exec, is_stdin ? STDIN_FILENO : fd, is_stdin ? "stdin" : path);
}

/* "-" and "@FILE"; NULL: the words are a command by themselves. */
static const char *file_of(const struct gs_args *args)
{
	const char *first = gs_args_at(args, 0);

	if (strcmp(first, "-") == 0)
		return first;
	return first[0] == '@' ? first + 1 : NULL;
}

/* After a time-out or worse, nobody knows what the monitor makes of a name that we take away. */
static bool is_settled(int status)
{
	return status == GS_EXIT_OK || status == GS_EXIT_FAILED || status == GS_EXIT_USAGE;
}

static int run_all(struct exec *exec, struct call *call)
{
	const char *path = file_of(exec->args);
	int status = path ? run_file(exec, path) : exec_run(exec, call, NULL);

	if (exec->passed_fds && !exec->dry_run && is_settled(status))
		exec_fds_take_back(&exec->fds, exec->target.qmp);
	return status;
}

/* ---- the command line ---- */

static struct gs_error *parse(struct exec *exec, struct call *call)
{
	const struct gs_args *args = exec->args;
	const char *path = file_of(args);
	struct gs_error *err = exec_fds_open(args, &exec->fds);

	if (err || !path)
		return err ? err : call_parse(gs_args_all(args), gs_args_count(args), call);
	if (gs_args_count(args) > 1)
		return gs_error_create(GS_ERROR_INVALID, "'%s' takes no arguments: its lines do",
				       gs_args_at(args, 0));
	if (exec->fds.riding >= 0)
		return gs_error_create(GS_ERROR_INVALID, "--fd: many commands need a NAME=");
	return NULL;
}

static struct gs_error *prepare(struct exec *exec, struct call *call)
{
	const struct gs_args *args = exec->args;
	uint64_t timeout_ms;
	struct gs_error *err = parse(exec, call);

	exec->asks_schema = !gs_args_has(args, "no-check");
	exec->dry_run = gs_args_has(args, "dry-run");
	exec->raw = gs_args_has(args, "raw");
	if (!err)
		err = gs_args_duration(args, "timeout", 0, &timeout_ms);
	if (!err && (exec->asks_schema || !exec->dry_run))
		err = target_open(args, timeout_ms, &exec->target);
	return err;
}

int cmd_exec(struct gs_args *args)
{
	struct exec exec = {
		.args = args,
		.target = {.pidfd = -1},
		.fds = EXEC_FDS_NONE,
		.layout = GS_JSON_PRETTY,
	};
	auto_call struct call call = {0};
	struct gs_error *err = prepare(&exec, &call);
	int status = err ? gs_args_fail(args, err) : run_all(&exec, &call);

	deinit(&exec);
	return status;
}
