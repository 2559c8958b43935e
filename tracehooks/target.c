/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes may be traced: not those that we, or the user, would wait for in vain. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "tracehooks.h"

#define STATUS_MAX 16384
#define PTS_MAJOR 136 /* and the seven after it, 256 terminals each */
#define PTS_MAJORS 8

static struct gs_error *parse_pid(const char *text, pid_t *ret)
{
	uint64_t pid;
	struct gs_error *err = gs_parse_u64(text, &pid);

	if (!err && (pid <= 1 || pid > INT_MAX))
		err = gs_error_create(GS_ERROR_INVALID, "%s is no process to be traced", text);
	if (!err)
		*ret = (pid_t)pid;
	return gs_error_wrap(err, "PID");
}

/* /proc has threads by their numbers, too. */
static struct gs_error *check_is_process(pid_t pid)
{
	gs_autofree char *path = gs_strf("/proc/%d/status", (int)pid);
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err =
		path ? gs_read_file(path, STATUS_MAX, &text, NULL) : gs_error_nomem();
	const char *line = err ? NULL : strstr(text, "\nTgid:\t");
	int process = line ? atoi(line + strlen("\nTgid:\t")) : (int)pid;

	if (process != (int)pid)
		return gs_error_create(GS_ERROR_INVALID, "%d is a thread of process %d", (int)pid,
				       process);
	return NULL;
}

/* To stop the shell that we were started from would stop us. */
static struct gs_error *check_ancestors(pid_t pid)
{
	struct gs_proc_stat stat;

	for (pid_t at = getpid(); at > 1 && gs_proc_stat(at, &stat); at = stat.parent) {
		if (at == pid)
			return gs_error_create(GS_ERROR_INVALID,
					       "process %d has started tracehooks itself",
					       (int)pid);
	}
	return NULL;
}

/* ---- who shows what we say ---- */

/* The number of the pseudo terminal behind @fd; -1: it is none. */
static int terminal_number(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || major(st.st_rdev) < PTS_MAJOR ||
	    major(st.st_rdev) >= PTS_MAJOR + PTS_MAJORS)
		return -1;
	return (int)((major(st.st_rdev) - PTS_MAJOR) * 256 + minor(st.st_rdev));
}

static bool is_master_of(const char *fdinfo, int number)
{
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err = gs_read_file(fdinfo, STATUS_MAX, &text, NULL);
	const char *line = err ? NULL : strstr(text, "tty-index:\t");

	return line && atoi(line + strlen("tty-index:\t")) == number;
}

static bool has_master_of(pid_t pid, int number)
{
	gs_autofree char *path = gs_strf("/proc/%d/fdinfo", (int)pid);
	DIR *dir = path && number >= 0 ? opendir(path) : NULL;
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		gs_autofree char *file = gs_strf("%s/%s", path, entry->d_name);

		found = file && is_master_of(file, number);
	}
	if (dir)
		closedir(dir);
	return found;
}

static struct gs_error *check_terminal(pid_t pid)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (has_master_of(pid, terminal_number(fd)))
			return gs_error_create(GS_ERROR_INVALID, "process %d is this terminal",
					       (int)pid);
	}
	return NULL;
}

/* Keepers, gates, guardians. */
static struct gs_error *check_ours(pid_t pid)
{
	char comm[17];

	gs_process_comm(pid, comm);
	if (strncmp(comm, "tracehooks-", strlen("tracehooks-")) == 0)
		return gs_error_create(GS_ERROR_INVALID, "process %d (%s) is one of tracehooks",
				       (int)pid, comm);
	return NULL;
}

struct gs_error *parse_target(const char *text, pid_t *ret)
{
	pid_t pid = 0;
	struct gs_error *err = parse_pid(text, &pid);

	if (!err)
		err = check_is_process(pid);
	if (!err)
		err = check_ancestors(pid);
	if (!err)
		err = check_terminal(pid);
	if (!err)
		err = check_ours(pid);
	if (!err)
		*ret = pid;
	return err;
}
