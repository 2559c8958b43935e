/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page descriptors on their way to a sink. */
#include <stdlib.h>

#include <guestscope/base/bytes.h>

#include "desc_table.h"

/*
 * Large, because in a flattened file each flush is a step backwards: readers that sort their
 * records suffer from those. One flush per 680 MiB of guest memory in 4 KiB pages.
 */
#define BUFFER_BYTES ((size_t)KDUMP_DESC_BYTES * 174760)

struct gs_error *gs_desc_table_init(struct desc_table *t, uint64_t off, bool big_endian,
				    struct gs_sink *sink)
{
	*t = (struct desc_table){
		.sink = sink,
		.big_endian = big_endian,
		.off = off,
		.buffer = malloc(BUFFER_BYTES),
	};
	return t->buffer ? NULL : gs_error_nomem();
}

void gs_desc_table_deinit(struct desc_table *t)
{
	free(t->buffer);
	t->buffer = NULL;
}

struct gs_error *gs_desc_table_flush(struct desc_table *t)
{
	struct gs_error *err = gs_sink_write(t->sink, t->off, t->buffer, t->used);

	t->off += t->used;
	t->used = 0;
	return err;
}

static void put_desc(uint8_t *to, const struct page_desc *desc, bool big_endian)
{
	const struct gs_field *f = gs_kdump_desc_fields;

	gs_put_u64(to + f[KDUMP_DESC_OFFSET].off, desc->offset, big_endian);
	gs_put_u32(to + f[KDUMP_DESC_SIZE].off, desc->size, big_endian);
	gs_put_u32(to + f[KDUMP_DESC_FLAGS].off, desc->flags, big_endian);
	gs_put_u64(to + f[KDUMP_DESC_PAGE_FLAGS].off, 0, big_endian);
}

struct gs_error *gs_desc_table_add(struct desc_table *t, uint64_t count,
				   const struct page_desc *desc, uint32_t step)
{
	struct page_desc d = *desc;
	struct gs_error *err = NULL;

	for (uint64_t i = 0; i < count && !err; i++) {
		put_desc(t->buffer + t->used, &d, t->big_endian);
		t->used += KDUMP_DESC_BYTES;
		d.offset += step;
		if (t->used == BUFFER_BYTES)
			err = gs_desc_table_flush(t);
	}
	return err;
}
