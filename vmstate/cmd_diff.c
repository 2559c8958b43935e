/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff: all that two exports say differently. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "vmstate.h"

#define LISTED_MAX 65536 /* the document is built in memory */
#define KIND_COUNT (GS_CHANGE_SUBSECTION_REMOVED + 1)

struct listing {
	const struct gs_args *args;
	const struct gs_devstate *before, *after;
	struct gs_device_types used; /* none: all count */
	struct gs_emit *e;           /* of --json; NULL: text */
	bool color;
	const char *device_before, *device_after; /* of the last change */
	size_t count, device_count, counts[KIND_COUNT];
};

/* ---- which devices ---- */

static bool is_called(const struct gs_devstate *state, const char *type, const char *name)
{
	const struct gs_devstate_device *device = type ? gs_devstate_find(state, type) : NULL;

	return device && (strcmp(type, name) == 0 ||
			  (device->description && strcmp(device->description->name, name) == 0));
}

static bool is_used(const struct listing *l, const struct gs_devstate_change *change)
{
	return (change->device_before && gs_device_types_has(&l->used, change->device_before)) ||
	       (change->device_after && gs_device_types_has(&l->used, change->device_after));
}

static bool is_wanted(const struct listing *l, const struct gs_devstate_change *change)
{
	for (size_t i = 2; i < gs_args_count(l->args); i++) {
		const char *name = gs_args_at(l->args, i);

		if (is_called(l->before, change->device_before, name) ||
		    is_called(l->after, change->device_after, name))
			return true;
	}
	return l->used.count ? is_used(l, change) : gs_args_count(l->args) == 2;
}

static bool has_device(const struct gs_devstate *state, const char *name)
{
	const struct gs_devstate_device *device;

	for (size_t i = 0; (device = gs_devstate_at(state, i)); i++) {
		if (is_called(state, device->type, name))
			return true;
	}
	return false;
}

static struct gs_error *check_devices(const struct listing *l)
{
	for (size_t i = 2; i < gs_args_count(l->args); i++) {
		const char *name = gs_args_at(l->args, i), *near;

		if (has_device(l->before, name) || has_device(l->after, name))
			continue;
		near = gs_devstate_suggest(l->after, name);
		return gs_error_create(GS_ERROR_NODATA, "no device '%s' in either%s%s%s", name,
				       near ? ": did you mean '" : "", near ? near : "",
				       near ? "'?" : "");
	}
	return NULL;
}

/* ---- text ---- */

/* What came, what went, and what is not as it was. */
static const char *color_of(const struct gs_devstate_change *change)
{
	switch (change->kind) {
	case GS_CHANGE_DEVICE_ADDED:
	case GS_CHANGE_FIELD_ADDED:
	case GS_CHANGE_SUBSECTION_ADDED:
		return "\033[32m";
	case GS_CHANGE_DEVICE_REMOVED:
	case GS_CHANGE_FIELD_REMOVED:
	case GS_CHANGE_SUBSECTION_REMOVED:
		return "\033[31m";
	default:
		return "\033[33m";
	}
}

static void put_device(struct gs_text *line, const struct listing *l,
		       const struct gs_devstate_change *change)
{
	const char *before = change->device_before, *after = change->device_after;

	gs_text_puts(line, l->count ? "\n" : "");
	gs_text_puts(line, l->color ? "\033[1m" : "");
	gs_text_puts_printable(line, before ? before : after);
	if (before && after && strcmp(before, after) != 0) {
		gs_text_puts(line, " -> ");
		gs_text_puts_printable(line, after);
	}
	gs_text_puts(line, l->color ? "\033[0m\n" : "\n");
}

static void put_change(struct gs_text *line, const struct listing *l,
		       const struct gs_devstate_change *change)
{
	gs_text_puts(line, l->color ? color_of(change) : "");
	gs_text_printf(line, "  %-18s", gs_devstate_change_name(change->kind));
	gs_text_puts(line, l->color ? "\033[0m" : "");
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

static struct gs_error *print_change(const struct listing *l,
				     const struct gs_devstate_change *change, bool is_first)
{
	gs_autotext struct gs_text line = {0};

	if (is_first)
		put_device(&line, l, change);
	put_change(&line, l, change);
	return print(&line);
}

static struct gs_error *print_summary(const struct listing *l)
{
	gs_autotext struct gs_text line = {0};
	const char *separator = ":";

	if (l->count == 0) {
		gs_text_puts(&line, "no difference\n");
		return print(&line);
	}
	gs_text_printf(&line, "\n%zu change%s in %zu device%s", l->count, l->count == 1 ? "" : "s",
		       l->device_count, l->device_count == 1 ? "" : "s");
	for (int i = 0; i < KIND_COUNT; i++) {
		if (!l->counts[i])
			continue;
		gs_text_printf(&line, "%s %zu %s", separator, l->counts[i],
			       gs_devstate_change_name((enum gs_devstate_change_kind)i));
		separator = ",";
	}
	gs_text_puts(&line, "\n");
	return print(&line);
}

/* ---- JSON ---- */

static void emit_change(struct gs_emit *e, const struct gs_devstate_change *change)
{
	const struct {
		const char *key, *value;
	} members[] = {{"device-before", change->device_before},
		       {"device-after", change->device_after},
		       {"path", change->path},
		       {"before", change->before},
		       {"after", change->after}};

	gs_emit_row(e);
	gs_emit_string(e, "kind", NULL, gs_devstate_change_name(change->kind));
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (members[i].value)
			gs_emit_string(e, members[i].key, NULL, members[i].value);
		else
			gs_emit_null(e, members[i].key, NULL);
	}
}

static void emit_summary(struct gs_emit *e, const struct listing *l)
{
	gs_emit_bool(e, "same", NULL, l->count == 0);
	gs_emit_u64(e, "devices-changed", NULL, l->device_count);
	gs_emit_u64(e, "changes-not-listed", NULL,
		    l->count > LISTED_MAX ? l->count - LISTED_MAX : 0);
	gs_emit_begin(e, "counts", NULL);
	for (int i = 0; i < KIND_COUNT; i++)
		gs_emit_u64(e, gs_devstate_change_name((enum gs_devstate_change_kind)i), NULL,
			    l->counts[i]);
	gs_emit_end(e);
}

/* ---- the command ---- */

static struct gs_error *take_change(void *arg, const struct gs_devstate_change *change)
{
	struct listing *l = arg;
	bool is_first = l->count == 0 || change->device_before != l->device_before ||
			change->device_after != l->device_after;
	struct gs_error *err = NULL;

	if (!is_wanted(l, change))
		return NULL;
	if (!l->e)
		err = print_change(l, change, is_first);
	else if (l->count < LISTED_MAX)
		emit_change(l->e, change);
	l->device_before = change->device_before;
	l->device_after = change->device_after;
	l->device_count += is_first;
	l->count++;
	l->counts[change->kind]++;
	return err;
}

static int diff_as_json(struct listing *l)
{
	static const struct gs_emit_column columns[] = {
		{"kind", NULL, false},         {"device-before", NULL, false},
		{"device-after", NULL, false}, {"path", NULL, false},
		{"before", NULL, false},       {"after", NULL, false}};
	struct gs_error *err;

	l->e = gs_args_emit(l->args, false);
	gs_emit_begin(l->e, NULL, NULL);
	gs_emit_bool(l->e, "array-lengths", NULL,
		     gs_devstate_has_num(l->before) && gs_devstate_has_num(l->after));
	gs_emit_table(l->e, "changes", NULL, columns, sizeof(columns) / sizeof(*columns));
	err = gs_devstate_diff(l->before, l->after, take_change, l);
	gs_emit_end(l->e);
	emit_summary(l->e, l);
	gs_emit_end(l->e);
	if (err) {
		gs_emit_destroy(l->e);
		return gs_args_fail(l->args, err);
	}
	return gs_args_finish(l->args, l->e, l->count ? GS_EXIT_FAILED : GS_EXIT_OK);
}

static int diff_as_text(struct listing *l)
{
	struct gs_error *err;

	l->color = gs_args_color(l->args);
	err = gs_devstate_diff(l->before, l->after, take_change, l);
	if (!err)
		err = print_summary(l);
	if (!err && fflush(stdout) != 0)
		err = gs_error_os(errno, "stdout");
	if (err)
		return gs_args_fail(l->args, err);
	if (!gs_devstate_has_num(l->before) || !gs_devstate_has_num(l->after))
		gs_args_note(l->args, "lengths of arrays were not compared: QEMU before 8.1 does "
				      "not tell them");
	return l->count ? GS_EXIT_FAILED : GS_EXIT_OK;
}

static struct gs_error *prepare(struct listing *l, struct vmstate_export *before,
				struct vmstate_export *after)
{
	struct gs_error *err = vmstate_load(gs_args_at(l->args, 0), before);

	if (!err)
		err = vmstate_load(gs_args_at(l->args, 1), after);
	if (err)
		return err;
	l->before = before->state;
	l->after = after->state;
	err = check_devices(l);
	return err ? err : vmstate_used(l->args, &l->used);
}

int cmd_diff(struct gs_args *args)
{
	auto_export struct vmstate_export before = {0}, after = {0};
	struct listing l = {.args = args};
	struct gs_error *err = prepare(&l, &before, &after);
	int status;

	if (err)
		return gs_args_fail(args, err);
	vmstate_note_unknown(args, &l.used, l.before, l.after);
	status = gs_args_has(args, "json") ? diff_as_json(&l) : diff_as_text(&l);
	gs_device_types_deinit(&l.used);
	return status;
}
