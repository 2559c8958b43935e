/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classes of pages, from the kernel's mem_map: the struct pages of a section are read in a few
 * large pieces (vmemmap is mapped by large pages) and judged in one go.
 */
#include <guestscope/linux.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "page_judge.h"
#include "sparse.h"

/* Of one section: sixteen times what x86_64 has. */
#define SECTION_STRUCTS_MAX (UINT64_C(32) << 20)

/* Room for the struct pages of a section, and for their classes. */
struct room {
	struct room *next;
	uint8_t *class;
	uint8_t raw[];
};

struct gs_page_map {
	struct gs_linux *l;
	struct sparse sparse;
	struct page_layout layout;
	uint64_t section_pages; /* of the kernel's size */
	uint64_t stride;        /* pages of the memory's size in a section */
	pthread_mutex_t lock;
	struct room *rooms; /* not in use; guarded by lock */
};

static const char *const class_names[GS_PAGE_CLASS_COUNT] = {
	[GS_PAGE_UNMAPPED] = "unmapped", [GS_PAGE_KERNEL] = "kernel",
	[GS_PAGE_CACHE] = "cache",       [GS_PAGE_CACHE_PRIVATE] = "cache-private",
	[GS_PAGE_USER] = "user",         [GS_PAGE_FREE] = "free",
	[GS_PAGE_HWPOISON] = "hwpoison", [GS_PAGE_OFFLINE] = "offline",
};

const char *gs_page_class_name(enum gs_page_class class)
{
	return class < GS_PAGE_CLASS_COUNT ? class_names[class] : "unknown";
}

static void put_room(struct gs_page_map *map, struct room *room)
{
	pthread_mutex_lock(&map->lock);
	room->next = map->rooms;
	map->rooms = room;
	pthread_mutex_unlock(&map->lock);
}

/* Fresh memory would have to be faulted in for each section. */
static struct room *get_room(struct gs_page_map *map)
{
	size_t raw_bytes = (size_t)(map->section_pages * map->layout.size);
	struct room *room;

	pthread_mutex_lock(&map->lock);
	room = map->rooms;
	if (room)
		map->rooms = room->next;
	pthread_mutex_unlock(&map->lock);
	if (room)
		return room;
	room = malloc(sizeof(*room) + raw_bytes + (size_t)map->section_pages);
	if (room)
		room->class = room->raw + raw_bytes;
	return room;
}

/* What a filter left out of the dump reads as zeros, which say nothing: pages of the kernel's. */
static struct gs_error *read_piece(struct gs_memory *mem, gs_gpa_t gpa, uint8_t *to, uint64_t size)
{
	uint32_t page_size = mem->attrs.page_size;
	struct gs_error *err = gs_memory_read(mem, gpa, to, size);

	if (!err || err->code != GS_ERROR_NODATA)
		return err;
	for (uint64_t done = 0, step; done < size; done += step) {
		gs_error_destroy(err);
		step = page_size - (gpa + done) % page_size;
		if (step > size - done)
			step = size - done;
		err = gs_memory_read(mem, gpa + done, to + done, step);
		if (err && err->code != GS_ERROR_NODATA)
			return err;
		if (err)
			memset(to + done, 0, step);
	}
	gs_error_destroy(err);
	return NULL;
}

/* The pages whose struct page has a byte in [start, end) of the section's. */
static void mark_unmapped(const struct gs_page_map *map, uint64_t start, uint64_t end,
			  uint8_t *class)
{
	uint64_t first = start / map->layout.size, last = (end - 1) / map->layout.size;

	memset(class + first, GS_PAGE_UNMAPPED, last - first + 1);
}

/* Struct pages of sections that are only partly there may be missing from the page tables. */
static struct gs_error *read_structs(struct gs_page_map *map, uint64_t vaddr, struct room *room)
{
	uint64_t total = map->section_pages * map->layout.size, size;
	uint32_t page_size = map->sparse.page_size;

	memset(room->class, GS_PAGE_KERNEL, map->section_pages);
	for (uint64_t done = 0; done < total; done += size) {
		uint64_t at = vaddr + done;
		gs_gpa_t gpa;
		struct gs_error *err = gs_linux_translate(map->l, at, &gpa, &size);
		bool unmapped = err && err->code == GS_ERROR_NODATA;

		if (unmapped) {
			gs_error_destroy(err);
			err = NULL;
			size = page_size - at % page_size;
		}
		if (!err && size > total - done)
			size = total - done;
		if (unmapped) {
			memset(room->raw + done, 0, size);
			mark_unmapped(map, done, done + size, room->class);
		} else if (!err) {
			err = read_piece(map->l->mem, gpa, room->raw + done, size);
		}
		if (err)
			return err;
	}
	return NULL;
}

/*
 * A compound page that began in a section below: as these are aligned to their size, it then takes
 * all of this one. Its head is at @head, if the sections' struct pages are one array (vmemmap).
 */
static struct gs_error *find_outer_block(struct gs_page_map *map, uint64_t section, uint64_t vaddr,
					 uint64_t head, struct page_block *ret)
{
	const struct page_layout *p = &map->layout;
	uint64_t distance = (vaddr - head) / p->size, mem_map = 0, pages;
	gs_pfn_t pfn = section * map->section_pages;
	enum gs_page_class class;
	gs_autofree uint8_t *raw = malloc(2 * (size_t)p->size);
	struct gs_error *err;

	if (!raw)
		return gs_error_nomem();
	if (head > vaddr || distance > pfn)
		return NULL;
	pfn -= distance;
	err = gs_sparse_find(&map->sparse, pfn / map->section_pages, &mem_map);
	if (!err && (!mem_map || mem_map + pfn * p->size != head))
		return NULL;
	if (!err)
		err = gs_linux_read(map->l, head, raw, 2 * (size_t)p->size);
	if (err)
		return err;
	pages = gs_page_head(p, raw, head, false) == head ? gs_page_compound(p, raw, pfn, &class)
							  : 0;
	if (pages > distance && pages - distance >= map->section_pages)
		*ret = (struct page_block){head, map->section_pages, class};
	return NULL;
}

/* What cannot be looked up is not known; only a memory that cannot be read is an error. */
static struct gs_error *forgive(struct gs_error *err)
{
	if (!err || err->code != GS_ERROR_NODATA)
		return err;
	gs_error_destroy(err);
	return NULL;
}

/* The classes of all pages of a section. */
static struct gs_error *classify_section(struct gs_page_map *map, uint64_t section,
					 struct room *room)
{
	const struct page_layout *p = &map->layout;
	gs_pfn_t pfn = section * map->section_pages;
	struct page_block block = {0};
	uint64_t mem_map = 0, vaddr, head;
	struct gs_error *err = forgive(gs_sparse_find(&map->sparse, section, &mem_map));

	if (!err && !mem_map)
		memset(room->class, GS_PAGE_UNMAPPED, map->section_pages);
	if (err || !mem_map)
		return err;
	vaddr = mem_map + pfn * p->size;
	err = read_structs(map, vaddr, room);
	if (err)
		return err;
	head = gs_page_head(p, room->raw, vaddr, map->section_pages == 1);
	if (head != vaddr)
		err = forgive(find_outer_block(map, section, vaddr, head, &block));
	if (!err)
		gs_page_judge(p, room->raw, vaddr, pfn, map->section_pages, &block, room->class);
	return err;
}

/* A dump may count in larger pages than the kernel: those are of a class if all in them is. */
static enum gs_page_class merge_classes(const uint8_t *class, uint64_t count)
{
	for (uint64_t i = 1; i < count; i++) {
		if (class[i] != class[0])
			return GS_PAGE_KERNEL;
	}
	return class[0];
}

/* Pages of the memory's size, [first, first + count) of a section, from those of the kernel's. */
static void copy_classes(const struct gs_page_map *map, const uint8_t *class, uint64_t first,
			 uint64_t count, uint8_t *to)
{
	uint64_t larger = map->section_pages / map->stride;

	if (map->stride == map->section_pages) {
		memcpy(to, class + first, count);
		return;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (larger)
			to[i] = merge_classes(class + (first + i) * larger, larger);
		else
			to[i] = class[(first + i) * map->section_pages / map->stride];
	}
}

struct gs_error *gs_page_map_classify(struct gs_page_map *map, gs_pfn_t first, uint64_t count,
				      uint8_t *class_ret)
{
	struct room *room = get_room(map);
	struct gs_error *err = room ? NULL : gs_error_nomem();

	while (!err && count > 0) {
		uint64_t skip = first % map->stride, part = map->stride - skip;

		if (part > count)
			part = count;
		err = classify_section(map, first / map->stride, room);
		if (err)
			break;
		copy_classes(map, room->class, skip, part, class_ret);
		first += part;
		count -= part;
		class_ret += part;
	}
	if (room)
		put_room(map, room);
	return gs_error_wrap(err, "mem_map");
}

uint64_t gs_page_map_stride(const struct gs_page_map *map)
{
	return map->stride;
}

uint64_t gs_page_map_unmapped(struct gs_page_map *map, gs_pfn_t first)
{
	uint64_t root = first / map->stride / map->sparse.sections_per_root;
	uint64_t root_pages = map->stride * map->sparse.sections_per_root;

	if (root >= map->sparse.root_count)
		return UINT64_MAX - first;
	return gs_sparse_lacks_root(&map->sparse, root) ? (root + 1) * root_pages - first : 0;
}

/* A mem_map that knows the kernel's own page tables as anything else is not this memory's. */
static struct gs_error *check_own_page(struct gs_page_map *map)
{
	gs_pfn_t pfn = map->l->root_gpa / map->l->mem->attrs.page_size;
	uint8_t class = GS_PAGE_KERNEL;
	struct gs_error *err = NULL;

	if (map->l->root_gpa)
		err = gs_page_map_classify(map, pfn, 1, &class);
	if (err || class == GS_PAGE_KERNEL)
		return err;
	return gs_error_create(GS_ERROR_NODATA,
			       "mem_map does not fit this memory: it has the kernel's own page "
			       "tables as %s",
			       gs_page_class_name(class));
}

static struct gs_error *read_geometry(struct gs_page_map *map)
{
	struct gs_error *err;
	uint64_t section_bytes;

	if (gs_vmcoreinfo_get(map->l->info, "SYMBOL(mem_map)"))
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "mem_map: the kernel's is flat, not sparse");
	err = gs_sparse_init(map->l, &map->sparse);
	if (!err)
		err = gs_page_layout_read(map->l, &map->layout);
	if (err)
		return err;
	section_bytes = UINT64_C(1) << map->sparse.section_bits;
	map->section_pages = section_bytes / map->sparse.page_size;
	map->stride = section_bytes / map->l->mem->attrs.page_size;
	if (map->section_pages * map->layout.size <= SECTION_STRUCTS_MAX && map->stride)
		return NULL;
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "mem_map: sections of 2^%u bytes are too large",
			       map->sparse.section_bits);
}

struct gs_error *gs_page_map_open(struct gs_linux *l, struct gs_page_map **ret)
{
	GS_CLEANUP(gs_page_map_close) struct gs_page_map *map = calloc(1, sizeof(*map));
	struct gs_error *err;

	if (!map)
		return gs_error_nomem();
	map->l = l;
	pthread_mutex_init(&map->lock, NULL);
	err = read_geometry(map);
	if (!err)
		err = check_own_page(map);
	if (!err)
		*ret = gs_take(map);
	return err;
}

void gs_page_map_close(struct gs_page_map *map)
{
	if (!map)
		return;
	while (map->rooms) {
		struct room *next = map->rooms->next;

		free(map->rooms);
		map->rooms = next;
	}
	pthread_mutex_destroy(&map->lock);
	free(map);
}
