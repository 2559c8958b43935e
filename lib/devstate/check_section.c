/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections and subsections: what a stream calls by name, and sends a version of. */
#include <string.h>

#include "check_scope.h"

static const struct gs_wire_size nothing_before = {GS_WIRE_EXACT, 0};
static const struct gs_wire_size nowhere = {GS_WIRE_UNKNOWN, 0};

static struct gs_error *check_contents(struct gs_judge *judge, const struct gs_vmsd *saver,
				       const struct gs_vmsd *loader, uint32_t loader_version);

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

static struct gs_error *check_sent(struct gs_judge *judge, const struct gs_vmsd *loader,
				   const struct gs_vmsd *sent, const struct gs_vmsd *taken)
{
	uint32_t kept = sent->version & 0xff; /* all that a loader keeps of a subsection's */
	struct gs_error *err;
	bool goes_on;

	if (!gs_vmsd_claims(loader, sent->name)) {
		gs_text_puts(&judge->text, "The loader takes it for somebody else's: its name is "
					   "not one of ");
		gs_check_put_name(&judge->text, loader->name);
		gs_text_puts(&judge->text, " with something behind.");
		return gs_judge_tell_outcome(judge, GS_RULE_SUBSECTION_PREFIX, GS_OUTCOME_BROKEN,
					     nothing_before);
	}
	if (!taken) {
		gs_text_puts(&judge->text,
			     "The loader does not know this subsection: a load fails if it is "
			     "sent.");
		return gs_judge_tell_outcome(judge, GS_RULE_SUBSECTION_GONE, GS_OUTCOME_BROKEN,
					     nothing_before);
	}
	err = check_version(judge, kept, taken, &goes_on);
	return err || !goes_on ? err : check_contents(judge, sent, taken, kept);
}

static struct gs_error *check_subsection(struct gs_judge *judge, const struct gs_vmsd *saver,
					 const struct gs_vmsd *loader, const struct gs_vmsd *sent,
					 const struct gs_vmsd *taken)
{
	struct gs_literal literal = {.kind = GS_LITERAL_SUBSECTION,
				     .side = GS_SIDE_SAVER,
				     .description = saver->name,
				     .name = sent->name};
	size_t mark = gs_check_enter_subsection(judge, sent);
	struct gs_error *err = gs_judge_enter(judge, &literal);

	if (!err) {
		err = check_sent(judge, loader, sent, taken);
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
				    const struct gs_vmsd *loader, struct known *known)
{
	size_t known_count = known->names.count;
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < saver->subsection_count; i++) {
		const struct gs_vmsd *sent = &saver->subsections[i], *taken = NULL;
		uint32_t number;

		err = gs_names_add(&known->names, sent->name, &number);
		if (!err && number < known_count) {
			taken = known->firsts[number];
			known->is_sent[number] = true;
		}
		if (!err)
			err = check_subsection(judge, saver, loader, sent, taken);
	}
	for (size_t i = 0; !err && i < known_count; i++) {
		if (!known->is_sent[i])
			err = tell_new(judge, known->firsts[i]);
	}
	return err;
}

struct gs_error *gs_check_subsections(struct gs_judge *judge, const struct gs_vmsd *saver,
				      const struct gs_vmsd *loader)
{
	gs_autoarena struct gs_arena arena = {0};
	struct known known = {.names = {.arena = &arena}};
	struct gs_error *err;

	if (!saver->subsection_count && !loader->subsection_count)
		return NULL;
	err = find_known(loader, &known);
	return err ? err : check_known(judge, saver, loader, &known);
}

/* ---- all of it ---- */

static struct gs_error *check_contents(struct gs_judge *judge, const struct gs_vmsd *saver,
				       const struct gs_vmsd *loader, uint32_t loader_version)
{
	struct gs_error *err =
		gs_check_fields(judge, saver, saver->version, loader, loader_version);

	return err ? err : gs_check_subsections(judge, saver, loader);
}

/* Two sections that are the same need no names for what they hang on. */
static struct gs_error *note_variables(struct gs_judge *judge, const struct gs_vmsd *saver,
				       const struct gs_vmsd *loader)
{
	struct gs_error *err = gs_variables_note(&judge->variables, GS_SIDE_SAVER, saver);

	return err ? err : gs_variables_note(&judge->variables, GS_SIDE_LOADER, loader);
}

struct gs_error *gs_check_section(struct gs_judge *judge)
{
	const struct gs_vmsd *saver = judge->saver->description;
	const struct gs_vmsd *loader = judge->loader->description;
	bool goes_on;
	struct gs_error *err = note_variables(judge, saver, loader);

	if (!err)
		err = check_version(judge, saver->version, loader, &goes_on);
	if (!err && goes_on)
		err = check_contents(judge, saver, loader, saver->version);
	return err || !goes_on ? err : gs_check_claims(judge, saver, loader);
}
