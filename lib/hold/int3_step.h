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

struct gs_int3_store {
	bool is_there;
	uint64_t address, value;
};

/*
 * endbr64, nop, push, sub from the stack pointer, mov of a register or a constant to a register:
 * what nine of ten functions of C programs begin with. @store_ret: what is to be written to memory
 * before. false: it is another one, and nothing has changed.
 */
bool gs_int3_step(const uint8_t code[GS_INT3_CODE_SIZE], struct gs_thread_registers *registers,
		  struct gs_int3_store *store_ret);

#endif
