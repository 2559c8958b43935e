/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges, architectures, notes, attributes, selections, memories and the source over them. */
#include <guestscope/base/bytes.h>
#include <guestscope/memory.h>

#include "unit.h"

#define K 1024
#define M (K * K)

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* ---- ranges ---- */

static void test_ranges_normalize(void **state)
{
	struct gs_range ranges[] = {{0x5000, 0x1000}, {0x1000, 0x1000}, {0x2000, 0x1000},
				    {0x5800, 0x100},  {0x9000, 1},      {0x9002, 1},
				    {0x1800, 0x900},  {UINT64_MAX, 1}};
	static const struct gs_range expected[] = {
		{0x1000, 0x2000}, {0x5000, 0x1000}, {0x9000, 1}, {0x9002, 1}, {UINT64_MAX, 1}};

	(void)state;
	assert_int_equal(gs_ranges_normalize(ranges, 8), 5);
	assert_memory_equal(ranges, expected, sizeof(expected));
	assert_int_equal(gs_ranges_total_bytes(ranges, 5), 0x3003);
	assert_int_equal(gs_ranges_normalize(ranges, 0), 0);
}

static void test_ranges_find(void **state)
{
	static const struct gs_range ranges[] = {{0x1000, 0x1000}, {0x4000, 0x2000}};

	(void)state;
	assert_int_equal(gs_ranges_find(ranges, 2, 0), 0);
	assert_int_equal(gs_ranges_find(ranges, 2, 0x1fff), 0);
	assert_int_equal(gs_ranges_find(ranges, 2, 0x2000), 1);
	assert_int_equal(gs_ranges_find(ranges, 2, 0x5fff), 1);
	assert_int_equal(gs_ranges_find(ranges, 2, 0x6000), 2);
	assert_int_equal(gs_ranges_find(ranges, 0, 0), 0);
}

static void test_ranges_intersect(void **state)
{
	static const struct gs_range a[] = {{0, 0x1000}, {0x2000, 0x4000}, {0x8000, 0x1000}};
	static const struct gs_range b[] = {{0x800, 0x2000}, {0x3000, 0x100}, {0x5000, 0x9000}};
	static const struct gs_range expected[] = {{0x800, 0x800},
						   {0x2000, 0x800},
						   {0x3000, 0x100},
						   {0x5000, 0x1000},
						   {0x8000, 0x1000}};
	gs_autofree struct gs_range *common = NULL;
	size_t count;

	(void)state;
	assert_ok(gs_ranges_intersect(a, 3, b, 3, &common, &count));
	assert_int_equal(count, 5);
	assert_memory_equal(common, expected, sizeof(expected));
}

/* ---- architectures ---- */

static void test_arch(void **state)
{
	(void)state;
	for (int i = GS_ARCH_UNKNOWN + 1; i < GS_ARCH_COUNT; i++) {
		const struct gs_arch_info *info = gs_arch_info(i);
		bool big = i == GS_ARCH_S390X;

		assert_int_equal(gs_arch_from_name(info->name), i);
		assert_int_equal(gs_arch_from_machine(info->e_machine, info->is_64bit, big), i);
		assert_int_equal(info->page_size & (info->page_size - 1), 0);
		assert_true(info->prstatus_reg_off +
				    (info->reg_pc > info->reg_sp ? info->reg_pc : info->reg_sp) *
					    (info->is_64bit ? 8u : 4u) <
			    info->prstatus_size);
	}
	assert_int_equal(gs_arch_from_name("i386"), GS_ARCH_I386);
	assert_int_equal(gs_arch_from_name("S390X"), GS_ARCH_S390X);
	assert_int_equal(gs_arch_from_name("ppc64le"), GS_ARCH_PPC64);
	assert_int_equal(gs_arch_from_name("armv7l"), GS_ARCH_ARM);
	assert_int_equal(gs_arch_from_name("Unknown"), GS_ARCH_UNKNOWN);
	assert_int_equal(gs_arch_from_name(""), GS_ARCH_UNKNOWN);
	assert_int_equal(gs_arch_from_machine(62, true, true), GS_ARCH_UNKNOWN);
	assert_string_equal(gs_arch_info(1000)->name, "unknown");
}

/* ---- notes ---- */

static void test_note_cpu(void **state)
{
	uint8_t desc[440] = {0};
	struct gs_note note = {.name = "CORE", .name_size = 4, .type = 1, .desc = desc};
	struct gs_cpu cpu;

	(void)state;
	gs_put_u32(desc + 32, 3, false);
	gs_put_u64(desc + 112 + 16 * 8, 0xffffffff81000000, false);
	gs_put_u64(desc + 112 + 19 * 8, 0x1234, false);
	note.desc_size = 335;
	assert_false(gs_note_cpu(&note, GS_ARCH_X86_64, false, &cpu));
	note.desc_size = 336;
	assert_true(gs_note_cpu(&note, GS_ARCH_X86_64, false, &cpu));
	assert_true(cpu.has_number && !cpu.has_cr3);
	assert_int_equal(cpu.number, 3);
	assert_int_equal(cpu.pc, 0xffffffff81000000);
	assert_int_equal(cpu.sp, 0x1234);
	assert_false(gs_note_cpu(&note, GS_ARCH_MIPS64, true, &cpu));
	note = (struct gs_note){.name = "QEMU", .name_size = 4, .desc = desc, .desc_size = 432};
	gs_put_u64(desc + 416, 0x5000, false);
	assert_true(gs_note_cpu(&note, GS_ARCH_I386, false, &cpu));
	assert_true(cpu.has_cr3 && !cpu.has_number);
	assert_int_equal(cpu.cr3, 0x5000);
	note.desc_size = 431;
	assert_false(gs_note_cpu(&note, GS_ARCH_I386, false, &cpu));
}

static size_t put_note(uint8_t *to, const char *name, uint32_t type, const char *desc, size_t size,
		       bool big_endian)
{
	size_t name_size = strlen(name) + 1, padded = (name_size + 3) & ~(size_t)3;

	memset(to, 0, 12 + padded + size + 3);
	gs_put_u32(to, (uint32_t)name_size, big_endian);
	gs_put_u32(to + 4, (uint32_t)size, big_endian);
	gs_put_u32(to + 8, type, big_endian);
	memcpy(to + 12, name, name_size);
	memcpy(to + 12 + padded, desc, size);
	return 12 + padded + ((size + 3) & ~(size_t)3);
}

static void test_notes(void **state)
{
	struct gs_attributes attrs = {.big_endian = true};
	uint8_t blob[512];
	size_t size = 0;

	(void)state;
	size += put_note(blob + size, "CORE", GS_NT_PRSTATUS, "regs", 4, true);
	size += put_note(blob + size, "CORE", GS_NT_PRSTATUS, "regs", 4, true);
	size += put_note(blob + size, "COREX", GS_NT_PRSTATUS, "regs", 4, true);
	size += put_note(blob + size, "VMCOREINFO", 0, "A=1\n", 4, true);
	size += put_note(blob + size, "VMCOREINFO", 0, "B=2\nC", 5, true);
	attrs.notes = malloc(size);
	memcpy(attrs.notes, blob, size);
	attrs.notes_size = size;
	assert_ok(gs_attributes_read_notes(&attrs));
	assert_int_equal(attrs.cpu_count, 2);
	assert_string_equal(attrs.vmcoreinfo, "A=1\n");
	assert_int_equal(attrs.vmcoreinfo_size, 4);
	gs_attributes_deinit(&attrs);
	assert_null(attrs.notes);
}

/* Cut at every byte: never beyond the end, and what is whole before the cut is still found. */
/* The mark of a live dump is one more note, in the guest's byte order, and found again. */
static void check_mark(bool big_endian, size_t notes_size)
{
	struct gs_attributes attrs = {.big_endian = big_endian,
				      .notes = calloc(1, notes_size + 1),
				      .notes_size = notes_size};

	assert_ok(gs_attributes_mark_live(&attrs));
	assert_ok(gs_attributes_mark_live(&attrs)); /* once is enough */
	assert_int_equal(attrs.notes_size, (notes_size + 3) / 4 * 4 + 12 + 12);
	attrs.live = false;
	assert_ok(gs_attributes_read_notes(&attrs));
	assert_true(attrs.live);
	attrs.big_endian = !big_endian;
	attrs.live = false;
	assert_ok(gs_attributes_read_notes(&attrs));
	assert_false(attrs.live);
	gs_attributes_deinit(&attrs);
}

static void test_live_mark(void **state)
{
	(void)state;
	check_mark(false, 0);
	check_mark(true, 0);
	check_mark(false, 12); /* an empty note before it */
	check_mark(true, 24);
}

static void test_notes_cut(void **state)
{
	uint8_t blob[256];
	size_t first = put_note(blob, "CORE", 1, "12345", 5, false);
	size_t size = first + put_note(blob + first, "QEMU", 0, "abcdefgh", 8, false);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		gs_autofree uint8_t *exact = malloc(cut + !cut);
		struct gs_attributes attrs = {.notes = exact, .notes_size = cut, .cpu_count = 7};
		struct gs_note note;
		bool found = false;
		size_t pos = 0;

		memcpy(exact, blob, cut);
		assert_ok(gs_attributes_read_notes(&attrs));
		assert_int_equal(attrs.cpu_count, cut >= first - 3 ? 1 : 7);
		if (!cut || cut >= first - 3) /* the padding may be missing */
			assert_ok(gs_note_next(exact, cut, false, &pos, &note, &found));
		else
			assert_error(gs_note_next(exact, cut, false, &pos, &note, &found),
				     GS_ERROR_CORRUPT, NULL);
		assert_int_equal(found, cut >= first - 3);
		if (found && cut > first)
			assert_error(gs_note_next(exact, cut, false, &pos, &note, &found),
				     GS_ERROR_CORRUPT, NULL);
		assert_int_equal(pos, cut);
	}
}

static void test_notes_absurd(void **state)
{
	uint8_t blob[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct gs_note note;
	size_t pos = 0;
	bool found;

	(void)state;
	assert_error(gs_note_next(blob, sizeof(blob), false, &pos, &note, &found), GS_ERROR_CORRUPT,
		     "note: name at 0xc: need 4294967295 bytes, 4 left");
	assert_int_equal(pos, sizeof(blob));
}

static void test_attributes_copy(void **state)
{
	struct gs_attributes from = {
		.arch = GS_ARCH_ARM,
		.notes = (uint8_t *)"note",
		.notes_size = 4,
		.vmcoreinfo = (char *)"X=1\n",
		.vmcoreinfo_size = 4,
		.utsname = {"Linux"},
	};
	struct gs_attributes copy;

	(void)state;
	assert_ok(gs_attributes_copy(&from, &copy));
	assert_int_equal(copy.arch, GS_ARCH_ARM);
	assert_memory_equal(copy.notes, "note", 4);
	assert_string_equal(copy.vmcoreinfo, "X=1\n");
	assert_string_equal(copy.utsname[GS_UTS_SYSNAME], "Linux");
	assert_null(copy.eraseinfo);
	assert_ptr_not_equal(copy.notes, from.notes);
	gs_attributes_deinit(&copy);
}

/* ---- selections, against a plain array of flags ---- */

#define MODEL_PAGES 140000

static void check_selection(const struct gs_selection *sel, const bool *keeps)
{
	uint64_t kept = 0, count;
	gs_pfn_t pfn = 0, first;

	for (size_t i = 0; i < MODEL_PAGES; i++) {
		kept += keeps[i];
		assert_int_equal(gs_selection_keeps(sel, i), keeps[i]);
	}
	assert_int_equal(gs_selection_kept_pages(sel), kept);
	for (;;) {
		gs_selection_next(sel, pfn, UINT64_MAX, &first, &count);
		for (; pfn < first; pfn++)
			assert_false(keeps[pfn]);
		if (!count)
			break;
		for (; pfn < first + count; pfn++)
			assert_true(keeps[pfn]);
	}
	assert_int_equal(first, gs_selection_end_pfn(sel));
}

static void test_selection_model(void **state)
{
	static const struct gs_range ranges[] = {{0x800, 0x1900},
						 {0x3123, 0x10},
						 {UINT64_C(0x100) * K, UINT64_C(300) * M},
						 {UINT64_C(400) * M, UINT64_C(100) * M}};
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *sel = NULL;
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *copy = NULL;
	bool *keeps = calloc(MODEL_PAGES, sizeof(*keeps));
	uint64_t total = 0;
	uint32_t seed = 5;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (gs_pfn_t pfn = ranges[i].start / 4096;
		     pfn <= (ranges[i].start + ranges[i].size - 1) / 4096; pfn++)
			keeps[pfn] = true;
	}
	for (size_t i = 0; i < MODEL_PAGES; i++)
		total += keeps[i];
	assert_ok(gs_selection_create(ranges, 4, 4096, &sel));
	assert_int_equal(gs_selection_total_pages(sel), total);
	assert_int_equal(gs_selection_end_pfn(sel), 500 * M / 4096);
	check_selection(sel, keeps);
	for (int round = 0; round < 60; round++) {
		gs_pfn_t first = next_random(&seed) % MODEL_PAGES;
		uint64_t count = next_random(&seed) % (round % 5 ? 900 : 70000);

		assert_ok(gs_selection_drop(sel, first, count));
		for (gs_pfn_t pfn = first; pfn < first + count && pfn < MODEL_PAGES; pfn++)
			keeps[pfn] = false;
		if (round % 6 == 0)
			check_selection(sel, keeps);
	}
	assert_ok(gs_selection_copy(sel, &copy));
	assert_ok(gs_selection_drop(sel, 0, UINT64_MAX));
	assert_int_equal(gs_selection_kept_pages(sel), 0);
	check_selection(copy, keeps);
	assert_int_equal(gs_selection_total_pages(copy), total);
	free(keeps);
}

/* 32 TiB of which most is dropped: only the blocks around them cost anything. */
static void test_selection_huge(void **state)
{
	static const struct gs_range ranges[] = {{0, UINT64_C(1) << 45}};
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *sel = NULL;
	uint64_t total = UINT64_C(1) << 33, count;
	gs_pfn_t first;

	(void)state;
	assert_ok(gs_selection_create(ranges, 1, 4096, &sel));
	assert_ok(gs_selection_drop(sel, 1000, 1));
	assert_ok(gs_selection_drop(sel, 2000, total - 3000));
	assert_int_equal(gs_selection_kept_pages(sel), 3000 - 1);
	gs_selection_next(sel, 1000, UINT64_MAX, &first, &count);
	assert_int_equal(first, 1001);
	assert_int_equal(count, 999);
	gs_selection_next(sel, 2000, UINT64_MAX, &first, &count);
	assert_int_equal(first, total - 1000);
	assert_int_equal(count, 1000);
	gs_selection_next(sel, 2000, total - 1000, &first, &count);
	assert_int_equal(count, 0);
	gs_selection_next(sel, 2000, total - 999, &first, &count);
	assert_int_equal(first, total - 1000);
	assert_int_equal(count, 1000);
}

static void test_selection_empty(void **state)
{
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *sel = NULL;
	uint64_t count;
	gs_pfn_t first;
	size_t n;

	(void)state;
	assert_ok(gs_selection_create(NULL, 0, 4096, &sel));
	assert_ok(gs_selection_drop(sel, 0, 100));
	gs_selection_next(sel, 0, UINT64_MAX, &first, &count);
	assert_int_equal(count, 0);
	assert_int_equal(gs_selection_end_pfn(sel), 0);
	gs_selection_ranges(sel, &n);
	assert_int_equal(n, 0);
}

/* ---- a memory whose every 512 bytes say their address ---- */

struct stretch {
	gs_gpa_t end;
	enum gs_extent kind;
};

struct test_memory {
	struct gs_memory mem;
	const struct stretch *stretches; /* NULL: all is data */
};

static struct gs_error *test_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	(void)mem;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buf)[i] = (uint8_t)((gpa + i) >> 9 ^ (gpa + i) >> 17);
	return NULL;
}

static struct gs_error *test_extent(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
				    enum gs_extent *ret, gs_gpa_t *end_ret)
{
	const struct stretch *s = ((struct test_memory *)mem)->stretches;

	while (s->end <= gpa)
		s++;
	*ret = s->kind;
	*end_ret = s->end < limit ? s->end : limit;
	return NULL;
}

static const struct gs_memory_ops plain_ops = {.format = "test", .read = test_read};
static const struct gs_memory_ops extent_ops = {
	.format = "test", .read = test_read, .extent = test_extent};

static struct gs_memory *new_memory(const struct gs_range *ranges, size_t count,
				    const struct stretch *stretches)
{
	struct test_memory *m = calloc(1, sizeof(*m));

	m->mem.ops = stretches ? &extent_ops : &plain_ops;
	m->mem.name = strdup("test");
	m->mem.ranges = calloc(count, sizeof(*ranges));
	memcpy(m->mem.ranges, ranges, count * sizeof(*ranges));
	m->mem.range_count = count;
	m->mem.attrs.page_size = 4096;
	m->stretches = stretches;
	return &m->mem;
}

static void test_memory_read(void **state)
{
	static const struct gs_range ranges[] = {{0x1000, 0x1000}, {0x4000, 0x1000}};
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = new_memory(ranges, 2, NULL);
	uint8_t buf[0x2000];
	enum gs_extent kind;
	gs_gpa_t end;

	(void)state;
	assert_ok(gs_memory_read(mem, 0x1000, buf, 0x1000));
	assert_ok(gs_memory_read(mem, 0x9999, buf, 0));
	assert_error(gs_memory_read(mem, 0xfff, buf, 2), GS_ERROR_NODATA,
		     "test: 0xfff: not in any range");
	assert_error(gs_memory_read(mem, 0x1800, buf, 0x801), GS_ERROR_NODATA,
		     "test: 0x2000: not in any range");
	assert_error(gs_memory_read(mem, 0x5000, buf, 1), GS_ERROR_NODATA, NULL);
	assert_ok(gs_memory_extent(mem, 0, &kind, &end));
	assert_int_equal(kind, GS_EXTENT_HOLE);
	assert_int_equal(end, 0x1000);
	assert_ok(gs_memory_extent(mem, 0x4800, &kind, &end));
	assert_int_equal(kind, GS_EXTENT_DATA);
	assert_int_equal(end, 0x5000);
	assert_ok(gs_memory_extent(mem, 0x5000, &kind, &end));
	assert_int_equal(kind, GS_EXTENT_HOLE);
	assert_int_equal(end, GS_GPA_MAX);
}

/* ---- sources ---- */

struct expected_chunk {
	gs_gpa_t gpa;
	uint64_t size;
	enum gs_extent kind;
	const char *pages; /* D, Z or E each; NULL: not looked at */
};

/* Takes @src. */
static void check_source(struct gs_memory *mem, struct gs_page_source *src,
			 const struct expected_chunk *expected)
{
	struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	uint8_t *check = malloc(GS_CHUNK_BYTES);
	bool end;

	chunk->buffer = malloc(GS_CHUNK_BYTES);
	for (; expected->size; expected++) {
		assert_ok(gs_page_source_next(src, chunk, &end));
		assert_false(end);
		assert_int_equal(chunk->gpa, expected->gpa);
		assert_int_equal(chunk->size, expected->size);
		assert_int_equal(chunk->kind, expected->kind);
		for (size_t i = 0; expected->pages && expected->pages[i]; i++)
			assert_int_equal("DZE"[chunk->page[i]], expected -> pages[i]);
		assert_ok(gs_page_source_load(src, chunk));
		if (chunk->kind != GS_EXTENT_DATA) {
			assert_null(chunk->data);
			continue;
		}
		assert_ok(test_read(mem, chunk->gpa, check, chunk->size));
		for (size_t i = 0; i < chunk->size; i++) {
			size_t page = ((chunk->gpa & 4095) + i) / 4096;

			if (chunk->page[page] == GS_EXTENT_DATA)
				assert_int_equal(chunk->data[i], check[i]);
		}
	}
	assert_ok(gs_page_source_next(src, chunk, &end));
	assert_true(end);
	assert_ok(gs_page_source_next(src, chunk, &end));
	assert_true(end);
	free(chunk->buffer);
	free(chunk);
	free(check);
	gs_page_source_destroy(src);
}

static void check_chunks(struct gs_memory *mem, const struct gs_range *ranges, size_t range_count,
			 const struct expected_chunk *expected)
{
	struct gs_page_source *src;

	assert_ok(gs_memory_source(mem, ranges, range_count, &src));
	check_source(mem, src, expected);
}

static void test_source_plain(void **state)
{
	static const struct gs_range ranges[] = {{0x800, 0x100}, {M - 0x1000, M + 0x1800}};
	static const struct gs_range some[] = {{M - 0x800, 0x1000}};
	static const struct expected_chunk all_chunks[] = {
		{0x800, 0x100, GS_EXTENT_DATA, "D"},
		{M - 0x1000, 0x1000, GS_EXTENT_DATA, "D"},
		{M, M, GS_EXTENT_DATA, "DD"},
		{2 * M, 0x800, GS_EXTENT_DATA, "D"},
		{0}};
	static const struct expected_chunk some_chunks[] = {
		{M - 0x800, 0x800, GS_EXTENT_DATA, "D"}, {M, 0x800, GS_EXTENT_DATA, "D"}, {0}};
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = new_memory(ranges, 2, NULL);

	(void)state;
	check_chunks(mem, NULL, 0, all_chunks);
	check_chunks(mem, some, 1, some_chunks);
}

/* Short stretches are pages of a chunk, those that reach its end are runs of any length. */
static void test_source_extents(void **state)
{
	static const struct gs_range ranges[] = {{0, UINT64_C(1) << 40}};
	static const struct stretch stretches[] = {{0x1000, GS_EXTENT_ZERO},
						   {0x2800, GS_EXTENT_DATA},
						   {0x4000, GS_EXTENT_ZERO},
						   {0x5800, GS_EXTENT_EXCLUDED},
						   {0x6000, GS_EXTENT_DATA},
						   {0x7000, GS_EXTENT_DATA},
						   {UINT64_C(1) << 39, GS_EXTENT_ZERO},
						   {(UINT64_C(1) << 39) + 0x800, GS_EXTENT_DATA},
						   {UINT64_C(1) << 40, GS_EXTENT_EXCLUDED}};
	static const struct expected_chunk chunks[] = {
		{0, M, GS_EXTENT_DATA, "ZDDZEEDZ"},
		{M, (UINT64_C(1) << 39) - M, GS_EXTENT_ZERO, NULL},
		{UINT64_C(1) << 39, UINT64_C(1) << 39, GS_EXTENT_EXCLUDED, NULL},
		{0}};
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = new_memory(ranges, 1, stretches);

	(void)state;
	check_chunks(mem, NULL, 0, chunks);
}

/* A run ends where its last whole page does. */
static void test_source_odd_run(void **state)
{
	static const struct gs_range ranges[] = {{0x800, 4 * M}};
	static const struct stretch stretches[] = {{2 * M + 0x200, GS_EXTENT_ZERO},
						   {3 * M, GS_EXTENT_DATA},
						   {4 * M + 0x800, GS_EXTENT_ZERO}};
	static const struct expected_chunk chunks[] = {{0x800, 2 * M - 0x800, GS_EXTENT_ZERO, NULL},
						       {2 * M, M, GS_EXTENT_DATA, "DDD"},
						       {3 * M, M + 0x800, GS_EXTENT_ZERO, NULL},
						       {0}};
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = new_memory(ranges, 1, stretches);

	(void)state;
	check_chunks(mem, NULL, 0, chunks);
}

/* What is not kept is EXCLUDED without being asked about: there the memory has no answer. */
static void test_source_selection(void **state)
{
	static const struct gs_range ranges[] = {{0x1000, 4 * M - 0x1000}};
	static const struct stretch stretches[] = {{0x3000, GS_EXTENT_DATA},
						   {0x5000, GS_EXTENT_ZERO},
						   {M + 0x2000, GS_EXTENT_DATA},
						   {0, GS_EXTENT_HOLE}};
	static const struct expected_chunk chunks[] = {
		{0x1000, M - 0x1000, GS_EXTENT_DATA, "DEEZDED"},
		{M, M, GS_EXTENT_DATA, "DEEE"},
		{2 * M, 2 * M, GS_EXTENT_EXCLUDED, NULL},
		{0}};
	static const struct expected_chunk nothing[] = {
		{0x1000, 4 * M - 0x1000, GS_EXTENT_EXCLUDED, NULL}, {0}};
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = new_memory(ranges, 1, stretches);
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *sel = NULL;
	struct gs_page_source *src;

	(void)state;
	assert_ok(gs_selection_create(ranges, 1, 4096, &sel));
	assert_ok(gs_selection_drop(sel, 2, 2));
	assert_ok(gs_selection_drop(sel, 6, 1));
	assert_ok(gs_selection_drop(sel, 0x101, 0x400));
	assert_ok(gs_selection_source(mem, sel, &src));
	check_source(mem, src, chunks);
	assert_ok(gs_selection_drop(sel, 0, UINT64_MAX));
	assert_ok(gs_selection_source(mem, sel, &src));
	check_source(mem, src, nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_normalize), cmocka_unit_test(test_ranges_find),
		cmocka_unit_test(test_ranges_intersect), cmocka_unit_test(test_arch),
		cmocka_unit_test(test_note_cpu),         cmocka_unit_test(test_notes),
		cmocka_unit_test(test_live_mark),        cmocka_unit_test(test_notes_cut),
		cmocka_unit_test(test_notes_absurd),     cmocka_unit_test(test_attributes_copy),
		cmocka_unit_test(test_selection_model),  cmocka_unit_test(test_selection_huge),
		cmocka_unit_test(test_selection_empty),  cmocka_unit_test(test_memory_read),
		cmocka_unit_test(test_source_plain),     cmocka_unit_test(test_source_extents),
		cmocka_unit_test(test_source_odd_run),   cmocka_unit_test(test_source_selection),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
