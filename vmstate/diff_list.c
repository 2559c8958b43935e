/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A diff as a list of changes: text, and JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "diff.h"

#define LISTED_MAX 65536 /* the document is built in memory */

/* ---- text ---- */

struct printing {
	const struct diff *diff;
	bool color;
};

static void put_device(struct gs_text *line, const struct printing *p,
		       const struct gs_devstate_change *change)
{
	const char *before = change->device_before, *after = change->device_after;

	gs_text_puts(line, p->diff->count ? "\n" : "");
	gs_text_puts(line, p->color ? "\033[1m" : "");
	gs_text_puts_printable(line, before ? before : after);
	if (before && after && strcmp(before, after) != 0) {
		gs_text_puts(line, " -> ");
		gs_text_puts_printable(line, after);
	}
	gs_text_puts(line, p->color ? "\033[0m\n" : "\n");
}

static void put_change(struct gs_text *line, const struct printing *p,
		       const struct gs_devstate_change *change)
{
	static const char *const colors[] = {[DIFF_ADDED] = "\033[32m",
					     [DIFF_REMOVED] = "\033[31m",
					     [DIFF_CHANGED] = "\033[33m"};

	gs_text_puts(line, p->color ? colors[diff_tone(change->kind)] : "");
	gs_text_printf(line, "  %-18s", gs_devstate_change_name(change->kind));
	gs_text_puts(line, p->color ? "\033[0m" : "");
	if (*change->path) {
		gs_text_puts(line, " ");
		gs_text_puts_printable(line, change->path);
		gs_text_puts(line, ":");
	}
	gs_text_puts(line, " ");
	gs_text_puts_printable(line, change->before ? change->before : "");
	if (change->before && change->after)
		gs_text_puts(line, " -> ");
	gs_text_puts_printable(line, change->after ? change->after : "");
	gs_text_puts(line, "\n");
}

static struct gs_error *print(const struct gs_text *text)
{
	if (text->failed)
		return gs_error_nomem();
	if (text->size && fwrite(text->data, 1, text->size, stdout) != text->size)
		return gs_error_os(errno, "stdout");
	return NULL;
}

static struct gs_error *print_change(void *arg, const struct gs_devstate_change *change,
				     bool is_first)
{
	gs_autotext struct gs_text line = {0};

	if (is_first)
		put_device(&line, arg, change);
	put_change(&line, arg, change);
	return print(&line);
}

static struct gs_error *print_summary(const struct diff *diff)
{
	gs_autotext struct gs_text line = {0};
	const char *separator = ":";

	if (diff->count == 0) {
		gs_text_puts(&line, "no difference\n");
		return print(&line);
	}
	gs_text_printf(&line, "\n%zu change%s in %zu device%s", diff->count,
		       diff->count == 1 ? "" : "s", diff->device_count,
		       diff->device_count == 1 ? "" : "s");
	for (int i = 0; i < DIFF_KINDS; i++) {
		if (!diff->counts[i])
			continue;
		gs_text_printf(&line, "%s %zu %s", separator, diff->counts[i],
			       gs_devstate_change_name((enum gs_devstate_change_kind)i));
		separator = ",";
	}
	gs_text_puts(&line, "\n");
	return print(&line);
}

int diff_as_text(struct diff *diff)
{
	struct printing printing = {diff, gs_args_color(diff->args)};
	struct gs_error *err = diff_run(diff, print_change, &printing);

	if (!err)
		err = print_summary(diff);
	if (!err && fflush(stdout) != 0)
		err = gs_error_os(errno, "stdout");
	if (err)
		return gs_args_fail(diff->args, err);
	if (!diff_has_lengths(diff))
		gs_args_note(diff->args, "lengths of arrays were not compared: QEMU before 8.1 "
					 "does not tell them");
	return diff_status(diff);
}

/* ---- JSON ---- */

struct emitting {
	const struct diff *diff;
	struct gs_emit *e;
};

static struct gs_error *emit_change(void *arg, const struct gs_devstate_change *change,
				    bool is_first)
{
	const struct {
		const char *key, *value;
	} members[] = {{"device-before", change->device_before},
		       {"device-after", change->device_after},
		       {"path", change->path},
		       {"before", change->before},
		       {"after", change->after}};
	const struct emitting *emitting = arg;
	struct gs_emit *e = emitting->e;

	(void)is_first;
	if (emitting->diff->count >= LISTED_MAX)
		return NULL;
	gs_emit_row(e);
	gs_emit_string(e, "kind", NULL, gs_devstate_change_name(change->kind));
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (members[i].value)
			gs_emit_string(e, members[i].key, NULL, members[i].value);
		else
			gs_emit_null(e, members[i].key, NULL);
	}
	return NULL;
}

static void emit_summary(struct gs_emit *e, const struct diff *diff)
{
	gs_emit_bool(e, "same", NULL, diff->count == 0);
	gs_emit_u64(e, "devices-changed", NULL, diff->device_count);
	gs_emit_u64(e, "changes-not-listed", NULL,
		    diff->count > LISTED_MAX ? diff->count - LISTED_MAX : 0);
	gs_emit_begin(e, "counts", NULL);
	for (int i = 0; i < DIFF_KINDS; i++)
		gs_emit_u64(e, gs_devstate_change_name((enum gs_devstate_change_kind)i), NULL,
			    diff->counts[i]);
	gs_emit_end(e);
}

int diff_as_json(struct diff *diff)
{
	static const struct gs_emit_column columns[] = {
		{"kind", NULL, false},         {"device-before", NULL, false},
		{"device-after", NULL, false}, {"path", NULL, false},
		{"before", NULL, false},       {"after", NULL, false}};
	struct emitting emitting = {diff, gs_args_emit(diff->args, false)};
	struct gs_emit *e = emitting.e;
	struct gs_error *err;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_bool(e, "array-lengths", NULL, diff_has_lengths(diff));
	gs_emit_table(e, "changes", NULL, columns, sizeof(columns) / sizeof(*columns));
	err = diff_run(diff, emit_change, &emitting);
	gs_emit_end(e);
	emit_summary(e, diff);
	gs_emit_end(e);
	if (err) {
		gs_emit_destroy(e);
		return gs_args_fail(diff->args, err);
	}
	return gs_args_finish(diff->args, e, diff_status(diff));
}
