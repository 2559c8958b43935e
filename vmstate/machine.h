/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine sets of devices' properties, joined to what is found of the devices. */
#ifndef VMSTATE_MACHINE_H
#define VMSTATE_MACHINE_H

#include <guestscope/base/emit.h>
#include <guestscope/base/text.h>
#include <guestscope/devstate/check.h>
#include <guestscope/devstate/machines.h>

/*
 * The properties that may decide a finding. No export tells which one does: those come first that
 * have a word in common with the field or the subsection that it is about.
 */
struct machine_candidates {
	struct gs_machine_setting *settings;
	size_t count, resembling;
};
/* None of a finding that hangs on no predicate, nor on whether a subsection is sent. */
GS_MUST_CHECK struct gs_error *machine_candidates(const struct gs_machine *machine,
						  const struct gs_check_finding *finding,
						  struct machine_candidates *ret);
void machine_candidates_deinit(struct machine_candidates *candidates);
static inline void machine_candidates_deinit_cleanup(struct machine_candidates *candidates)
{
	machine_candidates_deinit(candidates);
}

/*
 * "B sets e1000e.migrate-timadj=off", "both set ...", "A sets ..., B does not"; A and B are what
 * the sides are called.
 */
void put_setting(struct gs_text *out, const struct gs_machine *machine,
		 const struct gs_machine_setting *setting, const char *before_name,
		 const char *after_name);
/* A sentence, with a space before it, on those that resemble or, if @all, on all; or nothing. */
void put_candidates(struct gs_text *out, const struct gs_machine *machine,
		    const struct machine_candidates *candidates, bool all);
/* The property, and what the two set, of which types (null: not). NULL: out of memory. */
struct gs_json *setting_json(const struct gs_machine_setting *setting);
/* An array of these, with whether each resembles. */
struct gs_json *candidates_json(const struct machine_candidates *candidates);

/* Sentences on who has it, and who tells what it sets. */
void put_machine(struct gs_text *out, const struct gs_machine *machine);
/* The member "machine". */
void emit_machine(struct gs_emit *e, const struct gs_machine *machine);

#endif
