/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kdump-compressed files, one by one and as the parts of a set. verify_kdump.h has the drawing. */
#include "verify_kdump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void judge_table(const struct kdump_pages *p, uint64_t count)
{
	const struct kdump_head *h = p->head;
	uint64_t size = h->blob->size;

	if (h->desc_off > size || p->data_off - h->desc_off > size - h->desc_off)
		gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-descs-past-end", h->desc_off,
			       "%" PRIu64 " page descriptors from 0x%" PRIx64
			       " on, but the file ends at 0x%" PRIx64,
			       count, h->desc_off, size);
}

/* The table of a part has room for the pages of all parts, but only the front of it is used. */
static struct gs_error *judge_tables(const struct kdump_head *h, uint64_t *digest_ret)
{
	struct kdump_pages pages = {.head = h};
	struct kdump_bits bits;
	uint64_t count = 0;
	struct gs_error *err = gs_verify_bits_open(h, &bits);

	if (!err)
		err = gs_verify_bits(h, &bits, &count, digest_ret);
	if (!err) {
		pages.data_off = h->desc_off + count * KDUMP_DESC_BYTES;
		judge_table(&pages, count);
		err = gs_verify_pages(&pages, &bits);
	}
	gs_verify_bits_close(&bits);
	return err;
}

struct part {
	uint64_t start_pfn, end_pfn, max_mapnr;
	uint64_t bits_digest;
	uint8_t main[KDUMP_MAIN_BYTES];
	bool split;
	const char *name;
};

static int by_start_pfn(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->start_pfn < y->start_pfn ? -1 : x->start_pfn > y->start_pfn;
}

/* Parts of one set have the same main header and bitmaps, and together all pages, once. */
static void judge_set(struct verify *v, struct part *parts, size_t count)
{
	uint64_t expected = 0;

	if (count == 1 && !parts[0].split)
		return;
	qsort(parts, count, sizeof(*parts), by_start_pfn);
	for (size_t i = 0; i < count; i++) {
		if (memcmp(parts[i].main, parts[0].main, KDUMP_MAIN_BYTES) != 0)
			gs_verify_find(v, GS_SEVERITY_ERROR, "kdump-split-header", 0,
				       "main headers of %s and %s differ: not parts of one dump",
				       parts[0].name, parts[i].name);
		else if (parts[i].bits_digest != parts[0].bits_digest)
			gs_verify_find(v, GS_SEVERITY_ERROR, "kdump-split-bitmaps", NO_OFFSET,
				       "bitmaps of %s and %s differ: not parts of one dump",
				       parts[0].name, parts[i].name);
		if (parts[i].start_pfn != expected)
			gs_verify_find(v, GS_SEVERITY_ERROR, "kdump-split-gap", NO_OFFSET,
				       "%s begins at page 0x%" PRIx64 ", expected 0x%" PRIx64,
				       parts[i].name, parts[i].start_pfn, expected);
		expected = parts[i].end_pfn;
	}
	if (expected < parts[count - 1].max_mapnr)
		gs_verify_find(v, GS_SEVERITY_ERROR, "kdump-split-gap", NO_OFFSET,
			       "no part has the pages from 0x%" PRIx64 " to 0x%" PRIx64, expected,
			       parts[count - 1].max_mapnr);
}

static struct gs_error *judge_file(struct verify *v, struct gs_blob *blob, struct part *ret)
{
	gs_autofree struct kdump_head *h = malloc(sizeof(*h));
	struct gs_error *err = h ? gs_verify_kdump_head(v, blob, h) : gs_error_nomem();

	if (err)
		return err;
	*ret = (struct part){.start_pfn = h->start_pfn,
			     .end_pfn = h->end_pfn,
			     .max_mapnr = h->max_mapnr,
			     .split = h->split,
			     .name = blob->name};
	memcpy(ret->main, h->main, sizeof(h->main));
	return h->is_sound ? judge_tables(h, &ret->bits_digest) : NULL;
}

struct gs_error *gs_verify_kdump(struct verify *v, struct gs_blob *const *blobs, size_t count)
{
	gs_autofree struct part *parts = calloc(count, sizeof(*parts));
	struct gs_error *err = parts ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < count; i++) {
		v->part = count > 1 ? blobs[i]->name : NULL;
		err = judge_file(v, blobs[i], &parts[i]);
	}
	v->part = NULL;
	if (!err)
		judge_set(v, parts, count);
	return err;
}
