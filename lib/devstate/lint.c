/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mistakes that one export shows by itself: what cannot be loaded again, or is never sent. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/devstate.h>

/* Longer names are hostile, and would make a path of any length. */
#define NAME_FORMAT "%.100s"

struct lint {
	struct gs_error *(*report)(void *arg, const struct gs_lint_finding *finding);
	void *arg;
	const char *device;
	struct gs_text path;
};

const char *gs_lint_code_name(enum gs_lint_code code)
{
	static const char *const names[] = {
		[GS_LINT_NEVER_MIGRATED] = "never-migrated",
		[GS_LINT_DUPLICATE_SUBSECTION] = "duplicate-subsection",
		[GS_LINT_SUBSECTION_PREFIX] = "subsection-prefix",
		[GS_LINT_MINIMUM_ABOVE] = "minimum-above",
		[GS_LINT_EMPTY] = "empty",
		[GS_LINT_UNMIGRATABLE] = "unmigratable",
	};

	return names[code];
}

static bool is_error(enum gs_lint_code code)
{
	return code != GS_LINT_EMPTY && code != GS_LINT_UNMIGRATABLE;
}

/* ---- where ---- */

/* One step down; what @lint->path is to be cut to on the way back. */
static size_t enter(struct lint *lint, const char *name)
{
	size_t size = lint->path.size;

	gs_text_printf(&lint->path, "%s" NAME_FORMAT, size ? "/" : "", name);
	return size;
}

static void leave(struct lint *lint, size_t size)
{
	if (lint->path.failed)
		return;
	lint->path.size = size;
	lint->path.data[size] = '\0';
}

GS_PRINTF(3, 4)
static struct gs_error *tell(struct lint *lint, enum gs_lint_code code, const char *format, ...)
{
	struct gs_lint_finding finding = {
		.code = code, .device = lint->device, .is_error = is_error(code)};
	gs_autotext struct gs_text text = {0};
	va_list ap;

	va_start(ap, format);
	gs_text_vprintf(&text, format, ap);
	va_end(ap);
	if (text.failed || lint->path.failed)
		return gs_error_nomem();
	finding.path = lint->path.data;
	finding.text = text.data;
	return lint->report(lint->arg, &finding);
}

/* ---- fields ---- */

static struct gs_error *lint_version(struct lint *lint, const struct gs_vmsd *parent,
				     const struct gs_vmsd_field *field)
{
	if (field->conditional || field->version <= parent->version)
		return NULL;
	return tell(lint, GS_LINT_NEVER_MIGRATED,
		    "it is there from version %u on, but the description's version is %u: nobody "
		    "ever sends it",
		    field->version, parent->version);
}

static struct gs_error *lint_description(struct lint *lint, const struct gs_vmsd *description);

static struct gs_error *lint_field(struct lint *lint, const struct gs_vmsd *parent,
				   const struct gs_vmsd_field *field)
{
	size_t size = enter(lint, field->name);
	struct gs_error *err = lint_version(lint, parent, field);

	leave(lint, size);
	if (err || !field->description)
		return err;
	size = enter(lint, field->description->name);
	err = lint_description(lint, field->description);
	leave(lint, size);
	return err;
}

/* ---- subsections ---- */

static int compare_names(const void *a, const void *b)
{
	const struct gs_vmsd *x = *(const struct gs_vmsd *const *)a;
	const struct gs_vmsd *y = *(const struct gs_vmsd *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

/* The stream is searched for the first of a name, and that is the one that loads. */
static struct gs_error *lint_duplicates(struct lint *lint, const struct gs_vmsd *parent)
{
	gs_autofree const struct gs_vmsd **sorted =
		calloc(parent->subsection_count + 1, sizeof(*sorted));
	struct gs_error *err = sorted ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < parent->subsection_count; i++)
		sorted[i] = &parent->subsections[i];
	if (!err)
		qsort(sorted, parent->subsection_count, sizeof(*sorted), compare_names);
	for (size_t i = 1; !err && i < parent->subsection_count; i++) {
		size_t size;

		if (strcmp(sorted[i]->name, sorted[i - 1]->name) != 0)
			continue;
		size = enter(lint, sorted[i]->name);
		err = tell(
			lint, GS_LINT_DUPLICATE_SUBSECTION,
			"there is a subsection of that name before it, and that is the one which "
			"is loaded");
		leave(lint, size);
	}
	return err;
}

static struct gs_error *lint_subsection(struct lint *lint, const struct gs_vmsd *parent,
					const struct gs_vmsd *subsection)
{
	size_t size = enter(lint, subsection->name);
	struct gs_error *err = NULL;

	if (strncmp(subsection->name, parent->name, strlen(parent->name)) != 0)
		err = tell(lint, GS_LINT_SUBSECTION_PREFIX,
			   "its name does not begin with '" NAME_FORMAT
			   "': who loads that takes it for somebody else's",
			   parent->name);
	if (!err)
		err = lint_description(lint, subsection);
	leave(lint, size);
	return err;
}

/* ---- descriptions ---- */

static struct gs_error *lint_minimum(struct lint *lint, const struct gs_vmsd *description)
{
	if (description->minimum <= description->version)
		return NULL;
	return tell(lint, GS_LINT_MINIMUM_ABOVE,
		    "it is saved as version %u, and loaded from version %u on: not what it has "
		    "saved itself",
		    description->version, description->minimum);
}

static struct gs_error *lint_empty(struct lint *lint, const struct gs_vmsd *description)
{
	if (description->field_count || description->subsection_count)
		return NULL;
	return tell(lint, GS_LINT_EMPTY,
		    description->has_fields ? "its list of fields is empty: at most that it is "
					      "there says something"
					    : "it has no list of fields");
}

static struct gs_error *lint_description(struct lint *lint, const struct gs_vmsd *description)
{
	struct gs_error *err = lint_minimum(lint, description);

	if (!err)
		err = lint_empty(lint, description);
	for (size_t i = 0; !err && i < description->field_count; i++)
		err = lint_field(lint, description, &description->fields[i]);
	if (!err && description->subsection_count > 1)
		err = lint_duplicates(lint, description);
	for (size_t i = 0; !err && i < description->subsection_count; i++)
		err = lint_subsection(lint, description, &description->subsections[i]);
	return err;
}

static struct gs_error *lint_device(struct lint *lint, const struct gs_devstate_device *device)
{
	struct gs_error *err;
	size_t size;

	if (!device->description)
		return NULL;
	lint->device = device->type;
	size = enter(lint, device->description->name);
	if (gs_devstate_is_unmigratable(device))
		err = tell(lint, GS_LINT_UNMIGRATABLE,
			   "it refuses to be saved, as far as an export tells");
	else
		err = lint_description(lint, device->description);
	leave(lint, size);
	return err;
}

struct gs_error *gs_devstate_lint(const struct gs_devstate *state,
				  struct gs_error *(*report)(void *arg,
							     const struct gs_lint_finding *finding),
				  void *arg)
{
	struct lint lint = {.report = report, .arg = arg};
	const struct gs_devstate_device *device;
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && (device = gs_devstate_at(state, i)); i++)
		err = lint_device(&lint, device);
	gs_text_deinit(&lint.path);
	return err;
}
