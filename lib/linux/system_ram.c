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
#define SECTIONS_MAX (UINT64_C(1) << 26) /* 5-level x86_64 has 2^25 */
#define POINTER_BYTES 8

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

static struct gs_error *read_geometry(struct sparse *s)
{
	const struct gs_vmcoreinfo *v = s->l->info;
	uint32_t page_size = s->l->mem->attrs.page_size;
	int64_t section_bits, physmem_bits;
	uint64_t section_count;

	if (!gs_vmcoreinfo_symbol(v, "mem_section", &s->roots_vaddr))
		return missing("SYMBOL(mem_section)");
	if (!gs_vmcoreinfo_count(v, "LENGTH", "mem_section", &s->root_count))
		return missing("LENGTH(mem_section)");
	if (!gs_vmcoreinfo_count(v, "SIZE", "mem_section", &s->section_size) ||
	    s->section_size < POINTER_BYTES || s->section_size > page_size)
		return missing("SIZE(mem_section)");
	if (!gs_vmcoreinfo_count(v, "OFFSET", "mem_section.section_mem_map", &s->mem_map_off) ||
	    s->mem_map_off > s->section_size - POINTER_BYTES)
		return missing("OFFSET(mem_section.section_mem_map)");
	if (!gs_vmcoreinfo_number(v, "SECTION_SIZE_BITS", &section_bits) || section_bits < 12 ||
	    section_bits > 40)
		return missing("NUMBER(SECTION_SIZE_BITS)");
	if (!gs_vmcoreinfo_number(v, "MAX_PHYSMEM_BITS", &physmem_bits) ||
	    physmem_bits < section_bits || physmem_bits > 52)
		return missing("NUMBER(MAX_PHYSMEM_BITS)");
	s->section_bits = (unsigned int)section_bits;
	section_count = UINT64_C(1) << (physmem_bits - section_bits);
	s->extreme = s->root_count != section_count;
	s->sections_per_root = page_size / s->section_size;
	if (!s->extreme)
		s->root_count = (section_count + s->sections_per_root - 1) / s->sections_per_root;
	if (section_count > SECTIONS_MAX || s->root_count > SECTIONS_MAX / s->sections_per_root)
		return missing("LENGTH(mem_section)");
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

static struct gs_error *read_root(struct sparse *s, uint64_t root, uint64_t vaddr, uint8_t *buffer)
{
	struct gs_error *err =
		gs_linux_read(s->l, vaddr, buffer, s->sections_per_root * s->section_size);

	for (uint64_t i = 0; !err && i < s->sections_per_root; i++) {
		uint64_t mem_map = gs_get_u64(buffer + i * s->section_size + s->mem_map_off, false);

		if (mem_map & SECTION_HAS_MEM_MAP)
			err = add_section(s, root * s->sections_per_root + i);
	}
	return err;
}

/* Roots are read a page of pointers at a time; a null root has no sections. */
static struct gs_error *walk_roots(struct sparse *s)
{
	uint32_t page_size = s->l->mem->attrs.page_size;
	uint64_t batch = page_size / POINTER_BYTES;
	gs_autofree uint8_t *pointers = malloc(page_size);
	gs_autofree uint8_t *sections = malloc(page_size);
	struct gs_error *err = NULL;

	if (!pointers || !sections)
		return gs_error_nomem();
	for (uint64_t root = 0; !err && root < s->root_count; root++) {
		uint64_t left = s->root_count - root, vaddr;

		if (!s->extreme) {
			vaddr = s->roots_vaddr + root * s->sections_per_root * s->section_size;
			err = read_root(s, root, vaddr, sections);
			continue;
		}
		if (root % batch == 0)
			err = gs_linux_read(s->l, s->roots_vaddr + root * POINTER_BYTES, pointers,
					    (left < batch ? left : batch) * POINTER_BYTES);
		if (err)
			break;
		vaddr = gs_get_u64(pointers + root % batch * POINTER_BYTES, false);
		if (vaddr)
			err = read_root(s, root, vaddr, sections);
	}
	return err;
}

struct gs_error *gs_linux_system_ram(struct gs_linux *l, struct gs_range **ret, size_t *count_ret)
{
	struct sparse s = {.l = l};
	struct gs_error *err = read_geometry(&s);

	if (!err)
		err = walk_roots(&s);
	if (!err && s.count == 0)
		err = gs_error_create(GS_ERROR_NODATA, "mem_section: no section has a mem_map");
	if (!err)
		err = gs_ranges_intersect(l->mem->ranges, l->mem->range_count, s.ranges, s.count,
					  ret, count_ret);
	free(s.ranges);
	return gs_error_wrap(err, "system ram");
}
