/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of registers: one row per field of a note. Sources: elf_gregset_t of each
 * architecture's kernel ABI; for QEMU's own note, the facts in notes.c.
 */
#include "register_layouts.h"

#include <elf.h>

#ifndef NT_ARM_VFP
#define NT_ARM_VFP 0x400
#endif

#define GENERAL GS_REGISTERS_GENERAL
#define SEGMENT GS_REGISTERS_SEGMENT
#define CONTROL GS_REGISTERS_CONTROL
#define VECTOR GS_REGISTERS_VECTOR

/* The I-th word, of W bytes, of a register set. */
#define WORD(name, i, W)                    \
	{                                   \
		name, GENERAL, W, (i) * (W) \
	}
/* Runs of numbered names. */
#define FOUR(R, p, a, b, c, d, i, W) \
	R(p #a, (i), W), R(p #b, (i) + 1, W), R(p #c, (i) + 2, W), R(p #d, (i) + 3, W)
#define SIXTEEN(R, p, i, W)                                                 \
	FOUR(R, p, 0, 1, 2, 3, (i), W), FOUR(R, p, 4, 5, 6, 7, (i) + 4, W), \
		FOUR(R, p, 8, 9, 10, 11, (i) + 8, W), FOUR(R, p, 12, 13, 14, 15, (i) + 12, W)
#define THIRTY_ONE(R, p, i, W)                                                                    \
	SIXTEEN(R, p, (i), W), FOUR(R, p, 16, 17, 18, 19, (i) + 16, W),                           \
		FOUR(R, p, 20, 21, 22, 23, (i) + 20, W), FOUR(R, p, 24, 25, 26, 27, (i) + 24, W), \
		R(p "28", (i) + 28, W), R(p "29", (i) + 29, W), R(p "30", (i) + 30, W)
#define THIRTY_TWO(R, p, i, W) THIRTY_ONE(R, p, i, W), R(p "31", (i) + 31, W)

/* ---- x86 ---- */

/* QEMU: u32 selector, limit, flags, padding; u64 base. */
#define QEMU_SEGMENT_OFF(i) (18 * 8 + (i)*24)
#define QEMU_SEGMENT(name, i)                                         \
	{name ".selector", SEGMENT, 4, QEMU_SEGMENT_OFF(i)},          \
		{name ".limit", SEGMENT, 4, QEMU_SEGMENT_OFF(i) + 4}, \
		{name ".flags", SEGMENT, 4, QEMU_SEGMENT_OFF(i) + 8}, \
	{                                                             \
		name ".base", SEGMENT, 8, QEMU_SEGMENT_OFF(i) + 16    \
	}
#define QEMU_TABLE(name, i)                                        \
	{name ".limit", SEGMENT, 4, QEMU_SEGMENT_OFF(i) + 4},      \
	{                                                          \
		name ".base", SEGMENT, 8, QEMU_SEGMENT_OFF(i) + 16 \
	}
#define QEMU_CONTROL(name, i)                              \
	{                                                  \
		name, CONTROL, 8, 18 * 8 + 10 * 24 + (i)*8 \
	}
#define QEMU_SYSTEM                                                                     \
	QEMU_SEGMENT("cs", 0), QEMU_SEGMENT("ss", 5), QEMU_SEGMENT("ds", 1),            \
		QEMU_SEGMENT("es", 2), QEMU_SEGMENT("fs", 3), QEMU_SEGMENT("gs", 4),    \
		QEMU_SEGMENT("ldt", 6), QEMU_SEGMENT("tr", 7), QEMU_TABLE("gdt", 8),    \
		QEMU_TABLE("idt", 9), QEMU_CONTROL("cr0", 0), QEMU_CONTROL("cr1", 1),   \
		QEMU_CONTROL("cr2", 2), QEMU_CONTROL("cr3", 3), QEMU_CONTROL("cr4", 4), \
		QEMU_CONTROL("kernel_gs_base", 5)

static const struct register_row qemu_x86_64[] = {
	WORD("rax", 0, 8),  WORD("rbx", 1, 8),     WORD("rcx", 2, 8),  WORD("rdx", 3, 8),
	WORD("rsi", 4, 8),  WORD("rdi", 5, 8),     WORD("rbp", 7, 8),  WORD("rsp", 6, 8),
	WORD("r8", 8, 8),   WORD("r9", 9, 8),      WORD("r10", 10, 8), WORD("r11", 11, 8),
	WORD("r12", 12, 8), WORD("r13", 13, 8),    WORD("r14", 14, 8), WORD("r15", 15, 8),
	WORD("rip", 16, 8), WORD("rflags", 17, 8), QEMU_SYSTEM,
};

/* The same words: QEMU's note does not change with the guest. */
static const struct register_row qemu_i386[] = {
	WORD("eax", 0, 8),  WORD("ebx", 1, 8),     WORD("ecx", 2, 8), WORD("edx", 3, 8),
	WORD("esi", 4, 8),  WORD("edi", 5, 8),     WORD("ebp", 7, 8), WORD("esp", 6, 8),
	WORD("eip", 16, 8), WORD("eflags", 17, 8), QEMU_SYSTEM,
};

#define SELECTOR(name, i, W)                            \
	{                                               \
		name ".selector", SEGMENT, W, (i) * (W) \
	}
#define BASE(name, i, W)                            \
	{                                           \
		name ".base", SEGMENT, W, (i) * (W) \
	}

static const struct register_row prstatus_x86_64[] = {
	WORD("rax", 10, 8),      WORD("rbx", 5, 8),     WORD("rcx", 11, 8),
	WORD("rdx", 12, 8),      WORD("rsi", 13, 8),    WORD("rdi", 14, 8),
	WORD("rbp", 4, 8),       WORD("rsp", 19, 8),    WORD("r8", 9, 8),
	WORD("r9", 8, 8),        WORD("r10", 7, 8),     WORD("r11", 6, 8),
	WORD("r12", 3, 8),       WORD("r13", 2, 8),     WORD("r14", 1, 8),
	WORD("r15", 0, 8),       WORD("rip", 16, 8),    WORD("rflags", 18, 8),
	WORD("orig_rax", 15, 8), SELECTOR("cs", 17, 8), SELECTOR("ss", 20, 8),
	SELECTOR("ds", 23, 8),   SELECTOR("es", 24, 8), SELECTOR("fs", 25, 8),
	SELECTOR("gs", 26, 8),   BASE("fs", 21, 8),     BASE("gs", 22, 8),
};

static const struct register_row prstatus_i386[] = {
	WORD("eax", 6, 4),     WORD("ebx", 0, 4),       WORD("ecx", 1, 4),
	WORD("edx", 2, 4),     WORD("esi", 3, 4),       WORD("edi", 4, 4),
	WORD("ebp", 5, 4),     WORD("esp", 15, 4),      WORD("eip", 12, 4),
	WORD("eflags", 14, 4), WORD("orig_eax", 11, 4), SELECTOR("cs", 13, 4),
	SELECTOR("ss", 16, 4), SELECTOR("ds", 7, 4),    SELECTOR("es", 8, 4),
	SELECTOR("fs", 9, 4),  SELECTOR("gs", 10, 4),
};

/* ---- Arm ---- */

static const struct register_row prstatus_aarch64[] = {
	THIRTY_ONE(WORD, "x", 0, 8), WORD("sp", 31, 8), WORD("pc", 32, 8), WORD("pstate", 33, 8)};

#define VECTOR_WORD(name, i, W)            \
	{                                  \
		name, VECTOR, W, (i) * (W) \
	}

static const struct register_row fpregset_aarch64[] = {
	THIRTY_TWO(VECTOR_WORD, "v", 0, 16), {"fpsr", VECTOR, 4, 512}, {"fpcr", VECTOR, 4, 516}};

static const struct register_row prstatus_arm[] = {
	FOUR(WORD, "r", 0, 1, 2, 3, 0, 4),
	FOUR(WORD, "r", 4, 5, 6, 7, 4, 4),
	FOUR(WORD, "r", 8, 9, 10, 11, 8, 4),
	WORD("r12", 12, 4),
	WORD("sp", 13, 4),
	WORD("lr", 14, 4),
	WORD("pc", 15, 4),
	WORD("cpsr", 16, 4),
};

static const struct register_row vfp_arm[] = {THIRTY_TWO(VECTOR_WORD, "d", 0, 8),
					      {"fpscr", VECTOR, 4, 256}};

/* ---- others ---- */

#define PPC(W)                                                                                   \
	THIRTY_TWO(WORD, "r", 0, W), WORD("nip", 32, W), WORD("msr", 33, W), WORD("ctr", 35, W), \
		WORD("link", 36, W), WORD("xer", 37, W), WORD("ccr", 38, W)

static const struct register_row prstatus_ppc64[] = {PPC(8)};
static const struct register_row prstatus_ppc[] = {PPC(4)};

#define ACCESS(name, i, W)                           \
	{                                            \
		name, CONTROL, W, 18 * 8 + (i) * (W) \
	}

static const struct register_row prstatus_s390x[] = {WORD("psw.mask", 0, 8), WORD("psw.addr", 1, 8),
						     SIXTEEN(WORD, "r", 2, 8),
						     SIXTEEN(ACCESS, "ar", 0, 4)};

#define RISCV(W)                                                                                  \
	WORD("pc", 0, W), WORD("ra", 1, W), WORD("sp", 2, W), WORD("gp", 3, W), WORD("tp", 4, W), \
		WORD("t0", 5, W), WORD("t1", 6, W), WORD("t2", 7, W), WORD("s0", 8, W),           \
		WORD("s1", 9, W), FOUR(WORD, "a", 0, 1, 2, 3, 10, W),                             \
		FOUR(WORD, "a", 4, 5, 6, 7, 14, W), FOUR(WORD, "s", 2, 3, 4, 5, 18, W),           \
		FOUR(WORD, "s", 6, 7, 8, 9, 22, W), WORD("s10", 26, W), WORD("s11", 27, W),       \
		FOUR(WORD, "t", 3, 4, 5, 6, 28, W)

static const struct register_row prstatus_riscv64[] = {RISCV(8)};
static const struct register_row prstatus_riscv32[] = {RISCV(4)};

#define ROWS(rows) (rows), sizeof(rows) / sizeof(*(rows))
#define PRSTATUS_64(arch, size, rows)                                  \
	{                                                              \
		arch, "CORE", NT_PRSTATUS, size, size, 112, ROWS(rows) \
	}
#define PRSTATUS_32(arch, size, rows)                                 \
	{                                                             \
		arch, "CORE", NT_PRSTATUS, size, size, 72, ROWS(rows) \
	}
#define QEMU(arch, rows)                                  \
	{                                                 \
		arch, "QEMU", 0, 432, 4096, 8, ROWS(rows) \
	}

const struct register_layout gs_register_layouts[] = {
	QEMU(GS_ARCH_X86_64, qemu_x86_64),
	PRSTATUS_64(GS_ARCH_X86_64, 336, prstatus_x86_64),
	QEMU(GS_ARCH_I386, qemu_i386),
	PRSTATUS_32(GS_ARCH_I386, 144, prstatus_i386),
	PRSTATUS_64(GS_ARCH_AARCH64, 392, prstatus_aarch64),
	{GS_ARCH_AARCH64, "CORE", NT_PRFPREG, 528, 528, 0, ROWS(fpregset_aarch64)},
	PRSTATUS_32(GS_ARCH_ARM, 148, prstatus_arm),
	{GS_ARCH_ARM, "LINUX", NT_ARM_VFP, 260, 260, 0, ROWS(vfp_arm)},
	PRSTATUS_64(GS_ARCH_PPC64, 504, prstatus_ppc64),
	PRSTATUS_32(GS_ARCH_PPC, 268, prstatus_ppc),
	PRSTATUS_64(GS_ARCH_S390X, 336, prstatus_s390x),
	PRSTATUS_64(GS_ARCH_RISCV64, 376, prstatus_riscv64),
	PRSTATUS_32(GS_ARCH_RISCV32, 204, prstatus_riscv32),
};
const size_t gs_register_layout_count = sizeof(gs_register_layouts) / sizeof(*gs_register_layouts);

#define ASSERT_FITS(a, b)                                                                 \
	_Static_assert(sizeof(a) / sizeof(struct register_row) + (b) <= GS_REGISTERS_MAX, \
		       "more registers than struct gs_registers holds")
ASSERT_FITS(qemu_x86_64, 1);
ASSERT_FITS(prstatus_aarch64, 34);
ASSERT_FITS(prstatus_arm, 33);
