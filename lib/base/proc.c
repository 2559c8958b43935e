/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/stat: one line of fifty numbers, but for the name, which may hold anything. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>

#define STAT_MAX 4096 /* bytes; real: 350 */

/* Fields behind the name, as proc(5) counts them less three: the state is 0. */
enum { FIELD_PARENT = 1, FIELD_GROUP, FIELD_SESSION, FIELD_START = 19, FIELD_STATUS = 49 };

static const char *field(const char *state, int n)
{
	while (state && n-- > 0) {
		state = strchr(state, ' ');
		state = state ? state + 1 : NULL;
	}
	return state;
}

static bool parse(const char *text, struct gs_proc_stat *ret)
{
	const char *name_end = strrchr(text, ')');
	const char *state = name_end && name_end[1] == ' ' ? name_end + 2 : NULL;
	const char *start = field(state, FIELD_START), *status = field(state, FIELD_STATUS);

	if (!start || sscanf(state, "%c %d %d %d", &ret->state, &ret->parent, &ret->group,
			     &ret->session) != 4)
		return false;
	/* Zero for whom it is not to be seen. */
	if (!status || sscanf(status, "%d", &ret->status) != 1)
		ret->status = 0;
	return sscanf(start, "%" SCNu64, &ret->start) == 1;
}

bool gs_proc_stat(pid_t pid, struct gs_proc_stat *ret)
{
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err = NULL;
	char path[32];

	*ret = (struct gs_proc_stat){0};
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	err = gs_read_file(path, STAT_MAX, &text, NULL);
	return !err && parse(text, ret);
}
