/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A diff as a page: device by device. */
#include <stdlib.h>
#include <string.h>

#include "diff_html.h"

/*
 * No more than a browser takes: what is beyond is counted, not listed. Real diffs have some hundred
 * changes, and 10,000 lines of descriptions.
 */
#define CHANGES_MAX 10000
#define CHANGES_BYTES_MAX ((size_t)2 << 20)
#define LINES_MAX 40000
#define LINES_BYTES_MAX ((size_t)8 << 20)

enum section { SECTION_CHANGED, SECTION_AFTER, SECTION_BEFORE, SECTION_COUNT };

struct report {
	struct diff *diff;
	struct {
		struct gs_text items[GS_VERDICT_COUNT]; /* by the worse of both directions */
		size_t count;
	} sections[SECTION_COUNT];
	struct diff_verdicts verdicts;
	const struct gs_devstate_device *before, *after; /* of the device that is being told */
	struct seen_changes seen;
	size_t change_count; /* of it, seen or not */
	size_t changes_left, bytes_left;
	struct line_budget lines;
	struct diff_totals totals;
};

/* ---- changes of a device ---- */

static void clear_seen(struct seen_changes *seen)
{
	for (size_t i = 0; i < seen->count; i++) {
		free(seen->changes[i].path);
		free(seen->changes[i].before);
		free(seen->changes[i].after);
	}
	seen->count = 0;
}

static struct gs_error *grow(struct seen_changes *seen)
{
	size_t capacity = seen->capacity ? seen->capacity * 2 : 64;
	struct seen_change *changes = reallocarray(seen->changes, capacity, sizeof(*changes));

	if (!changes)
		return gs_error_nomem();
	seen->changes = changes;
	seen->capacity = capacity;
	return NULL;
}

static struct gs_error *keep(struct seen_changes *seen, const struct gs_devstate_change *change)
{
	struct gs_error *err = seen->count == seen->capacity ? grow(seen) : NULL;
	struct seen_change *kept;

	if (err)
		return err;
	kept = &seen->changes[seen->count++];
	*kept = (struct seen_change){.kind = change->kind, .path = strdup(change->path)};
	if (change->before)
		kept->before = strdup(change->before);
	if (change->after)
		kept->after = strdup(change->after);
	if (!kept->path || !kept->before != !change->before || !kept->after != !change->after)
		return gs_error_nomem();
	return NULL;
}

static bool take_room(struct report *report, const struct gs_devstate_change *change)
{
	size_t bytes = strlen(change->path) + (change->before ? strlen(change->before) : 0) +
		       (change->after ? strlen(change->after) : 0);

	if (!report->changes_left || bytes > report->bytes_left)
		return false;
	report->changes_left--;
	report->bytes_left -= bytes;
	return true;
}

static void put_cell(struct gs_text *text, const char *label, const char *value)
{
	gs_text_printf(text, "<td class=\"name\" data-label=\"%s\">", label);
	html_puts(text, value ? value : "");
	gs_text_puts(text, "</td>");
}

static void put_change(struct gs_text *text, const struct seen_change *change)
{
	const char *kind = gs_devstate_change_name(change->kind);

	gs_text_printf(text,
		       "<tr class=\"row\" data-kind=\"%s\"><td class=\"kind %s\" "
		       "data-label=\"Kind\">%s</td><td class=\"name\" data-label=\"Where\">",
		       kind, diff_style(change->kind), kind);
	if (change->line)
		gs_text_printf(text, "<a href=\"#line-%zu\">", change->line);
	html_path(text, change->path);
	gs_text_puts(text, change->line ? "</a></td>" : "</td>");
	put_cell(text, "Before", change->before);
	put_cell(text, "After", change->after);
	gs_text_puts(text, "</tr>\n");
}

static void put_changes(struct gs_text *text, const struct report *report)
{
	const struct seen_changes *seen = &report->seen;

	gs_text_puts(text, "<table class=\"cards\"><thead><tr><th scope=\"col\">Kind</th>"
			   "<th scope=\"col\">Where</th><th scope=\"col\">Before</th>"
			   "<th scope=\"col\">After</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < seen->count; i++)
		put_change(text, &seen->changes[i]);
	gs_text_puts(text, "</tbody></table>\n");
	if (seen->count < report->change_count)
		gs_text_printf(text, "<p class=\"note\">%zu more changes are left out.</p>\n",
			       report->change_count - seen->count);
}

/* ---- a device ---- */

static const struct gs_vmsd *description_of(const struct gs_devstate_device *device)
{
	return device ? device->description : NULL;
}

static void put_title(struct gs_text *text, const struct report *report)
{
	const struct gs_devstate_device *before = report->before, *after = report->after;
	const struct gs_devstate_device *device = before ? before : after;

	gs_text_puts(text, "<span class=\"name\">");
	html_name(text, device->type);
	if (before && after && strcmp(before->type, after->type) != 0) {
		gs_text_puts(text, " \u2192 ");
		html_name(text, after->type);
	}
	gs_text_puts(text, "</span>");
	if (device->description && strcmp(device->description->name, device->type) != 0) {
		gs_text_puts(text, "<span class=\"what faint\">in a stream <span class=\"name\">");
		html_name(text, device->description->name);
		gs_text_puts(text, "</span></span>");
	}
}

/* "2 field-renamed", in the order of the kinds. */
static void put_counts(struct gs_text *text, const struct seen_changes *seen)
{
	size_t counts[DIFF_KINDS] = {0};

	for (size_t i = 0; i < seen->count; i++)
		counts[seen->changes[i].kind]++;
	for (int i = 0; i < DIFF_KINDS; i++) {
		enum gs_devstate_change_kind kind = (enum gs_devstate_change_kind)i;

		if (counts[i])
			gs_text_printf(text, "<span class=\"what %s\">%zu %s</span>",
				       diff_style(kind), counts[i], gs_devstate_change_name(kind));
	}
}

/* Why there is no such device in the other export, as far as that can be told. */
static enum gs_absence absence_of(const struct report *report, const char **module)
{
	const struct gs_about *before = report->diff->before.about;
	const struct gs_about *after = report->diff->after.about;

	if (report->before && report->after)
		return GS_ABSENCE_UNKNOWN;
	return report->before ? gs_about_absence(before, after, report->before->type, module)
			      : gs_about_absence(after, before, report->after->type, module);
}

static void put_absence(struct gs_text *text, enum gs_absence absence, const char *module)
{
	if (absence == GS_ABSENCE_UNKNOWN)
		return;
	gs_text_printf(text, "<p>%s", diff_absence_sentence(absence));
	if (absence == GS_ABSENCE_MODULE) {
		gs_text_puts(text, " (<span class=\"name\">");
		html_name(text, module);
		gs_text_puts(text, "</span>)");
	}
	gs_text_puts(text, "</p>\n");
}

static void put_summary(struct gs_text *text, const struct report *report, enum gs_absence absence,
			const struct check_device *verdict)
{
	const struct gs_devstate_device *device = report->before ? report->before : report->after;

	gs_text_puts(text, "<details class=\"item\" id=\"device-");
	html_id(text, device->type);
	gs_text_printf(text, "\" data-kind=\"%s", diff_absence_word(absence));
	if (verdict)
		diff_put_verdict_kinds(text, verdict);
	gs_text_puts(text, "\"><summary>");
	put_title(text, report);
	gs_text_puts(text, "<span class=\"end\">");
	put_counts(text, &report->seen);
	if (absence != GS_ABSENCE_UNKNOWN)
		gs_text_printf(text, "<span class=\"what faint\">%s</span>",
			       diff_absence_word(absence));
	if (verdict)
		diff_put_badges(text, verdict);
	gs_text_puts(text, "</span></summary>\n");
}

/* Lines first: they tell the changes where they are seen. */
static struct gs_error *put_item(struct gs_text *text, struct report *report,
				 const struct check_device *verdict)
{
	gs_autotext struct gs_text lines = {0};
	const char *module = "";
	enum gs_absence absence = absence_of(report, &module);
	struct gs_error *err =
		diff_put_sides(&lines, report->diff, description_of(report->before),
			       description_of(report->after), &report->seen, &report->lines);

	if (err)
		return err;
	put_summary(text, report, absence, verdict);
	put_absence(text, absence, module);
	if (verdict)
		diff_put_findings(text, &report->verdicts, verdict);
	put_changes(text, report);
	gs_text_append(text, lines.data, lines.size);
	gs_text_puts(text, "</details>\n");
	report->totals.absences[absence]++;
	return NULL;
}

/* Counts it; the worse of both directions. */
static enum gs_verdict count_verdict(struct report *report, const struct check_device *device)
{
	enum gs_verdict worse = GS_VERDICT_OK;

	for (int d = 0; device && d < GS_CHECK_DIRECTIONS; d++) {
		enum gs_verdict verdict = device->is.directions[d].verdict;

		if (!diff_is_judged(device, d))
			continue;
		report->totals.verdicts[d][verdict]++;
		worse = verdict > worse ? verdict : worse;
	}
	return worse;
}

static enum section section_of(const struct report *report)
{
	if (report->before && report->after)
		return SECTION_CHANGED;
	return report->before ? SECTION_BEFORE : SECTION_AFTER;
}

static struct gs_error *end_device(struct report *report)
{
	enum section section = section_of(report);
	const struct check_device *verdict;
	struct gs_error *err = NULL;

	if (!report->change_count)
		return NULL;
	if (report->seen.count) {
		verdict = diff_verdict(&report->verdicts, report->before, report->after);
		err = put_item(&report->sections[section].items[count_verdict(report, verdict)],
			       report, verdict);
	} else {
		report->totals.devices_left_out++;
	}
	report->totals.changes_left_out += report->change_count - report->seen.count;
	report->sections[section].count++;
	clear_seen(&report->seen);
	report->change_count = 0;
	return err;
}

static struct gs_error *take_change(void *arg, const struct gs_devstate_change *change,
				    bool is_first)
{
	struct report *report = arg;
	const struct diff *diff = report->diff;
	struct gs_error *err = is_first ? end_device(report) : NULL;

	if (err)
		return err;
	if (is_first) {
		report->before = change->device_before ? gs_devstate_find(diff->before.state,
									  change->device_before)
						       : NULL;
		report->after = change->device_after
					? gs_devstate_find(diff->after.state, change->device_after)
					: NULL;
	}
	report->change_count++;
	return take_room(report, change) ? keep(&report->seen, change) : NULL;
}

/* ---- the page ---- */

static void put_section(struct gs_text *text, const struct report *report, enum section section)
{
	static const char *const titles[] = {
		[SECTION_CHANGED] = "In both, but not the same",
		[SECTION_AFTER] = "Only after",
		[SECTION_BEFORE] = "Only before",
	};

	if (!report->sections[section].count)
		return;
	gs_text_printf(text,
		       "<section class=\"group\"><h2>%s <span class=\"num\">%zu</span></h2>\n",
		       titles[section], report->sections[section].count);
	for (int i = GS_VERDICT_COUNT; i-- > 0;) {
		const struct gs_text *items = &report->sections[section].items[i];

		text->failed |= items->failed;
		if (items->size)
			gs_text_append(text, items->data, items->size);
	}
	gs_text_puts(text, "</section>\n");
}

static void put_page(struct gs_text *text, const struct report *report)
{
	const struct diff *diff = report->diff;

	diff_put_head(text, diff, &report->totals, &report->verdicts);
	gs_text_puts(text, "<main>\n");
	for (int i = 0; i < SECTION_COUNT; i++)
		put_section(text, report, (enum section)i);
	gs_text_puts(text, "</main>\n");
	diff_put_words(text, diff, &report->totals);
	diff_put_not_judged(text);
}

static void report_deinit(struct report *report)
{
	clear_seen(&report->seen);
	free(report->seen.changes);
	diff_verdicts_deinit(&report->verdicts);
	for (int i = 0; i < SECTION_COUNT; i++) {
		for (int j = 0; j < GS_VERDICT_COUNT; j++)
			gs_text_deinit(&report->sections[i].items[j]);
	}
}

int diff_as_html(struct diff *diff, struct html *page)
{
	struct report report = {.diff = diff,
				.changes_left = CHANGES_MAX,
				.bytes_left = CHANGES_BYTES_MAX,
				.lines = {.lines = LINES_MAX, .bytes = LINES_BYTES_MAX}};
	struct gs_error *err = diff_judge(diff, &report.verdicts);

	if (!err)
		err = diff_run(diff, take_change, &report);
	if (!err)
		err = end_device(&report);
	if (!err) {
		put_page(&page->text, &report);
		err = html_end(page);
	}
	report_deinit(&report);
	return err ? gs_args_fail(diff->args, err) : diff_status(diff);
}
