/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every sample of tests/gen, read by random access, by page source and, if ELF, from a pipe,
 * against what the generator says that a correct reader must see.
 */
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include <xxhash.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/io.h>
#include <guestscope/base/json.h>
#include <guestscope/base/text.h>
#include <guestscope/dump.h>

#include "sha256.h"
#include "unit.h"

#define UNIT 4096
#define PARTS_MAX 16

static char gendump[PATH_MAX], samples[PATH_MAX];

struct sample {
	char name[NAME_MAX + 1];
	size_t part_count;
	struct gs_json *expect;
};

static unsigned __int128 sum_of_bytes(gs_gpa_t gpa, const uint8_t *data, size_t size,
				      uint64_t *units)
{
	unsigned __int128 sum = 0;
	size_t skip = -gpa % UNIT;

	for (size_t i = skip; i + UNIT <= size; i += UNIT) {
		XXH128_hash_t hash;

		if (gs_is_zero(data + i, UNIT))
			continue;
		hash = XXH3_128bits_withSeed(data + i, UNIT, gpa + i);
		sum += (unsigned __int128)hash.high64 << 64 | hash.low64;
		++*units;
	}
	return sum;
}

static void check_sum(const struct sample *s, unsigned __int128 sum, uint64_t units)
{
	uint64_t expected_units;
	char hex[33];

	snprintf(hex, sizeof(hex), "%016llx%016llx", (unsigned long long)(sum >> 64),
		 (unsigned long long)sum);
	assert_string_equal(hex, gs_json_string(gs_json_get(s->expect, "sum")));
	assert_true(gs_json_u64(gs_json_get(s->expect, "nonzero_units"), &expected_units));
	assert_int_equal(units, expected_units);
}

static uint64_t number_at(const struct gs_json *array, size_t index)
{
	uint64_t v = 0;

	assert_true(gs_json_u64(gs_json_at(array, index), &v));
	return v;
}

/* ---- ranges and pages, by random access ---- */

static void check_ranges(const struct sample *s, const struct gs_range *ranges, size_t count)
{
	const struct gs_json *expected = gs_json_get(s->expect, "ranges");
	const struct gs_range *range = ranges;

	assert_int_equal(count, gs_json_count(expected));
	gs_json_for_each (row, expected) {
		assert_int_equal(range->start, number_at(row, 0));
		assert_int_equal(range->size, number_at(row, 1));
		range++;
	}
}

static void check_zero(struct gs_memory *mem, gs_gpa_t start, gs_gpa_t end)
{
	static uint8_t buf[1 << 20];
	enum gs_extent kind;

	for (gs_gpa_t next; start < end; start = next) {
		assert_ok(gs_memory_extent(mem, start, &kind, &next));
		assert_true(next > start);
		assert_true(kind == GS_EXTENT_ZERO || kind == GS_EXTENT_DATA);
		if (next > end)
			next = end;
		if (kind == GS_EXTENT_DATA && next - start > sizeof(buf))
			next = start + sizeof(buf);
		if (kind == GS_EXTENT_ZERO && next - start > sizeof(buf))
			continue;
		assert_ok(gs_memory_read(mem, start, buf, next - start));
		assert_true(gs_is_zero(buf, next - start));
	}
}

static void check_missing(struct gs_memory *mem, gs_gpa_t start, gs_gpa_t end)
{
	enum gs_extent kind;
	uint8_t byte;

	assert_error(gs_memory_read(mem, start, &byte, 1), GS_ERROR_NODATA, NULL);
	assert_error(gs_memory_read(mem, end - 1, &byte, 1), GS_ERROR_NODATA, NULL);
	for (gs_gpa_t next; start < end; start = next) {
		assert_ok(gs_memory_extent(mem, start, &kind, &next));
		assert_true(next > start);
		assert_int_equal(kind, GS_EXTENT_EXCLUDED);
	}
}

static void check_data(struct gs_memory *mem, gs_gpa_t start, size_t size, const char *sha256)
{
	uint8_t data[UNIT], half[UNIT];
	char hex[65];

	assert_true(size <= UNIT);
	assert_ok(gs_memory_read(mem, start, data, size));
	sha256_hex(data, size, hex);
	assert_string_equal(hex, sha256);
	/* the same in odd pieces */
	assert_ok(gs_memory_read(mem, start + size / 3, half, size - size / 3));
	assert_memory_equal(half, data + size / 3, size - size / 3);
	assert_ok(gs_memory_read(mem, start, half, size / 2));
	assert_memory_equal(half, data, size / 2);
}

static void check_pages(const struct sample *s, struct gs_memory *mem)
{
	gs_json_for_each (piece, gs_json_get(s->expect, "pages")) {
		const char *what = gs_json_string(gs_json_at(piece, 2));
		gs_gpa_t start = number_at(piece, 0);
		uint64_t size = number_at(piece, 1);

		if (!strcmp(what, "zero"))
			check_zero(mem, start, start + size);
		else if (!strcmp(what, "excluded") || !strcmp(what, "lost"))
			check_missing(mem, start, start + size);
		else
			check_data(mem, start, size, what);
	}
}

/* ---- page sources ---- */

static void check_chunk(struct gs_page_source *src, const struct gs_chunk *chunk,
			unsigned __int128 *sum, uint64_t *units, uint64_t *missing)
{
	gs_gpa_t end = chunk->gpa + chunk->size, next;
	size_t page = 0;

	assert_true(chunk->size > 0);
	if (chunk->kind != GS_EXTENT_DATA) {
		*missing += chunk->kind == GS_EXTENT_EXCLUDED ? chunk->size : 0;
		return;
	}
	assert_true(chunk->gpa / GS_CHUNK_BYTES == (end - 1) / GS_CHUNK_BYTES);
	for (gs_gpa_t gpa = chunk->gpa; gpa < end; gpa = next, page++) {
		next = (gpa / src->page_size + 1) * src->page_size;
		if (next > end)
			next = end;
		if (chunk->page[page] == GS_EXTENT_DATA)
			*sum += sum_of_bytes(gpa, chunk->data + (gpa - chunk->gpa), next - gpa,
					     units);
		else if (chunk->page[page] == GS_EXTENT_EXCLUDED)
			*missing += next - gpa;
	}
}

static void check_source(const struct sample *s, struct gs_page_source *src)
{
	struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	unsigned __int128 sum = 0;
	uint64_t units = 0, missing = 0, bytes = 0, excluded, lost;
	gs_gpa_t last_end = 0;
	bool end = false;

	chunk->buffer = aligned_alloc(4096, GS_CHUNK_BYTES);
	for (;;) {
		assert_ok(gs_page_source_next(src, chunk, &end));
		if (end)
			break;
		assert_true(chunk->gpa >= last_end);
		last_end = chunk->gpa + chunk->size;
		assert_ok(gs_page_source_load(src, chunk));
		check_chunk(src, chunk, &sum, &units, &missing);
		bytes += chunk->size;
	}
	check_sum(s, sum, units);
	assert_int_equal(bytes, gs_ranges_total_bytes(src->ranges, src->range_count));
	assert_true(gs_json_u64(gs_json_get(s->expect, "excluded_bytes"), &excluded));
	assert_true(gs_json_u64(gs_json_get(s->expect, "lost_bytes"), &lost));
	assert_int_equal(missing, excluded + lost);
	free(chunk->buffer);
	free(chunk);
}

/* ---- attributes ---- */

static const struct gs_json *fact(const struct sample *s, const char *name)
{
	return gs_json_path(s->expect, "attributes", name, NULL);
}

static void check_number(const struct sample *s, const char *name, int64_t found)
{
	int64_t expected;

	if (!fact(s, name))
		return;
	assert_true(gs_json_i64(fact(s, name), &expected));
	if (found != expected)
		fail_msg("%s: %s is %lld, expected %lld", s->name, name, (long long)found,
			 (long long)expected);
}

static void check_notes(const struct sample *s, const struct gs_attributes *attrs)
{
	struct gs_note note;
	bool found = true;
	size_t pos = 0;

	gs_json_for_each (expected, fact(s, "notes")) {
		assert_ok(gs_note_next(attrs->notes, attrs->notes_size, attrs->big_endian, &pos,
				       &note, &found));
		assert_true(found);
		assert_true(gs_note_is(&note, gs_json_string(gs_json_at(expected, 0)),
				       (uint32_t)number_at(expected, 1)));
		assert_int_equal(note.desc_size, number_at(expected, 2));
	}
	assert_ok(gs_note_next(attrs->notes, attrs->notes_size, attrs->big_endian, &pos, &note,
			       &found));
	assert_false(found);
}

static void check_attributes(const struct sample *s, const struct gs_attributes *attrs)
{
	const char *sha256 = gs_json_string(fact(s, "vmcoreinfo_sha256"));
	char hex[65];

	if (!fact(s, "machine"))
		return; /* a raw image has none */
	assert_int_equal(attrs->arch, gs_arch_from_name(gs_json_string(fact(s, "machine"))));
	assert_int_not_equal(attrs->arch, GS_ARCH_UNKNOWN);
	check_number(s, "class", attrs->is_64bit ? 64 : 32);
	assert_string_equal(attrs->big_endian ? "big" : "little",
			    gs_json_string(fact(s, "endian")));
	if (gs_json_count(fact(s, "notes")))
		check_number(s, "cpus", attrs->cpu_count);
	check_notes(s, attrs);
	if (sha256) {
		check_number(s, "vmcoreinfo_size", (int64_t)attrs->vmcoreinfo_size);
		sha256_hex(attrs->vmcoreinfo, attrs->vmcoreinfo_size, hex);
		assert_string_equal(hex, sha256);
	}
	check_number(s, "block_size", attrs->page_size);
	check_number(s, "phys_base", attrs->phys_base);
	if (gs_json_string(fact(s, "release")))
		assert_string_equal(attrs->utsname[GS_UTS_RELEASE],
				    gs_json_string(fact(s, "release")));
}

static void check_facts(const struct sample *s, const struct gs_memory *mem)
{
	const struct gs_dump_facts *facts = gs_dump_facts(mem);

	assert_non_null(facts);
	assert_string_equal(facts->format, gs_json_string(fact(s, "format")));
	assert_int_equal(facts->flattened, gs_json_is_true(fact(s, "flattened")));
	check_number(s, "header_version", facts->kdump_version);
	check_number(s, "status", facts->status);
	check_number(s, "parts", facts->parts);
	check_number(s, "loads", facts->load_count);
	if (facts->kdump_version > 0)
		check_number(s, "dump_level", mem->attrs.dump_level);
	assert_int_equal(mem->attrs.incomplete, (facts->status & 8) != 0);
}

/* ---- the samples ---- */

/* A split set has as many files as "split:" says: a number, or one less than there are borders. */
static size_t count_parts(const char *path)
{
	gs_autofree char *text = NULL;
	char *line, *save = NULL;
	size_t count = 0;

	assert_ok(gs_read_file(path, 1 << 20, &text, NULL));
	line = strstr(text, "\nsplit:");
	if (!line)
		return 1;
	line += strlen("\nsplit:");
	*strchr(line, '\n') = '\0';
	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
		count++;
	return count > 1 ? count - 1 : strtoul(line, NULL, 10);
}

static void generate(struct sample *s, const char *file)
{
	gs_autofree char *desc = gs_strf("%s/%s", samples, file), *text = NULL;
	gs_autotext struct gs_text command = {0};
	size_t size;

	snprintf(s->name, sizeof(s->name), "%.*s", (int)(strlen(file) - strlen(".desc")), file);
	s->part_count = count_parts(desc);
	assert_true(s->part_count >= 1 && s->part_count <= PARTS_MAX);
	gs_text_printf(&command, "%s %s --expect", gendump, desc);
	for (size_t i = 0; i < s->part_count; i++)
		gs_text_printf(&command, " -o dump.%zu", i);
	gs_text_puts(&command, " >expect.json");
	assert_int_equal(system(command.data), 0);
	assert_ok(gs_read_file("expect.json", 64 << 20, &text, &size));
	assert_ok(gs_json_parse(text, size, &s->expect));
}

/* Parts are given last one first: their order does not count. */
static void open_sample(const struct sample *s, struct gs_memory **ret)
{
	struct gs_dump_open options = {0};
	char names[PARTS_MAX][32];
	const char *paths[PARTS_MAX];

	for (size_t i = 0; i < s->part_count; i++) {
		snprintf(names[i], sizeof(names[i]), "dump.%zu", s->part_count - 1 - i);
		paths[i] = names[i];
	}
	options.raw = gs_json_u64(fact(s, "base"), &options.raw_base);
	assert_ok(gs_dump_open(paths, s->part_count, &options, ret));
}

static void check_memory(const struct sample *s)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	uint64_t lost;

	open_sample(s, &mem);
	check_facts(s, mem);
	check_attributes(s, &mem->attrs);
	check_ranges(s, mem->ranges, mem->range_count);
	check_pages(s, mem);
	assert_ok(gs_memory_source(mem, NULL, 0, &src));
	check_source(s, src);
	assert_true(gs_json_u64(gs_json_get(s->expect, "lost_bytes"), &lost));
	assert_int_equal(gs_dump_facts(mem)->lost_pages * mem->attrs.page_size, lost);
}

static void check_stream(const struct sample *s)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	FILE *pipe = popen("cat dump.0", "r");
	struct gs_attributes attrs = {0};
	struct gs_error *err = gs_elf_stream_open(fileno(pipe), s->name, NULL, &attrs, &src);

	if (!strcmp(s->name, "elf-unsorted")) {
		assert_int_equal(err->code, GS_ERROR_UNSUPPORTED);
		gs_error_destroy(err);
	} else {
		assert_ok(err);
		check_attributes(s, &attrs);
		check_ranges(s, src->ranges, src->range_count);
		check_source(s, src);
		assert_int_equal(fgetc(pipe), EOF);
	}
	gs_attributes_deinit(&attrs);
	pclose(pipe);
}

static void check_stream_headers(const struct sample *s)
{
	FILE *pipe = popen("cat dump.0", "r");
	struct gs_attributes attrs = {0};
	gs_autofree struct gs_range *segments = NULL;
	size_t count;

	assert_ok(gs_elf_stream_headers(fileno(pipe), s->name, 0, &attrs, &segments, &count));
	check_attributes(s, &attrs);
	for (size_t i = 1; i < count; i++)
		assert_true(segments[i - 1].start <= segments[i].start);
	check_ranges(s, segments, gs_ranges_normalize(segments, count));
	gs_attributes_deinit(&attrs);
	pclose(pipe);
}

static void test_sample(void **state)
{
	struct sample s = {0};
	bool is_elf;

	generate(&s, *state);
	check_memory(&s);
	is_elf = !strcmp(gs_json_string(fact(&s, "format")), "elf") &&
		 !gs_json_is_true(fact(&s, "flattened"));
	if (is_elf && !strstr(s.name, "1tib")) {
		check_stream(&s);
		check_stream_headers(&s);
	}
	gs_json_destroy(s.expect);
}

static int is_description(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".desc");
}

int main(void)
{
	struct CMUnitTest *tests;
	struct dirent **entries;
	int count, failed;

	if (!realpath("tests/gen/gendump", gendump) || !realpath("tests/gen/samples", samples)) {
		fprintf(stderr, "tests/gen is not here: run this in the source folder\n");
		return 1;
	}
	count = scandir(samples, &entries, is_description, alphasort);
	if (count <= 0)
		return 1;
	tests = calloc((size_t)count, sizeof(*tests));
	for (int i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){
			.name = entries[i]->d_name,
			.test_func = test_sample,
			.setup_func = unit_enter_scratch,
			.teardown_func = unit_leave_scratch,
			.initial_state = entries[i]->d_name,
		};
	failed = _cmocka_run_group_tests("dump samples", tests, (size_t)count, NULL, NULL);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	free(tests);
	return failed;
}
