/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool map: one look at what is where in a guest's memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "map.h"

static struct gs_error *survey(const struct gs_args *args, struct gs_memory *mem,
			       const struct gs_classifier *classes, unsigned int columns,
			       struct gs_survey *ret)
{
	struct gs_survey_options options = {
		.classes = classes, .read_pages = true, .progress = dumptool_progress()};
	struct gs_error *err = dumptool_threads(args, &options.threads);
	struct gs_progress_bar *bar;

	if (!err)
		err = gs_args_size(args, "cell", map_bucket_bytes(mem, columns),
				   &options.bucket_bytes);
	if (!err && !options.bucket_bytes)
		err = gs_error_create(GS_ERROR_INVALID, "--cell: cells of no memory");
	if (err)
		return err;
	bar = gs_progress_bar_start(options.progress, "map", gs_args_quiet(args));
	err = gs_survey(mem, &options, ret);
	gs_progress_bar_stop(bar);
	return err;
}

static struct gs_error *write_svg(const struct gs_args *args, const struct map *map)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	gs_autotext struct gs_text text = {0};
	gs_autofree char *svg = NULL;
	size_t size;
	struct gs_error *err;

	map_draw_svg(map, &text);
	size = text.size;
	err = gs_text_finish(&text, &svg);
	if (!err)
		err = dumptool_open_output(args, &out);
	if (!err && gs_write_full(gs_outfile_fd(out), svg, size) < 0)
		err = gs_error_os(errno, "%s", gs_outfile_path(out));
	return err ? err : gs_outfile_commit(out);
}

static struct gs_error *write_text(const struct map *map, const struct map_terminal *terminal)
{
	gs_autotext struct gs_text text = {0};
	gs_autofree char *drawn = NULL;
	struct gs_error *err;

	map_draw_text(map, terminal, &text);
	err = gs_text_finish(&text, &drawn);
	if (!err && fputs(drawn, stdout) < 0)
		err = gs_error_os(errno, "stdout");
	return err;
}

static struct gs_error *show(const struct gs_args *args, const struct map *map,
			     const struct map_terminal *terminal)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = NULL;
	struct gs_error *err = NULL;

	if (gs_args_has(args, "output"))
		err = write_svg(args, map);
	if (!err && gs_args_has(args, "json")) {
		e = gs_args_emit(args, false);
		map_emit(e, map);
		err = gs_emit_finish(e);
	} else if (!err && !gs_args_has(args, "output")) {
		err = write_text(map, terminal);
	}
	return err;
}

static struct gs_error *draw(const struct gs_args *args, const struct dumptool_input *in)
{
	struct map_terminal terminal = map_terminal_of(args);
	unsigned int columns = gs_args_has(args, "output") || gs_args_has(args, "json")
				       ? MAP_SVG_COLUMNS
				       : map_terminal_columns(&terminal, in->mem);
	dumptool_autoclasses struct dumptool_classes classes = {0};
	gs_autosurvey struct gs_survey s = {0};
	dumptool_automap struct map map = {0};
	struct gs_error *err = dumptool_open_classes(args, true, in->mem, &classes);

	if (!err)
		err = survey(args, in->mem, classes.classifier, columns, &s);
	if (err)
		return err;
	if (classes.why_not)
		gs_args_note(args, "pages are of no known class: %s", classes.why_not);
	err = map_init(&map, in->mem, classes.kernel, &s, columns, in->qmp);
	return err ? err : show(args, &map, &terminal);
}

int cmd_map(struct gs_args *args)
{
	dumptool_autoinput struct dumptool_input in = {0};
	struct gs_error *err = dumptool_look(args, gs_args_count(args), &in);

	if (!err)
		err = draw(args, &in);
	return dumptool_end_job(args, err);
}
