/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections and subsections: what a stream calls by name, and sends a version of. */
#include <string.h>

#include "check_scope.h"

static const struct gs_wire_size nothing_before = {GS_WIRE_EXACT, 0};
static const struct gs_wire_size nowhere = {GS_WIRE_UNKNOWN, 0};

static struct gs_error *check_contents(struct gs_judge *judge, const struct gs_root *saver,
				       const struct gs_root *loader,
				       const struct gs_around *around);

/* ---- versions ---- */

/* false in *goes_on_ret: that is the end of it. */
static struct gs_error *check_version(struct gs_judge *judge, uint32_t version,
				      const struct gs_vmsd *loader, bool *goes_on_ret)
{
	*goes_on_ret = false;
	if (version > loader->version) {
		gs_text_printf(&judge->text,
			       "The saver writes version %u, and the loader takes none above %u.",
			       version, loader->version);
		return gs_judge_tell_outcome(judge, GS_RULE_VERSION_ABOVE, GS_OUTCOME_BROKEN,
					     nothing_before);
	}
	if (version < loader->minimum) {
		gs_text_printf(&judge->text,
			       "The saver writes version %u, and the loader takes none below %u.",
			       version, loader->minimum);
		return gs_judge_tell_outcome(judge, GS_RULE_VERSION_BELOW, GS_OUTCOME_BROKEN,
					     nothing_before);
	}
	*goes_on_ret = true;
	return NULL;
}

/* ---- subsections ---- */

/* A name that is no longer than the description's is another one's. */
bool gs_vmsd_claims(const struct gs_vmsd *description, const char *subsection)
{
	size_t size = strlen(description->name);

	return strncmp(subsection, description->name, size) == 0 && subsection[size] != '\0';
}

static const struct gs_vmsd *find_subsection(const struct gs_vmsd *description, const char *name)
{
	for (size_t i = 0; i < description->subsection_count; i++) {
		if (strcmp(description->subsections[i].name, name) == 0)
			return &description->subsections[i];
	}
	return NULL;
}

static struct gs_error *tell_unclaimed(struct gs_judge *judge, const struct gs_vmsd *loader)
{
	gs_text_puts(&judge->text, "The loader takes it for somebody else's: its name is not that "
				   "of ");
	gs_check_put_name(&judge->text, loader->name);
	gs_text_puts(&judge->text, " with something behind.");
	return gs_judge_tell_outcome(judge, GS_RULE_SUBSECTION_PREFIX, GS_OUTCOME_BROKEN,
				     nothing_before);
}

static struct gs_error *tell_gone(struct gs_judge *judge)
{
	gs_text_puts(&judge->text, "The loader does not know it: a load fails if it is sent.");
	return gs_judge_tell_outcome(judge, GS_RULE_SUBSECTION_GONE, GS_OUTCOME_BROKEN,
				     nothing_before);
}

static bool is_unsized(const struct gs_vmsd *description)
{
	for (size_t i = 0; i < description->field_count; i++) {
		const struct gs_vmsd_field *field = &description->fields[i];

		if (gs_field_is_there(field, description->version) &&
		    (field->description ? is_unsized(field->description) : !field->size))
			return true;
	}
	return false;
}

/* A subsection of the saver's, and who takes it. */
struct sending {
	const struct gs_vmsd *saver, *sent; /* the description that it is of, and itself */
	bool is_second;                     /* there is one of its name before it */
};

static struct gs_error *check_taken(struct gs_judge *judge, const struct sending *sending,
				    const struct gs_vmsd *taken, const struct gs_around *by)
{
	const struct gs_vmsd *sent = sending->sent;
	uint32_t kept = sent->version & 0xff; /* all that a loader keeps of a subsection's */
	const struct gs_root saver = {sent, sent->version, sending->saver};
	const struct gs_root loader = {taken, kept, by->description};
	bool goes_on;
	struct gs_error *err = check_version(judge, kept, taken, &goes_on);

	if (err || !goes_on)
		return err;
	if (sending->is_second && is_unsized(sent)) {
		gs_text_puts(&judge->text, "The loader takes it as the one of its name before it, "
					   "with sizes that are not told.");
		err = gs_judge_tell_outcome(judge, GS_RULE_SUBSECTION_DUPLICATE, GS_OUTCOME_UNKNOWN,
					    nowhere);
	}
	return err ? err : check_contents(judge, &saver, &loader, by);
}

/* @taken: what the loader has of that name in the description that is asked first. */
static struct gs_error *check_sent(struct gs_judge *judge, const struct sending *sending,
				   const struct gs_vmsd *taken, const struct gs_around *loader)
{
	const char *name = sending->sent->name;
	const struct gs_around *by = loader;

	while (by && !gs_vmsd_claims(by->description, name))
		by = by->next;
	if (!by)
		return tell_unclaimed(judge, loader->description);
	if (by != loader)
		taken = find_subsection(by->description, name);
	return taken ? check_taken(judge, sending, taken, by) : tell_gone(judge);
}

static struct gs_error *check_subsection(struct gs_judge *judge, const struct sending *sending,
					 const struct gs_vmsd *taken,
					 const struct gs_around *loader)
{
	struct gs_literal literal = {.kind = GS_LITERAL_SUBSECTION,
				     .side = GS_SIDE_SAVER,
				     .description = sending->saver->name,
				     .name = sending->sent->name};
	size_t mark = gs_check_enter_subsection(judge, sending->sent);
	struct gs_error *err = gs_judge_enter(judge, &literal);

	if (!err) {
		err = check_sent(judge, sending, taken, loader);
		gs_judge_leave(judge);
	}
	gs_check_leave(judge, mark);
	return err;
}

static struct gs_error *tell_new(struct gs_judge *judge, const struct gs_vmsd *taken)
{
	size_t mark = gs_check_enter_subsection(judge, taken);
	struct gs_error *err;

	gs_text_puts(&judge->text, "The saver does not have this subsection, which is optional.");
	err = gs_judge_tell(judge, GS_RULE_SUBSECTION_NEW, NULL, nowhere);
	gs_check_leave(judge, mark);
	return err;
}

/* The loader's, by name: the first of several is the one that is found. */
struct known {
	struct gs_names names;
	const struct gs_vmsd **firsts;
	bool *is_sent;
};

static struct gs_error *find_known(const struct gs_vmsd *loader, struct known *known)
{
	struct gs_error *err = NULL;

	known->firsts = gs_arena_alloc(known->names.arena, loader->subsection_count,
				       sizeof(*known->firsts));
	known->is_sent = gs_arena_alloc(known->names.arena, loader->subsection_count,
					sizeof(*known->is_sent));
	if (!known->firsts || !known->is_sent)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < loader->subsection_count; i++) {
		uint32_t number;

		err = gs_names_add(&known->names, loader->subsections[i].name, &number);
		if (!err && !known->firsts[number])
			known->firsts[number] = &loader->subsections[i];
	}
	return err;
}

static struct gs_error *check_known(struct gs_judge *judge, const struct gs_vmsd *saver,
				    const struct gs_around *loader, struct known *known)
{
	size_t known_count = known->names.count;
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < saver->subsection_count; i++) {
		struct sending sending = {.saver = saver, .sent = &saver->subsections[i]};
		const struct gs_vmsd *taken = NULL;
		uint32_t number;

		err = gs_names_add(&known->names, sending.sent->name, &number);
		if (!err && number < known_count) {
			taken = known->firsts[number];
			sending.is_second = known->is_sent[number];
			known->is_sent[number] = true;
		}
		if (!err)
			err = check_subsection(judge, &sending, taken, loader);
	}
	for (size_t i = 0; !err && i < known_count; i++) {
		if (!known->is_sent[i])
			err = tell_new(judge, known->firsts[i]);
	}
	return err;
}

struct gs_error *gs_check_subsections(struct gs_judge *judge, const struct gs_vmsd *saver,
				      const struct gs_vmsd *loader, const struct gs_around *around)
{
	const struct gs_around own = {loader, around};
	gs_autoarena struct gs_arena arena = {0};
	struct known known = {.names = {.arena = &arena}};
	struct gs_error *err;

	if (!saver->subsection_count && !loader->subsection_count)
		return NULL;
	err = find_known(loader, &known);
	return err ? err : check_known(judge, saver, &own, &known);
}

/* ---- all of it ---- */

static struct gs_error *check_contents(struct gs_judge *judge, const struct gs_root *saver,
				       const struct gs_root *loader, const struct gs_around *around)
{
	struct gs_error *err = gs_check_fields(judge, saver, loader, around);

	return err ? err
		   : gs_check_subsections(judge, saver->description, loader->description, around);
}

struct gs_error *gs_check_section(struct gs_judge *judge)
{
	const struct gs_vmsd *saver = judge->saver->description;
	const struct gs_vmsd *loader = judge->loader->description;
	const struct gs_root roots[GS_SIDES] = {{saver, saver->version, NULL},
						{loader, saver->version, NULL}};
	bool goes_on;
	struct gs_error *err = check_version(judge, saver->version, loader, &goes_on);

	if (!err && goes_on)
		err = check_contents(judge, &roots[GS_SAVER], &roots[GS_LOADER], NULL);
	return err || !goes_on ? err : gs_check_claims(judge, saver, loader);
}
