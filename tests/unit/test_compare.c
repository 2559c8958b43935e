/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two memories, page by page. */
#include <guestscope/job.h>

#include "fake_memory.h"

#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)

struct seen {
	unsigned int runs;
	gs_gpa_t start;
	uint64_t size;
	const char *what;
};

static void keep_last(void *arg, gs_gpa_t start, uint64_t size, const char *what)
{
	struct seen *seen = arg;

	*seen = (struct seen){seen->runs + 1, start, size, what};
}

static struct gs_difference compare(struct fake_memory *a, struct fake_memory *b, struct seen *seen)
{
	const struct gs_compare_options options = {.fn = keep_last, .arg = seen};
	struct gs_difference d;

	*seen = (struct seen){0};
	assert_ok(gs_compare(&a->mem, &b->mem, &options, &d));
	return d;
}

static void assert_seen(const struct seen *seen, unsigned int runs, gs_gpa_t start, uint64_t size,
			const char *what)
{
	assert_int_equal(seen->runs, runs);
	assert_int_equal(seen->start, start);
	assert_int_equal(seen->size, size);
	assert_string_equal(seen->what, what);
}

static void test_equal(void **state)
{
	const struct gs_range ranges[] = {{0, 0xa0000}, {0x100000, 4 * MIB}};
	struct fake_memory a, b;
	struct gs_difference d;
	struct seen seen;

	(void)state;
	fake_init(&a, ranges, 2);
	fake_init(&b, ranges, 2);
	d = compare(&a, &b, &seen);
	assert_int_equal(d.pages_compared, 0xa0 + 4 * 256);
	assert_int_equal(d.pages_different + d.pages_only_a + d.pages_only_b, 0);
	assert_false(d.ranges_differ);
	assert_int_equal(seen.runs, 0);
}

/* Zero in one, something else in the other: pages whose number is a multiple of 4 are zero in both.
 */
static void test_different(void **state)
{
	const struct gs_range range = {0, 4 * MIB};
	struct fake_memory a, b;
	struct gs_difference d;
	struct seen seen;

	(void)state;
	fake_init(&a, &range, 1);
	fake_init(&b, &range, 1);
	b.hollow = 0x200000;
	b.hollow_end = 0x204000;
	d = compare(&a, &b, &seen);
	assert_int_equal(d.pages_compared, 1024);
	assert_int_equal(d.pages_different, 3);
	assert_seen(&seen, 1, 0x201000, 0x3000, "different");
}

static void test_missing(void **state)
{
	const struct gs_range all = {0, 4 * MIB}, less = {0, 3 * MIB};
	struct fake_memory a, b;
	struct gs_difference d;
	struct seen seen;

	(void)state;
	fake_init(&a, &all, 1);
	fake_init(&b, &less, 1);
	d = compare(&a, &b, &seen);
	assert_true(d.ranges_differ);
	assert_int_equal(d.pages_only_a, 256);
	assert_seen(&seen, 1, 3 * MIB, MIB, "only in the first");
	/* Excluded pages are missing, too. */
	a.excluded = MIB;
	a.excluded_end = MIB + 0x2000;
	d = compare(&b, &a, &seen);
	assert_int_equal(d.pages_only_a, 2);
	assert_int_equal(d.pages_only_b, 256);
	assert_int_equal(d.pages_compared, 3 * 256 - 2);
	assert_int_equal(seen.runs, 2);
}

/* What is known to be empty costs nothing, on one side or on both. */
static void test_empty_terabytes(void **state)
{
	const struct gs_range ranges[] = {{0, MIB}, {TIB, TIB}};
	struct fake_memory a, b;
	struct gs_difference d;
	struct seen seen;

	(void)state;
	fake_init(&a, ranges, 2);
	fake_init(&b, ranges, 1);
	a.hollow = TIB;
	a.hollow_end = 2 * TIB;
	d = compare(&a, &b, &seen);
	assert_int_equal(d.pages_only_a, TIB / 4096);
	assert_seen(&seen, 1, TIB, TIB, "only in the first");
	fake_init(&b, ranges, 2);
	b.excluded = TIB;
	b.excluded_end = 2 * TIB;
	d = compare(&b, &a, &seen);
	assert_int_equal(d.pages_only_b, TIB / 4096);
	b.excluded = b.excluded_end = 0;
	b.hollow = TIB;
	b.hollow_end = 2 * TIB;
	d = compare(&a, &b, &seen);
	assert_int_equal(d.pages_compared, 256 + TIB / 4096);
	assert_int_equal(seen.runs, 0);
	assert_true(a.reads < 8);
}

/* All pages below 2 MiB are the kernel's, then a stretch that cannot be told, then free ones. */
static struct gs_error *by_address(void *arg, gs_pfn_t first, uint64_t count, uint8_t *ret)
{
	(void)arg;
	assert_int_equal(count, 256);
	assert_int_equal(first % 256, 0);
	if (first == 512)
		return gs_error_create(GS_ERROR_CORRUPT, "a struct page beyond belief");
	memset(ret, first < 512 ? GS_PAGE_KERNEL : GS_PAGE_FREE, count);
	return NULL;
}

static void test_classes(void **state)
{
	const struct gs_classifier classes = {.classify = by_address, .stride = 256};
	const struct gs_compare_options options = {.classes = &classes, .threads = 3};
	const struct gs_range range = {0, 5 * MIB};
	struct fake_memory a, b;
	struct gs_difference d;

	(void)state;
	fake_init(&a, &range, 1);
	fake_init(&b, &range, 1);
	b.hollow = MIB;
	b.hollow_end = 4 * MIB;
	a.excluded = b.excluded = 0;
	a.excluded_end = b.excluded_end = 0x8000;
	assert_ok(gs_compare(&a.mem, &b.mem, &options, &d));
	assert_int_equal(d.by_class[GS_PAGE_KERNEL].pages_compared, 512 - 8);
	assert_int_equal(d.by_class[GS_PAGE_KERNEL].pages_different, 192);
	assert_int_equal(d.by_class[GS_PAGE_CLASS_UNKNOWN].pages_compared, 256);
	assert_int_equal(d.by_class[GS_PAGE_CLASS_UNKNOWN].pages_different, 192);
	assert_int_equal(d.by_class[GS_PAGE_FREE].pages_compared, 512);
	assert_int_equal(d.by_class[GS_PAGE_FREE].pages_different, 192);
	assert_int_equal(d.pages_different, 3 * 192);
	/* Runs that are empty on both sides have classes, too. */
	a.hollow = MIB;
	a.hollow_end = 4 * MIB;
	assert_ok(gs_compare(&a.mem, &b.mem, &options, &d));
	assert_int_equal(d.pages_different, 0);
	assert_int_equal(d.by_class[GS_PAGE_FREE].pages_compared, 512);
}

static struct gs_error *odd_ones(void *arg, gs_pfn_t first, uint64_t count, uint8_t *ret)
{
	(void)arg;
	for (uint64_t i = 0; i < count; i++)
		ret[i] = (first + i) % 2 ? GS_PAGE_USER : GS_PAGE_CACHE;
	return NULL;
}

/* The kernel's pages of 16 KiB are four of ours each. */
static void test_larger_pages(void **state)
{
	const struct gs_classifier classes = {.classify = odd_ones, .stride = 8192};
	const struct gs_compare_options options = {.classes = &classes};
	const struct gs_range range = {0, 4 * MIB};
	struct fake_memory a, b;
	struct gs_difference d;

	(void)state;
	fake_init(&a, &range, 1);
	fake_init(&b, &range, 1);
	a.mem.attrs.page_size = b.mem.attrs.page_size = 16384;
	b.hollow = 5 * 16384; /* the fake's fifth page is none of its zero ones */
	b.hollow_end = 6 * 16384;
	assert_ok(gs_compare(&a.mem, &b.mem, &options, &d));
	assert_int_equal(d.by_class[GS_PAGE_USER].pages_compared, 512);
	assert_int_equal(d.by_class[GS_PAGE_CACHE].pages_compared, 512);
	assert_int_equal(d.by_class[GS_PAGE_USER].pages_different, 4);
	assert_int_equal(d.by_class[GS_PAGE_CACHE].pages_different, 0);
}

static struct gs_error *broken(void *arg, gs_pfn_t first, uint64_t count, uint8_t *ret)
{
	(void)arg, (void)first, (void)count, (void)ret;
	return gs_error_os(EIO, "disk");
}

/* What is no answer ends it; so does a page that cannot be read, and a cancel. */
static void test_errors(void **state)
{
	const struct gs_classifier classes = {.classify = broken, .stride = 256};
	struct gs_compare_options options = {.classes = &classes};
	struct gs_progress progress = {.cancelled = 1};
	const struct gs_range range = {0, 64 * MIB};
	struct fake_memory a, b;
	struct gs_difference d;

	(void)state;
	fake_init(&a, &range, 1);
	fake_init(&b, &range, 1);
	assert_os_error(gs_compare(&a.mem, &b.mem, &options, &d), EIO);
	options.classes = NULL;
	options.threads = 5;
	b.bad = 33 * MIB;
	assert_error(gs_compare(&a.mem, &b.mem, &options, &d), GS_ERROR_CORRUPT, "bad page");
	options.progress = &progress;
	assert_os_error(gs_compare(&a.mem, &b.mem, &options, &d), EINTR);
}

struct order {
	gs_gpa_t end;
	unsigned int runs;
};

static void check_order(void *arg, gs_gpa_t start, uint64_t size, const char *what)
{
	struct order *order = arg;

	assert_string_equal(what, "different");
	assert_true(start >= order->end);
	order->end = start + size;
	order->runs++;
}

/* Whichever thread is faster, runs come by address, and none is cut at a window's border. */
static void test_order(void **state)
{
	const struct gs_range range = {0, 64 * MIB};
	struct order order = {0};
	const struct gs_compare_options options = {.threads = 7, .fn = check_order, .arg = &order};
	struct fake_memory a, b;
	struct gs_difference d;

	(void)state;
	fake_init(&a, &range, 1);
	fake_init(&b, &range, 1);
	b.hollow_end = 64 * MIB;
	assert_ok(gs_compare(&a.mem, &b.mem, &options, &d));
	assert_int_equal(d.pages_different, 64 * 192);
	assert_int_equal(order.runs, 64 * 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),   cmocka_unit_test(test_different),
		cmocka_unit_test(test_missing), cmocka_unit_test(test_empty_terabytes),
		cmocka_unit_test(test_classes), cmocka_unit_test(test_larger_pages),
		cmocka_unit_test(test_errors),  cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
