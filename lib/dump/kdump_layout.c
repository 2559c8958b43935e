/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the fields of a kdump-compressed file's headers are, in each shape. */
#include <assert.h>

#include "kdump_layout.h"

static const struct gs_field header_64[] = {
	[KDUMP_HEADER_VERSION] = {"header_version", 8, 4, 0},
	[KDUMP_TV_SEC] = {"timestamp.tv_sec", 408, 8, 0},
	[KDUMP_TV_USEC] = {"timestamp.tv_usec", 416, 8, 0},
	[KDUMP_STATUS] = {"status", 424, 4, 0},
	[KDUMP_BLOCK_SIZE] = {"block_size", 428, 4, 0},
	[KDUMP_SUB_HDR_SIZE] = {"sub_hdr_size", 432, 4, 0},
	[KDUMP_BITMAP_BLOCKS] = {"bitmap_blocks", 436, 4, 0},
	[KDUMP_MAX_MAPNR] = {"max_mapnr", 440, 4, 0},
	[KDUMP_TOTAL_RAM_BLOCKS] = {"total_ram_blocks", 444, 4, 0},
	[KDUMP_DEVICE_BLOCKS] = {"device_blocks", 448, 4, 0},
	[KDUMP_WRITTEN_BLOCKS] = {"written_blocks", 452, 4, 0},
	[KDUMP_CURRENT_CPU] = {"current_cpu", 456, 4, 0},
	[KDUMP_NR_CPUS] = {"nr_cpus", 460, 4, 0},
};

static const struct gs_field header_32[] = {
	[KDUMP_HEADER_VERSION] = {"header_version", 8, 4, 0},
	[KDUMP_TV_SEC] = {"timestamp.tv_sec", 404, 4, 0},
	[KDUMP_TV_USEC] = {"timestamp.tv_usec", 408, 4, 0},
	[KDUMP_STATUS] = {"status", 412, 4, 0},
	[KDUMP_BLOCK_SIZE] = {"block_size", 416, 4, 0},
	[KDUMP_SUB_HDR_SIZE] = {"sub_hdr_size", 420, 4, 0},
	[KDUMP_BITMAP_BLOCKS] = {"bitmap_blocks", 424, 4, 0},
	[KDUMP_MAX_MAPNR] = {"max_mapnr", 428, 4, 0},
	[KDUMP_TOTAL_RAM_BLOCKS] = {"total_ram_blocks", 432, 4, 0},
	[KDUMP_DEVICE_BLOCKS] = {"device_blocks", 436, 4, 0},
	[KDUMP_WRITTEN_BLOCKS] = {"written_blocks", 440, 4, 0},
	[KDUMP_CURRENT_CPU] = {"current_cpu", 444, 4, 0},
	[KDUMP_NR_CPUS] = {"nr_cpus", 448, 4, 0},
};

static const struct gs_field sub_64[] = {
	[KDUMP_PHYS_BASE] = {"phys_base", 0, 8, 0},
	[KDUMP_DUMP_LEVEL] = {"dump_level", 8, 4, 1},
	[KDUMP_SPLIT] = {"split", 12, 4, 2},
	[KDUMP_START_PFN] = {"start_pfn", 16, 8, 2},
	[KDUMP_END_PFN] = {"end_pfn", 24, 8, 2},
	[KDUMP_OFFSET_VMCOREINFO] = {"offset_vmcoreinfo", 32, 8, 3},
	[KDUMP_SIZE_VMCOREINFO] = {"size_vmcoreinfo", 40, 8, 3},
	[KDUMP_OFFSET_NOTE] = {"offset_note", 48, 8, 4},
	[KDUMP_SIZE_NOTE] = {"size_note", 56, 8, 4},
	[KDUMP_OFFSET_ERASEINFO] = {"offset_eraseinfo", 64, 8, 5},
	[KDUMP_SIZE_ERASEINFO] = {"size_eraseinfo", 72, 8, 5},
	[KDUMP_START_PFN_64] = {"start_pfn_64", 80, 8, 6},
	[KDUMP_END_PFN_64] = {"end_pfn_64", 88, 8, 6},
	[KDUMP_MAX_MAPNR_64] = {"max_mapnr_64", 96, 8, 6},
};

static const struct gs_field sub_32_packed[] = {
	[KDUMP_PHYS_BASE] = {"phys_base", 0, 4, 0},
	[KDUMP_DUMP_LEVEL] = {"dump_level", 4, 4, 1},
	[KDUMP_SPLIT] = {"split", 8, 4, 2},
	[KDUMP_START_PFN] = {"start_pfn", 12, 4, 2},
	[KDUMP_END_PFN] = {"end_pfn", 16, 4, 2},
	[KDUMP_OFFSET_VMCOREINFO] = {"offset_vmcoreinfo", 20, 8, 3},
	[KDUMP_SIZE_VMCOREINFO] = {"size_vmcoreinfo", 28, 4, 3},
	[KDUMP_OFFSET_NOTE] = {"offset_note", 32, 8, 4},
	[KDUMP_SIZE_NOTE] = {"size_note", 40, 4, 4},
	[KDUMP_OFFSET_ERASEINFO] = {"offset_eraseinfo", 44, 8, 5},
	[KDUMP_SIZE_ERASEINFO] = {"size_eraseinfo", 52, 4, 5},
	[KDUMP_START_PFN_64] = {"start_pfn_64", 56, 8, 6},
	[KDUMP_END_PFN_64] = {"end_pfn_64", 64, 8, 6},
	[KDUMP_MAX_MAPNR_64] = {"max_mapnr_64", 72, 8, 6},
};

static const struct gs_field sub_32_padded[] = {
	[KDUMP_PHYS_BASE] = {"phys_base", 0, 4, 0},
	[KDUMP_DUMP_LEVEL] = {"dump_level", 4, 4, 1},
	[KDUMP_SPLIT] = {"split", 8, 4, 2},
	[KDUMP_START_PFN] = {"start_pfn", 12, 4, 2},
	[KDUMP_END_PFN] = {"end_pfn", 16, 4, 2},
	[KDUMP_OFFSET_VMCOREINFO] = {"offset_vmcoreinfo", 24, 8, 3},
	[KDUMP_SIZE_VMCOREINFO] = {"size_vmcoreinfo", 32, 4, 3},
	[KDUMP_OFFSET_NOTE] = {"offset_note", 40, 8, 4},
	[KDUMP_SIZE_NOTE] = {"size_note", 48, 4, 4},
	[KDUMP_OFFSET_ERASEINFO] = {"offset_eraseinfo", 56, 8, 5},
	[KDUMP_SIZE_ERASEINFO] = {"size_eraseinfo", 64, 4, 5},
	[KDUMP_START_PFN_64] = {"start_pfn_64", 72, 8, 6},
	[KDUMP_END_PFN_64] = {"end_pfn_64", 80, 8, 6},
	[KDUMP_MAX_MAPNR_64] = {"max_mapnr_64", 88, 8, 6},
};

const struct gs_field gs_kdump_desc_fields[] = {
	[KDUMP_DESC_OFFSET] = {"offset", 0, 8, 0},
	[KDUMP_DESC_SIZE] = {"size", 8, 4, 0},
	[KDUMP_DESC_FLAGS] = {"flags", 12, 4, 0},
	[KDUMP_DESC_PAGE_FLAGS] = {"page_flags", 16, 8, 0},
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
static_assert(ROWS(header_64) == KDUMP_HEADER_FIELD_COUNT, "a row for each field");
static_assert(ROWS(header_32) == KDUMP_HEADER_FIELD_COUNT, "a row for each field");
static_assert(ROWS(sub_64) == KDUMP_SUB_FIELD_COUNT, "a row for each field");
static_assert(ROWS(sub_32_packed) == KDUMP_SUB_FIELD_COUNT, "a row for each field");
static_assert(ROWS(sub_32_padded) == KDUMP_SUB_FIELD_COUNT, "a row for each field");

const struct gs_field *gs_kdump_header_fields(enum kdump_shape shape)
{
	return shape == KDUMP_SHAPE_64 ? header_64 : header_32;
}

const struct gs_field *gs_kdump_sub_fields(enum kdump_shape shape)
{
	static const struct gs_field *const tables[] = {
		[KDUMP_SHAPE_64] = sub_64,
		[KDUMP_SHAPE_32_PACKED] = sub_32_packed,
		[KDUMP_SHAPE_32_PADDED] = sub_32_padded,
	};

	return tables[shape];
}

uint32_t gs_kdump_header_bytes(enum kdump_shape shape)
{
	return shape == KDUMP_SHAPE_64 ? KDUMP_HEADER_BYTES_MAX : 452;
}

/* The fields come in the order of their age, so the last one of @version ends the struct. */
uint32_t gs_kdump_sub_bytes(enum kdump_shape shape, int version)
{
	const struct gs_field *fields = gs_kdump_sub_fields(shape);
	uint32_t end = 0;

	for (int i = 0; i < KDUMP_SUB_FIELD_COUNT; i++) {
		if (fields[i].since <= version)
			end = fields[i].off + fields[i].width;
	}
	return end;
}
