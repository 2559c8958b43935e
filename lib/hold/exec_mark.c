/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file whose execution is asked for first, by fanotify; and its path, by inotify. */
#include "exec_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#define FOLDER_CHANGES (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)
#define NOTIFY_BUFFER 4096

/* ---- opening ---- */

/*
 * Before Linux 6.8 the file is opened with a lock held that PTRACE_SEIZE takes too: each would wait
 * for the other.
 */
static struct gs_error *check_kernel(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	    (major > 6 || (major == 6 && minor >= 8)))
		return NULL;
	return gs_error_create(GS_ERROR_UNREACHABLE, "this takes Linux 6.8 or later");
}

static struct gs_error *describe_refusal(int code)
{
	if (code == EPERM)
		return gs_error_create(GS_ERROR_UNREACHABLE,
				       "fanotify is for root alone, outside of containers");
	if (code == ENOSYS || code == EINVAL)
		return gs_error_create(GS_ERROR_UNREACHABLE,
				       "this kernel's fanotify cannot ask before an exec");
	return gs_error_os(code, "fanotify");
}

static struct gs_error *absolute_path(const char *path, char **ret)
{
	gs_autofree char *folder = NULL;

	if (*path != '/') {
		folder = getcwd(NULL, 0);
		if (!folder)
			return gs_error_os(errno, "the current folder");
	}
	*ret = folder ? gs_strf("%s/%s", folder, path) : strdup(path);
	return *ret ? NULL : gs_error_nomem();
}

static struct gs_error *check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return gs_error_os(errno, "%s", path);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return gs_error_create(GS_ERROR_INVALID, "%s: is no file that can be executed",
				       path);
	return NULL;
}

static int change_mark(int fan_fd, unsigned int how, const char *path)
{
	return fanotify_mark(fan_fd, how, FAN_OPEN_EXEC_PERM, AT_FDCWD, path);
}

/* Nobody may stand still before there is somebody who answers. */
static struct gs_error *try_mark(int fan_fd, const char *path)
{
	if (change_mark(fan_fd, FAN_MARK_ADD, path) < 0)
		return errno == EINVAL ? describe_refusal(errno) : gs_error_os(errno, "%s", path);
	change_mark(fan_fd, FAN_MARK_REMOVE, path);
	return NULL;
}

struct gs_error *gs_exec_mark_open(const char *path, struct gs_exec_mark *ret)
{
	gs_autofree char *absolute = NULL;
	gs_autoclose int fan_fd = -1;
	struct gs_error *err = check_file(path);

	if (!err)
		err = check_kernel();
	if (!err)
		err = absolute_path(path, &absolute);
	if (err)
		return err;
	fan_fd = fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_TID | FAN_UNLIMITED_QUEUE |
				       FAN_CLOEXEC | FAN_NONBLOCK,
			       O_RDONLY | O_CLOEXEC | O_LARGEFILE);
	if (fan_fd < 0)
		return describe_refusal(errno);
	err = try_mark(fan_fd, absolute);
	if (err)
		return err;
	*ret = (struct gs_exec_mark){.path = gs_take(absolute),
				     .fan_fd = gs_take_fd(&fan_fd),
				     .notify_fd = -1,
				     .file_fd = -1};
	return NULL;
}

void gs_exec_mark_close(struct gs_exec_mark *mark)
{
	const int fds[] = {mark->fan_fd, mark->notify_fd, mark->file_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(mark->path);
}

/* ---- following the path ---- */

static void watch_folder_of(const struct gs_exec_mark *mark, const char *path)
{
	gs_autofree char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!slash)
		return;
	slash[slash == folder] = '\0';
	inotify_add_watch(mark->notify_fd, folder, FOLDER_CHANGES);
}

/* The folder that the path names, and that of the file if a link leads elsewhere. */
static void watch_folders(const struct gs_exec_mark *mark)
{
	gs_autofree char *real = realpath(mark->path, NULL);

	watch_folder_of(mark, mark->path);
	if (real)
		watch_folder_of(mark, real);
}

static bool is_marked(const struct gs_exec_mark *mark, const struct stat *file)
{
	struct stat marked;

	return mark->file_fd >= 0 && fstat(mark->file_fd, &marked) == 0 &&
	       marked.st_dev == file->st_dev && marked.st_ino == file->st_ino;
}

/* By a descriptor: what the path names may be another file by now. */
static bool mark_file(const struct gs_exec_mark *mark, unsigned int how, int file_fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	return change_mark(mark->fan_fd, how, path) == 0;
}

/* The former one last: at each moment there is a mark. */
static bool move_mark(struct gs_exec_mark *mark)
{
	gs_autoclose int file_fd = open(mark->path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (file_fd < 0 || fstat(file_fd, &st) < 0 || !mark_file(mark, FAN_MARK_ADD, file_fd))
		return false;
	if (is_marked(mark, &st))
		return true;
	if (mark->file_fd >= 0) {
		mark_file(mark, FAN_MARK_REMOVE, mark->file_fd);
		close(mark->file_fd);
	}
	mark->file_fd = gs_take_fd(&file_fd);
	return true;
}

bool gs_exec_mark_arm(struct gs_exec_mark *mark)
{
	mark->file_fd = -1;
	mark->missing = false;
	mark->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	watch_folders(mark);
	return move_mark(mark);
}

enum gs_exec_mark_change gs_exec_mark_refresh(struct gs_exec_mark *mark)
{
	char ignored[NOTIFY_BUFFER];
	bool was_missing = mark->missing;
	struct stat now;

	while (mark->notify_fd >= 0 && read(mark->notify_fd, ignored, sizeof(ignored)) > 0)
		;
	mark->missing = stat(mark->path, &now) < 0 || !S_ISREG(now.st_mode);
	if (mark->missing)
		return was_missing ? GS_EXEC_MARK_SAME : GS_EXEC_MARK_MISSING;
	if (!was_missing && is_marked(mark, &now))
		return GS_EXEC_MARK_SAME;
	mark->missing = !move_mark(mark);
	watch_folders(mark);
	return mark->missing ? GS_EXEC_MARK_SAME : GS_EXEC_MARK_MOVED;
}

/* ---- who stands still ---- */

/* A buffer for one event has the kernel keep the others. */
bool gs_exec_mark_next(const struct gs_exec_mark *mark, struct gs_exec_attempt *ret)
{
	struct fanotify_event_metadata event;
	ssize_t size;
	struct stat st;

	do
		size = read(mark->fan_fd, &event, sizeof(event));
	while (size < 0 && errno == EINTR);
	if (size != (ssize_t)sizeof(event) || event.fd < 0)
		return false;
	*ret = (struct gs_exec_attempt){.fd = event.fd, .tid = event.pid};
	if (fstat(event.fd, &st) == 0) {
		ret->dev = st.st_dev;
		ret->ino = st.st_ino;
	}
	return true;
}

void gs_exec_mark_allow(const struct gs_exec_mark *mark, const struct gs_exec_attempt *attempt)
{
	const struct fanotify_response response = {.fd = attempt->fd, .response = FAN_ALLOW};

	while (write(mark->fan_fd, &response, sizeof(response)) < 0 && errno == EINTR)
		;
	close(attempt->fd);
}
