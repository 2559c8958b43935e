/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool capabilities: what can be made of this guest. */
#include <guestscope/guest.h>

#include "dumptool.h"

static const struct gs_emit_column engine_columns[] = {
	{"engine", "ENGINE", false},
	{"formats", "FORMATS", false},
	{"note", "NOTE", false},
};

/* Engines direct and stream make all of our formats of what they read. */
static struct gs_json *our_formats(void)
{
	struct gs_json *formats = gs_json_new_array();

	for (const struct gs_format *f = gs_formats; formats && f->name; f++)
		gs_json_append(formats, gs_json_new_string(f->name));
	return formats;
}

static void emit_engine(struct gs_emit *e, const char *engine, const struct gs_json *formats,
			const char *note)
{
	gs_emit_row(e);
	gs_emit_string(e, "engine", NULL, engine);
	gs_emit_json(e, "formats", NULL, formats);
	gs_emit_string(e, "note", NULL, note);
}

/* One row; without formats where it is impossible, and then with the reason. */
static void emit_direct(struct gs_emit *e, struct gs_qmp *qmp, const struct gs_json *formats)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	gs_autojson struct gs_json *none = gs_json_new_array();
	gs_autoerror struct gs_error *err = gs_guest_direct_open(qmp, &mem);

	emit_engine(e, "direct", err ? none : formats, err ? err->message : "the fastest");
}

static struct gs_error *capabilities(const struct gs_args *args, struct gs_emit *e)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	gs_autojson struct gs_json *ours = our_formats();
	gs_autojson struct gs_json *theirs = NULL;
	struct gs_qmp_status status;
	struct gs_error *err = ours ? dumptool_connect(args, &qmp) : gs_error_nomem();

	if (!err)
		err = gs_qmp_query_status(qmp, &status);
	if (!err)
		err = gs_qmp_dump_formats(qmp, &theirs);
	if (err)
		return err;
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "status", "Guest", status.status);
	gs_emit_table(e, "engines", "Engines", engine_columns, 3);
	emit_direct(e, qmp, ours);
	emit_engine(e, "stream", ours, "where direct is impossible");
	emit_engine(e, "qemu", theirs, "kdump formats are flattened");
	gs_emit_end(e);
	gs_emit_end(e);
	return gs_emit_finish(e);
}

int cmd_capabilities(struct gs_args *args)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);

	return gs_args_fail(args, capabilities(args, e));
}
