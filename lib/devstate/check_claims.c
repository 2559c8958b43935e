/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subsections that are taken for somebody else's.
 *
 * Whatever ends on the loader's side looks for subsections whose names begin with its own name:
 * structs, and subsections that were loaded just before. What is asked first takes it, and if it
 * does not know it, that is the end of the load. So a section is laid out as what is in the stream,
 * and what ends where. Of each subsection, all that ends at the same byte is gone through, back to
 * the first byte that is there for sure: what ended first is asked first.
 */
#include <string.h>

#include "check_scope.h"

/* What a world has to be like. */
struct needs {
	uint32_t variables[GS_WORLD_VARIABLES_MAX];
	bool values[GS_WORLD_VARIABLES_MAX];
	size_t count;
	bool is_impossible, is_heavy;
};

struct event {
	const struct gs_gate *gate;
	const struct gs_vmsd *end;        /* of the loader's; NULL: bytes */
	const struct gs_vmsd *subsection; /* of which the bytes are the name */
	const char *path;                 /* its */
};

struct claim {
	struct needs needs;
	const struct gs_vmsd *by;
};

struct claims {
	struct gs_scope scope; /* for what it lends */
	struct event *events;
	size_t count, capacity;
	struct claim *claims; /* on one subsection */
	size_t claim_count, claim_capacity;
	bool is_heavy;
};

/* ---- events ---- */

static struct gs_error *add_event(struct claims *claims, const struct event *event)
{
	const struct event *last = claims->count ? &claims->events[claims->count - 1] : NULL;

	if (!gs_work_take(claims->scope.judge->work, 4)) {
		claims->is_heavy = true;
		return NULL;
	}
	if (last && !last->end && !last->gate && !event->end && !event->gate)
		return NULL; /* a wall is a wall */
	if (claims->count == claims->capacity) {
		size_t capacity = claims->capacity ? 2 * claims->capacity : 64;
		struct event *more = gs_arena_alloc(&claims->scope.arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (claims->count)
			memcpy(more, claims->events, claims->count * sizeof(*more));
		claims->events = more;
		claims->capacity = capacity;
	}
	claims->events[claims->count++] = *event;
	return NULL;
}

static struct gs_error *add_description(struct claims *claims, const struct gs_vmsd *saver,
					const struct gs_level *level);

static const struct gs_vmsd_field *find_partner(const struct gs_vmsd *saver,
						const struct gs_vmsd_field *field, size_t at)
{
	/* Mostly it is at the same place, or near. */
	for (size_t i = 0; saver && i < saver->field_count && i < 64; i++) {
		const struct gs_vmsd_field *partner = &saver->fields[(at + i) % saver->field_count];

		if (partner->occurrence == field->occurrence && partner->description &&
		    strcmp(partner->name, field->name) == 0)
			return partner;
	}
	return NULL;
}

static struct gs_error *add_structs(struct claims *claims, const struct gs_vmsd *saver,
				    const struct gs_vmsd_field *field, const struct gs_gate *gate)
{
	const struct gs_level level = {
		.owner = field->description, .version = field->description->version, .gate = gate};
	/* What one element does to the next one it does to all. */
	uint64_t count = gs_field_count(field) > 2 ? 2 : gs_field_count(field);
	size_t mark = gs_check_enter_field(claims->scope.judge, field);
	struct gs_error *err = NULL;

	for (uint64_t i = 0; !err && i < count; i++)
		err = add_description(claims, saver, &level);
	gs_check_leave(claims->scope.judge, mark);
	return err;
}

static struct gs_error *add_field(struct claims *claims, const struct gs_vmsd *saver,
				  const struct gs_level *level, size_t at)
{
	const struct gs_vmsd_field *field = &level->owner->fields[at], *partner;
	struct event event = {.end = NULL};
	struct gs_error *err;

	if (!gs_field_is_there(field, level->version) || gs_field_count(field) == 0)
		return NULL;
	err = gs_gate_add(&claims->scope, GS_LOADER, level, field, &event.gate);
	if (err || !field->description)
		return err ? err : add_event(claims, &event);
	partner = find_partner(saver, field, at);
	return add_structs(claims, partner ? partner->description : NULL, field, event.gate);
}

static const struct gs_vmsd *find_subsection(const struct gs_vmsd *description, const char *name)
{
	for (size_t i = 0; description && i < description->subsection_count; i++) {
		if (strcmp(description->subsections[i].name, name) == 0)
			return &description->subsections[i];
	}
	return NULL;
}

/* Its name in the stream, and what is below it. */
static struct gs_error *add_subsection(struct claims *claims, const struct gs_vmsd *saver,
				       const struct gs_vmsd *sent, const struct gs_level *parent)
{
	struct gs_judge *judge = claims->scope.judge;
	struct gs_literal literal = {.kind = GS_LITERAL_SUBSECTION,
				     .side = GS_SIDE_SAVER,
				     .description = saver->name,
				     .name = sent->name};
	const struct gs_vmsd *taken = find_subsection(parent->owner, sent->name);
	struct gs_gate *gate = gs_arena_alloc(&claims->scope.arena, 1, sizeof(*gate));
	struct gs_level level = {.owner = taken, .version = sent->version & 0xff, .gate = gate};
	struct event event = {.gate = gate, .subsection = sent};
	struct gs_error *err;

	if (!gate)
		return gs_error_nomem();
	gate->parent = parent->gate;
	err = gs_variables_add(&judge->variables, &literal, &gate->variable);
	event.path = gs_arena_strdup(&claims->scope.arena, judge->path.data);
	if (!err && !event.path)
		err = gs_error_nomem();
	if (!err)
		err = add_event(claims, &event);
	return err || !taken ? err : add_description(claims, sent, &level);
}

static struct gs_error *add_description(struct claims *claims, const struct gs_vmsd *saver,
					const struct gs_level *level)
{
	struct event end = {.gate = level->gate, .end = level->owner};
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < level->owner->field_count && !claims->is_heavy; i++)
		err = add_field(claims, saver, level, i);
	for (size_t i = 0; !err && saver && i < saver->subsection_count; i++) {
		size_t mark;

		if (!gs_work_take(claims->scope.judge->work, level->owner->subsection_count + 1))
			claims->is_heavy = true;
		if (claims->is_heavy)
			break;
		mark = gs_check_enter_subsection(claims->scope.judge, &saver->subsections[i]);
		err = add_subsection(claims, saver, &saver->subsections[i], level);
		gs_check_leave(claims->scope.judge, mark);
	}
	return err ? err : add_event(claims, &end);
}

/* ---- who claims a subsection ---- */

static void need(struct needs *needs, uint32_t variable, bool value)
{
	for (size_t i = 0; i < needs->count; i++) {
		if (needs->variables[i] == variable) {
			needs->is_impossible |= needs->values[i] != value;
			return;
		}
	}
	if (needs->count == GS_WORLD_VARIABLES_MAX) {
		needs->is_heavy = true;
		return;
	}
	needs->variables[needs->count] = variable;
	needs->values[needs->count++] = value;
}

static void need_gate(struct needs *needs, const struct gs_gate *gate)
{
	for (; gate; gate = gate->parent)
		need(needs, gate->variable, true);
}

static bool is_needed(const struct needs *needs, uint32_t variable)
{
	for (size_t i = 0; i < needs->count; i++) {
		if (needs->variables[i] == variable && needs->values[i])
			return true;
	}
	return false;
}

/* That bytes are not there; false: they are. */
static bool need_none(struct needs *needs, const struct gs_gate *gate)
{
	const struct gs_gate *open = NULL;

	for (; gate; gate = gate->parent) {
		if (is_needed(needs, gate->variable))
			continue;
		/* One of several is not there: too much to say. */
		needs->is_heavy |= open != NULL;
		open = gate;
	}
	if (open)
		need(needs, open->variable, false);
	return open != NULL;
}

static struct gs_error *add_claim(struct claims *claims, const struct needs *needs,
				  const struct gs_vmsd *by)
{
	if (claims->claim_count == claims->claim_capacity) {
		size_t capacity = claims->claim_capacity ? 2 * claims->claim_capacity : 8;
		struct claim *more = gs_arena_alloc(&claims->scope.arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (claims->claim_count)
			memcpy(more, claims->claims, claims->claim_count * sizeof(*more));
		claims->claims = more;
		claims->claim_capacity = capacity;
	}
	claims->claims[claims->claim_count++] = (struct claim){*needs, by};
	return NULL;
}

static struct gs_error *find_claims(struct claims *claims, size_t at)
{
	const char *name = claims->events[at].subsection->name;
	struct needs needs = {0};
	struct gs_error *err = NULL;

	claims->claim_count = 0;
	need_gate(&needs, claims->events[at].gate);
	while (!err && at-- && !claims->is_heavy) {
		const struct event *event = &claims->events[at];
		struct needs with = needs;

		if (!gs_work_take(claims->scope.judge->work, 4))
			claims->is_heavy = true;
		if (!event->end) {
			if (!need_none(&needs, event->gate) || needs.is_impossible)
				break;
			continue;
		}
		if (!gs_vmsd_claims(event->end, name))
			continue;
		need_gate(&with, event->gate);
		claims->is_heavy |= with.is_heavy;
		if (!with.is_impossible)
			err = add_claim(claims, &with, event->end);
	}
	return err;
}

/* ---- what comes of it ---- */

static uint8_t outcome_of(const struct claim *claim, const struct gs_vmsd *sent)
{
	if (!find_subsection(claim->by, sent->name))
		return GS_OUTCOME_BROKEN;
	return gs_vmsd_has_named(sent) ? GS_OUTCOME_SILENT : GS_OUTCOME_GOOD;
}

static bool is_met(const struct needs *needs, const struct gs_table *table, size_t world)
{
	for (size_t i = 0; i < needs->count; i++) {
		for (unsigned int j = 0; j < table->count; j++) {
			if (table->variables[j] == needs->variables[i] &&
			    (world >> j & 1) != needs->values[i])
				return false;
		}
	}
	return true;
}

/* The last claim is of who is asked first. */
static void fill(const struct claims *claims, const struct gs_vmsd *sent, struct gs_table *table)
{
	for (size_t world = 0; world < (size_t)1 << table->count; world++) {
		for (size_t i = 0; i < claims->claim_count; i++) {
			if (is_met(&claims->claims[i].needs, table, world))
				table->outcomes[world] = outcome_of(&claims->claims[i], sent);
		}
	}
}

static struct gs_error *make_table(struct claims *claims, const struct gs_vmsd *sent,
				   struct gs_table *table)
{
	uint32_t variables[4 * GS_WORLD_VARIABLES_MAX];
	size_t count = 0;
	bool fits = true;
	struct gs_error *err;

	for (size_t i = 0; i < claims->claim_count && fits; i++) {
		const struct needs *needs = &claims->claims[i].needs;

		fits = count + needs->count <= sizeof(variables) / sizeof(*variables);
		if (fits)
			memcpy(variables + count, needs->variables,
			       needs->count * sizeof(*variables));
		count += fits ? needs->count : 0;
	}
	if (fits && !claims->is_heavy) {
		err = gs_table_init_variables(table, &claims->scope.arena, variables, count, &fits);
		if (err)
			return err;
	}
	if (!fits || claims->is_heavy)
		return gs_table_init(table, &claims->scope.arena, GS_OUTCOME_UNKNOWN);
	fill(claims, sent, table);
	return NULL;
}

static struct gs_error *tell_claims(struct claims *claims, const struct event *event)
{
	struct gs_judge *judge = claims->scope.judge;
	size_t mark = judge->path.size;
	struct gs_table table;
	struct gs_error *err = make_table(claims, event->subsection, &table);

	if (err || gs_table_outcomes(&table) == GS_OUTCOME_GOOD)
		return err;
	gs_text_puts(&judge->text, "The loader takes it for a subsection of ");
	gs_check_put_name(&judge->text, claims->claims[0].by->name);
	gs_text_puts(&judge->text,
		     ", which ends just before it, and by whose name its own begins.");
	gs_text_puts(&judge->path, event->path);
	err = gs_judge_tell(judge, GS_RULE_SUBSECTION_PREFIX, &table,
			    (struct gs_wire_size){GS_WIRE_EXACT, 0});
	gs_check_leave(judge, mark);
	return err;
}

/* ---- a section ---- */

struct gs_error *gs_check_claims(struct gs_judge *judge, const struct gs_vmsd *saver,
				 const struct gs_vmsd *loader)
{
	const struct gs_level level = {.owner = loader, .version = saver->version};
	struct claims claims = {.scope = {.judge = judge}};
	struct gs_error *err;

	if (!gs_vmsd_has_subsections(saver))
		return NULL;
	err = add_description(&claims, saver, &level);
	for (size_t i = 0; !err && i < claims.count; i++) {
		if (!claims.events[i].subsection)
			continue;
		err = find_claims(&claims, i);
		if (!err && claims.claim_count)
			err = tell_claims(&claims, &claims.events[i]);
	}
	gs_arena_deinit(&claims.scope.arena);
	return err;
}
