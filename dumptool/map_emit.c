/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A map as a document for programs. */
#include "map.h"

static const char *const kind_keys[GS_PAGE_KIND_COUNT] = {
	[GS_PAGE_KIND_DATA] = "data",
	[GS_PAGE_KIND_KERNEL] = "kernel",
	[GS_PAGE_KIND_USER] = "user",
	[GS_PAGE_KIND_CACHE] = "cache",
	[GS_PAGE_KIND_CACHE_PRIVATE] = "cache_private",
	[GS_PAGE_KIND_UNMAPPED] = "unmapped",
	[GS_PAGE_KIND_FREE] = "free",
	[GS_PAGE_KIND_OFFLINE] = "offline",
	[GS_PAGE_KIND_HWPOISON] = "hwpoison",
	[GS_PAGE_KIND_ZERO] = "zero",
	[GS_PAGE_KIND_EXCLUDED] = "excluded",
	[GS_PAGE_KIND_UNREADABLE] = "unreadable",
};

static const struct gs_emit_column bucket_columns[] = {{"start", NULL, true}};

static void emit_kinds(struct gs_emit *e, const uint64_t kinds[GS_PAGE_KIND_COUNT])
{
	for (int kind = 0; kind < GS_PAGE_KIND_COUNT; kind++)
		gs_emit_u64(e, kind_keys[kind], NULL, kinds[kind]);
}

static void emit_bucket(struct gs_emit *e, const struct map *map, const struct gs_bucket *bucket)
{
	uint64_t kinds[GS_PAGE_KIND_COUNT], pages, bytes;

	gs_emit_row(e);
	gs_emit_address(e, "start", NULL, bucket->start);
	gs_page_tally_kinds(&bucket->tally, kinds);
	emit_kinds(e, kinds);
	if (!map->survey->has_storage)
		return;
	gs_page_tally_stored(&bucket->tally, &pages, &bytes);
	gs_emit_u64(e, "stored_pages", NULL, pages);
	gs_emit_u64(e, "stored_bytes", NULL, bytes);
}

void map_emit(struct gs_emit *e, const struct map *map)
{
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "title", NULL, map->title);
	gs_emit_string(e, "subtitle", NULL, map->subtitle);
	gs_emit_u64(e, "page_size", NULL, map->survey->page_size);
	gs_emit_u64(e, "cell_size", NULL, map->survey->bucket_bytes);
	gs_emit_u64(e, "pages", NULL, map->pages);
	gs_emit_begin(e, "total", NULL);
	emit_kinds(e, map->kinds);
	gs_emit_end(e);
	if (map->survey->has_storage) {
		gs_emit_u64(e, "stored_pages", NULL, map->stored_pages);
		gs_emit_u64(e, "stored_bytes", NULL, map->stored_bytes);
	}
	gs_emit_table(e, "cells", NULL, bucket_columns, 1);
	for (size_t i = 0; i < map->survey->bucket_count; i++)
		emit_bucket(e, map, &map->survey->buckets[i]);
	gs_emit_end(e);
	gs_emit_end(e);
}
