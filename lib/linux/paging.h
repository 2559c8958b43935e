/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables of any architecture here: pages of 8-byte entries, level 1 the last. They differ in
 * what an entry means. Walks can have a memory of the tables last seen, for callers that walk many
 * addresses.
 */
#ifndef GUESTSCOPE_LINUX_PAGING_H
#define GUESTSCOPE_LINUX_PAGING_H

#include <guestscope/linux.h>

#include <inttypes.h>

#define PAGE_TABLE_PART_BYTES 4096
#define PAGE_TABLE_LEVELS_MAX 5

/* Where an entry leads: to the next table, or to a page of the level's size. */
enum paging_target { PAGING_NOTHING, PAGING_TABLE, PAGING_PAGE };

struct paging;
struct paging_format {
	/* Whether these tables are the ones to be asked about @vaddr. */
	bool (*holds)(const struct paging *paging, uint64_t vaddr);
	enum paging_target (*decode)(const struct paging *paging, uint64_t entry,
				     unsigned int level, gs_gpa_t *gpa_ret);
};
extern const struct paging_format gs_paging_x86_64, gs_paging_aarch64;

struct paging {
	const struct paging_format *format;
	gs_gpa_t root_gpa;
	unsigned int page_bits; /* log2 of the page size */
	unsigned int va_bits;   /* of an address, that are translated; > page_bits */
};

unsigned int gs_paging_levels(const struct paging *paging);

struct page_table_part {
	bool valid;
	gs_gpa_t gpa;
	uint8_t bytes[PAGE_TABLE_PART_BYTES];
};

/* One part of a table per level: walks of rising addresses read each once. */
struct page_table_cache {
	unsigned int reads; /* of parts, so far */
	struct page_table_part level[PAGE_TABLE_LEVELS_MAX];
};

/*
 * NODATA: not mapped; names the level. @cache may be NULL. *left_ret is always set, for unmapped
 * addresses too: bytes up to where the page, or the missing entry's reach, ends.
 */
GS_MUST_CHECK struct gs_error *gs_paging_walk(const struct paging *paging, struct gs_memory *mem,
					      struct page_table_cache *cache, uint64_t vaddr,
					      gs_gpa_t *gpa_ret, uint64_t *left_ret);

/* x86 without long mode, as a CPU's control registers set it up. */
struct x86_32_paging {
	uint64_t cr3;
	bool pae, pse;
};
/* As gs_paging_walk(). */
GS_MUST_CHECK struct gs_error *gs_x86_32_walk(struct gs_memory *mem,
					      const struct x86_32_paging *paging, uint64_t vaddr,
					      gs_gpa_t *gpa_ret, uint64_t *left_ret);
#endif
