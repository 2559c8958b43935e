/* SPDX-License-Identifier: GPL-2.0-or-later */
/* matrix as a page: the exports, a table of machines for each pair, and what is found below it. */
#include <string.h>

#include "html.h"
#include "matrix.h"

/* No more than a browser takes: what is beyond is counted. Real pairs have some hundred. */
#define FINDINGS_MAX 10000

struct report {
	const struct matrix *matrix;
	struct gs_text *text;
	size_t findings_left, left_out;
};

/* Of words of ours, with foreign ones among them. */
static void put_words(struct report *r, const struct gs_text *words)
{
	html_puts(r->text, words->data ? words->data : "");
	r->text->failed |= words->failed;
}

/* ---- the exports ---- */

static void put_export(struct report *r, size_t i)
{
	static const char *const told[] = {
		[MATRIX_NOTHING] = "not told, and assumed to be there",
		[MATRIX_MACHINES] = "told, but not what they set (QEMU does from 9.1 on)",
		[MATRIX_PROPERTIES] = "told, with what they set",
	};
	const struct vmstate_export *export = &r->matrix->exports[i];
	const struct gs_about *about = export->about;

	gs_text_printf(r->text, "<section class=\"side\"><div class=\"faint\">%c</div><h2>",
		       matrix_letter(i));
	html_puts(r->text, export->name);
	gs_text_puts(r->text, "</h2><dl>");
	html_put_fact(r->text, "QEMU", about ? about->version : NULL);
	html_put_fact(r->text, "Package", about ? about->package : NULL);
	html_put_fact(r->text, "Target", about ? about->target : NULL);
	html_put_fact(r->text, "Machines", told[matrix_told(export)]);
	gs_text_puts(r->text, "</dl></section>\n");
}

/* ---- verdicts ---- */

static void put_badge(struct gs_text *text, enum gs_verdict verdict)
{
	const char *name = gs_verdict_name(verdict);

	gs_text_printf(text, "<span class=\"badge verdict-%s\">%s</span>", name, name);
}

/* "A-B-forward": what a cell leads to. */
static void put_anchor(struct gs_text *text, const struct matrix_pair *pair, int d)
{
	gs_text_printf(text, "%c-%c-%s", matrix_letter(pair->before), matrix_letter(pair->after),
		       gs_check_direction_name((enum gs_check_direction)d));
}

/* ---- the table of a pair ---- */

static void put_cell(struct report *r, const struct matrix_pair *pair, int d)
{
	enum gs_verdict worst = matrix_worst(pair, d);

	gs_text_puts(r->text, "<td data-label=\"");
	put_way(r->text, pair, d, "\u2192");
	gs_text_puts(r->text, "\"><a href=\"#");
	put_anchor(r->text, pair, d);
	gs_text_puts(r->text, "\">");
	put_badge(r->text, worst);
	gs_text_printf(r->text, " <span class=\"num\">%zu</span></a></td>",
		       pair->check.counts[d][worst]);
}

static void put_absence(struct report *r, const struct matrix_pair *pair,
			const struct matrix_row *row)
{
	const struct matrix *m = r->matrix;
	bool not_before = gs_machine_is_lacking(&row->machine.before);

	gs_text_printf(r->text, "<td class=\"faint\" colspan=\"%d\">only %c has it</td>",
		       m->given.options.directions[0] + m->given.options.directions[1],
		       matrix_letter(not_before ? pair->after : pair->before));
}

static void put_settings(struct report *r, const struct matrix_pair *pair,
			 const struct matrix_row *row)
{
	gs_text_puts(r->text, "<td data-label=\"Set\">");
	for (size_t i = 0; i < row->setting_count; i++) {
		gs_autotext struct gs_text setting = {0};

		put_row_setting(&setting, pair, row, i);
		gs_text_puts(r->text, i ? "<br>" : "");
		put_words(r, &setting);
	}
	gs_text_puts(r->text, "</td>");
}

static void put_row(struct report *r, const struct matrix_pair *pair, size_t first, size_t count)
{
	const struct matrix_row *row = &pair->rows[first];
	bool is_shared = matrix_is_shared(row);
	gs_autotext struct gs_text name = {0};

	put_run(&name, pair, first, count);
	gs_text_puts(r->text, "<tr><td class=\"name\" data-label=\"Machine\">");
	put_words(r, &name);
	gs_text_puts(r->text, "</td>");
	for (int d = 0; is_shared && d < GS_CHECK_DIRECTIONS; d++) {
		if (r->matrix->given.options.directions[d])
			put_cell(r, pair, d);
	}
	if (!is_shared)
		put_absence(r, pair, row);
	put_settings(r, pair, row);
	gs_text_puts(r->text, "</tr>\n");
}

static void put_table(struct report *r, const struct matrix_pair *pair)
{
	size_t count;

	gs_text_puts(r->text, "<table class=\"cards\"><thead><tr><th scope=\"col\">Machine</th>");
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (!r->matrix->given.options.directions[d])
			continue;
		gs_text_puts(r->text, "<th scope=\"col\">");
		put_way(r->text, pair, d, "\u2192");
		gs_text_puts(r->text, "</th>");
	}
	gs_text_puts(r->text, "<th scope=\"col\">Properties that may decide</th></tr></thead>\n"
			      "<tbody>\n");
	for (size_t i = 0; i < pair->row_count; i += count) {
		count = matrix_run(pair, i);
		put_row(r, pair, i, count);
	}
	gs_text_puts(r->text, "</tbody></table>\n");
}

/* ---- what is found ---- */

static void put_finding(struct report *r, const struct gs_check_finding *finding)
{
	gs_autotext struct gs_text sentence = {0};

	put_sentence(&sentence, finding, &finding->condition);
	gs_text_printf(r->text, "<tr class=\"row\" data-kind=\"%s\"><td data-label=\"Verdict\">",
		       gs_verdict_name(finding->verdict));
	put_badge(r->text, finding->verdict);
	gs_text_puts(r->text, "</td><td class=\"name\" data-label=\"Where\">");
	html_path(r->text, finding->path);
	gs_text_puts(r->text, "</td><td data-label=\"What\">");
	put_words(r, &sentence);
	gs_text_puts(r->text, "</td></tr>\n");
}

static void put_findings(struct report *r, const struct check *check,
			 const struct check_device *device, int d)
{
	gs_text_puts(r->text, "<table class=\"cards\"><tbody>\n");
	for (size_t i = device->first; i < device->first + device->count; i++) {
		const struct gs_check_finding *finding = &check->findings[i].is;

		if ((int)finding->direction != d)
			continue;
		if (r->findings_left) {
			r->findings_left--;
			put_finding(r, finding);
		} else {
			r->left_out++;
		}
	}
	gs_text_puts(r->text, "</tbody></table>\n");
}

static void put_device(struct report *r, const struct check *check,
		       const struct check_device *device, int d)
{
	gs_text_puts(r->text, "<details class=\"item\"><summary><span class=\"name\">");
	html_name(r->text, device->name);
	gs_text_puts(r->text, "</span><span class=\"end\">");
	put_badge(r->text, device->is.directions[d].verdict);
	gs_text_puts(r->text, "</span></summary>\n");
	put_findings(r, check, device, d);
	gs_text_puts(r->text, "</details>\n");
}

/* The worst first; what is no more than INFO is not told. A group without items would be hidden,
 * and cells lead to this one. */
static void put_direction(struct report *r, const struct matrix_pair *pair, int d)
{
	const struct check *check = &pair->check;
	bool is_harmless = matrix_worst(pair, d) <= GS_VERDICT_INFO;

	gs_text_printf(r->text, "<section%s id=\"", is_harmless ? "" : " class=\"group\"");
	put_anchor(r->text, pair, d);
	gs_text_puts(r->text, "\"><h3>");
	put_way(r->text, pair, d, "\u2192");
	gs_text_puts(r->text, "</h3>\n");
	for (int v = GS_VERDICT_COUNT - 1; v > GS_VERDICT_INFO; v--) {
		for (size_t i = 0; i < check->device_count; i++) {
			if ((int)check->devices[i].is.directions[d].verdict == v)
				put_device(r, check, &check->devices[i], d);
		}
	}
	if (is_harmless)
		gs_text_puts(r->text, "<p>Nothing can go wrong, as far as exports tell.</p>\n");
	gs_text_puts(r->text, "</section>\n");
}

static void put_pair(struct report *r, const struct matrix_pair *pair)
{
	gs_autotext struct gs_text command = {0};

	put_command(&command, r->matrix, pair, NULL);
	gs_text_puts(r->text, "<section><h2>");
	put_way(r->text, pair, GS_CHECK_FORWARD, "\u2194");
	gs_text_puts(r->text, "</h2>\n<p>All that is found: <code>");
	put_words(r, &command);
	gs_text_puts(r->text, "</code></p>\n");
	if (!pair->is_one_target)
		gs_text_puts(r->text, "<p class=\"note\">They are of two targets: no guest goes "
				      "from one to the other.</p>\n");
	if (pair->row_count)
		put_table(r, pair);
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (r->matrix->given.options.directions[d])
			put_direction(r, pair, d);
	}
	gs_text_puts(r->text, "</section>\n");
}

/* ---- the page ---- */

static void put_head(struct report *r)
{
	gs_text_puts(r->text, "<header>\n<h1>Which guests go from which QEMU to which</h1>\n"
			      "<div class=\"sides\">\n");
	for (size_t i = 0; i < r->matrix->export_count; i++)
		put_export(r, i);
	gs_text_puts(r->text,
		     "</div>\n<p>A cell tells the worst verdict on a device, and how many devices "
		     "have it. It leads to what is found, which is the same for all machines of a "
		     "pair: they differ in nothing but properties.</p>\n</header>\n");
}

/* How many devices have which verdict, a row for each way. */
static void put_counts(struct report *r, const struct matrix_pair *pair, int d)
{
	gs_text_puts(r->text, "<tr><td data-label=\"Way\"><a href=\"#");
	put_anchor(r->text, pair, d);
	gs_text_puts(r->text, "\">");
	put_way(r->text, pair, d, "\u2192");
	gs_text_puts(r->text, "</a></td>");
	for (int v = GS_VERDICT_COUNT - 1; v >= 0; v--)
		gs_text_printf(r->text, "<td class=\"num\" data-label=\"%s\">%zu</td>",
			       gs_verdict_name((enum gs_verdict)v), pair->check.counts[d][v]);
	gs_text_puts(r->text, "</tr>\n");
}

static void put_overview(struct report *r)
{
	const struct matrix *m = r->matrix;

	gs_text_puts(r->text, "<h2>Devices</h2>\n<table class=\"cards\"><thead><tr><th></th>");
	for (int v = GS_VERDICT_COUNT - 1; v >= 0; v--) {
		gs_text_puts(r->text, "<th scope=\"col\" class=\"num\">");
		put_badge(r->text, (enum gs_verdict)v);
		gs_text_puts(r->text, "</th>");
	}
	gs_text_puts(r->text, "</tr></thead>\n<tbody>\n");
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		for (size_t i = 0; m->given.options.directions[d] && i < m->pair_count; i++)
			put_counts(r, &m->pairs[i], d);
	}
	gs_text_puts(r->text, "</tbody></table>\n");
}

static size_t count_verdict(const struct matrix *matrix, int verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < matrix->pair_count; i++) {
		const struct check *check = &matrix->pairs[i].check;

		for (size_t j = 0; j < check->finding_count; j++)
			count += (int)check->findings[j].is.verdict == verdict;
	}
	return count;
}

static void put_tools(struct report *r)
{
	html_tools(r->text, "device", "finding");
	html_chips_begin(r->text, "Verdicts");
	for (int v = GS_VERDICT_COUNT - 1; v > GS_VERDICT_INFO; v--) {
		size_t count = count_verdict(r->matrix, v);

		if (count)
			html_chip(r->text, gs_verdict_name((enum gs_verdict)v), "", count);
	}
	html_chips_end(r->text);
	html_tools_end(r->text);
}

static void put_not_judged(struct gs_text *text)
{
	gs_text_puts(text, "<h2>Not judged</h2>\n<ul>\n");
	for (const char *const *sentence = gs_check_not_judged(); *sentence; sentence++) {
		gs_text_puts(text, "<li>");
		html_puts(text, *sentence);
		gs_text_puts(text, "</li>\n");
	}
	gs_text_puts(text, "</ul>\n");
}

static void put_page(struct report *r)
{
	put_head(r);
	put_overview(r);
	put_tools(r);
	gs_text_puts(r->text, "<main>\n");
	for (size_t i = 0; i < r->matrix->pair_count; i++)
		put_pair(r, &r->matrix->pairs[i]);
	if (r->left_out)
		gs_text_printf(r->text,
			       "<p class=\"note\">It is more than a page should hold: %zu findings "
			       "are left out. <code>vmstate check --json</code> has them.</p>\n",
			       r->left_out);
	gs_text_puts(r->text, "</main>\n");
	put_not_judged(r->text);
}

int matrix_as_html(const struct matrix *matrix)
{
	auto_page struct html page = {0};
	struct report r = {.matrix = matrix, .text = &page.text, .findings_left = FINDINGS_MAX};
	struct gs_error *err = html_begin(matrix->args, "vmstate matrix", &page);

	if (!err) {
		put_page(&r);
		err = html_end(&page);
	}
	if (err)
		return gs_args_fail(matrix->args, err);
	return matrix->failed ? GS_EXIT_FAILED : GS_EXIT_OK;
}
