/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers beyond what the samples show: overlap resolution against a model, what a short p_filesz
 * means, guessing of byte order and class, split sets, streams that end early, reading in threads.
 */
#include <limits.h>
#include <pthread.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/io.h>
#include <guestscope/base/thread.h>
#include <guestscope/dump.h>

#include "../../lib/dump/kdump_layout.h"
#include "../../lib/dump/pieces.h"
#include "unit.h"

static char gendump[PATH_MAX];

/* ---- overlapping pieces ---- */

#define MODEL_SIZE 4096

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void check_pieces(const struct gs_piece *pieces, size_t count)
{
	gs_autospool struct gs_spool input = GS_SPOOL_INIT(NULL), output = GS_SPOOL_INIT(NULL);
	uint64_t src[MODEL_SIZE], rank[MODEL_SIZE];
	const struct gs_stretch *s;
	uint64_t at = 0;
	size_t n;
	void *room;

	memset(rank, 0xff, sizeof(rank));
	for (size_t i = 0; i < count; i++) {
		for (uint64_t j = pieces[i].start; j < pieces[i].end; j++) {
			if (pieces[i].rank >= rank[j])
				continue;
			rank[j] = pieces[i].rank;
			src[j] = GS_SRC_IS_OFFSET(pieces[i].src)
					 ? pieces[i].src + (j - pieces[i].start)
					 : pieces[i].src;
		}
	}
	assert_ok(gs_spool_extend(&input, count * sizeof(*pieces), &room));
	memcpy(room, pieces, count * sizeof(*pieces));
	assert_ok(gs_pieces_resolve(&input, &output));
	s = output.data;
	n = output.size / sizeof(*s);
	for (size_t i = 0; i < n; i++) {
		assert_true(s[i].start >= at && s[i].end > s[i].start);
		for (; at < s[i].start; at++)
			assert_true(rank[at] == UINT64_MAX);
		assert_int_equal(gs_stretch_find(s, n, at), i);
		for (; at < s[i].end; at++)
			assert_true(src[at] == (GS_SRC_IS_OFFSET(s[i].src)
							? s[i].src + (at - s[i].start)
							: s[i].src));
		assert_true(!i || s[i].start != s[i - 1].end || s[i].src != s[i - 1].src);
	}
	for (; at < MODEL_SIZE; at++)
		assert_true(rank[at] == UINT64_MAX);
}

static void test_pieces(void **state)
{
	struct gs_piece pieces[60];
	uint32_t seed = 3;

	(void)state;
	for (int round = 0; round < 500; round++) {
		size_t count = 1 + next_random(&seed) % 60;

		for (size_t i = 0; i < count; i++) {
			uint64_t start = next_random(&seed) % (MODEL_SIZE - 1);
			uint64_t left = MODEL_SIZE - start;
			uint64_t size = 1 + next_random(&seed) % (left < 400 ? left : 400);

			pieces[i] = (struct gs_piece){start, start + size, next_random(&seed), i};
			if (next_random(&seed) % 4 == 0)
				pieces[i].src = GS_SRC_ZERO;
		}
		check_pieces(pieces, count);
	}
}

/* More than fits into memory by the spool's standards: sorted backwards, all in a file. */
static void test_pieces_spill(void **state)
{
	gs_autospool struct gs_spool input = GS_SPOOL_INIT("."), output = GS_SPOOL_INIT(".");
	const size_t count = 400000;
	const struct gs_stretch *s;

	(void)state;
	for (size_t i = count; i--;) {
		void *room;

		assert_ok(gs_spool_extend(&input, sizeof(struct gs_piece), &room));
		*(struct gs_piece *)room = (struct gs_piece){2 * i, 2 * i + 2, 7 * i, i};
	}
	assert_true(input.fd >= 0);
	assert_ok(gs_pieces_resolve(&input, &output));
	assert_int_equal(output.size, count * sizeof(*s));
	s = output.data;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(s[i].start, 2 * i);
		assert_int_equal(s[i].src, 7 * i);
	}
	assert_int_equal(system("test -z \"$(ls)\""), 0); /* the files have no names */
}

static void test_spool_without_room(void **state)
{
	gs_autospool struct gs_spool s = GS_SPOOL_INIT("/nonexistent");
	void *room;

	(void)state;
	assert_error(gs_spool_extend(&s, 9 << 20, &room), GS_ERROR_OS,
		     "spool in /nonexistent: No such file or directory");
	assert_ok(gs_spool_extend(&s, 100, &room));
}

/* ---- dumps made for the occasion ---- */

/* @part_count files dump.0, dump.1, ... from lines of a description. */
static void generate(const char *lines, size_t part_count)
{
	char command[PATH_MAX + 200];
	int n = snprintf(command, sizeof(command), "%s -", gendump);
	FILE *pipe;

	for (size_t i = 0; i < part_count; i++)
		n += snprintf(command + n, sizeof(command) - (size_t)n, " -o dump.%zu", i);
	pipe = popen(command, "w");
	fputs(lines, pipe);
	assert_int_equal(pclose(pipe), 0);
}

static void open_parts(const char *const *paths, size_t count, struct gs_memory **ret)
{
	assert_ok(gs_dump_open(paths, count, NULL, ret));
}

static void open_dump(const char *lines, struct gs_memory **ret)
{
	const char *path = "dump.0";

	generate(lines, 1);
	open_parts(&path, 1, ret);
}

static void patch(const char *path, uint64_t off, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "r+");

	assert_int_equal(fseek(file, (long)off, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

/* ---- ELF ---- */

static enum gs_extent kind_at(struct gs_memory *mem, gs_gpa_t gpa)
{
	enum gs_extent kind;
	gs_gpa_t end;

	assert_ok(gs_memory_extent(mem, gpa, &kind, &end));
	return kind;
}

#define SHORT_LOADS                        \
	"format: elf\n"                    \
	"load: 0..0x10000 filesz=0x2000\n" \
	"load: 0x4000..0x5000\n"           \
	"load: 0x20000..0x21000 filesz=0 offset=-1\n"

#define PAGES_64K                     \
	"load: 0..0x10000\n"          \
	"vmcoreinfo: OSRELEASE=6.1\n" \
	"vmcoreinfo: PAGESIZE=65536\n"

/* Zero by the rules of ELF, but pages that makedumpfile left out of a Linux dump. */
static void test_short_filesz(void **state)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *plain = NULL, *filtered = NULL;
	uint8_t byte = 1;

	(void)state;
	open_dump(SHORT_LOADS, &plain);
	assert_int_equal(kind_at(plain, 0x2000), GS_EXTENT_ZERO);
	assert_int_equal(kind_at(plain, 0x20000), GS_EXTENT_ZERO);
	assert_ok(gs_memory_read(plain, 0x5000, &byte, 1));
	assert_int_equal(byte, 0);
	open_dump(SHORT_LOADS "vmcoreinfo: OSRELEASE=6.1\nvmcoreinfo: PAGESIZE=65536\n", &filtered);
	assert_int_equal(kind_at(filtered, 0x2000), GS_EXTENT_EXCLUDED);
	assert_int_equal(kind_at(filtered, 0x4000), GS_EXTENT_DATA);
	assert_int_equal(kind_at(filtered, 0x5000), GS_EXTENT_EXCLUDED);
	assert_int_equal(kind_at(filtered, 0x20000), GS_EXTENT_ZERO);
	assert_error(gs_memory_read(filtered, 0x5000, &byte, 1), GS_ERROR_NODATA,
		     "dump.0: 0x5000: excluded from the dump");
	assert_int_equal(filtered->attrs.page_size, 4096);
}

/* What a guest says counts where its architecture leaves a choice. */
static void test_page_size(void **state)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *arm = NULL, *x86 = NULL;

	(void)state;
	open_dump("format: elf\nmachine: aarch64\n" PAGES_64K, &arm);
	assert_int_equal(arm->attrs.page_size, 65536);
	open_dump("format: elf\n" PAGES_64K, &x86);
	assert_int_equal(x86->attrs.page_size, 4096);
}

/* ---- streams ---- */

static void check_stream_error(const char *command, const char *message)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	gs_autofree uint8_t *buffer = malloc(GS_CHUNK_BYTES);
	struct gs_attributes attrs = {0};
	FILE *pipe = popen(command, "r");
	struct gs_error *err = gs_elf_stream_open(fileno(pipe), "stream", NULL, &attrs, &src);
	bool end = false;

	chunk->buffer = buffer;
	while (!err && !end)
		err = gs_page_source_next(src, chunk, &end);
	assert_error(err, GS_ERROR_CORRUPT, message);
	gs_attributes_deinit(&attrs);
	pclose(pipe);
}

static void test_stream_cut(void **state)
{
	(void)state;
	generate("format: elf\nram: 0..0x10000\npage: 0x8000 text\n", 1);
	check_stream_error("head -c 10 dump.0", "stream: ELF header: the stream ended at offset "
						"0xa, 6 bytes too early");
	check_stream_error("head -c 100 dump.0", "stream: program headers: the stream ended at "
						 "offset 0x64, 20 bytes too early");
	check_stream_error("head -c 65000 dump.0",
			   "stream: the stream ended at offset 0xfde8, 656 bytes too early");
}

/* Only what was asked for is handed out, wherever it begins and ends. */
static void test_stream_ranges(void **state)
{
	const struct gs_range wanted[] = {{0x3000, 0x2000}, {0x8000, 0x1000}};
	const struct gs_elf_stream_options options = {.ranges = wanted, .range_count = 2};
	const struct gs_elf_stream_options beyond = {.ranges = &(struct gs_range){0xf000, 0x2000},
						     .range_count = 1};
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL, *none = NULL;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	gs_autofree uint8_t *buffer = malloc(GS_CHUNK_BYTES);
	FILE *file;
	bool end;

	(void)state;
	generate("format: elf\nram: 0..0x10000\npage: 0x8000 text\n", 1);
	file = fopen("dump.0", "re");
	assert_ok(gs_elf_stream_open(fileno(file), "stream", &options, NULL, &src));
	chunk->buffer = buffer;
	for (int i = 0; i < 2; i++) {
		assert_ok(gs_page_source_next(src, chunk, &end));
		assert_false(end);
		assert_int_equal(chunk->gpa, wanted[i].start);
		assert_int_equal(chunk->size, wanted[i].size);
	}
	assert_true(chunk->data[0] != 0);
	assert_ok(gs_page_source_next(src, chunk, &end));
	assert_true(end);
	fclose(file);
	file = fopen("dump.0", "re");
	assert_error(gs_elf_stream_open(fileno(file), "stream", &beyond, NULL, &none),
		     GS_ERROR_UNSUPPORTED,
		     "stream: the stream does not hold all memory that was asked for");
	fclose(file);
}

static void test_stream_silence(void **state)
{
	const struct gs_elf_stream_options options = {.silence_ms = 20};
	struct gs_page_source *src;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_error(gs_elf_stream_open(fds[0], "stream", &options, NULL, &src), GS_ERROR_TIMEOUT,
		     "stream: ELF header: offset 0x0: nothing came for 0 s");
	close(fds[0]);
	close(fds[1]);
}

/* ---- kdump ---- */

/* The rows of the tables end where the structs do. */
static void test_kdump_sizes(void **state)
{
	static const uint32_t sizes[KDUMP_SHAPE_COUNT] = {104, 80, 96};

	(void)state;
	for (int shape = 0; shape < KDUMP_SHAPE_COUNT; shape++) {
		const struct gs_field *nr_cpus = &gs_kdump_header_fields(shape)[KDUMP_NR_CPUS];

		assert_int_equal(gs_kdump_sub_bytes(shape, 6), sizes[shape]);
		assert_int_equal(gs_kdump_header_bytes(shape), nr_cpus->off + nr_cpus->width);
	}
}

#define KDUMP "format: kdump\ncpus: 1\nram: 0..0x40000000\npage: 0..0x40000000 excluded\n"

/* Values that look like a sound header in another class must not mislead: a time, 2^18 pages. */
static void test_kdump_guess(void **state)
{
	static const char *const machines[] = {"x86_64", "i386", "s390x", "ppc", "arm"};

	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
		const char *path = "dump.0";
		char lines[300];
		bool big = i == 2 || i == 3, wide = i == 0 || i == 2;
		const struct gs_field *fields =
			gs_kdump_header_fields(wide ? KDUMP_SHAPE_64 : KDUMP_SHAPE_32_PACKED);
		uint8_t value[8];

		snprintf(lines, sizeof(lines), KDUMP "machine: %s\n", machines[i]);
		generate(lines, 1);
		for (int field = KDUMP_TV_SEC; field <= KDUMP_TV_USEC; field++) {
			gs_put_uint(value, 8192, fields[field].width, big);
			patch(path, fields[field].off, value, fields[field].width);
		}
		open_parts(&path, 1, &mem);
		assert_int_equal(mem->attrs.arch, gs_arch_from_name(machines[i]));
		assert_int_equal(mem->attrs.is_64bit, wide);
		assert_int_equal(mem->attrs.big_endian, big);
		assert_int_equal(mem->attrs.timestamp_sec, 8192);
		assert_int_equal(mem->attrs.page_size, 4096);
		assert_int_equal(mem->ranges[0].size, 0x40000000);
		assert_int_equal(kind_at(mem, 0x1000), GS_EXTENT_EXCLUDED);
	}
}

/* What QEMU writes since 8.1: the notes tell. */
static void test_kdump_unknown_machine(void **state)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *x86 = NULL, *s390x = NULL, *none = NULL;

	(void)state;
	open_dump(KDUMP "uts_machine: Unknown\n", &x86);
	assert_int_equal(x86->attrs.arch, GS_ARCH_X86_64);
	open_dump(KDUMP "uts_machine: Unknown\nmachine: s390x\n", &s390x);
	assert_int_equal(s390x->attrs.arch, GS_ARCH_S390X);
	open_dump(KDUMP "uts_machine: Unknown\nprstatus_size: 100\n", &none);
	assert_int_equal(none->attrs.arch, GS_ARCH_UNKNOWN);
}

static void check_set_error(const char *first, const char *second, const char *message)
{
	const char *paths[] = {first, second};
	struct gs_memory *mem = NULL;

	assert_error(gs_dump_open(paths, second ? 2 : 1, NULL, &mem), GS_ERROR_INVALID, message);
}

static void test_split_errors(void **state)
{
	static const char lines[] = "format: kdump\nsplit: 3\nram: 0..0x9000\n"
				    "page: 0..0x9000 text\n";

	(void)state;
	generate(lines, 3);
	check_set_error("dump.1", NULL,
			"dump.1: a part of a split set: the part with pages 0x0 to 0x2 is "
			"needed, too");
	check_set_error("dump.2", "dump.0",
			"dump.2: a part of a split set: the part with pages 0x3 to 0x5 is "
			"needed, too");
	check_set_error("dump.0", "dump.0",
			"dump.0 and dump.0: parts of a split set overlap: page 0x0 is in both");
	assert_int_equal(rename("dump.2", "other"), 0);
	generate("format: kdump\nram: 0..0x9000\npage: 0..0x9000 text\n", 1);
	check_set_error("other", "dump.0", "dump.0: not a part of a split set");
	check_set_error("dump.0", "other", "dump.0: not a part of a split set");
	generate("format: kdump\nsplit: 3\nnodename: x\nram: 0..0x9000\n", 3);
	check_set_error("other", "dump.0",
			"dump.0: not of the same set as other: the headers "
			"differ");
	generate("format: kdump\nsplit: 3\nram: 0..0x8000\nmax_mapnr: 9\n", 3);
	check_set_error("other", "dump.0",
			"dump.0: not of the same set as other: the bitmaps "
			"differ");
}

struct readers {
	struct gs_memory *mem;
	const uint8_t *expected;
};

#define THREADS 8
#define SHARED_BYTES ((size_t)4 << 20)

static struct gs_error *read_randomly(void *arg, unsigned int index)
{
	const struct readers *r = arg;
	gs_autofree uint8_t *buf = malloc(SHARED_BYTES);
	uint32_t seed = index + 1;
	struct gs_error *err = NULL;

	for (int round = 0; round < 200 && !err; round++) {
		size_t gpa = next_random(&seed) % SHARED_BYTES;
		size_t size = next_random(&seed) % (round % 10 ? 5000 : 300000);

		if (size > SHARED_BYTES - gpa)
			size = SHARED_BYTES - gpa;
		err = gs_memory_read(r->mem, gpa, buf, size);
		if (!err && memcmp(buf, r->expected + gpa, size) != 0)
			err = gs_error_create(GS_ERROR_CORRUPT, "0x%zx + %zu differs", gpa, size);
	}
	return err;
}

static void test_kdump_threads(void **state)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	gs_autofree uint8_t *expected = malloc(SHARED_BYTES);
	struct readers r = {.expected = expected};

	(void)state;
	open_dump("format: kdump\nram: 0..4M\ndata_order: reverse\n"
		  "page: 0..1M text codec=zlib\npage: 1M..2M text codec=zstd\n"
		  "page: 0x210000..0x220000 counter codec=lzo\n"
		  "page: 0x300000..0x380000 random 1\npage: 0x3f0000 text codec=snappy\n",
		  &mem);
	assert_ok(gs_memory_read(mem, 0, expected, SHARED_BYTES));
	r.mem = mem;
	assert_ok(gs_threads_run(THREADS, read_randomly, &r));
}

/* A long run of the shared zero page is known without reading it, a short one is part of the data.
 */
static void test_kdump_zero_runs(void **state)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	enum gs_extent kind;
	gs_gpa_t end;

	(void)state;
	open_dump("format: kdump\nram: 0..2M\npage: 0..0x10000 text\npage: 0x20000 text\n"
		  "page: 0x30000..0x40000 text\n",
		  &mem);
	assert_ok(gs_memory_extent(mem, 0, &kind, &end));
	assert_int_equal(kind, GS_EXTENT_DATA);
	assert_int_equal(end, 0x40000);
	assert_ok(gs_memory_extent(mem, end, &kind, &end));
	assert_int_equal(kind, GS_EXTENT_ZERO);
	assert_int_equal(end, 0x140000);
	assert_ok(gs_memory_extent(mem, end, &kind, &end));
	assert_int_equal(kind, GS_EXTENT_ZERO);
	assert_int_equal(end, 0x200000);
}

/* ---- what is no dump ---- */

static void test_no_dump(void **state)
{
	static const struct gs_dump_open raw = {.raw = true, .raw_base = GS_GPA_MAX - 1};
	static const char text[] = "just some text, long enough";
	struct gs_blob *blob = NULL;
	struct gs_memory *mem = NULL;

	(void)state;
	assert_ok(gs_blob_from_buffer("x", text, sizeof(text), &blob));
	assert_error(gs_dump_open_blob(blob, NULL, &mem), GS_ERROR_UNSUPPORTED,
		     "x: unknown format: it starts with 6a 75 73 74, neither as an ELF, "
		     "kdump-compressed nor flattened dump");
	assert_error(gs_dump_open_blob(blob, &raw, &mem), GS_ERROR_INVALID,
		     "x: a base of 0xfffffffffffff puts memory beyond 2^52");
	gs_blob_destroy(blob);
	assert_ok(gs_blob_from_buffer("x", "DISKDUMP\1\0\0\0       ", 19, &blob));
	assert_error(gs_dump_open_blob(blob, NULL, &mem), GS_ERROR_UNSUPPORTED,
		     "x: a diskdump file, the predecessor of kdump-compressed");
	gs_blob_destroy(blob);
	assert_ok(gs_blob_from_buffer("x", "", 0, &blob));
	assert_error(gs_dump_open_blob(blob, NULL, &mem), GS_ERROR_CORRUPT,
		     "x: 0 bytes: too short for any header");
	gs_blob_destroy(blob);
	assert_error(gs_dump_open(NULL, 0, NULL, &mem), GS_ERROR_INVALID, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		unit_test_in_scratch(test_pieces_spill),
		cmocka_unit_test(test_spool_without_room),
		unit_test_in_scratch(test_short_filesz),
		unit_test_in_scratch(test_page_size),
		unit_test_in_scratch(test_stream_cut),
		unit_test_in_scratch(test_stream_ranges),
		cmocka_unit_test(test_stream_silence),
		cmocka_unit_test(test_kdump_sizes),
		unit_test_in_scratch(test_kdump_guess),
		unit_test_in_scratch(test_kdump_unknown_machine),
		unit_test_in_scratch(test_split_errors),
		unit_test_in_scratch(test_kdump_threads),
		unit_test_in_scratch(test_kdump_zero_runs),
		cmocka_unit_test(test_no_dump),
	};

	if (!realpath("tests/gen/gendump", gendump)) {
		fprintf(stderr, "tests/gen is not here: run this in the source folder\n");
		return 1;
	}
	return cmocka_run_group_tests_name("dump readers", tests, NULL, NULL);
}
