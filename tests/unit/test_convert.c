/* SPDX-License-Identifier: GPL-2.0-or-later */
/* convert as a whole: selection, notes for people, output files, spooled input. */
#include <fcntl.h>
#include <sys/stat.h>

#include <guestscope/base/bytes.h>
#include <guestscope/job.h>

#include "fake_memory.h"

#define MIB (UINT64_C(1) << 20)

static const struct gs_range ranges[] = {{0, 0xa0000}, {0x100000, 8 * MIB}};

static void keep_note(void *arg, const char *text)
{
	char **all = arg;
	char *longer;

	assert_true(asprintf(&longer, "%s%s\n", *all ? *all : "", text) > 0);
	free(*all);
	*all = longer;
}

static struct gs_output_spec spec_of(const char *format, char **notes)
{
	return (struct gs_output_spec){.format = gs_format_find(format),
				       .exclude = GS_EXCLUDE_ZERO,
				       .threads = 2,
				       .note = notes ? keep_note : NULL,
				       .note_arg = notes};
}

/* Convert into @path, and read that back. */
static struct gs_memory *convert(struct fake_memory *f, const struct gs_output_spec *spec,
				 const char *path, struct gs_job_result *ret)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	struct gs_memory *mem;

	assert_ok(gs_outfile_open(path, GS_OUTFILE_FORCE, &out));
	assert_ok(gs_convert(&f->mem, spec, out, ret));
	assert_ok(gs_outfile_commit(out));
	assert_ok(gs_dump_open(&path, 1, NULL, &mem));
	return mem;
}

static void check_bytes(struct fake_memory *f, struct gs_memory *mem)
{
	for (size_t i = 0; i < 2; i++) {
		for (gs_gpa_t gpa = ranges[i].start; gpa < ranges[i].start + ranges[i].size;
		     gpa += 4096) {
			uint8_t expected[4096], page[4096];

			fake_page(f, gpa / 4096, expected);
			assert_ok(gs_memory_read(mem, gpa, page, sizeof(page)));
			assert_memory_equal(page, expected, sizeof(page));
		}
	}
}

static void test_all_formats(void **state)
{
	(void)state;
	for (const struct gs_format *format = gs_formats; format->name; format++) {
		GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
		struct gs_output_spec spec = spec_of(format->name, NULL);
		struct gs_job_result result;
		struct fake_memory f;

		for (int flatten = 0; flatten < 2; flatten++) {
			fake_init(&f, ranges, 2);
			spec.flatten = flatten;
			gs_memory_destroy(mem);
			mem = convert(&f, &spec, "out", &result);
			assert_int_equal(gs_dump_facts(mem)->flattened, flatten);
			assert_int_equal(mem->range_count, 2);
			check_bytes(&f, mem);
			assert_int_equal(result.memory_bytes, 0xa0000 + 8 * MIB);
		}
	}
}

static void test_drop_zero(void **state)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	gs_autofree char *notes = NULL, *file = NULL;
	struct gs_output_spec spec = spec_of("kdump-raw", &notes);
	struct gs_job_result result;
	struct fake_memory f;
	uint64_t table;
	uint8_t page[4096];

	(void)state;
	fake_init(&f, ranges, 2);
	f.hollow = 0x200000;
	f.hollow_end = 0x300000;
	spec.drop_zero = true;
	mem = convert(&f, &spec, "out", &result);
	assert_string_equal(notes,
			    "no Linux kernel found in the guest (no vmcoreinfo): the file lacks "
			    "what only it could tell\n"
			    "zero pages are left out: crash needs --zero_excluded to read the "
			    "file\n");
	assert_int_equal(result.stats.pages, (160 + 2048 - 256) / 4 * 3);
	/* The descriptors' room was known: the first page follows them at once. */
	assert_ok(gs_read_file("out", 16 * MIB, &file, NULL));
	table = 4096 * (1 + gs_get_u32(file + 432, false) + gs_get_u32(file + 436, false));
	assert_int_equal(gs_get_u64(file + table, false), table + 24 * result.stats.pages);
	assert_error(gs_memory_read(mem, 0, page, sizeof(page)), GS_ERROR_NODATA, NULL);
}

/* What the source lacks is in no PT_LOAD. */
static void test_excluded_to_elf(void **state)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	struct gs_output_spec spec = spec_of("elf", NULL);
	struct gs_job_result result;
	struct fake_memory f;

	(void)state;
	fake_init(&f, ranges, 2);
	f.excluded = 0x200000;
	f.excluded_end = 0x201000;
	mem = convert(&f, &spec, "out", &result);
	assert_int_equal(mem->range_count, 3);
	assert_int_equal(mem->ranges[1].start + mem->ranges[1].size, 0x200000);
	assert_int_equal(mem->ranges[2].start, 0x201000);
	assert_int_equal(result.stats.dropped_pages, 1);
}

static void test_refusals(void **state)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	struct gs_output_spec spec = spec_of("elf", NULL);
	struct gs_job_result result;
	struct fake_memory f;

	(void)state;
	fake_init(&f, ranges, 2);
	assert_ok(gs_outfile_open("out", 0, &out));
	spec.drop_zero = true;
	assert_error(gs_convert(&f.mem, &spec, out, &result), GS_ERROR_INVALID,
		     "format elf cannot drop zero pages (they become holes of the file)");
	spec = spec_of("kdump-lzo", NULL);
	spec.level = 3;
	assert_error(gs_convert(&f.mem, &spec, out, &result), GS_ERROR_INVALID,
		     "format kdump-lzo has no levels");
	spec = spec_of("kdump-zlib", NULL);
	spec.ranges = GS_RANGES_SYSTEM;
	assert_error(gs_convert(&f.mem, &spec, out, &result), GS_ERROR_NODATA,
		     "cannot tell the guest kernel's RAM: no vmcoreinfo");
	assert_int_not_equal(access("out", F_OK), 0);
}

static void test_spool(void **state)
{
	gs_autoclose int in = open("in", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *piped = NULL;
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *redirected = NULL;
	char buf[5];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(gs_write_full(fds[1], "hello", 5), 0);
	close(fds[1]);
	assert_ok(gs_spool(fds[0], "stdin", ".", &piped));
	close(fds[0]);
	assert_int_equal(piped->size, 5);
	assert_ok(gs_blob_read(piped, "it", 0, buf, 5));
	assert_memory_equal(buf, "hello", 5);

	assert_int_equal(gs_pwrite_full(in, "hello", 5, 0), 0);
	assert_ok(gs_spool(in, "stdin", "/nowhere", &redirected)); /* needs no spool */
	assert_int_equal(redirected->size, 5);
	assert_error(gs_spool(open("/dev/null", O_RDONLY), "stdin", "/nowhere", &redirected),
		     GS_ERROR_OS, "/nowhere: spool of stdin: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_all_formats),     unit_test_in_scratch(test_drop_zero),
		unit_test_in_scratch(test_excluded_to_elf), unit_test_in_scratch(test_refusals),
		unit_test_in_scratch(test_spool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
