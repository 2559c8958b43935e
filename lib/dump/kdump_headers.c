/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a kdump file that stand before its descriptors. */
#include <stdlib.h>
#include <string.h>

#include "bit_stream.h"
#include "kdump_plan.h"

static void put_utsname(uint8_t *header, const struct gs_attributes *attrs)
{
	for (int i = 0; i < GS_UTSNAME_FIELDS; i++)
		memcpy(header + KDUMP_UTSNAME_OFF + i * GS_UTSNAME_SIZE, attrs->utsname[i],
		       strnlen(attrs->utsname[i], GS_UTSNAME_SIZE - 1));
}

static uint32_t status_word(const struct gs_layout *layout)
{
	uint32_t status = gs_codec_info(layout->codec)->kdump_flag;

	return layout->attrs->incomplete ? status | KDUMP_STATUS_INCOMPLETE : status;
}

static void put_header(uint8_t *block, const struct kdump_plan *plan,
		       const struct gs_layout *layout)
{
	const struct gs_attributes *attrs = layout->attrs;
	const uint64_t values[KDUMP_HEADER_FIELD_COUNT] = {
		[KDUMP_HEADER_VERSION] = KDUMP_VERSION_MAX,
		[KDUMP_TV_SEC] = (uint64_t)attrs->timestamp_sec,
		[KDUMP_TV_USEC] = (uint64_t)attrs->timestamp_usec,
		[KDUMP_STATUS] = status_word(layout),
		[KDUMP_BLOCK_SIZE] = plan->block_size,
		[KDUMP_SUB_HDR_SIZE] = plan->sub_hdr_blocks,
		[KDUMP_BITMAP_BLOCKS] = 2 * (uint64_t)plan->bitmap_blocks,
		[KDUMP_MAX_MAPNR] = plan->end_pfn < UINT32_MAX ? plan->end_pfn : UINT32_MAX,
		[KDUMP_NR_CPUS] = attrs->cpu_count ? attrs->cpu_count : 1, /* 0 makes crash warn */
	};
	const struct gs_field *fields = gs_kdump_header_fields(plan->shape);

	memcpy(block, KDUMP_SIGNATURE, KDUMP_SIGNATURE_SIZE);
	put_utsname(block, attrs);
	for (int i = 0; i < KDUMP_HEADER_FIELD_COUNT; i++)
		gs_field_put(&fields[i], block, values[i], attrs->big_endian);
}

static void put_sub_header(uint8_t *to, const struct kdump_plan *plan,
			   const struct gs_layout *layout)
{
	const struct gs_attributes *attrs = layout->attrs;
	bool zero_left_out = layout->share_zero || layout->drop_zero;
	const uint64_t values[KDUMP_SUB_FIELD_COUNT] = {
		[KDUMP_PHYS_BASE] = attrs->has_phys_base ? (uint64_t)attrs->phys_base : 0,
		[KDUMP_DUMP_LEVEL] = attrs->dump_level | layout->dump_level |
				     (zero_left_out ? KDUMP_LEVEL_ZERO : 0),
		[KDUMP_OFFSET_VMCOREINFO] = plan->vmcoreinfo_off,
		[KDUMP_SIZE_VMCOREINFO] = plan->vmcoreinfo_off ? attrs->vmcoreinfo_size : 0,
		[KDUMP_OFFSET_NOTE] = plan->notes_size ? plan->notes_off : 0,
		[KDUMP_SIZE_NOTE] = plan->notes_size,
		[KDUMP_OFFSET_ERASEINFO] = plan->eraseinfo_off,
		[KDUMP_SIZE_ERASEINFO] = attrs->eraseinfo_size,
		[KDUMP_MAX_MAPNR_64] = plan->end_pfn,
	};
	const struct gs_field *fields = gs_kdump_sub_fields(plan->shape);

	for (int i = 0; i < KDUMP_SUB_FIELD_COUNT; i++)
		gs_field_put(&fields[i], to, values[i], attrs->big_endian);
}

static struct gs_error *write_bitmap1(const struct kdump_plan *plan, const struct gs_layout *layout,
				      struct gs_sink *sink)
{
	size_t count;
	const struct gs_range *ranges = gs_selection_ranges(layout->selection, &count);
	struct bit_stream bits;
	struct gs_error *err = gs_bit_stream_init(&bits, sink, plan->bitmap1_off);

	for (size_t i = 0; i < count && !err; i++) {
		gs_pfn_t first = ranges[i].start / plan->block_size;
		gs_pfn_t last = (ranges[i].start + ranges[i].size - 1) / plan->block_size;

		err = gs_bit_stream_set(&bits, first, last - first + 1);
	}
	if (!err)
		err = gs_bit_stream_flush(&bits);
	gs_bit_stream_deinit(&bits);
	return err;
}

struct gs_error *gs_kdump_write_headers(const struct kdump_plan *plan,
					const struct gs_layout *layout, struct gs_sink *sink)
{
	const struct gs_attributes *attrs = layout->attrs;
	size_t size = plan->block_size + gs_kdump_sub_bytes(plan->shape, KDUMP_VERSION_MAX);
	gs_autofree uint8_t *head = calloc(1, size);
	struct gs_error *err;

	if (!head)
		return gs_error_nomem();
	put_header(head, plan, layout);
	put_sub_header(head + plan->block_size, plan, layout);
	err = gs_sink_write(sink, 0, head, size);
	if (!err)
		err = gs_sink_write(sink, plan->notes_off, plan->notes, plan->notes_size);
	if (!err && plan->eraseinfo_off)
		err = gs_sink_write(sink, plan->eraseinfo_off, attrs->eraseinfo,
				    attrs->eraseinfo_size);
	return err ? err : write_bitmap1(plan, layout, sink);
}
