/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/TID/status, some lines of it. */
#include "thread_state.h"

#include <stdio.h>

bool gs_thread_state_read(pid_t tid, struct gs_thread_state *ret)
{
	struct gs_thread_state state = {0};
	unsigned long long pending = 0;
	char path[32], line[128];
	FILE *file;
	int tracer = 0, found = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	while (file && found < 3 && fgets(line, sizeof(line), file)) {
		found += sscanf(line, "State: %c", &state.state) == 1;
		found += sscanf(line, "TracerPid: %d", &tracer) == 1;
		found += sscanf(line, "SigPnd: %llx", &pending) == 1;
	}
	if (file)
		fclose(file);
	state.tracer = tracer;
	state.pending = pending;
	if (found == 3)
		*ret = state;
	return found == 3;
}

bool gs_thread_state_has(const struct gs_thread_state *state, int signal)
{
	return state->pending >> (signal - 1) & 1;
}
