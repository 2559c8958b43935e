/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kdump-compressed file as its raw headers describe it.
 *
 *	block 0                main header: signature, utsname, block_size, sub_hdr_size, ...
 *	block 1                sub header, notes behind it      (sub_hdr_size blocks)
 *	block 1 + sub_hdr_size bitmap 1, bitmap 2               (bitmap_blocks blocks)
 *	then                   a page descriptor per bit of bitmap 2, then page data
 */
#ifndef GUESTSCOPE_JOB_VERIFY_KDUMP_H
#define GUESTSCOPE_JOB_VERIFY_KDUMP_H

#include "verify.h"

#define KDUMP_MAIN_BYTES 464
#define KDUMP_SUB_BYTES 104
#define KDUMP_DESC_BYTES 24

/*
 * Native structs of the guest: 64 bits; 32 bits packed (i386, and all that QEMU writes); 32 bits
 * padded (native ARM, MIPS).
 */
enum kdump_shape { SHAPE_64, SHAPE_32_PACKED, SHAPE_32_PADDED, SHAPE_COUNT };

enum main_field {
	MAIN_HEADER_VERSION,
	MAIN_STATUS,
	MAIN_BLOCK_SIZE,
	MAIN_SUB_HDR_SIZE,
	MAIN_BITMAP_BLOCKS,
	MAIN_MAX_MAPNR,
	MAIN_NR_CPUS,
	MAIN_FIELD_COUNT,
};

struct kdump_head {
	struct verify *v;
	struct gs_blob *blob;
	uint8_t main[KDUMP_MAIN_BYTES];
	uint8_t sub[KDUMP_SUB_BYTES];
	enum kdump_shape shape;
	bool big_endian;
	uint32_t block_size;
	uint64_t tables_off;         /* of the bitmaps */
	uint64_t desc_off;           /* of the page descriptors */
	uint64_t max_mapnr;          /* exclusive end of the pages */
	uint64_t start_pfn, end_pfn; /* of a part; all pages if the dump is not split */
	gs_gpa_t kernel_gpa;         /* NO_KERNEL if it is not known */
	bool split, incomplete;
	bool is_sound; /* the tables lie where the headers say, within the file */
};

uint32_t gs_verify_main_field(const struct kdump_head *h, enum main_field field);
/* Where a field of the main header is, for findings. */
uint64_t gs_verify_main_off(const struct kdump_head *h, enum main_field field);

/* By utsname.machine. */
enum gs_arch gs_verify_kdump_machine(const struct kdump_head *h);
/* Judge the sub header, once the main header was, and what it points at. */
GS_MUST_CHECK struct gs_error *gs_verify_kdump_sub(struct kdump_head *h);
/* Judge both headers, the notes and what else they point at. */
GS_MUST_CHECK struct gs_error *gs_verify_kdump_head(struct verify *v, struct gs_blob *blob,
						    struct kdump_head *ret);

/* Both bitmaps, a block at a time. */
struct kdump_bits {
	struct gs_blob *blob;
	uint64_t off[2];     /* the same if one map serves as both */
	uint64_t bytes;      /* of each, all blocks of it */
	uint64_t max_mapnr;  /* bits from here on mean nothing */
	uint64_t start, end; /* what the buffers hold: these bytes of each map */
	uint8_t *buf[2];
};

GS_MUST_CHECK struct gs_error *gs_verify_bits_open(const struct kdump_head *h,
						   struct kdump_bits *ret);
void gs_verify_bits_close(struct kdump_bits *b);
/*
 * The maps from byte @at on, for *size_ret bytes; @maps are valid until the next call. NULL in
 * both: all zero. @at and *size_ret are multiples of BITS_STEP_BYTES.
 */
#define BITS_STEP_BYTES UINT64_C(512)
GS_MUST_CHECK struct gs_error *gs_verify_bits_at(struct kdump_bits *b, uint64_t at,
						 const uint8_t *maps[2], uint64_t *size_ret);
/*
 * Walk over both maps. *count_ret: the pages of this part that have a descriptor; *digest_ret: the
 * same for the same maps.
 */
GS_MUST_CHECK struct gs_error *gs_verify_bits(const struct kdump_head *h, struct kdump_bits *b,
					      uint64_t *count_ret, uint64_t *digest_ret);

static inline bool gs_verify_bit(const uint8_t *map, uint64_t i)
{
	return map[i >> 3] >> (i & 7) & 1;
}

/* A page descriptor. */
struct desc {
	uint64_t offset, page_flags;
	uint32_t size, flags;
};
struct desc gs_verify_desc(const uint8_t *raw, bool big_endian);

/* Judge the descriptors and pages of a file. */
struct kdump_pages {
	const struct kdump_head *head;
	uint64_t data_off; /* the first byte that may be page data */
};
GS_MUST_CHECK struct gs_error *gs_verify_pages(const struct kdump_pages *p,
					       struct kdump_bits *bits);

/*
 * Stretches of page data. Writers put pages one behind the other, so a few of them describe a file
 * of any size.
 */
struct extent {
	uint64_t start, end;
};
struct extents {
	struct extent *items;
	size_t count, capacity;
	bool overflow; /* there were more than can be kept */
};
GS_MUST_CHECK struct gs_error *gs_extents_add(struct extents *e, uint64_t start, uint64_t end);
void gs_extents_deinit(struct extents *e);
/* Leave what is covered more than once, sorted and disjoint. */
void gs_extents_clashes(struct extents *e);
bool gs_extents_touch(const struct extents *e, uint64_t start, uint64_t end);

/*
 * Descriptors may share all of a page's data, but not a part of it. @clashes: the data of which
 * descriptors are worth a look.
 */
GS_MUST_CHECK struct gs_error *gs_verify_sharing(const struct kdump_pages *p,
						 struct kdump_bits *bits,
						 const struct extents *clashes);

#endif
