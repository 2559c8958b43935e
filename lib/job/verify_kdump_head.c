/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers of a kdump-compressed file. Nothing in them says which class and byte order they
 * have; it is the one in which they make sense.
 */
#include "verify_kdump.h"

#include <inttypes.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define SIGNATURE "KDUMP   "
#define BLOCK_SIZE_MIN 4096u
#define BLOCK_SIZE_MAX (1u << 18)
#define VERSION_MAX 6
#define UTSNAME_OFF 12
#define UTSNAME_BYTES 65
#define UTSNAME_MACHINE 4
#define STATUS_INCOMPLETE 0x8u
#define STATUS_KNOWN 0x3fu

static const struct {
	const char *name;
	uint16_t off64, off32; /* 4 bytes each */
} main_fields[MAIN_FIELD_COUNT] = {
	[MAIN_HEADER_VERSION] = {"header_version", 8, 8},
	[MAIN_STATUS] = {"status", 424, 412},
	[MAIN_BLOCK_SIZE] = {"block_size", 428, 416},
	[MAIN_SUB_HDR_SIZE] = {"sub_hdr_size", 432, 420},
	[MAIN_BITMAP_BLOCKS] = {"bitmap_blocks", 436, 424},
	[MAIN_MAX_MAPNR] = {"max_mapnr", 440, 428},
	[MAIN_NR_CPUS] = {"nr_cpus", 460, 448},
};

uint64_t gs_verify_main_off(const struct kdump_head *h, enum main_field field)
{
	return h->shape == SHAPE_64 ? main_fields[field].off64 : main_fields[field].off32;
}

uint32_t gs_verify_main_field(const struct kdump_head *h, enum main_field field)
{
	return gs_get_u32(h->main + gs_verify_main_off(h, field), h->big_endian);
}

static bool is_block_size(uint32_t size)
{
	return size >= BLOCK_SIZE_MIN && size <= BLOCK_SIZE_MAX && (size & (size - 1)) == 0;
}

/* The greatest sensible value of a field that tells where things are; 0 if none is. */
static uint64_t greatest(const struct kdump_head *h, enum main_field field)
{
	uint64_t block_size = gs_verify_main_field(h, MAIN_BLOCK_SIZE);
	uint64_t sub_hdr_size = gs_verify_main_field(h, MAIN_SUB_HDR_SIZE);
	uint64_t blocks = block_size ? h->blob->size / block_size : 0;

	switch (field) {
	case MAIN_HEADER_VERSION:
		return VERSION_MAX;
	case MAIN_SUB_HDR_SIZE:
		return blocks > 0 ? blocks - 1 : 0;
	case MAIN_BITMAP_BLOCKS:
		return blocks > 1 + sub_hdr_size ? blocks - 1 - sub_hdr_size : 0;
	case MAIN_MAX_MAPNR:
		return gs_verify_main_field(h, MAIN_BITMAP_BLOCKS) * block_size * 8;
	default:
		return UINT32_MAX;
	}
}

static bool is_sensible(const struct kdump_head *h, enum main_field field)
{
	uint32_t value = gs_verify_main_field(h, field);
	bool may_be_zero = field != MAIN_SUB_HDR_SIZE && field != MAIN_BITMAP_BLOCKS;

	if (field == MAIN_BLOCK_SIZE)
		return is_block_size(value);
	return value <= greatest(h, field) && (value || may_be_zero);
}

enum gs_arch gs_verify_kdump_machine(const struct kdump_head *h)
{
	char machine[UTSNAME_BYTES + 1] = {0};

	memcpy(machine, h->main + UTSNAME_OFF + UTSNAME_MACHINE * UTSNAME_BYTES, UTSNAME_BYTES);
	return gs_arch_from_name(machine);
}

/* How little sense the header makes; the class of its machine decides between equals. */
static unsigned int count_nonsense(const struct kdump_head *h)
{
	enum gs_arch arch = gs_verify_kdump_machine(h);
	bool other_class =
		arch != GS_ARCH_UNKNOWN && gs_arch_info(arch)->is_64bit != (h->shape == SHAPE_64);
	unsigned int count = 0;

	for (int field = 0; field < MAIN_FIELD_COUNT; field++)
		count += !is_sensible(h, field);
	return count ? 2 * count + other_class : 0;
}

static void find_class(struct kdump_head *h)
{
	struct kdump_head best = *h;
	unsigned int least = UINT32_MAX;

	for (int i = 0; i < 4; i++) {
		h->shape = i < 2 ? SHAPE_64 : SHAPE_32_PACKED;
		h->big_endian = i & 1;
		if (count_nonsense(h) < least) {
			least = count_nonsense(h);
			best = *h;
		}
	}
	*h = best;
	h->block_size = gs_verify_main_field(h, MAIN_BLOCK_SIZE);
}

static void judge_places_of_tables(const struct kdump_head *h)
{
	static const struct {
		enum main_field field;
		const char *code;
	} rows[] = {
		{MAIN_HEADER_VERSION, "kdump-version"},
		{MAIN_SUB_HDR_SIZE, "kdump-sub-hdr-size"},
		{MAIN_BITMAP_BLOCKS, "kdump-bitmap-blocks"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!is_sensible(h, rows[i].field))
			gs_verify_find(h->v, GS_SEVERITY_ERROR, rows[i].code,
				       gs_verify_main_off(h, rows[i].field),
				       "%s is %" PRIu32 ", expected at most %" PRIu64
				       " in a file of 0x%" PRIx64,
				       main_fields[rows[i].field].name,
				       gs_verify_main_field(h, rows[i].field),
				       greatest(h, rows[i].field), h->blob->size);
}

static void judge_utsname(const struct kdump_head *h)
{
	static const char *const names[] = {"sysname", "nodename", "release",
					    "version", "machine",  "domainname"};

	for (size_t i = 0; i < 6; i++) {
		const uint8_t *s = h->main + UTSNAME_OFF + i * UTSNAME_BYTES;
		uint64_t off = UTSNAME_OFF + i * UTSNAME_BYTES;

		if (!memchr(s, '\0', UTSNAME_BYTES))
			gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-utsname", off,
				       "utsname.%s does not end", names[i]);
		else if (s[0] == '\0' && i != 1 && i != 5)
			gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-utsname-empty", off,
				       "utsname.%s is empty: drgn and libkdumpfile need it",
				       names[i]);
	}
}

static void judge_main(struct kdump_head *h)
{
	uint32_t status = gs_verify_main_field(h, MAIN_STATUS);

	h->incomplete = status & STATUS_INCOMPLETE;
	judge_places_of_tables(h);
	judge_utsname(h);
	if (status & ~STATUS_KNOWN)
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-status",
			       gs_verify_main_off(h, MAIN_STATUS),
			       "status 0x%" PRIx32 " has unknown bits", status);
	if (h->incomplete)
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-incomplete",
			       gs_verify_main_off(h, MAIN_STATUS),
			       "the writer says that the dump is incomplete");
	if (gs_verify_main_field(h, MAIN_NR_CPUS) == 0)
		gs_verify_find(h->v, GS_SEVERITY_WARNING, "kdump-nr-cpus",
			       gs_verify_main_off(h, MAIN_NR_CPUS), "nr_cpus is 0");
}

static void place_tables(struct kdump_head *h)
{
	uint64_t sub_hdr_size = gs_verify_main_field(h, MAIN_SUB_HDR_SIZE);
	uint64_t bitmap_blocks = gs_verify_main_field(h, MAIN_BITMAP_BLOCKS);

	h->tables_off = (1 + sub_hdr_size) * h->block_size;
	h->desc_off = h->tables_off + bitmap_blocks * h->block_size;
	h->is_sound = true;
	for (int field = 0; field < MAIN_FIELD_COUNT; field++)
		h->is_sound = h->is_sound && is_sensible(h, field);
}

static bool judge_signature(const struct kdump_head *h)
{
	if (memcmp(h->main, SIGNATURE, sizeof(SIGNATURE) - 1) == 0)
		return true;
	gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-signature", 0,
		       "signature is \"%.8s\", expected \"" SIGNATURE
		       "\" (DISKDUMP is its predecessor)",
		       (const char *)h->main);
	return false;
}

/* Whether there is enough of a header to go on. */
static bool judge_block_size(const struct kdump_head *h)
{
	bool has_main = h->blob->size >= KDUMP_MAIN_BYTES;

	if (has_main && !is_block_size(h->block_size))
		gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-block-size",
			       gs_verify_main_off(h, MAIN_BLOCK_SIZE),
			       "block_size is %" PRIu32 ", expected a power of two from %u to %u",
			       h->block_size, BLOCK_SIZE_MIN, BLOCK_SIZE_MAX);
	else if (!has_main || h->blob->size < h->block_size + sizeof(h->sub))
		gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-short", 0,
			       "the file ends at 0x%" PRIx64 ", before the end of its headers",
			       h->blob->size);
	else
		return true;
	return false;
}

struct gs_error *gs_verify_kdump_head(struct verify *v, struct gs_blob *blob,
				      struct kdump_head *ret)
{
	uint64_t size = blob->size < KDUMP_MAIN_BYTES ? blob->size : KDUMP_MAIN_BYTES;
	struct kdump_head *h = ret;
	struct gs_error *err;

	*h = (struct kdump_head){.v = v, .blob = blob, .kernel_gpa = NO_KERNEL};
	err = gs_blob_read(blob, "main header", 0, h->main, size);
	if (err || !judge_signature(h))
		return err;
	find_class(h);
	if (!judge_block_size(h))
		return NULL;
	judge_main(h);
	place_tables(h);
	return gs_verify_kdump_sub(h);
}
