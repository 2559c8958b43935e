/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a diff's page says around its devices: what was compared, how much changed, what words mean.
 */
#include <stdio.h>

#include "diff_html.h"

const char *diff_style(enum gs_devstate_change_kind kind)
{
	static const char *const styles[] = {
		[DIFF_ADDED] = "add", [DIFF_REMOVED] = "del", [DIFF_CHANGED] = "chg"};

	return styles[diff_tone(kind)];
}

const char *diff_absence_word(enum gs_absence absence)
{
	static const char *const words[] = {
		[GS_ABSENCE_UNKNOWN] = "",
		[GS_ABSENCE_ABSTRACT] = "abstract",
		[GS_ABSENCE_MODULE] = "module-missing",
		[GS_ABSENCE_NO_TYPE] = "no-such-type",
		[GS_ABSENCE_STATELESS] = "no-state",
	};

	return words[absence];
}

const char *diff_absence_sentence(enum gs_absence absence)
{
	static const char *const sentences[] = {
		[GS_ABSENCE_UNKNOWN] = "",
		[GS_ABSENCE_ABSTRACT] = "No guest has such a device: its type is abstract.",
		[GS_ABSENCE_MODULE] = "The other QEMU has it in a module that it did not find.",
		[GS_ABSENCE_NO_TYPE] = "The other QEMU has no such type of devices.",
		[GS_ABSENCE_STATELESS] = "The other QEMU has it, but describes no state of it.",
	};

	return sentences[absence];
}

/* ---- exports ---- */

static void put_missing(struct gs_text *text, const struct gs_about *about)
{
	if (!about || !about->missing.count)
		return;
	gs_text_puts(text, "<dt>Missing modules</dt><dd>");
	for (size_t i = 0; i < about->missing.count; i++) {
		gs_text_puts(text, i ? ", " : "");
		html_name(text, about->missing.names[i]);
	}
	gs_text_puts(text, "</dd>");
}

static void put_export(struct gs_text *text, const char *label, const struct vmstate_export *export)
{
	const struct gs_about *about = export->about;

	gs_text_printf(text, "<section class=\"side\"><div class=\"faint\">%s</div><h2>", label);
	html_puts(text, export->name);
	gs_text_puts(text, "</h2><dl>");
	html_put_fact(text, "QEMU",
		      about ? about->version
			    : "not told: the export has nothing but the descriptions");
	html_put_fact(text, "Package", about ? about->package : NULL);
	html_put_fact(text, "Target", about ? about->target : NULL);
	html_put_fact(text, "Binary", about ? about->binary : NULL);
	gs_text_printf(text, "<dt>Devices</dt><dd>%zu</dd>", gs_devstate_count(export->state));
	put_missing(text, about);
	gs_text_puts(text, "</dl></section>\n");
}

/* ---- totals ---- */

static void put_asked(struct gs_text *text, const struct diff *diff)
{
	size_t count = gs_args_count(diff->args);

	if (diff->used.count)
		gs_text_puts(text, "<p>Only devices that are used were compared.</p>\n");
	if (count == 2)
		return;
	gs_text_puts(text, "<p>Asked for: ");
	for (size_t i = 2; i < count; i++) {
		gs_text_puts(text, i == 2 ? "<span class=\"name\">" : ", <span class=\"name\">");
		html_name(text, gs_args_at(diff->args, i));
		gs_text_puts(text, "</span>");
	}
	gs_text_puts(text, ".</p>\n");
}

static void put_totals(struct gs_text *text, const struct diff *diff)
{
	if (!diff->count)
		gs_text_puts(text, "<p><b>No difference.</b></p>\n");
	else
		gs_text_printf(text, "<p><b>%zu change%s in %zu device%s.</b></p>\n", diff->count,
			       diff->count == 1 ? "" : "s", diff->device_count,
			       diff->device_count == 1 ? "" : "s");
	if (!diff_has_lengths(diff))
		gs_text_puts(text, "<p>Lengths of arrays were not compared: QEMU before 8.1 does "
				   "not tell them.</p>\n");
}

static void put_left_out(struct gs_text *text, const struct diff_totals *totals)
{
	if (totals->changes_left_out)
		gs_text_printf(text,
			       "<p class=\"note\">It is more than a page should hold: %zu changes "
			       "are counted, but left out, and all of %zu devices. "
			       "<code>vmstate diff --json</code>, or a diff of some devices, has "
			       "more of them.</p>\n",
			       totals->changes_left_out, totals->devices_left_out);
}

/* ---- tools ---- */

static void put_kinds(struct gs_text *text, const struct diff *diff)
{
	html_chips_begin(text, "Kinds of change");
	for (int i = 0; i < DIFF_KINDS; i++) {
		enum gs_devstate_change_kind kind = (enum gs_devstate_change_kind)i;

		if (diff->counts[i])
			html_chip(text, gs_devstate_change_name(kind), diff_style(kind),
				  diff->counts[i]);
	}
	html_chips_end(text);
}

static void put_absences(struct gs_text *text, const struct diff_totals *totals)
{
	size_t count = 0;

	for (int i = GS_ABSENCE_UNKNOWN + 1; i < DIFF_ABSENCES; i++)
		count += totals->absences[i];
	if (!count)
		return;
	html_chips_begin(text, "Why devices are only in one");
	for (int i = GS_ABSENCE_UNKNOWN + 1; i < DIFF_ABSENCES; i++) {
		if (totals->absences[i])
			html_chip(text, diff_absence_word((enum gs_absence)i), "faint",
				  totals->absences[i]);
	}
	html_chips_end(text);
}

static void put_direction(struct gs_text *text, const size_t *counts, int direction)
{
	static const char *const labels[] = {"Before saves, after loads",
					     "After saves, before loads"};
	static const char *const styles[] = {
		[GS_VERDICT_OK] = "add",        [GS_VERDICT_INFO] = "add",
		[GS_VERDICT_UNKNOWN] = "faint", [GS_VERDICT_CONDITIONAL] = "chg",
		[GS_VERDICT_BREAK] = "del",     [GS_VERDICT_SILENT] = "del",
	};

	html_chips_begin(text, labels[direction]);
	for (int v = GS_VERDICT_COUNT; v-- > 0;) {
		char kind[64];

		snprintf(kind, sizeof(kind), "%s-%s",
			 gs_check_direction_name((enum gs_check_direction)direction),
			 gs_verdict_name((enum gs_verdict)v));
		if (counts[v])
			html_chip(text, kind, styles[v], counts[v]);
	}
	html_chips_end(text);
}

static void put_tools(struct gs_text *text, const struct diff *diff,
		      const struct diff_totals *totals, const struct diff_verdicts *verdicts)
{
	html_tools(text, "device", "change");
	put_kinds(text, diff);
	for (int d = 0; verdicts->is_known && d < GS_CHECK_DIRECTIONS; d++)
		put_direction(text, totals->verdicts[d], d);
	put_absences(text, totals);
	html_tools_end(text);
}

void diff_put_head(struct gs_text *text, const struct diff *diff, const struct diff_totals *totals,
		   const struct diff_verdicts *verdicts)
{
	gs_text_puts(text, "<header>\n<h1>What QEMU's devices save, before and after</h1>\n"
			   "<div class=\"sides\">\n");
	put_export(text, "Before", &diff->before);
	put_export(text, "After", &diff->after);
	gs_text_puts(text, "</div>\n");
	put_asked(text, diff);
	put_totals(text, diff);
	put_left_out(text, totals);
	if (!verdicts->is_known)
		gs_text_puts(text, "<p class=\"note\">There was too much to judge whether it can "
				   "be loaded: a diff of some devices tells it.</p>\n");
	gs_text_puts(text, "</header>\n");
	if (diff->count)
		put_tools(text, diff, totals, verdicts);
}

/* ---- words ---- */

static const char *const meanings[] = {
	[GS_CHANGE_DEVICE_ADDED] = "A type of devices that the export before does not have.",
	[GS_CHANGE_DEVICE_REMOVED] = "A type of devices that the export after does not have.",
	[GS_CHANGE_DEVICE_RENAMED] = "The type has another name, which no stream has; the "
				     "name in a stream is the "
				     "same.",
	[GS_CHANGE_NAME] = "What a description is called: in a stream, if it is a device's or "
			   "a subsection's.",
	[GS_CHANGE_VERSION] = "What is written as the version of a device or a subsection. "
			      "The versions of structs in them are not in a stream.",
	[GS_CHANGE_MINIMUM] = "The oldest version that is read.",
	[GS_CHANGE_FIELD_ADDED] = "A field, by name, that was not there before. In a "
				  "stream only bytes and their places count.",
	[GS_CHANGE_FIELD_REMOVED] = "A field, by name, that is not there after.",
	[GS_CHANGE_FIELD_RENAMED] = "The same bytes at the same place, under another name.",
	[GS_CHANGE_FIELD_WRAPPED] = "The same bytes at the same place, divided otherwise: "
				    "into a struct, for example.",
	[GS_CHANGE_FIELD_MOVED] = "The same field at another place.",
	[GS_CHANGE_FIELD_SIZE] = "The size of an element, in bytes.",
	[GS_CHANGE_FIELD_NUM] = "The number of elements.",
	[GS_CHANGE_FIELD_VERSION] = "From which version of the description on it is there.",
	[GS_CHANGE_FIELD_CONDITION] = "Whether a predicate decides if it is there.",
	[GS_CHANGE_FIELDS_GONE] = "From a list of fields to none, or from none to one.",
	[GS_CHANGE_SUBSECTION_ADDED] = "A part that is sent if the device needs it.",
	[GS_CHANGE_SUBSECTION_REMOVED] = "A part that was sent if the device needed it.",
};

static void put_word(struct gs_text *text, const char *word, const char *meaning)
{
	gs_text_printf(text, "<dt>%s</dt><dd>%s</dd>\n", word, meaning);
}

static void put_verdict_words(struct gs_text *text, const struct diff_totals *totals)
{
	static const char *const verdicts[] = {
		[GS_VERDICT_OK] = "Every value that one saves is loaded into its field.",
		[GS_VERDICT_INFO] = "The same, and there is something to say: a new name, say.",
		[GS_VERDICT_UNKNOWN] = "It hangs on what the exports do not tell.",
		[GS_VERDICT_CONDITIONAL] =
			"It is loaded, or breaks, as the guest has it: on what, is told there.",
		[GS_VERDICT_BREAK] = "It is never loaded.",
		[GS_VERDICT_SILENT] = "It may be loaded with values in wrong fields, and no error.",
	};

	put_word(text, "\u2192, \u2190, \u2194",
		 "Before saves and after loads; after saves and before loads; both.");
	for (int v = GS_VERDICT_COUNT; v-- > 0;) {
		if (totals->verdicts[GS_CHECK_FORWARD][v] || totals->verdicts[GS_CHECK_BACKWARD][v])
			put_word(text, gs_verdict_name((enum gs_verdict)v), verdicts[v]);
	}
}

void diff_put_words(struct gs_text *text, const struct diff *diff, const struct diff_totals *totals)
{
	if (!diff->count)
		return;
	gs_text_puts(text, "<details class=\"words\"><summary>What the words mean</summary><dl>\n");
	for (int i = 0; i < DIFF_KINDS; i++) {
		if (diff->counts[i])
			put_word(text, gs_devstate_change_name((enum gs_devstate_change_kind)i),
				 meanings[i]);
	}
	for (int i = GS_ABSENCE_UNKNOWN + 1; i < DIFF_ABSENCES; i++) {
		if (totals->absences[i])
			put_word(text, diff_absence_word((enum gs_absence)i),
				 diff_absence_sentence((enum gs_absence)i));
	}
	put_verdict_words(text, totals);
	put_word(text, "Bytes",
		 "What a line puts into a stream: 8+ is 8 or more, ? is not to be known from an "
		 "export. Arrays of a length that changes, lists and trees look like one element.");
	put_word(text, "conditional",
		 "A predicate decides whether it is sent; an export does not tell what that says.");
	put_word(text, "from v2", "It is sent from version 2 of its description on.");
	gs_text_puts(text, "</dl></details>\n");
}

void diff_put_not_judged(struct gs_text *text)
{
	gs_text_puts(text, "<details class=\"words\"><summary>What is not judged</summary><ul>\n");
	for (const char *const *sentence = gs_check_not_judged(); *sentence; sentence++) {
		gs_text_puts(text, "<li>");
		html_puts(text, *sentence);
		gs_text_puts(text, "</li>\n");
	}
	gs_text_puts(text, "</ul></details>\n");
}
