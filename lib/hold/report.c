/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to a hold, for people. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include <guestscope/hold/report.h>
#include <guestscope/hold/waiters.h>

const char *gs_keeper_event_name(enum gs_keeper_event_kind kind)
{
	static const char *const names[] = {
		[GS_KEEPER_HELD] = "held",         [GS_KEEPER_HANDED_OVER] = "handed-over",
		[GS_KEEPER_DEBUGGED] = "debugged", [GS_KEEPER_RELEASED] = "released",
		[GS_KEEPER_ENDED] = "ended",       [GS_KEEPER_IDLE] = "idle",
		[GS_KEEPER_PASSED] = "passed",     [GS_KEEPER_MOVED] = "moved",
		[GS_KEEPER_MISSING] = "missing",   [GS_KEEPER_BLIND] = "blind",
		[GS_KEEPER_WRAPPED] = "wrapped",   [GS_KEEPER_UNWRAPPED] = "unwrapped",
		[GS_KEEPER_LOADING] = "loading",   [GS_KEEPER_OVER] = "over",
		[GS_KEEPER_AT_EXEC] = "at-exec",   [GS_KEEPER_AT_ENTRY] = "at-entry",
	};

	return names[kind];
}

/* ---- places ---- */

static void put_symbol(struct gs_text *text, const struct gs_place *place)
{
	if (place->symbol)
		gs_text_puts_printable(text, place->symbol);
	else
		gs_text_printf(text, "0x%" PRIx64, place->address);
	if (place->symbol && place->offset)
		gs_text_printf(text, "+0x%" PRIx64, place->offset);
}

void gs_hold_put_place(struct gs_text *text, const struct gs_place *place)
{
	if (place->kind == GS_PLACE_INLINED) {
		gs_text_puts_printable(text, place->name ? place->name : "?");
		gs_text_puts(text, ", inlined into ");
	}
	put_symbol(text, place);
	if (place->kind == GS_PLACE_CLONE) {
		gs_text_puts(text, place->name ? ", a clone of " : ", a clone");
		gs_text_puts_printable(text, place->name ? place->name : "");
	}
	if (place->file) {
		gs_text_puts(text, " (");
		gs_text_puts_printable(text, place->file);
		gs_text_printf(text, ":%u)", place->line);
	}
	gs_text_puts(text, " in ");
	gs_text_puts_printable(text, place->module ? place->module : "?");
}

bool gs_hold_has_args(const struct gs_place *place)
{
	return place->kind != GS_PLACE_INLINED && place->symbol && place->offset == 0;
}

void gs_hold_put_args(struct gs_text *text, const struct gs_hold_at *at)
{
	for (size_t i = 0; i < GS_CALL_ARGS; i++) {
		gs_text_printf(text, "%s0x%" PRIx64, i ? ", " : "", at->args[i]);
		if (!at->strings[i])
			continue;
		gs_text_puts(text, " \"");
		gs_text_puts_printable(text, at->strings[i]);
		gs_text_puts(text, "\"");
	}
}

/* ---- the block ---- */

static void put_lineage(struct gs_text *text, const struct gs_hold_record *record)
{
	for (size_t i = 1; i < record->lineage_count; i++) {
		gs_text_puts(text, i == 1 ? "" : " <- ");
		gs_text_puts_printable(text, record->lineage[i].name);
		gs_text_printf(text, " (%d)", (int)record->lineage[i].pid);
	}
}

/* The time that is left, in words of its size. */
static void put_left(struct gs_text *text, const struct gs_hold_record *record)
{
	int64_t left = record->until - time(NULL);

	if (!record->until)
		gs_text_puts(text, "never by itself");
	else if (left >= 120)
		gs_text_printf(text, "by itself in %" PRId64 " min", (left + 30) / 60);
	else
		gs_text_printf(text, "by itself in %" PRId64 " s", left > 0 ? left : 0);
}

static void put_at(struct gs_text *text, const struct gs_hold_record *record)
{
	const struct gs_hold_at *at = record->at;

	gs_text_puts(text, "\n  at        ");
	gs_hold_put_place(text, &at->place);
	if (gs_hold_has_args(&at->place)) {
		gs_text_puts(text, "\n  args      ");
		gs_hold_put_args(text, at);
	}
	if (at->condition) {
		gs_text_puts(text, "\n  condition ");
		gs_text_puts_printable(text, at->condition);
	}
	gs_text_puts(text, "\n  thread    ");
	gs_text_puts_printable(text, at->thread);
	gs_text_printf(text, " of process %d, caught by %s", (int)record->pid,
		       gs_catch_mechanism_name(at->mechanism));
}

/* Those that are there at this moment: whoever is about to wait is not yet. */
static void put_waiters(struct gs_text *text, const struct gs_hold_record *record)
{
	struct gs_hold_waiters waiters = {0};

	gs_error_destroy(gs_hold_waiters(record, &waiters));
	for (size_t i = 0; i < waiters.count; i++) {
		const struct gs_hold_waiter *waiter = &waiters.waiters[i];
		gs_autofree char *who = gs_hold_waiter_who(waiter);
		gs_autofree char *words = gs_hold_waiter_words(waiter);

		gs_text_puts(text, i ? "\n            " : "\n  waits     ");
		gs_text_puts_printable(text, who ? who : "");
		gs_text_printf(text, ": %s", words ? words : "");
	}
	gs_hold_waiters_deinit(&waiters);
}

static void put_watchdog(struct gs_text *text, const struct gs_hold_record *record)
{
	struct gs_hold_watchdog watchdog;
	gs_autofree char *words = NULL;

	if (!gs_hold_watchdog(record, &watchdog))
		return;
	words = gs_hold_watchdog_words(&watchdog);
	gs_text_puts(text, "\n  warning   ");
	gs_text_puts_printable(text, words ? words : "");
}

static void put_block(struct gs_text *text, const char *tool, const struct gs_hold_record *record,
		      const char *reason)
{
	gs_autofree char *command = gs_hold_record_command(record);
	int id = (int)record->id.pid;

	gs_text_printf(text, "%s: held %d: ", tool, id);
	gs_text_puts_printable(text, record->program);
	if (*reason) {
		gs_text_puts(text, "\n  note      ");
		gs_text_puts_printable(text, reason);
	}
	if (record->at)
		put_at(text, record);
	gs_text_puts(text, "\n  command   ");
	gs_text_puts_printable(text, command ? command : "");
	gs_text_puts(text, "\n  in        ");
	gs_text_puts_printable(text, record->cwd);
	if (record->lineage_count > 1 && !record->at) {
		gs_text_puts(text, "\n  forked by ");
		put_lineage(text, record);
	}
	put_waiters(text, record);
	put_watchdog(text, record);
	gs_text_printf(text, "\n  debug     tracehooks debug %d", id);
	gs_text_printf(text, "\n            tracehooks debug %d lldb", id);
	gs_text_printf(text, "\n  release   tracehooks release %d    (", id);
	put_left(text, record);
	gs_text_puts(text, ")\n");
}

/* ---- all events ---- */

/* Of the file, and not of one hold; NULL: it is of one. */
static const char *file_event(enum gs_keeper_event_kind kind)
{
	switch (kind) {
	case GS_KEEPER_MOVED:
		return "another file is there now, and watched";
	case GS_KEEPER_MISSING:
		return "the file has gone; the next one will be watched";
	case GS_KEEPER_BLIND:
		return "the file is not watched any more: tracehooks-gate was killed";
	default:
		return NULL;
	}
}

static const char *words_for(enum gs_keeper_event_kind kind)
{
	switch (kind) {
	case GS_KEEPER_HANDED_OVER:
		return "handed over, a debugger is awaited";
	case GS_KEEPER_PASSED:
		return "not held";
	case GS_KEEPER_UNWRAPPED:
		return "not wrapped, runs by itself";
	default:
		return gs_keeper_event_name(kind);
	}
}

void gs_hold_put_event(struct gs_text *text, const char *tool, const struct gs_keeper_event *event,
		       const struct gs_hold_record *record)
{
	if (event->kind == GS_KEEPER_HELD && record) {
		put_block(text, tool, record, event->reason);
		return;
	}
	if (file_event(event->kind)) {
		gs_text_printf(text, "%s: %s\n", tool, file_event(event->kind));
		return;
	}
	gs_text_printf(text, "%s: %d: %s", tool, (int)event->id, words_for(event->kind));
	if (event->kind == GS_KEEPER_DEBUGGED && record)
		gs_text_printf(text, " by %d", (int)record->debugger);
	if (*event->reason) {
		gs_text_puts(text, ": ");
		gs_text_puts_printable(text, event->reason);
	}
	gs_text_puts(text, "\n");
}
