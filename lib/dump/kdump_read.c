/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory in a kdump file or a split set of them. */
#include <stdlib.h>
#include <string.h>

#include "kdump_memory.h"

/* Fewer shared zero pages than these in a row are not worth a stretch of their own. */
#define ZERO_RUN_PAGES 64u

/* A page that was read in part, for the next part: page tables are read in words. */
struct gs_kdump_reader {
	struct gs_kdump_decoder *decoder;
	gs_pfn_t pfn;
	bool has_page;
	uint8_t page[];
};

static void reader_destroy(struct gs_kdump_reader *r)
{
	if (!r)
		return;
	gs_kdump_decoder_destroy(r->decoder);
	free(r);
}

/* A thread comes back to the slot that it used last, and so to the page that it read last. */
static _Atomic(struct gs_kdump_reader *) *slot_of_thread(struct gs_kdump_memory *m)
{
	static _Atomic unsigned int thread_count;
	static _Thread_local unsigned int thread_number;

	if (!thread_number)
		thread_number = atomic_fetch_add(&thread_count, 1) + 1;
	return &m->pool[thread_number % KDUMP_POOL_SIZE];
}

static struct gs_error *take_reader(struct gs_kdump_memory *m, struct gs_kdump_reader **ret)
{
	struct gs_kdump_reader *r = atomic_exchange(slot_of_thread(m), NULL);
	struct gs_error *err;

	if (!r) {
		r = calloc(1, sizeof(*r) + m->block_size);
		if (!r)
			return gs_error_nomem();
		err = gs_kdump_decoder_create(&r->decoder);
		if (err) {
			free(r);
			return err;
		}
	}
	*ret = r;
	return NULL;
}

static void give_back_reader(struct gs_kdump_memory *m, struct gs_kdump_reader *r)
{
	reader_destroy(atomic_exchange(slot_of_thread(m), r));
}

static struct gs_kdump_part *find_part(const struct gs_kdump_memory *m, gs_pfn_t pfn)
{
	size_t i = m->part_count - 1;

	while (i && m->parts[i].start_pfn > pfn)
		i--;
	return &m->parts[i];
}

struct gs_kdump_part *gs_kdump_find_run(const struct gs_kdump_memory *m, gs_pfn_t pfn,
					gs_pfn_t limit, bool *set_ret, gs_pfn_t *end_ret)
{
	struct gs_kdump_part *part = find_part(m, pfn);
	size_t i = (size_t)(part - m->parts);

	if (i + 1 < m->part_count && m->parts[i + 1].start_pfn < limit)
		limit = m->parts[i + 1].start_pfn;
	*set_ret = gs_kdump_index_run(m->index, pfn, limit, end_ret);
	return part;
}

uint64_t gs_kdump_rank_in_part(const struct gs_kdump_memory *m, const struct gs_kdump_part *part,
			       gs_pfn_t pfn)
{
	return gs_kdump_index_rank(m->index, pfn) - part->first_rank;
}

/* Whole pages. */
static struct gs_error *read_pages(struct gs_kdump_memory *m, struct gs_kdump_reader *r,
				   gs_pfn_t pfn, gs_pfn_t end, uint8_t *out)
{
	struct gs_error *err = NULL;

	while (pfn < end && !err) {
		struct gs_kdump_part *part;
		gs_pfn_t run_end;
		bool set;

		part = gs_kdump_find_run(m, pfn, end, &set, &run_end);
		if (!set)
			return gs_error_create(
				GS_ERROR_NODATA, "%s: 0x%llx: excluded from the dump",
				m->dump.mem.name, (unsigned long long)pfn * m->block_size);
		err = gs_kdump_read_pages(r->decoder, part, pfn,
					  gs_kdump_rank_in_part(m, part, pfn),
					  (size_t)(run_end - pfn), out);
		out += (run_end - pfn) * m->block_size;
		pfn = run_end;
	}
	return err;
}

static struct gs_error *read_part_of_page(struct gs_kdump_memory *m, struct gs_kdump_reader *r,
					  gs_gpa_t gpa, uint8_t *out, size_t size)
{
	gs_pfn_t pfn = gpa / m->block_size;

	if (!r->has_page || r->pfn != pfn) {
		struct gs_error *err;

		r->has_page = false;
		err = read_pages(m, r, pfn, pfn + 1, r->page);
		if (err)
			return err;
		r->pfn = pfn;
		r->has_page = true;
	}
	memcpy(out, r->page + gpa % m->block_size, size);
	return NULL;
}

static struct gs_error *read_span(struct gs_kdump_memory *m, struct gs_kdump_reader *r,
				  gs_gpa_t gpa, uint8_t *out, size_t size)
{
	struct gs_error *err = NULL;

	while (size && !err) {
		size_t in_page = gpa % m->block_size, n;

		if (in_page || size < m->block_size) {
			n = m->block_size - in_page < size ? m->block_size - in_page : size;
			err = read_part_of_page(m, r, gpa, out, n);
		} else {
			n = size - size % m->block_size;
			err = read_pages(m, r, gpa / m->block_size, (gpa + n) / m->block_size, out);
		}
		gpa += n;
		out += n;
		size -= n;
	}
	return err;
}

static struct gs_error *kdump_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct gs_kdump_memory *m = (struct gs_kdump_memory *)mem;
	struct gs_kdump_reader *r = NULL;
	struct gs_error *err = take_reader(m, &r);

	if (err)
		return err;
	err = read_span(m, r, gpa, buf, size);
	give_back_reader(m, r);
	return err;
}

static enum gs_extent kind_of_page(struct gs_kdump_part *part, const struct gs_kdump_page *pages,
				   size_t i, size_t count, struct gs_error **err)
{
	bool is_zero = false;

	if (!pages[i].off)
		return GS_EXTENT_EXCLUDED;
	*err = gs_kdump_is_shared_zero(part, &pages[i], i + 1 < count ? &pages[i + 1] : NULL,
				       &is_zero);
	return is_zero ? GS_EXTENT_ZERO : GS_EXTENT_DATA;
}

/*
 * What @count pages with descriptors begin with: data, lost pages, or many shared zero pages. Few
 * of those are data, for the sake of whoever works in chunks.
 */
static struct gs_error *split_batch(struct gs_kdump_part *part, const struct gs_kdump_page *pages,
				    size_t count, enum gs_extent *ret, size_t *run_ret)
{
	struct gs_error *err = NULL;
	size_t zeros = 0, i;

	*ret = kind_of_page(part, pages, 0, count, &err);
	for (i = 0; i < count && !err; i++) {
		enum gs_extent kind = kind_of_page(part, pages, i, count, &err);

		if (*ret == GS_EXTENT_ZERO && kind == GS_EXTENT_DATA && i < ZERO_RUN_PAGES)
			*ret = GS_EXTENT_DATA;
		zeros = kind == GS_EXTENT_ZERO ? zeros + 1 : 0;
		if (*ret == GS_EXTENT_DATA && zeros == ZERO_RUN_PAGES) {
			i -= zeros - 1;
			break;
		}
		if (kind != *ret && !(*ret == GS_EXTENT_DATA && kind == GS_EXTENT_ZERO))
			break;
	}
	*run_ret = i;
	return err;
}

/* Whoever walks a memory asks more than once about the same pages; they count once. */
static void count_lost(struct gs_kdump_memory *m, gs_pfn_t pfn, gs_pfn_t end)
{
	gs_pfn_t counted = atomic_load(&m->lost_end);

	if (pfn < counted)
		pfn = counted;
	if (pfn < end && atomic_compare_exchange_strong(&m->lost_end, &counted, end))
		__atomic_fetch_add(&m->dump.facts.lost_pages, end - pfn, __ATOMIC_RELAXED);
}

static struct gs_error *kdump_extent(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
				     enum gs_extent *ret, gs_gpa_t *end_ret)
{
	struct gs_kdump_memory *m = (struct gs_kdump_memory *)mem;
	struct gs_kdump_page pages[KDUMP_BATCH_PAGES];
	gs_pfn_t pfn = gpa / m->block_size, end;
	struct gs_kdump_part *part;
	struct gs_error *err;
	size_t count;
	bool set;

	part = gs_kdump_find_run(m, pfn, limit / m->block_size, &set, &end);
	*ret = GS_EXTENT_EXCLUDED;
	*end_ret = end * m->block_size;
	if (!set)
		return NULL;
	count = end - pfn < KDUMP_BATCH_PAGES ? end - pfn : KDUMP_BATCH_PAGES;
	err = gs_kdump_read_descs(part, gs_kdump_rank_in_part(m, part, pfn), count, pages);
	if (!err)
		err = split_batch(part, pages, count, ret, &count);
	*end_ret = (pfn + count) * m->block_size;
	if (!err && *ret == GS_EXTENT_EXCLUDED)
		count_lost(m, pfn, pfn + count);
	return err;
}

static void kdump_destroy(struct gs_memory *mem)
{
	struct gs_kdump_memory *m = (struct gs_kdump_memory *)mem;

	for (size_t i = 0; i < KDUMP_POOL_SIZE; i++)
		reader_destroy(atomic_load(&m->pool[i]));
	for (size_t i = 0; i < m->part_count; i++)
		gs_blob_destroy(m->parts[i].blob);
	gs_kdump_index_destroy(m->index);
	free(m->parts);
}

const struct gs_memory_ops gs_kdump_memory_ops = {
	.format = "kdump",
	.read = kdump_read,
	.extent = kdump_extent,
	.destroy = kdump_destroy,
};
