/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables and kernels of aarch64, of all page sizes; also kernels that lie. */
#include "fake_aarch64.h"

static const struct {
	uint32_t page_size;
	unsigned int va_bits, levels, block_level_max;
} shapes[] = {
	{4096, 39, 3, 3},  {4096, 48, 4, 3},  {4096, 52, 5, 4},  {16384, 36, 2, 2},
	{16384, 47, 3, 2}, {16384, 48, 4, 2}, {16384, 52, 4, 3}, {65536, 42, 2, 3},
	{65536, 48, 3, 3}, {65536, 52, 3, 3},
};
#define SHAPE_COUNT (sizeof(shapes) / sizeof(*shapes))

/* An address that nothing of the fake kernel is near, with a number in every level's index. */
#define SOMEWHERE UINT64_C(0xffffffff2db6d000)
#define FAR_GPA UINT64_C(0x0009123450000000) /* 52 bits */

static void init(struct fake_aarch64 *k, size_t shape)
{
	fa_init(k, shapes[shape].page_size, shapes[shape].va_bits, FA_RAM);
}

static struct gs_error *walk(struct fake_aarch64 *k, uint64_t vaddr, gs_gpa_t *gpa_ret,
			     uint64_t *left_ret)
{
	return gs_aarch64_walk(&k->mem, FA_SWAPPER, 1u << k->page_bits, k->va_bits, vaddr, gpa_ret,
			       left_ret);
}

static void assert_walk(struct fake_aarch64 *k, uint64_t vaddr, gs_gpa_t expected, uint64_t left)
{
	gs_gpa_t gpa;
	uint64_t left_found;

	assert_ok(walk(k, vaddr, &gpa, &left_found));
	assert_int_equal(gpa, expected);
	assert_int_equal(left_found, left);
}

static void assert_no_walk(struct fake_aarch64 *k, uint64_t vaddr, const char *why)
{
	gs_autofree char *message = NULL;
	gs_gpa_t gpa;

	assert_true(asprintf(&message, "0x%llx: %s", (unsigned long long)vaddr, why) > 0);
	assert_error(walk(k, vaddr, &gpa, NULL), GS_ERROR_NODATA, message);
}

/* Physical addresses have 52 bits where there are entries for them. */
static gs_gpa_t far_gpa(const struct fake_aarch64 *k)
{
	bool has_52_bits = k->page_bits == 16 || k->va_bits == 52;

	return has_52_bits ? FAR_GPA : FAR_GPA & ((UINT64_C(1) << 48) - 1);
}

static void test_walk(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHAPE_COUNT; i++) {
		struct fake_aarch64 k;
		uint64_t page_size = shapes[i].page_size, vaddr = SOMEWHERE & ~(page_size - 1);
		gs_gpa_t gpa;

		init(&k, i);
		gpa = far_gpa(&k);
		assert_int_equal(fa_levels(&k), shapes[i].levels);
		fa_map(&k, vaddr, gpa, 1);
		assert_walk(&k, vaddr, gpa, page_size);
		assert_walk(&k, vaddr + 0xabc, gpa + 0xabc, page_size - 0xabc);
		/* Attributes above and below are no address. */
		fa_put(&k, fa_entry(&k, vaddr, 1),
		       fa_encode(&k, gpa) | UINT64_C(0xfff8000000000000) | FA_PAGE | 0x4fc);
		assert_walk(&k, vaddr, gpa, page_size);
		fa_deinit(&k);
	}
}

static void test_walk_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHAPE_COUNT; i++) {
		for (unsigned int level = 2; level <= shapes[i].levels; level++) {
			struct fake_aarch64 k;
			uint64_t mask;

			init(&k, i);
			mask = (UINT64_C(1) << fa_level_shift(&k, level)) - 1;
			/* The last address below zero: its own entry at any level. */
			fa_map(&k, -mask - 1, far_gpa(&k) & ~mask, level);
			if (level <= shapes[i].block_level_max) {
				assert_walk(&k, -UINT64_C(0x1000),
					    (far_gpa(&k) & ~mask) | (mask - 0xfff), 0x1000);
			} else {
				gs_autofree char *why = NULL;

				assert_true(asprintf(&why, "not mapped (level %u)", level) > 0);
				assert_no_walk(&k, -UINT64_C(0x1000), why);
			}
			fa_deinit(&k);
		}
	}
}

static void test_walk_nowhere(void **state)
{
	struct fake_aarch64 k;
	gs_gpa_t gpa;

	(void)state;
	fa_init(&k, 4096, 48, FA_RAM);
	fa_map(&k, 0xffffff8000000000, FA_RAM, 1);
	assert_no_walk(&k, 0xffff800000000000, "not mapped (level 4)");
	assert_no_walk(&k, 0xffffff8040000000, "not mapped (level 3)");
	assert_no_walk(&k, 0xffffff8000200000, "not mapped (level 2)");
	assert_no_walk(&k, 0xffffff8000001000, "not mapped (level 1)");
	/* Without bit 1 an entry of the last level is none. */
	fa_put(&k, fa_entry(&k, 0xffffff8000000000, 1), FA_BLOCK);
	assert_no_walk(&k, 0xffffff8000000000, "not mapped (level 1)");
	/* User addresses have tables of their own. */
	assert_no_walk(&k, 0x1000, "not canonical");
	assert_no_walk(&k, 0xfffe800000000000, "not canonical");
	k.bad = FA_SWAPPER;
	assert_error(walk(&k, 0xffffff8000000000, &gpa, NULL), GS_ERROR_TIMEOUT, NULL);
	fa_deinit(&k);
}

static void test_walk_impossible(void **state)
{
	static const struct {
		uint32_t page_size;
		unsigned int va_bits;
	} bad[] = {{0, 48},   {8192, 48}, {131072, 48}, {4097, 48},
		   {4096, 0}, {4096, 35}, {65536, 53}};
	struct fake_aarch64 k;
	gs_gpa_t gpa;

	(void)state;
	fa_init(&k, 4096, 48, FA_RAM);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_false(gs_aarch64_has(bad[i].page_size, bad[i].va_bits));
		assert_error(gs_aarch64_walk(&k.mem, FA_SWAPPER, bad[i].page_size, bad[i].va_bits,
					     SOMEWHERE, &gpa, NULL),
			     GS_ERROR_INVALID, NULL);
	}
	fa_deinit(&k);
}

/* A table that is its own next one ends after as many levels as there are. */
static void test_walk_loop(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHAPE_COUNT; i++) {
		struct fake_aarch64 k;

		init(&k, i);
		for (gs_gpa_t off = 0; off < shapes[i].page_size; off += 8)
			fa_put(&k, FA_SWAPPER + off, FA_SWAPPER | FA_TABLE);
		k.reads = 0;
		assert_walk(&k, SOMEWHERE & ~UINT64_C(0xffff), FA_SWAPPER, shapes[i].page_size);
		assert_int_equal(k.reads, shapes[i].levels);
		fa_deinit(&k);
	}
}

/* ---- the kernel ---- */

static struct gs_linux *open_linux(struct fake_aarch64 *k)
{
	struct gs_linux *l;

	k->reads = 0;
	assert_ok(gs_linux_open(&k->mem, &l));
	return l;
}

static void assert_kernel(struct fake_aarch64 *k)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = open_linux(k);
	gs_autofree struct gs_range *ram = NULL;
	size_t count;
	char name[10];

	assert_int_equal(l->arch, GS_ARCH_AARCH64);
	assert_int_equal(l->page_size, 1u << k->page_bits);
	assert_int_equal(l->va_bits, k->va_bits);
	assert_int_equal(l->levels, fa_levels(k));
	assert_int_equal(l->root_gpa, FA_SWAPPER);
	assert_true(l->has_phys_base);
	assert_int_equal(l->phys_base, k->phys_offset);
	assert_true(l->has_direct_map);
	assert_int_equal(l->direct_map, k->direct);
	assert_int_equal(l->text_vaddr, FA_STEXT);
	assert_int_equal(l->text_gpa, FA_TEXT);
	assert_int_equal(l->text_size, FA_TEXT_BYTES);
	assert_string_equal(l->utsname[GS_UTS_MACHINE], "aarch64");
	assert_ok(gs_linux_read(l, FA_UTS + FA_VOFFSET + 4 + 130, name, sizeof(name)));
	assert_memory_equal(name, "6.1.0-fake", sizeof(name));
	assert_true(k->reads < 400);
	assert_ok(gs_linux_system_ram(l, &ram, &count));
	assert_int_equal(count, 1);
	assert_int_equal(ram[0].start, FA_RAM);
	assert_int_equal(ram[0].size, FA_RAM_BYTES);
}

/* KASLR makes the direct map begin below all memory, and so PHYS_OFFSET negative. */
static void test_kernel(void **state)
{
	static const int64_t offsets[] = {FA_RAM, 0, -0x1c0000000};

	(void)state;
	for (size_t i = 0; i < SHAPE_COUNT; i++) {
		for (size_t n = 0; n < sizeof(offsets) / sizeof(*offsets); n++) {
			struct fake_aarch64 k;

			fa_init(&k, shapes[i].page_size, shapes[i].va_bits, offsets[n]);
			assert_kernel(&k);
			fa_deinit(&k);
		}
	}
}

/* Built for 52 bits, on a processor that has 48: the tables are small but with pages of 64 KiB. */
static void test_fewer_bits_in_use(void **state)
{
	static const struct {
		uint32_t page_size;
		unsigned int table_bits, in_use;
	} cases[] = {{4096, 48, 48}, {16384, 47, 47}, {65536, 52, 48}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fake_aarch64 k;

		fa_init(&k, cases[i].page_size, cases[i].table_bits, FA_RAM);
		fa_unsay(&k, "NUMBER(VA_BITS)");
		fa_unsay(&k, "NUMBER(TCR_EL1_T1SZ)");
		fa_unsay(&k, "NUMBER(PHYS_OFFSET)");
		/* Such a kernel counts from where the map of 52 bits would have begun. */
		k.phys_offset = (int64_t)((UINT64_MAX << 52) - k.direct);
		fa_say(&k, "NUMBER(VA_BITS)=52");
		fa_say(&k, "NUMBER(TCR_EL1_T1SZ)=0x%x", 64 - cases[i].in_use);
		fa_say(&k, "NUMBER(PHYS_OFFSET)=0x%llx", (unsigned long long)k.phys_offset);
		assert_kernel(&k);
		fa_deinit(&k);
	}
}

/* Before 5.4 the direct map was the upper half; TCR_EL1_T1SZ was not told. */
static void test_older_kernel(void **state)
{
	struct fake_aarch64 k;

	(void)state;
	fa_init(&k, 4096, 48, FA_RAM);
	k.direct = (UINT64_MAX << 47) - FA_RAM;
	fa_map_pages(&k, k.direct + FA_RAM, FA_RAM, FA_RAM_BYTES);
	fa_put(&k, fa_entry(&k, UINT64_MAX << 48, 4), 0); /* the newer one's map */
	fa_put(&k, FA_ROOTS, k.direct + FA_SECTIONS);
	fa_unsay(&k, "NUMBER(TCR_EL1_T1SZ)");
	fa_unsay(&k, "SYMBOL(mem_section)");
	fa_say(&k, "SYMBOL(mem_section)=%llx", (unsigned long long)(k.direct + FA_ROOTS));
	assert_kernel(&k);
	fa_deinit(&k);
}

static void test_direct_map_from_mem_section(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_aarch64 k;

	(void)state;
	fa_init(&k, 4096, 48, FA_RAM);
	fa_unsay(&k, "NUMBER(PHYS_OFFSET)");
	l = open_linux(&k);
	assert_true(l->has_direct_map);
	assert_int_equal(l->direct_map, k.direct);
	assert_false(l->has_phys_base);
	fa_deinit(&k);
}

/* What PHYS_OFFSET says is believed only if the root table is where it would be then. */
static void test_direct_map_lies(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_aarch64 k;

	(void)state;
	fa_init(&k, 4096, 48, FA_RAM);
	fa_unsay(&k, "NUMBER(PHYS_OFFSET)");
	fa_say(&k, "NUMBER(PHYS_OFFSET)=0x%llx", (unsigned long long)FA_RAM + 4096);
	/* A flat mem_section in the kernel's own image does not say where the map is. */
	fa_unsay(&k, "SYMBOL(mem_section)");
	fa_say(&k, "SYMBOL(mem_section)=%llx", (unsigned long long)FA_STEXT + 0x1000);
	l = open_linux(&k);
	assert_false(l->has_direct_map);
	assert_false(l->has_phys_base);
	assert_int_equal(l->text_size, FA_TEXT_BYTES);
	fa_deinit(&k);
}

static void assert_no_kernel(const char *key, const char *instead)
{
	struct fake_aarch64 k;
	struct gs_linux *l;

	fa_init(&k, 4096, 48, FA_RAM);
	fa_unsay(&k, key);
	fa_say(&k, "%s", instead);
	assert_error(gs_linux_open(&k.mem, &l), GS_ERROR_NODATA,
		     "vmcoreinfo does not fit this memory: no page table found at "
		     "swapper_pg_dir");
	fa_deinit(&k);
}

static void test_no_kernel(void **state)
{
	(void)state;
	assert_no_kernel("SYMBOL(swapper_pg_dir)", "");
	assert_no_kernel("SYMBOL(swapper_pg_dir)", "SYMBOL(swapper_pg_dir)=ffffffff80080005");
	assert_no_kernel("NUMBER(kimage_voffset)", "");
	assert_no_kernel("NUMBER(kimage_voffset)", "NUMBER(kimage_voffset)=0xffffffff40001000");
	assert_no_kernel("NUMBER(kimage_voffset)", "NUMBER(kimage_voffset)=0");
	assert_no_kernel("PAGESIZE", "PAGESIZE=65536");
	assert_no_kernel("PAGESIZE", "PAGESIZE=8192");
}

/* Wrong numbers of bits: the other one of the two still does. */
static void test_one_of_two(void **state)
{
	static const struct {
		const char *key, *instead;
	} cases[] = {
		{"NUMBER(TCR_EL1_T1SZ)", "NUMBER(TCR_EL1_T1SZ)=0x3f"},
		{"NUMBER(TCR_EL1_T1SZ)", "NUMBER(TCR_EL1_T1SZ)=-1"},
		{"NUMBER(TCR_EL1_T1SZ)", "NUMBER(TCR_EL1_T1SZ)=0x10000000000000010"},
		{"NUMBER(VA_BITS)", "NUMBER(VA_BITS)=1"},
		{"NUMBER(VA_BITS)", "NUMBER(VA_BITS)=64"},
		{"NUMBER(VA_BITS)", "NUMBER(VA_BITS)=-48"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
		struct fake_aarch64 k;

		fa_init(&k, 4096, 48, FA_RAM);
		fa_unsay(&k, cases[i].key);
		fa_say(&k, "%s", cases[i].instead);
		l = open_linux(&k);
		assert_int_equal(l->root_gpa, FA_SWAPPER);
		assert_int_equal(l->direct_map, k.direct);
		fa_deinit(&k);
	}
}

/* A guest that does not answer is no guest without a kernel: nobody asks it again and again. */
static void test_failing_reads(void **state)
{
	static const gs_gpa_t bad[] = {FA_RAM, FA_SWAPPER, FA_UTS, FA_TABLES};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct fake_aarch64 k;
		struct gs_linux *l;

		fa_init(&k, 4096, 48, FA_RAM);
		k.bad = bad[i];
		assert_error(gs_linux_open(&k.mem, &l), GS_ERROR_TIMEOUT, NULL);
		assert_true(k.reads < 300);
		fa_deinit(&k);
	}
}

/* The memory of a plain image: only the kernel tells what machine that was. */
static void test_unknown_machine(void **state)
{
	struct fake_aarch64 k;

	(void)state;
	fa_init(&k, 65536, 48, FA_RAM);
	k.mem.attrs.arch = GS_ARCH_UNKNOWN;
	assert_kernel(&k);
	fa_deinit(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_blocks),
		cmocka_unit_test(test_walk_nowhere),
		cmocka_unit_test(test_walk_impossible),
		cmocka_unit_test(test_walk_loop),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_fewer_bits_in_use),
		cmocka_unit_test(test_older_kernel),
		cmocka_unit_test(test_direct_map_from_mem_section),
		cmocka_unit_test(test_direct_map_lies),
		cmocka_unit_test(test_no_kernel),
		cmocka_unit_test(test_one_of_two),
		cmocka_unit_test(test_failing_reads),
		cmocka_unit_test(test_unknown_machine),
	};

	return cmocka_run_group_tests_name("aarch64", tests, NULL, NULL);
}
