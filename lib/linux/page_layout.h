/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What VMCOREINFO tells of struct page (include/linux/mm_types.h, page-flags.h), for kernels from
 * 5.x on. The tables here are those of 64-bit kernels:
 *
 *	flags          PG_lru, PG_private, PG_head ...: bit numbers are exported
 *	compound_head  of a tail: the head's address plus 1; from 7.0 on compound_info, which may
 *	               be a mask instead that makes the head's address of the tail's
 *	mapping        bit 0: anonymous memory
 *	private        of the first page of a free block: its order
 *	_mapcount      how often the page is mapped, less one; or, well below 0, a type: a free
 *	               block, offline, and in later kernels slab and hugetlb
 *	_refcount      0 for all that nobody uses
 *
 * The order of a compound page, and before 6.9 whether it is a hugetlb page, is in its first tail:
 *
 *	before 6.6   in bytes of their own, compound_order and compound_dtor
 *	from 6.6     the low byte of its flags is the order; to 6.8 one of its flags says hugetlb
 */
#ifndef GUESTSCOPE_LINUX_PAGE_LAYOUT_H
#define GUESTSCOPE_LINUX_PAGE_LAYOUT_H

#include <guestscope/linux.h>

/* A type that _mapcount may hold; an unset one matches nothing. */
struct page_type {
	bool known;
	uint32_t value;
	uint32_t mask; /* of the bits that count */
};

struct page_layout {
	uint32_t size; /* sizeof(struct page) */
	bool big_endian;
	uint32_t flags_off, mapping_off, private_off, mapcount_off, refcount_off, head_off;
	bool head_may_be_mask;
	uint64_t head_mask, lru, private, swapcache, swapbacked; /* bits of flags */
	uint64_t slab, hwpoison;                                 /* 0: not among the flags */
	struct page_type buddy, offline, hugetlb;
	/* Of a compound page, counted from its head. */
	uint32_t order_off; /* a byte */
	bool has_dtor;
	uint32_t dtor_off; /* a byte */
	uint8_t hugetlb_dtor;
	uint64_t tail_hugetlb; /* bits of the first tail's flags; 0: none says so */
};

/* NODATA names what is missing; UNSUPPORTED: not a 64-bit kernel. */
GS_MUST_CHECK struct gs_error *gs_page_layout_read(const struct gs_linux *l,
						   struct page_layout *ret);

#endif
