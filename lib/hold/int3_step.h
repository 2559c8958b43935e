/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the first instruction of a function does, done to the registers of a stopped thread, so that
 * it can go on behind a breakpoint that stays where it is: nobody else passes meanwhile.
 */
#ifndef HOLD_INT3_STEP_H
#define HOLD_INT3_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "int3_bytes.h"
#include "thread_registers.h"

/* The thread's memory as it may read it itself. */
struct gs_int3_memory {
	bool (*read)(void *arg, uint64_t address, void *to, size_t size);
	void *arg;
};

/* What is to be written to memory before the registers are set; size 0: nothing. */
struct gs_int3_store {
	uint64_t address, value;
	size_t size; /* bytes, the lower ones of the value */
};

/*
 * endbr64, nop, push; mov, movsx and movzx, lea, test, xor, cmp, add and sub of registers,
 * constants and memory: what nineteen of twenty functions of C programs begin with. false: it is
 * another one, or its operand is not to be read, and nothing has changed.
 */
bool gs_int3_step(const uint8_t code[GS_INT3_CODE_SIZE], const struct gs_int3_memory *memory,
		  struct gs_thread_registers *registers, struct gs_int3_store *store_ret);

#endif
