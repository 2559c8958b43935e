/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an array of struct page says of its pages. */
#ifndef GUESTSCOPE_LINUX_PAGE_JUDGE_H
#define GUESTSCOPE_LINUX_PAGE_JUDGE_H

#include "page_layout.h"

/* Consecutive pages that are one: a free block, or a compound page. */
struct page_block {
	uint64_t head_vaddr; /* struct page of the compound page's head; 0: not compound */
	uint64_t end;        /* pages of the array up to here may belong to it */
	enum gs_page_class class;
};

/*
 * The struct page of the compound page that the page at @vaddr is a tail of; @vaddr itself if it is
 * none. @raw is its struct page, with the next one behind it unless @is_last.
 */
uint64_t gs_page_head(const struct page_layout *p, const uint8_t *raw, uint64_t vaddr,
		      bool is_last);
/*
 * The compound page whose head, page @pfn, and first tail are at @raw; 0 if there is none, or what
 * its order says cannot be. *class_ret is what all of it is.
 */
uint64_t gs_page_compound(const struct page_layout *p, const uint8_t *raw, gs_pfn_t pfn,
			  enum gs_page_class *class_ret);
/*
 * Classes of @count pages from @pfn on, whose struct pages are at @raw and were at @vaddr. Pages
 * whose class_ret says UNMAPPED on entry are left alone. @block is what the first pages may belong
 * to; it is used up.
 */
void gs_page_judge(const struct page_layout *p, const uint8_t *raw, uint64_t vaddr, gs_pfn_t pfn,
		   uint64_t count, struct page_block *block, uint8_t *class_ret);

#endif
