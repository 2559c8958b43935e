/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between two schemas: commands and events, one by one. */
#include "schema_diff.h"

#include <stdlib.h>
#include <string.h>

/* ---- changes ---- */

struct gs_error *gs_schema_diff_add(struct gs_schema_diff *d, enum gs_schema_change_kind kind,
				    char *path, char *before, char *after, bool breaks)
{
	bool has_texts =
		path && (before || kind == GS_SCHEMA_ADDED) && (after || kind == GS_SCHEMA_REMOVED);
	struct gs_schema_change *changes = d->changes;

	if (has_texts && d->change_count == d->change_capacity) {
		size_t capacity = d->change_capacity ? 2 * d->change_capacity : 16;

		changes = reallocarray(changes, capacity, sizeof(*changes));
		if (changes) {
			d->changes = changes;
			d->change_capacity = capacity;
		}
	}
	if (!has_texts || !changes) {
		free(path);
		free(before);
		free(after);
		return gs_error_nomem();
	}
	d->changes[d->change_count++] =
		(struct gs_schema_change){kind, path, before, after, breaks};
	return NULL;
}

static void drop_changes(struct gs_schema_diff *d)
{
	for (size_t i = 0; i < d->change_count; i++) {
		free((char *)d->changes[i].path);
		free((char *)d->changes[i].before);
		free((char *)d->changes[i].after);
	}
	d->change_count = 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct gs_schema_change *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* ---- features ---- */

static bool has_feature(const struct gs_schema_features *features, const char *name)
{
	for (const char *const *at = features->names; at && *at; at++)
		if (strcmp(*at, name) == 0)
			return true;
	return false;
}

/* A warning that is taken back harms nobody; others tell of what can be done. */
static bool is_warning(const char *feature)
{
	return strcmp(feature, "deprecated") == 0 || strcmp(feature, "unstable") == 0;
}

struct gs_error *gs_schema_diff_features(struct gs_schema_diff *d, const char *path,
					 const struct gs_schema_features *before,
					 const struct gs_schema_features *after)
{
	struct gs_error *err = NULL;

	for (const char *const *at = before->names; !err && at && *at; at++)
		if (!has_feature(after, *at))
			err = gs_schema_diff_add(d, GS_SCHEMA_REMOVED, gs_strf("%s+%s", path, *at),
						 strdup("feature"), NULL, !is_warning(*at));
	for (const char *const *at = after->names; !err && at && *at; at++)
		if (!has_feature(before, *at))
			err = gs_schema_diff_add(d, GS_SCHEMA_ADDED, gs_strf("%s+%s", path, *at),
						 NULL, strdup("feature"), false);
	return err;
}

/* ---- commands and events ---- */

static struct gs_error *compare_part(struct gs_schema_diff *d, const char *name, const char *part,
				     bool is_input, const struct gs_schema_entity *before,
				     const struct gs_schema_entity *after)
{
	gs_autofree char *root = gs_strf("%s/%s", name, part);

	return root ? gs_schema_diff_types(d, root, is_input, before, after) : gs_error_nomem();
}

/* @before and @after have the same name. */
static struct gs_error *compare_roots(struct gs_schema_diff *d,
				      const struct gs_schema_entity *before,
				      const struct gs_schema_entity *after)
{
	static const char *const band[] = {"in band only", "in and out of band"};
	bool is_command = before->meta == GS_SCHEMA_COMMAND;
	struct gs_error *err =
		gs_schema_diff_features(d, before->name, &before->features, &after->features);

	if (!err && before->allow_oob != after->allow_oob)
		err = gs_schema_diff_add(d, GS_SCHEMA_CHANGED, strdup(before->name),
					 strdup(band[before->allow_oob]),
					 strdup(band[after->allow_oob]), before->allow_oob);
	if (!err)
		err = compare_part(d, before->name, "arg", is_command, before->arg, after->arg);
	if (!err && is_command)
		err = compare_part(d, before->name, "ret", false, before->ret, after->ret);
	return err;
}

/* One of them may be NULL: there is none of that name. */
static struct gs_error *find_changes(struct gs_schema_diff *d,
				     const struct gs_schema_entity *before,
				     const struct gs_schema_entity *after)
{
	const char *what = gs_schema_meta_name((before ? before : after)->meta);

	if (!after)
		return gs_schema_diff_add(d, GS_SCHEMA_REMOVED, strdup(before->name), strdup(what),
					  NULL, true);
	if (!before)
		return gs_schema_diff_add(d, GS_SCHEMA_ADDED, strdup(after->name), NULL,
					  strdup(what), false);
	return compare_roots(d, before, after);
}

typedef struct gs_error *(*report_fn)(void *arg, const struct gs_schema_change *change);

static struct gs_error *tell_changes(struct gs_schema_diff *d,
				     const struct gs_schema_entity *before,
				     const struct gs_schema_entity *after, report_fn report,
				     void *arg)
{
	struct gs_error *err = find_changes(d, before, after);

	if (d->change_count)
		qsort(d->changes, d->change_count, sizeof(*d->changes), compare_paths);
	for (size_t i = 0; !err && i < d->change_count; i++)
		err = report(arg, &d->changes[i]);
	drop_changes(d);
	return err;
}

/* Both are sorted by name: whatever is behind in the order is missing on the other side. */
static struct gs_error *compare_all(struct gs_schema_diff *d, const struct gs_schema_index *before,
				    const struct gs_schema_index *after, report_fn report,
				    void *arg)
{
	size_t i = 0, j = 0;
	struct gs_error *err = NULL;

	while (!err && (i < before->count || j < after->count)) {
		const struct gs_schema_entity *a = i < before->count ? before->at[i] : NULL;
		const struct gs_schema_entity *b = j < after->count ? after->at[j] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);

		err = tell_changes(d, order <= 0 ? a : NULL, order >= 0 ? b : NULL, report, arg);
		i += order <= 0;
		j += order >= 0;
	}
	return err;
}

struct gs_error *gs_schema_diff(const struct gs_schema *before, const struct gs_schema *after,
				report_fn report, void *arg)
{
	struct gs_schema_diff *d = calloc(1, sizeof(*d));
	struct gs_error *err;

	if (!d)
		return gs_error_nomem();
	err = compare_all(d, &before->commands, &after->commands, report, arg);
	if (!err)
		err = compare_all(d, &before->events, &after->events, report, arg);
	free(d->changes);
	free(d->pairs);
	free(d);
	return err;
}
