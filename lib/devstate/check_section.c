/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections and subsections: what a stream calls by name, and sends a version of. */
#include <string.h>

#include "check.h"
#include "pairing.h"

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

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct gs_vmsd *)a)->name, ((const struct gs_vmsd *)b)->name);
}

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static struct gs_error *check_sent(struct gs_judge *judge, const struct gs_vmsd *loader,
				   const struct gs_vmsd *sent, const struct gs_slot *partner)
{
	const struct gs_vmsd *taken = partner ? partner->item : NULL;
	uint32_t kept = sent->version & 0xff; /* all that a loader keeps of a subsection's */
	struct gs_error *err;
	bool goes_on;

	if (!has_prefix(sent->name, loader->name)) {
		gs_text_puts(&judge->text, "The loader takes it for somebody else's: its name does "
					   "not begin with '");
		gs_check_put_name(&judge->text, loader->name);
		gs_text_puts(&judge->text, "'.");
		return gs_judge_tell_outcome(judge, GS_RULE_SUBSECTION_PREFIX, GS_OUTCOME_BROKEN,
					     nothing_before);
	}
	if (!taken) {
		gs_text_puts(
			&judge->text,
			"The loader does not know this subsection: a load fails if it is sent.");
		return gs_judge_tell_outcome(judge, GS_RULE_SUBSECTION_GONE, GS_OUTCOME_BROKEN,
					     nothing_before);
	}
	err = check_version(judge, kept, taken, &goes_on);
	return err || !goes_on ? err : check_contents(judge, sent, taken, kept);
}

static struct gs_error *check_subsection(struct gs_judge *judge, const struct gs_vmsd *saver,
					 const struct gs_vmsd *loader, const struct gs_slot *slot)
{
	const struct gs_vmsd *sent = slot->item;
	struct gs_literal literal = {.kind = GS_LITERAL_SUBSECTION,
				     .side = slot->partner ? GS_SIDE_BOTH : GS_SIDE_SAVER,
				     .description = saver->name,
				     .name = sent->name};
	size_t mark = gs_check_enter_subsection(judge, sent);
	struct gs_error *err = gs_judge_enter(judge, &literal);

	if (!err) {
		err = check_sent(judge, loader, sent, slot->partner);
		gs_judge_leave(judge);
	}
	gs_check_leave(judge, mark);
	return err;
}

static struct gs_error *tell_new(struct gs_judge *judge, const struct gs_slot *slot)
{
	size_t mark = gs_check_enter_subsection(judge, slot->item);
	struct gs_error *err;

	gs_text_puts(&judge->text, "The saver does not have this subsection, which is optional.");
	err = gs_judge_tell(judge, GS_RULE_SUBSECTION_NEW, NULL, nowhere);
	gs_check_leave(judge, mark);
	return err;
}

struct gs_error *gs_check_subsections(struct gs_judge *judge, const struct gs_vmsd *saver,
				      const struct gs_vmsd *loader)
{
	gs_autopairing struct gs_pairing pairing = {0};
	struct gs_error *err = gs_pairing_init(&pairing, saver->subsections,
					       saver->subsection_count, loader->subsections,
					       loader->subsection_count, sizeof(struct gs_vmsd));

	if (!err)
		err = gs_pairing_match(&pairing, by_name);
	for (size_t i = 0; !err && i < pairing.before.count; i++)
		err = check_subsection(judge, saver, loader, &pairing.before.slots[i]);
	for (size_t i = 0; !err && i < pairing.after.count; i++) {
		if (!pairing.after.slots[i].partner)
			err = tell_new(judge, &pairing.after.slots[i]);
	}
	return err;
}

/* ---- all of it ---- */

static struct gs_error *check_contents(struct gs_judge *judge, const struct gs_vmsd *saver,
				       const struct gs_vmsd *loader, uint32_t loader_version)
{
	struct gs_error *err =
		gs_check_fields(judge, saver, saver->version, loader, loader_version);

	return err ? err : gs_check_subsections(judge, saver, loader);
}

struct gs_error *gs_check_section(struct gs_judge *judge)
{
	const struct gs_vmsd *saver = judge->saver->description;
	const struct gs_vmsd *loader = judge->loader->description;
	bool goes_on;
	struct gs_error *err = check_version(judge, saver->version, loader, &goes_on);

	return err || !goes_on ? err : check_contents(judge, saver, loader, saver->version);
}
