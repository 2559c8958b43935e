/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that a process runs code of, out of its /proc/PID/maps. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <guestscope/base/io.h>

#define PROC_TEXT_MAX (64u << 20) /* 65,530 mappings with long names, and more */
#define FILES_MAX 65536
#define DELETED " (deleted)"
#define VDSO "[vdso]"

/* ---- /proc/PID ---- */

static struct gs_error *proc_error(const struct gs_process_symbols *symbols, const char *name)
{
	if (errno == ESRCH || errno == ENOENT)
		return gs_error_create(GS_ERROR_GONE, "process %d has ended", (int)symbols->pid);
	if (errno == EACCES || errno == EPERM)
		return gs_error_create(
			GS_ERROR_UNREACHABLE,
			"/proc/%d/%s: it is another user's, or the system forbids it",
			(int)symbols->pid, name);
	return gs_error_os(errno, "/proc/%d/%s", (int)symbols->pid, name);
}

struct gs_error *gs_process_open_proc(struct gs_process_symbols *symbols, const char *name,
				      int *fd_ret)
{
	int fd = openat(symbols->proc_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return proc_error(symbols, name);
	*fd_ret = fd;
	return NULL;
}

struct gs_error *gs_process_read_proc(struct gs_process_symbols *symbols, const char *name,
				      char **ret, size_t *size_ret)
{
	gs_autotext struct gs_text text = {0};
	gs_autoclose int fd = -1;
	struct gs_error *err = gs_process_open_proc(symbols, name, &fd);
	char buf[16384];
	ssize_t n = 1;

	while (!err && n > 0 && text.size < PROC_TEXT_MAX) {
		n = gs_read_full(fd, buf, sizeof(buf));
		if (n < 0)
			return proc_error(symbols, name);
		gs_text_append(&text, buf, (size_t)n);
	}
	if (err)
		return err;
	*size_ret = text.size;
	return gs_text_finish(&text, ret);
}

bool gs_process_read_memory(const struct gs_process_symbols *symbols, uint64_t address, void *buf,
			    size_t size)
{
	gs_autoclose int fd = openat(symbols->proc_fd, "mem", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && gs_pread_full(fd, buf, size, address) == (ssize_t)size;
}

/* ---- lines of maps ---- */

struct mapping {
	uint64_t start, end, off, inode;
	unsigned int dev_major, dev_minor;
	char perms[5];
	const char *path; /* into the line */
};

/* "start-end perms offset major:minor inode    path" */
static bool parse_mapping(const char *line, struct mapping *ret)
{
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &ret->start, &ret->end, ret->perms, &ret->off, &ret->dev_major, &ret->dev_minor,
		   &ret->inode, &path) != 7)
		return false;
	ret->path = line + path;
	return path && strlen(ret->perms) == 4 && ret->end > ret->start;
}

/* The list that is being made. The last of @files is the one that further mappings may be of. */
struct listing {
	struct gs_process_symbols *symbols;
	struct process_file *files;
	size_t count;
	uint64_t last_off; /* of the last mapping of the last file */
	bool open;         /* the last file may have more of them */
};

static bool continues(const struct listing *list, const struct mapping *mapping)
{
	const struct process_file *file = list->open ? &list->files[list->count - 1] : NULL;

	return file && file->inode == mapping->inode && file->dev_major == mapping->dev_major &&
	       file->dev_minor == mapping->dev_minor && mapping->off &&
	       mapping->off >= list->last_off;
}

static char *clean_path(const struct mapping *mapping)
{
	size_t size = strlen(mapping->path), mark = strlen(DELETED);

	if (mapping->inode && size > mark && !strcmp(mapping->path + size - mark, DELETED))
		size -= mark;
	return strndup(mapping->path, size);
}

static struct gs_error *begin_file(struct listing *list, const struct mapping *mapping)
{
	size_t n = list->count;

	if (n == FILES_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "more than %u mapped files",
				       FILES_MAX);
	if (!(n & (n - 1))) { /* full: the room doubles */
		struct process_file *files =
			reallocarray(list->files, n ? 2 * n : 1, sizeof(*files));

		if (!files)
			return gs_error_nomem();
		list->files = files;
	}
	list->files[n] = (struct process_file){
		.symbols = list->symbols,
		.start = mapping->start,
		.first_end = mapping->end,
		.dev_major = mapping->dev_major,
		.dev_minor = mapping->dev_minor,
		.inode = mapping->inode,
		.path = clean_path(mapping),
	};
	list->count++;
	list->open = true;
	return list->files[n].path ? NULL : gs_error_nomem();
}

static struct gs_error *add_mapping(struct listing *list, const struct mapping *mapping)
{
	struct gs_error *err = NULL;

	/* Between those of a file there may be memory of no file, as its .bss, or holes. */
	if (*mapping->path != '/' && strcmp(mapping->path, VDSO) != 0) {
		list->open = list->open && !*mapping->path;
		return NULL;
	}
	if (!continues(list, mapping)) {
		/* One without code in it is not wanted. */
		if (list->count && !list->files[list->count - 1].executable)
			free(list->files[--list->count].path);
		err = begin_file(list, mapping);
	}
	if (err)
		return err;
	list->last_off = mapping->off;
	list->files[list->count - 1].end = mapping->end;
	list->files[list->count - 1].executable |= mapping->perms[2] == 'x';
	return NULL;
}

static struct gs_error *add_lines(struct listing *list, char *text)
{
	struct mapping mapping;
	char *line, *next = text;

	while ((line = strsep(&next, "\n"))) {
		struct gs_error *err = NULL;

		if (*line && !parse_mapping(line, &mapping))
			err = gs_error_create(GS_ERROR_CORRUPT, "not understood: \"%.80s\"", line);
		else if (*line)
			err = add_mapping(list, &mapping);
		if (err)
			return err;
	}
	if (list->count && !list->files[list->count - 1].executable)
		free(list->files[--list->count].path);
	return NULL;
}

struct gs_error *gs_process_files_read(struct gs_process_symbols *symbols,
				       struct process_file **ret, size_t *count_ret)
{
	struct listing list = {.symbols = symbols};
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err = gs_process_read_proc(symbols, "maps", &text, &size);

	if (!err && !size)
		return gs_error_create(GS_ERROR_GONE, "process %d has ended, or is the kernel's",
				       (int)symbols->pid);
	if (!err)
		err = gs_error_wrap(add_lines(&list, text), "/proc/%d/maps", (int)symbols->pid);
	if (err) {
		gs_process_files_free(list.files, list.count);
		return err;
	}
	*ret = list.files;
	*count_ret = list.count;
	return NULL;
}

void gs_process_files_free(struct process_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(files[i].path);
	free(files);
}

/* ---- names of files ---- */

const char *gs_process_file_name(const struct process_file *file)
{
	const char *slash = strrchr(file->path, '/');

	return slash ? slash + 1 : file->path;
}

bool gs_process_file_is(const struct process_file *file, const char *lib)
{
	const char *name = strchr(lib, '/') ? file->path : gs_process_file_name(file);
	size_t size = strlen(name), lib_size = strlen(lib);
	const char *rest;

	if (*lib == '/' || !strchr(lib, '/'))
		rest = strncmp(name, lib, lib_size) == 0 ? name + lib_size : NULL;
	else /* the end of a path */
		return size > lib_size && !strcmp(name + size - lib_size, lib) &&
		       name[size - lib_size - 1] == '/';
	if (!rest)
		return !strcmp(lib, "vdso") && !strcmp(name, VDSO);
	return !*rest || !strncmp(rest, ".so", 3) || (*rest == '.' && strstr(lib, ".so"));
}
