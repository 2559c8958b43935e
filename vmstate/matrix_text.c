/* SPDX-License-Identifier: GPL-2.0-or-later */
/* matrix for people: what the exports are, devices by verdict, and the machines of each pair. */
#include <string.h>

#include "matrix.h"

#define NORMAL "\033[0m"
#define CELL 17 /* columns: "CONDITIONAL 123" and two more */

struct report {
	const struct matrix *matrix;
	struct gs_text *out;
	unsigned int width;
	bool color;
};

static void put_colored(struct report *r, enum gs_verdict verdict, const char *text, bool colored)
{
	colored &= r->color;
	gs_text_puts(r->out, colored ? verdict_color(verdict) : "");
	gs_text_puts(r->out, text);
	gs_text_puts(r->out, colored ? NORMAL : "");
}

static void put_paragraph(struct report *r, const struct gs_text *text, unsigned int column,
			  unsigned int indent)
{
	struct gs_wrap wrap = {column, indent, r->width, false};

	gs_text_puts_wrapped(r->out, text->data ? text->data : "", &wrap);
	gs_text_puts(r->out, "\n");
	r->out->failed |= text->failed;
}

/* ---- the exports ---- */

static void put_export(struct report *r, size_t i)
{
	const struct vmstate_export *export = &r->matrix->exports[i];
	const struct gs_about *about = export->about;
	gs_autotext struct gs_text text = {0};

	gs_text_puts_printable(&text, export->name);
	if (about && about->version) {
		gs_text_puts(&text, ": ");
		gs_text_puts_printable(&text, about->version);
	}
	if (about && about->package && *about->package) {
		gs_text_puts(&text, " (");
		gs_text_puts_printable(&text, about->package);
		gs_text_puts(&text, ")");
	}
	if (about && about->target) {
		gs_text_puts(&text, ", ");
		gs_text_puts_printable(&text, about->target);
	}
	gs_text_printf(r->out, "%c  ", matrix_letter(i));
	put_paragraph(r, &text, 3, 3);
}

/* ---- devices by verdict ---- */

static void put_counts(struct report *r, const struct matrix_pair *pair, int d)
{
	put_way(r->out, pair, d, "->");
	gs_text_puts(r->out, "  ");
	for (int v = 0; v < GS_VERDICT_COUNT; v++) {
		int width = (int)strlen(gs_verdict_name((enum gs_verdict)v));
		size_t count = pair->check.counts[d][v];
		gs_autofree char *cell = gs_strf("  %*zu", width > 5 ? width : 5, count);

		put_colored(r, (enum gs_verdict)v, cell ? cell : "", count);
	}
	gs_text_puts(r->out, "\n");
}

static void put_devices(struct report *r)
{
	const struct matrix *m = r->matrix;

	gs_text_puts(r->out, "\nDEVICES ");
	for (int v = 0; v < GS_VERDICT_COUNT; v++)
		gs_text_printf(r->out, "  %5s", gs_verdict_name((enum gs_verdict)v));
	gs_text_puts(r->out, "\n");
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		for (size_t i = 0; m->given.options.directions[d] && i < m->pair_count; i++)
			put_counts(r, &m->pairs[i], d);
	}
}

/* ---- machines ---- */

static void put_cell(struct report *r, const struct matrix_pair *pair, int d)
{
	enum gs_verdict worst = matrix_worst(pair, d);
	gs_autofree char *text =
		gs_strf("%s %zu", gs_verdict_name(worst), pair->check.counts[d][worst]);

	put_colored(r, worst, text ? text : "", true);
	gs_text_printf(r->out, "%*s", CELL - (int)(text ? strlen(text) : 0), "");
}

static void put_row(struct report *r, const struct matrix_pair *pair, size_t first)
{
	const struct matrix_row *row = &pair->rows[first];

	if (!matrix_is_shared(row)) {
		bool not_before = gs_machine_is_lacking(&row->machine.before);

		gs_text_printf(r->out, "only %c has it\n",
			       matrix_letter(not_before ? pair->after : pair->before));
		return;
	}
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (r->matrix->given.options.directions[d])
			put_cell(r, pair, d);
	}
	gs_text_printf(r->out, "%zu\n", row->setting_count);
}

static int widest_run(const struct matrix_pair *pair)
{
	size_t widest = strlen("MACHINE"), count;

	for (size_t i = 0; i < pair->row_count; i += count) {
		gs_autotext struct gs_text text = {0};

		count = matrix_run(pair, i);
		put_run(&text, pair, i, count);
		if (text.size > widest)
			widest = text.size;
	}
	return (int)widest;
}

static void put_header(struct report *r, const struct matrix_pair *pair, int width)
{
	gs_text_printf(r->out, "\n%-*s  ", width, "MACHINE");
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (!r->matrix->given.options.directions[d])
			continue;
		put_way(r->out, pair, d, "->");
		gs_text_printf(r->out, "%*s", CELL - (int)strlen("A -> B"), "");
	}
	gs_text_puts(r->out, "PROPERTIES\n");
}

static void put_machines(struct report *r, const struct matrix_pair *pair)
{
	int width = widest_run(pair);
	size_t count;

	if (!pair->is_one_target) {
		gs_text_puts(r->out, "\n");
		put_way(r->out, pair, GS_CHECK_FORWARD, "and");
		gs_text_puts(r->out, " are of two targets: no guest goes from one to the other.\n");
	}
	if (!pair->row_count)
		return;
	put_header(r, pair, width);
	for (size_t i = 0; i < pair->row_count; i += count) {
		gs_autotext struct gs_text name = {0};

		count = matrix_run(pair, i);
		put_run(&name, pair, i, count);
		gs_text_printf(r->out, "%-*s  ", width, name.data ? name.data : "");
		put_row(r, pair, i);
	}
}

/* ---- properties ---- */

static void put_settings(struct report *r, const struct matrix_pair *pair, size_t first,
			 size_t count)
{
	const struct matrix_row *row = &pair->rows[first];
	gs_autotext struct gs_text text = {0};

	put_run(&text, pair, first, count);
	gs_text_puts(&text, ": ");
	for (size_t i = 0; i < row->setting_count; i++) {
		gs_text_puts(&text, i ? "; " : "");
		put_row_setting(&text, pair, row, i);
	}
	gs_text_puts(r->out, "  ");
	put_paragraph(r, &text, 2, 4);
}

static void put_properties(struct report *r, const struct matrix_pair *pair)
{
	bool is_first = true;
	size_t count;

	for (size_t i = 0; i < pair->row_count; i += count) {
		count = matrix_run(pair, i);
		if (!pair->rows[i].setting_count)
			continue;
		if (is_first)
			gs_text_puts(r->out, "\nProperties that may decide, by their names:\n");
		is_first = false;
		put_settings(r, pair, i, count);
	}
}

/* ---- what else is to be said ---- */

/* "A, C: ..." of those that tell no more than that. */
static void put_untold(struct report *r, enum matrix_told told, const char *sentence)
{
	gs_autotext struct gs_text text = {0};

	for (size_t i = 0; i < r->matrix->export_count; i++) {
		if (matrix_told(&r->matrix->exports[i]) == told)
			gs_text_printf(&text, "%s%c", text.size ? ", " : "", matrix_letter(i));
	}
	if (!text.size)
		return;
	gs_text_puts(&text, sentence);
	put_paragraph(r, &text, 0, 0);
}

static void put_hint(struct report *r)
{
	const struct matrix_pair *pair = &r->matrix->pairs[0];
	gs_autotext struct gs_text text = {0};
	size_t shared = 0;

	if (!pair->is_one_target)
		return;
	while (shared < pair->row_count && !matrix_is_shared(&pair->rows[shared]))
		shared++;
	gs_text_puts(r->out, "What is found, for instance:\n  ");
	put_command(&text, r->matrix, pair,
		    shared < pair->row_count ? pair->rows[shared].machine.name : NULL);
	gs_text_puts(r->out, text.data ? text.data : "");
	gs_text_puts(r->out, "\n");
}

static void put_notes(struct report *r)
{
	gs_autotext struct gs_text text = {0};

	gs_text_puts(r->out, "\n");
	put_hint(r);
	gs_text_puts(&text,
		     "Cells of a pair differ in nothing but properties: what devices save is "
		     "described alike for all machines.");
	put_paragraph(r, &text, 0, 0);
	put_untold(r, MATRIX_MACHINES, ": what machines set is not told; QEMU does from 9.1 on.");
	put_untold(r, MATRIX_NOTHING,
		   ": machines are not told, and assumed to be there; exports by vmstate tell.");
	gs_text_puts(r->out, "Not judged: what no export tells (CPU, virtio, RAM).\n");
}

int matrix_as_text(const struct matrix *matrix)
{
	gs_autotext struct gs_text out = {0};
	struct report r = {matrix, &out, gs_terminal_columns(), gs_args_color(matrix->args)};
	int status;

	for (size_t i = 0; i < matrix->export_count; i++)
		put_export(&r, i);
	put_devices(&r);
	for (size_t i = 0; i < matrix->pair_count; i++) {
		put_machines(&r, &matrix->pairs[i]);
		put_properties(&r, &matrix->pairs[i]);
	}
	put_notes(&r);
	if (out.failed)
		return gs_args_fail(matrix->args, gs_error_nomem());
	status = gs_args_print(matrix->args, out.data);
	return status == GS_EXIT_OK && matrix->failed ? GS_EXIT_FAILED : status;
}
