/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF and kdump files as written, taken apart by offsets from the formats' definitions. */
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <guestscope/base/bytes.h>
#include <guestscope/dump.h>
#include <guestscope/job.h>

#include "fake_memory.h"

#define MIB (UINT64_C(1) << 20)
#define CAPACITY (64 * MIB)

static const struct gs_range two_ranges[] = {{0, 0xa0000}, {0x100000, 3 * MIB + 0x1800}};

struct fixture {
	struct fake_memory f;
	struct gs_layout layout;
	struct gs_selection *selection;
	struct buffer_sink out;
	struct gs_writer_stats stats;
};

static void setup(struct fixture *x, enum gs_dump_format format, enum gs_codec codec,
		  const struct gs_range *ranges, size_t count)
{
	memset(x, 0, sizeof(*x));
	fake_init(&x->f, ranges, count);
	assert_ok(gs_selection_create(ranges, count, 4096, &x->selection));
	x->layout = (struct gs_layout){
		.format = format,
		.codec = codec,
		.attrs = &x->f.mem.attrs,
		.selection = x->selection,
		.share_zero = true,
	};
	buffer_init(&x->out, CAPACITY);
}

static void teardown(struct fixture *x)
{
	gs_selection_destroy(x->selection);
	buffer_deinit(&x->out);
}

static void write_to(struct fixture *x, struct gs_sink *sink)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	GS_CLEANUP(gs_writer_destroy) struct gs_writer *writer = NULL;

	assert_ok(gs_memory_source(&x->f.mem, NULL, 0, &src));
	assert_ok(gs_writer_create(&x->layout, sink, &writer));
	assert_ok(gs_writer_begin(writer));
	assert_ok(gs_pipeline_run(src, writer, sink->positional, 2, NULL));
	assert_ok(gs_writer_finish(writer, &x->stats));
}

static void write_file(struct fixture *x)
{
	uint64_t max_bytes;

	write_to(x, &x->out.sink);
	assert_true(x->out.finished);
	assert_ok(gs_layout_max_bytes(&x->layout, &max_bytes));
	if (x->layout.format == GS_DUMP_ELF)
		assert_int_equal(max_bytes, x->out.size);
	else
		assert_true(max_bytes >= x->out.size);
}

static uint32_t u32(const struct fixture *x, uint64_t off)
{
	return gs_get_u32(x->out.data + off, x->f.mem.attrs.big_endian);
}

static uint64_t u64(const struct fixture *x, uint64_t off)
{
	return gs_get_u64(x->out.data + off, x->f.mem.attrs.big_endian);
}

/* ---- kdump ---- */

/* A 64-bit little-endian file, as a reader sees it. */
struct kdump_view {
	uint64_t max_mapnr, bitmap1, bitmap2, table;
};

static struct kdump_view view(const struct fixture *x)
{
	uint64_t sub_blocks = u32(x, 432), bitmap_blocks = u32(x, 436);
	struct kdump_view v = {.max_mapnr = u64(x, 4096 + 96), .bitmap1 = 4096 * (1 + sub_blocks)};

	assert_memory_equal(x->out.data, "KDUMP   ", 8);
	assert_int_equal(u32(x, 8), 6);
	assert_int_equal(u32(x, 428), 4096);
	assert_int_equal(u32(x, 440), v.max_mapnr);
	assert_int_equal(bitmap_blocks, 2 * ((v.max_mapnr + 8 * 4096 - 1) / (8 * 4096)));
	v.bitmap2 = v.bitmap1 + bitmap_blocks / 2 * 4096;
	v.table = v.bitmap1 + bitmap_blocks * 4096;
	return v;
}

static bool bit(const struct fixture *x, uint64_t bitmap, gs_pfn_t pfn)
{
	return x->out.data[bitmap + pfn / 8] >> (pfn % 8) & 1;
}

/* Page @pfn, whose descriptor is at @desc, must hold what the fake guest has up to @end. */
static void check_page(const struct fixture *x, gs_pfn_t pfn, uint64_t desc, gs_gpa_t end)
{
	uint64_t off = u64(x, desc);
	uint32_t size = u32(x, desc + 8), flags = u32(x, desc + 12);
	uint8_t expected[4096], page[4096];
	enum gs_codec codec;

	assert_true(off > 0 && off + size <= x->out.size);
	assert_int_equal(u64(x, desc + 16), 0);
	assert_true(gs_codec_from_flag(flags, &codec));
	if (flags)
		assert_true(size < 4096 && codec == x->layout.codec);
	else
		assert_int_equal(size, 4096);
	assert_ok(gs_codec_decompress(codec, NULL, x->out.data + off, size, page, sizeof(page)));
	fake_page(&x->f, pfn, expected);
	if (end < (pfn + 1) * 4096)
		memset(expected + end % 4096, 0, 4096 - end % 4096);
	assert_memory_equal(page, expected, sizeof(page));
}

/* All pages of the ranges; @expected says which of them have a descriptor. */
static uint64_t check_pages(const struct fixture *x, bool (*expected)(gs_pfn_t pfn))
{
	struct kdump_view v = view(x);
	const struct gs_range *r = x->f.ranges;
	uint64_t count = 0;
	size_t i = 0;

	for (gs_pfn_t pfn = 0; pfn < v.max_mapnr; pfn++) {
		bool ram, present;

		while (i < x->f.mem.range_count && r[i].start + r[i].size <= pfn * 4096)
			i++;
		ram = i < x->f.mem.range_count && r[i].start < (pfn + 1) * 4096;
		present = ram && (!expected || expected(pfn));
		assert_int_equal(bit(x, v.bitmap1, pfn), ram);
		assert_int_equal(bit(x, v.bitmap2, pfn), present);
		if (present)
			check_page(x, pfn, v.table + 24 * count++, r[i].start + r[i].size);
	}
	assert_int_equal(x->stats.pages, count);
	assert_int_equal(x->stats.file_bytes, x->out.size);
	return count;
}

static void test_kdump_codecs(void **state)
{
	(void)state;
	for (int codec = 0; codec < GS_CODEC_COUNT; codec++) {
		struct fixture x;

		setup(&x, GS_DUMP_KDUMP, (enum gs_codec)codec, two_ranges, 2);
		write_file(&x);
		assert_int_equal(check_pages(&x, NULL), 160 + 770);
		assert_int_equal(u32(&x, 424), gs_codec_info((enum gs_codec)codec)->kdump_flag);
		assert_int_equal(u32(&x, 4096 + 8), 1); /* dump_level */
		assert_int_equal(x.stats.zero_pages, (160 + 768) / 4 + 1);
		teardown(&x);
	}
}

static bool is_not_zero(gs_pfn_t pfn)
{
	return pfn % 4 != 0;
}

static void test_kdump_zero_pages(void **state)
{
	struct fixture x;
	struct kdump_view v;

	(void)state;
	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, two_ranges, 2);
	write_file(&x);
	v = view(&x);
	assert_int_equal(u64(&x, v.table), v.table + 24 * 930); /* the first data slot */
	assert_int_equal(u64(&x, v.table), u64(&x, v.table + 4 * 24));
	assert_int_equal(u32(&x, v.table + 12), 0);
	teardown(&x);

	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, two_ranges, 2);
	x.layout.drop_zero = true;
	write_file(&x);
	check_pages(&x, is_not_zero);
	assert_int_equal(x.stats.dropped_pages, (160 + 768) / 4 + 1);
	teardown(&x);
}

/* Level 0: each zero page is stored by itself, be it found or known beforehand. */
static void test_kdump_level_0(void **state)
{
	const enum gs_codec codecs[] = {GS_CODEC_ZLIB, GS_CODEC_NONE};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fixture x;
		uint64_t table;

		setup(&x, GS_DUMP_KDUMP, codecs[i], two_ranges, 2);
		x.layout.share_zero = false;
		x.f.hollow = 0x100000;
		x.f.hollow_end = 0x300000;
		write_file(&x);
		check_pages(&x, NULL);
		assert_int_equal(u32(&x, 4096 + 8), 0);
		table = view(&x).table;
		for (uint64_t pfn = 1; pfn < 930; pfn++)
			assert_int_equal(u64(&x, table + 24 * pfn),
					 u64(&x, table + 24 * pfn - 24) +
						 u32(&x, table + 24 * pfn - 24 + 8));
		teardown(&x);
	}
}

static bool is_not_excluded(gs_pfn_t pfn)
{
	return pfn != 7 && !(pfn >= 0x180 && pfn < 0x190) && !(pfn >= 0x200 && pfn < 0x340);
}

static void test_kdump_left_out(void **state)
{
	struct fixture x;

	(void)state;
	setup(&x, GS_DUMP_KDUMP, GS_CODEC_LZO, two_ranges, 2);
	assert_ok(gs_selection_drop(x.selection, 7, 1));
	assert_ok(gs_selection_drop(x.selection, 0x180, 0x10));
	x.f.excluded = 0x200000; /* some in their own run, some in a chunk with others */
	x.f.excluded_end = 0x340000;
	write_file(&x);
	check_pages(&x, is_not_excluded);
	teardown(&x);
}

static const char prstatus_note[] = "\5\0\0\0\4\0\0\0\1\0\0\0CORE\0\0\0\0body";
static const char vmcoreinfo[] = "OSRELEASE=6.1\nNUMBER(phys_base)=-20971520\n";

static void give_attributes(struct gs_attributes *a)
{
	const char *const names[] = {"Linux", "guest", "6.1", "#1 SMP", "x86_64", "(none)"};

	for (int i = 0; i < GS_UTSNAME_FIELDS; i++)
		strcpy(a->utsname[i], names[i]);
	a->has_phys_base = true;
	a->phys_base = -20971520;
	a->notes = (uint8_t *)(uintptr_t)prstatus_note;
	a->notes_size = 24;
	a->vmcoreinfo = (char *)(uintptr_t)vmcoreinfo;
	a->vmcoreinfo_size = sizeof(vmcoreinfo) - 1;
	a->eraseinfo = (uint8_t *)(uintptr_t) "erase me\n";
	a->eraseinfo_size = 9;
}

static void test_kdump_attributes(void **state)
{
	struct fixture x;
	uint64_t note, text;

	(void)state;
	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, two_ranges, 2);
	give_attributes(&x.f.mem.attrs);
	x.f.mem.attrs.dump_level = 16;
	x.f.mem.attrs.incomplete = true;
	x.f.mem.attrs.timestamp_sec = 77;
	write_file(&x);
	check_pages(&x, NULL);
	assert_string_equal((char *)x.out.data + 12, "Linux");
	assert_string_equal((char *)x.out.data + 12 + 4 * 65, "x86_64");
	assert_string_equal((char *)x.out.data + 12 + 5 * 65, "(none)");
	assert_int_equal(u64(&x, 408), 77);
	assert_int_equal(u32(&x, 424), 1 | 8);
	assert_int_equal(u32(&x, 460), 2);
	assert_int_equal((int64_t)u64(&x, 4096), -20971520);
	assert_int_equal(u32(&x, 4096 + 8), 17);
	note = u64(&x, 4096 + 48);
	assert_int_equal(note, 4096 + 104);
	assert_int_equal(u64(&x, 4096 + 56), 24 + 12 + 12 + 44);
	assert_memory_equal(x.out.data + note, prstatus_note, 24);
	text = u64(&x, 4096 + 32);
	assert_int_equal(text, note + 24 + 24);
	assert_int_equal(u64(&x, 4096 + 40), sizeof(vmcoreinfo) - 1);
	assert_memory_equal(x.out.data + text, vmcoreinfo, sizeof(vmcoreinfo) - 1);
	assert_memory_equal(x.out.data + u64(&x, 4096 + 64), "erase me\n", 9);
	teardown(&x);
}

/* The text that is in the notes already is pointed to and not put there again. */
static void test_kdump_vmcoreinfo_in_notes(void **state)
{
	static const char notes[] = "\13\0\0\0\5\0\0\0\0\0\0\0VMCOREINFO\0\0A=1\n\0\0\0\0";
	struct fixture x;

	(void)state;
	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, two_ranges, 2);
	x.f.mem.attrs.notes = (uint8_t *)(uintptr_t)notes;
	x.f.mem.attrs.notes_size = sizeof(notes) - 1;
	x.f.mem.attrs.vmcoreinfo = (char *)(uintptr_t) "A=1\n";
	x.f.mem.attrs.vmcoreinfo_size = 4;
	write_file(&x);
	assert_int_equal(u64(&x, 4096 + 56), sizeof(notes) - 1);
	assert_int_equal(u64(&x, 4096 + 32), 4096 + 104 + 24);
	assert_int_equal(u64(&x, 4096 + 40), 4);
	teardown(&x);
}

static void test_kdump_32bit(void **state)
{
	struct fixture x;

	(void)state;
	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, two_ranges, 2);
	give_attributes(&x.f.mem.attrs);
	x.f.mem.attrs.arch = GS_ARCH_I386;
	x.f.mem.attrs.is_64bit = false;
	write_file(&x);
	assert_int_equal(u32(&x, 412), 1);                   /* status */
	assert_int_equal(u32(&x, 416), 4096);                /* block_size */
	assert_int_equal((int32_t)u32(&x, 4096), -20971520); /* phys_base */
	assert_int_equal(u64(&x, 4096 + 72), 0x402);         /* max_mapnr_64, packed */
	assert_int_equal(u64(&x, 4096 + 32), 4096 + 80);
	teardown(&x);

	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, two_ranges, 2);
	give_attributes(&x.f.mem.attrs);
	x.f.mem.attrs.arch = GS_ARCH_PPC;
	x.f.mem.attrs.is_64bit = false;
	x.f.mem.attrs.big_endian = true;
	write_file(&x);
	assert_int_equal(u32(&x, 8), 6);
	assert_int_equal(u64(&x, 4096 + 72), 0x402);
	assert_int_equal(u64(&x, 4096 + 32), 4096 + 80);
	assert_int_equal(u64(&x, 4096 * 4 + 8), 0x0000100000000000); /* desc 0: size, flags */
	teardown(&x);
}

static void test_kdump_refusals(void **state)
{
	static const struct gs_range sharing[] = {{0x1000, 0x1800}, {0x2a00, 0x1000}};
	struct gs_writer *writer;
	struct fixture x;

	(void)state;
	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, two_ranges, 2);
	x.out.sink.positional = false;
	assert_error(gs_writer_create(&x.layout, &x.out.sink, &writer), GS_ERROR_UNSUPPORTED,
		     "a kdump file cannot be written as a plain stream: flatten it");
	teardown(&x);
	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, sharing, 2);
	assert_error(gs_writer_create(&x.layout, &x.out.sink, &writer), GS_ERROR_UNSUPPORTED,
		     "ranges that end at 0x2800 and start at 0x2a00 share a page of 4096 bytes: "
		     "only ELF can hold them");
	teardown(&x);
}

/* Terabytes of nothing take no memory and only the bitmaps' room. */
static void test_kdump_sparse_terabyte(void **state)
{
	static const struct gs_range ranges[] = {{0, UINT64_C(1) << 38}};
	struct fixture x;
	struct kdump_view v;

	(void)state;
	setup(&x, GS_DUMP_KDUMP, GS_CODEC_ZLIB, ranges, 1);
	x.f.hollow = 2 * MIB;
	x.f.hollow_end = UINT64_C(1) << 38;
	x.layout.drop_zero = true;
	assert_ok(gs_selection_drop(x.selection, 512, (UINT64_C(1) << 26) - 512));
	write_file(&x);
	v = view(&x);
	assert_int_equal(v.max_mapnr, UINT64_C(1) << 26);
	assert_true(bit(&x, v.bitmap1, v.max_mapnr - 1));
	assert_int_equal(x.stats.pages, 512 - 128);
	assert_true(x.out.size < 20 * MIB);
	teardown(&x);
}

/* ---- flattened ---- */

/* Puts the records back; returns how many there were and, in *back_ret, steps backwards. */
static unsigned int rearrange(const uint8_t *flat, size_t size, struct buffer_sink *to,
			      unsigned int *back_ret)
{
	unsigned int records = 0;
	uint64_t end = 0;
	size_t pos = 4096;

	assert_memory_equal(flat, "makedumpfile\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 32);
	for (*back_ret = 0;; records++) {
		uint64_t off = gs_get_u64(flat + pos, true), n = gs_get_u64(flat + pos + 8, true);

		pos += 16;
		assert_true(pos <= size);
		if (off == UINT64_MAX) {
			assert_true(n == UINT64_MAX && pos == size);
			return records;
		}
		assert_true(n > 0 && n <= size - pos);
		*back_ret += off < end;
		end = off + n;
		assert_ok(gs_sink_write(&to->sink, off, flat + pos, n));
		pos += n;
	}
}

static void check_flattened(enum gs_dump_format format)
{
	gs_autoclose int fd = memfd_create("flat", MFD_CLOEXEC);
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	gs_autofree uint8_t *flat = NULL;
	struct buffer_sink again;
	unsigned int back;
	struct fixture x;
	size_t size;

	setup(&x, format, GS_CODEC_ZLIB, two_ranges, 2);
	buffer_init(&again, CAPACITY);
	write_file(&x);
	assert_ok(gs_flat_sink(fd, "flat", &sink));
	assert_true(sink->flattened && !sink->positional);
	write_to(&x, sink);
	size = (size_t)lseek(fd, 0, SEEK_END);
	flat = malloc(size);
	assert_int_equal(gs_pread_full(fd, flat, size, 0), size);
	if (format == GS_DUMP_KDUMP)
		assert_true(rearrange(flat, size, &again, &back) <= 6);
	else
		rearrange(flat, size, &again, &back);
	assert_true(back <= 2);
	assert_int_equal(again.size, x.out.size);
	assert_memory_equal(again.data, x.out.data, again.size);
	buffer_deinit(&again);
	teardown(&x);
}

static void test_flattened(void **state)
{
	(void)state;
	check_flattened(GS_DUMP_KDUMP);
	check_flattened(GS_DUMP_ELF);
}

/* A file that ends in a hole keeps its size. */
static void test_flattened_gap_at_end(void **state)
{
	gs_autoclose int fd = memfd_create("flat", MFD_CLOEXEC);
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	uint8_t raw[4096 + 4 * 16 + 5];
	struct buffer_sink again;
	unsigned int back;

	(void)state;
	buffer_init(&again, CAPACITY);
	assert_ok(gs_flat_sink(fd, "flat", &sink));
	assert_ok(gs_sink_write(sink, 0, "ab", 2));
	assert_ok(gs_sink_write(sink, 2, "cd", 2));
	assert_ok(gs_sink_finish(sink, 1000));
	assert_int_equal(gs_pread_full(fd, raw, sizeof(raw), 0), 4096 + 3 * 16 + 5);
	assert_int_equal(rearrange(raw, 4096 + 3 * 16 + 5, &again, &back), 2);
	assert_int_equal(again.size, 1000);
	assert_memory_equal(again.data, "abcd\0", 5);
	buffer_deinit(&again);
}

/* ---- ELF ---- */

static const Elf64_Phdr *phdrs(const struct fixture *x)
{
	return (const Elf64_Phdr *)(const void *)(x->out.data + 64);
}

/* The bytes of a PT_LOAD are the guest's. */
static void check_load(const struct fixture *x, uint64_t off, gs_gpa_t gpa, uint64_t size)
{
	assert_true(off + size <= x->out.size);
	while (size) {
		uint64_t skip = gpa % 4096, n = 4096 - skip < size ? 4096 - skip : size;
		uint8_t page[4096];

		fake_page(&x->f, gpa / 4096, page);
		assert_memory_equal(x->out.data + off, page + skip, n);
		gpa += n;
		off += n;
		size -= n;
	}
}

static void check_loads(const struct fixture *x, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		const Elf64_Phdr *p = &phdrs(x)[i];

		assert_int_equal(p->p_type, PT_LOAD);
		assert_int_equal(p->p_filesz, p->p_memsz);
		assert_int_equal(p->p_offset % 4096, p->p_paddr % 4096);
		check_load(x, p->p_offset, p->p_paddr, p->p_filesz);
	}
}

static void test_elf(void **state)
{
	static const struct gs_segment segment = {0x80000, 0x200000, 0xffff888000080000};
	const Elf64_Ehdr *e;
	struct fixture x;

	(void)state;
	setup(&x, GS_DUMP_ELF, GS_CODEC_NONE, two_ranges, 2);
	give_attributes(&x.f.mem.attrs);
	x.layout.segments = &segment;
	x.layout.segment_count = 1;
	x.layout.text = (struct gs_segment){0x101000, 0x300000, 0xffffffff81000000};
	write_file(&x);
	e = (const Elf64_Ehdr *)(const void *)x.out.data;
	assert_int_equal(e->e_type, ET_CORE);
	assert_int_equal(e->e_machine, EM_X86_64);
	assert_int_equal(e->e_phoff, 64);
	assert_int_equal(e->e_ehsize, 64);
	assert_int_equal(e->e_phnum, 6);
	assert_int_equal(e->e_shnum, 0);
	assert_int_equal(phdrs(&x)[0].p_type, PT_NOTE);
	assert_memory_equal(x.out.data + phdrs(&x)[0].p_offset, prstatus_note, 24);
	assert_int_equal(phdrs(&x)[0].p_filesz, 24 + 24 + 44);
	check_loads(&x, 1, 6);
	assert_int_equal(phdrs(&x)[1].p_vaddr, 0); /* no segment: as p_paddr */
	assert_int_equal(phdrs(&x)[2].p_vaddr, 0xffff888000080000);
	assert_int_equal(phdrs(&x)[3].p_vaddr, 0xffff888000100000);
	assert_int_equal(phdrs(&x)[3].p_filesz, 0x180000);
	assert_int_equal(phdrs(&x)[4].p_vaddr, 0x280000);
	/* The text reaches from one PT_LOAD into the next and ends with it. */
	assert_int_equal(phdrs(&x)[5].p_paddr, 0x101000);
	assert_int_equal(phdrs(&x)[5].p_vaddr, 0xffffffff81000000);
	assert_int_equal(phdrs(&x)[5].p_filesz, 0x300000);
	assert_int_equal(x.stats.zero_pages, (160 + 768) / 4 + 1);
	teardown(&x);
}

static void test_elf_left_out(void **state)
{
	struct fixture x;

	(void)state;
	setup(&x, GS_DUMP_ELF, GS_CODEC_NONE, two_ranges, 2);
	assert_ok(gs_selection_drop(x.selection, 0x180, 0x10));
	assert_ok(gs_selection_drop(x.selection, 0, 1));
	x.layout.text = (struct gs_segment){0x100000, 0x200000, 0xffffffff81000000};
	write_file(&x);
	assert_int_equal(gs_get_u16(x.out.data + 56, false), 5);
	check_loads(&x, 0, 5);
	assert_int_equal(phdrs(&x)[0].p_paddr, 0x1000);
	assert_int_equal(phdrs(&x)[1].p_filesz, 0x80000);
	assert_int_equal(phdrs(&x)[2].p_paddr, 0x190000);
	/* What the file has of the text: before and behind the hole. */
	assert_int_equal(phdrs(&x)[3].p_filesz, 0x80000);
	assert_int_equal(phdrs(&x)[4].p_paddr, 0x190000);
	assert_int_equal(phdrs(&x)[4].p_vaddr, 0xffffffff81090000);
	assert_int_equal(phdrs(&x)[4].p_filesz, 0x170000);
	teardown(&x);
}

/* The source lacks a page that the layout counts on. */
static void test_elf_missing_page(void **state)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	GS_CLEANUP(gs_writer_destroy) struct gs_writer *writer = NULL;
	struct fixture x;

	(void)state;
	setup(&x, GS_DUMP_ELF, GS_CODEC_NONE, two_ranges, 2);
	x.f.excluded = 0x104000;
	x.f.excluded_end = 0x105000;
	assert_ok(gs_memory_source(&x.f.mem, NULL, 0, &src));
	assert_ok(gs_writer_create(&x.layout, &x.out.sink, &writer));
	assert_ok(gs_writer_begin(writer));
	assert_error(gs_pipeline_run(src, writer, true, 1, NULL), GS_ERROR_NODATA,
		     "page 0x104 is not in the source");
	teardown(&x);
}

static void test_elf_32bit_big_endian(void **state)
{
	struct fixture x;
	uint64_t phdr = 52;

	(void)state;
	setup(&x, GS_DUMP_ELF, GS_CODEC_NONE, two_ranges, 2);
	x.f.mem.attrs.arch = GS_ARCH_PPC;
	x.f.mem.attrs.is_64bit = false;
	x.f.mem.attrs.big_endian = true;
	write_file(&x);
	assert_int_equal(x.out.data[EI_CLASS], ELFCLASS32);
	assert_int_equal(x.out.data[EI_DATA], ELFDATA2MSB);
	assert_int_equal(gs_get_u16(x.out.data + 18, true), EM_PPC);
	assert_int_equal(u32(&x, 28), phdr);
	assert_int_equal(gs_get_u16(x.out.data + 40, true), 52);
	assert_int_equal(gs_get_u16(x.out.data + 44, true), 2);
	for (int i = 0; i < 2; i++, phdr += 32) {
		assert_int_equal(u32(&x, phdr), PT_LOAD);
		assert_int_equal(u32(&x, phdr + 12), two_ranges[i].start);
		assert_int_equal(u32(&x, phdr + 16), two_ranges[i].size);
		check_load(&x, u32(&x, phdr + 4), u32(&x, phdr + 12), u32(&x, phdr + 16));
	}
	teardown(&x);
}

/* A 32-bit guest with memory above 4 GiB (PAE) needs the 64-bit class. */
static void test_elf_32bit_guest_above_4g(void **state)
{
	static const struct gs_range ranges[] = {{0, 0x1000}, {UINT64_C(1) << 32, 0x1000}};
	struct fixture x;

	(void)state;
	setup(&x, GS_DUMP_ELF, GS_CODEC_NONE, ranges, 2);
	x.f.mem.attrs.arch = GS_ARCH_I386;
	x.f.mem.attrs.is_64bit = false;
	write_file(&x);
	assert_int_equal(x.out.data[EI_CLASS], ELFCLASS64);
	assert_int_equal(gs_get_u16(x.out.data + 18, false), EM_386);
	check_loads(&x, 0, 2);
	teardown(&x);
}

/* Every second page of 1 GiB: more program headers than e_phnum can say. */
static void test_elf_pn_xnum(void **state)
{
	static const struct gs_range ranges[] = {{0, UINT64_C(1) << 30}};
	struct fixture x;
	uint64_t shoff;

	(void)state;
	setup(&x, GS_DUMP_ELF, GS_CODEC_NONE, ranges, 1);
	x.f.hollow_end = UINT64_C(1) << 30;
	for (gs_pfn_t pfn = 1; pfn < 2 * 70000; pfn += 2)
		assert_ok(gs_selection_drop(x.selection, pfn, 1));
	assert_ok(gs_selection_drop(x.selection, 2 * 70000, 1 << 18));
	buffer_deinit(&x.out);
	buffer_init(&x.out, UINT64_C(1) << 30);
	write_file(&x);
	assert_int_equal(gs_get_u16(x.out.data + 56, false), PN_XNUM);
	shoff = u64(&x, 40);
	assert_int_equal(shoff, 64 + 70000 * 56);
	assert_int_equal(gs_get_u16(x.out.data + 60, false), 1);
	assert_int_equal(u32(&x, shoff + 44), 70000);
	assert_int_equal(phdrs(&x)[69999].p_paddr, 4096 * 2 * 69999);
	teardown(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kdump_codecs),
		cmocka_unit_test(test_kdump_zero_pages),
		cmocka_unit_test(test_kdump_level_0),
		cmocka_unit_test(test_kdump_left_out),
		cmocka_unit_test(test_kdump_attributes),
		cmocka_unit_test(test_kdump_vmcoreinfo_in_notes),
		cmocka_unit_test(test_kdump_32bit),
		cmocka_unit_test(test_kdump_refusals),
		cmocka_unit_test(test_kdump_sparse_terabyte),
		cmocka_unit_test(test_flattened),
		cmocka_unit_test(test_flattened_gap_at_end),
		cmocka_unit_test(test_elf),
		cmocka_unit_test(test_elf_left_out),
		cmocka_unit_test(test_elf_missing_page),
		cmocka_unit_test(test_elf_32bit_big_endian),
		cmocka_unit_test(test_elf_32bit_guest_above_4g),
		cmocka_unit_test(test_elf_pn_xnum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
