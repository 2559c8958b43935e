/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which exec is the one that is waited for. */
#include <fnmatch.h>
#include <limits.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/hold/filter.h>

struct gs_hold_filter {
	char *exec, *parent;
	pid_t parent_pid; /* 0: it is a glob */
	bool has_argv, has_uid, has_depth, every;
	regex_t argv;
	uid_t uid;
	unsigned int depth;
	unsigned int nth, seen; /* that fitted */
};

static struct gs_error *compile_argv(struct gs_hold_filter *filter, const char *expression)
{
	int code = regcomp(&filter->argv, expression, REG_EXTENDED | REG_NOSUB);
	char why[128];

	if (code == 0) {
		filter->has_argv = true;
		return NULL;
	}
	regerror(code, &filter->argv, why, sizeof(why));
	return gs_error_create(GS_ERROR_INVALID, "'%s' is no regular expression: %s", expression,
			       why);
}

/* A number is a pid; no program's name is one. */
static struct gs_error *parse_parent(struct gs_hold_filter *filter, const char *text)
{
	uint64_t pid;
	struct gs_error *err;

	if (!*text || text[strspn(text, "0123456789")]) {
		filter->parent = strdup(text);
		return filter->parent ? NULL : gs_error_nomem();
	}
	err = gs_parse_u64(text, &pid);
	if (!err && (pid == 0 || pid > INT_MAX))
		err = gs_error_create(GS_ERROR_INVALID, "'%s' is no process", text);
	if (!err)
		filter->parent_pid = (pid_t)pid;
	return err;
}

static struct gs_error *fill(struct gs_hold_filter *filter, const struct gs_hold_wish *wish)
{
	struct gs_error *err = NULL;

	filter->has_uid = wish->has_uid;
	filter->uid = wish->uid;
	filter->has_depth = wish->has_depth;
	filter->depth = wish->depth;
	filter->nth = wish->nth ? wish->nth : 1;
	filter->every = wish->every;
	filter->exec = wish->exec ? strdup(wish->exec) : NULL;
	if (wish->exec && !filter->exec)
		err = gs_error_nomem();
	if (!err && wish->argv)
		err = compile_argv(filter, wish->argv);
	if (!err && wish->parent)
		err = parse_parent(filter, wish->parent);
	return err;
}

struct gs_error *gs_hold_filter_new(const struct gs_hold_wish *wish, struct gs_hold_filter **ret)
{
	GS_CLEANUP(gs_hold_filter_free)
	struct gs_hold_filter *filter = calloc(1, sizeof(*filter));
	struct gs_error *err = filter ? fill(filter, wish) : gs_error_nomem();

	if (err)
		return err;
	*ret = filter;
	filter = NULL;
	return NULL;
}

void gs_hold_filter_free(struct gs_hold_filter *filter)
{
	if (filter->has_argv)
		regfree(&filter->argv);
	free(filter->exec);
	free(filter->parent);
	free(filter);
}

bool gs_hold_filter_is_empty(const struct gs_hold_filter *filter)
{
	return !filter->exec && !filter->has_argv && !filter->has_uid && !filter->parent &&
	       !filter->parent_pid && !filter->has_depth;
}

bool gs_hold_filter_is_done(const struct gs_hold_filter *filter)
{
	return !filter->every && filter->seen >= filter->nth;
}

/* ---- one exec ---- */

static bool matches_program(const char *glob, const char *path)
{
	const char *name = strrchr(path, '/');

	return fnmatch(glob, strchr(glob, '/') || !name ? path : name + 1, 0) == 0;
}

static bool matches_exec(const struct gs_hold_filter *filter,
			 const struct gs_hold_candidate *candidate)
{
	if (!filter->exec)
		return true;
	gs_proc_know(candidate->proc, GS_PROC_EXE);
	return candidate->proc->exe && matches_program(filter->exec, candidate->proc->exe);
}

static bool matches_uid(const struct gs_hold_filter *filter,
			const struct gs_hold_candidate *candidate)
{
	if (!filter->has_uid)
		return true;
	gs_proc_know(candidate->proc, GS_PROC_STATUS);
	return candidate->proc->uid == filter->uid;
}

static bool matches_parent(const struct gs_hold_filter *filter,
			   const struct gs_hold_candidate *candidate)
{
	pid_t parent = candidate->parent;

	if (filter->parent)
		return matches_program(filter->parent, candidate->parent_name);
	if (!filter->parent_pid)
		return true;
	if (!parent) {
		gs_proc_know(candidate->proc, GS_PROC_STAT);
		parent = candidate->proc->parent;
	}
	return parent == filter->parent_pid;
}

/* Arguments, with spaces for their NULs. Out of memory is no match: the process runs on. */
static bool matches_argv(const struct gs_hold_filter *filter,
			 const struct gs_hold_candidate *candidate)
{
	const struct gs_proc *proc = candidate->proc;
	gs_autofree char *line = NULL;

	if (!filter->has_argv)
		return true;
	gs_proc_know(candidate->proc, GS_PROC_ARGS);
	line = calloc(1, proc->args_size + 1);
	if (!line)
		return false;
	for (size_t i = 0; i + 1 < proc->args_size; i++)
		line[i] = proc->args[i] ? proc->args[i] : ' ';
	return regexec(&filter->argv, line, 0, NULL, 0) == 0;
}

/* The cheap ones first: most execs are of another program. */
static bool matches(const struct gs_hold_filter *filter, const struct gs_hold_candidate *candidate)
{
	return (!filter->has_depth || candidate->depth <= filter->depth) &&
	       matches_parent(filter, candidate) && matches_exec(filter, candidate) &&
	       matches_uid(filter, candidate) && matches_argv(filter, candidate);
}

bool gs_hold_filter_take(struct gs_hold_filter *filter, const struct gs_hold_candidate *candidate)
{
	if (gs_hold_filter_is_done(filter) || !matches(filter, candidate))
		return false;
	if (filter->seen < filter->nth)
		filter->seen++;
	return filter->seen >= filter->nth;
}
