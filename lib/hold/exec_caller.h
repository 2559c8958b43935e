/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who executes a marked file, and how: what is to be known before he is seized. */
#ifndef HOLD_EXEC_CALLER_H
#define HOLD_EXEC_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

#include <guestscope/base/error.h>

/* Init, ourselves, and who has started us: they are never held. */
bool gs_exec_caller_is_spared(pid_t tid);

/*
 * Whether the file is not what he has named, but its interpreter: that of a script, or the dynamic
 * loader. The kernel opens it with a lock held that PTRACE_SEIZE takes too: each would wait for the
 * other. Where it is not to be told: false.
 */
bool gs_exec_caller_is_nested(pid_t tid, dev_t dev, ino_t ino);

/* INVALID: of @path so many depend that it is not to be watched without a filter. */
GS_MUST_CHECK struct gs_error *gs_exec_file_check(const char *path);

#endif
