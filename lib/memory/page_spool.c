/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page spool: kept pages copied next to each other, and the memory that they make.
 *
 *	guest:  |  unit (1 MiB)  |  unit  |  unit, nothing kept  |  unit, all zero  | ...
 *	             │ a slot number per page
 *	spool:  [ slab of worker 0 | slab of worker 1 | slab of worker 0 | ... ]
 *
 * A worker loads a chunk right into its slab, and then closes the gaps that zero pages and pages
 * that are not kept leave in it: what it copies a second time is still in its cache.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/text.h>
#include <guestscope/base/thread.h>
#include <guestscope/memory.h>

#define SLAB_BYTES_MAX (UINT64_C(16) << 20)
#define SLABS_PER_WORKER 8 /* at least: what the last ones leave unused is then little */
#define POPULATE_BYTES (UINT64_C(32) << 20)
#define HOST_PAGE_BYTES 4096 /* the smallest there is */
#define SLOT_EXCLUDED UINT32_MAX
#define SLOT_ZERO (UINT32_MAX - 1)
#define SLOTS_MAX SLOT_ZERO

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

struct gs_page_spool {
	uint8_t *bytes;
	uint64_t size;
	_Atomic uint64_t taken; /* bytes given to slabs; may go beyond size */
	_Atomic uint64_t used;  /* by pages */
};

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- room ---- */

struct populate {
	uint8_t *bytes;
	uint64_t size;
	_Atomic uint64_t next;
};

static int populate_piece(uint8_t *piece, uint64_t size)
{
	if (madvise(piece, size, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return errno;
	for (uint64_t at = 0; at < size; at += HOST_PAGE_BYTES)
		*(volatile uint8_t *)(piece + at) = 0;
	return 0;
}

static struct gs_error *populate(void *arg, unsigned int index)
{
	struct populate *p = arg;
	uint64_t at;

	(void)index;
	while ((at = atomic_fetch_add(&p->next, POPULATE_BYTES)) < p->size) {
		uint64_t size = min_u64(p->size - at, POPULATE_BYTES);
		int error = populate_piece(p->bytes + at, size);

		if (error)
			return gs_error_os(error, "spool: memory for %" PRIu64 " bytes", p->size);
	}
	return NULL;
}

struct gs_error *gs_page_spool_create(uint64_t max_bytes, uint64_t ready_bytes,
				      struct gs_page_spool **ret)
{
	GS_CLEANUP(gs_page_spool_destroy) struct gs_page_spool *spool = calloc(1, sizeof(*spool));
	struct populate p = {.size = min_u64(ready_bytes, max_bytes)};
	struct gs_error *err;

	if (!spool)
		return gs_error_nomem();
	if (max_bytes < GS_CHUNK_BYTES)
		return gs_error_create(GS_ERROR_INVALID, "spool: at least %" PRIu64 " bytes",
				       (uint64_t)GS_CHUNK_BYTES);
	p.bytes = mmap(NULL, max_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p.bytes == MAP_FAILED)
		return gs_error_os(errno, "spool: mmap of %" PRIu64 " bytes", max_bytes);
	spool->bytes = p.bytes;
	spool->size = max_bytes;
	/* Fewer faults, and fewer misses of the TLB while copying. Where there are none, fine. */
	(void)madvise(p.bytes, max_bytes, MADV_HUGEPAGE);
	/* The guest's memory shall not be found in a core of ours, nor in a forked guardian. */
	(void)madvise(p.bytes, max_bytes, MADV_DONTDUMP);
	(void)madvise(p.bytes, max_bytes, MADV_DONTFORK);
	err = gs_threads_run(gs_cpu_count(), populate, &p);
	if (!err)
		*ret = gs_take(spool);
	return err;
}

void gs_page_spool_destroy(struct gs_page_spool *spool)
{
	if (!spool)
		return;
	if (spool->bytes)
		munmap(spool->bytes, spool->size);
	free(spool);
}

uint64_t gs_page_spool_used_bytes(const struct gs_page_spool *spool)
{
	return spool->used;
}

/* ---- the memory that comes out ---- */

struct spooled {
	struct gs_memory mem;
	const struct gs_page_spool *spool; /* borrowed */
	size_t *first_unit;                /* of each range */
	/* Of each unit a slot for each page; NULL: nothing is kept of it; all_zero: all, as zeros.
	 */
	uint32_t **units;
	size_t unit_count;
};

static uint32_t all_zero[1];

static uint64_t unit_number(gs_gpa_t gpa)
{
	return gpa / GS_CHUNK_BYTES;
}

static size_t slots_per_unit(const struct gs_memory *mem)
{
	return GS_CHUNK_BYTES / mem->attrs.page_size;
}

/* The unit that holds @gpa of range @i: ranges that meet in one have one each. */
static size_t find_unit(const struct spooled *s, size_t i, gs_gpa_t gpa)
{
	return s->first_unit[i] + (unit_number(gpa) - unit_number(s->mem.ranges[i].start));
}

static uint32_t slot_at(const struct spooled *s, size_t unit, gs_gpa_t gpa)
{
	const uint32_t *slots = s->units[unit];

	if (!slots)
		return SLOT_EXCLUDED;
	if (slots == all_zero)
		return SLOT_ZERO;
	return slots[gpa % GS_CHUNK_BYTES / s->mem.attrs.page_size];
}

static struct gs_error *spooled_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct spooled *s = (struct spooled *)mem;
	size_t i = gs_ranges_find(mem->ranges, mem->range_count, gpa);
	uint64_t page_size = mem->attrs.page_size;
	uint8_t *to = buf;

	while (size) {
		uint64_t skip = gpa % page_size;
		size_t part = page_size - skip < size ? page_size - skip : size;
		uint32_t slot = slot_at(s, find_unit(s, i, gpa), gpa);

		if (slot == SLOT_EXCLUDED)
			return gs_error_create(GS_ERROR_NODATA, "%s: 0x%" PRIx64 ": not kept",
					       mem->name, gpa);
		if (slot == SLOT_ZERO)
			memset(to, 0, part);
		else
			memcpy(to, s->spool->bytes + slot * page_size + skip, part);
		gpa += part;
		to += part;
		size -= part;
	}
	return NULL;
}

static enum gs_extent kind_of(uint32_t slot)
{
	if (slot == SLOT_EXCLUDED)
		return GS_EXTENT_EXCLUDED;
	return slot == SLOT_ZERO ? GS_EXTENT_ZERO : GS_EXTENT_DATA;
}

/* Behind the page, or the whole unit where it is of one kind. */
static gs_gpa_t step(const struct spooled *s, size_t unit, gs_gpa_t gpa)
{
	const uint32_t *slots = s->units[unit];
	uint64_t size = !slots || slots == all_zero ? GS_CHUNK_BYTES : s->mem.attrs.page_size;

	return (gpa & ~(size - 1)) + size;
}

static struct gs_error *spooled_extent(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
				       enum gs_extent *ret, gs_gpa_t *end_ret)
{
	const struct spooled *s = (const struct spooled *)mem;
	size_t i = gs_ranges_find(mem->ranges, mem->range_count, gpa);
	size_t unit = find_unit(s, i, gpa);
	enum gs_extent kind = kind_of(slot_at(s, unit, gpa));

	do {
		gpa = step(s, unit, gpa);
		unit = find_unit(s, i, gpa);
	} while (gpa < limit && kind_of(slot_at(s, unit, gpa)) == kind);
	*ret = kind;
	*end_ret = gpa < limit ? gpa : limit;
	return NULL;
}

static void spooled_destroy(struct gs_memory *mem)
{
	struct spooled *s = (struct spooled *)mem;

	for (size_t i = 0; s->units && i < s->unit_count; i++) {
		if (s->units[i] != all_zero)
			free(s->units[i]);
	}
	free(s->units);
	free(s->first_unit);
}

static const struct gs_memory_ops spooled_ops = {
	.format = "spool",
	.read = spooled_read,
	.extent = spooled_extent,
	.destroy = spooled_destroy,
};

static struct gs_error *make_units(struct spooled *s)
{
	s->first_unit = calloc(s->mem.range_count + 1, sizeof(*s->first_unit));
	if (!s->first_unit)
		return gs_error_nomem();
	for (size_t i = 0; i < s->mem.range_count; i++) {
		const struct gs_range *r = &s->mem.ranges[i];

		s->first_unit[i] = s->unit_count;
		s->unit_count += unit_number(r->start + r->size - 1) - unit_number(r->start) + 1;
	}
	s->units = calloc(s->unit_count + 1, sizeof(*s->units));
	return s->units ? NULL : gs_error_nomem();
}

static struct gs_error *make_spooled(const struct gs_page_spool *spool, const struct gs_memory *mem,
				     struct spooled **ret)
{
	struct spooled *s = calloc(1, sizeof(*s));
	struct gs_error *err;

	if (!s)
		return gs_error_nomem();
	s->mem.ops = &spooled_ops;
	s->spool = spool;
	s->mem.name = strdup(mem->name);
	s->mem.ranges = malloc((mem->range_count + 1) * sizeof(*mem->ranges));
	err = s->mem.name && s->mem.ranges ? NULL : gs_error_nomem();
	if (!err)
		err = gs_attributes_copy(&mem->attrs, &s->mem.attrs);
	if (!err) {
		memcpy(s->mem.ranges, mem->ranges, mem->range_count * sizeof(*mem->ranges));
		s->mem.range_count = mem->range_count;
		err = make_units(s);
	}
	if (err)
		gs_memory_destroy(&s->mem);
	else
		*ret = s;
	return err;
}

/* ---- filling ---- */

struct fill {
	struct gs_page_spool *spool;
	struct spooled *s;
	struct gs_page_source *src;
	uint64_t slab_bytes;
	const _Atomic int *cancelled;
	pthread_mutex_t lock; /* src's next(), the table of units, end */
	bool end;
};

/* A worker's own part of the spool. */
struct slab {
	uint64_t at, end; /* offsets in the spool */
	uint64_t used;    /* of this slab and those before */
};

static struct gs_error *own_unit(struct spooled *s, size_t unit, uint32_t **ret)
{
	uint32_t *slots = s->units[unit];

	if (!slots) {
		size_t size = slots_per_unit(&s->mem) * sizeof(*slots);

		slots = malloc(size);
		if (!slots)
			return gs_error_nomem();
		memset(slots, 0xff, size);
		s->units[unit] = slots;
	}
	*ret = slots;
	return NULL;
}

static struct gs_error *mark_zero(struct spooled *s, gs_gpa_t gpa, gs_gpa_t end)
{
	size_t i = gs_ranges_find(s->mem.ranges, s->mem.range_count, gpa);
	uint32_t page_size = s->mem.attrs.page_size, *slots;

	while (gpa < end) {
		size_t unit = find_unit(s, i, gpa);
		gs_gpa_t border = (gpa | (GS_CHUNK_BYTES - 1)) + 1;
		gs_gpa_t stop = border < end ? border : end;
		struct gs_error *err;

		if (gpa % GS_CHUNK_BYTES == 0 && stop == border) {
			s->units[unit] = all_zero;
			gpa = stop;
			continue;
		}
		err = own_unit(s, unit, &slots);
		if (err)
			return err;
		for (; gpa < stop; gpa = (gpa / page_size + 1) * page_size)
			slots[gpa % GS_CHUNK_BYTES / page_size] = SLOT_ZERO;
	}
	return NULL;
}

/* The next chunk with data, and the slots of its unit. Runs without are dealt with on the way. */
static struct gs_error *next_data(struct fill *f, struct gs_chunk *chunk, uint32_t **slots_ret,
				  bool *end_ret)
{
	struct gs_memory *mem = &f->s->mem;
	struct gs_error *err = NULL;

	pthread_mutex_lock(&f->lock);
	do {
		if (f->cancelled && *f->cancelled)
			err = gs_error_os(EINTR, "stopped");
		else if (!f->end)
			err = gs_page_source_next(f->src, chunk, &f->end);
		if (!err && !f->end && chunk->kind == GS_EXTENT_ZERO)
			err = mark_zero(f->s, chunk->gpa, chunk->gpa + chunk->size);
	} while (!err && !f->end && chunk->kind != GS_EXTENT_DATA);
	if (!err && !f->end) {
		size_t i = gs_ranges_find(mem->ranges, mem->range_count, chunk->gpa);

		err = own_unit(f->s, find_unit(f->s, i, chunk->gpa), slots_ret);
	}
	f->end |= err != NULL;
	*end_ret = f->end;
	pthread_mutex_unlock(&f->lock);
	return err;
}

/* False: there is no room left. */
static bool take_slab(struct fill *f, struct slab *slab)
{
	uint64_t at = atomic_fetch_add(&f->spool->taken, f->slab_bytes);

	if (at >= f->spool->size || f->spool->size - at < f->s->mem.attrs.page_size ||
	    at / f->s->mem.attrs.page_size >= SLOTS_MAX - SLAB_BYTES_MAX)
		return false;
	slab->at = at;
	slab->end = at + min_u64(f->spool->size - at, f->slab_bytes);
	return true;
}

/* The @size bytes at @page, which start @skip bytes into their page, get a slot. */
static struct gs_error *place_page(struct fill *f, struct slab *slab, const uint8_t *page,
				   size_t skip, size_t size, uint32_t *slot_ret)
{
	uint32_t page_size = f->s->mem.attrs.page_size;
	char room[GS_SIZE_TEXT];
	uint8_t *to;

	if (slab->end - slab->at < page_size && !take_slab(f, slab))
		return gs_error_create(GS_ERROR_NODATA, "spool: the pages need more than %s",
				       gs_format_size(f->spool->size, room));
	to = f->spool->bytes + slab->at + skip;
	if (to != page)
		memcpy(to, page, size);
	*slot_ret = (uint32_t)(slab->at / page_size);
	slab->at += page_size;
	slab->used += page_size;
	return NULL;
}

static struct gs_error *place_chunk(struct fill *f, struct slab *slab, const struct gs_chunk *chunk,
				    uint32_t *slots)
{
	uint32_t page_size = f->s->mem.attrs.page_size;
	size_t skip = chunk->gpa % page_size, slot = chunk->gpa % GS_CHUNK_BYTES / page_size;
	struct gs_error *err = NULL;

	for (size_t at = 0, page = 0; at < chunk->size && !err; page++, slot++) {
		size_t left = chunk->size - at;
		size_t size = page_size - skip < left ? page_size - skip : left;
		bool is_data = chunk->page[page] == GS_EXTENT_DATA;

		if (chunk->page[page] == GS_EXTENT_ZERO ||
		    (is_data && gs_is_zero(chunk->data + at, size)))
			slots[slot] = SLOT_ZERO;
		else if (is_data)
			err = place_page(f, slab, chunk->data + at, skip, size, &slots[slot]);
		at += size;
		skip = 0;
	}
	return err;
}

/* Pages only ever move down in the slab: no slot overtakes the page that will get it. */
static bool fits_in_place(const struct fill *f, const struct slab *slab,
			  const struct gs_chunk *chunk)
{
	return slab->end - slab->at >= GS_CHUNK_BYTES &&
	       chunk->gpa % f->s->mem.attrs.page_size == 0;
}

static struct gs_error *fill_worker(void *arg, unsigned int index)
{
	struct fill *f = arg;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	gs_autofree uint8_t *aside = aligned_alloc(4096, GS_CHUNK_BYTES);
	struct gs_error *err = chunk && aside ? NULL : gs_error_nomem();
	struct slab slab = {0};

	(void)index;
	while (!err) {
		uint32_t *slots = NULL;
		bool end;

		err = next_data(f, chunk, &slots, &end);
		if (err || end)
			break;
		/* Without room a chunk of zeros may still do. */
		if (slab.at == slab.end)
			(void)take_slab(f, &slab);
		chunk->buffer = fits_in_place(f, &slab, chunk) ? f->spool->bytes + slab.at : aside;
		err = gs_page_source_load(f->src, chunk);
		if (!err)
			err = place_chunk(f, &slab, chunk, slots);
	}
	f->spool->used += slab.used;
	if (err) {
		pthread_mutex_lock(&f->lock);
		f->end = true;
		pthread_mutex_unlock(&f->lock);
	}
	return err;
}

static uint64_t pick_slab_bytes(const struct gs_page_spool *spool, unsigned int threads)
{
	uint64_t share = spool->size / threads / SLABS_PER_WORKER / GS_CHUNK_BYTES * GS_CHUNK_BYTES;

	return share > GS_CHUNK_BYTES ? min_u64(share, SLAB_BYTES_MAX) : GS_CHUNK_BYTES;
}

struct gs_error *gs_page_spool_fill(struct gs_page_spool *spool, struct gs_memory *mem,
				    const struct gs_selection *sel, unsigned int threads,
				    const _Atomic int *cancelled, struct gs_memory **ret)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct fill f = {.spool = spool, .cancelled = cancelled, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct gs_error *err;

	if (mem->attrs.page_size > GS_CHUNK_BYTES)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "%s: pages of %u bytes", mem->name,
				       mem->attrs.page_size);
	err = make_spooled(spool, mem, &f.s);
	if (err)
		return err;
	threads = threads ? threads : gs_cpu_count();
	f.slab_bytes = pick_slab_bytes(spool, threads);
	spool->taken = 0;
	spool->used = 0;
	err = gs_selection_source(mem, sel, &src);
	f.src = src;
	if (!err)
		err = gs_threads_run(threads, fill_worker, &f);
	if (err)
		gs_memory_destroy(&f.s->mem);
	else
		*ret = &f.s->mem;
	return err;
}
