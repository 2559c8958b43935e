/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the sections of mem_map by VMCOREINFO. */
#include "sparse.h"

#include <stdlib.h>

#include <guestscope/base/bytes.h>

#define SECTION_HAS_MEM_MAP 2
/* Flags are below this: what they are added to is a multiple of a page at least. */
#define SECTION_FLAGS UINT64_C(0xfff)
#define POINTER_BYTES 8
/*
 * Limits of what is plausible; no kernel comes near. Together they make a root cover a GiB at
 * least: as only roots are read that cover memory, the guest cannot make that take long.
 */
#define SECTION_SIZE_BITS_MIN 24
#define SECTION_SIZE_BITS_MAX 40
#define MAX_PHYSMEM_BITS_MAX 52
#define SECTION_STRUCT_MAX 64

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
	s->page_size = s->l->page_size;
	s->sections_per_root = s->page_size / s->section_size;
	if (!s->extreme)
		s->root_count = (section_count + s->sections_per_root - 1) / s->sections_per_root;
	return NULL;
}

struct gs_error *gs_sparse_init(struct gs_linux *l, struct sparse *ret)
{
	struct sparse s = {.l = l};
	struct gs_error *err = read_geometry(&s);

	if (!err)
		*ret = s;
	return err;
}

/* Where the root's sections are; 0: it has none. */
static struct gs_error *find_root(const struct sparse *s, uint64_t root, uint64_t *vaddr_ret)
{
	uint8_t pointer[POINTER_BYTES];
	struct gs_error *err;

	if (!s->extreme) {
		*vaddr_ret = s->roots_vaddr + root * gs_sparse_root_bytes(s);
		return NULL;
	}
	err = gs_linux_read(s->l, s->roots_vaddr + root * POINTER_BYTES, pointer, sizeof(pointer));
	if (!err)
		*vaddr_ret = gs_get_u64(pointer, s->l->mem->attrs.big_endian);
	return err;
}

bool gs_sparse_lacks_root(const struct sparse *s, uint64_t root)
{
	uint64_t vaddr = 0;
	struct gs_error *err = find_root(s, root, &vaddr);
	bool failed = err && err->code != GS_ERROR_NODATA; /* whoever reads it again tells why */

	gs_error_destroy(err);
	return !failed && !vaddr;
}

struct gs_error *gs_sparse_read_root(const struct sparse *s, uint64_t root, uint8_t *buffer,
				     bool *found_ret)
{
	uint64_t vaddr = 0;
	struct gs_error *err = root < s->root_count ? find_root(s, root, &vaddr) : NULL;

	*found_ret = !err && vaddr;
	if (err || !vaddr)
		return err;
	return gs_linux_read(s->l, vaddr, buffer, gs_sparse_root_bytes(s));
}

uint64_t gs_sparse_mem_map(const struct sparse *s, const uint8_t *buffer, uint64_t i)
{
	uint64_t mem_map = gs_get_u64(buffer + i * s->section_size + s->mem_map_off,
				      s->l->mem->attrs.big_endian);

	return mem_map & SECTION_HAS_MEM_MAP ? mem_map & ~SECTION_FLAGS : 0;
}

struct gs_error *gs_sparse_find(const struct sparse *s, uint64_t section, uint64_t *mem_map_ret)
{
	uint64_t root = section / s->sections_per_root, vaddr = 0;
	uint8_t raw[SECTION_STRUCT_MAX];
	struct gs_error *err = root < s->root_count ? find_root(s, root, &vaddr) : NULL;

	*mem_map_ret = 0;
	if (err || !vaddr)
		return err;
	vaddr += section % s->sections_per_root * s->section_size;
	err = gs_linux_read(s->l, vaddr, raw, s->section_size);
	if (!err)
		*mem_map_ret = gs_sparse_mem_map(s, raw, 0);
	return err;
}
