/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From struct pages to classes. Memory may have changed while it was read, and may have been made
 * to mislead: a page is only called free or part of a compound page if both the block's first page
 * and its own struct page say so. All else stays with the kernel, and so in the dump.
 */
#include "page_judge.h"

#include <guestscope/base/bytes.h>

#define TAIL UINT64_C(1)
#define MAPPING_ANON UINT64_C(1)
#define KERNEL_ADDRESS (UINT64_C(1) << 63)
#define TYPED_BELOW (-128) /* in _mapcount: no number of mappings, but a type */
#define ORDER_MAX 30u
/* A tail's mask covers no more than this; an address of the kernel's would be a larger one. */
#define HEAD_MASK_BITS_MAX 40

static uint64_t get_word(const struct page_layout *p, const uint8_t *raw, uint32_t off)
{
	return gs_get_u64(raw + off, p->big_endian);
}

static uint64_t get_flags(const struct page_layout *p, const uint8_t *raw)
{
	return get_word(p, raw, p->flags_off);
}

static uint32_t get_mapcount(const struct page_layout *p, const uint8_t *raw)
{
	return gs_get_u32(raw + p->mapcount_off, p->big_endian);
}

static bool has_type(const struct page_type *type, uint32_t mapcount)
{
	return type->known && ((mapcount ^ type->value) & type->mask) == 0;
}

/* @info of a tail at @vaddr is the head's address or, all ones above some zeros, a mask. */
static uint64_t decode_head(const struct page_layout *p, uint64_t info, uint64_t vaddr)
{
	uint64_t rest = ~(info & ~TAIL);

	if (p->head_may_be_mask && rest >> HEAD_MASK_BITS_MAX == 0 && (rest & (rest + 1)) == 0)
		return vaddr & ~rest;
	return info & ~TAIL;
}

/*
 * To save memory the kernel may let several pages of struct pages of a hugetlb page be the same
 * one: then the head shows up once more at the start of each. The tail behind it tells.
 */
uint64_t gs_page_head(const struct page_layout *p, const uint8_t *raw, uint64_t vaddr, bool is_last)
{
	uint64_t info = get_word(p, raw, p->head_off);

	if (info & TAIL)
		return decode_head(p, info, vaddr);
	if (is_last || !(get_flags(p, raw) & p->head_mask))
		return vaddr;
	info = get_word(p, raw + p->size, p->head_off);
	return info & TAIL ? decode_head(p, info, vaddr + p->size) : vaddr;
}

static bool is_cache(const struct page_layout *p, uint64_t flags)
{
	/* Where PG_swapbacked is known PG_swapcache means something else without it. */
	bool is_swap = (flags & p->swapcache) && (!p->swapbacked || (flags & p->swapbacked));

	return (flags & p->lru) || is_swap;
}

/* A page by itself, or the head of a compound one. */
static enum gs_page_class judge_page(const struct page_layout *p, const uint8_t *raw)
{
	uint64_t flags = get_flags(p, raw), mapping = get_word(p, raw, p->mapping_off);
	uint32_t mapcount = get_mapcount(p, raw);

	if (flags & p->hwpoison)
		return GS_PAGE_HWPOISON;
	if ((int32_t)mapcount < TYPED_BELOW) {
		if (has_type(&p->offline, mapcount))
			return GS_PAGE_OFFLINE;
		return has_type(&p->hugetlb, mapcount) ? GS_PAGE_USER : GS_PAGE_KERNEL;
	}
	if (flags & p->slab)
		return GS_PAGE_KERNEL;
	if (mapping & MAPPING_ANON)
		return mapping & KERNEL_ADDRESS ? GS_PAGE_USER : GS_PAGE_KERNEL;
	if (!is_cache(p, flags))
		return GS_PAGE_KERNEL;
	return flags & p->private ? GS_PAGE_CACHE_PRIVATE : GS_PAGE_CACHE;
}

/* 2^order pages, if they can start at @pfn; else 0. */
static uint64_t block_pages(uint64_t order, gs_pfn_t pfn)
{
	uint64_t pages = order <= ORDER_MAX ? UINT64_C(1) << order : 0;

	return pages && (pfn & (pages - 1)) == 0 ? pages : 0;
}

uint64_t gs_page_compound(const struct page_layout *p, const uint8_t *raw, gs_pfn_t pfn,
			  enum gs_page_class *class_ret)
{
	uint64_t tail_flags = get_flags(p, raw + p->size), pages;
	bool hugetlb = tail_flags & p->tail_hugetlb;

	if (p->has_dtor && raw[p->dtor_off] == p->hugetlb_dtor)
		hugetlb = true;
	pages = block_pages(raw[p->order_off], pfn);
	if (pages < 2)
		return 0;
	*class_ret = judge_page(p, raw);
	if (hugetlb && *class_ret != GS_PAGE_HWPOISON && !(get_flags(p, raw) & p->slab))
		*class_ret = GS_PAGE_USER;
	return pages;
}

/* A page inside a free block: nobody's. */
static bool is_unused(const struct page_layout *p, const uint8_t *raw)
{
	const uint64_t in_use = p->lru | p->head_mask | p->slab | p->hwpoison;

	return gs_get_u32(raw + p->refcount_off, p->big_endian) == 0 &&
	       get_mapcount(p, raw) == UINT32_MAX && !(get_flags(p, raw) & in_use);
}

/* The first page of a free block starts it. */
static enum gs_page_class begin_free(const struct page_layout *p, const uint8_t *raw, gs_pfn_t pfn,
				     uint64_t i, struct page_block *block)
{
	uint64_t pages = block_pages(get_word(p, raw, p->private_off), pfn);

	*block = (struct page_block){.end = i + pages, .class = GS_PAGE_FREE};
	return pages ? GS_PAGE_FREE : GS_PAGE_KERNEL;
}

static enum gs_page_class begin_compound(const struct page_layout *p, const uint8_t *raw,
					 uint64_t vaddr, gs_pfn_t pfn, uint64_t i,
					 struct page_block *block)
{
	enum gs_page_class class = GS_PAGE_KERNEL;
	uint64_t pages = gs_page_compound(p, raw, pfn, &class);

	*block = (struct page_block){.head_vaddr = vaddr, .end = i + pages, .class = class};
	return class;
}

static enum gs_page_class judge_tail(const struct page_layout *p, const uint8_t *raw,
				     uint64_t head_vaddr, uint64_t i,
				     const struct page_block *block)
{
	if (get_flags(p, raw) & p->hwpoison)
		return GS_PAGE_HWPOISON;
	return i < block->end && block->head_vaddr == head_vaddr ? block->class : GS_PAGE_KERNEL;
}

void gs_page_judge(const struct page_layout *p, const uint8_t *raw, uint64_t vaddr, gs_pfn_t pfn,
		   uint64_t count, struct page_block *block, uint8_t *class_ret)
{
	for (uint64_t i = 0; i < count; i++, raw += p->size, vaddr += p->size, pfn++) {
		bool is_last = i + 1 == count;
		uint64_t head = gs_page_head(p, raw, vaddr, is_last);
		enum gs_page_class class;

		if (class_ret[i] == GS_PAGE_UNMAPPED)
			continue;
		if (head != vaddr)
			class = judge_tail(p, raw, head, i, block);
		else if (has_type(&p->buddy, get_mapcount(p, raw)))
			class = begin_free(p, raw, pfn, i, block);
		else if (i < block->end && !block->head_vaddr && is_unused(p, raw))
			class = GS_PAGE_FREE;
		else if ((get_flags(p, raw) & p->head_mask) && !is_last)
			class = begin_compound(p, raw, vaddr, pfn, i, block);
		else
			class = judge_page(p, raw);
		class_ret[i] = (uint8_t) class;
	}
}
