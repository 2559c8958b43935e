/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sub header of a kdump-compressed file, and the texts and notes that it points at. */
#include "verify_kdump.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include <guestscope/base/bytes.h>

#define PAGES_MAX (UINT64_C(1) << 36)
#define ERASEINFO_BYTES_MAX (16u << 20)
#define DUMP_LEVEL_MAX 31

enum sub_field {
	SUB_PHYS_BASE,
	SUB_DUMP_LEVEL,
	SUB_SPLIT,
	SUB_START_PFN,
	SUB_END_PFN,
	SUB_OFFSET_VMCOREINFO, /* the size of a place follows its offset */
	SUB_SIZE_VMCOREINFO,
	SUB_OFFSET_NOTE,
	SUB_SIZE_NOTE,
	SUB_OFFSET_ERASEINFO,
	SUB_SIZE_ERASEINFO,
	SUB_START_PFN_64,
	SUB_END_PFN_64,
	SUB_MAX_MAPNR_64,
	SUB_FIELD_COUNT,
};

static const struct {
	const char *name;
	uint8_t since;
	uint8_t off[SHAPE_COUNT];
	uint8_t width[SHAPE_COUNT];
} sub_fields[SUB_FIELD_COUNT] = {
	[SUB_PHYS_BASE] = {"phys_base", 0, {0, 0, 0}, {8, 4, 4}},
	[SUB_DUMP_LEVEL] = {"dump_level", 1, {8, 4, 4}, {4, 4, 4}},
	[SUB_SPLIT] = {"split", 2, {12, 8, 8}, {4, 4, 4}},
	[SUB_START_PFN] = {"start_pfn", 2, {16, 12, 12}, {8, 4, 4}},
	[SUB_END_PFN] = {"end_pfn", 2, {24, 16, 16}, {8, 4, 4}},
	[SUB_OFFSET_VMCOREINFO] = {"offset_vmcoreinfo", 3, {32, 20, 24}, {8, 8, 8}},
	[SUB_SIZE_VMCOREINFO] = {"size_vmcoreinfo", 3, {40, 28, 32}, {8, 4, 4}},
	[SUB_OFFSET_NOTE] = {"offset_note", 4, {48, 32, 40}, {8, 8, 8}},
	[SUB_SIZE_NOTE] = {"size_note", 4, {56, 40, 48}, {8, 4, 4}},
	[SUB_OFFSET_ERASEINFO] = {"offset_eraseinfo", 5, {64, 44, 56}, {8, 8, 8}},
	[SUB_SIZE_ERASEINFO] = {"size_eraseinfo", 5, {72, 52, 64}, {8, 4, 4}},
	[SUB_START_PFN_64] = {"start_pfn_64", 6, {80, 56, 72}, {8, 8, 8}},
	[SUB_END_PFN_64] = {"end_pfn_64", 6, {88, 64, 80}, {8, 8, 8}},
	[SUB_MAX_MAPNR_64] = {"max_mapnr_64", 6, {96, 72, 88}, {8, 8, 8}},
};

enum place { PLACE_VMCOREINFO, PLACE_NOTE, PLACE_ERASEINFO, PLACE_COUNT };

static const struct {
	enum sub_field offset;
	uint64_t max_bytes;
} places[PLACE_COUNT] = {
	[PLACE_VMCOREINFO] = {SUB_OFFSET_VMCOREINFO, GS_VMCOREINFO_MAX_BYTES},
	[PLACE_NOTE] = {SUB_OFFSET_NOTE, GS_NOTES_MAX_BYTES},
	[PLACE_ERASEINFO] = {SUB_OFFSET_ERASEINFO, ERASEINFO_BYTES_MAX},
};

static uint64_t sub_off(const struct kdump_head *h, enum sub_field f)
{
	return h->block_size + sub_fields[f].off[h->shape];
}

static uint64_t sub_field(const struct kdump_head *h, enum sub_field f)
{
	if (gs_verify_main_field(h, MAIN_HEADER_VERSION) < sub_fields[f].since)
		return 0;
	return gs_get_uint(h->sub + sub_fields[f].off[h->shape], sub_fields[f].width[h->shape],
			   h->big_endian);
}

static bool is_in_file(const struct kdump_head *h, enum sub_field offset)
{
	uint64_t off = sub_field(h, offset), size = sub_field(h, offset + 1);

	return size == 0 ||
	       (off >= h->block_size && off <= h->blob->size && size <= h->blob->size - off);
}

/* The main header has 32 bits for it. */
static bool is_same_mapnr(const struct kdump_head *h)
{
	uint64_t max_mapnr = sub_field(h, SUB_MAX_MAPNR_64);
	uint32_t main = gs_verify_main_field(h, MAIN_MAX_MAPNR);

	if (gs_verify_main_field(h, MAIN_HEADER_VERSION) < sub_fields[SUB_MAX_MAPNR_64].since)
		return true;
	return main == max_mapnr || (main == UINT32_MAX && max_mapnr > main);
}

static unsigned int count_sub_nonsense(const struct kdump_head *h)
{
	unsigned int count = (sub_field(h, SUB_SPLIT) > 1) + !is_same_mapnr(h);

	for (int i = 0; i < PLACE_COUNT; i++)
		count += !is_in_file(h, places[i].offset);
	return count;
}

/* Both views of a 32-bit sub header are possible; the one that makes more sense is right. */
static void find_shape(struct kdump_head *h)
{
	unsigned int packed = count_sub_nonsense(h);

	if (h->shape == SHAPE_64)
		return;
	h->shape = SHAPE_32_PADDED;
	if (packed <= count_sub_nonsense(h))
		h->shape = SHAPE_32_PACKED;
}

static void judge_places(const struct kdump_head *h)
{
	for (int i = 0; i < PLACE_COUNT; i++) {
		enum sub_field offset = places[i].offset, size = places[i].offset + 1;

		if (!is_in_file(h, offset))
			gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-place", sub_off(h, offset),
				       "%s 0x%" PRIx64 " + %s %" PRIu64
				       " is not between the main header and the end of the file "
				       "(0x%" PRIx64 ")",
				       sub_fields[offset].name, sub_field(h, offset),
				       sub_fields[size].name, sub_field(h, size), h->blob->size);
		else if (sub_field(h, size) > places[i].max_bytes)
			gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-place", sub_off(h, size),
				       "%s is %" PRIu64 ", the limit is %" PRIu64,
				       sub_fields[size].name, sub_field(h, size),
				       places[i].max_bytes);
	}
}

static void judge_mapnr(struct kdump_head *h)
{
	uint64_t main = gs_verify_main_field(h, MAIN_MAX_MAPNR);
	bool wide =
		gs_verify_main_field(h, MAIN_HEADER_VERSION) >= sub_fields[SUB_MAX_MAPNR_64].since;
	uint64_t off = wide ? sub_off(h, SUB_MAX_MAPNR_64) : gs_verify_main_off(h, MAIN_MAX_MAPNR);
	uint64_t bits = (uint64_t)gs_verify_main_field(h, MAIN_BITMAP_BLOCKS) * h->block_size * 8;

	h->max_mapnr = wide ? sub_field(h, SUB_MAX_MAPNR_64) : main;
	if (!is_same_mapnr(h))
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-max-mapnr",
			       gs_verify_main_off(h, MAIN_MAX_MAPNR),
			       "max_mapnr is %" PRIu64 ", but max_mapnr_64 is %" PRIu64, main,
			       h->max_mapnr);
	if (h->max_mapnr == 0)
		gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-no-memory", off,
			       "max_mapnr is 0: no memory");
	else if (h->max_mapnr > bits || main > bits)
		gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-bitmap-small", off,
			       "max_mapnr is 0x%" PRIx64 ", but bitmap_blocks %" PRIu32
			       " are 0x%" PRIx64 " bits",
			       h->max_mapnr > bits ? h->max_mapnr : main,
			       gs_verify_main_field(h, MAIN_BITMAP_BLOCKS), bits);
	else if (h->max_mapnr > PAGES_MAX || h->max_mapnr > GS_GPA_MAX / h->block_size)
		gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-max-mapnr-large", off,
			       "max_mapnr is 0x%" PRIx64 ": more pages than can be handled",
			       h->max_mapnr);
	else
		return;
	h->is_sound = false;
}

static void judge_split(struct kdump_head *h)
{
	bool wide =
		gs_verify_main_field(h, MAIN_HEADER_VERSION) >= sub_fields[SUB_START_PFN_64].since;
	uint64_t split = sub_field(h, SUB_SPLIT);

	h->split = split;
	h->end_pfn = h->max_mapnr;
	if (split > 1)
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-split", sub_off(h, SUB_SPLIT),
			       "split is %" PRIu64 ", expected 0 or 1", split);
	if (!split)
		return;
	h->start_pfn = sub_field(h, wide ? SUB_START_PFN_64 : SUB_START_PFN);
	h->end_pfn = sub_field(h, wide ? SUB_END_PFN_64 : SUB_END_PFN);
	if (h->start_pfn <= h->end_pfn && h->end_pfn <= h->max_mapnr)
		return;
	gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-split-range",
		       sub_off(h, wide ? SUB_START_PFN_64 : SUB_START_PFN),
		       "start_pfn 0x%" PRIx64 ", end_pfn 0x%" PRIx64
		       ", but max_mapnr is 0x%" PRIx64,
		       h->start_pfn, h->end_pfn, h->max_mapnr);
	h->end_pfn = h->max_mapnr;
	h->start_pfn = h->start_pfn > h->end_pfn ? h->end_pfn : h->start_pfn;
}

static void judge_sub(struct kdump_head *h)
{
	uint64_t dump_level = sub_field(h, SUB_DUMP_LEVEL);

	judge_places(h);
	judge_mapnr(h);
	judge_split(h);
	if (dump_level > DUMP_LEVEL_MAX)
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-dump-level",
			       sub_off(h, SUB_DUMP_LEVEL),
			       "dump_level is %" PRIu64 ", expected at most %d", dump_level,
			       DUMP_LEVEL_MAX);
}

/* ---- what the sub header points at ---- */

/* Whether there is something that can be read. */
static bool has_place(const struct kdump_head *h, enum place place)
{
	uint64_t size = sub_field(h, places[place].offset + 1);

	return size && size <= places[place].max_bytes && is_in_file(h, places[place].offset);
}

static struct gs_error *judge_notes(const struct kdump_head *h, struct note_facts *facts)
{
	uint32_t nr_cpus = gs_verify_main_field(h, MAIN_NR_CPUS);
	struct gs_error *err;

	if (!has_place(h, PLACE_NOTE))
		return NULL;
	err = gs_verify_notes(h->v, h->blob, sub_field(h, SUB_OFFSET_NOTE),
			      sub_field(h, SUB_SIZE_NOTE), gs_verify_kdump_machine(h),
			      h->big_endian, facts);
	if (err)
		return err;
	gs_verify_note_facts(h->v, facts);
	if (facts->cpus && nr_cpus && facts->cpus != nr_cpus)
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-nr-cpus",
			       gs_verify_main_off(h, MAIN_NR_CPUS),
			       "nr_cpus is %" PRIu32 ", but there are %" PRIu64
			       " NT_PRSTATUS notes",
			       nr_cpus, facts->cpus);
	return NULL;
}

/* QEMU takes the kernel's decimal for hexadecimal. */
static void judge_phys_base(const struct kdump_head *h, const struct vmcoreinfo_facts *facts)
{
	uint64_t phys_base = sub_field(h, SUB_PHYS_BASE);

	if (facts->has_phys_base && h->shape == SHAPE_64 && phys_base != (uint64_t)facts->phys_base)
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-phys-base",
			       sub_off(h, SUB_PHYS_BASE),
			       "phys_base is %" PRId64 ", but VMCOREINFO says %" PRId64
			       ": makedumpfile will not find the kernel",
			       (int64_t)phys_base, facts->phys_base);
}

static struct gs_error *judge_vmcoreinfo(struct kdump_head *h, const struct note_facts *notes)
{
	uint64_t off = sub_field(h, SUB_OFFSET_VMCOREINFO);
	uint64_t size = sub_field(h, SUB_SIZE_VMCOREINFO);
	struct vmcoreinfo_facts facts;
	struct gs_error *err;

	if (size && !has_place(h, PLACE_VMCOREINFO))
		return NULL;
	if (size && notes->has_vmcoreinfo &&
	    (notes->vmcoreinfo_off != off || notes->vmcoreinfo_size != size))
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-vmcoreinfo-place",
			       sub_off(h, SUB_OFFSET_VMCOREINFO),
			       "offset_vmcoreinfo 0x%" PRIx64 "+%" PRIu64
			       ", but the note's text is at 0x%" PRIx64 "+%" PRIu64,
			       off, size, notes->vmcoreinfo_off, notes->vmcoreinfo_size);
	err = gs_verify_vmcoreinfo(h->v, h->blob, off, size, h->block_size, &facts);
	if (err)
		return err;
	judge_phys_base(h, &facts);
	h->kernel_gpa = facts.kernel_gpa;
	return NULL;
}

static struct gs_error *judge_eraseinfo(const struct kdump_head *h)
{
	uint64_t off = sub_field(h, SUB_OFFSET_ERASEINFO);
	uint64_t size = sub_field(h, SUB_SIZE_ERASEINFO);
	gs_autofree uint8_t *text = NULL;
	struct gs_error *err;

	if (!has_place(h, PLACE_ERASEINFO))
		return NULL;
	text = malloc(size);
	if (!text)
		return gs_error_nomem();
	err = gs_blob_read(h->blob, "eraseinfo", off, text, size);
	for (uint64_t i = 0; !err && i < size; i++) {
		if (isprint(text[i]) || isspace(text[i]) || text[i] == '\0')
			continue;
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "eraseinfo-not-text", off + i,
			       "eraseinfo holds a byte 0x%02x, which is no text", text[i]);
		break;
	}
	return err;
}

struct gs_error *gs_verify_kdump_sub(struct kdump_head *h)
{
	struct note_facts notes = {0};
	struct gs_error *err =
		gs_blob_read(h->blob, "sub header", h->block_size, h->sub, sizeof(h->sub));

	if (err)
		return err;
	find_shape(h);
	judge_sub(h);
	err = judge_notes(h, &notes);
	if (!err)
		err = judge_vmcoreinfo(h, &notes);
	return err ? err : judge_eraseinfo(h);
}
