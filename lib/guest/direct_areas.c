/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/maps, and the files behind shared areas: their holes are memory that nobody has
 * touched, and reading them through QEMU's mapping would fill them.
 */
#include "direct_areas.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "direct_touched.h"

#define AREAS_MAX (1u << 20) /* the kernel's own limit is 65,530 unless raised */
#define LINK_SIZE 4096

/* ---- /proc/PID/maps ---- */

static enum direct_backing backing_of(const char *perms, uint64_t inode, const char *path)
{
	if (perms[3] == 's')
		return inode ? DIRECT_SHARED : DIRECT_OPAQUE;
	if (inode || (*path && strcmp(path, "[heap]") != 0 && strncmp(path, "[anon:", 6) != 0))
		return DIRECT_OPAQUE;
	return DIRECT_PRIVATE;
}

/* "start-end perms offset major:minor inode    path" */
static struct gs_error *parse_area(char *line, struct direct_area *ret)
{
	struct direct_area area = {.fd = -1};
	uint64_t inode;
	char perms[5];
	int path = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64 " %n",
		   &area.start, &area.end, perms, &area.off, &inode, &path) != 5 ||
	    !path || strlen(perms) != 4 || area.end <= area.start)
		return gs_error_create(GS_ERROR_CORRUPT, "not understood: \"%.80s\"", line);
	area.backing = backing_of(perms, inode, line + path);
	if (area.backing == DIRECT_SHARED) {
		area.inode = inode;
		area.path = strdup(line + path);
		if (!area.path)
			return gs_error_nomem();
	}
	*ret = area;
	return NULL;
}

static struct gs_error *add_area(struct direct_areas *areas, char *line)
{
	size_t n = areas->count;

	if (n == AREAS_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "more than %u areas", AREAS_MAX);
	if (!(n & (n - 1))) { /* full: the room doubles */
		struct direct_area *items = realloc(areas->items, (n ? 2 * n : 1) * sizeof(*items));

		if (!items)
			return gs_error_nomem();
		areas->items = items;
	}
	areas->count += 1;
	areas->items[n] = (struct direct_area){.fd = -1};
	return parse_area(line, &areas->items[n]);
}

static struct gs_error *read_lines(FILE *file, struct direct_areas *areas)
{
	gs_autofree char *line = NULL;
	struct gs_error *err = NULL;
	size_t capacity = 0;

	errno = 0;
	while (!err && getline(&line, &capacity, file) >= 0)
		err = add_area(areas, line);
	if (!err && !feof(file))
		err = gs_error_os(errno, "read");
	return err;
}

struct gs_error *gs_direct_areas_read(const struct direct_process *p, struct direct_areas **ret)
{
	GS_CLEANUP(gs_direct_areas_destroy) struct direct_areas *areas = calloc(1, sizeof(*areas));
	gs_autoclose int fd = openat(p->proc_fd, "maps", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	struct gs_error *err;

	if (!areas)
		return gs_error_nomem();
	pthread_mutex_init(&areas->lock, NULL);
	if (!file)
		return gs_error_os(errno, "/proc/%d/maps", (int)p->pid);
	(void)gs_take_fd(&fd);
	err = read_lines(file, areas);
	fclose(file);
	if (err)
		return gs_error_wrap(err, "/proc/%d/maps", (int)p->pid);
	*ret = gs_take(areas);
	return NULL;
}

void gs_direct_areas_destroy(struct direct_areas *areas)
{
	if (!areas)
		return;
	for (size_t i = 0; i < areas->count; i++) {
		free(areas->items[i].path);
		if (areas->items[i].fd >= 0)
			close(areas->items[i].fd);
	}
	pthread_mutex_destroy(&areas->lock);
	free(areas->items);
	free(areas);
}

/* The area that holds @hva, else the first one above it; may be past the last. */
static struct direct_area *find_area(const struct direct_areas *areas, uint64_t hva)
{
	size_t low = 0, high = areas->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (areas->items[middle].end <= hva)
			low = middle + 1;
		else
			high = middle;
	}
	return &areas->items[low];
}

/* ---- the file behind a shared area ---- */

/*
 * Those that know of pages which are dirty only in somebody's mapping, and whose holes so are
 * holes. (hugetlbfs is not among them: to it, all is data.)
 */
static bool knows_its_holes(int fd)
{
	static const unsigned long types[] = {TMPFS_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
					      BTRFS_SUPER_MAGIC};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if ((unsigned long)fs.f_type == types[i])
			return true;
	}
	return false;
}

static bool is_file_of(const struct stat *st, const struct direct_area *area)
{
	return S_ISREG(st->st_mode) && st->st_ino == area->inode;
}

static int open_if_same(int dir, const char *name, const struct direct_area *area)
{
	gs_autoclose int fd = -1;
	struct stat st;

	/* A look before: opening a device may be felt. */
	if (fstatat(dir, name, &st, 0) < 0 || !is_file_of(&st, area))
		return -1;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !is_file_of(&st, area))
		return -1;
	return gs_take_fd(&fd);
}

/* The kernel's own way, which only root may go. */
static int open_mapped(const struct direct_process *p, const struct direct_area *area)
{
	char name[64];

	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, area->start, area->end);
	return open_if_same(p->proc_fd, name, area);
}

static bool is_link_to(int dir, const char *name, const char *path)
{
	char target[LINK_SIZE];
	ssize_t size = readlinkat(dir, name, target, sizeof(target));

	return size == (ssize_t)strlen(path) && memcmp(target, path, (size_t)size) == 0;
}

/* QEMU keeps the files of its backends open. */
static int open_among_fds(const struct direct_process *p, const struct direct_area *area)
{
	int dir_fd = openat(p->proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	DIR *dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);
	struct dirent *entry;

	if (!dir) {
		if (dir_fd >= 0)
			close(dir_fd);
		return -1;
	}
	while (fd < 0 && (entry = readdir(dir))) {
		if (is_link_to(dir_fd, entry->d_name, area->path))
			fd = open_if_same(dir_fd, entry->d_name, area);
	}
	closedir(dir);
	return fd;
}

static void open_file(struct direct_area *area, const struct direct_process *p)
{
	area->fd = open_mapped(p, area);
	if (area->fd < 0)
		area->fd = open_among_fds(p, area);
	/* What cannot be opened can still be read. */
	if (area->fd < 0 || !knows_its_holes(area->fd))
		area->backing = DIRECT_OPAQUE;
}

struct gs_error *gs_direct_areas_use(struct direct_areas *areas, const struct direct_process *p,
				     uint64_t hva, uint64_t size)
{
	struct direct_area *area = find_area(areas, hva), *end = areas->items + areas->count;
	uint64_t at = hva;

	for (; at - hva < size; area++) {
		if (area == end || area->start > at)
			return gs_error_create(GS_ERROR_UNSUPPORTED,
					       "process %d has no memory at 0x%" PRIx64,
					       (int)p->pid, at);
		if (area->backing == DIRECT_SHARED && area->fd < 0)
			open_file(area, p);
		at = area->end;
	}
	return NULL;
}

/* ---- what was touched ---- */

/*
 * The end of a run of data takes a walk over all its pages, so the last one is remembered: who asks
 * for many places in it walks once.
 */
static bool in_known_data(struct direct_areas *areas, const struct direct_area *area, uint64_t off,
			  uint64_t *end_ret)
{
	bool known;

	pthread_mutex_lock(&areas->lock);
	known = off >= area->data_start && off < area->data_end;
	*end_ret = area->data_end;
	pthread_mutex_unlock(&areas->lock);
	return known;
}

static void remember_data(struct direct_areas *areas, struct direct_area *area, uint64_t start,
			  uint64_t end)
{
	pthread_mutex_lock(&areas->lock);
	area->data_start = start;
	area->data_end = end;
	pthread_mutex_unlock(&areas->lock);
}

/* As offsets in the file. */
static struct gs_error *file_extent(struct direct_areas *areas, struct direct_area *area,
				    uint64_t off, enum gs_extent *ret, uint64_t *end_ret)
{
	off_t data, hole;

	*ret = GS_EXTENT_DATA;
	if (in_known_data(areas, area, off, end_ret))
		return NULL;
	data = lseek(area->fd, (off_t)off, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		return gs_error_os(errno, "%s: SEEK_DATA", area->path);
	if (data < 0 || (uint64_t)data > off) {
		*ret = GS_EXTENT_ZERO;
		*end_ret = data < 0 ? UINT64_MAX : (uint64_t)data;
		return NULL;
	}
	hole = lseek(area->fd, (off_t)off, SEEK_HOLE);
	if (hole < 0)
		return gs_error_os(errno, "%s: SEEK_HOLE", area->path);
	*end_ret = (uint64_t)hole;
	remember_data(areas, area, off, (uint64_t)hole);
	return NULL;
}

struct gs_error *gs_direct_areas_extent(struct direct_areas *areas, const struct direct_process *p,
					uint64_t hva, uint64_t limit, enum gs_extent *ret,
					uint64_t *end_ret)
{
	struct direct_area *area = find_area(areas, hva);
	struct gs_error *err = NULL;
	uint64_t end = 0, off;

	if (limit > area->end)
		limit = area->end;
	*end_ret = limit;
	*ret = GS_EXTENT_DATA;
	if (area->backing == DIRECT_PRIVATE)
		return gs_direct_touched(p->pagemap_fd, hva, limit, ret, end_ret);
	if (area->backing == DIRECT_SHARED) {
		off = area->off + (hva - area->start);
		err = file_extent(areas, area, off, ret, &end);
		if (!err && end - off < limit - hva)
			*end_ret = hva + (end - off);
	}
	return err;
}
