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

struct event {
	const struct gs_gate *gate;
	const struct gs_vmsd *end;        /* of the loader's; NULL: bytes */
	const struct gs_vmsd *subsection; /* of which the bytes are the name */
	const char *path;                 /* its */
	bool is_guess;                    /* it may be that it is not there */
};

struct claims {
	struct gs_scope scope; /* for what it lends */
	struct event *events;
	size_t count, capacity;
	bool is_guess; /* of an array of which it is not told how long it is: the second element */
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
	if (last && !last->end && !last->gate && !last->is_guess && !event->end && !event->gate)
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
	claims->events[claims->count] = *event;
	claims->events[claims->count++].is_guess = claims->is_guess;
	return NULL;
}

static struct gs_error *add_description(struct claims *claims, const struct gs_vmsd *saver,
					const struct gs_level *level);

/* Mostly it is at the same place, or near. What calls itself otherwise sends its own. */
static const struct gs_vmsd_field *find_partner(const struct gs_vmsd *saver,
						const struct gs_vmsd_field *field, size_t at)
{
	for (size_t i = 0; saver && i < saver->field_count && i < 64; i++) {
		const struct gs_vmsd_field *partner = &saver->fields[(at + i) % saver->field_count];

		if (partner->description && strcmp(partner->name, field->name) == 0 &&
		    strcmp(partner->description->name, field->description->name) == 0)
			return partner;
	}
	return NULL;
}

static struct gs_error *add_structs(struct claims *claims, const struct gs_vmsd_field *partner,
				    const struct gs_vmsd_field *field, const struct gs_gate *gate)
{
	const struct gs_level level = {
		.owner = field->description, .version = field->description->version, .gate = gate};
	const bool *told = claims->scope.told;
	uint64_t count = gs_field_count(told[GS_LOADER] || !partner ? field : partner);
	bool is_guess = claims->is_guess;
	size_t mark = gs_check_enter_field(claims->scope.judge, field);
	struct gs_error *err = NULL;

	if (!told[GS_LOADER] && !(partner && told[GS_SAVER]))
		count = 2;
	/* What one element does to the next one it does to all. */
	for (uint64_t i = 0; !err && i < count && i < 2; i++) {
		claims->is_guess |= i && !told[GS_LOADER] && !(partner && told[GS_SAVER]);
		err = add_description(claims, partner ? partner->description : NULL, &level);
	}
	claims->is_guess = is_guess;
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
	return add_structs(claims, partner, field, event.gate);
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

static bool has_variable(const struct gs_gate *gate, uint32_t variable)
{
	while (gate && gate->variable != variable)
		gate = gate->parent;
	return gate != NULL;
}

/* Whenever the one is there, so is the other. */
static bool implies(const struct gs_gate *gate, const struct gs_gate *other)
{
	for (; other; other = other->parent) {
		if (!has_variable(gate, other->variable))
			return false;
	}
	return true;
}

/* Bytes that are there, if the token is; but for predicates. */
static bool is_wall(const struct event *token, const struct event *event)
{
	return !event->end && (!event->is_guess || token->is_guess);
}

/* The first event from which on somebody claims what stands at @at; @at: nobody does. */
static size_t find_first(struct claims *claims, size_t at)
{
	const struct event *token = &claims->events[at];
	size_t first = at;

	for (size_t i = at; i-- && !claims->is_heavy;) {
		const struct event *event = &claims->events[i];

		if (!gs_work_take(claims->scope.judge->work, 4))
			claims->is_heavy = true;
		if (event->end && gs_vmsd_claims(event->end, token->subsection->name))
			first = i;
		if (is_wall(token, event) && implies(token->gate, event->gate))
			break;
	}
	return first;
}

static size_t add_gate(const struct gs_gate *gate, uint32_t *variables, size_t count, size_t limit)
{
	for (; gate; gate = gate->parent) {
		bool known = false;

		for (size_t i = 0; i < count; i++)
			known |= variables[i] == gate->variable;
		if (!known && count < limit)
			variables[count++] = gate->variable;
	}
	return count;
}

static bool is_there(const struct gs_table *table, size_t world, const struct gs_gate *gate)
{
	for (; gate; gate = gate->parent) {
		for (unsigned int i = 0; i < table->count; i++) {
			if (table->variables[i] == gate->variable && !(world >> i & 1))
				return false;
		}
	}
	return true;
}

/* ---- what comes of it ---- */

static uint8_t outcome_of(const struct event *claim, const struct gs_vmsd *sent)
{
	if (!find_subsection(claim->end, sent->name))
		return GS_OUTCOME_BROKEN;
	return gs_vmsd_has_named(sent) ? GS_OUTCOME_SILENT : GS_OUTCOME_GOOD;
}

/* Of all that ended at the same byte the one that ended first is asked first. */
static uint8_t judge_world(const struct claims *claims, size_t first, size_t at,
			   const struct gs_table *table, size_t world)
{
	const struct event *token = &claims->events[at];
	uint8_t outcome = GS_OUTCOME_GOOD;
	bool is_guess = token->is_guess;

	if (!is_there(table, world, token->gate))
		return GS_OUTCOME_GOOD;
	for (size_t i = at; i-- > first;) {
		const struct event *event = &claims->events[i];

		if (!is_there(table, world, event->gate))
			continue;
		if (is_wall(token, event))
			break;
		if (!event->end || !gs_vmsd_claims(event->end, token->subsection->name))
			continue;
		is_guess |= event->is_guess;
		outcome = outcome_of(event, token->subsection);
	}
	return is_guess && outcome != GS_OUTCOME_GOOD ? GS_OUTCOME_UNKNOWN : outcome;
}

static struct gs_error *make_table(struct claims *claims, size_t first, size_t at,
				   struct gs_table *table)
{
	uint32_t variables[GS_WORLD_VARIABLES_MAX + 1];
	size_t limit = sizeof(variables) / sizeof(*variables), count = 0;
	bool fits = true;
	struct gs_error *err;

	for (size_t i = first; i <= at; i++)
		count = add_gate(claims->events[i].gate, variables, count, limit);
	err = gs_table_init_variables(table, &claims->scope.arena, variables, count, &fits);
	if (err)
		return err;
	if (!fits || claims->is_heavy ||
	    !gs_work_take(claims->scope.judge->work, (at - first) << table->count))
		return gs_table_init(table, &claims->scope.arena, GS_OUTCOME_UNKNOWN);
	for (size_t world = 0; world < (size_t)1 << table->count; world++)
		table->outcomes[world] = judge_world(claims, first, at, table, world);
	return NULL;
}

static struct gs_error *tell_claims(struct claims *claims, size_t first, size_t at)
{
	const struct event *event = &claims->events[at];
	struct gs_judge *judge = claims->scope.judge;
	size_t mark = judge->path.size;
	struct gs_table table;
	struct gs_error *err = make_table(claims, first, at, &table);

	if (err || gs_table_outcomes(&table) == GS_OUTCOME_GOOD)
		return err;
	gs_text_puts(&judge->text, "The loader takes it for a subsection of ");
	gs_check_put_name(&judge->text, claims->events[first].end->name);
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
	struct claims claims = {.scope = {.judge = judge,
					  .told = {gs_devstate_has_num(judge->saver_state),
						   gs_devstate_has_num(judge->loader_state)}}};
	struct gs_error *err;

	if (!gs_vmsd_has_subsections(saver))
		return NULL;
	err = add_description(&claims, saver, &level);
	for (size_t i = 0; !err && i < claims.count; i++) {
		size_t first = claims.events[i].subsection ? find_first(&claims, i) : i;

		if (first < i)
			err = tell_claims(&claims, first, i);
	}
	gs_arena_deinit(&claims.scope.arena);
	return err;
}
