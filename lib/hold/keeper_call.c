/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that is held at a call, as its record has it. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/process.h>

#include "keeper.h"

#define STRING_MAX 256 /* bytes that are kept of a string */
#define STRING_MIN 2   /* a single letter is a number more often */

static bool is_text(unsigned char c)
{
	return (c >= ' ' && c < 0x7f) || c == '\t' || c == '\n';
}

/* What an argument points to, if that reads as text; the caller frees. Else NULL. */
static char *copy_string(const struct gs_call *call, uint64_t address)
{
	char bytes[STRING_MAX];
	size_t size = address ? call->read(call->arg, address, bytes, sizeof(bytes)) : 0;
	size_t length = 0;

	while (length < size && is_text((unsigned char)bytes[length]))
		length++;
	/* Either its end is seen, or all that was looked at is text. */
	if (length < STRING_MIN || (length < sizeof(bytes) && (length == size || bytes[length])))
		return NULL;
	return strndup(bytes, length);
}

struct gs_hold_at *gs_hold_at_new(const struct gs_place *place, enum gs_catch_mechanism mechanism,
				  const char *condition, const struct gs_call *call)
{
	struct gs_hold_at *at = calloc(1, sizeof(*at));

	if (!at)
		return NULL;
	at->mechanism = mechanism;
	at->condition = condition ? strdup(condition) : NULL;
	gs_process_comm(call->tid, at->thread);
	memcpy(at->args, call->args, sizeof(at->args));
	for (size_t i = 0; i < GS_CALL_ARGS; i++)
		at->strings[i] = copy_string(call, call->args[i]);
	if (gs_place_copy(place, &at->place) && (at->condition || !condition))
		return at;
	gs_hold_at_free(at);
	return NULL;
}

/* As /proc has it now: of who has ended, nothing is known. */
static void add_lineage(struct gs_hold_record *record)
{
	struct gs_proc_stat stat;
	char comm[17];

	for (pid_t at = record->pid; at > 0 && gs_proc_stat(at, &stat); at = stat.parent) {
		gs_process_comm(at, comm);
		gs_hold_record_add_ancestor(record, at, comm);
	}
}

bool gs_call_describe(const struct gs_calls *calls, const struct gs_place *place,
		      const struct gs_call *call, struct gs_hold_record *ret)
{
	struct gs_proc proc = {0};
	gs_autoerror struct gs_error *gone = gs_proc_read(calls->process.pid, &proc);
	struct gs_proc_stat stat;
	bool ok = !gone && gs_proc_stat(call->tid, &stat);

	*ret = (struct gs_hold_record){0};
	if (ok)
		ok = gs_hold_record_begin(calls->holds, &proc, ret);
	if (ok) {
		ret->id = (struct gs_proc_id){call->tid, stat.start};
		ret->at = gs_hold_at_new(place, calls->mechanism, calls->aim->condition, call);
		add_lineage(ret);
	}
	gs_proc_deinit(&proc);
	return ok && ret->at;
}
