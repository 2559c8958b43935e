/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel SDM volume 2: prefixes and ModRM (2.1, 2.2), MOV, PUSH, SUB; volume 1, 3.4.3: flags. */
#include <stddef.h>
#include <string.h>

#include "int3_step.h"

#if defined(__x86_64__)

#define REX_W 8 /* operands are 64 bits */
#define REX_R 4 /* one more bit of the register of ModRM */
#define REX_B 1 /* and of the other one, or of the opcode's */

#define CARRY 0x1u
#define PARITY 0x4u
#define ADJUST 0x10u
#define ZERO 0x40u
#define SIGN 0x80u
#define OVERFLOW 0x800u

/* By their numbers in instructions. */
static const size_t register_offs[16] = {
	offsetof(struct user_regs_struct, rax), offsetof(struct user_regs_struct, rcx),
	offsetof(struct user_regs_struct, rdx), offsetof(struct user_regs_struct, rbx),
	offsetof(struct user_regs_struct, rsp), offsetof(struct user_regs_struct, rbp),
	offsetof(struct user_regs_struct, rsi), offsetof(struct user_regs_struct, rdi),
	offsetof(struct user_regs_struct, r8),  offsetof(struct user_regs_struct, r9),
	offsetof(struct user_regs_struct, r10), offsetof(struct user_regs_struct, r11),
	offsetof(struct user_regs_struct, r12), offsetof(struct user_regs_struct, r13),
	offsetof(struct user_regs_struct, r14), offsetof(struct user_regs_struct, r15),
};

struct step {
	const uint8_t *code; /* behind the prefix */
	unsigned int rex;    /* 0: none */
	struct user_regs_struct *raw;
	struct gs_int3_store *store;
};

static unsigned long long *register_at(const struct step *step, unsigned int number)
{
	return (unsigned long long *)(void *)((char *)step->raw + register_offs[number & 15]);
}

/* A register of 32 bits clears the upper half. */
static void set(const struct step *step, unsigned int number, uint64_t value)
{
	*register_at(step, number) = step->rex & REX_W ? value : (uint32_t)value;
}

/* The low three bits of a byte, and the fourth from the prefix. */
static unsigned int low_register(const struct step *step, uint8_t byte)
{
	return (byte & 7u) | (step->rex & REX_B ? 8 : 0);
}

static unsigned int middle_register(const struct step *step, uint8_t byte)
{
	return (byte >> 3 & 7u) | (step->rex & REX_R ? 8 : 0);
}

static int32_t immediate_at(const uint8_t *at)
{
	return (int32_t)(at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
			 (uint32_t)at[3] << 24);
}

/* ---- one function for each: the instruction's size, 0 if it is not that one ---- */

static int step_endbr64(const struct step *step)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

	return memcmp(step->code, endbr64, sizeof(endbr64)) == 0 ? 4 : 0;
}

static int step_nop(const struct step *step)
{
	return step->code[0] == 0x90 && !step->rex ? 1 : 0;
}

static int step_push(const struct step *step)
{
	if ((step->code[0] & 0xf8) != 0x50)
		return 0;
	step->raw->rsp -= 8;
	*step->store = (struct gs_int3_store){
		.is_there = true,
		.address = step->raw->rsp,
		.value = *register_at(step, low_register(step, step->code[0])),
	};
	if (low_register(step, step->code[0]) == 4) /* its own value is the one before */
		step->store->value += 8;
	return 1;
}

static uint64_t flags_of_sub(uint64_t flags, uint64_t a, uint64_t b)
{
	uint64_t result = a - b;

	flags &= ~(uint64_t)(CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW);
	flags |= a < b ? CARRY : 0;
	flags |= __builtin_parity((unsigned int)result & 0xff) ? 0 : PARITY;
	flags |= (a ^ b ^ result) & ADJUST;
	flags |= result == 0 ? ZERO : 0;
	flags |= result >> 63 ? SIGN : 0;
	flags |= ((a ^ b) & (a ^ result)) >> 63 ? OVERFLOW : 0;
	return flags;
}

/* From the stack pointer, which is register 4 (ModRM 0xec). */
static int step_sub(const struct step *step)
{
	bool is_short = step->code[0] == 0x83;
	struct user_regs_struct *raw = step->raw;
	uint64_t amount;

	if ((!is_short && step->code[0] != 0x81) || step->code[1] != 0xec ||
	    (step->rex & (REX_W | REX_B)) != REX_W)
		return 0;
	amount = (uint64_t)(int64_t)(is_short ? (int8_t)step->code[2]
					      : immediate_at(step->code + 2));
	raw->eflags = flags_of_sub(raw->eflags, raw->rsp, amount);
	raw->rsp -= amount;
	return is_short ? 3 : 6;
}

/* Between registers: the upper two bits of ModRM are set. */
static int step_mov(const struct step *step)
{
	uint8_t modrm = step->code[1];
	unsigned int low = low_register(step, modrm), middle = middle_register(step, modrm);

	if (modrm < 0xc0)
		return 0;
	if (step->code[0] == 0x89)
		set(step, low, *register_at(step, middle));
	else if (step->code[0] == 0x8b)
		set(step, middle, *register_at(step, low));
	else
		return 0;
	return 2;
}

static int step_mov_constant(const struct step *step)
{
	if ((step->code[0] & 0xf8) != 0xb8 || step->rex & REX_W)
		return 0;
	set(step, low_register(step, step->code[0]), (uint32_t)immediate_at(step->code + 1));
	return 5;
}

bool gs_int3_step(const uint8_t code[GS_INT3_CODE_SIZE], struct gs_thread_registers *registers,
		  struct gs_int3_store *store_ret)
{
	static int (*const steps[])(const struct step *) = {
		step_endbr64, step_nop, step_push, step_sub, step_mov, step_mov_constant,
	};
	bool has_prefix = (code[0] & 0xf0) == 0x40;
	const struct step step = {.code = code + has_prefix,
				  .rex = has_prefix ? code[0] : 0,
				  .raw = &registers->raw,
				  .store = store_ret};
	int size = 0;

	*store_ret = (struct gs_int3_store){0};
	for (size_t i = 0; size == 0 && i < sizeof(steps) / sizeof(*steps); i++)
		size = steps[i](&step);
	if (size)
		registers->raw.rip += (unsigned int)size + has_prefix;
	return size != 0;
}

#else

bool gs_int3_step(const uint8_t code[GS_INT3_CODE_SIZE], struct gs_thread_registers *registers,
		  struct gs_int3_store *store_ret)
{
	(void)code;
	(void)registers;
	*store_ret = (struct gs_int3_store){0};
	return false;
}

#endif
