/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integers of any width, the zero test, and the bounded cursor. */
#include <guestscope/base/bytes.h>

uint64_t gs_get_uint(const void *from, size_t width, bool big_endian)
{
	switch (width) {
	case 1:
		return *(const uint8_t *)from;
	case 2:
		return gs_get_u16(from, big_endian);
	case 4:
		return gs_get_u32(from, big_endian);
	default:
		return gs_get_u64(from, big_endian);
	}
}

void gs_put_uint(void *to, uint64_t v, size_t width, bool big_endian)
{
	switch (width) {
	case 1:
		*(uint8_t *)to = (uint8_t)v;
		break;
	case 2:
		gs_put_u16(to, (uint16_t)v, big_endian);
		break;
	case 4:
		gs_put_u32(to, (uint32_t)v, big_endian);
		break;
	default:
		gs_put_u64(to, v, big_endian);
		break;
	}
}

/* The compiler picks the widest registers that it may use for these. */
typedef uint64_t u64x2 __attribute__((vector_size(16)));
#define STRIDE 128

static inline u64x2 load(const uint8_t *from)
{
	u64x2 v;

	memcpy(&v, from, sizeof(v));
	return v;
}

static inline u64x2 load_64_bytes(const uint8_t *from)
{
	return (load(from) | load(from + 16)) | (load(from + 32) | load(from + 48));
}

static bool bytes_are_zero(const uint8_t *data, size_t size)
{
	uint8_t any = 0;

	for (size_t i = 0; i < size; i++)
		any |= data[i];
	return !any;
}

bool gs_is_zero(const void *data, size_t size)
{
	const uint8_t *p = data;

	/* Most pages in use say so in their first bytes. */
	if (size >= 8 && gs_get_u64(p, false))
		return false;
	for (; size >= STRIDE; p += STRIDE, size -= STRIDE) {
		u64x2 any = load_64_bytes(p) | load_64_bytes(p + 64);

		if (any[0] | any[1])
			return false;
	}
	return bytes_are_zero(p, size);
}

struct gs_error *gs_cursor_bytes(struct gs_cursor *c, const char *what, size_t size,
				 const uint8_t **ret)
{
	if (size > gs_cursor_left(c))
		return gs_error_create(GS_ERROR_CORRUPT, "%s at 0x%llx: need %zu bytes, %zu left",
				       what, (unsigned long long)gs_cursor_offset(c), size,
				       gs_cursor_left(c));
	*ret = c->data + c->pos;
	c->pos += size;
	return NULL;
}

struct gs_error *gs_cursor_skip(struct gs_cursor *c, const char *what, size_t size)
{
	const uint8_t *skipped;

	return gs_cursor_bytes(c, what, size, &skipped);
}

struct gs_error *gs_cursor_u8(struct gs_cursor *c, const char *what, uint8_t *ret)
{
	const uint8_t *from = NULL;
	struct gs_error *err = gs_cursor_bytes(c, what, sizeof(*ret), &from);

	if (!err)
		*ret = *from;
	return err;
}

struct gs_error *gs_cursor_u16(struct gs_cursor *c, const char *what, uint16_t *ret)
{
	const uint8_t *from = NULL;
	struct gs_error *err = gs_cursor_bytes(c, what, sizeof(*ret), &from);

	if (!err)
		*ret = gs_get_u16(from, c->big_endian);
	return err;
}

struct gs_error *gs_cursor_u32(struct gs_cursor *c, const char *what, uint32_t *ret)
{
	const uint8_t *from = NULL;
	struct gs_error *err = gs_cursor_bytes(c, what, sizeof(*ret), &from);

	if (!err)
		*ret = gs_get_u32(from, c->big_endian);
	return err;
}

struct gs_error *gs_cursor_u64(struct gs_cursor *c, const char *what, uint64_t *ret)
{
	const uint8_t *from = NULL;
	struct gs_error *err = gs_cursor_bytes(c, what, sizeof(*ret), &from);

	if (!err)
		*ret = gs_get_u64(from, c->big_endian);
	return err;
}
