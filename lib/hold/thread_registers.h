/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of a thread that its tracer has stopped: all that depends on the machine, but for
 * breakpoint instructions, is here.
 */
#ifndef HOLD_THREAD_REGISTERS_H
#define HOLD_THREAD_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include <guestscope/hold/condition.h>

struct gs_thread_registers {
	struct user_regs_struct raw; /* NT_PRSTATUS */
};

/* false: it is not in a stop of ours any more, or not of our kind: a 32-bit program. */
bool gs_thread_registers_get(pid_t tid, struct gs_thread_registers *ret);
bool gs_thread_registers_set(pid_t tid, const struct gs_thread_registers *registers);

uint64_t gs_thread_registers_pc(const struct gs_thread_registers *registers);
uint64_t gs_thread_registers_sp(const struct gs_thread_registers *registers);
void gs_thread_registers_set_pc(struct gs_thread_registers *registers, uint64_t pc);
/* Good at a function's entry only. */
void gs_thread_registers_args(const struct gs_thread_registers *registers,
			      uint64_t ret[GS_CALL_ARGS]);

#endif
