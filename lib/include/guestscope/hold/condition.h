/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which calls of a function are meant, by its arguments.
 *
 *	arg0 == 3 && arg1 != 0      integers: decimal, negative, 0x...; == != < <= > >= compare as
 *	                            signed 64-bit numbers, & is true if a bit is in both
 *	(int)arg0 == -1             its lower 32 bits, with their sign; (unsigned)arg0: without.
 *	                            Callers may leave anything in the upper ones of such arguments
 *	arg2 == "vda"               a string that the argument points to: == and !=; with \" and \\
 *	arg2 ~ "vd[ab]"             a glob of one, of which 4095 bytes are looked at
 *	tid == 4711
 *
 * arg0 to arg5 are the integer and pointer arguments of the platform's C calling convention. "&&"
 * binds stronger than "||"; there are no parentheses.
 */
#ifndef GUESTSCOPE_HOLD_CONDITION_H
#define GUESTSCOPE_HOLD_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

#define GS_CALL_ARGS 6
#define GS_CALL_STRING_MAX 4096 /* bytes of a string that are looked at */

/* What a thread has that stands at a function's entry. */
struct gs_call {
	pid_t tid;
	uint64_t args[GS_CALL_ARGS];
	/* Reads the process's memory: so many bytes were there, 0 if none. */
	size_t (*read)(void *arg, uint64_t address, void *to, size_t size);
	void *arg;
};

struct gs_condition;
/* INVALID: what is wrong, and where in @text. */
GS_MUST_CHECK struct gs_error *gs_condition_parse(const char *text, struct gs_condition **ret);
void gs_condition_destroy(struct gs_condition *condition);
GS_DEFINE_CLEANUP(struct gs_condition *, gs_condition_destroy)

/* A string that cannot be read is unequal to all. */
bool gs_condition_holds(const struct gs_condition *condition, const struct gs_call *call);

#endif
