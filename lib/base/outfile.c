/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output files that appear complete or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

#define SYMLINKS_MAX 40 /* as the kernel's own limit */
#define TEMPORARY_NAME 40

enum kind {
	KIND_STDOUT,  /* borrowed */
	KIND_THROUGH, /* a device or fifo that was there before us */
	KIND_UNNAMED, /* O_TMPFILE */
	KIND_BESIDE,  /* under a temporary name in the directory of the target */
};

struct gs_outfile {
	enum kind kind;
	unsigned int flags;
	int fd;
	mode_t type;                    /* S_IFMT bits of fd */
	char *path;                     /* as the user gave it */
	int dir_fd;                     /* of the target; -1 unless UNNAMED or BESIDE */
	char *base;                     /* the target's name in there */
	char temporary[TEMPORARY_NAME]; /* name beside the target, "" for none */
};

static struct gs_error *refuse_existing(const char *path)
{
	return gs_error_create(GS_ERROR_INVALID, "%s: exists already (--force replaces it)", path);
}

/* The target of the symlink @path, relative to its own folder; "" if it is none. */
static struct gs_error *follow_symlink(const char *path, char **ret)
{
	char link[PATH_MAX];
	const char *slash = strrchr(path, '/');
	ssize_t size = readlink(path, link, sizeof(link));

	if (size < 0 && errno != EINVAL && errno != ENOENT)
		return gs_error_os(errno, "%s", path);
	if (size == (ssize_t)sizeof(link))
		return gs_error_os(ENAMETOOLONG, "%s", path);
	if (size <= 0)
		*ret = strdup("");
	else if (link[0] == '/' || !slash)
		*ret = gs_strf("%.*s", (int)size, link);
	else
		*ret = gs_strf("%.*s/%.*s", (int)(slash - path), path, (int)size, link);
	return *ret ? NULL : gs_error_nomem();
}

/*
 * The name behind all symlinks, so that a commit replaces the file and not the link to it. Unlike
 * realpath() it takes a name that does not exist yet.
 */
static struct gs_error *resolve_symlinks(const char *path, char **ret)
{
	gs_autofree char *current = strdup(path);
	struct gs_error *err;

	if (!current)
		return gs_error_nomem();
	for (int i = 0; i < SYMLINKS_MAX; i++) {
		gs_autofree char *next = NULL;

		err = follow_symlink(current, &next);
		if (err)
			return err;
		if (!*next) {
			*ret = gs_take(current);
			return NULL;
		}
		free(current);
		current = gs_take(next);
	}
	return gs_error_os(ELOOP, "%s", path);
}

/* Opens the target's directory and keeps its name there. */
static int open_directory(struct gs_outfile *f, const char *target)
{
	const char *slash = strrchr(target, '/');
	const char *base = slash ? slash + 1 : target;
	gs_autofree char *dir = NULL;

	if (!*base) {
		errno = EISDIR;
		return -1;
	}
	if (!slash)
		dir = strdup(".");
	else
		dir = gs_strf("%.*s", slash == target ? 1 : (int)(slash - target), target);
	f->base = strdup(base);
	if (!dir || !f->base) {
		errno = ENOMEM;
		return -1;
	}
	f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->dir_fd < 0 ? -1 : 0;
}

/* Without the target's own name in it: that might leave no room below NAME_MAX. */
static void choose_temporary(char name[TEMPORARY_NAME])
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = (uint64_t)getpid();
	snprintf(name, TEMPORARY_NAME, ".guestscope-%016llx", (unsigned long long)random);
}

static int create_beside(struct gs_outfile *f)
{
	int fd;

	do {
		choose_temporary(f->temporary);
		fd = openat(f->dir_fd, f->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		f->temporary[0] = '\0';
	return fd;
}

static int create_regular(struct gs_outfile *f)
{
	f->kind = KIND_UNNAMED;
	f->fd = openat(f->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	/* ENOENT, EISDIR: a filesystem that knows the flag's older bits only. */
	if (f->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT ||
			  errno == EINVAL || errno == ENOSYS)) {
		f->kind = KIND_BESIDE;
		f->fd = create_beside(f);
	}
	f->type = S_IFREG;
	return f->fd < 0 ? -1 : 0;
}

static struct gs_error *open_regular(struct gs_outfile *f)
{
	gs_autofree char *target = NULL;
	struct gs_error *err = resolve_symlinks(f->path, &target);

	if (err)
		return err;
	if (open_directory(f, target) < 0 || create_regular(f) < 0)
		return gs_error_os(errno, "%s", f->path);
	return NULL;
}

/* A device or fifo. Opening a fifo waits for its reader; a signal ends the wait with EINTR. */
static struct gs_error *open_through(struct gs_outfile *f)
{
	struct stat st;

	f->kind = KIND_THROUGH;
	f->fd = open(f->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return gs_error_os(errno, "%s", f->path);
	f->type = st.st_mode & S_IFMT;
	if (f->type == S_IFREG) /* it was none when we looked */
		return refuse_existing(f->path);
	return NULL;
}

static struct gs_error *open_stdout(struct gs_outfile *f)
{
	struct stat st;

	f->kind = KIND_STDOUT;
	f->fd = STDOUT_FILENO;
	if (fstat(f->fd, &st) < 0)
		return gs_error_os(errno, "%s", f->path);
	f->type = st.st_mode & S_IFMT;
	return NULL;
}

static struct gs_error *open_path(struct gs_outfile *f)
{
	struct stat st;

	if (stat(f->path, &st) < 0)
		return errno == ENOENT ? open_regular(f) : gs_error_os(errno, "%s", f->path);
	if (S_ISDIR(st.st_mode))
		return gs_error_os(EISDIR, "%s", f->path);
	if (!S_ISREG(st.st_mode))
		return open_through(f);
	return f->flags & GS_OUTFILE_FORCE ? open_regular(f) : refuse_existing(f->path);
}

struct gs_error *gs_outfile_open(const char *path, unsigned int flags, struct gs_outfile **ret)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *f = calloc(1, sizeof(*f));
	bool is_stdout = strcmp(path, "-") == 0;
	struct gs_error *err;

	if (!f)
		return gs_error_nomem();
	f->fd = f->dir_fd = -1;
	f->flags = flags;
	f->path = strdup(is_stdout ? "stdout" : path);
	if (!f->path)
		return gs_error_nomem();
	err = is_stdout ? open_stdout(f) : open_path(f);
	if (!err)
		*ret = gs_take(f);
	return err;
}

int gs_outfile_fd(const struct gs_outfile *f)
{
	return f->fd;
}

const char *gs_outfile_path(const struct gs_outfile *f)
{
	return f->path;
}

bool gs_outfile_is_seekable(const struct gs_outfile *f)
{
	/* A redirected stdout has an offset that others share, and may be in append mode. */
	return f->kind != KIND_STDOUT && (f->type == S_IFREG || f->type == S_IFBLK);
}

uint64_t gs_outfile_free_bytes(const struct gs_outfile *f)
{
	struct statvfs fs;
	uint64_t bytes;
	off_t size;

	if (f->type == S_IFBLK) {
		size = lseek(f->fd, 0, SEEK_END);
		return size < 0 || lseek(f->fd, 0, SEEK_SET) < 0 ? UINT64_MAX : (uint64_t)size;
	}
	/* f_blocks is 0 where there is no limit. */
	if (f->type != S_IFREG || fstatvfs(f->fd, &fs) < 0 || !fs.f_blocks ||
	    __builtin_mul_overflow((uint64_t)fs.f_bavail, (uint64_t)fs.f_frsize, &bytes))
		return UINT64_MAX;
	return bytes;
}

/* Give the unnamed file a name; EEXIST if there is such a file. */
static int link_unnamed(const struct gs_outfile *f, const char *name)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
	if (linkat(AT_FDCWD, self, f->dir_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	return linkat(f->fd, "", f->dir_fd, name, AT_EMPTY_PATH); /* no /proc here */
}

static int link_temporary(struct gs_outfile *f)
{
	int rc;

	do {
		choose_temporary(f->temporary);
		rc = link_unnamed(f, f->temporary);
	} while (rc < 0 && errno == EEXIST);
	if (rc < 0)
		f->temporary[0] = '\0';
	return rc;
}

/* Rename to a name that must not exist. */
static int rename_exclusive(const struct gs_outfile *f)
{
	int reserved;

	if (renameat2(f->dir_fd, f->temporary, f->dir_fd, f->base, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* The filesystem has no such rename: whoever creates the name owns it. */
	reserved = openat(f->dir_fd, f->base, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (reserved < 0)
		return -1;
	close(reserved);
	return renameat(f->dir_fd, f->temporary, f->dir_fd, f->base);
}

/* Give the file its name. A temporary name is gone if that succeeded. */
static int publish(struct gs_outfile *f)
{
	bool force = f->flags & GS_OUTFILE_FORCE;
	int rc;

	if (f->kind == KIND_UNNAMED) {
		rc = link_unnamed(f, f->base);
		if (rc == 0 || errno != EEXIST || !force)
			return rc;
		if (link_temporary(f) < 0)
			return -1;
	}
	rc = force ? renameat(f->dir_fd, f->temporary, f->dir_fd, f->base) : rename_exclusive(f);
	if (rc == 0)
		f->temporary[0] = '\0';
	return rc;
}

/* Filesystems that cannot sync a directory say EINVAL; there is nothing more to do then. */
static int sync_directory(const struct gs_outfile *f)
{
	return fsync(f->dir_fd) < 0 && errno != EINVAL ? -1 : 0;
}

static struct gs_error *commit_regular(struct gs_outfile *f)
{
	int saved_errno;

	if (fsync(f->fd) < 0)
		return gs_error_os(errno, "%s", f->path);
	if (publish(f) < 0)
		return errno == EEXIST ? refuse_existing(f->path)
				       : gs_error_os(errno, "%s", f->path);
	if (sync_directory(f) < 0) {
		saved_errno = errno;
		unlinkat(f->dir_fd, f->base, 0);
		return gs_error_os(saved_errno, "%s", f->path);
	}
	return NULL;
}

struct gs_error *gs_outfile_commit(struct gs_outfile *f)
{
	bool is_regular = f->kind == KIND_UNNAMED || f->kind == KIND_BESIDE;

	if (is_regular)
		return commit_regular(f);
	if ((f->type == S_IFREG || f->type == S_IFBLK) && fsync(f->fd) < 0)
		return gs_error_os(errno, "%s", f->path);
	return NULL;
}

void gs_outfile_destroy(struct gs_outfile *f)
{
	if (!f)
		return;
	if (f->temporary[0])
		unlinkat(f->dir_fd, f->temporary, 0);
	if (f->fd >= 0 && f->kind != KIND_STDOUT)
		close(f->fd);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	free(f->base);
	free(f->path);
	free(f);
}

struct gs_error *gs_file_replace(const char *path, const void *data, size_t size)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *file = NULL;
	struct gs_error *err = gs_outfile_open(path, GS_OUTFILE_FORCE, &file);

	if (!err && gs_write_full(gs_outfile_fd(file), data, size) < 0)
		err = gs_error_os(errno, "%s", path);
	return err ? err : gs_outfile_commit(file);
}
