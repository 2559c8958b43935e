/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of processes, for people and for programs. */
#ifndef TREE_H
#define TREE_H

#include <guestscope/base/emit.h>
#include <guestscope/hold/tree.h>

/* ---- tree_text.c: words that all of them use ---- */

/* "0", "3", "SIGKILL"; of a running one its state. */
#define TREE_EXIT_TEXT 32
const char *tree_exit(const struct gs_ptree_process *process, char buf[TREE_EXIT_TEXT]);
/* What it became, one command line behind the other; "(sh)": nothing but a copy of sh. At most so
 * many bytes. The caller frees; NULL: out of memory. */
char *tree_commands(const struct gs_ptree_process *process, size_t max);
char *tree_command(const struct gs_ptree_exec *exec, size_t max);
/* "sh 4711 -> grep 4712"; the caller frees. NULL: out of memory. */
char *tree_link(const struct gs_ptree *tree, const struct gs_ptree_link *link);
uint64_t tree_end_ns(const struct gs_ptree *tree, const struct gs_ptree_process *process);

void tree_emit(struct gs_emit *e, const struct gs_ptree *tree);

/* ---- tree_svg.c ---- */

/* A picture that needs nothing else. */
void tree_draw(const struct gs_ptree *tree, struct gs_text *out);

#endif
