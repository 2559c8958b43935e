/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the journals to the texts. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/text.h>
#include <guestscope/hold/mend.h>

#include "int3_journal.h"

static int is_journal(const struct dirent *entry)
{
	size_t digits = strspn(entry->d_name, "0123456789");

	return digits && strcmp(entry->d_name + digits, ".int3") == 0;
}

/* A breakpoint of its debugger's looks like ours. */
static struct gs_error *check_tracer(pid_t pid)
{
	struct gs_proc proc = {0};
	struct gs_error *err = gs_proc_read(pid, &proc);

	if (!err && proc.tracer)
		err = gs_error_create(GS_ERROR_BUSY, "process %d is traced by %d: end that first",
				      (int)pid, (int)proc.tracer);
	gs_proc_deinit(&proc);
	return err;
}

static struct gs_error *mend_process(const struct gs_int3_journal *journal, size_t *count_ret)
{
	char path[32];
	struct gs_error *err = check_tracer(journal->process.pid);
	gs_autoclose int mem_fd = -1;

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)journal->process.pid);
	mem_fd = open(path, O_RDWR | O_CLOEXEC);
	if (mem_fd < 0)
		return gs_error_os(errno, "%s", path);
	*count_ret = gs_int3_journal_mend(journal, mem_fd);
	return NULL;
}

static void mend(const char *dir, const char *name, gs_mend_told *told, void *arg)
{
	gs_autofree char *path = gs_strf("%s/%s", dir, name);
	struct gs_int3_journal journal = {0};
	gs_autoerror struct gs_error *err =
		path ? gs_int3_journal_read(path, &journal) : gs_error_nomem();
	size_t count = 0;

	if (err && err->code == GS_ERROR_OS && err->os_errno == ENOENT)
		return; /* somebody else was faster */
	if (!err && gs_proc_is(&journal.keeper)) {
		gs_int3_journal_deinit(&journal);
		return;
	}
	if (!err && gs_proc_is(&journal.process))
		err = mend_process(&journal, &count);
	if (!err)
		unlink(path);
	if (err || count)
		told(arg, (pid_t)atoi(name), count, err);
	gs_int3_journal_deinit(&journal);
}

struct gs_error *gs_hold_mend(const char *dir, gs_mend_told *told, void *arg)
{
	struct dirent **entries;
	int found = scandir(dir, &entries, is_journal, versionsort);

	if (found < 0)
		return errno == ENOENT ? NULL : gs_error_os(errno, "%s", dir);
	for (int i = 0; i < found; i++) {
		mend(dir, entries[i]->d_name, told, arg);
		free(entries[i]);
	}
	free(entries);
	return NULL;
}
