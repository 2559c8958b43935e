/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree of processes as a picture: time runs to the right, each process is a bar, in which each
 * program that it became is a piece.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <guestscope/base/text.h>

#include "tree.h"

#define WIDTH 1280u
#define MARGIN 16u
#define NAMES_WIDTH 250u
#define PLOT_X (MARGIN + NAMES_WIDTH)
#define PLOT_WIDTH (WIDTH - PLOT_X - 130u) /* beside it: how the last ones ended */
#define HEAD 84u
#define ROW 22u
#define BAR 14u
#define INDENT 12u
#define INDENT_MAX 8u
#define LETTER 6.2 /* about the width of one */
#define COLORS 8u
#define LABEL_MAX 400u
#define NAMES_MAX 64u

struct picture {
	const struct gs_ptree *tree;
	struct gs_text *out;
	uint64_t end_ns;
	const char *names[NAMES_MAX]; /* of programs that have a colour */
	size_t name_count;
};

static const char *const light[COLORS] = {"#a8c8f0", "#f5c99b", "#b5dcae", "#e5b9d8",
					  "#f0e08f", "#a9dcd8", "#d0c3ee", "#e8bcb4"};
static const char *const dark[COLORS] = {"#2f5c94", "#8a5a22", "#3c7035", "#7c4069",
					 "#75671a", "#2a6e69", "#574499", "#85463a"};

/* ---- places ---- */

static double x_of(const struct picture *p, uint64_t at_ns)
{
	return PLOT_X + (double)PLOT_WIDTH * (double)at_ns / (double)p->end_ns;
}

static unsigned int y_of(size_t row)
{
	return HEAD + (unsigned int)row * ROW;
}

static unsigned int middle_of(size_t row)
{
	return y_of(row) + ROW / 2;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The same for the same program everywhere; the first ones all differ. */
static unsigned int color_of(struct picture *p, const struct gs_ptree_exec *exec)
{
	const char *name = name_of(exec->program);
	unsigned int hash = 0;

	for (size_t i = 0; i < p->name_count; i++) {
		if (strcmp(p->names[i], name) == 0)
			return (unsigned int)i % COLORS;
	}
	if (p->name_count < NAMES_MAX) {
		p->names[p->name_count++] = name;
		return (unsigned int)(p->name_count - 1) % COLORS;
	}
	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash % COLORS;
}

/* ---- the head ---- */

static void put_theme(struct gs_text *out, bool is_dark)
{
	gs_text_puts(out, is_dark ? ".ground{fill:#14171c}.ink{fill:#e8eaed}.muted{fill:#a1a9b3}"
				    ".hair{stroke:#333a44}.fork{stroke:#8a939f}.tip{fill:#8a939f}"
				    ".own{fill:#3a414b}.bad{fill:#ff8f7d}.pipe{stroke:#6cb0ff}"
				    ".pipe-tip{fill:#6cb0ff}.socket{stroke:#e08be0}"
				    ".socket-tip{fill:#e08be0}\n"
				  : ".ground{fill:#fff}.ink{fill:#1b1f24}.muted{fill:#59616b}"
				    ".hair{stroke:#e3e6ea}.fork{stroke:#8a939f}.tip{fill:#8a939f}"
				    ".own{fill:#dfe3e8}.bad{fill:#b3261e}.pipe{stroke:#0b62c4}"
				    ".pipe-tip{fill:#0b62c4}.socket{stroke:#a0209f}"
				    ".socket-tip{fill:#a0209f}\n");
	for (unsigned int i = 0; i < COLORS; i++)
		gs_text_printf(out, ".c%u{fill:%s}", i, is_dark ? dark[i] : light[i]);
	gs_text_puts(out, "\n");
}

static void put_styles(struct gs_text *out)
{
	gs_text_puts(out, "<style>\n"
			  "text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',"
			  "sans-serif;font-size:11px}\n"
			  ".title{font-size:17px;font-weight:600}.name{font-weight:600}\n"
			  ".hair,.fork,.pipe,.socket{fill:none}.pipe,.socket{stroke-width:1.3;"
			  "stroke-opacity:.75}.socket{stroke-dasharray:4 2}\n"
			  "g:hover>.pipe,g:hover>.socket{stroke-width:3;stroke-opacity:1}\n");
	put_theme(out, false);
	gs_text_puts(out, "@media (prefers-color-scheme:dark){\n");
	put_theme(out, true);
	gs_text_puts(out, "}\n</style>\n");
}

static void put_label(struct gs_text *out, double x, unsigned int y, const char *class,
		      const char *text)
{
	gs_text_printf(out, "<text x=\"%.1f\" y=\"%u\" class=\"%s\">", x, y, class);
	gs_text_puts_markup(out, text);
	gs_text_puts(out, "</text>\n");
}

static void put_tooltip(struct gs_text *out, const char *text)
{
	gs_text_puts(out, "<title>");
	gs_text_puts_markup(out, text ? text : "");
	gs_text_puts(out, "</title>");
}

static void put_head(struct picture *p)
{
	unsigned int height = y_of(p->tree->count) + MARGIN;
	char time[GS_TIME_TEXT];
	gs_autofree char *title =
		p->tree->count ? tree_commands(&p->tree->processes[0], 110) : NULL;
	gs_autofree char *subtitle =
		gs_strf("%zu processes, %zu connections, %s", p->tree->count, p->tree->link_count,
			gs_format_time_ns(p->tree->end_ns, time));

	gs_text_printf(p->out,
		       "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		       "viewBox=\"0 0 %u %u\" role=\"img\">\n",
		       WIDTH, height, WIDTH, height);
	put_tooltip(p->out, title);
	put_styles(p->out);
	gs_text_printf(p->out, "<rect width=\"%u\" height=\"%u\" class=\"ground\"/>\n", WIDTH,
		       height);
	put_label(p->out, MARGIN, 28, "ink title", title ? title : "");
	put_label(p->out, MARGIN, 48, "muted", subtitle ? subtitle : "");
}

static void put_legend(struct picture *p)
{
	unsigned int x = PLOT_X + PLOT_WIDTH - 300;

	gs_text_printf(p->out,
		       "<path class=\"pipe\" d=\"M%u 44h26\"/><path class=\"socket\" d=\"M%u "
		       "44h26\"/><rect x=\"%u\" y=\"38\" width=\"26\" height=\"11\" "
		       "class=\"own\"/>\n",
		       x, x + 80, x + 175);
	put_label(p->out, x + 32, 48, "muted", "pipe");
	put_label(p->out, x + 112, 48, "muted", "socket");
	put_label(p->out, x + 207, 48, "muted", "a copy of its parent");
}

/* ---- time ---- */

/* A round step: 1, 2 or 5 of some power of ten, of which there are five to twelve. */
static uint64_t step_of(uint64_t end_ns)
{
	static const unsigned int factors[] = {2, 5, 10};
	uint64_t base = 1, step = 1;

	for (size_t i = 0; end_ns / step > 12; i++) {
		step = base * factors[i % 3];
		base = i % 3 == 2 ? step : base;
	}
	return step;
}

static void put_axis(struct picture *p)
{
	uint64_t step = step_of(p->end_ns);
	unsigned int bottom = y_of(p->tree->count);

	for (uint64_t at = 0; at <= p->end_ns; at += step) {
		char time[GS_TIME_TEXT];
		double x = x_of(p, at);

		gs_text_printf(p->out, "<path class=\"hair\" d=\"M%.1f %uV%u\"/>\n", x, HEAD - 6,
			       bottom);
		put_label(p->out, x + 3, HEAD - 10, "muted",
			  at ? gs_format_time_ns(at, time) : "0");
	}
}

/* ---- processes ---- */

/* As much as there is room for, and behind where connections begin; of a path, the name. */
static void put_bar_label(struct picture *p, size_t row, double x, double width, const char *label)
{
	size_t room = width > 14 ? (size_t)((width - 14) / LETTER) : 0;
	size_t path = label ? strcspn(label, " ") : 0;
	gs_autofree char *text = NULL;

	if (room < 3 || !label)
		return;
	while (path > 0 && label[path - 1] != '/')
		path--;
	label += path;
	if (strlen(label) <= room) {
		text = gs_strf("%s", label);
	} else {
		while (((unsigned char)label[--room] & 0xc0) == 0x80 && room > 0)
			; /* not within a character */
		text = gs_strf("%.*s…", (int)room, label);
	}
	put_label(p->out, x + 9, middle_of(row) + 4, "ink", text ? text : "");
}

static void put_piece(struct picture *p, size_t row, uint64_t from_ns, uint64_t to_ns,
		      const struct gs_ptree_exec *exec)
{
	const struct gs_ptree_process *process = &p->tree->processes[row];
	gs_autofree char *label =
		exec ? tree_command(exec, LABEL_MAX) : gs_strf("(%s)", process->comm);
	double x = x_of(p, from_ns), width = x_of(p, to_ns) - x;
	char class[16] = "own", since[GS_TIME_TEXT], exit[TREE_EXIT_TEXT];

	if (exec)
		snprintf(class, sizeof(class), "c%u", color_of(p, exec));
	gs_text_printf(p->out,
		       "<g><rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%u\" class=\"%s\"/>",
		       x, y_of(row) + (ROW - BAR) / 2, width < 2 ? 2 : width, BAR, class);
	gs_text_puts(p->out, "<title>");
	gs_text_puts_markup(p->out, label ? label : "");
	gs_text_printf(p->out, "&#10;%d, from %s on, exit: %s</title>", (int)process->id.pid,
		       gs_format_time_ns(from_ns, since), tree_exit(process, exit));
	if (exec)
		put_bar_label(p, row, x, width, label);
	gs_text_puts(p->out, "</g>\n");
}

static void put_bar(struct picture *p, size_t row)
{
	const struct gs_ptree_process *process = &p->tree->processes[row];
	uint64_t end_ns = tree_end_ns(p->tree, process);
	const struct gs_ptree_exec *execs = process->execs;

	if (!process->exec_count || execs[0].at_ns > process->start_ns)
		put_piece(p, row, process->start_ns, process->exec_count ? execs[0].at_ns : end_ns,
			  NULL);
	for (size_t i = 0; i < process->exec_count; i++)
		put_piece(p, row, execs[i].at_ns,
			  i + 1 < process->exec_count ? execs[i + 1].at_ns : end_ns, &execs[i]);
}

static void put_name(struct picture *p, size_t row)
{
	const struct gs_ptree_process *process = &p->tree->processes[row];
	unsigned int depth = process->depth < INDENT_MAX ? process->depth : INDENT_MAX;
	unsigned int x = MARGIN + depth * INDENT;

	gs_text_printf(p->out, "<text x=\"%u\" y=\"%u\" class=\"ink\"><tspan class=\"name\">", x,
		       middle_of(row) + 4);
	gs_text_puts_markup(p->out, process->comm);
	gs_text_printf(p->out, "</tspan> <tspan class=\"muted\">%d</tspan></text>\n",
		       (int)process->id.pid);
}

static void put_end(struct picture *p, size_t row)
{
	const struct gs_ptree_process *process = &p->tree->processes[row];
	bool is_bad = process->ended && process->status != 0;
	double x = x_of(p, tree_end_ns(p->tree, process));
	char exit[TREE_EXIT_TEXT];

	if (process->ended && !is_bad)
		return;
	put_label(p->out, x + 5, middle_of(row) + 4, is_bad ? "bad" : "muted",
		  tree_exit(process, exit));
}

/* Down from the parent's bar to the beginning of its own. */
static void put_fork(struct picture *p, size_t row)
{
	const struct gs_ptree_process *process = &p->tree->processes[row];
	double x = x_of(p, process->start_ns);
	unsigned int y = y_of(row) + (ROW - BAR) / 2;

	if (process->parent == GS_PTREE_NONE)
		return;
	gs_text_printf(p->out,
		       "<path class=\"fork\" d=\"M%.1f %uV%u\"/><path class=\"tip\" "
		       "d=\"M%.1f %ul-3 -5h6z\"/>\n",
		       x, middle_of(process->parent) + BAR / 2, y - 4, x, y);
}

/* ---- connections ---- */

/* A bow from one to the other; the further apart, the wider. */
static void put_bow(struct picture *p, const struct gs_ptree_link *link, size_t from, size_t to)
{
	const char *class = link->kind == GS_PTREE_PIPE ? "pipe" : "socket";
	double x = x_of(p, link->at_ns) + 1;
	unsigned int y = middle_of(from), end = middle_of(to);
	unsigned int rows = (unsigned int)(from > to ? from - to : to - from);
	unsigned int bow = 10 + (rows < 10 ? rows : 10) * 4;

	gs_text_printf(p->out,
		       "<path class=\"%s\" d=\"M%.1f %uC%.1f %u %.1f %u %.1f %u\"/>"
		       "<circle class=\"%s-tip\" cx=\"%.1f\" cy=\"%u\" r=\"3\"/>",
		       class, x, y, x + bow, y, x + bow, end, x, end, class, x, end);
	if (link->kind == GS_PTREE_SOCKET)
		gs_text_printf(p->out, "<circle class=\"%s-tip\" cx=\"%.1f\" cy=\"%u\" r=\"3\"/>",
			       class, x, y);
}

/*
 * From the first that can speak to each that can hear; each of many to each of many would be a
 * carpet, and the words are in the tooltip.
 */
static void put_link(struct picture *p, const struct gs_ptree_link *link)
{
	gs_autofree char *who = tree_link(p->tree, link);
	const struct gs_ptree_end *from = NULL;

	gs_text_puts(p->out, "<g>");
	put_tooltip(p->out, who);
	for (size_t i = 0; i < link->end_count && !from; i++)
		from = link->ends[i].writes ? &link->ends[i] : NULL;
	for (size_t i = 0; from && i < link->end_count; i++) {
		const struct gs_ptree_end *to = &link->ends[i];

		if (to->process == from->process || !to->reads ||
		    (link->kind == GS_PTREE_SOCKET && to->inode == from->inode))
			continue;
		put_bow(p, link, from->process, to->process);
	}
	gs_text_puts(p->out, "</g>\n");
}

void tree_draw(const struct gs_ptree *tree, struct gs_text *out)
{
	struct picture p = {.tree = tree, .out = out, .end_ns = tree->end_ns ? tree->end_ns : 1};

	put_head(&p);
	put_legend(&p);
	put_axis(&p);
	for (size_t row = 0; row < tree->count; row++)
		put_fork(&p, row);
	for (size_t row = 0; row < tree->count; row++) {
		put_name(&p, row);
		put_bar(&p, row);
		put_end(&p, row);
	}
	for (size_t i = 0; i < tree->link_count; i++)
		put_link(&p, &tree->links[i]);
	gs_text_puts(out, "</svg>\n");
}
