/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those that are traced for the length of one exec, and where they come from. */
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "trace.h"

#define PATIENCE_MS 2000 /* an exec that was refused is not told to a tracer */
#define LINEAGE_MAX 64

pid_t gs_process_of_thread(pid_t tid)
{
	char path[32], line[64];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	while (file && !pid && fgets(line, sizeof(line), file))
		(void)sscanf(line, "Tgid: %d", &pid);
	if (file)
		fclose(file);
	return pid;
}

static void set_ancestor(struct gs_node *node, struct gs_node *parent)
{
	char comm[sizeof(node->traced.comm)];

	memcpy(comm, node->traced.comm, sizeof(comm));
	gs_process_comm(parent->traced.id.pid, parent->traced.comm);
	gs_tree_set_parent(node, parent);
	memcpy(node->traced.comm, comm, sizeof(comm));
}

void gs_expect_renew(struct gs_node *node)
{
	node->deadline_ms = gs_deadline_in(PATIENCE_MS);
}

void gs_expect_begin(struct gs_node *node)
{
	struct gs_proc_stat stat;
	struct gs_node *parent;

	node->expected = true;
	gs_expect_renew(node);
	gs_process_comm(node->traced.id.pid, node->traced.comm);
	if (!gs_proc_stat(node->traced.id.pid, &stat))
		return;
	node->traced.id.start = stat.start;
	for (int i = 0; i < LINEAGE_MAX && stat.parent > 0; i++) {
		pid_t pid = stat.parent;

		parent = gs_proc_stat(pid, &stat) ? gs_tree_new_ancestor(pid) : NULL;
		if (!parent)
			return;
		parent->traced.id.start = stat.start;
		set_ancestor(node, parent);
		node = parent;
	}
}

void gs_expect_hurry(const struct gs_tree *tree)
{
	for (size_t i = 0; i < tree->bucket_count; i++) {
		for (struct gs_node *node = tree->buckets[i]; node; node = node->next) {
			if (!node->expected || node->traced.held || node->leaving ||
			    !gs_deadline_passed(node->deadline_ms))
				continue;
			node->leaving = true;
			ptrace(PTRACE_INTERRUPT, node->traced.id.pid, NULL, NULL);
		}
	}
}
