/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integers in byte order, and the bounded cursor that does all reading of foreign bytes. */
#ifndef GUESTSCOPE_BASE_BYTES_H
#define GUESTSCOPE_BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <guestscope/base/error.h>

static inline uint16_t gs_get_u16(const void *from, bool big_endian)
{
	uint16_t v;

	memcpy(&v, from, sizeof(v));
	return big_endian ? be16toh(v) : le16toh(v);
}

static inline uint32_t gs_get_u32(const void *from, bool big_endian)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return big_endian ? be32toh(v) : le32toh(v);
}

static inline uint64_t gs_get_u64(const void *from, bool big_endian)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return big_endian ? be64toh(v) : le64toh(v);
}

static inline void gs_put_u16(void *to, uint16_t v, bool big_endian)
{
	v = big_endian ? htobe16(v) : htole16(v);
	memcpy(to, &v, sizeof(v));
}

static inline void gs_put_u32(void *to, uint32_t v, bool big_endian)
{
	v = big_endian ? htobe32(v) : htole32(v);
	memcpy(to, &v, sizeof(v));
}

static inline void gs_put_u64(void *to, uint64_t v, bool big_endian)
{
	v = big_endian ? htobe64(v) : htole64(v);
	memcpy(to, &v, sizeof(v));
}

/* An unsigned field of @width 1, 2, 4 or 8 bytes. */
uint64_t gs_get_uint(const void *from, size_t width, bool big_endian);
void gs_put_uint(void *to, uint64_t v, size_t width, bool big_endian);

/* Whether all @size bytes are zero; fast enough to run over all of a guest's memory. */
bool gs_is_zero(const void *data, size_t size);

/*
 * A bounded reader over borrowed bytes. A read succeeds whole or leaves the cursor where it was and
 * returns GS_ERROR_CORRUPT "<what> at 0x<offset>: need N bytes, M left".
 */
struct gs_cursor {
	const uint8_t *data;
	size_t size;
	size_t pos;
	bool big_endian;
	uint64_t data_off; /* where data[0] lies in the file: offsets in messages start here */
};

static inline size_t gs_cursor_left(const struct gs_cursor *c)
{
	return c->size - c->pos;
}

/* Absolute offset of the next byte, for messages. */
static inline uint64_t gs_cursor_offset(const struct gs_cursor *c)
{
	return c->data_off + c->pos;
}

/* @what names the field in the error message. */
GS_MUST_CHECK struct gs_error *gs_cursor_u8(struct gs_cursor *c, const char *what, uint8_t *ret);
GS_MUST_CHECK struct gs_error *gs_cursor_u16(struct gs_cursor *c, const char *what, uint16_t *ret);
GS_MUST_CHECK struct gs_error *gs_cursor_u32(struct gs_cursor *c, const char *what, uint32_t *ret);
GS_MUST_CHECK struct gs_error *gs_cursor_u64(struct gs_cursor *c, const char *what, uint64_t *ret);
/* @size bytes, borrowed from the cursor's own data. */
GS_MUST_CHECK struct gs_error *gs_cursor_bytes(struct gs_cursor *c, const char *what, size_t size,
					       const uint8_t **ret);
GS_MUST_CHECK struct gs_error *gs_cursor_skip(struct gs_cursor *c, const char *what, size_t size);

/*
 * A field of an on-disk struct, as a row of a table: readers and writers walk the same rows.
 * A width of 0 means that this shape of the struct lacks the field.
 */
struct gs_field {
	const char *name; /* the format's own name */
	uint16_t off;
	uint8_t width;
	uint8_t since; /* first version of the struct that has it */
};

static inline uint64_t gs_field_get(const struct gs_field *f, const uint8_t *record,
				    bool big_endian)
{
	return f->width ? gs_get_uint(record + f->off, f->width, big_endian) : 0;
}

static inline void gs_field_put(const struct gs_field *f, uint8_t *record, uint64_t v,
				bool big_endian)
{
	if (f->width)
		gs_put_uint(record + f->off, v, f->width, big_endian);
}

#endif
