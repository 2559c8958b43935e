/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kdump-compressed file, judged by its raw headers.
 *
 *	block 0                main header: signature, utsname, block_size, sub_hdr_size, ...
 *	block 1                sub header, notes behind it      (sub_hdr_size blocks)
 *	block 1 + sub_hdr_size bitmap 1, bitmap 2               (bitmap_blocks blocks)
 *	then                   a page descriptor per bit of bitmap 2, then page data
 *
 * Offsets follow the guest's native structs: 64 bits, 32 bits packed (i386, and all that QEMU
 *writes), 32 bits padded (native ARM, MIPS).
 */
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define MAIN_HEADER_BYTES 464
#define SUB_HEADER_BYTES 104
#define BLOCK_SIZE_MIN 4096u
#define BLOCK_SIZE_MAX (1u << 18)
#define BITMAP_BYTES_MAX (UINT64_C(1) << 32)
#define VERSION_MAX 6
#define UTSNAME_OFF 12
#define UTSNAME_BYTES 65
#define STATUS_INCOMPLETE 0x8u
#define STATUS_KNOWN 0x3fu
#define DESC_BYTES 24

enum shape { SHAPE_64, SHAPE_32_PACKED, SHAPE_32_PADDED, SHAPE_COUNT };

/* Where each shape has a sub header field. */
enum sub_field {
	SUB_PHYS_BASE,
	SUB_DUMP_LEVEL,
	SUB_SPLIT,
	SUB_START_PFN,
	SUB_END_PFN,
	SUB_OFFSET_VMCOREINFO,
	SUB_SIZE_VMCOREINFO,
	SUB_OFFSET_NOTE,
	SUB_SIZE_NOTE,
	SUB_START_PFN_64,
	SUB_END_PFN_64,
	SUB_MAX_MAPNR_64,
	SUB_FIELD_COUNT,
};

static const struct {
	uint8_t since;
	uint8_t off[SHAPE_COUNT];
	uint8_t width[SHAPE_COUNT];
} sub_fields[SUB_FIELD_COUNT] = {
	[SUB_PHYS_BASE] = {0, {0, 0, 0}, {8, 4, 4}},
	[SUB_DUMP_LEVEL] = {1, {8, 4, 4}, {4, 4, 4}},
	[SUB_SPLIT] = {2, {12, 8, 8}, {4, 4, 4}},
	[SUB_START_PFN] = {2, {16, 12, 12}, {8, 4, 4}},
	[SUB_END_PFN] = {2, {24, 16, 16}, {8, 4, 4}},
	[SUB_OFFSET_VMCOREINFO] = {3, {32, 20, 24}, {8, 8, 8}},
	[SUB_SIZE_VMCOREINFO] = {3, {40, 28, 32}, {8, 4, 4}},
	[SUB_OFFSET_NOTE] = {4, {48, 32, 40}, {8, 8, 8}},
	[SUB_SIZE_NOTE] = {4, {56, 40, 48}, {8, 4, 4}},
	[SUB_START_PFN_64] = {6, {80, 56, 72}, {8, 8, 8}},
	[SUB_END_PFN_64] = {6, {88, 64, 80}, {8, 8, 8}},
	[SUB_MAX_MAPNR_64] = {6, {96, 72, 88}, {8, 8, 8}},
};

struct kdump {
	struct verify *v;
	struct gs_blob *blob;
	uint8_t main[MAIN_HEADER_BYTES];
	uint8_t sub[SUB_HEADER_BYTES];
	enum shape shape;
	bool wide, big_endian;
	uint32_t version, status, block_size, sub_hdr_size, bitmap_blocks, nr_cpus;
	uint64_t max_mapnr;
	uint64_t start_pfn, end_pfn; /* of a part; all of it if the dump is not split */
	bool split;
	uint8_t *bitmap1, *bitmap2; /* max_mapnr bits, rounded up to 8 bytes */
};

static uint32_t main_u32(const struct kdump *k, size_t off64, size_t off32)
{
	return gs_get_u32(k->main + (k->wide ? off64 : off32), k->big_endian);
}

static uint64_t sub_get(const struct kdump *k, enum sub_field f)
{
	if (k->version < sub_fields[f].since)
		return 0;
	return gs_get_uint(k->sub + sub_fields[f].off[k->shape], sub_fields[f].width[k->shape],
			   k->big_endian);
}

static bool fits(const struct kdump *k)
{
	uint32_t block_size = main_u32(k, 428, 416);
	uint64_t bits = UINT64_C(8) * main_u32(k, 436, 424) * block_size;

	return block_size >= BLOCK_SIZE_MIN && block_size <= BLOCK_SIZE_MAX &&
	       (block_size & (block_size - 1)) == 0 && bits >= main_u32(k, 440, 428);
}

/* Nothing says which class and byte order the header has: the first that makes sense is it. */
static bool find_class(struct kdump *k)
{
	for (int i = 0; i < 4; i++) {
		k->wide = i >= 2;
		k->big_endian = i & 1;
		if (fits(k))
			return true;
	}
	k->wide = true;
	k->big_endian = false;
	verify_find(k->v, GS_SEVERITY_ERROR, "kdump-header", 428,
		    "no class and byte order makes sense of block_size (0x%" PRIx32
		    " as 64-bit little-endian), bitmap_blocks and max_mapnr",
		    main_u32(k, 428, 416));
	return false;
}

static void judge_utsname(struct kdump *k)
{
	static const char *const names[] = {"sysname", "nodename", "release",
					    "version", "machine",  "domainname"};

	for (size_t i = 0; i < 6; i++) {
		const uint8_t *s = k->main + UTSNAME_OFF + i * UTSNAME_BYTES;
		uint64_t off = UTSNAME_OFF + i * UTSNAME_BYTES;

		if (!memchr(s, '\0', UTSNAME_BYTES))
			verify_find(k->v, GS_SEVERITY_ERROR, "kdump-utsname", off,
				    "utsname.%s does not end", names[i]);
		else if (s[0] == '\0' && i != 1 && i != 5)
			verify_find(k->v, GS_SEVERITY_WARNING, "kdump-utsname-empty", off,
				    "utsname.%s is empty: drgn and libkdumpfile need it", names[i]);
	}
}

static void judge_main(struct kdump *k)
{
	k->version = gs_get_u32(k->main + 8, k->big_endian);
	k->status = main_u32(k, 424, 412);
	k->block_size = main_u32(k, 428, 416);
	k->sub_hdr_size = main_u32(k, 432, 420);
	k->bitmap_blocks = main_u32(k, 436, 424);
	k->max_mapnr = main_u32(k, 440, 428);
	k->nr_cpus = main_u32(k, 460, 448);
	judge_utsname(k);
	if (k->version > VERSION_MAX)
		verify_find(k->v, GS_SEVERITY_WARNING, "kdump-version", 8,
			    "header_version is %" PRIu32 ", newest known is %u", k->version,
			    VERSION_MAX);
	if (k->status & ~STATUS_KNOWN)
		verify_find(k->v, GS_SEVERITY_WARNING, "kdump-status", k->wide ? 424 : 412,
			    "status 0x%" PRIx32 " has unknown bits", k->status);
	if (k->status & STATUS_INCOMPLETE)
		verify_find(k->v, GS_SEVERITY_WARNING, "kdump-incomplete", k->wide ? 424 : 412,
			    "the writer says that the dump is incomplete");
	if (k->nr_cpus == 0)
		verify_find(k->v, GS_SEVERITY_WARNING, "kdump-nr-cpus", k->wide ? 460 : 448,
			    "nr_cpus is 0");
}

/* Both views of a 32-bit sub header are possible; the one whose offsets lie in its blocks is right.
 */
static enum shape find_shape(struct kdump *k)
{
	uint64_t end = (UINT64_C(1) + k->sub_hdr_size) * k->block_size, off;

	if (k->wide)
		return SHAPE_64;
	k->shape = SHAPE_32_PACKED;
	off = sub_get(k, SUB_OFFSET_VMCOREINFO);
	if (off == 0)
		off = sub_get(k, SUB_OFFSET_NOTE);
	return off == 0 || (off >= k->block_size && off < end) ? SHAPE_32_PACKED : SHAPE_32_PADDED;
}

static struct gs_error *judge_sub(struct kdump *k)
{
	struct gs_error *err;

	if (k->sub_hdr_size == 0 && k->version > 0)
		verify_find(k->v, GS_SEVERITY_ERROR, "kdump-sub-hdr-size", k->wide ? 432 : 420,
			    "sub_hdr_size is 0, but version %" PRIu32 " has a sub header",
			    k->version);
	err = gs_blob_read(k->blob, "sub header", k->block_size, k->sub, sizeof(k->sub));
	if (err)
		return err;
	k->shape = find_shape(k);
	if (k->version >= 6 && sub_get(k, SUB_MAX_MAPNR_64)) {
		uint64_t max_mapnr = sub_get(k, SUB_MAX_MAPNR_64);
		uint32_t clamped = max_mapnr > UINT32_MAX ? UINT32_MAX : (uint32_t)max_mapnr;

		if (k->max_mapnr != clamped && k->max_mapnr != 0)
			verify_find(k->v, GS_SEVERITY_WARNING, "kdump-max-mapnr",
				    k->wide ? 440 : 428,
				    "max_mapnr is %" PRIu64 ", max_mapnr_64 %" PRIu64, k->max_mapnr,
				    max_mapnr);
		k->max_mapnr = max_mapnr;
	}
	k->split = sub_get(k, SUB_SPLIT) != 0;
	k->end_pfn = k->max_mapnr;
	if (k->split) {
		bool wide = k->version >= 6;

		k->start_pfn = sub_get(k, wide ? SUB_START_PFN_64 : SUB_START_PFN);
		k->end_pfn = sub_get(k, wide ? SUB_END_PFN_64 : SUB_END_PFN);
		if (k->start_pfn > k->end_pfn || k->end_pfn > k->max_mapnr) {
			verify_find(k->v, GS_SEVERITY_ERROR, "kdump-split-range", k->block_size,
				    "part of pages 0x%" PRIx64 " to 0x%" PRIx64 " of 0x%" PRIx64,
				    k->start_pfn, k->end_pfn, k->max_mapnr);
			k->end_pfn = k->max_mapnr;
			k->start_pfn = k->start_pfn > k->end_pfn ? k->end_pfn : k->start_pfn;
		}
	}
	return NULL;
}

static struct gs_error *judge_notes(struct kdump *k)
{
	uint64_t off = sub_get(k, SUB_OFFSET_VMCOREINFO);
	uint64_t size = sub_get(k, SUB_SIZE_VMCOREINFO), note_off = 0, note_size = 0;
	struct gs_error *err = NULL;

	if (sub_get(k, SUB_SIZE_NOTE))
		err = verify_notes(k->v, k->blob, sub_get(k, SUB_OFFSET_NOTE),
				   sub_get(k, SUB_SIZE_NOTE), k->big_endian, &note_off, &note_size);
	if (!err && note_size && off && (note_off != off || note_size != size))
		verify_find(k->v, GS_SEVERITY_WARNING, "kdump-vmcoreinfo-place", k->block_size,
			    "offset_vmcoreinfo 0x%" PRIx64 "+%" PRIu64
			    ", but the note's text is at 0x%" PRIx64 "+%" PRIu64,
			    off, size, note_off, note_size);
	if (!err)
		err = verify_vmcoreinfo(k->v, k->blob, off, off ? size : 0, k->block_size);
	return err;
}

/* Whether the bitmaps lie in the file and cover max_mapnr. */
static bool judge_bitmap_place(struct kdump *k, uint64_t *off_ret, uint64_t *map_bytes_ret,
			       bool *two_ret)
{
	uint64_t bytes = (uint64_t)k->bitmap_blocks * k->block_size;
	uint64_t need = k->max_mapnr / 8 + (k->max_mapnr % 8 != 0);
	uint64_t blocks = need / k->block_size + (need % k->block_size != 0);

	*off_ret = (UINT64_C(1) + k->sub_hdr_size) * k->block_size;
	*two_ret = k->bitmap_blocks >= 2 * blocks;
	*map_bytes_ret = need;
	if (*off_ret > k->blob->size || bytes > k->blob->size - *off_ret) {
		verify_find(k->v, GS_SEVERITY_ERROR, "kdump-bitmap-past-end", k->wide ? 436 : 424,
			    "bitmap_blocks is %" PRIu32 " from 0x%" PRIx64
			    ", but the file ends at 0x%" PRIx64,
			    k->bitmap_blocks, *off_ret, k->blob->size);
		return false;
	}
	if (need > bytes || need > BITMAP_BYTES_MAX) {
		verify_find(k->v, GS_SEVERITY_ERROR, "kdump-bitmap-small", k->wide ? 436 : 424,
			    "bitmap_blocks is %" PRIu32 ": too few bits for max_mapnr 0x%" PRIx64,
			    k->bitmap_blocks, k->max_mapnr);
		return false;
	}
	return true;
}

static void judge_bits(struct kdump *k, uint64_t off)
{
	uint64_t words = k->max_mapnr / 64 + (k->max_mapnr % 64 != 0), orphans = 0, first = 0;

	for (uint64_t i = 0; i < words; i++) {
		uint64_t one = gs_get_u64(k->bitmap1 + i * 8, false);
		uint64_t two = gs_get_u64(k->bitmap2 + i * 8, false);

		if (two & ~one && !orphans)
			first = i * 64 + (uint64_t)__builtin_ctzll(two & ~one);
		orphans += (uint64_t)__builtin_popcountll(two & ~one);
		if ((i + 1) * 64 > k->start_pfn && i * 64 < k->end_pfn)
			k->v->result->pages_declared += (uint64_t)__builtin_popcountll(one);
	}
	if (orphans)
		verify_find(k->v, GS_SEVERITY_ERROR, "kdump-bitmap-orphan", off,
			    "%" PRIu64 " pages (first: 0x%" PRIx64
			    ") are in bitmap 2 but not in bitmap 1",
			    orphans, first);
}

static void clear_behind(uint8_t *map, uint64_t count, uint64_t bytes)
{
	for (uint64_t pfn = count; pfn < bytes * 8; pfn++)
		map[pfn >> 3] &= (uint8_t) ~(1u << (pfn & 7));
}

static struct gs_error *read_bitmaps(struct kdump *k)
{
	uint64_t off, need, half = (uint64_t)k->bitmap_blocks * k->block_size / 2, room;
	struct gs_error *err;
	bool two;

	if (!judge_bitmap_place(k, &off, &need, &two)) {
		k->max_mapnr = k->start_pfn = k->end_pfn = 0;
		need = 0;
	}
	room = (need + 7) / 8 * 8 + 8;
	k->bitmap1 = calloc(1, room);
	k->bitmap2 = calloc(1, room);
	if (!k->bitmap1 || !k->bitmap2)
		return gs_error_nomem();
	if (!need)
		return NULL;
	err = gs_blob_read(k->blob, "bitmap 1", off, k->bitmap1, need);
	if (!err)
		err = gs_blob_read(k->blob, "bitmap 2", two ? off + half : off, k->bitmap2, need);
	if (err)
		return err;
	clear_behind(k->bitmap1, k->max_mapnr, need);
	clear_behind(k->bitmap2, k->max_mapnr, need);
	if (!two)
		verify_find(k->v, GS_SEVERITY_INFO, "kdump-one-bitmap", off,
			    "one bitmap serves as both");
	judge_bits(k, off);
	return NULL;
}

static uint64_t count_descs(const struct kdump *k)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < k->max_mapnr / 64 + (k->max_mapnr % 64 != 0); i++)
		count += (uint64_t)__builtin_popcountll(gs_get_u64(k->bitmap2 + i * 8, false));
	return count;
}

static struct gs_error *judge_pages(struct kdump *k)
{
	uint64_t table = (UINT64_C(1) + k->sub_hdr_size + k->bitmap_blocks) * k->block_size;
	uint64_t count = k->max_mapnr ? count_descs(k) : 0;
	/* The table of a part has room for all pages, but the part uses the front only. */
	struct kdump_pages pages = {.blob = k->blob,
				    .bitmap1 = k->bitmap1,
				    .bitmap2 = k->bitmap2,
				    .first_pfn = k->start_pfn,
				    .end_pfn = k->end_pfn,
				    .desc_off = table,
				    .data_off = k->split ? table : table + count * DESC_BYTES,
				    .block_size = k->block_size,
				    .big_endian = k->big_endian,
				    .incomplete = k->status & STATUS_INCOMPLETE};

	if (count && (table > k->blob->size || count * DESC_BYTES > k->blob->size - table))
		verify_find(k->v, GS_SEVERITY_ERROR, "kdump-descs-past-end", table,
			    "%" PRIu64 " page descriptors from 0x%" PRIx64
			    " on, but the file ends at 0x%" PRIx64,
			    count, table, k->blob->size);
	return pages.first_pfn < pages.end_pfn ? verify_pages(k->v, &pages) : NULL;
}

static struct gs_error *judge_file(struct kdump *k)
{
	uint64_t size = k->blob->size < sizeof(k->main) ? k->blob->size : sizeof(k->main);
	struct gs_error *err = gs_blob_read(k->blob, "main header", 0, k->main, size);

	if (err || !find_class(k))
		return err;
	judge_main(k);
	if (k->blob->size < k->block_size + sizeof(k->sub)) {
		verify_find(k->v, GS_SEVERITY_ERROR, "kdump-short", 0,
			    "the file ends at 0x%" PRIx64 ", before the end of its headers",
			    k->blob->size);
		return NULL;
	}
	err = judge_sub(k);
	if (!err)
		err = judge_notes(k);
	if (!err)
		err = read_bitmaps(k);
	if (!err)
		err = judge_pages(k);
	return err;
}

struct part {
	uint64_t start_pfn, end_pfn, max_mapnr;
	uint8_t main[MAIN_HEADER_BYTES];
	bool split;
	const char *name;
};

static int by_start_pfn(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->start_pfn < y->start_pfn ? -1 : x->start_pfn > y->start_pfn;
}

/* Parts of one set have the same main header, and together all pages, once. */
static void judge_set(struct verify *v, struct part *parts, size_t count)
{
	uint64_t expected = 0;

	if (count == 1 && !parts[0].split)
		return;
	qsort(parts, count, sizeof(*parts), by_start_pfn);
	for (size_t i = 0; i < count; i++) {
		if (memcmp(parts[i].main, parts[0].main, MAIN_HEADER_BYTES) != 0)
			verify_find(v, GS_SEVERITY_ERROR, "kdump-split-header", 0,
				    "main headers of %s and %s differ: not parts of one dump",
				    parts[0].name, parts[i].name);
		if (parts[i].start_pfn != expected)
			verify_find(v, GS_SEVERITY_ERROR, "kdump-split-gap", NO_OFFSET,
				    "%s begins at page 0x%" PRIx64 ", expected 0x%" PRIx64,
				    parts[i].name, parts[i].start_pfn, expected);
		expected = parts[i].end_pfn;
	}
	if (expected < parts[count - 1].max_mapnr)
		verify_find(v, GS_SEVERITY_ERROR, "kdump-split-gap", NO_OFFSET,
			    "no part has the pages from 0x%" PRIx64 " to 0x%" PRIx64, expected,
			    parts[count - 1].max_mapnr);
}

struct gs_error *verify_kdump(struct verify *v, struct gs_blob *const *blobs, size_t count)
{
	gs_autofree struct part *parts = calloc(count, sizeof(*parts));
	struct gs_error *err = parts ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < count; i++) {
		struct kdump k = {.v = v, .blob = blobs[i]};

		v->part = count > 1 ? blobs[i]->name : NULL;
		err = judge_file(&k);
		parts[i] = (struct part){.start_pfn = k.start_pfn,
					 .end_pfn = k.end_pfn,
					 .max_mapnr = k.max_mapnr,
					 .split = k.split,
					 .name = blobs[i]->name};
		memcpy(parts[i].main, k.main, sizeof(k.main));
		free(k.bitmap1);
		free(k.bitmap2);
	}
	v->part = NULL;
	if (!err)
		judge_set(v, parts, count);
	return err;
}
