/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page spool: the copy is the memory, takes no more room than it must, and fails cleanly. */
#include <errno.h>

#include "fake_memory.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE 4096

/* Two ranges within one MiB, one that ends within a page, one far away. */
static const struct gs_range ranges[] = {
	{0, 0xa0000}, {0xc0000, 24 * MIB + 0x1800}, {UINT64_C(1) << 40, 3 * MIB}};

struct fixture {
	struct fake_memory f;
	struct gs_selection *selection;
	struct gs_page_spool *spool;
	struct gs_memory *copy;
};

static void setup(struct fixture *x, uint64_t spool_bytes)
{
	memset(x, 0, sizeof(*x));
	fake_init(&x->f, ranges, 3);
	assert_ok(gs_selection_create(ranges, 3, PAGE, &x->selection));
	assert_ok(gs_page_spool_create(spool_bytes, spool_bytes / 2, &x->spool));
}

static struct gs_error *fill(struct fixture *x, unsigned int threads)
{
	return gs_page_spool_fill(x->spool, &x->f.mem, x->selection, threads, NULL, &x->copy);
}

static void teardown(struct fixture *x)
{
	gs_memory_destroy(x->copy);
	gs_page_spool_destroy(x->spool);
	gs_selection_destroy(x->selection);
}

/* What the copy must say of the page, or the part of one, at @gpa. */
static enum gs_extent expected_kind(const struct fixture *x, gs_gpa_t gpa)
{
	if (!gs_selection_keeps(x->selection, gpa / PAGE) ||
	    (gpa >= x->f.excluded && gpa < x->f.excluded_end))
		return GS_EXTENT_EXCLUDED;
	if (gpa / PAGE % 4 == 0 || (gpa >= x->f.hollow && gpa < x->f.hollow_end))
		return GS_EXTENT_ZERO;
	return GS_EXTENT_DATA;
}

static void check_page(struct fixture *x, gs_gpa_t gpa, size_t size)
{
	uint8_t page[PAGE], got[PAGE];
	enum gs_extent kind;
	gs_gpa_t end;

	assert_ok(gs_memory_extent(x->copy, gpa, &kind, &end));
	assert_int_equal(kind, expected_kind(x, gpa));
	assert_true(end > gpa && (end % PAGE == 0 || end == gpa + size));
	if (kind == GS_EXTENT_EXCLUDED) {
		assert_error(gs_memory_read(x->copy, gpa, got, size), GS_ERROR_NODATA, NULL);
		return;
	}
	fake_page(&x->f, gpa / PAGE, page);
	assert_ok(gs_memory_read(x->copy, gpa, got, size));
	assert_memory_equal(got, page, size);
}

static void check_copy(struct fixture *x)
{
	assert_string_equal(x->copy->name, "fake");
	assert_int_equal(x->copy->attrs.cpu_count, 2);
	assert_int_equal(x->copy->range_count, 3);
	for (size_t i = 0; i < 3; i++) {
		gs_gpa_t end = ranges[i].start + ranges[i].size;

		for (gs_gpa_t gpa = ranges[i].start; gpa < end; gpa += PAGE)
			check_page(x, gpa, end - gpa < PAGE ? end - gpa : PAGE);
	}
}

static void test_all_pages(void **state)
{
	(void)state;
	for (unsigned int threads = 1; threads <= 7; threads += 3) {
		struct fixture x;

		setup(&x, 256 * MIB);
		x.f.hollow = 5 * MIB;
		x.f.hollow_end = 9 * MIB + 3 * PAGE;
		x.f.excluded = 10 * MIB + PAGE;
		x.f.excluded_end = 12 * MIB;
		assert_ok(fill(&x, threads));
		check_copy(&x);
		teardown(&x);
	}
}

/* Zero pages take no room: there is just enough, and nothing of it is lost between workers. */
static void test_room(void **state)
{
	uint64_t pages = 0, bytes;
	struct fixture x;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (gs_gpa_t gpa = ranges[i].start; gpa < ranges[i].start + ranges[i].size;
		     gpa += PAGE)
			pages += gpa / PAGE % 4 != 0;
	bytes = pages * PAGE;
	setup(&x, bytes);
	assert_ok(fill(&x, 1));
	assert_int_equal(gs_page_spool_used_bytes(x.spool), bytes);
	check_copy(&x);
	teardown(&x);

	setup(&x, bytes - PAGE);
	assert_error(fill(&x, 3), GS_ERROR_NODATA, NULL);
	teardown(&x);
}

/* What is not kept is not even looked at; a spool that was too small does for less. */
static void test_selection(void **state)
{
	struct fixture x;

	(void)state;
	setup(&x, 8 * MIB);
	x.f.bad = 20 * MIB + 5;
	assert_ok(gs_selection_drop(x.selection, x.f.bad / PAGE, 1));
	assert_error(fill(&x, 2), GS_ERROR_NODATA, "spool: the pages need more than 8 MiB");
	assert_ok(gs_selection_drop(x.selection, 3, 1));
	assert_ok(gs_selection_drop(x.selection, 0x90, 0x70));
	assert_ok(gs_selection_drop(x.selection, 4 * MIB / PAGE, 16 * MIB / PAGE));
	for (gs_pfn_t pfn = MIB / PAGE; pfn < 2 * MIB / PAGE; pfn += 3)
		assert_ok(gs_selection_drop(x.selection, pfn, 2));
	assert_ok(fill(&x, 1));
	check_copy(&x);
	teardown(&x);
}

static void test_failing_read(void **state)
{
	struct fixture x;

	(void)state;
	setup(&x, 64 * MIB);
	x.f.bad = 20 * MIB + PAGE;
	assert_error(fill(&x, 3), GS_ERROR_CORRUPT, "bad page");
	assert_null(x.copy);
	teardown(&x);
}

static void test_cancelled(void **state)
{
	const _Atomic int cancelled = 1;
	struct fixture x;

	(void)state;
	setup(&x, 64 * MIB);
	assert_os_error(gs_page_spool_fill(x.spool, &x.f.mem, x.selection, 2, &cancelled, &x.copy),
			EINTR);
	assert_int_equal(x.f.reads, 0);
	teardown(&x);
}

/* Tebibytes that are known to be zero cost next to nothing, here and in who reads the copy. */
static void test_sparse(void **state)
{
	const struct gs_range huge[] = {{0, UINT64_C(1) << 41}};
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	uint64_t chunks = 0;
	bool end = false;
	struct fixture x = {0};

	(void)state;
	fake_init(&x.f, huge, 1);
	x.f.hollow = MIB;
	x.f.hollow_end = huge[0].size;
	assert_ok(gs_selection_create(huge, 1, PAGE, &x.selection));
	assert_ok(gs_page_spool_create(16 * MIB, 0, &x.spool));
	assert_ok(fill(&x, 2));
	assert_true(gs_page_spool_used_bytes(x.spool) <= MIB);
	assert_ok(gs_selection_source(x.copy, x.selection, &src));
	for (;; chunks++) {
		assert_ok(gs_page_source_next(src, chunk, &end));
		if (end)
			break;
	}
	assert_in_range(chunks, 2, 100000);
	teardown(&x);
}

static void test_too_small(void **state)
{
	struct gs_page_spool *spool;

	(void)state;
	assert_error(gs_page_spool_create(4096, 0, &spool), GS_ERROR_INVALID,
		     "spool: at least 1048576 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_pages), cmocka_unit_test(test_room),
		cmocka_unit_test(test_selection), cmocka_unit_test(test_failing_read),
		cmocka_unit_test(test_cancelled), cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_too_small),
	};

	return cmocka_run_group_tests_name("page spool", tests, NULL, NULL);
}
