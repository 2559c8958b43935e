/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schema diff: what another QEMU changes for those who talk to it. */
#include <fnmatch.h>

#include "schemas.h"

struct changes {
	struct gs_emit *e;
	const char *glob; /* NULL: all */
	bool breaking_only;
	uint64_t count, breaking;
};

static const struct gs_emit_column columns[] = {
	{"breaks", NULL, false}, {NULL, "BREAKS", false},     {"change", "CHANGE", false},
	{"path", "PATH", false}, {"before", "BEFORE", false}, {"after", "AFTER", false},
};

static void emit_text(struct gs_emit *e, const char *key, const char *text)
{
	if (text)
		gs_emit_string(e, key, NULL, text);
	else
		gs_emit_null(e, key, NULL);
}

static struct gs_error *emit_change(void *arg, const struct gs_schema_change *change)
{
	static const char *const names[] = {"added", "removed", "changed"};
	struct changes *changes = arg;
	struct gs_emit *e = changes->e;

	if ((changes->glob && fnmatch(changes->glob, change->path, 0) != 0) ||
	    (changes->breaking_only && !change->breaks))
		return NULL;
	changes->count++;
	changes->breaking += change->breaks;
	gs_emit_row(e);
	gs_emit_bool(e, "breaks", NULL, change->breaks);
	gs_emit_string(e, NULL, "BREAKS", change->breaks ? "!" : "");
	gs_emit_string(e, "change", NULL, names[change->kind]);
	gs_emit_string(e, "path", NULL, change->path);
	emit_text(e, "before", change->before);
	emit_text(e, "after", change->after);
	return NULL;
}

static struct gs_error *compare(struct changes *changes, const struct gs_schema *before,
				const struct gs_schema *after)
{
	struct gs_emit *e = changes->e;
	struct gs_error *err;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "differences", "", columns, sizeof(columns) / sizeof(columns[0]));
	err = gs_schema_diff(before, after, emit_change, changes);
	gs_emit_end(e);
	gs_emit_u64(e, "count", "Differences", changes->count);
	gs_emit_u64(e, "breaking", "Breaking", changes->breaking);
	gs_emit_end(e);
	return err;
}

int cmd_schema_diff(struct gs_args *args)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *before = NULL;
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *after = NULL;
	struct changes changes = {
		.glob = gs_args_get(args, "match"),
		.breaking_only = gs_args_has(args, "breaking"),
	};
	struct gs_error *err = schemas_load(args, gs_args_at(args, 0), &before);

	if (!err)
		err = schemas_load(args, gs_args_at(args, 1), &after);
	if (err)
		return gs_args_fail(args, err);
	changes.e = gs_args_emit(args, false);
	err = compare(&changes, before, after);
	if (err) {
		gs_emit_destroy(changes.e);
		return gs_args_fail(args, err);
	}
	return gs_args_finish(args, changes.e, changes.breaking ? GS_EXIT_FAILED : GS_EXIT_OK);
}
