/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The emitter: the same calls fill a JSON tree or a text document. */
#include <guestscope/base/emit.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "emit_text.h"

#define EMIT_DEPTH_MAX 32

/* An open object or table. What is NULL is not shown in this format. */
struct frame {
	bool is_table;
	const struct gs_emit_column *columns;
	size_t column_count;
	struct gs_json *json; /* the object or array */
	struct gs_json *row;  /* last element of the array */
	struct gs_emit_group *group;
	struct gs_emit_text_table *table;
};

struct gs_emit {
	FILE *out;
	enum gs_emit_format format;
	bool nomem;
	int os_errno;
	struct gs_json *document;     /* owns all json of the frames */
	struct gs_emit_group *sheet;  /* owns all text of the frames */
	struct gs_text text;          /* laid out, not written yet */
	struct gs_emit_layout layout; /* into text */
	int depth;
	struct frame frames[EMIT_DEPTH_MAX];
};

struct gs_emit *gs_emit_create(FILE *out, enum gs_emit_format format, bool color)
{
	struct gs_emit *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->out = out;
	e->format = format;
	e->layout = (struct gs_emit_layout){.out = &e->text, .color = color};
	return e;
}

void gs_emit_destroy(struct gs_emit *e)
{
	if (!e)
		return;
	gs_json_destroy(e->document);
	if (e->sheet)
		gs_emit_group_destroy(e->sheet);
	gs_text_deinit(&e->text);
	free(e);
}

static void check(struct gs_emit *e, bool done)
{
	if (!done)
		e->nomem = true;
}

/* stdio forgets why a write failed, so the reason is kept at once. */
static void write_out(struct gs_emit *e, const char *data, size_t size)
{
	if (e->os_errno)
		return;
	errno = 0;
	if (fwrite(data, 1, size, e->out) != size)
		e->os_errno = errno ? errno : EIO;
}

static void flush_out(struct gs_emit *e)
{
	if (e->os_errno)
		return;
	errno = 0;
	if (fflush(e->out) != 0 || ferror(e->out))
		e->os_errno = errno ? errno : EIO;
}

static void write_text(struct gs_emit *e)
{
	check(e, !e->text.failed);
	if (e->text.size)
		write_out(e, e->text.data, e->text.size);
	gs_text_clear(&e->text);
}

static void write_document(struct gs_emit *e)
{
	gs_autofree char *text = NULL;

	if (!e->document)
		return;
	text = gs_json_print(e->document,
			     e->format == GS_EMIT_JSON ? GS_JSON_PRETTY : GS_JSON_COMPACT);
	gs_json_destroy(gs_take(e->document));
	check(e, text);
	if (text) {
		write_out(e, text, strlen(text));
		write_out(e, "\n", 1);
	}
}

/* A stream's reader sees each document when it is complete. */
static void end_document(struct gs_emit *e)
{
	if (e->format == GS_EMIT_JSON)
		return;
	if (e->format == GS_EMIT_JSONL) {
		write_document(e);
	} else if (e->sheet) {
		check(e, gs_emit_layout_group(&e->layout, e->sheet));
		gs_emit_group_destroy(gs_take(e->sheet));
		write_text(e);
	}
	flush_out(e);
}

struct gs_error *gs_emit_finish(struct gs_emit *e)
{
	if (!e)
		return gs_error_nomem();
	while (e->depth)
		gs_emit_end(e);
	write_document(e);
	flush_out(e);
	if (e->os_errno)
		return gs_error_os(e->os_errno, "output");
	return e->nomem ? gs_error_nomem() : NULL;
}

static bool is_text(const struct gs_emit *e)
{
	return e->format == GS_EMIT_TEXT;
}

/* The innermost open object or table; NULL outside any. */
static struct frame *top(struct gs_emit *e)
{
	return e->depth ? &e->frames[e->depth - 1] : NULL;
}

/* Give @value (taken) its place in the tree and return it; NULL if it has none. */
static struct gs_json *place_json(struct gs_emit *e, const char *key, struct gs_json *value)
{
	struct frame *frame = top(e);
	struct gs_json *parent;
	bool done;

	check(e, value);
	if (!frame) {
		write_document(e);
		e->document = value;
		return value;
	}
	parent = frame->is_table ? frame->row : frame->json;
	if (!parent || !key) {
		gs_json_destroy(value);
		return NULL;
	}
	done = gs_json_set(parent, key, value);
	check(e, done);
	return done ? value : NULL;
}

/* The group that something with @label goes to, or NULL if text does not show it. */
static struct gs_emit_group *place_text(struct gs_emit *e, const char *label)
{
	struct frame *frame = top(e);

	if (frame)
		return label ? frame->group : NULL;
	e->sheet = gs_emit_group_create("");
	check(e, e->sheet);
	return e->sheet;
}

static void push(struct gs_emit *e, struct frame frame)
{
	assert(e->depth < EMIT_DEPTH_MAX);
	e->frames[e->depth++] = frame;
}

void gs_emit_begin(struct gs_emit *e, const char *key, const char *label)
{
	struct frame frame = {0};
	struct gs_emit_group *parent;

	if (!e)
		return;
	if (is_text(e)) {
		parent = place_text(e, label);
		if (parent) {
			frame.group = gs_emit_group_add_group(parent, label ? label : "");
			check(e, frame.group);
		}
	} else {
		frame.json = place_json(e, key, gs_json_new_object());
	}
	push(e, frame);
}

void gs_emit_table(struct gs_emit *e, const char *key, const char *label,
		   const struct gs_emit_column *columns, size_t column_count)
{
	struct frame frame = {.is_table = true, .columns = columns, .column_count = column_count};
	struct gs_emit_group *parent;

	if (!e)
		return;
	if (is_text(e)) {
		parent = place_text(e, label);
		if (parent) {
			frame.table = gs_emit_group_add_table(parent, label ? label : "", columns,
							      column_count);
			check(e, frame.table);
		}
	} else {
		frame.json = place_json(e, key, gs_json_new_array());
	}
	push(e, frame);
}

void gs_emit_row(struct gs_emit *e)
{
	gs_emit_row_below(e, 0);
}

void gs_emit_row_below(struct gs_emit *e, unsigned int depth)
{
	struct frame *frame = e ? top(e) : NULL;

	if (!frame)
		return;
	assert(frame->is_table);
	if (frame->table)
		check(e, gs_emit_text_table_add_row(frame->table, depth));
	if (frame->json) {
		frame->row = gs_json_new_object();
		if (!gs_json_append(frame->json, frame->row)) {
			frame->row = NULL;
			e->nomem = true;
		}
	}
}

void gs_emit_end(struct gs_emit *e)
{
	if (!e)
		return;
	assert(e->depth > 0);
	e->depth--;
	if (!e->depth)
		end_document(e);
}

/* The column that @key names, or, for a column without key, @label. */
static bool find_column(const struct frame *frame, const char *key, const char *label, size_t *ret)
{
	for (size_t i = 0; i < frame->column_count; i++) {
		const struct gs_emit_column *column = &frame->columns[i];
		const char *name = key ? column->key : column->header;
		const char *wanted = key ? key : label;

		if (name && wanted && strcmp(name, wanted) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static void put_line(struct gs_emit *e, const char *line)
{
	gs_emit_layout_line(&e->layout, line);
	write_text(e);
}

static void put_text(struct gs_emit *e, const char *key, const char *label, const char *text)
{
	struct frame *frame = top(e);
	size_t column;

	if (!frame)
		put_line(e, text);
	else if (frame->group && label)
		check(e, gs_emit_group_add_pair(frame->group, label, text));
	else if (frame->table && find_column(frame, key, label, &column))
		check(e, gs_emit_text_table_set(frame->table, column, text));
}

static void put_json(struct gs_emit *e, const char *key, struct gs_json *value)
{
	place_json(e, key, value);
	if (!e->depth)
		end_document(e);
}

void gs_emit_string(struct gs_emit *e, const char *key, const char *label, const char *v)
{
	if (!e)
		return;
	if (is_text(e))
		put_text(e, key, label, v ? v : "-");
	else
		put_json(e, key, gs_json_new_string(v));
}

void gs_emit_bool(struct gs_emit *e, const char *key, const char *label, bool v)
{
	if (!e)
		return;
	if (is_text(e))
		put_text(e, key, label, v ? "yes" : "no");
	else
		put_json(e, key, gs_json_new_bool(v));
}

void gs_emit_u64(struct gs_emit *e, const char *key, const char *label, uint64_t v)
{
	char text[24];

	if (!e)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, v);
	if (is_text(e))
		put_text(e, key, label, text);
	else
		put_json(e, key, gs_json_new_u64(v));
}

void gs_emit_i64(struct gs_emit *e, const char *key, const char *label, int64_t v)
{
	char text[24];

	if (!e)
		return;
	snprintf(text, sizeof(text), "%" PRId64, v);
	if (is_text(e))
		put_text(e, key, label, text);
	else
		put_json(e, key, gs_json_new_i64(v));
}

void gs_emit_double(struct gs_emit *e, const char *key, const char *label, double v, int digits)
{
	gs_autofree char *text = NULL;

	if (!e)
		return;
	if (is_text(e)) {
		text = gs_strf("%.*f", digits, v);
		check(e, text);
		put_text(e, key, label, text ? text : "");
	} else {
		put_json(e, key, gs_json_new_double(v));
	}
}

void gs_emit_bytes(struct gs_emit *e, const char *key, const char *label, uint64_t v)
{
	char text[GS_SIZE_TEXT];

	if (!e)
		return;
	if (is_text(e))
		put_text(e, key, label, gs_format_size(v, text));
	else
		put_json(e, key, gs_json_new_u64(v));
}

void gs_emit_address(struct gs_emit *e, const char *key, const char *label, uint64_t v)
{
	char text[24];

	if (!e)
		return;
	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	if (is_text(e))
		put_text(e, key, label, text);
	else
		put_json(e, key, gs_json_new_hex(v));
}

void gs_emit_null(struct gs_emit *e, const char *key, const char *label)
{
	gs_emit_string(e, key, label, NULL);
}

void gs_emit_json(struct gs_emit *e, const char *key, const char *label, const struct gs_json *v)
{
	gs_autofree char *text = NULL;

	if (!e)
		return;
	if (!is_text(e)) {
		put_json(e, key, v ? gs_json_copy(v) : gs_json_new_null());
		return;
	}
	text = gs_json_print(v, GS_JSON_COMPACT);
	check(e, text);
	put_text(e, key, label, text ? text : "");
}

void gs_emit_line(struct gs_emit *e, const char *fmt, ...)
{
	gs_autotext struct gs_text line = {0};
	struct frame *frame;
	va_list ap;

	if (!e || !is_text(e))
		return;
	va_start(ap, fmt);
	gs_text_vprintf(&line, fmt, ap);
	va_end(ap);
	check(e, !line.failed);
	if (line.failed)
		return;
	frame = top(e);
	if (!frame)
		put_line(e, line.data ? line.data : "");
	else if (frame->group)
		check(e, gs_emit_group_add_line(frame->group, line.data ? line.data : ""));
}
