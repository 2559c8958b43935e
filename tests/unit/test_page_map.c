/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classes of pages, from mem_maps of several ages of kernels, sound and not. */
#include "fake_mem_map.h"

static struct gs_error *open_map(struct fixture *f)
{
	assert_ok(gs_linux_open(&f->k.mem, &f->l));
	return gs_page_map_open(f->l, &f->map);
}

static void check(struct fixture *f, uint64_t pfn, uint64_t count, enum gs_page_class expected)
{
	gs_autofree uint8_t *class = malloc(count);

	if (!f->map)
		assert_ok(open_map(f));
	memset(class, 0xff, count);
	assert_ok(gs_page_map_classify(f->map, pfn, count, class));
	for (uint64_t i = 0; i < count; i++) {
		if (class[i] != expected)
			fail_msg("page 0x%llx is %s, not %s", (unsigned long long)(pfn + i),
				 gs_page_class_name(class[i]), gs_page_class_name(expected));
	}
}

static void test_single_pages(void **state)
{
	struct fixture *f = *state;
	const struct {
		uint64_t flags, mapping;
		int mapcount;
		enum gs_page_class class;
	} cases[] = {
		{0, 0, -1, GS_PAGE_KERNEL},
		{LRU, 0xffff888000001000, 0, GS_PAGE_CACHE},
		{LRU | PRIVATE_FLAG, 0xffff888000001000, -1, GS_PAGE_CACHE_PRIVATE},
		{SWAPCACHE | SWAPBACKED, 0xffff888000001000, -1, GS_PAGE_CACHE},
		{SWAPCACHE, 0xffff888000001000, -1, GS_PAGE_KERNEL}, /* some other flag */
		{PRIVATE_FLAG, 0, -1, GS_PAGE_KERNEL},
		{LRU | SWAPBACKED, ANON, 0, GS_PAGE_USER},
		{LRU, ANON | 2, 0, GS_PAGE_USER}, /* KSM */
		{0, ANON, -1, GS_PAGE_USER},
		{0, 0x1235, -1, GS_PAGE_KERNEL}, /* no address of the kernel's */
		{SLAB, ANON, -1, GS_PAGE_KERNEL},
		{LRU | HWPOISON, ANON, 0, GS_PAGE_HWPOISON},
		{0, 0, OFFLINE, GS_PAGE_OFFLINE},
		{0, ANON, TABLE, GS_PAGE_KERNEL}, /* a type that is nothing to us */
	};
	const size_t count = sizeof(cases) / sizeof(cases[0]);

	for (size_t i = 0; i < count; i++) {
		set(f, 100 + i, FLAGS, cases[i].flags);
		set(f, 100 + i, MAPPING, cases[i].mapping);
		set_type(f, 100 + i, cases[i].mapcount);
	}
	for (size_t i = 0; i < count; i++)
		check(f, 100 + i, 1, cases[i].class);
	check(f, 99, 1, GS_PAGE_KERNEL);
}

static void test_free_blocks(void **state)
{
	struct fixture *f = *state;

	set_free(f, 1024, 10);
	set_free(f, 2048, 0);
	set_free(f, 2056, 3);
	check(f, 1024, 1024, GS_PAGE_FREE);
	check(f, 1023, 1, GS_PAGE_KERNEL);
	check(f, 2048, 1, GS_PAGE_FREE);
	check(f, 2049, 7, GS_PAGE_KERNEL);
	check(f, 2056, 8, GS_PAGE_FREE);
	check(f, 2064, 1, GS_PAGE_KERNEL);
}

/* What is in use inside a block that was free a moment ago is kept. */
static void test_free_block_in_use(void **state)
{
	struct fixture *f = *state;

	set_free(f, 1024, 6);
	gs_put_u32(page_at(f, 1030) + REFCOUNT, 2, false);
	set(f, 1040, FLAGS, LRU);
	set(f, 1041, HEAD, vaddr_of(1040) | 1);
	set_type(f, 1050, 0);
	check(f, 1024, 6, GS_PAGE_FREE);
	check(f, 1030, 1, GS_PAGE_KERNEL);
	check(f, 1031, 9, GS_PAGE_FREE);
	check(f, 1040, 1, GS_PAGE_CACHE);
	check(f, 1041, 1, GS_PAGE_KERNEL);
	check(f, 1050, 1, GS_PAGE_KERNEL);
	check(f, 1051, 37, GS_PAGE_FREE);
}

static void test_impossible_orders(void **state)
{
	struct fixture *f = *state;

	set_free(f, 1025, 0);
	set(f, 1025, PRIVATE, 3); /* not aligned to its size */
	set_free(f, 2048, 0);
	set(f, 2048, PRIVATE, 64);
	set_free(f, 2050, 0);
	set(f, 2050, PRIVATE, UINT64_MAX);
	set_compound(f, 512, 3, LRU, ANON);
	page_at(f, 513)[ORDER] = 0;
	set_compound(f, 520, 3, LRU, ANON);
	page_at(f, 521)[ORDER] = 200;
	set_compound(f, 536, 3, LRU, ANON);
	page_at(f, 537)[ORDER] = 4;
	check(f, 1025, 8, GS_PAGE_KERNEL);
	check(f, 2048, 100, GS_PAGE_KERNEL);
	check(f, 512, 16, GS_PAGE_KERNEL);
	check(f, 536, 8, GS_PAGE_KERNEL);
}

static void test_compound_pages(void **state)
{
	struct fixture *f = *state;

	set_compound(f, 2560, 9, LRU | SWAPBACKED, ANON);
	set_compound(f, 3072, 9, LRU | SWAPBACKED, 0xffff888000001000);
	set_compound(f, 3584, 2, LRU | PRIVATE_FLAG, 0xffff888000001000);
	set_compound(f, 3588, 2, SLAB, 0);
	set_compound(f, 3592, 2, 0, 0);
	/* Tails that hold what would be another class by itself. */
	set(f, 3593, MAPPING, ANON);
	set(f, 3594, FLAGS, LRU);
	set(f, 2648, FLAGS, HWPOISON);
	check(f, 2560, 88, GS_PAGE_USER);
	check(f, 2648, 1, GS_PAGE_HWPOISON);
	check(f, 2649, 423, GS_PAGE_USER);
	check(f, 3072, 512, GS_PAGE_CACHE);
	check(f, 3584, 4, GS_PAGE_CACHE_PRIVATE);
	check(f, 3588, 8, GS_PAGE_KERNEL);
}

/* Only what the head and the tail agree on. */
static void test_stale_tails(void **state)
{
	struct fixture *f = *state;

	set_compound(f, 2560, 9, LRU, ANON);
	reset(f, 2748);                         /* split off meanwhile */
	set(f, 2749, HEAD, vaddr_of(3072) | 1); /* another's */
	set(f, 3148, HEAD, vaddr_of(2560) | 1); /* beyond the head's order */
	set(f, 3149, HEAD, UINT64_C(0x10001));  /* nobody's */
	check(f, 2560, 188, GS_PAGE_USER);
	check(f, 2748, 2, GS_PAGE_KERNEL);
	check(f, 2750, 322, GS_PAGE_USER);
	check(f, 3148, 2, GS_PAGE_KERNEL);
}

static void set_hugetlb(struct fixture *f, uint64_t head, unsigned int order)
{
	set_compound(f, head, order, 0, 0);
	page_at(f, head + 1)[DTOR] = 2;
}

static void test_hugetlb_page(void **state)
{
	struct fixture *f = *state;

	set_hugetlb(f, 2560, 9);
	check(f, 2560, 512, GS_PAGE_USER);
	check(f, 3072, 1, GS_PAGE_KERNEL);
}

/* A page larger than a section, asked for from any of its sections. */
static void test_page_across_sections(void **state)
{
	struct fixture *f = *state;

	set_hugetlb(f, 2 * SECTION_PAGES, 13);
	set_hugetlb(f, 5 * SECTION_PAGES, 13); /* cannot start there */
	check(f, 3 * SECTION_PAGES + 7, 20, GS_PAGE_USER);
	check(f, 2 * SECTION_PAGES, 2 * SECTION_PAGES, GS_PAGE_USER);
	check(f, 4 * SECTION_PAGES, 3 * SECTION_PAGES, GS_PAGE_KERNEL);
}

/* Head and section disagree, in every way. */
static void test_page_across_sections_stale(void **state)
{
	struct fixture *f = *state;

	set_hugetlb(f, 2 * SECTION_PAGES, 12); /* too small for what section 3 says */
	set_tails(f, 2 * SECTION_PAGES, 2 * SECTION_PAGES);
	page_at(f, 2 * SECTION_PAGES + 1)[ORDER] = 12;
	set(f, 4 * SECTION_PAGES, HEAD, vaddr_of(PAGES) | 1);          /* above */
	set(f, 5 * SECTION_PAGES, HEAD, UINT64_C(0xffff888000000041)); /* elsewhere */
	set(f, 6 * SECTION_PAGES, HEAD, VMEMMAP - 63);                 /* below the first */
	check(f, 3 * SECTION_PAGES, 5 * SECTION_PAGES, GS_PAGE_KERNEL);
}

/*
 * Struct pages of a hugetlb page that share one page: each of its 8 pages of them (of 64) reads as
 * the first.
 */
static void share_structs(struct fixture *f, uint64_t head, uint64_t count)
{
	for (uint64_t i = 64; i < count; i += 64)
		memcpy(page_at(f, head + i), page_at(f, head), 64 * STRUCT_BYTES);
}

static void test_shared_structs(void **state)
{
	struct fixture *f = *state;

	set_hugetlb(f, 2560, 9);
	share_structs(f, 2560, 512);
	set_hugetlb(f, 2 * SECTION_PAGES, 13);
	share_structs(f, 2 * SECTION_PAGES, 2 * SECTION_PAGES);
	check(f, 2560, 512, GS_PAGE_USER);
	check(f, 3072, 1, GS_PAGE_KERNEL);
	check(f, 3 * SECTION_PAGES, SECTION_PAGES, GS_PAGE_USER);
	check(f, 2 * SECTION_PAGES, SECTION_PAGES, GS_PAGE_USER);
}

/* From 6.4 on the fields are the folio's. */
static void test_folio_fields(void **state)
{
	struct fixture *f = *state;

	fk_unsay(&f->k, "OFFSET(page.compound_dtor)");
	fk_unsay(&f->k, "OFFSET(page.compound_order)");
	fk_say(&f->k, "OFFSET(folio._folio_dtor)=%d", STRUCT_BYTES + DTOR);
	fk_say(&f->k, "OFFSET(folio._folio_order)=%d", STRUCT_BYTES + ORDER);
	set_hugetlb(f, 2560, 9);
	set_compound(f, 3072, 4, LRU, ANON);
	check(f, 2560, 512, GS_PAGE_USER);
	check(f, 3072, 16, GS_PAGE_USER);
	check(f, 3088, 1, GS_PAGE_KERNEL);
}

static void forget_compound_fields(struct fixture *f)
{
	fk_unsay(&f->k, "OFFSET(page.compound_dtor)");
	fk_unsay(&f->k, "OFFSET(page.compound_order)");
	fk_unsay(&f->k, "NUMBER(HUGETLB_PAGE_DTOR)");
}

/* 6.6 to 6.8: flags of the first tail. */
static void test_flags_of_first_tail(void **state)
{
	struct fixture *f = *state;

	forget_compound_fields(f);
	fk_say(&f->k, "NUMBER(PG_hugetlb)=8");
	set_compound(f, 2560, 9, 0, 0);
	set(f, 2561, FLAGS, 9 | 1 << 8);
	set_compound(f, 3072, 4, LRU, ANON);
	set(f, 3073, FLAGS, 4);
	set_compound(f, 3088, 4, 0, 0);
	set(f, 3089, FLAGS, 4);
	check(f, 2560, 512, GS_PAGE_USER);
	check(f, 3072, 16, GS_PAGE_USER);
	check(f, 3088, 16, GS_PAGE_KERNEL);
}

/* From 6.12 on types are numbers; slab is one of them, and so is hugetlb. */
static void test_type_numbers(void **state)
{
	struct fixture *f = *state;

	forget_compound_fields(f);
	fk_unsay(&f->k, "NUMBER(PG_slab)");
	fk_unsay(&f->k, "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
	fk_unsay(&f->k, "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)");
	fk_say(&f->k, "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=%d", (int)0xf0000000);
	fk_say(&f->k, "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=%d", (int)0xf1000000);
	fk_say(&f->k, "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=%d", (int)0xf4000000);
	fk_say(&f->k, "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=%d", (int)0xf5000000);
	set_free(f, 3072, 4);
	set_type(f, 3072, 0xf0000000);
	set_type(f, 3148, 0xf1000000);
	set_type(f, 3149, 0xf5000000);
	set(f, 3149, MAPPING, ANON);
	set_compound(f, 2560, 9, 0, 0);
	set(f, 2561, FLAGS, 9);
	set_type(f, 2560, 0xf4000003); /* the low bytes are the owner's */
	check(f, 3072, 16, GS_PAGE_FREE);
	check(f, 3148, 1, GS_PAGE_OFFLINE);
	check(f, 3149, 1, GS_PAGE_KERNEL);
	check(f, 2560, 512, GS_PAGE_USER);
}

/* Tails that hold a mask instead of their head's address, as some kernels from 7.0 on do. */
static void test_masks(void **state)
{
	struct fixture *f = *state;

	fk_unsay(&f->k, "OFFSET(page.compound_head)");
	fk_say(&f->k, "OFFSET(page.compound_info)=8");
	set_hugetlb(f, 2560, 9);
	set_hugetlb(f, 2 * SECTION_PAGES, 13);
	for (uint64_t i = 1; i < 512; i++)
		set(f, 2560 + i, HEAD, ~UINT64_C(0) << (9 + 6) | 1);
	for (uint64_t i = 1; i < 2 * SECTION_PAGES; i++)
		set(f, 2 * SECTION_PAGES + i, HEAD, ~UINT64_C(0) << (13 + 6) | 1);
	check(f, 2560, 512, GS_PAGE_USER);
	check(f, 3 * SECTION_PAGES, SECTION_PAGES, GS_PAGE_USER);
	check(f, 2 * SECTION_PAGES, SECTION_PAGES, GS_PAGE_USER);
}

static void test_holes(void **state)
{
	struct fixture *f = *state;

	set(f, 5 * SECTION_PAGES, FLAGS, LRU);
	fk_put(&f->k, FK_SECTIONS + 3 * 16, 0);           /* no mem_map */
	fk_put(&f->k, FK_SECTIONS + 4 * 16, VMEMMAP | 1); /* present, but without one */
	fk_put(&f->k, FK_SECTIONS + 6 * 16, (VMEMMAP + (UINT64_C(1) << 40)) | 3); /* not mapped */
	check(f, 3 * SECTION_PAGES, 2 * SECTION_PAGES, GS_PAGE_UNMAPPED);
	check(f, 5 * SECTION_PAGES, 1, GS_PAGE_CACHE);
	check(f, 5 * SECTION_PAGES + 1, SECTION_PAGES - 1, GS_PAGE_KERNEL);
	check(f, 6 * SECTION_PAGES, SECTION_PAGES, GS_PAGE_UNMAPPED);
	check(f, 100 * SECTION_PAGES, 10, GS_PAGE_UNMAPPED);
	check(f, UINT64_C(1) << 39, 10, GS_PAGE_UNMAPPED);
}

/* What is known to be unmapped without a look at sections is unmapped when they are looked at. */
static void test_unmapped(void **state)
{
	struct fixture *f = *state;
	const uint64_t root_pages = 256 * SECTION_PAGES;

	assert_ok(open_map(f));
	assert_int_equal(gs_page_map_unmapped(f->map, 0), 0);
	assert_int_equal(gs_page_map_unmapped(f->map, root_pages - 1), 0);
	assert_int_equal(gs_page_map_unmapped(f->map, root_pages + 5), root_pages - 5);
	check(f, root_pages + 5, SECTION_PAGES, GS_PAGE_UNMAPPED);
	assert_int_equal(gs_page_map_unmapped(f->map, UINT64_C(1) << 50),
			 UINT64_MAX - (UINT64_C(1) << 50));
}

/* Struct pages mapped to memory that is not there say nothing. */
static void test_mem_map_elsewhere(void **state)
{
	struct fixture *f = *state;

	fk_map(&f->k, VMEMMAP + 0x200000, 0x40000000, 2);
	fk_put(&f->k, FK_SECTIONS + 8 * 16, VMEMMAP | 3);
	check(f, 8 * SECTION_PAGES, SECTION_PAGES, GS_PAGE_KERNEL);
}

static void test_larger_pages_of_the_dump(void **state)
{
	struct fixture *f = *state;

	fk_say(&f->k, "PAGESIZE=4096");
	set_free(f, 1024, 5);
	set_free(f, 1056, 3);
	assert_ok(open_map(f));
	gs_page_map_close(f->map);
	f->k.mem.attrs.page_size = 65536;
	assert_ok(gs_page_map_open(f->l, &f->map));
	assert_int_equal(gs_page_map_stride(f->map), SECTION_PAGES / 16);
	check(f, 64, 2, GS_PAGE_FREE);
	check(f, 66, 1, GS_PAGE_KERNEL);
}

static void test_runs_across_sections(void **state)
{
	struct fixture *f = *state;
	uint8_t class[3 * SECTION_PAGES];

	set_free(f, SECTION_PAGES - 4, 2);
	set_free(f, 2 * SECTION_PAGES, 2);
	assert_ok(open_map(f));
	assert_int_equal(gs_page_map_stride(f->map), SECTION_PAGES);
	assert_ok(gs_page_map_classify(f->map, SECTION_PAGES - 5, SECTION_PAGES + 10, class));
	assert_int_equal(class[0], GS_PAGE_KERNEL);
	assert_int_equal(class[1], GS_PAGE_FREE);
	assert_int_equal(class[4], GS_PAGE_FREE);
	assert_int_equal(class[5], GS_PAGE_KERNEL);
	assert_int_equal(class[SECTION_PAGES + 4], GS_PAGE_KERNEL);
	assert_int_equal(class[SECTION_PAGES + 5], GS_PAGE_FREE);
	assert_int_equal(class[SECTION_PAGES + 9], GS_PAGE_KERNEL);
}

static void test_unusable_vmcoreinfo(void **state)
{
	static const char *const keys[] = {
		"SIZE(page)",
		"OFFSET(page.flags)",
		"OFFSET(page.mapping)",
		"OFFSET(page.private)",
		"OFFSET(page._mapcount)",
		"OFFSET(page._refcount)",
		"OFFSET(page.compound_head)",
		"NUMBER(PG_lru)",
		"NUMBER(PG_private)",
		"NUMBER(PG_swapcache)",
		"NUMBER(PG_head_mask)",
		"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)",
		"SYMBOL(mem_section)",
		"NUMBER(SECTION_SIZE_BITS)",
	};
	struct fixture *f = *state;
	char all[sizeof(f->k.info)];

	strcpy(all, f->k.info);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		gs_autoerror struct gs_error *err = NULL;

		strcpy(f->k.info, all);
		fk_unsay(&f->k, keys[i]);
		err = open_map(f);
		assert_non_null(err);
		assert_int_equal(err->code, GS_ERROR_NODATA);
		assert_non_null(strstr(err->message, keys[i]));
		gs_linux_close(gs_take(f->l));
	}
}

static void test_impossible_layouts(void **state)
{
	static const char *const lines[] = {
		"SIZE(page)=8",
		"SIZE(page)=100000000",
		"SIZE(page)=61",
		"OFFSET(page.flags)=57",
		"OFFSET(page._mapcount)=18446744073709551615",
		"NUMBER(PG_lru)=64",
		"NUMBER(PG_head_mask)=0",
	};
	struct fixture *f = *state;
	gs_autofree char *all = strdup(f->k.info);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		/* Of equal keys the first one counts. */
		f->k.info[0] = '\0';
		fk_say(&f->k, "%s", lines[i]);
		fk_say(&f->k, "%s", all);
		assert_error(open_map(f), GS_ERROR_NODATA, NULL);
		gs_linux_close(gs_take(f->l));
	}
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;

	fk_say(&f->k, "SYMBOL(mem_map)=ffffffff82000000");
	assert_error(open_map(f), GS_ERROR_UNSUPPORTED,
		     "mem_map: the kernel's is flat, not sparse");
}

/* The kernel's own page tables are free? Then this mem_map is another's. */
static void test_foreign_mem_map(void **state)
{
	struct fixture *f = *state;

	set_free(f, FK_SWAPPER / 4096, 0);
	assert_error(open_map(f), GS_ERROR_NODATA,
		     "mem_map does not fit this memory: it has the kernel's own page tables as "
		     "free");
}

static void test_memory_that_fails(void **state)
{
	struct fixture *f = *state;
	uint8_t class[4];

	assert_ok(open_map(f));
	f->k.bad = MEM_MAP;
	assert_error(gs_page_map_classify(f->map, 0, 4, class), GS_ERROR_TIMEOUT,
		     "mem_map: silence");
}

/* Whatever the struct pages hold, each page has a class, and only one answer. */
static void test_random_mem_maps(void **state)
{
	struct fixture *f = *state;
	uint8_t class[PAGES], again[SECTION_PAGES];
	uint32_t seed = 1;

	assert_ok(open_map(f));
	for (unsigned int round = 0; round < 8; round++) {
		for (size_t i = 0; i < PAGES * STRUCT_BYTES; i += 4) {
			seed = seed * 1664525 + 1013904223;
			/* Mostly zeros and ones, as random words are nothing at all. */
			gs_put_u32(f->k.ram + MEM_MAP + i,
				   seed >> 30 ? seed >> 31 : seed >> (seed & 31), false);
		}
		for (uint64_t pfn = 1; pfn < PAGES; pfn += 7)
			set(f, pfn, HEAD, vaddr_of(pfn & ~(uint64_t)(seed >> 20)) | 1);
		assert_ok(gs_page_map_classify(f->map, 0, PAGES, class));
		for (size_t i = 0; i < PAGES; i++)
			assert_true(class[i] < GS_PAGE_CLASS_COUNT);
		assert_ok(gs_page_map_classify(f->map, SECTION_PAGES, SECTION_PAGES, again));
		assert_memory_equal(again, class + SECTION_PAGES, SECTION_PAGES);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(gs_page_class_name(GS_PAGE_CACHE_PRIVATE), "cache-private");
	for (int i = 0; i < GS_PAGE_CLASS_COUNT; i++)
		assert_non_null(gs_page_class_name(i));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_single_pages),
		TEST(test_free_blocks),
		TEST(test_free_block_in_use),
		TEST(test_impossible_orders),
		TEST(test_compound_pages),
		TEST(test_stale_tails),
		TEST(test_hugetlb_page),
		TEST(test_page_across_sections),
		TEST(test_page_across_sections_stale),
		TEST(test_shared_structs),
		TEST(test_folio_fields),
		TEST(test_flags_of_first_tail),
		TEST(test_type_numbers),
		TEST(test_masks),
		TEST(test_holes),
		TEST(test_unmapped),
		TEST(test_mem_map_elsewhere),
		TEST(test_larger_pages_of_the_dump),
		TEST(test_runs_across_sections),
		TEST(test_unusable_vmcoreinfo),
		TEST(test_impossible_layouts),
		TEST(test_refusals),
		TEST(test_foreign_mem_map),
		TEST(test_memory_that_fails),
		TEST(test_random_mem_maps),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
