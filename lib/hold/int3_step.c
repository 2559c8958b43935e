/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel SDM volume 2: prefixes, ModRM and SIB (2.1, 2.2), and the instructions; volume 1, 3.4.3:
 * flags.
 */
#include "int3_step.h"

#include <string.h>

#if defined(__x86_64__)

#define REX_W 8 /* operands are 64 bits */
#define REX_R 4 /* one more bit of ModRM's register */
#define REX_X 2 /* of SIB's index */
#define REX_B 1 /* of ModRM's other register, SIB's base, or the opcode's register */

#define CARRY 0x1u
#define PARITY 0x4u
#define ADJUST 0x10u
#define ZERO 0x40u
#define SIGN 0x80u
#define OVERFLOW 0x800u
#define RESULT (CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW)

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
	struct user_regs_struct *raw;
	const struct gs_int3_memory *memory;
	struct gs_int3_store *store;
	const uint8_t *at; /* what was not looked at yet */
	unsigned int rex;  /* 0: no such prefix */
	size_t width;      /* of operands, in bytes */
	/* ModRM: two operands, of which the other one may be in memory. */
	unsigned int reg, other;
	bool is_memory;
	uint64_t address;
	uint64_t constant; /* behind them, to 64 bits with its sign */
};

static unsigned long long *register_at(const struct step *step, unsigned int number)
{
	return (unsigned long long *)(void *)((char *)step->raw + register_offs[number & 15]);
}

static uint64_t cut(uint64_t value, size_t width)
{
	return width == 8 ? value : value & ((UINT64_C(1) << 8 * width) - 1);
}

static uint64_t extend(uint64_t value, size_t width)
{
	uint64_t sign = UINT64_C(1) << (8 * width - 1);

	return (cut(value, width) ^ sign) - sign;
}

static uint64_t get(const struct step *step, unsigned int number)
{
	return cut(*register_at(step, number), step->width);
}

/* One of 32 bits clears the upper half. */
static void set(const struct step *step, unsigned int number, uint64_t value)
{
	*register_at(step, number) = cut(value, step->rex & REX_W ? 8 : 4);
}

/* ---- operands ---- */

static uint64_t take(struct step *step, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, step->at, size);
	step->at += size;
	return extend(value, size);
}

/* ModRM said that a base and a scaled index follow. */
static void take_sib(struct step *step, unsigned int mod)
{
	uint8_t sib = *step->at++;
	unsigned int index = (sib >> 3 & 7u) | (step->rex & REX_X ? 8 : 0);
	unsigned int base = (sib & 7u) | (step->rex & REX_B ? 8 : 0);

	if (index != 4) /* the stack pointer is none */
		step->address += (uint64_t)*register_at(step, index) << (sib >> 6);
	if ((base & 7) == 5 && mod == 0)
		step->address += take(step, 4);
	else
		step->address += *register_at(step, base);
}

/* @constant_size: bytes behind it, for addresses that count from the next instruction. */
static void take_modrm(struct step *step, const uint8_t *start, size_t constant_size)
{
	uint8_t modrm = *step->at++;
	unsigned int mod = modrm >> 6;

	step->reg = (modrm >> 3 & 7u) | (step->rex & REX_R ? 8 : 0);
	step->other = (modrm & 7u) | (step->rex & REX_B ? 8 : 0);
	step->is_memory = mod != 3;
	step->address = 0;
	if (!step->is_memory)
		return;
	if ((step->other & 7) == 4)
		take_sib(step, mod);
	else if ((step->other & 7) == 5 && mod == 0)
		step->address = step->raw->rip + take(step, 4) + (uint64_t)(step->at - start) +
				constant_size;
	else
		step->address = *register_at(step, step->other);
	if (mod)
		step->address += take(step, mod == 1 ? 1 : 4);
}

static bool get_other(const struct step *step, uint64_t *ret)
{
	*ret = 0;
	if (step->is_memory)
		return step->memory->read(step->memory->arg, step->address, ret, step->width);
	*ret = get(step, step->other);
	return true;
}

static bool set_other(const struct step *step, uint64_t value)
{
	if (step->is_memory)
		*step->store = (struct gs_int3_store){step->address, value, step->width};
	else
		set(step, step->other, value);
	return true;
}

/* ---- flags ---- */

static void set_flags(const struct step *step, uint64_t result, uint64_t others)
{
	uint64_t flags = (step->raw->eflags & ~(uint64_t)RESULT) | others;

	flags |= __builtin_parity((unsigned int)result & 0xff) ? 0 : PARITY;
	flags |= cut(result, step->width) == 0 ? ZERO : 0;
	flags |= result >> (8 * step->width - 1) & 1 ? SIGN : 0;
	step->raw->eflags = flags;
}

static uint64_t subtract(const struct step *step, uint64_t a, uint64_t b)
{
	uint64_t result = a - b, over = (a ^ b) & (a ^ result);

	set_flags(step, result,
		  (cut(a, step->width) < cut(b, step->width) ? CARRY : 0) |
			  ((a ^ b ^ result) & ADJUST) |
			  (over >> (8 * step->width - 1) & 1 ? OVERFLOW : 0));
	return result;
}

static uint64_t add(const struct step *step, uint64_t a, uint64_t b)
{
	uint64_t result = a + b, over = ~(a ^ b) & (a ^ result);

	set_flags(step, result,
		  (cut(result, step->width) < cut(a, step->width) ? CARRY : 0) |
			  ((a ^ b ^ result) & ADJUST) |
			  (over >> (8 * step->width - 1) & 1 ? OVERFLOW : 0));
	return result;
}

/* ---- instructions with ModRM ---- */

static bool run_store(struct step *step)
{
	return set_other(step, get(step, step->reg));
}

static bool run_load(struct step *step)
{
	uint64_t value;

	if (!get_other(step, &value))
		return false;
	set(step, step->reg, value);
	return true;
}

static bool run_load_signed(struct step *step)
{
	uint64_t value;

	if (!get_other(step, &value))
		return false;
	set(step, step->reg, extend(value, step->width));
	return true;
}

static bool run_lea(struct step *step)
{
	if (step->is_memory)
		set(step, step->reg, step->address);
	return step->is_memory;
}

static bool run_test(struct step *step)
{
	uint64_t value;

	if (!get_other(step, &value))
		return false;
	set_flags(step, value & get(step, step->reg), 0);
	return true;
}

/* Of a register with itself, mostly. */
static bool run_xor(struct step *step)
{
	uint64_t value;

	if (step->is_memory || !get_other(step, &value))
		return false;
	value ^= get(step, step->reg);
	set_flags(step, value, 0);
	return set_other(step, value);
}

static bool run_cmp(struct step *step)
{
	uint64_t value;

	if (!get_other(step, &value))
		return false;
	subtract(step, value, get(step, step->reg));
	return true;
}

static bool run_cmp_from(struct step *step)
{
	uint64_t value;

	if (!get_other(step, &value))
		return false;
	subtract(step, get(step, step->reg), value);
	return true;
}

/* ModRM's register says which operation it is. */
static bool run_constant(struct step *step)
{
	unsigned int operation = step->reg & 7;
	uint64_t value;

	if ((operation != 7 && step->is_memory) || !get_other(step, &value))
		return false;
	if (operation == 7)
		subtract(step, value, step->constant);
	else if (operation == 5)
		return set_other(step, subtract(step, value, step->constant));
	else if (operation == 0)
		return set_other(step, add(step, value, step->constant));
	return operation == 7;
}

static const struct instruction {
	uint8_t opcode[2]; /* the first is 0x0f for those of two bytes */
	uint8_t width;     /* 0: 4, or 8 by prefix */
	uint8_t constant_size;
	bool is_memory_only; /* registers of one byte are not what they seem */
	bool (*run)(struct step *step);
} instructions[] = {
	{{0x89}, 0, 0, false, run_store},
	{{0x8b}, 0, 0, false, run_load},
	{{0x63}, 4, 0, false, run_load_signed},
	{{0x0f, 0xb6}, 1, 0, true, run_load},
	{{0x0f, 0xb7}, 2, 0, false, run_load},
	{{0x0f, 0xbe}, 1, 0, true, run_load_signed},
	{{0x0f, 0xbf}, 2, 0, false, run_load_signed},
	{{0x8d}, 0, 0, false, run_lea},
	{{0x85}, 0, 0, false, run_test},
	{{0x31}, 0, 0, false, run_xor},
	{{0x39}, 0, 0, false, run_cmp},
	{{0x3b}, 0, 0, false, run_cmp_from},
	{{0x80}, 1, 1, true, run_constant},
	{{0x81}, 0, 4, false, run_constant},
	{{0x83}, 0, 1, false, run_constant},
};

static const struct instruction *find_instruction(const uint8_t *code)
{
	for (size_t i = 0; i < sizeof(instructions) / sizeof(*instructions); i++) {
		const struct instruction *one = &instructions[i];

		if (code[0] == one->opcode[0] && (code[0] != 0x0f || code[1] == one->opcode[1]))
			return one;
	}
	return NULL;
}

static bool run_instruction(struct step *step, const uint8_t *start)
{
	const struct instruction *one = find_instruction(step->at);

	if (!one)
		return false;
	step->width = one->width ? one->width : step->rex & REX_W ? 8 : 4;
	step->at += *step->at == 0x0f ? 2 : 1;
	take_modrm(step, start, one->constant_size);
	if (one->constant_size)
		step->constant = take(step, one->constant_size);
	return (step->is_memory || !one->is_memory_only) && one->run(step);
}

/* ---- others ---- */

static bool run_endbr64(struct step *step)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

	if (memcmp(step->at, endbr64, sizeof(endbr64)) != 0)
		return false;
	step->at += sizeof(endbr64);
	return true;
}

/* With a prefix it may be another one. */
static bool run_nop(struct step *step)
{
	return *step->at++ == 0x90 && !step->rex;
}

/* Of the stack pointer, the value before. */
static bool run_push(struct step *step, unsigned int number)
{
	*step->store = (struct gs_int3_store){step->raw->rsp - 8, *register_at(step, number), 8};
	step->raw->rsp -= 8;
	return true;
}

/* Of the opcode, the lower three bits are the register. */
static bool run_with_register(struct step *step)
{
	uint8_t opcode = *step->at++;
	unsigned int number = (opcode & 7u) | (step->rex & REX_B ? 8 : 0);

	if ((opcode & 0xf8) == 0x50)
		return run_push(step, number);
	if ((opcode & 0xf8) != 0xb8 || step->rex & REX_W)
		return false;
	set(step, number, take(step, 4));
	return true;
}

bool gs_int3_step(const uint8_t code[GS_INT3_CODE_SIZE], const struct gs_int3_memory *memory,
		  struct gs_thread_registers *registers, struct gs_int3_store *store_ret)
{
	static bool (*const others[])(struct step *) = {run_endbr64, run_nop, run_with_register};
	bool has_prefix = (code[0] & 0xf0) == 0x40, is_done;
	struct step step = {.raw = &registers->raw,
			    .memory = memory,
			    .store = store_ret,
			    .at = code + has_prefix,
			    .rex = has_prefix ? code[0] : 0};

	*store_ret = (struct gs_int3_store){0};
	is_done = run_instruction(&step, code);
	for (size_t i = 0; !is_done && i < sizeof(others) / sizeof(*others); i++) {
		step.at = code + has_prefix;
		is_done = others[i](&step);
	}
	if (is_done)
		registers->raw.rip += (uint64_t)(step.at - code);
	return is_done;
}

#else

bool gs_int3_step(const uint8_t code[GS_INT3_CODE_SIZE], const struct gs_int3_memory *memory,
		  struct gs_thread_registers *registers, struct gs_int3_store *store_ret)
{
	(void)code;
	(void)memory;
	(void)registers;
	*store_ret = (struct gs_int3_store){0};
	return false;
}

#endif
