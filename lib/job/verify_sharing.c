/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptors of a kdump file, looked at once more where page data seemed to overlap: several
 * may lead to the same data, as those of zero pages do, but not to parts of each other's.
 */
#include "verify_kdump.h"

#include <inttypes.h>
#include <stdlib.h>

#include <guestscope/base/bytes.h>

#define SUSPECTS_MAX (1u << 20)
#define BATCH 1024

struct suspect {
	uint64_t start, end, pfn;
	uint32_t flags;
};

struct sharing {
	const struct kdump_pages *p;
	const struct extents *clashes;
	struct suspect *suspects;
	size_t count, capacity;
	bool overflow;
	uint64_t desc_off; /* of the next descriptor in the file */
	uint8_t descs[BATCH * KDUMP_DESC_BYTES];
	size_t next, left; /* in descs */
};

static bool is_shared(const struct suspect *a, const struct suspect *b)
{
	return a->start == b->start && a->end == b->end && a->flags == b->flags;
}

static struct gs_error *add_suspect(struct sharing *s, const struct suspect *suspect)
{
	if (s->count && is_shared(&s->suspects[s->count - 1], suspect))
		return NULL;
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? s->capacity * 2 : 64;
		struct suspect *suspects = reallocarray(s->suspects, capacity, sizeof(*suspects));

		if (!suspects)
			return gs_error_nomem();
		s->suspects = suspects;
		s->capacity = capacity;
	}
	s->suspects[s->count++] = *suspect;
	return NULL;
}

/* Those that the file lacks at its end are zero. */
static struct gs_error *read_descs(struct sharing *s)
{
	struct gs_blob *blob = s->p->head->blob;
	uint64_t left = s->desc_off < blob->size ? blob->size - s->desc_off : 0;
	size_t size = left < sizeof(s->descs) ? left : sizeof(s->descs);

	memset(s->descs, 0, sizeof(s->descs));
	s->next = 0;
	s->left = BATCH;
	if (size == 0)
		return NULL;
	return gs_blob_read(blob, "page descriptors", s->desc_off, s->descs, size);
}

static struct gs_error *look_at_next(struct sharing *s, uint64_t pfn)
{
	struct gs_error *err = s->left ? NULL : read_descs(s);
	struct suspect suspect;
	struct desc d;

	if (err)
		return err;
	d = gs_verify_desc(s->descs + s->next * KDUMP_DESC_BYTES, s->p->head->big_endian);
	s->desc_off += KDUMP_DESC_BYTES;
	s->next++;
	s->left--;
	suspect = (struct suspect){d.offset, d.offset + d.size, pfn, d.flags};
	if (d.offset < s->p->data_off || suspect.end < suspect.start ||
	    !gs_extents_touch(s->clashes, suspect.start, suspect.end))
		return NULL;
	s->overflow = s->count == SUSPECTS_MAX;
	return s->overflow ? NULL : add_suspect(s, &suspect);
}

static struct gs_error *look_at_all(struct sharing *s, struct kdump_bits *bits)
{
	const struct kdump_head *h = s->p->head;
	struct gs_error *err = NULL;

	uint64_t at = h->start_pfn / 8 / BITS_STEP_BYTES * BITS_STEP_BYTES, size;

	for (; at * 8 < h->end_pfn; at += size) {
		const uint8_t *maps[2];

		err = gs_verify_bits_at(bits, at, maps, &size);
		if (err || s->overflow)
			return err;
		for (uint64_t i = 0; !err && maps[1] && i < size * 8; i++) {
			uint64_t pfn = at * 8 + i;

			if (pfn >= h->start_pfn && pfn < h->end_pfn && gs_verify_bit(maps[1], i))
				err = look_at_next(s, pfn);
		}
		if (err)
			return err;
	}
	return NULL;
}

static int by_place(const void *a, const void *b)
{
	const struct suspect *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	if (x->flags != y->flags)
		return x->flags < y->flags ? -1 : 1;
	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static void judge_suspects(const struct sharing *s)
{
	const struct suspect *far = NULL; /* of those so far, the one that ends last */

	for (size_t i = 0; i < s->count; i++) {
		const struct suspect *now = &s->suspects[i];

		if (i && is_shared(now, now - 1))
			continue;
		if (far && now->start < far->end)
			gs_verify_find(
				s->p->head->v, GS_SEVERITY_ERROR, "kdump-data-overlap", now->start,
				"page 0x%" PRIx64 ": its data at 0x%" PRIx64
				" overlaps that of page 0x%" PRIx64 ", which ends at 0x%" PRIx64,
				now->pfn, now->start, far->pfn, far->end);
		if (!far || now->end > far->end)
			far = now;
	}
}

struct gs_error *gs_verify_sharing(const struct kdump_pages *p, struct kdump_bits *bits,
				   const struct extents *clashes)
{
	gs_autofree struct sharing *s = calloc(1, sizeof(*s));
	struct gs_error *err;

	if (!s)
		return gs_error_nomem();
	s->p = p;
	s->clashes = clashes;
	s->desc_off = p->head->desc_off;
	err = look_at_all(s, bits);
	if (!err && s->count)
		qsort(s->suspects, s->count, sizeof(*s->suspects), by_place);
	if (!err)
		judge_suspects(s);
	if (!err && s->overflow)
		gs_verify_find(p->head->v, GS_SEVERITY_INFO, "kdump-data-scattered", NO_OFFSET,
			       "page data is too scattered to be searched for overlaps");
	free(s->suspects);
	return err;
}
