/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A map as a document for programs. */
#include <stdio.h>

#include "map.h"

static const struct gs_emit_column bucket_columns[] = {{"start", NULL, true}};

/* Keys of documents have no dashes. */
static void emit_kind(struct gs_emit *e, const char *name, uint64_t pages)
{
	char key[32];

	snprintf(key, sizeof(key), "%s", name);
	for (char *c = key; *c; c++)
		*c = *c == '-' ? '_' : *c;
	gs_emit_u64(e, key, NULL, pages);
}

static void emit_kinds(struct gs_emit *e, const uint64_t kinds[GS_PAGE_KIND_COUNT])
{
	for (int kind = 0; kind < GS_PAGE_KIND_COUNT; kind++)
		emit_kind(e, gs_page_kind_name(kind), kinds[kind]);
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
