/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show: the devices of an export, or the description of one. */
#include <inttypes.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "vmstate.h"

/* ---- cells ---- */

static const char *certainty_name(enum gs_wire_certainty certainty)
{
	static const char *const names[] = {"exact", "at-least", "unknown"};

	return names[certainty];
}

static void emit_size(struct gs_emit *e, const char *label, struct gs_wire_size size)
{
	char text[32] = "?";

	if (size.certainty != GS_WIRE_UNKNOWN) {
		snprintf(text, sizeof(text), "%" PRIu64 "%s", size.bytes,
			 size.certainty == GS_WIRE_EXACT ? "" : "+");
		gs_emit_u64(e, "bytes", NULL, size.bytes);
	} else {
		gs_emit_null(e, "bytes", NULL);
	}
	gs_emit_string(e, "certainty", NULL, certainty_name(size.certainty));
	gs_emit_string(e, NULL, label, text);
}

/* "3", or "3 (2)": the version that is written, and the oldest that is read. */
static void emit_versions(struct gs_emit *e, const char *label, uint32_t version, uint32_t minimum)
{
	char text[32];

	snprintf(text, sizeof(text), minimum == version ? "%u" : "%u (%u)", version, minimum);
	gs_emit_u64(e, "version", NULL, version);
	gs_emit_u64(e, "minimum", NULL, minimum);
	gs_emit_string(e, NULL, label, text);
}

/* ---- all devices ---- */

static void emit_state(struct gs_emit *e, const char *label, const struct gs_devstate *state,
		       const struct gs_devstate_device *device)
{
	size_t conditional = 0, subsections = 0;
	struct gs_wire_size size;

	gs_emit_bool(e, "migratable", NULL, !gs_devstate_is_unmigratable(device));
	if (!device->description || gs_devstate_is_unmigratable(device))
		return;
	size = gs_vmsd_wire(state, device->description, &conditional, &subsections);
	emit_size(e, label, size);
	gs_emit_u64(e, "conditional", "Conditional fields", conditional);
	gs_emit_u64(e, "subsections", "Subsections", subsections);
}

static void emit_device(struct gs_emit *e, const struct gs_devstate *state,
			const struct gs_devstate_device *device)
{
	gs_emit_row(e);
	gs_emit_string(e, "type", NULL, device->type);
	gs_emit_string(e, "name", NULL, device->description ? device->description->name : NULL);
	emit_versions(e, "VERSION", device->version, device->minimum);
	emit_state(e, "BYTES", state, device);
	if (gs_devstate_is_unmigratable(device))
		gs_emit_string(e, NULL, "NOTE", "refuses to be saved");
}

static int show_all(const struct gs_args *args, const struct gs_devstate *state)
{
	static const struct gs_emit_column columns[] = {{"type", "DEVICE", false},
							{"name", "NAME", false},
							{"version", NULL, true},
							{"minimum", NULL, true},
							{NULL, "VERSION", false},
							{"migratable", NULL, false},
							{"bytes", NULL, true},
							{"certainty", NULL, false},
							{NULL, "BYTES", true},
							{"conditional", "CONDITIONAL", true},
							{"subsections", "SUBSECTIONS", true},
							{NULL, "NOTE", false}};
	struct gs_emit *e = gs_args_emit(args, false);
	const struct gs_devstate_device *device;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "machine", NULL, gs_devstate_machine(state));
	gs_emit_bool(e, "array-lengths", NULL, gs_devstate_has_num(state));
	gs_emit_table(e, "devices", "", columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; (device = gs_devstate_at(state, i)); i++)
		emit_device(e, state, device);
	gs_emit_end(e);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

/* ---- one ---- */

struct shown {
	struct gs_emit *e;
	const struct gs_devstate *state;
	bool tree;
};

static void show_description(const struct shown *shown, const struct gs_vmsd *description,
			     unsigned int depth);

/* Whether and why it is sent, and what it is. */
static char *field_note(const struct gs_vmsd_field *field, const struct gs_vmsd *parent)
{
	struct gs_text text = {0};
	gs_autoerror struct gs_error *err = NULL;
	char *note = NULL;

	if (field->description)
		gs_text_printf(&text, "; %s v%u", field->description->name,
			       field->description->version);
	if (field->conditional)
		gs_text_puts(&text, "; conditional");
	else if (field->version > parent->version)
		gs_text_printf(&text, "; never sent: from version %u on", field->version);
	else if (field->version)
		gs_text_printf(&text, "; from version %u on", field->version);
	gs_text_puts(&text, "");
	err = gs_text_finish(&text, &note);
	if (note && *note)
		memmove(note, note + 2, strlen(note + 2) + 1);
	return note;
}

static void show_field(const struct shown *shown, const struct gs_vmsd_field *field,
		       const struct gs_vmsd *parent, unsigned int depth)
{
	gs_autofree char *note = field_note(field, parent);
	struct gs_emit *e = shown->e;

	gs_emit_row_below(e, depth);
	gs_emit_u64(e, "depth", NULL, depth);
	gs_emit_string(e, "kind", NULL, "field");
	gs_emit_string(e, "name", NULL, field->name);
	gs_emit_u64(e, "occurrence", NULL, field->occurrence);
	gs_emit_u64(e, "version", NULL, field->version);
	gs_emit_bool(e, "conditional", NULL, field->conditional);
	if (field->has_num)
		gs_emit_u64(e, "num", NULL, field->num);
	if (!field->description)
		gs_emit_u64(e, "size", NULL, field->size);
	else
		gs_emit_string(e, "description", NULL, field->description->name);
	emit_size(e, "BYTES", gs_vmsd_field_wire(shown->state, field));
	gs_emit_string(e, NULL, "NOTE", note);
	if (shown->tree && field->description)
		show_description(shown, field->description, depth + 1);
}

static void show_subsection(const struct shown *shown, const struct gs_vmsd *subsection,
			    unsigned int depth)
{
	size_t conditional, subsections;
	char note[64];

	snprintf(note, sizeof(note), "subsection v%u", subsection->version);
	gs_emit_row_below(shown->e, depth);
	gs_emit_u64(shown->e, "depth", NULL, depth);
	gs_emit_string(shown->e, "kind", NULL, "subsection");
	gs_emit_string(shown->e, "name", NULL, subsection->name);
	gs_emit_u64(shown->e, "version", NULL, subsection->version);
	gs_emit_u64(shown->e, "minimum", NULL, subsection->minimum);
	emit_size(shown->e, "BYTES",
		  gs_vmsd_wire(shown->state, subsection, &conditional, &subsections));
	gs_emit_string(shown->e, NULL, "NOTE", note);
	if (shown->tree)
		show_description(shown, subsection, depth + 1);
}

static void show_description(const struct shown *shown, const struct gs_vmsd *description,
			     unsigned int depth)
{
	for (size_t i = 0; i < description->field_count; i++)
		show_field(shown, &description->fields[i], description, depth);
	for (size_t i = 0; i < description->subsection_count; i++)
		show_subsection(shown, &description->subsections[i], depth);
}

static void show_parts(const struct shown *shown, const struct gs_vmsd *description)
{
	static const struct gs_emit_column columns[] = {
		{"name", "FIELD", false},     {"depth", NULL, true},
		{"kind", NULL, false},        {"occurrence", NULL, true},
		{"version", NULL, true},      {"minimum", NULL, true},
		{"conditional", NULL, false}, {"description", NULL, false},
		{"num", "COUNT", true},       {"size", "SIZE", true},
		{"bytes", NULL, true},        {"certainty", NULL, false},
		{NULL, "BYTES", true},        {NULL, "NOTE", false}};

	gs_emit_table(shown->e, "parts", "", columns, sizeof(columns) / sizeof(*columns));
	show_description(shown, description, 0);
	gs_emit_end(shown->e);
}

static int show_one(const struct gs_args *args, const struct gs_devstate *state,
		    const struct gs_devstate_device *device)
{
	struct shown shown = {gs_args_emit(args, false), state, gs_args_has(args, "tree")};
	struct gs_emit *e = shown.e;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "type", "Device", device->type);
	gs_emit_string(e, "name", "Name", device->description ? device->description->name : NULL);
	emit_versions(e, "Version", device->version, device->minimum);
	emit_state(e, "Bytes", state, device);
	if (gs_devstate_is_unmigratable(device))
		gs_emit_line(e, "It refuses to be saved, as far as an export tells.");
	else if (device->description)
		show_parts(&shown, device->description);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

/* By its type, or else the first that has that name in a stream. */
static const struct gs_devstate_device *find(const struct gs_devstate *state, const char *name)
{
	const struct gs_devstate_device *device = gs_devstate_find(state, name);

	for (size_t i = 0; !device && i < gs_devstate_count(state); i++) {
		const struct gs_devstate_device *each = gs_devstate_at(state, i);

		if (each->description && strcmp(each->description->name, name) == 0)
			device = each;
	}
	return device;
}

/* Others of that name in a stream need not be described alike: who asks by it is told of them. */
static void note_others(const struct gs_args *args, const struct gs_devstate *state,
			const struct gs_devstate_device *shown, const char *name)
{
	gs_autotext struct gs_text others = {0};

	if (strcmp(shown->type, name) == 0)
		return;
	for (size_t i = 0; i < gs_devstate_count(state); i++) {
		const struct gs_devstate_device *each = gs_devstate_at(state, i);

		if (each == shown || !each->description ||
		    strcmp(each->description->name, name) != 0)
			continue;
		gs_text_puts(&others, others.size ? ", " : "");
		gs_text_puts_printable(&others, each->type);
	}
	if (others.size)
		gs_args_note(args, "this is %s; the same name in a stream have: %s", shown->type,
			     others.data);
}

static struct gs_error *not_found(const char *file, const struct gs_devstate *state,
				  const char *name)
{
	const char *near = gs_devstate_suggest(state, name);

	if (near)
		return gs_error_create(GS_ERROR_NODATA, "%s: no device '%s': did you mean '%s'?",
				       file, name, near);
	return gs_error_create(GS_ERROR_NODATA, "%s: no device '%s'", file, name);
}

int cmd_show(struct gs_args *args)
{
	auto_export struct vmstate_export export = {0};
	const char *file = gs_args_at(args, 0), *name = gs_args_at(args, 1);
	const struct gs_devstate_device *device;
	struct gs_error *err = NULL;

	if (gs_args_has(args, "tree") && !name)
		err = gs_error_create(GS_ERROR_INVALID, "--tree wants a DEVICE");
	if (!err)
		err = vmstate_load(file, &export);
	if (err)
		return gs_args_fail(args, err);
	if (!name)
		return show_all(args, export.state);
	device = find(export.state, name);
	if (!device)
		return gs_args_fail(args, not_found(file, export.state, name));
	note_others(args, export.state, device, name);
	return show_one(args, export.state, device);
}
