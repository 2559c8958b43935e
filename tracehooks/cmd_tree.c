/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tree: who has started whom, what they became, and who is connected with whom. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "tracehooks.h"
#include "tree.h"

#define END_MS 1000 /* that the command has after Ctrl-C, of which it has heard as well */

/* ---- a command, until it and all that it has started have ended ---- */

/* Whether it was the descriptor, before a signal came or it took too long. */
static bool await(int fd, int signal_fd, int timeout_ms)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
	struct signalfd_siginfo info;

	while (poll(fds, 2, timeout_ms) < 0 && errno == EINTR)
		;
	return !fds[1].revents || read(signal_fd, &info, sizeof(info)) < 0;
}

static void await_end(const struct gs_args *args, const struct gs_recorder *recorder,
		      const struct child *child, int signal_fd)
{
	bool is_over;

	if (gs_args_has(args, "no-wait"))
		is_over = await(child->pidfd, signal_fd, -1);
	else
		is_over = await(gs_recorder_fd(recorder), signal_fd, -1);
	if (is_over && !gs_pidfd_wait(child->pidfd, 0)) {
		gs_args_note(args, "the recorder was killed: what comes now is not recorded");
		is_over = await(child->pidfd, signal_fd, -1);
	}
	if (!is_over)
		await(child->pidfd, signal_fd, END_MS);
}

static struct gs_error *start(struct child *child, struct gs_recorder *recorder)
{
	struct gs_error *err = child_fork(child, gs_recorder_pid(recorder));

	if (child->pid <= 0)
		return err;
	if (!err)
		err = gs_recorder_seize(recorder, child->pid);
	return child_let_go(child, err);
}

static struct gs_error *record(const struct gs_args *args, struct gs_ptree *ret, int *status_ret)
{
	GS_CLEANUP(gs_recorder_destroy) struct gs_recorder *recorder = NULL;
	gs_autoclose int signal_fd = -1;
	struct child child;
	struct gs_error *err = child_init(&child, args, "tree");

	if (!err)
		err = gs_recorder_start(&recorder);
	if (!err)
		err = gs_signals_open(&signal_fd);
	if (!err)
		err = start(&child, recorder);
	if (err)
		return err;
	await_end(args, recorder, &child, signal_fd);
	err = gs_recorder_stop(recorder, ret);
	*status_ret = child_finish(&child, args);
	if (!err && child.not_run)
		gs_ptree_deinit(ret);
	return err;
}

/* ---- processes that run ---- */

static struct gs_error *look(const struct gs_args *args, struct gs_ptree *ret)
{
	uint64_t pid;
	struct gs_error *err = gs_args_u64(args, "pid", 0, &pid);

	if (!err && (gs_args_rest(args) || gs_args_has(args, "no-wait")))
		err = gs_error_create(GS_ERROR_INVALID, "tree: either --pid, or a command");
	if (!err && (pid == 0 || pid > INT_MAX))
		err = gs_error_create(GS_ERROR_INVALID, "--pid: %s is no process",
				      gs_args_get(args, "pid"));
	return err ? err : gs_ptree_look((pid_t)pid, ret);
}

/* ---- what there is to see ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static struct gs_error *put_svg(const struct gs_ptree *tree, FILE *out)
{
	gs_autotext struct gs_text text = {0};

	tree_draw(tree, &text);
	if (text.failed)
		return gs_error_nomem();
	return fwrite(text.data, 1, text.size, out) == text.size && fflush(out) == 0
		       ? NULL
		       : gs_error_os(errno, "picture");
}

static struct gs_error *put(const struct gs_args *args, const struct gs_ptree *tree, FILE *out,
			    bool color)
{
	bool json = gs_args_has(args, "json");
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = NULL;
	const char *output = gs_args_get(args, "output");

	if (gs_args_has(args, "svg") || (output && !json && ends_with(output, ".svg")))
		return put_svg(tree, out);
	e = gs_emit_create(out, json ? GS_EMIT_JSON : GS_EMIT_TEXT, color && !json);
	tree_emit(e, tree);
	return gs_emit_finish(e);
}

/* stdout was the command's until now. */
static struct gs_error *show(const struct gs_args *args, const struct gs_ptree *tree,
			     struct gs_outfile *file)
{
	struct gs_error *err;
	FILE *out;

	if (!file)
		return put(args, tree, stdout, gs_args_color(args));
	out = fdopen(dup(gs_outfile_fd(file)), "w");
	if (!out)
		return gs_error_os(errno, "%s", gs_outfile_path(file));
	err = put(args, tree, out, false);
	fclose(out);
	return err ? gs_error_wrap(err, "%s", gs_outfile_path(file)) : gs_outfile_commit(file);
}

int cmd_tree(struct gs_args *args)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *file = NULL;
	const char *output = gs_args_get(args, "output");
	struct gs_ptree tree = {0};
	struct gs_error *err = NULL;
	int status = GS_EXIT_OK, failed;

	if (gs_args_has(args, "svg") && gs_args_has(args, "json"))
		err = gs_error_create(GS_ERROR_INVALID, "tree: either --svg, or --json");
	if (!err && output)
		err = gs_outfile_open(output, gs_args_has(args, "force") ? GS_OUTFILE_FORCE : 0,
				      &file);
	if (!err)
		err = gs_args_has(args, "pid") ? look(args, &tree) : record(args, &tree, &status);
	if (!err && tree.count)
		err = show(args, &tree, file);
	if (!err && tree.lost)
		gs_args_note(args, "%zu things that happened are not in it: there were too many",
			     tree.lost);
	gs_ptree_deinit(&tree);
	failed = err ? gs_args_fail(args, err) : GS_EXIT_OK;
	return failed ? failed : status;
}
