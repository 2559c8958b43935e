/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers out of notes: each architecture's layout, told here a second time by its word numbers.
 */
#include <guestscope/base/bytes.h>
#include <guestscope/memory.h>

#include "unit.h"

/* Notes under construction. */
struct blob {
	uint8_t bytes[8192];
	size_t size;
	bool big_endian;
};

static uint8_t *add_note(struct blob *b, const char *name, uint32_t type, uint32_t desc_size)
{
	size_t name_size = strlen(name) + 1;
	uint8_t *at = b->bytes + b->size, *desc = at + 12 + ((name_size + 3) & ~(size_t)3);

	gs_put_u32(at, (uint32_t)name_size, b->big_endian);
	gs_put_u32(at + 4, desc_size, b->big_endian);
	gs_put_u32(at + 8, type, b->big_endian);
	memcpy(at + 12, name, name_size);
	b->size = (size_t)(desc - b->bytes) + ((desc_size + 3) & ~3u);
	assert_true(b->size <= sizeof(b->bytes));
	return desc;
}

/* PRSTATUS whose word number i is base + i. */
static void add_prstatus(struct blob *b, const struct gs_arch_info *info, uint64_t base)
{
	size_t width = info->is_64bit ? 8 : 4;
	uint8_t *desc = add_note(b, "CORE", 1, info->prstatus_size);

	for (size_t i = 0; info->prstatus_reg_off + (i + 1) * width <= info->prstatus_size; i++)
		gs_put_uint(desc + info->prstatus_reg_off + i * width, base + i, width,
			    b->big_endian);
}

/* QEMU's note whose bytes from 8 on are words base, base + 1, ... of 8 bytes. */
static uint8_t *add_qemu(struct blob *b, uint64_t base, uint32_t size)
{
	uint8_t *desc = add_note(b, "QEMU", 0, size);

	gs_put_u32(desc, 1, false);
	gs_put_u32(desc + 4, size, false);
	for (uint32_t i = 0; 8 + (i + 1) * 8 <= size; i++)
		gs_put_u64(desc + 8 + i * 8, base + i, false);
	return desc;
}

static struct gs_attributes attributes(const struct blob *b, enum gs_arch arch)
{
	return (struct gs_attributes){
		.arch = arch,
		.is_64bit = gs_arch_info(arch)->is_64bit,
		.big_endian = b->big_endian,
		.notes = (uint8_t *)b->bytes,
		.notes_size = b->size,
	};
}

static uint64_t get(const struct gs_registers *regs, const char *name)
{
	uint64_t v;

	if (!gs_registers_get(regs, name, &v))
		fail_msg("no register %s", name);
	return v;
}

static const struct {
	enum gs_arch arch;
	bool big_endian;
	size_t count;
	struct {
		const char *name;
		unsigned int word;
	} registers[8];
} layouts[] = {
	{GS_ARCH_X86_64,
	 false,
	 27,
	 {{"rip", 16},
	  {"rsp", 19},
	  {"rax", 10},
	  {"r15", 0},
	  {"orig_rax", 15},
	  {"cs.selector", 17},
	  {"fs.base", 21},
	  {"gs.selector", 26}}},
	{GS_ARCH_I386,
	 false,
	 17,
	 {{"eip", 12},
	  {"esp", 15},
	  {"eax", 6},
	  {"ebx", 0},
	  {"orig_eax", 11},
	  {"cs.selector", 13},
	  {"eflags", 14},
	  {"ss.selector", 16}}},
	{GS_ARCH_AARCH64,
	 false,
	 34,
	 {{"x0", 0},
	  {"x15", 15},
	  {"x16", 16},
	  {"x30", 30},
	  {"sp", 31},
	  {"pc", 32},
	  {"pstate", 33}}},
	{GS_ARCH_AARCH64, true, 34, {{"x0", 0}, {"x29", 29}, {"pstate", 33}}},
	{GS_ARCH_ARM,
	 false,
	 17,
	 {{"r0", 0}, {"r12", 12}, {"sp", 13}, {"lr", 14}, {"pc", 15}, {"cpsr", 16}}},
	{GS_ARCH_PPC64,
	 true,
	 38,
	 {{"r1", 1},
	  {"r31", 31},
	  {"nip", 32},
	  {"msr", 33},
	  {"ctr", 35},
	  {"link", 36},
	  {"xer", 37},
	  {"ccr", 38}}},
	{GS_ARCH_PPC, true, 38, {{"r31", 31}, {"nip", 32}, {"ccr", 38}}},
	{GS_ARCH_RISCV64,
	 false,
	 32,
	 {{"pc", 0},
	  {"ra", 1},
	  {"sp", 2},
	  {"s1", 9},
	  {"a7", 17},
	  {"s2", 18},
	  {"s11", 27},
	  {"t6", 31}}},
	{GS_ARCH_RISCV32, false, 32, {{"pc", 0}, {"t3", 28}, {"t6", 31}}},
};

static void test_prstatus(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		struct blob b = {.big_endian = layouts[i].big_endian};
		struct gs_attributes attrs;
		struct gs_registers regs;

		add_prstatus(&b, gs_arch_info(layouts[i].arch), 0x1000);
		attrs = attributes(&b, layouts[i].arch);
		assert_ok(gs_registers_of_cpu(&attrs, 0, &regs));
		assert_int_equal(regs.count, layouts[i].count);
		for (size_t k = 0; k < 8 && layouts[i].registers[k].name; k++)
			assert_int_equal(get(&regs, layouts[i].registers[k].name),
					 0x1000 + layouts[i].registers[k].word);
	}
}

/* Words of 8 bytes, then the access registers of 4. */
static void test_prstatus_s390x(void **state)
{
	struct blob b = {.big_endian = true};
	uint8_t *regs_at = add_note(&b, "CORE", 1, 336) + 112;
	struct gs_attributes attrs = attributes(&b, GS_ARCH_S390X);
	struct gs_registers regs;

	(void)state;
	gs_put_u64(regs_at, UINT64_C(0x0705200180000000), true);
	gs_put_u64(regs_at + 8, 0x1234, true);
	gs_put_u64(regs_at + 16 + 15 * 8, 0xf00, true);
	gs_put_u32(regs_at + 16 + 128 + 15 * 4, 0xa15, true);
	assert_ok(gs_registers_of_cpu(&attrs, 0, &regs));
	assert_int_equal(get(&regs, "psw.addr"), 0x1234);
	assert_int_equal(get(&regs, "r15"), 0xf00);
	assert_int_equal(get(&regs, "ar15"), 0xa15);
	assert_string_equal(gs_registers_pc_name(&regs), "psw.addr");
	assert_string_equal(gs_registers_mode(&regs).privilege, "user");
	assert_string_equal(gs_registers_mode(&regs).name, "64-bit");
}

/* rax rbx rcx rdx rsi rdi rsp rbp r8.. rip rflags | 10 segments of 3 words | cr0..cr4 gs */
static void test_qemu_note(void **state)
{
	struct blob b = {0};
	struct gs_attributes attrs;
	struct gs_registers regs;

	(void)state;
	add_prstatus(&b, gs_arch_info(GS_ARCH_X86_64), 0x1000);
	add_prstatus(&b, gs_arch_info(GS_ARCH_X86_64), 0x2000);
	add_qemu(&b, 0x3000, 440);
	add_qemu(&b, 0x4000, 432); /* an old one */
	attrs = attributes(&b, GS_ARCH_X86_64);
	assert_ok(gs_registers_of_cpu(&attrs, 0, &regs));
	assert_int_equal(get(&regs, "rax"), 0x3000);
	assert_int_equal(get(&regs, "rsp"), 0x3006);
	assert_int_equal(get(&regs, "rbp"), 0x3007);
	assert_int_equal(get(&regs, "rip"), 0x3010);
	assert_int_equal(get(&regs, "cs.selector"), 0x3012);
	assert_int_equal(get(&regs, "cs.limit"), 0);
	assert_int_equal(get(&regs, "cs.flags"), 0x3013);
	assert_int_equal(get(&regs, "cs.base"), 0x3014);
	assert_int_equal(get(&regs, "ds.base"), 0x3012 + 3 + 2);
	assert_int_equal(get(&regs, "ss.base"), 0x3012 + 5 * 3 + 2);
	assert_int_equal(get(&regs, "tr.base"), 0x3012 + 7 * 3 + 2);
	assert_int_equal(get(&regs, "idt.base"), 0x3012 + 9 * 3 + 2);
	assert_int_equal(get(&regs, "cr0"), 0x3030);
	assert_int_equal(get(&regs, "cr4"), 0x3034);
	assert_int_equal(get(&regs, "kernel_gs_base"), 0x3035);
	assert_int_equal(get(&regs, "orig_rax"), 0x100f);
	assert_ok(gs_registers_of_cpu(&attrs, 1, &regs));
	assert_int_equal(regs.cpu, 1);
	assert_int_equal(get(&regs, "rip"), 0x4010);
	assert_int_equal(get(&regs, "orig_rax"), 0x200f);
	assert_false(gs_registers_get(&regs, "kernel_gs_base", &(uint64_t){0}));
	assert_error(gs_registers_of_cpu(&attrs, 2, &regs), GS_ERROR_NODATA,
		     "no CPU 2: the notes tell of 2");
}

static void test_vectors(void **state)
{
	(void)state;
	for (int big_endian = 0; big_endian < 2; big_endian++) {
		struct blob b = {.big_endian = big_endian};
		struct gs_attributes attrs;
		struct gs_registers regs;
		uint8_t *fp;

		add_prstatus(&b, gs_arch_info(GS_ARCH_AARCH64), 0);
		fp = add_note(&b, "CORE", 2, 528);
		for (int i = 0; i < 16; i++)
			fp[31 * 16 + i] = (uint8_t)(big_endian ? 15 - i : i);
		gs_put_u32(fp + 512, 0x11, big_endian);
		gs_put_u32(fp + 516, 0x22, big_endian);
		attrs = attributes(&b, GS_ARCH_AARCH64);
		assert_ok(gs_registers_of_cpu(&attrs, 0, &regs));
		assert_int_equal(get(&regs, "v31"), 0x0706050403020100);
		assert_int_equal(regs.list[34 + 31].high, 0x0f0e0d0c0b0a0908);
		assert_int_equal(get(&regs, "fpsr"), 0x11);
		assert_int_equal(get(&regs, "fpcr"), 0x22);
	}
}

static void test_odd_notes(void **state)
{
	struct blob b = {0};
	struct gs_attributes attrs;
	struct gs_registers regs;
	bool found;

	(void)state;
	add_note(&b, "CORE", 1, 335); /* of another size */
	add_note(&b, "QEMU", 0, 431);
	gs_put_u32(add_qemu(&b, 0, 440), 2, false); /* of another version */
	attrs = attributes(&b, GS_ARCH_X86_64);
	assert_ok(gs_registers_next(&attrs, &(struct gs_registers_walk){0}, &regs, &found));
	assert_false(found);
	add_prstatus(&b, gs_arch_info(GS_ARCH_X86_64), 0x1000);
	for (size_t size = 0; size <= b.size; size++) { /* cut anywhere */
		attrs = attributes(&b, GS_ARCH_X86_64);
		attrs.notes_size = size;
		assert_ok(gs_registers_next(&attrs, &(struct gs_registers_walk){0}, &regs, &found));
		assert_int_equal(found, size == b.size);
	}
	attrs = attributes(&b, GS_ARCH_MIPS);
	assert_error(gs_registers_next(&attrs, &(struct gs_registers_walk){0}, &regs, &found),
		     GS_ERROR_UNSUPPORTED, NULL);
}

static const struct {
	uint64_t cr0, rflags, cs, cs_flags, gdt;
	const char *name, *privilege;
	unsigned int ring;
} x86_modes[] = {
	{0x80050033, 2, 0x10, 0x00af9b00, 0xfffffe0000001000, "long", "kernel", 0},
	{0x80050033, 2, 0x33, 0x00affb00, 0xfffffe0000001000, "long", "user", 3},
	{0x80050033, 2, 0x23, 0x00cffb00, 0xfffffe0000001000, "compatibility", "user", 3},
	{0x80050033, 2, 0x60, 0x00cf9b00, 0xf7c00000, "protected", "kernel", 0},
	{0x11, 2, 0x08, 0x00009b00, 0x1000, "16-bit protected", "kernel", 0},
	{0x80000011, 0x20002, 0xf000, 0xf300, 0x1000, "virtual-8086", "user", 3},
	{0x60000010, 2, 0xf003, 0x9b00, 0, "real", "kernel", 0},
};

static void test_x86_modes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(x86_modes) / sizeof(*x86_modes); i++) {
		struct blob b = {0};
		uint8_t *desc = add_qemu(&b, 0, 440);
		struct gs_attributes attrs = attributes(&b, GS_ARCH_X86_64);
		struct gs_registers regs;
		struct gs_cpu_mode mode;

		memset(desc + 8, 0, 432);
		gs_put_u64(desc + 8 + 17 * 8, x86_modes[i].rflags, false);
		gs_put_u32(desc + 8 + 18 * 8, (uint32_t)x86_modes[i].cs, false);
		gs_put_u32(desc + 8 + 18 * 8 + 8, (uint32_t)x86_modes[i].cs_flags, false);
		gs_put_u64(desc + 8 + 18 * 8 + 8 * 24 + 16, x86_modes[i].gdt, false);
		gs_put_u64(desc + 8 + 18 * 8 + 240, x86_modes[i].cr0, false);
		assert_ok(gs_registers_of_cpu(&attrs, 0, &regs));
		mode = gs_registers_mode(&regs);
		assert_string_equal(mode.name, x86_modes[i].name);
		assert_string_equal(mode.privilege, x86_modes[i].privilege);
		assert_int_equal(mode.level, x86_modes[i].ring);
	}
}

static const struct {
	enum gs_arch arch;
	const char *reg;
	uint64_t value;
	const char *name, *privilege;
} other_modes[] = {
	{GS_ARCH_AARCH64, "pstate", 0x60000000, "AArch64", "user"},
	{GS_ARCH_AARCH64, "pstate", 0x3c5, "AArch64", "kernel"},
	{GS_ARCH_AARCH64, "pstate", 0x3c9, "AArch64", "hypervisor"},
	{GS_ARCH_AARCH64, "pstate", 0x10, "usr", "user"},
	{GS_ARCH_ARM, "cpsr", 0x1d3, "svc", "kernel"},
	{GS_ARCH_ARM, "cpsr", 0x14, NULL, NULL},
	{GS_ARCH_PPC64, "msr", 0x8000000000009033, "64-bit", "kernel"},
	{GS_ARCH_PPC64, "msr", 0x800000000000d033, "64-bit", "user"},
	{GS_ARCH_PPC64, "msr", 0x9000000000009033, "64-bit", "hypervisor"},
	{GS_ARCH_RISCV64, "pc", 0, NULL, NULL},
};

static void assert_text(const char *text, const char *expected)
{
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void test_other_modes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(other_modes) / sizeof(*other_modes); i++) {
		struct gs_registers regs = {.arch = other_modes[i].arch, .count = 1};
		struct gs_cpu_mode mode;

		regs.list[0] = (struct gs_register){.name = other_modes[i].reg,
						    .low = other_modes[i].value};
		mode = gs_registers_mode(&regs);
		assert_text(mode.name, other_modes[i].name);
		assert_text(mode.privilege, other_modes[i].privilege);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prstatus),    cmocka_unit_test(test_prstatus_s390x),
		cmocka_unit_test(test_qemu_note),   cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_odd_notes),   cmocka_unit_test(test_x86_modes),
		cmocka_unit_test(test_other_modes),
	};

	return cmocka_run_group_tests_name("registers", tests, NULL, NULL);
}
