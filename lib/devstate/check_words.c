/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a unit. */
#include <inttypes.h>

#include "check_scope.h"

#define SHOWN_MAX 3 /* fields of one side */

/* ---- columns ---- */

/* The saver's or the loader's fields in a segment. */
struct column {
	const struct gs_run *runs;
	size_t count;                      /* with ends */
	size_t fields;                     /* without */
	const struct gs_run *first, *last; /* NULL: none */
};

static struct column column_of(const struct gs_unit *unit, const struct gs_item *segment,
			       enum gs_check_side side)
{
	struct column column = {.runs = gs_segment_runs(unit->scope, segment, side),
				.count = segment->count[side]};

	for (size_t i = 0; i < column.count; i++) {
		if (column.runs[i].kind == GS_RUN_END)
			continue;
		column.first = column.first ? column.first : &column.runs[i];
		column.last = &column.runs[i];
		column.fields++;
	}
	return column;
}

static bool is_one_field(const struct column *sent, const struct column *taken)
{
	return sent->fields == 1 && taken->fields == 1 &&
	       sent->first->partner == taken->first->place->field;
}

/* ---- the rule ---- */

static enum gs_check_rule rule_of_length(const struct column *sent, const struct column *taken,
					 const struct gs_unit_story *story)
{
	const struct gs_run *only = sent->first ? sent->first : taken->first;

	if (is_one_field(sent, taken))
		return sent->first->bytes == taken->first->bytes &&
				       sent->first->untold == taken->first->untold
			       ? GS_RULE_FIELD_GATE
			       : GS_RULE_FIELD_SIZE;
	if (!sent->fields || !taken->fields) {
		if (only && only->partner &&
		    strcmp(only->partner->name, only->place->field->name) == 0)
			return GS_RULE_FIELD_GATE;
		return sent->fields ? GS_RULE_FIELD_LEFT : GS_RULE_FIELD_UNSENT;
	}
	if (story->sum == GS_LENGTH_MAYBE)
		return GS_RULE_FIELD_SIZE;
	return story->signs & GS_SIGN_POSITIVE ? GS_RULE_FIELD_LEFT : GS_RULE_FIELD_UNSENT;
}

static bool is_renamed(const struct column *sent, const struct column *taken)
{
	return sent->fields == 1 && taken->fields == 1 &&
	       strcmp(sent->first->place->field->name, taken->first->place->field->name) != 0;
}

enum gs_check_rule gs_unit_rule(const struct gs_unit *unit, const struct gs_unit_story *story,
				uint8_t outcome)
{
	struct column sent = column_of(unit, story->segment, GS_SAVER);
	struct column taken = column_of(unit, story->segment, GS_LOADER);

	if (story->meeting.is_broken)
		return GS_RULE_SUBSECTION_GONE;
	if (outcome == GS_OUTCOME_SILENT)
		return story->meeting.is_width ? GS_RULE_FIELD_WIDTH : GS_RULE_FIELD_ORDER;
	if (outcome == GS_OUTCOME_GOOD)
		return is_renamed(&sent, &taken) ? GS_RULE_FIELD_RENAMED : GS_RULE_FIELD_REPACKED;
	return rule_of_length(&sent, &taken, story);
}

/* ---- fields ---- */

static void put_name(struct gs_text *text, const struct gs_run *run)
{
	gs_check_put_name(text, run->place->field->name);
}

static void put_size(struct gs_text *text, const struct gs_run *run)
{
	const struct gs_vmsd_field *field = run->place->field;

	if (run->kind == GS_RUN_LUMP) {
		gs_text_puts(text, "structs");
	} else if (run->untold && !field->size) {
		gs_text_puts(text, "of a size that is not told");
	} else if (run->untold && field->size == 1) {
		gs_text_puts(text, "n bytes");
	} else if (run->untold || field->size == run->bytes) {
		gs_text_printf(text, "%s%" PRIu64 " byte%s", run->untold ? "n x " : "", field->size,
			       field->size == 1 ? "" : "s");
	} else {
		gs_text_printf(text, "%" PRIu64 " x %" PRIu64 " byte%s", run->bytes / field->size,
			       field->size, field->size == 1 ? "" : "s");
	}
}

static void put_gate(struct gs_text *text, const struct gs_vmsd_field *field)
{
	if (field->conditional)
		gs_text_puts(text, "if its predicate says so");
	else if (field->version)
		gs_text_printf(text, "from version %" PRIu32 " on", field->version);
	else
		gs_text_puts(text, "always");
}

static void put_run(struct gs_text *text, const struct gs_run *run)
{
	put_name(text, run);
	gs_text_puts(text, " (");
	put_size(text, run);
	gs_text_puts(text, run->place->field->conditional ? ", conditional)" : ")");
}

/* "a (4 bytes), b (2 bytes) and 5 more" */
static void put_column(struct gs_text *text, const struct column *column)
{
	size_t shown = 0;

	for (size_t i = 0; i < column->count && shown < SHOWN_MAX; i++) {
		if (column->runs[i].kind == GS_RUN_END)
			continue;
		gs_text_puts(text, shown++ ? ", " : "");
		put_run(text, &column->runs[i]);
	}
	if (column->fields > shown)
		gs_text_printf(text, " and %zu more", column->fields - shown);
	if (!column->fields)
		gs_text_puts(text, "nothing");
}

/* ---- sentences ---- */

/* Fields of a struct are held against versions that no stream tells. */
static void put_versions(struct gs_text *text, const struct gs_item *segment)
{
	if (!segment->places[GS_SAVER]) {
		gs_text_printf(text, "; version %" PRIu32 " is written",
			       segment->versions[GS_SAVER]);
		return;
	}
	gs_text_puts(text, "; each side goes by its own version of ");
	gs_check_put_name(text, segment->owners[GS_SAVER]->name);
	gs_text_printf(text, " (%" PRIu32 " and %" PRIu32 "), which is not in the stream",
		       segment->versions[GS_SAVER], segment->versions[GS_LOADER]);
}

static bool is_versioned(const struct column *column)
{
	return column->first && !column->first->place->field->conditional &&
	       column->first->place->field->version;
}

static void say_unsent(struct gs_text *text, const struct gs_item *segment,
		       const struct column *sent, const struct column *taken)
{
	gs_text_puts(text, "The loader takes ");
	put_column(text, taken);
	if (sent->fields) {
		gs_text_puts(text, ", which is more than the saver sends for it: ");
		put_column(text, sent);
	} else {
		gs_text_puts(text, ", and nobody sends that");
	}
	if (is_versioned(taken))
		put_versions(text, segment);
	gs_text_puts(text, ".");
}

static void say_left(struct gs_text *text, const struct gs_item *segment, const struct column *sent,
		     const struct column *taken)
{
	gs_text_puts(text, "The saver sends ");
	put_column(text, sent);
	if (taken->fields) {
		gs_text_puts(text, ", of which the loader takes only ");
		put_column(text, taken);
	} else {
		gs_text_puts(text, ", and the loader does not take that");
	}
	if (is_versioned(sent))
		put_versions(text, segment);
	gs_text_puts(text, ".");
}

static void say_gate(struct gs_text *text, const struct gs_item *segment, const struct column *sent,
		     const struct column *taken)
{
	const struct gs_run *run = sent->first ? sent->first : taken->first;
	const struct gs_vmsd_field *field = run->place->field, *partner = run->partner;
	const struct gs_vmsd_field *saver = sent->first ? field : partner;
	const struct gs_vmsd_field *loader = sent->first ? partner : field;

	gs_text_puts(text, "The saver sends ");
	put_run(text, run);
	gs_text_puts(text, " ");
	put_gate(text, saver);
	gs_text_puts(text, ", and the loader takes it ");
	put_gate(text, loader);
	if ((!saver->conditional && saver->version) || (!loader->conditional && loader->version))
		put_versions(text, segment);
	gs_text_puts(text, ".");
}

static void say_order(struct gs_text *text, const struct gs_unit_story *story)
{
	const struct gs_meeting *meeting = &story->meeting;
	const struct gs_run *run = meeting->sent ? meeting->sent : meeting->taken;

	gs_text_puts(text, "All bytes are taken, but ");
	if (meeting->sent && meeting->taken) {
		gs_text_puts(text, "what is sent for ");
		put_run(text, meeting->sent);
		gs_text_puts(text,
			     meeting->is_width ? " is divided otherwise by " : " is taken for ");
		put_run(text, meeting->taken);
	} else if (run) {
		gs_text_puts(text, "from ");
		put_run(text, run);
		gs_text_printf(text, " on, which only the %s has there, for other fields",
			       meeting->sent ? "saver" : "loader");
	} else {
		gs_text_puts(text, "for other fields");
	}
	gs_text_puts(text, ".");
}

static bool is_all_unused(const struct column *column)
{
	for (size_t i = 0; i < column->count; i++) {
		if (column->runs[i].kind != GS_RUN_END &&
		    !gs_field_is_unused(column->runs[i].place->field))
			return false;
	}
	return true;
}

/* No value is in a wrong field; but one that was never sent is as good as zero. */
static void say_same(struct gs_text *text, const struct column *sent, const struct column *taken)
{
	gs_text_puts(text, "The same bytes: what the saver sends as ");
	put_column(text, sent);
	gs_text_puts(text, " the loader takes as ");
	put_column(text, taken);
	if (is_all_unused(sent) && !is_all_unused(taken))
		gs_text_puts(text, ", which so become what is sent for nothing, most often zeros");
	else if (is_all_unused(taken) && !is_all_unused(sent))
		gs_text_puts(text, ": the values are dropped");
	gs_text_puts(text, ".");
}

/* ---- what is not told ---- */

/* How many elements the sent or taken run would have to have; false: that is not to be told. */
static bool find_length(const struct gs_run *a, const struct gs_run *b, uint64_t *ret)
{
	if (!a->untold || b->untold || !a->place->field->size || b->bytes % a->bytes)
		return false;
	*ret = b->bytes / a->bytes;
	return true;
}

static void put_length(struct gs_text *text, const struct gs_run *run, uint64_t length, size_t told)
{
	gs_text_puts(text, told ? ", " : ": it loads if ");
	put_name(text, run);
	gs_text_printf(text, " has %" PRIu64 " element%s", length, length == 1 ? "" : "s");
}

/* One to one, or all of them single against one. How many are told, with @told before. */
static size_t put_lengths(struct gs_text *text, const struct column *some,
			  const struct column *others, size_t told)
{
	uint64_t length, sum = 0;

	for (size_t i = 0; i < some->count && some->fields == others->fields; i++) {
		if (some->fields != some->count || others->fields != others->count ||
		    told == SHOWN_MAX || !find_length(&some->runs[i], &others->runs[i], &length))
			continue;
		put_length(text, &some->runs[i], length, told++);
	}
	for (size_t i = 0; i < some->count; i++)
		sum += some->runs[i].bytes;
	if (told || others->fields != 1 || some->fields < 2 || others->first->untold ||
	    sum != others->first->bytes)
		return told;
	gs_text_puts(text, ": it loads if none of these is an array");
	return 1;
}

static void say_untold(struct gs_text *text, const struct column *sent, const struct column *taken)
{
	size_t told;

	gs_text_puts(text, "The saver sends ");
	put_column(text, sent);
	gs_text_puts(text, ", and the loader takes ");
	put_column(text, taken);
	told = put_lengths(text, sent, taken, 0);
	if (!put_lengths(text, taken, sent, told))
		gs_text_puts(text, ", of lengths that are not all told");
	gs_text_puts(text, ".");
}

static void say_size(struct gs_text *text, const struct column *sent, const struct column *taken)
{
	gs_text_puts(text, "The saver sends ");
	put_column(text, sent);
	gs_text_puts(text, ", and the loader takes ");
	put_column(text, taken);
	gs_text_puts(text, ".");
}

static void say_heavy(struct gs_text *text, const struct column *sent, const struct column *taken)
{
	gs_text_printf(text,
		       "Too much decides what comes of it to be weighed: %zu field%s of the "
		       "saver's and %zu of the loader's, from here on.",
		       sent->fields, sent->fields == 1 ? "" : "s", taken->fields);
}

/* ---- all ---- */

static bool is_in_column(const struct column *column, const struct gs_run *run)
{
	return run && run >= column->runs && run < column->runs + column->count;
}

/* Of the byte that is not right, if that is in the segment. */
static const struct gs_place *place_of(const struct gs_unit_story *story, enum gs_check_rule rule,
				       const struct column *sent, const struct column *taken)
{
	const struct gs_run *run = sent->first ? sent->first : taken->first;

	if (rule == GS_RULE_FIELD_UNSENT && taken->first)
		run = is_in_column(taken, story->meeting.taken) ? story->meeting.taken
								: taken->first;
	else if (is_in_column(sent, story->meeting.sent))
		run = story->meeting.sent;
	return run ? run->place : story->segment->places[GS_SAVER];
}

size_t gs_unit_say(const struct gs_unit *unit, const struct gs_unit_story *story,
		   enum gs_check_rule rule)
{
	struct gs_text *text = &unit->scope->judge->text;
	struct column sent = column_of(unit, story->segment, GS_SAVER);
	struct column taken = column_of(unit, story->segment, GS_LOADER);

	if (rule == GS_RULE_TOO_MUCH)
		say_heavy(text, &sent, &taken);
	else if (story->sum == GS_LENGTH_MAYBE)
		say_untold(text, &sent, &taken);
	else if (rule == GS_RULE_FIELD_UNSENT)
		say_unsent(text, story->segment, &sent, &taken);
	else if (rule == GS_RULE_FIELD_LEFT)
		say_left(text, story->segment, &sent, &taken);
	else if (rule == GS_RULE_FIELD_GATE)
		say_gate(text, story->segment, &sent, &taken);
	else if (rule == GS_RULE_FIELD_SIZE)
		say_size(text, &sent, &taken);
	else if (rule == GS_RULE_FIELD_ORDER || rule == GS_RULE_FIELD_WIDTH)
		say_order(text, story);
	else if (rule == GS_RULE_SUBSECTION_GONE)
		gs_text_puts(text, "The subsections of this struct are not looked for there.");
	else
		say_same(text, &sent, &taken);
	return gs_check_enter_place(unit->scope->judge, place_of(story, rule, &sent, &taken));
}
