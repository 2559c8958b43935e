/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fixed parts of a kdump-compressed file, as tables that reader and writer share.
 *
 *	block 0                        main header
 *	block 1 .. sub_hdr_size        sub header, notes, erase text
 *	.. + bitmap_blocks / 2         1st bitmap: RAM exists
 *	.. + bitmap_blocks / 2         2nd bitmap: has a page descriptor
 *	                               descriptors, 24 bytes each, in PFN order
 *	                               page data
 *
 * All are native structs of the guest's architecture: nothing in the file says its byte order or
 * the widths, and 32-bit sub headers exist with (i386) and without padding. Names of fields are
 * those of struct disk_dump_header and struct kdump_sub_header.
 */
#ifndef GUESTSCOPE_DUMP_KDUMP_LAYOUT_H
#define GUESTSCOPE_DUMP_KDUMP_LAYOUT_H

#include <stdint.h>

#include <guestscope/base/bytes.h>

#define KDUMP_SIGNATURE "KDUMP   "
#define KDUMP_SIGNATURE_SIZE 8
#define KDUMP_VERSION_MAX 6
#define KDUMP_UTSNAME_OFF 12 /* six strings of GS_UTSNAME_SIZE bytes */
#define KDUMP_BLOCK_SIZE_MIN 4096u
#define KDUMP_BLOCK_SIZE_MAX (1u << 18)

/* header.status; the codec bits are gs_codec_info()'s kdump_flag. */
#define KDUMP_STATUS_INCOMPLETE 0x8u
#define KDUMP_STATUS_EXCLUDED_VMEMMAP 0x10u

/* sub header.dump_level: zero pages share one, which is the first of the data, or are left out. */
#define KDUMP_LEVEL_ZERO 1u

enum kdump_shape {
	KDUMP_SHAPE_64,
	KDUMP_SHAPE_32_PACKED, /* i386, and whatever QEMU writes for 32-bit guests */
	KDUMP_SHAPE_32_PADDED, /* 64-bit fields aligned to 8: arm, mips, ppc... natively */
	KDUMP_SHAPE_COUNT,
};

enum kdump_header_field {
	KDUMP_HEADER_VERSION,
	KDUMP_TV_SEC,
	KDUMP_TV_USEC,
	KDUMP_STATUS,
	KDUMP_BLOCK_SIZE,
	KDUMP_SUB_HDR_SIZE,  /* blocks */
	KDUMP_BITMAP_BLOCKS, /* of both bitmaps */
	KDUMP_MAX_MAPNR,     /* clamped to 32 bits; the sub header's counts from version 6 on */
	KDUMP_TOTAL_RAM_BLOCKS,
	KDUMP_DEVICE_BLOCKS,
	KDUMP_WRITTEN_BLOCKS,
	KDUMP_CURRENT_CPU,
	KDUMP_NR_CPUS,
	KDUMP_HEADER_FIELD_COUNT,
};

enum kdump_sub_field {
	KDUMP_PHYS_BASE,
	KDUMP_DUMP_LEVEL,
	KDUMP_SPLIT,
	KDUMP_START_PFN,
	KDUMP_END_PFN,
	KDUMP_OFFSET_VMCOREINFO, /* of the text itself, inside its note or not */
	KDUMP_SIZE_VMCOREINFO,
	KDUMP_OFFSET_NOTE,
	KDUMP_SIZE_NOTE,
	KDUMP_OFFSET_ERASEINFO,
	KDUMP_SIZE_ERASEINFO,
	KDUMP_START_PFN_64,
	KDUMP_END_PFN_64,
	KDUMP_MAX_MAPNR_64,
	KDUMP_SUB_FIELD_COUNT,
};

enum kdump_desc_field {
	KDUMP_DESC_OFFSET,
	KDUMP_DESC_SIZE,
	KDUMP_DESC_FLAGS,
	KDUMP_DESC_PAGE_FLAGS,
	KDUMP_DESC_FIELD_COUNT,
};

#define KDUMP_DESC_BYTES 24
#define KDUMP_HEADER_BYTES_MAX 464
#define KDUMP_SUB_BYTES_MAX 104

/* Rows indexed by the enums above. */
const struct gs_field *gs_kdump_header_fields(enum kdump_shape shape);
const struct gs_field *gs_kdump_sub_fields(enum kdump_shape shape);
extern const struct gs_field gs_kdump_desc_fields[KDUMP_DESC_FIELD_COUNT];

uint32_t gs_kdump_header_bytes(enum kdump_shape shape);
/* Size of the sub header as of @version, 0..KDUMP_VERSION_MAX. */
uint32_t gs_kdump_sub_bytes(enum kdump_shape shape, int version);

#endif
