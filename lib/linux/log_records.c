/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of Linux 3.5 to 5.9 (struct printk_log; before 3.11 struct log): records one behind the
 * other in log_buf, from log_first_idx to log_next_idx.
 *
 *	| ts_nsec 8 | len 2 | text_len 2 | dict_len 2 | facility 1 | flags:5 level:3 | caller_id 4 |
 *	  text | dictionary | up to len
 *
 * caller_id is there if SIZE() has room for it. len 0 says: the next one is at the start of
 * log_buf.
 */
#include "log.h"

#include <inttypes.h>
#include <stdio.h>

#include <guestscope/base/bytes.h>

#define HEADER_MAX_BYTES 64
#define LEVEL_OFF 4  /* behind text_len: dict_len, facility, then flags and level */
#define CALLER_OFF 6 /* behind text_len */

struct buffer {
	struct log_walk *walk;
	struct log_window *window;
	uint64_t header_size, time_off, len_off, text_len_off;
	uint64_t next_idx;
	uint64_t sequence;
};

/* OFFSET(printk_log.FIELD), of something that has @width bytes. */
static struct gs_error *read_offset(const struct buffer *b, const char *type, const char *field,
				    uint64_t width, uint64_t *ret)
{
	char name[32];
	struct gs_error *err;

	snprintf(name, sizeof(name), "%s.%s", type, field);
	err = gs_log_layout(b->walk, "OFFSET", name, ret);
	if (!err && (width > b->header_size || *ret > b->header_size - width))
		err = gs_error_create(GS_ERROR_CORRUPT,
				      "vmcoreinfo: OFFSET(%s) is %" PRIu64
				      " in a struct of %" PRIu64 " bytes",
				      name, *ret, b->header_size);
	return err;
}

static struct gs_error *read_layout(struct buffer *b)
{
	const char *type =
		gs_vmcoreinfo_get(b->walk->l->info, "SIZE(printk_log)") ? "printk_log" : "log";
	struct gs_error *err = gs_log_layout(b->walk, "SIZE", type, &b->header_size);

	if (!err && b->header_size > HEADER_MAX_BYTES)
		err = gs_error_create(GS_ERROR_CORRUPT, "vmcoreinfo: SIZE(%s) is %" PRIu64, type,
				      b->header_size);
	if (!err)
		err = read_offset(b, type, "ts_nsec", 8, &b->time_off);
	if (!err)
		err = read_offset(b, type, "len", 2, &b->len_off);
	if (!err)
		err = read_offset(b, type, "text_len", 2 + LEVEL_OFF, &b->text_len_off);
	return err;
}

static struct gs_error *open_buffer(struct buffer *b, uint64_t *first_idx_ret)
{
	struct gs_error *err = gs_log_read_symbol(b->walk, "log_buf", 0, &b->window->vaddr);

	if (!err)
		err = gs_log_read_symbol(b->walk, "log_buf_len", 4, &b->window->size);
	if (!err)
		err = gs_log_read_symbol(b->walk, "log_first_idx", 4, first_idx_ret);
	if (!err)
		err = gs_log_read_symbol(b->walk, "log_next_idx", 4, &b->next_idx);
	if (!err && b->window->size > LOG_MAX_BYTES)
		err = gs_error_create(GS_ERROR_CORRUPT, "log_buf_len is %" PRIu64, b->window->size);
	return err;
}

static struct gs_error *walk_record(struct buffer *b, uint64_t idx, uint64_t len,
				    const uint8_t *header)
{
	struct log_walk *walk = b->walk;
	const uint8_t *text_len = header + b->text_len_off;
	struct gs_log_record record = {
		.sequence = b->sequence++,
		.has_timestamp = true,
		.timestamp_ns = gs_get_u64(header + b->time_off, walk->big_endian),
		.text = (const char *)walk->record,
		.text_size = gs_get_u16(text_len, walk->big_endian),
	};
	struct gs_error *err;

	if (record.text_size > len - b->header_size)
		return gs_log_lose(walk);
	gs_log_set_level(walk, text_len + LEVEL_OFF, &record);
	record.has_caller = b->header_size - b->text_len_off >= CALLER_OFF + 4;
	if (record.has_caller)
		record.caller = gs_get_u32(text_len + CALLER_OFF, walk->big_endian);
	err = gs_log_window_read(walk, b->window, idx + b->header_size, walk->record,
				 record.text_size);
	if (!err)
		return gs_log_tell(walk, &record);
	if (!gs_error_is_answer(err))
		return err;
	gs_error_destroy(err);
	return gs_log_lose(walk);
}

/* Where a record that is damaged ends is not known: what follows cannot be found. */
static struct gs_error *walk_pass(struct buffer *b, uint64_t *idx, bool *wrap_ret)
{
	uint8_t header[HEADER_MAX_BYTES];
	struct gs_error *err = NULL;

	*wrap_ret = false;
	while (!err && *idx != b->next_idx) {
		uint64_t len;

		err = gs_log_window_read(b->walk, b->window, *idx, header, (size_t)b->header_size);
		if (err)
			break;
		len = gs_get_u16(header + b->len_off, b->walk->big_endian);
		if (!len) {
			*wrap_ret = true;
			return NULL;
		}
		if (len < b->header_size || len > b->window->size - *idx)
			return gs_error_create(GS_ERROR_CORRUPT,
					       "record of %" PRIu64 " bytes, none can be", len);
		err = walk_record(b, *idx, len, header);
		*idx += len;
	}
	return err;
}

struct gs_error *gs_log_walk_records(struct log_walk *walk)
{
	struct buffer b = {.walk = walk, .window = &walk->windows[0]};
	struct gs_error *err = read_layout(&b);
	bool wrap = false;
	uint64_t idx;

	if (!err)
		err = open_buffer(&b, &idx);
	if (err)
		return err;
	err = walk_pass(&b, &idx, &wrap);
	if (!err && wrap) {
		idx = 0;
		err = walk_pass(&b, &idx, &wrap);
		if (!err && wrap)
			err = gs_error_create(GS_ERROR_CORRUPT, "it goes round without end");
	}
	return walk->stopped ? err : gs_error_wrap(err, "log_buf at 0x%" PRIx64, idx);
}
