/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as a CPU in any of x86's paging modes, or the kernel, sees them. */
#include "fake_kernel.h"

#define USER UINT64_C(0x00007f1234567000)
#define TABLES 0x500000 /* of 32-bit modes */

static const struct gs_registers *cpu_with(struct gs_registers *regs, uint64_t cr0, uint64_t cr3,
					   uint64_t cr4, bool long_mode)
{
	*regs = (struct gs_registers){.arch = GS_ARCH_X86_64, .count = 4};
	regs->list[0] = (struct gs_register){.name = "cr0", .low = cr0};
	regs->list[1] = (struct gs_register){.name = "cr3", .low = cr3};
	regs->list[2] = (struct gs_register){.name = "cr4", .low = cr4};
	regs->list[3] = (struct gs_register){.name = "cs.flags",
					     .low = long_mode ? 0x00af9b00 : 0x00cf9b00};
	return regs;
}

static void assert_mapped(const struct gs_view *view, uint64_t address, uint64_t size_max,
			  gs_gpa_t gpa, uint64_t size)
{
	struct gs_view_run run;

	assert_ok(gs_view_next(view, address, size_max, &run));
	assert_true(run.mapped);
	assert_int_equal(run.address, address);
	assert_int_equal(run.gpa, gpa);
	assert_int_equal(run.size, size);
}

static void assert_unmapped(const struct gs_view *view, uint64_t address, uint64_t size_max,
			    uint64_t size, const char *why)
{
	struct gs_view_run run;

	assert_ok(gs_view_next(view, address, size_max, &run));
	assert_false(run.mapped);
	assert_int_equal(run.size, size);
	assert_string_equal(run.why_not, why);
}

static void test_long_mode(void **state)
{
	(void)state;
	for (unsigned int levels = 4; levels <= 5; levels++) {
		struct gs_registers regs;
		struct fake_kernel k;
		struct gs_view view;

		fk_init(&k, levels);
		fk_map(&k, USER, 0x5000, 1);
		fk_map(&k, USER + 0x1000, 0x6000, 1);
		fk_map(&k, USER + 0x2000, 0x3000, 1);
		/* The low bits of CR3 number the address space. */
		view = (struct gs_view){.mem = &k.mem,
					.cpu = cpu_with(&regs, 0x80000001, FK_SWAPPER | 0x7,
							levels == 5 ? 0x1020 : 0x20, true)};
		assert_mapped(&view, USER + 0x10, 0x100000, 0x5010, 0x1ff0);
		assert_mapped(&view, USER + 0x2000, 0x10, 0x3000, 0x10);
		assert_unmapped(&view, USER + 0x3000, 0x2000, 0x2000, "not mapped (level 1)");
		assert_mapped(&view, FK_TEXT_VADDR, UINT64_C(1) << 40, FK_TEXT, 0x200000);
		assert_unmapped(&view, UINT64_C(0x8000000000000000), 0x1000, 0x1000,
				"not canonical");
		fk_deinit(&k);
	}
}

static void put_entry(struct fake_kernel *k, gs_gpa_t gpa, uint64_t entry, int width)
{
	gs_put_uint(k->ram + gpa, entry, (size_t)width, false);
}

static void test_pae(void **state)
{
	struct gs_registers regs;
	struct fake_kernel k;
	struct gs_view view;

	(void)state;
	fk_init(&k, 4);
	put_entry(&k, TABLES + 0x20 + 3 * 8, (TABLES + 0x1000) | 1, 8); /* 0xc0000000 */
	put_entry(&k, TABLES + 0x1000, (TABLES + 0x2000) | 1, 8);
	put_entry(&k, TABLES + 0x1000 + 8, UINT64_C(0x8000000000400081), 8); /* 2 MiB */
	put_entry(&k, TABLES + 0x2000 + 5 * 8, 0x7003, 8);
	view = (struct gs_view){.mem = &k.mem,
				.cpu = cpu_with(&regs, 0x80000001, TABLES + 0x20, 0x20, false)};
	assert_mapped(&view, 0xc0005123, 0x10000, 0x7123, 0xedd);
	assert_mapped(&view, 0xc0200000, 0x10000, 0x400000, 0x10000);
	assert_unmapped(&view, 0xc0004000, 0x1000, 0x1000, "not mapped (level 1)");
	assert_unmapped(&view, 0x1000, 0x10000, 0x10000, "not mapped (level 3)");
	assert_unmapped(&view, UINT64_C(0x1c0005000), 0x10, 0x10, "not an address of 32 bits");
	fk_deinit(&k);
}

static void test_32_bit(void **state)
{
	struct gs_registers regs;
	struct fake_kernel k;
	struct gs_view view;

	(void)state;
	fk_init(&k, 4);
	put_entry(&k, TABLES + 0x300 * 4, (TABLES + 0x1000) | 1, 4); /* 0xc0000000 */
	put_entry(&k, TABLES + 0x301 * 4, 0x00400081, 4);            /* 4 MiB, by PSE */
	put_entry(&k, TABLES + 0x302 * 4, 0x00002081, 4);            /* the same at 4 GiB */
	put_entry(&k, TABLES + 0x1000 + 2 * 4, 0x9001, 4);
	view = (struct gs_view){.mem = &k.mem,
				.cpu = cpu_with(&regs, 0x80000001, TABLES, 0x10, false)};
	assert_mapped(&view, 0xc0002fff, 0x10, 0x9fff, 1);
	assert_mapped(&view, 0xc0412345, 0x10, 0x412345, 0x10);
	assert_mapped(&view, 0xc0812345, 0x10, UINT64_C(0x100012345), 0x10);
	assert_unmapped(&view, 0xc0c00000, 0x10, 0x10, "not mapped (level 2)");
	/* Without PSE the bit means nothing: there are tables at 0x400000 and 0x2000. */
	view.cpu = cpu_with(&regs, 0x80000001, TABLES, 0, false);
	put_entry(&k, 0x400000 + 0x12 * 4, 0xa001, 4);
	assert_mapped(&view, 0xc0412345, 0x10, 0xa345, 0x10);
	fk_deinit(&k);
}

static void test_no_paging(void **state)
{
	struct gs_registers regs;
	struct fake_kernel k;
	struct gs_view view;
	struct gs_view_run run;

	(void)state;
	fk_init(&k, 4);
	view = (struct gs_view){.mem = &k.mem, .cpu = cpu_with(&regs, 1, TABLES, 0, false)};
	assert_mapped(&view, 0x1234, UINT64_MAX, 0x1234, FK_RAM_BYTES - 0x1234);
	view.cpu = NULL;
	assert_mapped(&view, 0, UINT64_MAX, 0, FK_RAM_BYTES);
	assert_ok(gs_view_next(&view, FK_RAM_BYTES, UINT64_MAX, &run));
	assert_int_equal(run.state, GS_EXTENT_HOLE);
	assert_int_equal(run.size, FK_VIDEO - FK_RAM_BYTES);
	assert_ok(gs_view_next(&view, UINT64_MAX, 1, &run));
	assert_int_equal(run.state, GS_EXTENT_HOLE);
	assert_int_equal(run.size, 1);
	fk_deinit(&k);
}

static void test_kernel(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_kernel k;
	struct gs_view view;

	(void)state;
	fk_init(&k, 4);
	assert_ok(gs_linux_open(&k.mem, &l));
	view = (struct gs_view){.mem = &k.mem, .kernel = l};
	assert_mapped(&view, FK_TEXT_VADDR + 5, 0x1000, FK_TEXT + 5, 0x1000);
	/* Unmapped space is passed over by large steps. */
	k.reads = 0;
	assert_unmapped(&view, 0, UINT64_C(1) << 46, UINT64_C(1) << 46, "not mapped (level 4)");
	assert_true(k.reads < 1000);
	fk_deinit(&k);
}

static void test_unknown(void **state)
{
	struct gs_registers regs = {.arch = GS_ARCH_AARCH64, .cpu = 3};
	struct fake_kernel k;
	struct gs_view view = {.mem = &k.mem, .cpu = &regs};
	struct gs_view_run run;

	(void)state;
	fk_init(&k, 4);
	assert_error(gs_view_next(&view, 0, 1, &run), GS_ERROR_UNSUPPORTED,
		     "the notes do not tell the page tables of CPU 3");
	/* A guest that does not answer is no hole. */
	view.cpu = cpu_with(&regs, 0x80000001, FK_SWAPPER, 0x20, true);
	k.bad = 1;
	assert_error(gs_view_next(&view, USER, 1, &run), GS_ERROR_TIMEOUT, NULL);
	fk_deinit(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_mode), cmocka_unit_test(test_pae),
		cmocka_unit_test(test_32_bit),    cmocka_unit_test(test_no_paging),
		cmocka_unit_test(test_kernel),    cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
