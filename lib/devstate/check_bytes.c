/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of bytes in one world: whether those that a field sends are taken by that field. */
#include <string.h>

#include "check_scope.h"

struct cursor {
	const struct gs_row *row;
	size_t at;
	uint64_t done; /* bytes of the run there */
};

static struct gs_run *run_at(const struct cursor *cursor)
{
	return cursor->at < cursor->row->count ? cursor->row->runs[cursor->at] : NULL;
}

static void advance(struct cursor *cursor, uint64_t bytes)
{
	const struct gs_run *run = run_at(cursor);

	cursor->done += bytes;
	if (run->kind == GS_RUN_END || run->untold || cursor->done == run->bytes) {
		cursor->at++;
		cursor->done = 0;
	}
}

/* ---- values ---- */

enum fit { FITS, FITS_NOT, DIVIDED_OTHERWISE, NOT_KNOWN };

static bool is_unknown(const struct gs_run *run)
{
	return run->kind == GS_RUN_LUMP || (!run->node && !gs_field_is_unused(run->place->field));
}

static enum fit judge_bytes(const struct gs_scope *scope, const struct cursor *sent,
			    const struct cursor *taken)
{
	const struct gs_run *f = run_at(sent), *g = run_at(taken);
	bool are_namesakes;

	if (is_unknown(f) || is_unknown(g))
		return NOT_KNOWN;
	are_namesakes = f->node && g->node && gs_namesakes_are(scope->namesakes, f->node, g->node);
	if (are_namesakes ? sent->done != taken->done : f->has_namesake || g->has_namesake)
		return FITS_NOT;
	if (f->width && g->width &&
	    (f->width != g->width || sent->done % f->width != taken->done % g->width))
		return DIVIDED_OTHERWISE;
	return FITS;
}

static void note(struct gs_meeting *meeting, enum fit fit, const struct gs_run *sent,
		 const struct gs_run *taken)
{
	if (fit == FITS)
		return;
	if (fit == NOT_KNOWN)
		meeting->is_unknown = true;
	else
		meeting->is_silent = true;
	if (meeting->has_wrong)
		return;
	meeting->has_wrong = true;
	meeting->is_width = fit == DIVIDED_OTHERWISE;
	meeting->sent = sent;
	meeting->taken = taken;
}

/* How many bytes both runs go on; false: lengths are not told, and not known to be the same. */
static bool find_common(const struct cursor *sent, const struct cursor *taken, uint64_t *ret)
{
	const struct gs_run *f = run_at(sent), *g = run_at(taken);
	uint64_t left = f->bytes - sent->done, other = g->bytes - taken->done;

	if (f->untold || g->untold) {
		*ret = 0;
		return f->untold == g->untold && f->bytes == g->bytes;
	}
	*ret = left < other ? left : other;
	return true;
}

/* ---- subsections ---- */

static bool is_sent(const struct gs_unit *unit, const struct gs_scope *scope, size_t world,
		    const struct gs_vmsd *parent, const struct gs_vmsd *subsection)
{
	const struct gs_variables *variables = &scope->judge->variables;

	for (unsigned int i = 0; i < unit->table.count; i++) {
		const struct gs_literal *literal =
			gs_variables_at(variables, unit->table.variables[i]);

		if (literal->kind == GS_LITERAL_SUBSECTION &&
		    strcmp(literal->description, parent->name) == 0 &&
		    strcmp(literal->name, subsection->name) == 0)
			return world >> i & 1;
	}
	return false;
}

/*
 * The struct that ends here on the loader's side looks at it first, then the one around it. What it
 * makes of it is looked at where subsections are.
 */
static bool is_taken(struct cursor *taken, const struct gs_vmsd *subsection, struct gs_run *sent)
{
	const struct gs_run *run;

	for (; (run = run_at(taken)) && run->kind == GS_RUN_END; advance(taken, 0)) {
		if (gs_vmsd_claims(run->place->field->description, subsection->name)) {
			sent->met = run;
			return true;
		}
	}
	return false;
}

static void end_struct(const struct gs_scope *scope, const struct gs_unit *unit, size_t world,
		       struct cursor *sent, struct cursor *taken, struct gs_meeting *meeting)
{
	struct gs_run *run = run_at(sent);
	const struct gs_vmsd *description = run->place->field->description;

	for (size_t i = 0; i < description->subsection_count; i++) {
		const struct gs_vmsd *subsection = &description->subsections[i];

		if (!is_sent(unit, scope, world, description, subsection) ||
		    is_taken(taken, subsection, run))
			continue;
		if (!meeting->is_broken && !meeting->has_wrong) {
			meeting->has_wrong = true;
			meeting->sent = run;
			meeting->taken = NULL;
		}
		meeting->is_broken = true;
	}
	advance(sent, 0);
}

/* ---- both ---- */

struct gs_meeting gs_rows_meet(const struct gs_scope *scope, const struct gs_unit *unit,
			       size_t world, const struct gs_row rows[GS_SIDES])
{
	struct cursor sent = {.row = &rows[GS_SAVER]}, taken = {.row = &rows[GS_LOADER]};
	struct gs_meeting meeting = {0};

	for (;;) {
		const struct gs_run *f = run_at(&sent), *g = run_at(&taken);
		uint64_t bytes;

		if (f && f->kind == GS_RUN_END) {
			end_struct(scope, unit, world, &sent, &taken, &meeting);
			continue;
		}
		if (g && g->kind == GS_RUN_END) {
			advance(&taken, 0);
			continue;
		}
		if (!f || !g) {
			if ((f || g) && !meeting.has_wrong) {
				meeting.has_wrong = true;
				meeting.sent = f;
				meeting.taken = g;
			}
			return meeting;
		}
		if (!find_common(&sent, &taken, &bytes)) {
			note(&meeting, NOT_KNOWN, f, g);
			return meeting;
		}
		note(&meeting, judge_bytes(scope, &sent, &taken), f, g);
		if (!meeting.has_wrong) {
			meeting.wrong += bytes;
			meeting.is_more |= bytes == 0;
		}
		advance(&sent, bytes);
		advance(&taken, bytes);
	}
}
