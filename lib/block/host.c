/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files and devices of this host, looked at without opening them. */
#include "graph.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

#define SECTOR 512 /* what sysfs and st_blocks count in, whatever the device has */

/* Without a descriptor: opening a device may wait for it, or close its tray. */
static struct gs_error *device_length(dev_t device, uint64_t *ret)
{
	gs_autofree char *text = NULL;
	unsigned long long sectors;
	struct gs_error *err;
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/size", major(device), minor(device));
	err = gs_read_file(path, 64, &text, NULL);
	if (err)
		return err;
	if (sscanf(text, "%llu", &sectors) != 1 ||
	    __builtin_mul_overflow(sectors, (unsigned long long)SECTOR, &sectors))
		return gs_error_create(GS_ERROR_CORRUPT, "%s: no size", path);
	*ret = sectors;
	return NULL;
}

static struct gs_error *describe(const struct stat *st, struct gs_block_place *ret)
{
	struct gs_block_place place = {.kind = GS_BLOCK_OTHER};
	struct gs_error *err = NULL;

	if (S_ISREG(st->st_mode)) {
		place.kind = GS_BLOCK_FILE;
		place.length = (uint64_t)st->st_size;
		place.allocated = (uint64_t)st->st_blocks * SECTOR;
	} else if (S_ISBLK(st->st_mode)) {
		place.kind = GS_BLOCK_DEVICE;
		err = device_length(st->st_rdev, &place.length);
	}
	if (!err)
		*ret = place;
	return err;
}

struct gs_error *gs_block_look(const char *path, struct gs_block_place *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return gs_error_os(errno, "%s", path);
	return gs_error_wrap(describe(&st, ret), "%s", path);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode))
		return S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A name may by now be another file's than the one that was opened by it. */
static bool is_open_in(pid_t pid, const struct stat *wanted)
{
	bool found = false;
	struct dirent *entry;
	char path[64];
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	if (!fds)
		return false;
	while (!found && (entry = readdir(fds))) {
		struct stat st;

		found = *entry->d_name != '.' && fstatat(dirfd(fds), entry->d_name, &st, 0) == 0 &&
			is_same(wanted, &st);
	}
	closedir(fds);
	return found;
}

bool gs_block_look_as(pid_t qemu, const struct gs_block_node *node, struct gs_block_place *ret)
{
	gs_autoerror struct gs_error *err = NULL;
	gs_autofree char *path = NULL;
	struct stat st;

	if (qemu <= 0 || !node->filename)
		return false;
	path = gs_strf("/proc/%d/%s/%s", (int)qemu, *node->filename == '/' ? "root" : "cwd",
		       node->filename);
	if (!path || stat(path, &st) < 0 || !is_open_in(qemu, &st))
		return false;
	err = describe(&st, ret);
	return !err && ret->kind != GS_BLOCK_OTHER;
}
