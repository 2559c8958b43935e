/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the layout of struct page from VMCOREINFO. */
#include "page_layout.h"

#include <inttypes.h>

#define PAGE_STRUCT_MIN 40
#define PAGE_STRUCT_MAX 256
#define FLAG_COUNT 64
/* Since 6.12 types are numbers in the topmost byte, from here on; before they were single bits. */
#define TYPE_NUMBER_FIRST UINT32_C(0xf0)
#define TYPE_NUMBER_SHIFT 24

static struct gs_error *no_usable(const char *what)
{
	return gs_error_create(GS_ERROR_NODATA, "vmcoreinfo: no usable %s", what);
}

/* The offset of a field of @width bytes that lies below @end. */
static bool read_offset(const struct gs_linux *l, const char *name, uint32_t width, uint32_t end,
			uint32_t *ret)
{
	uint64_t off;

	if (!gs_vmcoreinfo_count(l->info, "OFFSET", name, &off) || off > end - width)
		return false;
	*ret = (uint32_t)off;
	return true;
}

static struct gs_error *read_offsets(const struct gs_linux *l, struct page_layout *p)
{
	struct {
		const char *name;
		uint32_t width;
		uint32_t *off;
	} const fields[] = {
		{"page.flags", 8, &p->flags_off},        {"page.mapping", 8, &p->mapping_off},
		{"page.private", 8, &p->private_off},    {"page._mapcount", 4, &p->mapcount_off},
		{"page._refcount", 4, &p->refcount_off},
	};
	uint64_t size;

	if (!gs_vmcoreinfo_count(l->info, "SIZE", "page", &size) || size < PAGE_STRUCT_MIN ||
	    size > PAGE_STRUCT_MAX || size % 8)
		return no_usable("SIZE(page)");
	p->size = (uint32_t)size;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!read_offset(l, fields[i].name, fields[i].width, p->size, fields[i].off))
			return gs_error_create(GS_ERROR_NODATA, "vmcoreinfo: no usable OFFSET(%s)",
					       fields[i].name);
	}
	if (read_offset(l, "page.compound_head", 8, p->size, &p->head_off))
		return NULL;
	p->head_may_be_mask = read_offset(l, "page.compound_info", 8, p->size, &p->head_off);
	return p->head_may_be_mask ? NULL : no_usable("OFFSET(page.compound_head)");
}

static uint64_t read_flag(const struct gs_linux *l, const char *name)
{
	int64_t bit;

	if (!gs_vmcoreinfo_number(l->info, name, &bit) || bit < 0 || bit >= FLAG_COUNT)
		return 0;
	return UINT64_C(1) << bit;
}

static struct gs_error *read_flags(const struct gs_linux *l, struct page_layout *p)
{
	int64_t mask;

	p->lru = read_flag(l, "PG_lru");
	p->private = read_flag(l, "PG_private");
	p->swapcache = read_flag(l, "PG_swapcache");
	p->swapbacked = read_flag(l, "PG_swapbacked");
	p->slab = read_flag(l, "PG_slab");
	p->hwpoison = read_flag(l, "PG_hwpoison");
	if (!p->lru)
		return no_usable("NUMBER(PG_lru)");
	if (!p->private)
		return no_usable("NUMBER(PG_private)");
	if (!p->swapcache)
		return no_usable("NUMBER(PG_swapcache)");
	if (!gs_vmcoreinfo_number(l->info, "PG_head_mask", &mask) || mask <= 0)
		return no_usable("NUMBER(PG_head_mask)");
	p->head_mask = (uint64_t)mask;
	return NULL;
}

static struct page_type read_type(const struct gs_linux *l, const char *name)
{
	struct page_type type = {.mask = UINT32_MAX};
	int64_t value;

	if (!gs_vmcoreinfo_number(l->info, name, &value))
		return type;
	type.known = true;
	type.value = (uint32_t)value;
	/* What is below a type that is a number is its owner's. */
	if (type.value >> TYPE_NUMBER_SHIFT >= TYPE_NUMBER_FIRST &&
	    !(type.value << (32 - TYPE_NUMBER_SHIFT)))
		type.mask = UINT32_MAX << TYPE_NUMBER_SHIFT;
	return type;
}

/* folio. fields count from the head, page. fields from the first tail. */
static bool read_tail_byte(const struct gs_linux *l, const char *page_field,
			   const char *folio_field, const struct page_layout *p, uint32_t *ret)
{
	if (read_offset(l, folio_field, 1, 2 * p->size, ret))
		return true;
	if (!read_offset(l, page_field, 1, p->size, ret))
		return false;
	*ret += p->size;
	return true;
}

static void read_compound(const struct gs_linux *l, struct page_layout *p)
{
	int64_t dtor;

	if (!read_tail_byte(l, "page.compound_order", "folio._folio_order", p, &p->order_off))
		p->order_off = p->size + p->flags_off + (p->big_endian ? 7 : 0);
	p->has_dtor = gs_vmcoreinfo_number(l->info, "HUGETLB_PAGE_DTOR", &dtor) && dtor >= 0 &&
		      dtor <= UINT8_MAX &&
		      read_tail_byte(l, "page.compound_dtor", "folio._folio_dtor", p, &p->dtor_off);
	if (p->has_dtor)
		p->hugetlb_dtor = (uint8_t)dtor;
	p->tail_hugetlb = read_flag(l, "PG_hugetlb");
}

struct gs_error *gs_page_layout_read(const struct gs_linux *l, struct page_layout *ret)
{
	struct page_layout p = {.big_endian = l->mem->attrs.big_endian};
	struct gs_error *err;

	if (!gs_arch_info(l->arch)->is_64bit)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "struct page of %s is not known here",
				       gs_arch_info(l->arch)->name);
	err = read_offsets(l, &p);
	if (!err)
		err = read_flags(l, &p);
	if (err)
		return err;
	p.buddy = read_type(l, "PAGE_BUDDY_MAPCOUNT_VALUE");
	p.offline = read_type(l, "PAGE_OFFLINE_MAPCOUNT_VALUE");
	p.hugetlb = read_type(l, "PAGE_HUGETLB_MAPCOUNT_VALUE");
	if (!p.buddy.known)
		return no_usable("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
	read_compound(l, &p);
	*ret = p;
	return NULL;
}
