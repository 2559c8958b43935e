/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One emitter for people and programs: a command says each thing once, and text and JSON come from
 * the same calls, so they cannot differ.
 *
 *	gs_emit_begin(e, NULL, NULL);                       {                      (document)
 *	gs_emit_string(e, "format", "Format", "elf");         "format": "elf",     Format:  elf
 *	gs_emit_bytes(e, "size", "Size", 4096);               "size": 4096,        Size:    4 KiB
 *	gs_emit_table(e, "ranges", "Ranges", cols, 2);        "ranges": [          START   SIZE
 *	  gs_emit_row(e); gs_emit_address(e, ...); ...          {...},             0x0     1 GiB
 *	gs_emit_end(e);                                       ]
 *	gs_emit_end(e);                                     }
 */
#ifndef GUESTSCOPE_BASE_EMIT_H
#define GUESTSCOPE_BASE_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/base/json.h>

enum gs_emit_format {
	GS_EMIT_TEXT,
	GS_EMIT_JSON,  /* one pretty document, printed at gs_emit_finish() */
	GS_EMIT_JSONL, /* one compact line for each outermost begin/end: streams */
};

struct gs_emit;

/*
 * @out stays the caller's. @color applies to text only. NULL when out of memory; all functions take
 * that NULL, and gs_emit_finish() reports it.
 *
 * Text goes through an escape: control characters and bytes that are not UTF-8 come out as \xNN,
 * so that what a guest or a dump says cannot drive the terminal.
 */
struct gs_emit *gs_emit_create(FILE *out, enum gs_emit_format format, bool color);
/*
 * Print what is outstanding, flush, and report a failed write (GS_ERROR_OS; EPIPE and ENOSPC are
 * how a tool learns that its reader is gone) or lack of memory met on the way. A stream calls it
 * again and again.
 */
GS_MUST_CHECK struct gs_error *gs_emit_finish(struct gs_emit *e);
void gs_emit_destroy(struct gs_emit *e);
GS_DEFINE_CLEANUP(struct gs_emit *, gs_emit_destroy)

/*
 * An object: the document itself (@key NULL) or a member. In text its members are indented below
 * @label (the label "" adds neither heading nor indent); a NULL @label anywhere means "JSON only",
 * a NULL @key "text only". Outside any object both are ignored: what is emitted is a document, or a
 * line of text, by itself.
 */
void gs_emit_begin(struct gs_emit *e, const char *key, const char *label);
/*
 * An array member whose elements are rows with the same columns; text draws a table, "(none)" below
 * the heading if there are no rows. @columns stay until the end.
 */
struct gs_emit_column {
	const char *key;    /* JSON member */
	const char *header; /* text heading; NULL: JSON only */
	bool right;         /* align right */
};
void gs_emit_table(struct gs_emit *e, const char *key, const char *label,
		   const struct gs_emit_column *columns, size_t column_count);
void gs_emit_row(struct gs_emit *e); /* starts the next row; fill it by gs_emit_*(e, key, ...) */
/*
 * The same in a table that is a tree: a child of the last row of @depth - 1; 0 is a root. Text
 * draws the tree in the first column that it shows, down to GS_EMIT_TREE_DEPTH_MAX. In JSON rows
 * are equals: members must tell what is whose.
 */
#define GS_EMIT_TREE_DEPTH_MAX 64
void gs_emit_row_below(struct gs_emit *e, unsigned int depth);
/* Ends the innermost object or table. */
void gs_emit_end(struct gs_emit *e);

/*
 * In a row, @label is ignored: the column's header stands for it. (With a NULL @key it names the
 * header of a column that text alone has.)
 */
void gs_emit_string(struct gs_emit *e, const char *key, const char *label, const char *v);
void gs_emit_bool(struct gs_emit *e, const char *key, const char *label, bool v); /* yes, no */
void gs_emit_u64(struct gs_emit *e, const char *key, const char *label, uint64_t v);
void gs_emit_i64(struct gs_emit *e, const char *key, const char *label, int64_t v);
void gs_emit_double(struct gs_emit *e, const char *key, const char *label, double v, int digits);
void gs_emit_bytes(struct gs_emit *e, const char *key, const char *label, uint64_t v); /* 1.5 GiB */
void gs_emit_address(struct gs_emit *e, const char *key, const char *label, uint64_t v); /* 0x.. */
void gs_emit_null(struct gs_emit *e, const char *key, const char *label); /* unknown: "-" */
/* A ready-made value: as it is in JSON, compact in text. */
void gs_emit_json(struct gs_emit *e, const char *key, const char *label, const struct gs_json *v);
/* A line of prose, without the newline; text only. */
GS_PRINTF(2, 3) void gs_emit_line(struct gs_emit *e, const char *fmt, ...);

#endif
