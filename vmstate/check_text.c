/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check for people: counts, what can go wrong, what was assumed, what was not judged. */
#include <string.h>

#include "check_entries.h"

#define INDENT 2
#define LONELY_LINES 2  /* that names of devices may take */
#define LONELY_REST 35u /* columns that are not for them: the verdict, the ends of lines */
#define BOLD "\033[1m"
#define NORMAL "\033[0m"

struct report {
	const struct check *check;
	struct gs_text *out;
	unsigned int width;
	bool color, full;
};

static const char *const arrows[] = {"->", "<-"};

/* ---- pieces ---- */

/* The columns that it takes. */
static unsigned int put_verdict(struct report *r, enum gs_verdict verdict, const char *arrow)
{
	const char *name = gs_verdict_name(verdict);

	gs_text_puts(r->out, r->color ? verdict_color(verdict) : "");
	gs_text_puts(r->out, name);
	gs_text_puts(r->out, r->color ? NORMAL : "");
	gs_text_printf(r->out, " %s", arrow);
	return (unsigned int)(strlen(name) + 1 + strlen(arrow));
}

/* "BREAK <->", "BREAK ->, CONDITIONAL <-": the columns that it takes. */
static unsigned int put_verdicts(struct report *r, const enum gs_verdict verdicts[2],
				 enum gs_verdict from)
{
	unsigned int columns = 0;

	if (verdicts[0] == verdicts[1])
		return put_verdict(r, verdicts[0], "<->");
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (verdicts[d] < from || !r->check->options->directions[d])
			continue;
		gs_text_puts(r->out, columns ? ", " : "");
		columns += columns ? 2 : 0;
		columns += put_verdict(r, verdicts[d], arrows[d]);
	}
	return columns;
}

/* The rest of a paragraph, which begins in @column. */
static void put_lines(struct report *r, const struct gs_text *text, unsigned int column,
		      unsigned int indent)
{
	struct gs_wrap wrap = {column, indent, r->width, false};

	gs_text_puts_wrapped(r->out, text->data ? text->data : "", &wrap);
	gs_text_puts(r->out, "\n");
	r->out->failed |= text->failed;
}

/* ---- counts ---- */

static void put_counts(struct report *r)
{
	const struct check *c = r->check;

	gs_text_printf(r->out, "%-11s", "");
	for (int v = 0; v < GS_VERDICT_COUNT; v++)
		gs_text_printf(r->out, "  %5s", gs_verdict_name((enum gs_verdict)v));
	gs_text_puts(r->out, "\n");
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (!c->options->directions[d])
			continue;
		gs_text_printf(r->out, "%-8s %s",
			       gs_check_direction_name((enum gs_check_direction)d), arrows[d]);
		for (int v = 0; v < GS_VERDICT_COUNT; v++) {
			int width = (int)strlen(gs_verdict_name((enum gs_verdict)v));
			bool colored = r->color && c->counts[d][v];

			gs_text_puts(r->out, colored ? verdict_color((enum gs_verdict)v) : "");
			gs_text_printf(r->out, "  %*zu", width > 5 ? width : 5, c->counts[d][v]);
			gs_text_puts(r->out, colored ? NORMAL : "");
		}
		gs_text_puts(r->out, "\n");
	}
}

static void put_machine_line(struct report *r)
{
	gs_autotext struct gs_text text = {0};

	put_machine(&text, r->check->machine);
	put_lines(r, &text, 0, 0);
	gs_text_puts(r->out, "\n");
}

/* ---- devices that both have ---- */

/* Puts a comma, a colon or the like behind a word. */
static void put_mark(struct report *r, struct gs_wrap *wrap, const char *mark)
{
	gs_text_puts(r->out, mark);
	wrap->column += (unsigned int)strlen(mark);
}

static void put_name(struct report *r, const struct check_device *device, struct gs_wrap *wrap)
{
	gs_autotext struct gs_text name = {0};

	gs_text_puts_printable(&name, device->name);
	gs_text_puts(r->out, r->color ? BOLD : "");
	gs_text_puts_wrapped(r->out, name.data ? name.data : "", wrap);
	gs_text_puts(r->out, r->color ? NORMAL : "");
	r->out->failed |= name.failed;
}

/* How many of the entry's, from @said on, are of one place: it stands behind the last. */
static size_t count_at_place(const struct check_said *said, size_t left)
{
	int d = said->direction;
	size_t count = 1;

	if (d == GS_CHECK_DIRECTIONS)
		return left;
	while (count < left && strcmp(said->worst[d].place, said[count].worst[d].place) == 0)
		count++;
	return count;
}

/* The offset, too, if it is the same of them all. */
static void put_shared_place(struct report *r, const struct check_said *said, size_t count,
			     struct gs_wrap *wrap)
{
	int d = said->direction;

	if (d == GS_CHECK_DIRECTIONS || !*said->worst[d].place)
		return;
	gs_text_puts_wrapped(r->out, "at", wrap);
	gs_text_puts_wrapped(r->out, said->worst[d].place, wrap);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(said->worst[d].offset, said[i].worst[d].offset) != 0)
			return;
	}
	gs_text_puts_wrapped(r->out, said->worst[d].offset, wrap);
}

/* "am53c974, sysbus-esp at esp/x; e1000e at mac (byte 40)" */
static void put_names(struct report *r, const struct check_entry *entry, struct gs_wrap *wrap)
{
	size_t count;

	for (size_t i = 0; i < entry->count; i += count) {
		const struct check_said *said = &entry->said[i];

		count = count_at_place(said, entry->count - i);
		put_mark(r, wrap, i ? ";" : "");
		for (size_t j = 0; j < count; j++) {
			put_mark(r, wrap, j ? "," : "");
			put_name(r, said[j].device, wrap);
		}
		put_shared_place(r, said, count, wrap);
	}
}

static void put_both_ways(struct report *r, const struct check_said *said)
{
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		struct gs_wrap wrap = {INDENT + 3, INDENT + 3, r->width, false};

		gs_text_printf(r->out, "\n%*s%s ", INDENT, "", arrows[d]);
		if (*said->worst[d].place) {
			gs_text_puts_wrapped(r->out, said->worst[d].place, &wrap);
			gs_text_puts_wrapped(r->out, said->worst[d].offset, &wrap);
			put_mark(r, &wrap, ":");
		}
		gs_text_puts_wrapped(r->out, said->worst[d].text, &wrap);
	}
}

static void put_entry(struct report *r, const struct check_entry *entry)
{
	const struct check_said *first = entry->said;
	struct gs_wrap wrap = {0, INDENT, r->width, false};

	wrap.column = put_verdicts(r, first->device->left, GS_VERDICT_UNKNOWN) + 2;
	gs_text_puts(r->out, "  ");
	put_names(r, entry, &wrap);
	if (first->direction == GS_CHECK_DIRECTIONS) {
		put_both_ways(r, first);
	} else {
		put_mark(r, &wrap, ":");
		gs_text_puts_wrapped(r->out, first->worst[first->direction].text, &wrap);
	}
	gs_text_puts(r->out, "\n");
}

/* ---- devices that only one has ---- */

/* As many names as go into some lines, and how many there are besides. */
static void put_some_names(struct report *r, struct gs_text *out, const struct check_entry *entry)
{
	size_t room = (size_t)r->width * LONELY_LINES - LONELY_REST;

	for (size_t i = 0; i < entry->count; i++) {
		const char *name = entry->said[i].device->name;
		bool is_last = i + 1 == entry->count;

		if (i && out->size + strlen(name) > room + (is_last ? strlen(" and 1 more") : 0)) {
			gs_text_printf(out, " and %zu more", entry->count - i);
			return;
		}
		gs_text_puts_printable(out, name);
		gs_text_puts(out, is_last ? "" : ", ");
	}
}

static void put_absence(struct gs_text *out, const struct check_entry *entry)
{
	size_t modules = 0;

	for (size_t i = 0; i < entry->count; i++)
		modules += entry->said[i].device->absence == GS_ABSENCE_MODULE;
	if (entry->said[0].device->absence == GS_ABSENCE_STATELESS)
		gs_text_puts(out, "of which one QEMU describes no state");
	else if (modules == entry->count)
		gs_text_puts(out, "in modules that the loader did not find");
	else
		gs_text_puts(out, "that the loader does not have");
	if (modules && modules < entry->count)
		gs_text_printf(out, " (%zu in modules that it did not find)", modules);
}

static void put_lonely(struct report *r, const struct check_entry *entry)
{
	const enum gs_verdict *left = entry->said[0].device->left;
	bool is_if = left[0] == GS_VERDICT_CONDITIONAL || left[1] == GS_VERDICT_CONDITIONAL;
	gs_autotext struct gs_text text = {0};
	unsigned int column = put_verdicts(r, left, GS_VERDICT_UNKNOWN);

	gs_text_puts(r->out, "  ");
	if (entry->count == 1)
		gs_text_puts(&text, "a device ");
	else
		gs_text_printf(&text, "%s%zu devices ", is_if ? "a guest with one of " : "",
			       entry->count);
	put_absence(&text, entry);
	gs_text_puts(&text, ": ");
	put_some_names(r, &text, entry);
	put_lines(r, &text, column + 2, INDENT);
}

static struct gs_error *put_entries(struct report *r)
{
	struct check_entries entries = {0};
	struct gs_error *err = check_entries_init(r->check, &entries);

	for (size_t i = 0; !err && i < entries.count; i++) {
		gs_text_puts(r->out, i ? "" : "\n");
		if (check_is_lonely(entries.entries[i].said->device))
			put_lonely(r, &entries.entries[i]);
		else
			put_entry(r, &entries.entries[i]);
	}
	if (!err)
		check_entries_deinit(&entries);
	return err;
}

/* ---- everything ---- */

static void put_finding(struct report *r, const struct check_finding *finding)
{
	const struct gs_check_finding *is = &finding->is;
	gs_autotext struct gs_text text = {0}, waiver = {0};

	gs_text_printf(r->out, "%*s", INDENT, "");
	put_verdict(r, is->verdict, arrows[is->direction]);
	gs_text_puts(r->out, "  ");
	gs_text_puts_printable(r->out, is->id);
	gs_text_printf(r->out, "\n%*s", 2 * INDENT, "");
	put_place(&text, is);
	gs_text_puts(&text, text.size ? ": " : "");
	put_whole_sentence(&text, finding, &is->condition);
	if (!finding->settings && r->check->machine)
		put_candidates(&text, r->check->machine, &finding->candidates, true);
	put_lines(r, &text, 2 * INDENT, 2 * INDENT);
	if (!finding->waiver)
		return;
	gs_text_printf(r->out, "%*s", 2 * INDENT, "");
	gs_text_printf(&waiver, "Waived until %s: ", finding->waiver->expires);
	gs_text_puts_printable(&waiver, finding->waiver->reason);
	put_lines(r, &waiver, 2 * INDENT, 2 * INDENT);
}

static void put_device(struct report *r, const struct check_device *device)
{
	const enum gs_verdict verdicts[] = {device->is.directions[0].verdict,
					    device->is.directions[1].verdict};

	gs_text_puts(r->out, r->color ? "\n" BOLD : "\n");
	gs_text_puts_printable(r->out, device->name);
	gs_text_puts(r->out, r->color ? NORMAL ": " : ": ");
	put_verdicts(r, verdicts, GS_VERDICT_OK);
	gs_text_puts(r->out, "\n");
	for (size_t i = device->first; i < device->first + device->count; i++)
		put_finding(r, &r->check->findings[i]);
}

static void put_devices(struct report *r)
{
	for (size_t i = 0; i < r->check->device_count; i++) {
		if (r->check->devices[i].count)
			put_device(r, &r->check->devices[i]);
	}
}

/* ---- below ---- */

static size_t count_waived(const struct check *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->finding_count; i++)
		count += c->findings[i].waiver != NULL;
	return count;
}

static void put_notes(struct report *r)
{
	size_t waived = count_waived(r->check), assumed = r->check->assumed;
	gs_autotext struct gs_text text = {0};

	gs_text_puts(r->out, "\n");
	if (waived)
		gs_text_printf(r->out, "%zu finding%s waived by the baseline.\n", waived,
			       waived == 1 ? " is" : "s are");
	if (assumed) {
		gs_text_printf(&text, "%zu length%s told by one export only, and assumed.", assumed,
			       assumed == 1 ? " of an array is" : "s of arrays are");
		put_lines(r, &text, 0, 0);
		gs_text_clear(&text);
	}
	if (!r->full) {
		gs_text_puts(&text, "Not judged is what no export tells: CPUs, RAM, virtio's "
				    "queues (-v: all of it).");
		put_lines(r, &text, 0, 0);
		return;
	}
	gs_text_puts(r->out, "Not judged:\n");
	for (const char *const *sentence = gs_check_not_judged(); *sentence; sentence++) {
		gs_text_clear(&text);
		gs_text_puts(&text, *sentence);
		gs_text_puts(r->out, "- ");
		put_lines(r, &text, INDENT, INDENT);
	}
}

int check_as_text(const struct check *c)
{
	gs_autotext struct gs_text out = {0};
	struct report r = {c, &out, gs_terminal_columns(), gs_args_color(c->args),
			   gs_args_verbose(c->args) || gs_args_count(c->args) > 2};
	struct gs_error *err = NULL;

	if (c->machine)
		put_machine_line(&r);
	put_counts(&r);
	if (r.full)
		put_devices(&r);
	else
		err = put_entries(&r);
	put_notes(&r);
	return err ? gs_args_fail(c->args, err) : check_print(c, out.failed ? NULL : out.data);
}
