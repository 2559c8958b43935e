/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the pages of a memory are, in total and by bucket. */
#include <guestscope/job.h>

#include "fake_memory.h"

#define KIB UINT64_C(1024)
#define MIB (KIB << 10)
#define TIB (UINT64_C(1) << 40)

static void survey(struct fake_memory *f, const struct gs_survey_options *options,
		   struct gs_survey *ret)
{
	struct gs_survey single;
	struct gs_survey_options again = *options;

	assert_ok(gs_survey(&f->mem, options, ret));
	/* The number of threads changes nothing. */
	again.threads = 1;
	assert_ok(gs_survey(&f->mem, &again, &single));
	assert_memory_equal(&single.total, &ret->total, sizeof(single.total));
	assert_int_equal(single.bucket_count, ret->bucket_count);
	for (size_t i = 0; i < ret->bucket_count; i++)
		assert_memory_equal(&single.buckets[i].tally, &ret->buckets[i].tally,
				    sizeof(single.total));
	gs_survey_deinit(&single);
}

static uint64_t all_pages(const struct gs_page_tally *t)
{
	uint64_t pages = 0;

	for (int state = 0; state < GS_PAGE_STATE_COUNT; state++)
		pages += gs_page_tally_state(t, (enum gs_page_state)state);
	return pages;
}

/* Odd pages are the kernel's, even ones free; the first hundred cannot be told. */
static struct gs_error *odd_and_even(void *arg, gs_pfn_t first, uint64_t count, uint8_t *ret)
{
	(void)arg;
	if (first < 100)
		return gs_error_create(GS_ERROR_NODATA, "no struct page to be read");
	for (uint64_t i = 0; i < count; i++)
		ret[i] = (first + i) % 2 ? GS_PAGE_KERNEL : GS_PAGE_FREE;
	return NULL;
}

static const struct gs_classifier fake_classes = {.classify = odd_and_even, .stride = 256};

/* Pages from 2^20 on are claimed by nobody; to be asked for them is a mistake. */
static uint64_t none_behind(void *arg, gs_pfn_t first)
{
	(void)arg;
	return first >= 1 << 20 ? UINT64_MAX - first : 0;
}

static struct gs_error *below_border(void *arg, gs_pfn_t first, uint64_t count, uint8_t *ret)
{
	assert_true(first < 1 << 20);
	return odd_and_even(arg, first, count, ret);
}

/* One page in four is zero, by the rule of the fake. */
static void test_states(void **state)
{
	const struct gs_range ranges[] = {{0, 0xa0000}, {MIB, 4 * MIB}};
	const struct gs_survey_options options = {.read_pages = true};
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, ranges, 2);
	f.excluded = 2 * MIB;
	f.excluded_end = 2 * MIB + 8 * 4096;
	survey(&f, &options, &s);
	assert_int_equal(s.page_size, 4096);
	assert_false(s.has_storage);
	assert_int_equal(s.bucket_count, 0);
	assert_int_equal(gs_page_tally_state(&s.total, GS_PAGE_STATE_ZERO), (160 + 1024 - 8) / 4);
	assert_int_equal(gs_page_tally_state(&s.total, GS_PAGE_STATE_EXCLUDED), 8);
	assert_int_equal(s.total.pages[GS_PAGE_STATE_EXCLUDED][GS_PAGE_CLASS_UNKNOWN], 8);
	assert_int_equal(all_pages(&s.total), 160 + 1024);
	gs_survey_deinit(&s);
}

/* Without reading, zero is what is known to be, and nothing is read. */
static void test_without_reading(void **state)
{
	const struct gs_range range = {0, 4 * MIB};
	const struct gs_survey_options options = {0};
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, &range, 1);
	f.hollow = 3 * MIB;
	f.hollow_end = 3 * MIB + 0x5000;
	survey(&f, &options, &s);
	assert_int_equal(gs_page_tally_state(&s.total, GS_PAGE_STATE_ZERO), 5);
	assert_int_equal(all_pages(&s.total), 1024);
	assert_int_equal(f.reads, 0);
	gs_survey_deinit(&s);
}

static void test_unreadable(void **state)
{
	const struct gs_range range = {0, 4 * MIB};
	const struct gs_survey_options options = {.read_pages = true, .bucket_bytes = MIB};
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, &range, 1);
	f.bad = MIB + 0x3010;
	survey(&f, &options, &s);
	assert_int_equal(gs_page_tally_state(&s.total, GS_PAGE_STATE_UNREADABLE), 1);
	assert_int_equal(gs_page_tally_state(&s.buckets[1].tally, GS_PAGE_STATE_UNREADABLE), 1);
	/* Its neighbours were seen all the same. */
	assert_int_equal(gs_page_tally_state(&s.buckets[1].tally, GS_PAGE_STATE_ZERO), 64);
	gs_survey_deinit(&s);
}

static void test_classes(void **state)
{
	const struct gs_range range = {0, 4 * MIB};
	const struct gs_survey_options options = {.classes = &fake_classes, .read_pages = true};
	uint64_t kinds[GS_PAGE_KIND_COUNT];
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, &range, 1);
	f.hollow = 2 * MIB;
	f.hollow_end = 4 * MIB;
	survey(&f, &options, &s);
	/* The first MiB was asked for in one go, and is not known. */
	assert_int_equal(s.total.pages[GS_PAGE_STATE_DATA][GS_PAGE_CLASS_UNKNOWN], 192);
	assert_int_equal(s.total.pages[GS_PAGE_STATE_ZERO][GS_PAGE_CLASS_UNKNOWN], 64);
	assert_int_equal(s.total.pages[GS_PAGE_STATE_DATA][GS_PAGE_KERNEL], 128);
	assert_int_equal(s.total.pages[GS_PAGE_STATE_DATA][GS_PAGE_FREE], 64);
	assert_int_equal(s.total.pages[GS_PAGE_STATE_ZERO][GS_PAGE_FREE], 64 + 256);
	assert_int_equal(s.total.pages[GS_PAGE_STATE_ZERO][GS_PAGE_KERNEL], 256);
	gs_page_tally_kinds(&s.total, kinds);
	assert_int_equal(kinds[GS_PAGE_KIND_KERNEL], 128);
	assert_int_equal(kinds[GS_PAGE_KIND_FREE], 64);
	assert_int_equal(kinds[GS_PAGE_KIND_DATA], 192);
	assert_int_equal(kinds[GS_PAGE_KIND_ZERO], 64 + 64 + 512);
	gs_survey_deinit(&s);
}

/* Buckets are those that ranges touch, at multiples of their size, and add up to the total. */
static void test_buckets(void **state)
{
	const struct gs_range ranges[] = {
		{0, 0x9fc00}, {0xf0000, 0x10000}, {MIB, MIB}, {16 * MIB + 0x8000, 0x18000}};
	const struct gs_survey_options options = {.read_pages = true, .bucket_bytes = 64 * KIB};
	struct gs_page_tally sum = {0};
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, ranges, 4);
	survey(&f, &options, &s);
	assert_int_equal(s.bucket_count, 10 + 1 + 16 + 2);
	assert_int_equal(s.buckets[9].start, 0x90000);
	assert_int_equal(all_pages(&s.buckets[9].tally), 16);
	assert_int_equal(s.buckets[10].start, 0xf0000);
	assert_int_equal(s.buckets[27].start, 16 * MIB);
	assert_int_equal(all_pages(&s.buckets[27].tally), 8);
	for (size_t i = 0; i < s.bucket_count; i++) {
		for (int st = 0; st < GS_PAGE_STATE_COUNT; st++)
			sum.pages[st][GS_PAGE_CLASS_UNKNOWN] +=
				s.buckets[i].tally.pages[st][GS_PAGE_CLASS_UNKNOWN];
	}
	assert_memory_equal(&sum, &s.total, sizeof(sum));
	gs_survey_deinit(&s);
	assert_int_equal(gs_survey_bucket_bytes(&f.mem, 29), 64 * KIB);
	assert_int_equal(gs_survey_bucket_bytes(&f.mem, 28), 128 * KIB);
	assert_int_equal(gs_survey_bucket_bytes(&f.mem, 1 << 16), 4096);
	assert_int_equal(gs_survey_bucket_bytes(&f.mem, 1), 32 * MIB);
}

static void test_bad_buckets(void **state)
{
	const struct gs_range range = {0, TIB};
	const uint64_t sizes[] = {1, 2048, 12288, 4096, UINT64_C(1) << 53};
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, &range, 1);
	f.hollow_end = TIB;
	for (size_t i = 0; i < 5; i++) {
		const struct gs_survey_options options = {.bucket_bytes = sizes[i]};

		assert_error(gs_survey(&f.mem, &options, &s), GS_ERROR_INVALID, NULL);
	}
}

/* A terabyte that is known to be empty is a few steps, not a quarter of a billion. */
static void test_empty_terabyte(void **state)
{
	const struct gs_range ranges[] = {{0, MIB}, {TIB, TIB}};
	const struct gs_survey_options options = {.read_pages = true, .bucket_bytes = 1 << 30};
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, ranges, 2);
	f.hollow = TIB;
	f.hollow_end = 2 * TIB;
	survey(&f, &options, &s);
	assert_int_equal(s.bucket_count, 1 + 1024);
	assert_int_equal(all_pages(&s.total), 256 + TIB / 4096);
	assert_int_equal(gs_page_tally_state(&s.buckets[1024].tally, GS_PAGE_STATE_ZERO), 1 << 18);
	assert_true(f.reads <= 4);
	gs_survey_deinit(&s);
}

/* What a dump claims beyond the kernel's memory is counted without a look at each section. */
static void test_claimed_petabyte(void **state)
{
	const struct gs_range range = {1 << 20, UINT64_C(1) << 50};
	const struct gs_classifier classes = {
		.classify = below_border, .unmapped = none_behind, .stride = 256};
	const struct gs_survey_options options = {.classes = &classes,
						  .bucket_bytes = UINT64_C(1) << 40};
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, &range, 1);
	f.excluded = 1 << 20;
	f.excluded_end = range.start + range.size;
	survey(&f, &options, &s);
	assert_int_equal(s.total.pages[GS_PAGE_STATE_EXCLUDED][GS_PAGE_UNMAPPED],
			 (UINT64_C(1) << 38) - (1 << 20) + 256);
	assert_int_equal(all_pages(&s.total), UINT64_C(1) << 38);
	assert_int_equal(all_pages(&s.buckets[1].tally), UINT64_C(1) << 28);
	gs_survey_deinit(&s);
}

static void test_cancelled(void **state)
{
	const struct gs_range range = {0, 4 * MIB};
	struct gs_progress progress = {.cancelled = 1};
	const struct gs_survey_options options = {.progress = &progress};
	struct fake_memory f;
	struct gs_survey s;

	(void)state;
	fake_init(&f, &range, 1);
	assert_os_error(gs_survey(&f.mem, &options, &s), EINTR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),         cmocka_unit_test(test_without_reading),
		cmocka_unit_test(test_unreadable),     cmocka_unit_test(test_classes),
		cmocka_unit_test(test_buckets),        cmocka_unit_test(test_bad_buckets),
		cmocka_unit_test(test_empty_terabyte), cmocka_unit_test(test_claimed_petabyte),
		cmocka_unit_test(test_cancelled),
	};

	return cmocka_run_group_tests_name("survey", tests, NULL, NULL);
}
