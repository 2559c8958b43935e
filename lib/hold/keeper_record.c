/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keeper writes down of one that it holds. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"

#define LINEAGE_MAX 64

static bool copy_argv(struct gs_hold_record *record, const struct gs_proc *proc)
{
	size_t count = 0;

	for (size_t at = 0; at < proc->args_size; at += strlen(proc->args + at) + 1)
		count++;
	record->argv = calloc(count + 1, sizeof(*record->argv));
	for (size_t i = 0; record->argv && i < count; i++) {
		record->argv[i] = strdup(gs_proc_argument(proc, i));
		if (!record->argv[i])
			return false;
	}
	return record->argv;
}

static char *read_cwd(pid_t pid)
{
	char path[32], cwd[PATH_MAX];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
	size = readlink(path, cwd, sizeof(cwd));
	return strndup(cwd, size > 0 ? (size_t)size : 0);
}

bool gs_hold_record_begin(const struct gs_holds *holds, const struct gs_proc *proc,
			  struct gs_hold_record *ret)
{
	int64_t now = time(NULL);

	*ret = (struct gs_hold_record){
		.pid = proc->id.pid,
		.keeper = holds->keeper,
		.program = strdup(proc->exe ? proc->exe : ""),
		.cwd = read_cwd(proc->id.pid),
		.lineage = calloc(LINEAGE_MAX, sizeof(*ret->lineage)),
		.since = now,
		.until = holds->hold_max_s ? now + holds->hold_max_s : 0,
	};
	return ret->program && ret->cwd && ret->lineage && copy_argv(ret, proc);
}

void gs_hold_record_add_ancestor(struct gs_hold_record *record, pid_t pid, const char *name)
{
	struct gs_hold_ancestor *ancestor = &record->lineage[record->lineage_count];

	if (record->lineage_count == LINEAGE_MAX)
		return;
	record->lineage_count++;
	ancestor->pid = pid;
	strncpy(ancestor->name, name, sizeof(ancestor->name) - 1);
}
