/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The step "describe": which ranges, whose names, where the kernel is mapped. */
#include <guestscope/job.h>

#include "fake_kernel.h"

static struct gs_description describe(struct fake_kernel *k, enum gs_ranges_choice choice,
				      enum gs_dump_format format)
{
	struct gs_description d;

	assert_ok(gs_describe(&k->mem, choice, format, &d));
	return d;
}

static void assert_ranges(struct fake_kernel *k, enum gs_ranges_choice choice,
			  enum gs_dump_format format, size_t count, uint64_t left_out_bytes)
{
	gs_autodescription struct gs_description d = describe(k, choice, format);

	assert_int_equal(d.range_count, count);
	assert_int_equal(d.left_out_bytes, left_out_bytes);
	assert_null(d.why_all);
}

static void test_ranges(void **state)
{
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	assert_ranges(&k, GS_RANGES_DEFAULT, GS_DUMP_KDUMP, 1, FK_VIDEO_BYTES);
	assert_ranges(&k, GS_RANGES_DEFAULT, GS_DUMP_ELF, 2, 0);
	assert_ranges(&k, GS_RANGES_SYSTEM, GS_DUMP_ELF, 1, FK_VIDEO_BYTES);
	assert_ranges(&k, GS_RANGES_ALL, GS_DUMP_KDUMP, 2, 0);
	fk_deinit(&k);
}

static void assert_all_kept(struct fake_kernel *k, const char *why)
{
	gs_autodescription struct gs_description d = describe(k, GS_RANGES_DEFAULT, GS_DUMP_KDUMP);

	assert_true(d.is_linux);
	assert_int_equal(d.range_count, 2);
	assert_int_equal(d.left_out_bytes, 0);
	assert_string_equal(d.why_all, why);
}

/* A guest's kernel may say what it likes: no RAM is lost by that. */
static void test_ranges_that_are_not_believed(void **state)
{
	struct gs_description d;
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	k.ranges[1].size = FK_RAM_BYTES + 4096;
	assert_all_kept(&k, "system ram: the guest's kernel claims less than half of the memory");
	assert_ranges(&k, GS_RANGES_SYSTEM, GS_DUMP_KDUMP, 1, FK_RAM_BYTES + 4096);
	fk_put(&k, FK_SECTIONS, 0);
	assert_all_kept(&k, "system ram: mem_section: does not even know the kernel's own pages");
	assert_error(gs_describe(&k.mem, GS_RANGES_SYSTEM, GS_DUMP_KDUMP, &d), GS_ERROR_NODATA,
		     "system ram: mem_section: does not even know the kernel's own pages");
	fk_deinit(&k);
}

static void test_kernel(void **state)
{
	gs_autodescription struct gs_description d = {0};
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	d = describe(&k, GS_RANGES_DEFAULT, GS_DUMP_ELF);
	assert_string_equal(d.attrs.utsname[GS_UTS_NODENAME], "guest");
	assert_int_equal(d.attrs.phys_base, FK_PHYS_BASE);
	assert_int_equal(d.segment_count, 1);
	assert_int_equal(d.segments[0].gpa, 0);
	assert_int_equal(d.segments[0].vaddr, k.direct);
	assert_int_equal(d.segments[0].size, FK_VIDEO + FK_VIDEO_BYTES);
	assert_int_equal(d.text.vaddr, FK_TEXT_VADDR);
	assert_int_equal(d.text.gpa, FK_TEXT);
	fk_deinit(&k);
}

static void test_no_kernel(void **state)
{
	gs_autodescription struct gs_description d = {0};
	struct gs_description none;
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	k.mem.attrs.vmcoreinfo = NULL;
	d = describe(&k, GS_RANGES_DEFAULT, GS_DUMP_KDUMP);
	assert_false(d.is_linux);
	assert_string_equal(d.why_not, "no vmcoreinfo");
	assert_string_equal(d.attrs.utsname[GS_UTS_MACHINE], "x86_64");
	assert_string_equal(d.attrs.utsname[GS_UTS_SYSNAME], "");
	assert_int_equal(d.range_count, 2);
	assert_error(gs_describe(&k.mem, GS_RANGES_SYSTEM, GS_DUMP_KDUMP, &none), GS_ERROR_NODATA,
		     "cannot tell the guest kernel's RAM: no vmcoreinfo");
	fk_deinit(&k);
}

/* A guest that stopped answering is an error, not a guest without a kernel. */
static void test_failing_reads(void **state)
{
	struct gs_description d;
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	k.bad = FK_ROOTS;
	assert_error(gs_describe(&k.mem, GS_RANGES_DEFAULT, GS_DUMP_KDUMP, &d), GS_ERROR_TIMEOUT,
		     NULL);
	fk_deinit(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ranges_that_are_not_believed),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_no_kernel),
		cmocka_unit_test(test_failing_reads),
	};

	return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
