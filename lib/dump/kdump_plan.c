/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of a kdump file to be written. */
#include <inttypes.h>
#include <stdlib.h>

#include "kdump_plan.h"
#include "writer.h"

/*
 * For every 32-bit guest the packed shape, as QEMU does: it is the native one of i386, and so of
 * crash built for a foreign 32-bit target on an x86 host; libkdumpfile (and drgn through it) finds
 * its way in it, while up to 0.5.1 it cannot read the padded shape at all. Left out are tools that
 * run on a 32-bit host of another architecture.
 */
static enum kdump_shape choose_shape(const struct gs_attributes *attrs)
{
	return attrs->is_64bit ? KDUMP_SHAPE_64 : KDUMP_SHAPE_32_PACKED;
}

/* A page has one descriptor, so it cannot come from two ranges. */
static struct gs_error *check_ranges(const struct gs_layout *layout)
{
	uint32_t page_size = gs_selection_page_size(layout->selection);
	size_t count;
	const struct gs_range *r = gs_selection_ranges(layout->selection, &count);

	for (size_t i = 1; i < count; i++) {
		gs_gpa_t end = r[i - 1].start + r[i - 1].size;

		if ((end - 1) / page_size == r[i].start / page_size)
			return gs_error_create(GS_ERROR_UNSUPPORTED,
					       "ranges that end at 0x%" PRIx64
					       " and start at 0x%" PRIx64
					       " share a page of %u bytes: only ELF can hold them",
					       end, r[i].start, page_size);
	}
	return NULL;
}

static struct gs_error *check_limits(const struct gs_layout *layout)
{
	uint32_t page_size = gs_selection_page_size(layout->selection);

	if (page_size < KDUMP_BLOCK_SIZE_MIN || page_size > KDUMP_BLOCK_SIZE_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "pages of %u bytes: kdump files have %u to %u", page_size,
				       KDUMP_BLOCK_SIZE_MIN, KDUMP_BLOCK_SIZE_MAX);
	return check_ranges(layout);
}

/* Notes and erase text lie behind the sub header, in its blocks. */
static struct gs_error *plan_sub_header(struct kdump_plan *plan, const struct gs_layout *layout)
{
	uint64_t end = plan->block_size + gs_kdump_sub_bytes(plan->shape, KDUMP_VERSION_MAX);
	uint64_t vmcoreinfo_off;
	struct gs_error *err;

	err = gs_writer_notes(layout->attrs, &plan->notes, &plan->notes_size, &vmcoreinfo_off);
	if (err)
		return err;
	plan->notes_off = end;
	end += plan->notes_size;
	if (vmcoreinfo_off != UINT64_MAX)
		plan->vmcoreinfo_off = plan->notes_off + vmcoreinfo_off;
	if (layout->attrs->eraseinfo_size) {
		plan->eraseinfo_off = end;
		end += layout->attrs->eraseinfo_size;
	}
	plan->sub_hdr_blocks = (uint32_t)((end - 1) / plan->block_size);
	return NULL;
}

static void plan_rest(struct kdump_plan *plan, const struct gs_layout *layout)
{
	uint64_t block = plan->block_size;
	uint64_t bitmap_bytes = (plan->end_pfn + 7) / 8;

	plan->bitmap_blocks = (uint32_t)((bitmap_bytes + block - 1) / block);
	plan->bitmap1_off = block * (1 + (uint64_t)plan->sub_hdr_blocks);
	plan->bitmap2_off = plan->bitmap1_off + block * plan->bitmap_blocks;
	plan->table_off = plan->bitmap2_off + block * plan->bitmap_blocks;
	plan->data_off =
		plan->table_off + gs_selection_kept_pages(layout->selection) * KDUMP_DESC_BYTES;
	if (layout->share_zero && !layout->drop_zero) {
		plan->zero_off = plan->data_off;
		plan->data_off += block;
	}
}

struct gs_error *gs_kdump_plan_init(struct kdump_plan *plan, const struct gs_layout *layout)
{
	struct gs_error *err = check_limits(layout);

	if (err)
		return err;
	*plan = (struct kdump_plan){
		.shape = choose_shape(layout->attrs),
		.block_size = gs_selection_page_size(layout->selection),
		.end_pfn = gs_selection_end_pfn(layout->selection),
	};
	err = plan_sub_header(plan, layout);
	if (!err)
		plan_rest(plan, layout);
	return err;
}

void gs_kdump_plan_deinit(struct kdump_plan *plan)
{
	free(plan->notes);
	plan->notes = NULL;
}

struct gs_error *gs_kdump_layout_max_bytes(const struct gs_layout *layout, uint64_t *bytes_ret)
{
	struct kdump_plan plan;
	struct gs_error *err = gs_kdump_plan_init(&plan, layout);

	if (err)
		return err;
	*bytes_ret = plan.data_off + gs_selection_kept_pages(layout->selection) * plan.block_size;
	gs_kdump_plan_deinit(&plan);
	return NULL;
}
