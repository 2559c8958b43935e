/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guest physical addresses the kernel has a mem_map for. */
#include <guestscope/linux.h>

#include <stdlib.h>

#include "sparse.h"

/* Sections found, neighbours merged. */
struct found {
	struct gs_range *ranges;
	size_t count, capacity;
};

static struct gs_error *add_section(struct found *f, uint64_t section, unsigned int section_bits)
{
	struct gs_range *last = f->count ? &f->ranges[f->count - 1] : NULL;
	uint64_t bytes = UINT64_C(1) << section_bits;
	gs_gpa_t start = section << section_bits;

	if (last && last->start + last->size == start) {
		last->size += bytes;
		return NULL;
	}
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? f->capacity * 2 : 16;
		struct gs_range *ranges = reallocarray(f->ranges, capacity, sizeof(*ranges));

		if (!ranges)
			return gs_error_nomem();
		f->ranges = ranges;
		f->capacity = capacity;
	}
	f->ranges[f->count++] = (struct gs_range){.start = start, .size = bytes};
	return NULL;
}

static struct gs_error *read_root(const struct sparse *s, uint64_t root, uint8_t *buffer,
				  struct found *f)
{
	bool found;
	struct gs_error *err = gs_sparse_read_root(s, root, buffer, &found);

	if (!found)
		return err;
	for (uint64_t i = 0; !err && i < s->sections_per_root; i++) {
		if (gs_sparse_mem_map(s, buffer, i))
			err = add_section(f, root * s->sections_per_root + i, s->section_bits);
	}
	return err;
}

static struct gs_error *read_roots(const struct sparse *s, struct found *f)
{
	const struct gs_memory *mem = s->l->mem;
	gs_autofree uint8_t *buffer = malloc(gs_sparse_root_bytes(s));
	struct gs_error *err = NULL;
	uint64_t root = 0; /* all below are done */

	if (!buffer)
		return gs_error_nomem();
	for (size_t i = 0; i < mem->range_count; i++) {
		const struct gs_range *range = &mem->ranges[i];
		uint64_t first = (range->start >> s->section_bits) / s->sections_per_root;
		uint64_t last = (range->start + (range->size - 1)) >> s->section_bits;

		last /= s->sections_per_root;
		for (root = first > root ? first : root; root <= last; root++) {
			if (root >= s->root_count)
				return NULL;
			err = read_root(s, root, buffer, f);
			if (err)
				return err;
		}
	}
	return NULL;
}

static bool holds(const struct gs_range *ranges, size_t count, gs_gpa_t gpa)
{
	size_t i = gs_ranges_find(ranges, count, gpa);

	return i < count && ranges[i].start <= gpa;
}

struct gs_error *gs_linux_system_ram(struct gs_linux *l, struct gs_range **ret, size_t *count_ret)
{
	struct sparse s;
	struct found found = {0};
	gs_autofree struct gs_range *ram = NULL;
	size_t count;
	struct gs_error *err = gs_sparse_init(l, &s);

	if (!err)
		err = read_roots(&s, &found);
	if (!err)
		err = gs_ranges_intersect(l->mem->ranges, l->mem->range_count, found.ranges,
					  found.count, &ram, &count);
	free(found.ranges);
	if (!err &&
	    (!holds(ram, count, l->root_gpa) || (l->text_size && !holds(ram, count, l->text_gpa))))
		err = gs_error_create(GS_ERROR_NODATA,
				      "mem_section: does not even know the kernel's own pages");
	if (err)
		return gs_error_wrap(err, "system ram");
	*ret = gs_take(ram);
	*count_ret = count;
	return NULL;
}
