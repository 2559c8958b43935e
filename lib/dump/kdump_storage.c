/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the pages of a kdump file are stored, from their descriptors. */
#include "kdump_memory.h"

/*
 * Writers put the page of zeros that others share before all data. Known from the start, also its
 * lone users are told from pages with data of their own, wherever the first question lands.
 */
static struct gs_error *look_for_zero_page(struct gs_kdump_part *part)
{
	const struct gs_kdump_page first = {.off = part->data_off, .size = part->block_size};
	struct gs_error *err;
	bool is_zero;

	if (atomic_load(&part->looked_for_zero))
		return NULL;
	err = gs_kdump_is_shared_zero(part, &first, &first, &is_zero);
	if (!err) /* whoever came meanwhile has looked as well */
		atomic_store(&part->looked_for_zero, true);
	return err;
}

static struct gs_error *describe_page(struct gs_kdump_part *part, const struct gs_kdump_page *page,
				      const struct gs_kdump_page *next, struct gs_stored_page *ret)
{
	gs_autoerror struct gs_error *problem = NULL;
	bool is_zero = false;
	struct gs_error *err;

	*ret = (struct gs_stored_page){.storage = GS_STORAGE_NONE};
	if (!page->off)
		return NULL;
	err = gs_kdump_is_shared_zero(part, page, next, &is_zero);
	if (err)
		return err;
	ret->storage = is_zero ? GS_STORAGE_ZERO : GS_STORAGE_OWN;
	ret->bytes = page->size;
	problem = gs_kdump_check_page(part, page, &ret->codec);
	if (problem)
		ret->storage = GS_STORAGE_DAMAGED;
	return NULL;
}

static struct gs_error *describe_batch(struct gs_kdump_part *part, uint64_t rank, size_t count,
				       struct gs_stored_page *ret)
{
	struct gs_kdump_page pages[KDUMP_BATCH_PAGES];
	struct gs_error *err = gs_kdump_read_descs(part, rank, count, pages);

	for (size_t i = 0; !err && i < count; i++)
		err = describe_page(part, &pages[i], i + 1 < count ? &pages[i + 1] : NULL, &ret[i]);
	return err;
}

bool gs_dump_stores_pages(const struct gs_memory *mem)
{
	return mem->ops == &gs_kdump_memory_ops;
}

struct gs_error *gs_dump_stored_pages(struct gs_memory *mem, gs_gpa_t gpa, size_t count,
				      struct gs_stored_page *ret)
{
	struct gs_kdump_memory *m = (struct gs_kdump_memory *)mem;
	gs_pfn_t pfn = gpa / m->block_size, end = pfn + count;
	struct gs_error *err = NULL;

	while (pfn < end && !err) {
		gs_pfn_t run_end;
		bool is_set;
		struct gs_kdump_part *part = gs_kdump_find_run(m, pfn, end, &is_set, &run_end);

		if (run_end - pfn > KDUMP_BATCH_PAGES)
			run_end = pfn + KDUMP_BATCH_PAGES;
		for (size_t i = 0; !is_set && i < run_end - pfn; i++)
			ret[i] = (struct gs_stored_page){.storage = GS_STORAGE_NONE};
		if (is_set)
			err = look_for_zero_page(part);
		if (is_set && !err)
			err = describe_batch(part, gs_kdump_rank_in_part(m, part, pfn),
					     run_end - pfn, ret);
		ret += run_end - pfn;
		pfn = run_end;
	}
	return err;
}
