/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads pages of a kdump file in batches: one read for their descriptors, one for data that lies
 * together, as it does in all files but those that want to be difficult.
 */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "kdump_layout.h"
#include "kdump_pages.h"

#define READ_BYTES_MAX (1u << 20) /* at least one page of any size */
#define GAP_BYTES_MAX 4096u       /* rather read than skipped */

struct gs_kdump_decoder {
	struct gs_codec_state *states[GS_CODEC_COUNT]; /* made when first needed */
	struct gs_kdump_page pages[KDUMP_BATCH_PAGES];
	uint8_t data[READ_BYTES_MAX];
};

struct gs_error *gs_kdump_decoder_create(struct gs_kdump_decoder **ret)
{
	struct gs_kdump_decoder *d = malloc(sizeof(*d));

	if (!d)
		return gs_error_nomem();
	memset(d->states, 0, sizeof(d->states));
	*ret = d;
	return NULL;
}

void gs_kdump_decoder_destroy(struct gs_kdump_decoder *d)
{
	if (!d)
		return;
	for (int i = 0; i < GS_CODEC_COUNT; i++)
		gs_codec_state_destroy(d->states[i]);
	free(d);
}

struct gs_error *gs_kdump_read_descs(struct gs_kdump_part *part, uint64_t rank, size_t count,
				     struct gs_kdump_page *pages)
{
	const struct gs_field *f = gs_kdump_desc_fields;
	uint8_t raw[KDUMP_BATCH_PAGES * KDUMP_DESC_BYTES];
	struct gs_error *err = gs_blob_read(part->blob, "page descriptors",
					    part->table_off + rank * KDUMP_DESC_BYTES, raw,
					    count * KDUMP_DESC_BYTES);

	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *desc = raw + i * KDUMP_DESC_BYTES;

		pages[i].off = gs_get_u64(desc + f[KDUMP_DESC_OFFSET].off, part->big_endian);
		pages[i].size = gs_get_u32(desc + f[KDUMP_DESC_SIZE].off, part->big_endian);
		pages[i].flags = gs_get_u32(desc + f[KDUMP_DESC_FLAGS].off, part->big_endian);
	}
	return NULL;
}

static struct gs_error *bad_page(const struct gs_kdump_page *page, const char *problem)
{
	return gs_error_create(GS_ERROR_CORRUPT,
			       "descriptor: offset 0x%llx, size %u, flags 0x%x: %s",
			       (unsigned long long)page->off, page->size, page->flags, problem);
}

struct gs_error *gs_kdump_check_page(const struct gs_kdump_part *part,
				     const struct gs_kdump_page *page, enum gs_codec *codec_ret)
{
	enum gs_codec codec;

	if (!page->off)
		return gs_error_create(GS_ERROR_NODATA, "lost: it has a descriptor but no data");
	if (!gs_codec_from_flag(page->flags, &codec))
		return bad_page(page, "flags name no known codec");
	if (!page->size || page->size > part->block_size)
		return bad_page(page, "size is not within a block's");
	if (codec == GS_CODEC_NONE && page->size != part->block_size)
		return bad_page(page, "a raw page is as large as a block");
	if (page->off < part->data_off)
		return bad_page(page, "offset is within the headers");
	if (page->off > part->blob->size || page->size > part->blob->size - page->off)
		return bad_page(page, "data ends past the end of the file");
	*codec_ret = codec;
	return NULL;
}

static bool is_known_zero(struct gs_kdump_part *part, const struct gs_kdump_page *page)
{
	return page->off && !page->flags && page->size == part->block_size &&
	       page->off == atomic_load_explicit(&part->zero_off, memory_order_relaxed);
}

static struct gs_error *decode_page(struct gs_kdump_decoder *d, struct gs_kdump_part *part,
				    const struct gs_kdump_page *page, const uint8_t *data,
				    uint8_t *out)
{
	enum gs_codec codec = GS_CODEC_NONE;

	gs_codec_from_flag(page->flags, &codec);
	if (codec == GS_CODEC_NONE) {
		memcpy(out, data, part->block_size);
		if (gs_is_zero(out, part->block_size))
			atomic_store_explicit(&part->zero_off, page->off, memory_order_relaxed);
		return NULL;
	}
	if (!d->states[codec]) {
		struct gs_error *err = gs_codec_state_create(codec, 0, &d->states[codec]);

		if (err)
			return err;
	}
	return gs_codec_decompress(codec, d->states[codec], data, page->size, out,
				   part->block_size);
}

static struct gs_error *name_page(struct gs_error *err, const struct gs_kdump_part *part,
				  gs_pfn_t pfn)
{
	return gs_error_wrap(err, "%s: page 0x%llx", part->blob->name, (unsigned long long)pfn);
}

/* The pages from @first on whose data can be had with one read: [off, *end_ret) of the file. */
static size_t group_pages(struct gs_kdump_part *part, const struct gs_kdump_page *pages,
			  size_t first, size_t count, uint64_t *end_ret)
{
	uint64_t off = pages[first].off, end = off + pages[first].size;
	size_t i;

	for (i = first + 1; i < count; i++) {
		const struct gs_kdump_page *page = &pages[i];

		if (is_known_zero(part, page))
			continue;
		if (page->off < end || page->off - end > GAP_BYTES_MAX ||
		    page->off + page->size - off > READ_BYTES_MAX)
			break;
		end = page->off + page->size;
	}
	*end_ret = end;
	return i;
}

/* Checks [first, end) of the batch, reads their data at once and decodes them. */
static struct gs_error *read_group(struct gs_kdump_decoder *d, struct gs_kdump_part *part,
				   gs_pfn_t pfn, size_t first, size_t end, uint64_t data_end,
				   uint8_t *out)
{
	uint64_t off = d->pages[first].off;
	struct gs_error *err = gs_blob_read(part->blob, "page data", off, d->data, data_end - off);

	if (err)
		return err;
	for (size_t i = first; i < end; i++) {
		const struct gs_kdump_page *page = &d->pages[i];
		uint8_t *to = out + i * part->block_size;

		/* Not one of those that became known since: all others are in the buffer. */
		if (page->off < off || page->off + page->size > data_end) {
			memset(to, 0, part->block_size);
			continue;
		}
		err = decode_page(d, part, page, d->data + (page->off - off), to);
		if (err)
			return name_page(err, part, pfn + i);
	}
	return NULL;
}

static struct gs_error *read_batch(struct gs_kdump_decoder *d, struct gs_kdump_part *part,
				   gs_pfn_t pfn, uint64_t rank, size_t count, uint8_t *out)
{
	struct gs_error *err = gs_kdump_read_descs(part, rank, count, d->pages);
	enum gs_codec codec;

	for (size_t i = 0; !err && i < count; i++) {
		err = gs_kdump_check_page(part, &d->pages[i], &codec);
		if (err)
			return name_page(err, part, pfn + i);
	}
	for (size_t first = 0, end; !err && first < count; first = end) {
		uint64_t data_end;

		if (is_known_zero(part, &d->pages[first])) {
			memset(out + first * part->block_size, 0, part->block_size);
			end = first + 1;
			continue;
		}
		end = group_pages(part, d->pages, first, count, &data_end);
		err = read_group(d, part, pfn, first, end, data_end, out);
	}
	return err;
}

struct gs_error *gs_kdump_read_pages(struct gs_kdump_decoder *d, struct gs_kdump_part *part,
				     gs_pfn_t pfn, uint64_t rank, size_t count, uint8_t *out)
{
	struct gs_error *err = NULL;

	while (count && !err) {
		size_t n = count < KDUMP_BATCH_PAGES ? count : KDUMP_BATCH_PAGES;

		err = read_batch(d, part, pfn, rank, n, out);
		pfn += n;
		rank += n;
		count -= n;
		out += n * part->block_size;
	}
	return err;
}

struct gs_error *gs_kdump_is_shared_zero(struct gs_kdump_part *part,
					 const struct gs_kdump_page *page,
					 const struct gs_kdump_page *next, bool *ret)
{
	uint8_t data[4096];
	gs_autoerror struct gs_error *problem = NULL;
	enum gs_codec codec;

	*ret = is_known_zero(part, page);
	/* Only a page that is shared is worth a look; what is wrong with it, its reader will say.
	 */
	if (*ret || page->flags || !next || next->off != page->off || next->flags)
		return NULL;
	problem = gs_kdump_check_page(part, page, &codec);
	for (uint32_t pos = 0; !problem && pos < page->size; pos += sizeof(data)) {
		struct gs_error *err =
			gs_blob_read(part->blob, "page data", page->off + pos, data, sizeof(data));

		if (err)
			return err;
		if (!gs_is_zero(data, sizeof(data)))
			return NULL;
	}
	if (problem)
		return NULL;
	atomic_store_explicit(&part->zero_off, page->off, memory_order_relaxed);
	*ret = true;
	return NULL;
}
