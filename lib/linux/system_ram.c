/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which guest physical addresses the kernel has a mem_map for (sparsemem, include/linux/mmzone.h).
 *
 *	mem_section ──> array of roots ──> arrays of struct mem_section ──> section_mem_map
 *	                LENGTH(mem_section)  page size / SIZE(mem_section)   bit 1: has a mem_map
 *
 * Section N covers [N, N + 1) << SECTION_SIZE_BITS. Kernels without SPARSEMEM_EXTREME have one flat
 * array; LENGTH then is the number of all sections.
 */
#include <guestscope/linux.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define SECTION_HAS_MEM_MAP 2
#define POINTER_BYTES 8
/*
 * Limits of what is plausible; no kernel comes near. Together they make a root cover a GiB at
 * least: as only roots are read that cover memory, the guest cannot make that take long.
 */
#define SECTION_SIZE_BITS_MIN 24
#define SECTION_SIZE_BITS_MAX 40
#define MAX_PHYSMEM_BITS_MAX 52
#define SECTION_STRUCT_MAX 64

struct sparse {
	struct gs_linux *l;
	uint64_t roots_vaddr;
	uint64_t root_count;
	uint64_t sections_per_root;
	uint64_t section_size;     /* sizeof(struct mem_section) */
	uint64_t mem_map_off;      /* of section_mem_map in it */
	unsigned int section_bits; /* log2 of the bytes that a section covers */
	bool extreme;
	struct gs_range *ranges; /* sections found, neighbours merged */
	size_t count, capacity;
};

static struct gs_error *missing(const char *what)
{
	return gs_error_create(GS_ERROR_NODATA, "vmcoreinfo: no usable %s", what);
}

static bool read_section_struct(struct sparse *s)
{
	const struct gs_vmcoreinfo *v = s->l->info;

	return gs_vmcoreinfo_count(v, "SIZE", "mem_section", &s->section_size) &&
	       s->section_size >= POINTER_BYTES && s->section_size <= SECTION_STRUCT_MAX &&
	       gs_vmcoreinfo_count(v, "OFFSET", "mem_section.section_mem_map", &s->mem_map_off) &&
	       s->mem_map_off <= s->section_size - POINTER_BYTES;
}

static struct gs_error *read_geometry(struct sparse *s)
{
	const struct gs_vmcoreinfo *v = s->l->info;
	int64_t section_bits, physmem_bits;
	uint64_t section_count;

	if (!gs_vmcoreinfo_symbol(v, "mem_section", &s->roots_vaddr))
		return missing("SYMBOL(mem_section)");
	if (!gs_vmcoreinfo_count(v, "LENGTH", "mem_section", &s->root_count))
		return missing("LENGTH(mem_section)");
	if (!read_section_struct(s))
		return missing("SIZE(mem_section), OFFSET(mem_section.section_mem_map)");
	if (!gs_vmcoreinfo_number(v, "SECTION_SIZE_BITS", &section_bits) ||
	    section_bits < SECTION_SIZE_BITS_MIN || section_bits > SECTION_SIZE_BITS_MAX)
		return missing("NUMBER(SECTION_SIZE_BITS)");
	if (!gs_vmcoreinfo_number(v, "MAX_PHYSMEM_BITS", &physmem_bits) ||
	    physmem_bits < section_bits || physmem_bits > MAX_PHYSMEM_BITS_MAX)
		return missing("NUMBER(MAX_PHYSMEM_BITS)");
	s->section_bits = (unsigned int)section_bits;
	section_count = UINT64_C(1) << (physmem_bits - section_bits);
	s->extreme = s->root_count != section_count;
	s->sections_per_root = s->l->mem->attrs.page_size / s->section_size;
	if (!s->extreme)
		s->root_count = (section_count + s->sections_per_root - 1) / s->sections_per_root;
	return NULL;
}

static struct gs_error *add_section(struct sparse *s, uint64_t section)
{
	struct gs_range *last = s->count ? &s->ranges[s->count - 1] : NULL;
	uint64_t bytes = UINT64_C(1) << s->section_bits;
	gs_gpa_t start = section << s->section_bits;

	if (last && last->start + last->size == start) {
		last->size += bytes;
		return NULL;
	}
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? s->capacity * 2 : 16;
		struct gs_range *ranges = reallocarray(s->ranges, capacity, sizeof(*ranges));

		if (!ranges)
			return gs_error_nomem();
		s->ranges = ranges;
		s->capacity = capacity;
	}
	s->ranges[s->count++] = (struct gs_range){.start = start, .size = bytes};
	return NULL;
}

/* Where the root's sections are; 0: it has none. */
static struct gs_error *find_root(struct sparse *s, uint64_t root, uint64_t *vaddr_ret)
{
	uint8_t pointer[POINTER_BYTES];
	struct gs_error *err;

	if (!s->extreme) {
		*vaddr_ret = s->roots_vaddr + root * s->sections_per_root * s->section_size;
		return NULL;
	}
	err = gs_linux_read(s->l, s->roots_vaddr + root * POINTER_BYTES, pointer, sizeof(pointer));
	if (!err)
		*vaddr_ret = gs_get_u64(pointer, false);
	return err;
}

static struct gs_error *read_root(struct sparse *s, uint64_t root, uint8_t *buffer)
{
	uint64_t vaddr = 0;
	struct gs_error *err = find_root(s, root, &vaddr);

	if (err || !vaddr)
		return err;
	err = gs_linux_read(s->l, vaddr, buffer, s->sections_per_root * s->section_size);
	for (uint64_t i = 0; !err && i < s->sections_per_root; i++) {
		uint64_t mem_map = gs_get_u64(buffer + i * s->section_size + s->mem_map_off, false);

		if (mem_map & SECTION_HAS_MEM_MAP)
			err = add_section(s, root * s->sections_per_root + i);
	}
	return err;
}

static struct gs_error *read_roots(struct sparse *s)
{
	const struct gs_memory *mem = s->l->mem;
	gs_autofree uint8_t *buffer = malloc(mem->attrs.page_size);
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
			err = read_root(s, root, buffer);
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
	struct sparse s = {.l = l};
	gs_autofree struct gs_range *ram = NULL;
	size_t count;
	struct gs_error *err = read_geometry(&s);

	if (!err)
		err = read_roots(&s);
	if (!err)
		err = gs_ranges_intersect(l->mem->ranges, l->mem->range_count, s.ranges, s.count,
					  &ram, &count);
	free(s.ranges);
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
