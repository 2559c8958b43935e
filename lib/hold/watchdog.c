/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether systemd waits for a process, by the environment that it has given it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/hold/waiters.h>

#define ENVIRON_MAX (4u << 20)

/* @name with its "="; NULL: there is none. */
static const char *find_variable(const char *text, size_t size, const char *name)
{
	for (size_t at = 0; at < size; at += strlen(text + at) + 1) {
		if (strncmp(text + at, name, strlen(name)) == 0)
			return text + at + strlen(name);
	}
	return NULL;
}

static bool look_at(pid_t pid, struct gs_hold_watchdog *ret)
{
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err = NULL, *not_a_number = NULL;
	const char *us;
	char path[32];
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	err = gs_read_file(path, ENVIRON_MAX, &text, &size);
	us = err ? NULL : find_variable(text, size, "WATCHDOG_USEC=");
	if (err || (!us && !find_variable(text, size, "NOTIFY_SOCKET=")))
		return false;
	*ret = (struct gs_hold_watchdog){.pid = pid};
	if (us)
		not_a_number = gs_parse_u64(us, &ret->us);
	gs_process_comm(pid, ret->name);
	return true;
}

bool gs_hold_watchdog(const struct gs_hold_record *record, struct gs_hold_watchdog *ret)
{
	struct gs_hold_watchdog own, parent;
	bool has_own = look_at(record->pid, &own);
	bool has_parent = record->lineage_count > 1 && look_at(record->lineage[1].pid, &parent);

	if (!has_own && !has_parent)
		return false;
	/* Variables are inherited: it is the parent that was meant, more often. */
	*ret = has_parent && (parent.us || !has_own || !own.us) ? parent : own;
	return true;
}
