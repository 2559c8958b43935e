/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who executes a marked file, as /proc shows him while he stands still. */
#include "exec_caller.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>

#include "trace.h"

#define ANCESTORS_MAX 64
#define SYSCALL_MAX 512 /* bytes of /proc/TID/syscall */

bool gs_exec_caller_is_spared(pid_t tid)
{
	pid_t pid = gs_process_of_thread(tid), at = getpid();
	struct gs_proc_stat stat;

	for (int i = 0; i < ANCESTORS_MAX && at > 1 && at != pid && gs_proc_stat(at, &stat); i++)
		at = stat.parent;
	return pid <= 1 || at == pid;
}

/* ---- files ---- */

static bool is_same_file(const char *path, const struct stat *file)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

static int compare_with_loader(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	return getauxval(AT_BASE) && info->dlpi_addr == getauxval(AT_BASE) &&
	       is_same_file(info->dlpi_name, arg);
}

static bool is_loader(const struct stat *file)
{
	return dl_iterate_phdr(compare_with_loader, (void *)file);
}

/* ---- what he has named ---- */

/* The file's name in his memory, and the folder that it is relative to. false: unknown. */
static bool find_name(pid_t tid, unsigned long *name_ret, int *folder_ret)
{
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err = NULL;
	unsigned long a, b;
	char path[48];
	long number;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)tid);
	err = gs_read_file(path, SYSCALL_MAX, &text, NULL);
	if (err || sscanf(text, "%ld %lx %lx", &number, &a, &b) != 3)
		return false;
	*name_ret = number == SYS_execveat ? b : a;
	*folder_ret = number == SYS_execveat ? (int)a : AT_FDCWD;
	return number == SYS_execve || number == SYS_execveat;
}

/* Page by page: the next one may not be there. */
static bool read_name(pid_t tid, unsigned long address, char *name, size_t room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), done = 0;

	while (done < room) {
		size_t size = page - (address + done) % page;
		struct iovec to = {name + done, size < room - done ? size : room - done};
		struct iovec from = {(void *)(address + done), to.iov_len};
		ssize_t got = process_vm_readv(tid, &to, 1, &from, 1, 0);

		if (got <= 0)
			return false;
		if (memchr(to.iov_base, '\0', (size_t)got))
			return true;
		done += (size_t)got;
	}
	return false;
}

/* As he sees it: his root, his folder, and himself. */
static void put_path(pid_t tid, int folder, const char *name, char *path, size_t room)
{
	static const char self[] = "/proc/self/", fds[] = "/dev/fd/";

	if (strncmp(name, self, sizeof(self) - 1) == 0)
		snprintf(path, room, "/proc/%d/%s", (int)tid, name + sizeof(self) - 1);
	else if (strncmp(name, fds, sizeof(fds) - 1) == 0)
		snprintf(path, room, "/proc/%d/fd/%s", (int)tid, name + sizeof(fds) - 1);
	else if (*name == '/')
		snprintf(path, room, "/proc/%d/root%s", (int)tid, name);
	else if (folder == AT_FDCWD)
		snprintf(path, room, "/proc/%d/cwd/%s", (int)tid, name);
	else
		snprintf(path, room, "/proc/%d/fd/%d/%s", (int)tid, folder, name);
}

static bool is_script(const char *path)
{
	gs_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[2];

	return fd >= 0 && gs_read_full(fd, magic, 2) == 2 && memcmp(magic, "#!", 2) == 0;
}

/* Links may lead elsewhere for us than for him: another file alone proves nothing. */
bool gs_exec_caller_is_nested(pid_t tid, dev_t dev, ino_t ino)
{
	struct stat named, marked = {.st_dev = dev, .st_ino = ino};
	char name[PATH_MAX], path[PATH_MAX + 64];
	unsigned long address;
	int folder;

	if (!find_name(tid, &address, &folder) || !read_name(tid, address, name, sizeof(name)) ||
	    !*name)
		return false;
	put_path(tid, folder, name, path, sizeof(path));
	if (stat(path, &named) < 0 || (named.st_dev == dev && named.st_ino == ino) ||
	    !S_ISREG(named.st_mode))
		return false;
	return is_script(path) || is_loader(&marked);
}

/* ---- what many depend on ---- */

static bool is_of_ancestor(const struct stat *file)
{
	struct gs_proc_stat stat;
	pid_t at = getpid();
	char path[32];

	for (int i = 0; i < ANCESTORS_MAX && at > 0; i++) {
		snprintf(path, sizeof(path), "/proc/%d/exe", (int)at);
		if (is_same_file(path, file))
			return true;
		at = gs_proc_stat(at, &stat) ? stat.parent : 0;
	}
	return false;
}

struct gs_error *gs_exec_file_check(const char *path)
{
	const char *why = NULL;
	struct stat file;

	if (stat(path, &file) < 0)
		return NULL; /* told better elsewhere */
	if (is_same_file("/bin/sh", &file))
		why = "is the system's shell";
	else if (is_loader(&file))
		why = "is the dynamic loader";
	else if (is_of_ancestor(&file))
		why = "runs what has started us";
	if (!why)
		return NULL;
	return gs_error_create(GS_ERROR_INVALID, "%s %s: not without a filter", path, why);
}
