/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another program put in front of one that has just been executed.
 *
 *	exec PROGRAM ARGS ──stop──> we write an execve() into it ──> exec CMD... PROGRAM ARGS
 *
 * Nothing of PROGRAM has run in that stop, so its memory and registers are ours to use. The call is
 * written over its first instruction, the strings below its stack; arguments and environment stay
 * where they are. If the call fails, the instruction and the registers are put back.
 */
#ifndef HOLD_WRAP_H
#define HOLD_WRAP_H

#include <stdbool.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/hold/trace.h>

struct gs_injection;

/*
 * @pid is in the ptrace-stop of its exec. It makes the call when it goes on by PTRACE_SYSCALL.
 *   UNSUPPORTED  not on this machine, or not for a program of 32 bits
 *   NODATA       its file is not where it was executed from: CMD would not find it
 *   OS           its memory is not ours to change
 * It is as it was, then.
 */
GS_MUST_CHECK struct gs_error *gs_injection_begin(pid_t pid, const struct gs_hold_wrap *wrap,
						  struct gs_injection **ret);
/* In a stop of @pid at a system call: whether the call has failed, and why. */
bool gs_injection_has_failed(struct gs_injection *injection, pid_t pid, int *errno_ret);
/* In that stop: it is as it was, and has noticed nothing. */
void gs_injection_undo(const struct gs_injection *injection, pid_t pid);
void gs_injection_free(struct gs_injection *injection);
GS_DEFINE_CLEANUP(struct gs_injection *, gs_injection_free)

#endif
