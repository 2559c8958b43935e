/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who cannot be seized, and why; whose thread one is. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "trace.h"

pid_t gs_process_of_thread(pid_t tid)
{
	char path[32], line[64];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	while (file && !pid && fgets(line, sizeof(line), file))
		(void)sscanf(line, "Tgid: %d", &pid);
	if (file)
		fclose(file);
	return pid;
}

/* EPERM is what the kernel says of all that is in the way. */
struct gs_error *gs_trace_refusal(pid_t pid, int code)
{
	struct gs_proc proc = {0};
	gs_autoerror struct gs_error *gone = gs_proc_read(pid, &proc);
	struct gs_error *err;
	char comm[17];

	if (code == EPERM && !gone && proc.tracer) {
		gs_process_comm(proc.tracer, comm);
		err = gs_error_create(GS_ERROR_BUSY, "process %d (%s) is traced by %d (%s)",
				      (int)pid, proc.comm, (int)proc.tracer, comm);
	} else if (code == EPERM) {
		err = gs_error_create(GS_ERROR_UNREACHABLE,
				      "process %d (%s) may not be traced by us: it is another "
				      "user's, or the system forbids it, see ptrace(2)",
				      (int)pid, gone ? "?" : proc.comm);
	} else if (code == EBUSY) {
		err = gs_error_create(GS_ERROR_BUSY,
				      "process %d makes threads faster than they can be traced",
				      (int)pid);
	} else if (code == ETIMEDOUT) {
		err = gs_error_create(GS_ERROR_TIMEOUT,
				      "process %d is in the midst of an exec that does not get on",
				      (int)pid);
	} else {
		err = gs_error_os(code, "process %d", (int)pid);
	}
	gs_proc_deinit(&proc);
	return err;
}

bool gs_trace_is_ours(pid_t tid)
{
	struct gs_proc proc = {0};
	gs_autoerror struct gs_error *gone = gs_proc_read(tid, &proc);
	pid_t tracer = proc.tracer;

	gs_proc_deinit(&proc);
	return !gone && tracer == gettid();
}
