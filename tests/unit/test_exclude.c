/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a conversion leaves out: by level and by names, with a kernel that can tell and without. */
#include <errno.h>

#include <guestscope/dump.h>
#include <guestscope/job.h>

#include "fake_mem_map.h"

#define RAM_PAGES (FK_RAM_BYTES / 4096)

/* One block of 16 pages of each class, in this order, from page 32 on. */
enum { CACHE = 32, CACHE_PRIVATE = 48, USER = 64, FREE = 80, BROKEN = 96, CLASSES_END = 112 };

static void set_classes(struct fixture *f)
{
	for (uint64_t i = 0; i < 16; i++) {
		set(f, CACHE + i, FLAGS, LRU);
		set(f, CACHE_PRIVATE + i, FLAGS, LRU | PRIVATE_FLAG);
		set(f, USER + i, MAPPING, ANON);
		set_type(f, BROKEN + i, OFFLINE);
	}
	set_free(f, FREE, 4);
	for (gs_gpa_t gpa = CACHE * 4096; gpa < CLASSES_END * 4096; gpa += 8)
		fk_put(&f->k, gpa, gpa);
}

static int start_with_classes(void **state)
{
	int status = unit_enter_scratch(NULL);

	if (!status)
		status = start(state);
	set_classes(*state);
	return status;
}

static int stop_with_classes(void **state)
{
	stop(state);
	return unit_leave_scratch(NULL);
}

static struct gs_output_spec spec_of(const char *format, unsigned int exclude)
{
	return (struct gs_output_spec){.format = gs_format_find(format),
				       .exclude = exclude,
				       .ranges = GS_RANGES_ALL,
				       .threads = 2};
}

static struct gs_memory *convert(struct fixture *f, const struct gs_output_spec *spec)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	const char *path = "out";
	struct gs_job_result result;
	struct gs_memory *mem;

	assert_ok(gs_outfile_open(path, GS_OUTFILE_FORCE, &out));
	assert_ok(gs_convert(&f->k.mem, spec, out, &result));
	assert_ok(gs_outfile_commit(out));
	assert_ok(gs_dump_open(&path, 1, NULL, &mem));
	return mem;
}

/* Whether the 16 pages from @pfn on are all there, with their bytes, or none of them. */
static bool keeps(struct fixture *f, struct gs_memory *mem, uint64_t pfn)
{
	unsigned int kept = 0;

	for (uint64_t i = pfn; i < pfn + 16; i++) {
		uint8_t page[4096];
		struct gs_error *err = gs_memory_read(mem, i * 4096, page, sizeof(page));

		if (err) {
			assert_error(err, GS_ERROR_NODATA, NULL);
			continue;
		}
		assert_memory_equal(page, f->k.ram + i * 4096, sizeof(page));
		kept++;
	}
	assert_true(kept == 0 || kept == 16);
	return kept;
}

static void check_level(struct fixture *f, const char *format, unsigned int level)
{
	struct gs_output_spec spec = spec_of(format, level);
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = convert(f, &spec);
	bool private = level & GS_EXCLUDE_PRIVATE;

	assert_int_equal(keeps(f, mem, CACHE), !private && !(level & GS_EXCLUDE_CACHE));
	assert_int_equal(keeps(f, mem, CACHE_PRIVATE), !private);
	assert_int_equal(keeps(f, mem, USER), !(level & GS_EXCLUDE_USER));
	assert_int_equal(keeps(f, mem, FREE), !(level & GS_EXCLUDE_FREE));
	assert_int_equal(keeps(f, mem, BROKEN), level < 2);
	assert_true(keeps(f, mem, CACHE - 16));
	assert_true(keeps(f, mem, CLASSES_END));
	if (mem->attrs.dump_level || spec.format->format == GS_DUMP_KDUMP)
		assert_int_equal(mem->attrs.dump_level, level);
}

static void test_all_levels(void **state)
{
	for (unsigned int level = 0; level <= GS_EXCLUDE_ALL; level++) {
		check_level(*state, "kdump-raw", level);
		check_level(*state, "elf", level);
	}
}

/* Pages that are left out are not even read. */
static struct gs_error *refuse_classes(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	assert_true(gpa >= CLASSES_END * 4096 || gpa + size <= CACHE * 4096);
	return fk_read(mem, gpa, buf, size);
}

static void test_left_out_is_not_read(void **state)
{
	static const struct gs_memory_ops ops = {.format = "fake", .read = refuse_classes};
	struct fixture *f = *state;
	struct gs_output_spec spec = spec_of("kdump-zlib", GS_EXCLUDE_ALL);
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;

	f->k.mem.ops = &ops;
	mem = convert(f, &spec);
	spec.drop_zero = true;
	gs_memory_destroy(mem);
	mem = convert(f, &spec);
	f->k.mem.ops = &fk_ops;
}

static void test_drop_zero_too(void **state)
{
	struct fixture *f = *state;
	struct gs_output_spec spec = spec_of("kdump-raw", GS_EXCLUDE_ALL);
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;

	spec.drop_zero = true;
	mem = convert(f, &spec);
	assert_false(keeps(f, mem, FREE));
	assert_false(keeps(f, mem, CLASSES_END)); /* zero */
	assert_true(keeps(f, mem, MEM_MAP / 4096));
}

static struct gs_error *try_level(struct fixture *f, unsigned int level)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	struct gs_output_spec spec = spec_of("kdump-raw", level);
	struct gs_job_result result;

	assert_ok(gs_outfile_open("other", GS_OUTFILE_FORCE, &out));
	return gs_convert(&f->k.mem, &spec, out, &result);
}

static void test_no_kernel(void **state)
{
	struct fixture *f = *state;

	f->k.mem.attrs.vmcoreinfo = NULL;
	f->k.mem.attrs.vmcoreinfo_size = 0;
	assert_ok(try_level(f, 1));
	assert_error(try_level(f, 16), GS_ERROR_NODATA,
		     "fake: filtering needs the guest kernel's VMCOREINFO; one from elsewhere can "
		     "be given by --vmcoreinfo FILE: no vmcoreinfo");
}

static void test_kernel_that_says_too_little(void **state)
{
	struct fixture *f = *state;

	fk_unsay(&f->k, "NUMBER(PG_lru)");
	assert_ok(try_level(f, 1));
	assert_error(try_level(f, 2), GS_ERROR_NODATA,
		     "fake: filtering: vmcoreinfo: no usable NUMBER(PG_lru)");
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	struct gs_output_spec spec = spec_of("kdump-raw", 31);
	struct gs_progress progress = {.cancelled = 1};
	struct gs_job_result result;

	spec.progress = &progress;
	assert_ok(gs_outfile_open("other", GS_OUTFILE_FORCE, &out));
	assert_os_error(gs_convert(&f->k.mem, &spec, out, &result), EINTR);
}

static void test_names(void **state)
{
	unsigned int exclude = 99;

	(void)state;
	assert_ok(gs_exclude_parse("zero,cache,private,user,free", &exclude));
	assert_int_equal(exclude, 31);
	assert_ok(gs_exclude_parse("free,free", &exclude));
	assert_int_equal(exclude, GS_EXCLUDE_FREE);
	assert_error(gs_exclude_parse("free,", &exclude), GS_ERROR_INVALID,
		     "'' is no class of pages: zero, cache, private, user or free");
	assert_error(gs_exclude_parse("fre", &exclude), GS_ERROR_INVALID, NULL);
	assert_error(gs_exclude_parse("user cache", &exclude), GS_ERROR_INVALID, NULL);
	assert_error(gs_exclude_parse("", &exclude), GS_ERROR_INVALID, NULL);
	assert_int_equal(exclude, GS_EXCLUDE_FREE);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start_with_classes, stop_with_classes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_levels),
		TEST(test_left_out_is_not_read),
		TEST(test_drop_zero_too),
		TEST(test_no_kernel),
		TEST(test_kernel_that_says_too_little),
		TEST(test_cancel),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
