/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check for people: counts, what can go wrong, what was assumed, what was not judged. */
#include <inttypes.h>
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

static const char *color_of(enum gs_verdict verdict)
{
	switch (verdict) {
	case GS_VERDICT_SILENT:
	case GS_VERDICT_BREAK:
		return "\033[1;31m";
	case GS_VERDICT_CONDITIONAL:
		return "\033[33m";
	case GS_VERDICT_UNKNOWN:
		return "\033[35m";
	default:
		return "\033[32m";
	}
}

/* The columns that it takes. */
static unsigned int put_verdict(struct report *r, enum gs_verdict verdict, const char *arrow)
{
	const char *name = gs_verdict_name(verdict);

	gs_text_puts(r->out, r->color ? color_of(verdict) : "");
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

			gs_text_puts(r->out, colored ? color_of((enum gs_verdict)v) : "");
			gs_text_printf(r->out, "  %*zu", width > 5 ? width : 5, c->counts[d][v]);
			gs_text_puts(r->out, colored ? NORMAL : "");
		}
		gs_text_puts(r->out, "\n");
	}
}

/* ---- findings ---- */

/* "core.timadj (byte 123): "; of the device itself: nothing. */
static void put_place(struct gs_text *out, const struct gs_check_finding *finding)
{
	if (!*finding->path)
		return;
	gs_text_puts_printable(out, finding->path);
	if (finding->offset.certainty != GS_WIRE_UNKNOWN)
		gs_text_printf(out, " (byte %" PRIu64 "%s)", finding->offset.bytes,
			       finding->offset.certainty == GS_WIRE_EXACT ? "" : "+");
	gs_text_puts(out, ": ");
}

/* The worst in direction @d of what is not waived, and how many more there are; NULL: none. */
static const struct check_finding *worst_finding(const struct check *c,
						 const struct check_device *device, int d,
						 size_t *more_ret)
{
	const struct check_finding *worst = NULL;
	size_t count = 0;

	for (size_t i = device->first; i < device->first + device->count; i++) {
		const struct check_finding *finding = &c->findings[i];

		if ((int)finding->is.direction != d || finding->waiver ||
		    finding->is.verdict <= GS_VERDICT_INFO)
			continue;
		count++;
		if (!worst || finding->is.verdict > worst->is.verdict)
			worst = finding;
	}
	*more_ret = count ? count - 1 : 0;
	return worst;
}

/* That, and what it all together hangs on. Whether it is about a place in the device. */
static bool put_worst(struct report *r, struct gs_text *text, const struct check_device *device,
		      int d)
{
	size_t more;
	const struct check_finding *worst = worst_finding(r->check, device, d, &more);

	put_place(text, &worst->is);
	put_sentence(text, &worst->is, &device->is.directions[d].condition);
	if (more)
		gs_text_printf(text, " (And %zu more.)", more);
	return *worst->is.path;
}

/* ---- devices that both have ---- */

/*
 * The one direction that there is something to say of. Of what is as bad both ways, and in the same
 * place, one is told for both. GS_CHECK_DIRECTIONS: there are two.
 */
static int only_direction(const struct check *c, const struct check_device *device)
{
	const struct check_finding *worst[GS_CHECK_DIRECTIONS];
	size_t more;

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++)
		worst[d] = worst_finding(c, device, d, &more);
	if (!worst[GS_CHECK_FORWARD])
		return GS_CHECK_BACKWARD;
	if (!worst[GS_CHECK_BACKWARD] ||
	    (device->left[GS_CHECK_FORWARD] == device->left[GS_CHECK_BACKWARD] &&
	     strcmp(worst[GS_CHECK_FORWARD]->is.path, worst[GS_CHECK_BACKWARD]->is.path) == 0))
		return GS_CHECK_FORWARD;
	return GS_CHECK_DIRECTIONS;
}

static void put_names(struct report *r, const struct check_entry *entry, const char *behind,
		      struct gs_wrap *wrap)
{
	gs_autotext struct gs_text names = {0};

	for (size_t i = 0; i < entry->count; i++) {
		gs_text_puts(&names, i ? ", " : "");
		gs_text_puts_printable(&names, entry->devices[i]->name);
	}
	gs_text_puts(&names, behind);
	gs_text_puts(r->out, r->color ? BOLD : "");
	gs_text_puts_wrapped(r->out, names.data ? names.data : "", wrap);
	gs_text_puts(r->out, r->color ? NORMAL : "");
	r->out->failed |= names.failed;
}

static void put_both_ways(struct report *r, const struct check_device *device)
{
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		gs_autotext struct gs_text text = {0};

		gs_text_printf(r->out, "\n%*s%s ", INDENT, "", arrows[d]);
		put_worst(r, &text, device, d);
		gs_text_puts_wrapped(r->out, text.data,
				     &(struct gs_wrap){INDENT + 3, INDENT + 3, r->width, false});
	}
}

static void put_entry(struct report *r, const struct check_entry *entry)
{
	const struct check_device *first = entry->devices[0];
	struct gs_wrap wrap = {0, INDENT, r->width, false};
	int direction = only_direction(r->check, first);

	wrap.column = put_verdicts(r, first->left, GS_VERDICT_UNKNOWN) + 2;
	gs_text_puts(r->out, "  ");
	if (direction == GS_CHECK_DIRECTIONS) {
		put_names(r, entry, "", &wrap);
		put_both_ways(r, first);
	} else {
		gs_autotext struct gs_text text = {0};

		bool has_place = put_worst(r, &text, first, direction);

		put_names(r, entry, has_place ? " at" : ":", &wrap);
		gs_text_puts_wrapped(r->out, text.data, &wrap);
	}
	gs_text_puts(r->out, "\n");
}

/* ---- devices that only one has ---- */

/* As many names as go into some lines, and how many there are besides. */
static void put_some_names(struct report *r, struct gs_text *out, const struct check_entry *entry)
{
	size_t room = (size_t)r->width * LONELY_LINES - LONELY_REST;

	for (size_t i = 0; i < entry->count; i++) {
		const char *name = entry->devices[i]->name;

		if (i && out->size + strlen(name) > room) {
			gs_text_printf(out, " and %zu more", entry->count - i);
			return;
		}
		gs_text_puts_printable(out, name);
		gs_text_puts(out, i + 1 < entry->count ? ", " : "");
	}
}

static const char *absence_text(enum gs_absence absence)
{
	switch (absence) {
	case GS_ABSENCE_MODULE:
		return "in modules that the loader did not find";
	case GS_ABSENCE_STATELESS:
		return "of which the loader describes no state";
	default:
		return "that the loader does not have";
	}
}

static void put_lonely(struct report *r, const struct check_entry *entry)
{
	const struct check_device *first = entry->devices[0];
	bool is_if = first->left[0] == GS_VERDICT_CONDITIONAL ||
		     first->left[1] == GS_VERDICT_CONDITIONAL;
	gs_autotext struct gs_text text = {0};
	unsigned int column = put_verdicts(r, first->left, GS_VERDICT_UNKNOWN);

	gs_text_puts(r->out, "  ");
	if (entry->count == 1)
		gs_text_printf(&text, "a device %s: ", absence_text(first->absence));
	else
		gs_text_printf(&text, "%s%zu devices %s: ", is_if ? "a guest with one of " : "",
			       entry->count, absence_text(first->absence));
	put_some_names(r, &text, entry);
	put_lines(r, &text, column + 2, INDENT);
}

static struct gs_error *put_entries(struct report *r)
{
	struct check_entries entries = {0};
	struct gs_error *err = check_entries_init(r->check, &entries);

	for (size_t i = 0; !err && i < entries.count; i++) {
		const struct gs_check_device *first = &entries.entries[i].devices[0]->is;

		gs_text_puts(r->out, i ? "" : "\n");
		if (!first->type_before != !first->type_after)
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
	put_sentence(&text, is, &is->condition);
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
	if (assumed)
		gs_text_printf(r->out, "%zu length%s of arrays only one of them tells: assumed.\n",
			       assumed, assumed == 1 ? "" : "s");
	if (!r->full) {
		gs_text_puts(&text, "Not judged: what no export tells (CPU, virtio, RAM; -v).");
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

	put_counts(&r);
	if (r.full)
		put_devices(&r);
	else
		err = put_entries(&r);
	put_notes(&r);
	return err ? gs_args_fail(c->args, err) : check_print(c, out.failed ? NULL : out.data);
}
