/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens in a tree, one event behind the other; and what is made of that. */
#ifndef HOLD_TREE_H
#define HOLD_TREE_H

#include <guestscope/hold/tree.h>

#define GS_PTREE_ARGS_MAX 4096u /* bytes of arguments that are kept of an exec */
#define GS_PTREE_PROCESSES_MAX 10000u
#define GS_PTREE_EXECS_MAX 64u /* of one process */
#define GS_PTREE_OPEN_MAX 256u /* pipes and sockets of one process at a time */
#define GS_PTREE_LOG_BYTES (64u << 20)

enum gs_tree_event_kind {
	GS_TREE_BORN, /* value: enum gs_ptree_birth; text: comm */
	GS_TREE_SEEN, /* value: the state that ps shows */
	GS_TREE_EXEC, /* value: 1 if cut; text: comm, program, arguments, each with its NUL */
	GS_TREE_OPEN, /* value: GS_TREE_...; text: a socket's name */
	GS_TREE_END,  /* value: status */
	GS_TREE_TIME, /* nothing but that it is later */
};
enum { GS_TREE_READS = 1, GS_TREE_WRITES = 2, GS_TREE_SOCKET = 4, GS_TREE_BESIDE = 8 };

struct gs_tree_event {
	uint32_t size; /* of all, with its text; a multiple of 8 */
	uint32_t text_size;
	uint32_t kind;
	int32_t pid, parent, value;
	uint64_t at_ns, start; /* start: as struct gs_proc_id has it */
	uint64_t inode, peer_inode;
};

/* ---- tree_log.c ---- */

/* Shared with those who are forked later. It grows as it is used, up to its limit. */
struct gs_tree_log;
GS_MUST_CHECK struct gs_error *gs_tree_log_new(struct gs_tree_log **ret);
void gs_tree_log_free(struct gs_tree_log *log);
GS_DEFINE_CLEANUP(struct gs_tree_log *, gs_tree_log_free)
/* event->size and text_size are filled in. What does not fit is counted. */
void gs_tree_log_add(struct gs_tree_log *log, struct gs_tree_event *event, const void *text,
		     size_t text_size);
/* The process's program, by /proc. */
void gs_tree_log_exec(struct gs_tree_log *log, const struct gs_proc *proc, uint64_t at_ns);
/* Its pipes and Unix sockets, by /proc. */
void gs_tree_log_open(struct gs_tree_log *log, pid_t pid, uint64_t at_ns);
/* The same of one that is in the midst of something, because another one's moment has come. */
void gs_tree_log_beside(struct gs_tree_log *log, pid_t pid, uint64_t at_ns);
/* What the log says. */
GS_MUST_CHECK struct gs_error *gs_tree_log_read(const struct gs_tree_log *log,
						struct gs_ptree *ret);

/* ---- tree.c ---- */

/* CORRUPT: the events contradict their sizes. */
GS_MUST_CHECK struct gs_error *gs_ptree_build(const void *events, size_t size, size_t lost,
					      struct gs_ptree *ret);

/* ---- tree_links.c ---- */

/* What a process has open, as it was seen once. */
struct gs_ptree_open {
	size_t process;
	uint64_t inode, peer_inode, at_ns;
	uint64_t key; /* filled in there */
	bool reads, writes, is_socket;
	bool beside_reads, beside_writes; /* the same, seen when it was in the midst of something */
	const char *name;                 /* may be NULL */
};
/* Sorts @opens. */
GS_MUST_CHECK struct gs_error *gs_ptree_connect(struct gs_ptree *tree, struct gs_ptree_open *opens,
						size_t count);

#endif
