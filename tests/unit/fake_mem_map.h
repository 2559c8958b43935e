/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fake kernel with a mem_map: sections are of 16 MiB, so of 4096 pages. The struct pages of eight
 * of them are in the last 2 MiB of the fake kernel's RAM.
 */
#ifndef TESTS_UNIT_FAKE_MEM_MAP_H
#define TESTS_UNIT_FAKE_MEM_MAP_H

#include "fake_kernel.h"

#define SECTION_PAGES 4096
#define SECTIONS 8
#define PAGES (SECTIONS * SECTION_PAGES)
#define MEM_MAP 0x600000
#define VMEMMAP UINT64_C(0xffffea0000000000)
#define STRUCT_BYTES 64

enum {
	FLAGS = 0,
	HEAD = 8,
	DTOR = 16,
	ORDER = 17,
	MAPPING = 24,
	PRIVATE = 40,
	MAPCOUNT = 48,
	REFCOUNT = 52
};

#define LRU (1 << 4)
#define SLAB (1 << 9)
#define SWAPCACHE (1 << 10)
#define PRIVATE_FLAG (1 << 13)
#define COMPOUND (1 << 16)
#define SWAPBACKED (1 << 19)
#define HWPOISON (1 << 22)
#define ANON (UINT64_C(0xffff888000123400) | 1)

#define BUDDY (-129)
#define OFFLINE (-257)
#define TABLE (-513)

struct fixture {
	struct fake_kernel k;
	struct gs_linux *l;
	struct gs_page_map *map;
};

static inline uint8_t *page_at(struct fixture *f, uint64_t pfn)
{
	assert_true(pfn < PAGES);
	return f->k.ram + MEM_MAP + pfn * STRUCT_BYTES;
}

static inline void set(struct fixture *f, uint64_t pfn, int field, uint64_t value)
{
	gs_put_u64(page_at(f, pfn) + field, value, false);
}

static inline void set_type(struct fixture *f, uint64_t pfn, int64_t mapcount)
{
	gs_put_u32(page_at(f, pfn) + MAPCOUNT, (uint32_t)mapcount, false);
}

static inline uint64_t vaddr_of(uint64_t pfn)
{
	return VMEMMAP + pfn * STRUCT_BYTES;
}

/* A page that the kernel uses. */
static inline void reset(struct fixture *f, uint64_t pfn)
{
	memset(page_at(f, pfn), 0, STRUCT_BYTES);
	set_type(f, pfn, -1);
	gs_put_u32(page_at(f, pfn) + REFCOUNT, 1, false);
}

/* Tails of the page before them. */
static inline void set_tails(struct fixture *f, uint64_t head, uint64_t count)
{
	for (uint64_t pfn = head + 1; pfn < head + count; pfn++) {
		reset(f, pfn);
		set(f, pfn, HEAD, vaddr_of(head) | 1);
		gs_put_u32(page_at(f, pfn) + REFCOUNT, 0, false);
	}
}

static inline void set_compound(struct fixture *f, uint64_t head, unsigned int order,
				uint64_t flags, uint64_t mapping)
{
	set(f, head, FLAGS, flags | COMPOUND);
	set(f, head, MAPPING, mapping);
	set_tails(f, head, UINT64_C(1) << order);
	page_at(f, head + 1)[ORDER] = (uint8_t)order;
}

static inline void set_free(struct fixture *f, uint64_t first, unsigned int order)
{
	for (uint64_t pfn = first; pfn < first + (UINT64_C(1) << order); pfn++)
		gs_put_u32(page_at(f, pfn) + REFCOUNT, 0, false);
	set_type(f, first, BUDDY);
	set(f, first, PRIVATE, order);
}

static inline void say_layout(struct fake_kernel *k)
{
	static const char *const lines[] = {
		"NUMBER(SECTION_SIZE_BITS)=24",
		"SIZE(page)=64",
		"OFFSET(page.flags)=0",
		"OFFSET(page._refcount)=52",
		"OFFSET(page.mapping)=24",
		"OFFSET(page._mapcount)=48",
		"OFFSET(page.private)=40",
		"OFFSET(page.compound_head)=8",
		"OFFSET(page.compound_dtor)=16",
		"OFFSET(page.compound_order)=17",
		"NUMBER(PG_lru)=4",
		"NUMBER(PG_private)=13",
		"NUMBER(PG_swapcache)=10",
		"NUMBER(PG_swapbacked)=19",
		"NUMBER(PG_slab)=9",
		"NUMBER(PG_hwpoison)=22",
		"NUMBER(PG_head_mask)=65536",
		"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129",
		"NUMBER(HUGETLB_PAGE_DTOR)=2",
		"NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257",
	};

	fk_unsay(k, "NUMBER(SECTION_SIZE_BITS)");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fk_say(k, "%s", lines[i]);
}

static inline int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fk_init(&f->k, 4);
	say_layout(&f->k);
	fk_map(&f->k, VMEMMAP, MEM_MAP, 2);
	for (uint64_t i = 0; i < SECTIONS; i++)
		fk_put(&f->k, FK_SECTIONS + i * 16, VMEMMAP | 3);
	for (uint64_t pfn = 0; pfn < PAGES; pfn++)
		reset(f, pfn);
	*state = f;
	return 0;
}

static inline int stop(void **state)
{
	struct fixture *f = *state;

	gs_page_map_close(f->map);
	gs_linux_close(f->l);
	fk_deinit(&f->k);
	free(f);
	return 0;
}

#endif
