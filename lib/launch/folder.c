/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's folder: claimed, probed, cleaned.
 *
 * Whoever holds DIR/lock exclusively owns the folder: a launcher, then QEMU (which inherits the
 * descriptor), or a cleaner. Who only looks takes the lock shared, so that two who look do not
 * take each other for a live guest.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "internal.h"

#define NAME_SIZE_MAX 64
#define DEAD_PREFIX ".dead-" /* no guest's name begins so */
#define CLAIM_NAP_MS 10
#define CLAIM_PATIENCE_MS 2000
#define GUEST_NUMBER_MAX 9999

struct gs_error *gs_folder_check_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t size = strlen(name);

	if (size > 0 && size <= NAME_SIZE_MAX && name[0] != '.' && name[0] != '-' &&
	    strspn(name, allowed) == size)
		return NULL;
	return gs_error_create(GS_ERROR_INVALID,
			       "'%s' is no name for a guest: up to %d letters, digits, '.', '_' "
			       "and '-', the first a letter or digit",
			       name, NAME_SIZE_MAX);
}

/* Whether @fd is the file that @path names now: a cleaner may have taken it away meanwhile. */
static bool is_same_file(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* Removes the files in @dir, @except that one (or NULL). */
static void remove_files(const char *dir, const char *except)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d)
		return;
	while ((entry = readdir(d))) {
		if (!except || strcmp(entry->d_name, except) != 0)
			unlinkat(dirfd(d), entry->d_name, 0); /* refuses "." and ".." */
	}
	closedir(d);
}

/*
 * Removes a folder whose lock we hold. It is renamed first, so that its name is free at once and
 * the next guest of that name never sees us deleting.
 */
static void retire(const char *run_dir, const char *dir, const char *name)
{
	gs_autofree char *dead = gs_strf("%s/" DEAD_PREFIX "%s.%d", run_dir, name, (int)getpid());

	if (dead && rename(dir, dead) == 0) {
		remove_files(dead, NULL);
		rmdir(dead);
	}
}

/* Opens and probes DIR/lock; *fd_ret holds it shared when the state is ENDED, else it is -1. */
static enum gs_folder_state probe_lock(const char *lock, int *fd_ret)
{
	gs_autoclose int fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	*fd_ret = -1;
	if (fd < 0)
		return GS_FOLDER_NONE;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? GS_FOLDER_LIVE : GS_FOLDER_NONE;
	*fd_ret = gs_take_fd(&fd);
	return GS_FOLDER_ENDED;
}

enum gs_folder_state gs_folder_probe(const char *run_dir, const char *name)
{
	gs_autofree char *lock = gs_strf("%s/%s/lock", run_dir, name);
	gs_autoclose int fd = -1;

	return lock ? probe_lock(lock, &fd) : GS_FOLDER_NONE;
}

enum gs_folder_state gs_folder_clean(const char *run_dir, const char *name)
{
	gs_autofree char *dir = gs_strf("%s/%s", run_dir, name);
	gs_autofree char *lock = gs_strf("%s/%s/lock", run_dir, name);
	gs_autoclose int fd = -1;
	enum gs_folder_state state;

	if (!dir || !lock)
		return GS_FOLDER_NONE;
	state = probe_lock(lock, &fd);
	/* The upgrade fails when somebody else looks at the same time: one will come back. */
	if (state == GS_FOLDER_ENDED && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_same_file(fd, lock))
		retire(run_dir, dir, name);
	if (state == GS_FOLDER_NONE) {
		if (strncmp(name, DEAD_PREFIX, strlen(DEAD_PREFIX)) == 0)
			remove_files(dir, NULL);
		rmdir(dir); /* nothing happens unless it is empty */
	}
	return state;
}

/* Whether the record names a living process: the lock is a guest's, not that of one who looks. */
static bool has_live_record(const char *run_dir, const char *name)
{
	struct gs_guest guest = {0};
	gs_autoerror struct gs_error *err = gs_record_read(run_dir, name, &guest);
	gs_autoclose int pidfd = -1;
	gs_autoerror struct gs_error *gone = err ? NULL : gs_pidfd_open(guest.pid, &pidfd);

	gs_guest_deinit(&guest);
	return !err && !gone;
}

/* One try; *fd_ret stays -1 when another one is worth it. */
static struct gs_error *try_claim(const char *dir, int *fd_ret)
{
	gs_autofree char *lock = gs_strf("%s/lock", dir);
	gs_autoclose int fd = -1;

	if (!lock)
		return gs_error_nomem();
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return gs_error_os(errno, "%s", dir);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) /* ENOENT: a cleaner was faster than we */
		return errno == ENOENT ? NULL : gs_error_os(errno, "%s", lock);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? NULL : gs_error_os(errno, "%s", lock);
	if (is_same_file(fd, lock))
		*fd_ret = gs_take_fd(&fd);
	return NULL;
}

/*
 * Somebody who only looks or cleans holds the lock for a moment, a launcher until there is a
 * record. A lock cannot be awaited with a deadline: hence the naps.
 */
static struct gs_error *claim_lock(const char *run_dir, const char *dir, const char *name,
				   uint64_t patience_ms, int *fd_ret)
{
	const struct timespec nap = {.tv_nsec = CLAIM_NAP_MS * 1000000L};
	uint64_t deadline_ms = gs_deadline_in(patience_ms);

	for (*fd_ret = -1;;) {
		struct gs_error *err = try_claim(dir, fd_ret);

		if (err || *fd_ret >= 0)
			return err;
		if (has_live_record(run_dir, name))
			return gs_error_create(GS_ERROR_BUSY, "guest '%s' is running already",
					       name);
		if (gs_deadline_passed(deadline_ms))
			return gs_error_create(GS_ERROR_BUSY, "guest '%s' is being launched", name);
		nanosleep(&nap, NULL);
	}
}

/* Takes @name. */
static struct gs_error *claim(const char *run_dir, char *name, uint64_t patience_ms,
			      struct gs_claim *ret)
{
	gs_autofree char *owned = name;
	gs_autofree char *dir = name ? gs_strf("%s/%s", run_dir, name) : NULL;
	struct gs_error *err;
	int fd;

	if (!dir)
		return gs_error_nomem();
	err = claim_lock(run_dir, dir, name, patience_ms, &fd);
	if (err)
		return err;
	remove_files(dir, "lock"); /* what a dead guest of that name left */
	*ret = (struct gs_claim){gs_take(owned), gs_take(dir), fd};
	return NULL;
}

/* The first free number. */
static struct gs_error *claim_any(const char *run_dir, struct gs_claim *ret)
{
	for (int n = 1; n <= GUEST_NUMBER_MAX; n++) {
		struct gs_error *err = claim(run_dir, gs_strf("guest-%d", n), 0, ret);

		if (!err || err->code != GS_ERROR_BUSY)
			return err;
		gs_error_destroy(err);
	}
	return gs_error_create(GS_ERROR_BUSY, "%s: guest-1 to guest-%d are all running", run_dir,
			       GUEST_NUMBER_MAX);
}

struct gs_error *gs_folder_claim(const char *run_dir, const char *name, struct gs_claim *ret)
{
	struct gs_error *err = name ? gs_folder_check_name(name) : NULL;

	if (err)
		return err;
	if (mkdir(run_dir, 0700) < 0 && errno != EEXIST)
		return gs_error_os(errno, "%s", run_dir);
	return name ? claim(run_dir, strdup(name), CLAIM_PATIENCE_MS, ret)
		    : claim_any(run_dir, ret);
}

void gs_folder_disclaim(const char *run_dir, const struct gs_claim *claimed)
{
	retire(run_dir, claimed->dir, claimed->name);
}

void gs_claim_deinit(struct gs_claim *claimed)
{
	free(claimed->name);
	free(claimed->dir);
	if (claimed->lock_fd >= 0)
		close(claimed->lock_fd);
	*claimed = (struct gs_claim){.lock_fd = -1};
}
