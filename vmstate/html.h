/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages: reports as one file of HTML, with style and script inside, that needs nothing else and
 * can be read without the script.
 *
 *	auto_page struct html page = {0};
 *	err = html_begin(args, "What it is of", &page);     opens -o FILE or stdout, writes the head
 *	html_tools(&page.text, "device", "change");         search box, folding; chips may follow
 *	html_chips_begin(&page.text, "Kinds of change");    filters: those of a group add up
 *	html_chip(&page.text, "field-added", "add", 12);
 *	html_chips_end(&page.text);
 *	gs_text_puts(&page.text, "<details class=\"item\">...");   our own markup, as it is
 *	html_puts(&page.text, name);                               foreign text, always through this
 *	err = html_end(&page);                              writes the foot, and the file
 *
 * What the script works on, and all that it asks for:
 *	.item          what is folded and counted, mostly <details>: a device, a cell of a matrix.
 *	.row           in an item, optional: what is searched, filtered and counted in it. Words
 *	               are looked for in the item's <summary> (but for what is in its .end, which
 *	               sums up the rows) and in the row.
 *	data-kind      of an item (holds for all its rows) or a row: words that chips go by
 *	.group         a <section> of items; without a visible one it is hidden, too
 *	#ID            that a link leads to: what it is folded into is opened
 * Style: .add .del .chg colour what came, went, and is not as it was; .badge and .verdict-BREAK
 * and so on for verdicts; .name for what QEMU calls things, .num for numbers; .scroll around a
 * wide table; table.cards becomes a list of cards on a narrow screen, its cells labelled by
 * data-label.
 */
#ifndef VMSTATE_HTML_H
#define VMSTATE_HTML_H

#include <guestscope/base/command.h>
#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

/* The options of a command that has pages. */
/* clang-format off */
#define HTML_OPTIONS \
	{.name = "html", .help = "print a page for browsers instead of text"}, \
	{.name = "output", .letter = 'o', .argument = "FILE", \
	 .help = "with --html: where to write it (default: standard output)"}, \
	{.name = "force", .help = "with --html: replace an existing output file"}
/* clang-format on */

/* Whether --html is asked for; INVALID if other options do not go with that. */
GS_MUST_CHECK struct gs_error *html_wanted(const struct gs_args *args, bool *ret);

struct html {
	struct gs_outfile *file;
	struct gs_text text;
};

/* {0} is valid to deinit. @title is text, not markup. */
GS_MUST_CHECK struct gs_error *html_begin(const struct gs_args *args, const char *title,
					  struct html *ret);
/* Complete, or nothing of it: a file appears only here. */
GS_MUST_CHECK struct gs_error *html_end(struct html *page);
void html_deinit(struct html *page);
#define auto_page __attribute__((cleanup(html_deinit)))

/* Foreign text, in elements and in quoted attributes: no markup, no control characters. */
void html_puts(struct gs_text *text, const char *foreign);
/* <dt>NAME</dt><dd>FACT</dd>; nothing where there is no fact. */
void html_put_fact(struct gs_text *text, const char *name, const char *fact);
/* The same of a name, cut if nobody wants to read it whole. */
void html_name(struct gs_text *text, const char *foreign);
/* The same of a path, which may be broken at its slashes. */
void html_path(struct gs_text *text, const char *foreign);
/* A name as part of an id or a link to it: letters, digits, "-", "." and "_". */
void html_id(struct gs_text *text, const char *foreign);

/* Search box and folding; what items and rows are called, one of each. The caller goes on with
 * chips, if there are any. Hidden without the script. */
void html_tools(struct gs_text *text, const char *item, const char *row);
void html_chips_begin(struct gs_text *text, const char *label);
/* @kind is our own word, @style one of the classes above; "": none. */
void html_chip(struct gs_text *text, const char *kind, const char *style, size_t count);
void html_chips_end(struct gs_text *text);
void html_tools_end(struct gs_text *text);

#endif
