/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits of a dump inside a flattened file: of several records for the same place the last one
 * holds, so new ones take the place of the end record, and an end record follows them.
 *
 *	... record | end record                  ->  ... record | edit | edit | end record
 *	... record | a record that was cut       ->  ... record | the record, shorter | ...
 */
#include <stdlib.h>

#include <guestscope/base/bytes.h>

#include "mend.h"

#define RECORD_BYTES 16

static struct gs_error *add_header(struct gs_mend *m, uint64_t at, uint64_t off, uint64_t size)
{
	uint8_t *header = malloc(RECORD_BYTES);

	if (!header)
		return gs_error_nomem();
	gs_put_u64(header, off, true);
	gs_put_u64(header + 8, size, true);
	return gs_edits_add_bytes(&m->file_edits, at, header, RECORD_BYTES);
}

/* A record for the dump's edit @i, at *at of the file. */
static struct gs_error *add_record(struct gs_mend *m, size_t i, uint64_t *at)
{
	const struct gs_edit *edit = &m->edits.items[i];
	struct gs_edit carried = {.off = *at + RECORD_BYTES, .size = edit->size, .origin = i};
	struct gs_error *err = add_header(m, *at, edit->off, edit->size);

	*at += RECORD_BYTES + edit->size;
	return err ? err : gs_edits_add(&m->file_edits, &carried);
}

/* The record that the file ends in gets the size of what is there of its data. */
static struct gs_error *shorten_record(struct gs_mend *m)
{
	uint8_t *size = malloc(8);

	if (!size)
		return gs_error_nomem();
	gs_put_u64(size, m->end.there, true);
	return gs_edits_add_bytes(&m->file_edits, m->end.record_pos + 8, size, 8);
}

/* The records decide how long the dump is: a gap at its end needs its last byte. */
static struct gs_error *extend(struct gs_mend *m)
{
	uint64_t end = m->there;

	for (size_t i = 0; i < m->edits.count; i++) {
		const struct gs_edit *edit = &m->edits.items[i];

		if (edit->off + edit->size > end)
			end = edit->off + edit->size;
	}
	return m->size > end ? gs_edits_add_bytes(&m->edits, m->size - 1, calloc(1, 1), 1) : NULL;
}

struct gs_error *gs_mend_flat(struct gs_mend *m)
{
	uint64_t at = m->end.pos;
	struct gs_error *err = NULL;

	if (m->edits.count || m->end.cut)
		err = extend(m);
	if (!err && m->end.there)
		err = shorten_record(m);
	for (size_t i = 0; i < m->edits.count && !err; i++)
		err = add_record(m, i, &at);
	m->file_size = m->container->size;
	if (err || (!m->edits.count && !m->end.cut))
		return err;
	if (at + RECORD_BYTES > m->file_size)
		m->file_size = at + RECORD_BYTES;
	return add_header(m, at, UINT64_MAX, UINT64_MAX);
}
