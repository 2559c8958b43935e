/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log before Linux 3.5: log_buf is a ring of plain text, and log_end counts all that was ever
 * written to it. Lines begin with "<6>", and with "[    0.000000] " where the kernel was told to
 * tell the time.
 */
#include "log.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define LINE_MAX_BYTES 1024 /* the kernel's own limit; longer ones come in pieces */

struct lines {
	struct log_walk *walk;
	uint64_t sequence;
	size_t size; /* of the line in walk->record */
};

/* Digits at *@pos, which moves behind them; false if there are none, or too many. */
static bool take_number(const char *text, size_t size, size_t *pos, uint64_t *ret)
{
	size_t start = *pos;
	uint64_t value = 0;

	while (*pos < size && *pos - start < 10 && isdigit((unsigned char)text[*pos]))
		value = value * 10 + (uint64_t)(text[(*pos)++] - '0');
	*ret = value;
	return *pos > start;
}

static bool take_char(const char *text, size_t size, size_t *pos, char c)
{
	if (*pos == size || text[*pos] != c)
		return false;
	++*pos;
	return true;
}

/* "<6>" */
static size_t parse_level(const char *text, size_t size, struct gs_log_record *record)
{
	uint64_t priority;
	size_t pos = 0;

	if (!take_char(text, size, &pos, '<') || !take_number(text, size, &pos, &priority) ||
	    !take_char(text, size, &pos, '>'))
		return 0;
	record->level = priority & 7;
	record->facility = (uint8_t)(priority >> 3);
	return pos;
}

/* "[    0.000000] " */
static size_t parse_time(const char *text, size_t size, struct gs_log_record *record)
{
	uint64_t seconds, micros;
	size_t pos = 0;

	if (!take_char(text, size, &pos, '['))
		return 0;
	while (take_char(text, size, &pos, ' '))
		;
	if (!take_number(text, size, &pos, &seconds) || !take_char(text, size, &pos, '.') ||
	    !take_number(text, size, &pos, &micros) || !take_char(text, size, &pos, ']'))
		return 0;
	take_char(text, size, &pos, ' ');
	record->has_timestamp = true;
	record->timestamp_ns = (seconds * 1000000 + micros) * 1000;
	return pos;
}

static struct gs_error *end_line(struct lines *lines)
{
	const char *text = (const char *)lines->walk->record;
	struct gs_log_record record = {.sequence = lines->sequence++};
	size_t size = lines->size, pos = parse_level(text, size, &record);

	pos += parse_time(text + pos, size - pos, &record);
	record.text = text + pos;
	record.text_size = size - pos;
	lines->size = 0;
	return gs_log_tell(lines->walk, &record);
}

static struct gs_error *walk_char(struct lines *lines, struct log_window *window, uint64_t off)
{
	uint8_t *at = &lines->walk->record[lines->size];
	struct gs_error *err = gs_log_window_read(lines->walk, window, off, at, 1);

	if (err)
		return err;
	if (*at == '\n')
		return end_line(lines);
	return ++lines->size == LINE_MAX_BYTES ? end_line(lines) : NULL;
}

struct gs_error *gs_log_walk_lines(struct log_walk *walk)
{
	struct log_window *window = &walk->windows[0];
	struct lines lines = {.walk = walk};
	uint64_t end, size;
	struct gs_error *err = gs_log_read_symbol(walk, "log_buf", 0, &window->vaddr);

	if (!err)
		err = gs_log_read_symbol(walk, "log_buf_len", 4, &size);
	if (!err)
		err = gs_log_read_symbol(walk, "log_end", 4, &end);
	if (err)
		return err;
	if (size > LOG_MAX_BYTES || !size || (size & (size - 1)))
		return gs_error_create(GS_ERROR_CORRUPT, "log_buf_len is %" PRIu64, size);
	window->size = size;
	for (uint64_t at = end < size ? 0 : end - size; at < end && !err; at++)
		err = walk_char(&lines, window, at & (size - 1));
	return !err && lines.size ? end_line(&lines) : err;
}
