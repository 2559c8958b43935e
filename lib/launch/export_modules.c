/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The modules of a running QEMU: those that are mapped, by /proc, and the ones that its program
 * names. QEMU itself does not tell what it looked for in vain: a binary has a table of its modules
 * (qemu_modinfo), and their names, without ".so", are strings of their own in the file.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <guestscope/base/io.h>
#include <guestscope/base/json.h>

#include "export.h"

#define MAPS_MAX ((size_t)4 << 20)
#define PROGRAM_MAX ((off_t)1 << 30)
#define NAME_MAX_BYTES 64
#define NAMES_MAX 1024
#define PARTS_MAX 4096 /* mappings of modules; five for each */
#define TABLE "qemu_modinfo"
#define QEMU "dump-vmstate" /* an option that is spelled in every QEMU, and in no shell */
#define DEVICES "hw-"       /* how the names of modules with devices begin */

/* ---- loaded ---- */

static bool is_module(const char *path)
{
	static const char *const prefixes[] = {"accel-",   "audio-", "block-",
					       "chardev-", DEVICES,  "ui-"};
	const char *name = strrchr(path, '/');
	size_t size = strlen(path);

	if (!name || size < 3 || strcmp(path + size - 3, ".so") != 0)
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(name + 1, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The modules in the lines of @maps, each once for each of its parts. */
static size_t find_modules(char *maps, char **paths, size_t capacity)
{
	char *save = NULL;
	size_t count = 0;

	for (char *line = strtok_r(maps, "\n", &save); line && count < capacity;
	     line = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(line, '/');

		if (path && is_module(path))
			paths[count++] = path;
	}
	return count;
}

/* Sorted: the order in memory is another each time. */
static bool list_loaded(pid_t pid, struct gs_json *loaded)
{
	gs_autofree char *file = gs_strf("/proc/%d/maps", (int)pid), *maps = NULL;
	gs_autoerror struct gs_error *err = file ? gs_read_file(file, MAPS_MAX, &maps, NULL) : NULL;
	char *paths[PARTS_MAX];
	size_t count = maps ? find_modules(maps, paths, PARTS_MAX) : 0;

	qsort(paths, count, sizeof(*paths), by_text);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && strcmp(paths[i - 1], paths[i]) == 0)
			continue;
		if (!gs_json_append(loaded, gs_json_new_string(paths[i])))
			return false;
	}
	return maps && !err;
}

/* ---- named ---- */

static bool contains(const struct gs_json *strings, const char *text)
{
	gs_json_for_each (each, strings) {
		if (strcmp(gs_json_string(each), text) == 0)
			return true;
	}
	return false;
}

struct program {
	const char *data;
	size_t size;
};

/* A file that is changed while it runs is not to be had: it cannot be cut under the mapping. */
static bool map_program(pid_t pid, struct program *ret)
{
	gs_autofree char *file = gs_strf("/proc/%d/exe", (int)pid);
	gs_autoclose int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	struct stat st;
	void *data;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > PROGRAM_MAX)
		return false;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return false;
	*ret = (struct program){data, (size_t)st.st_size};
	return true;
}

/* Whether a module of that name is among the paths. */
static bool is_loaded(const struct gs_json *loaded, const char *name)
{
	gs_json_for_each (each, loaded) {
		const char *file = strrchr(gs_json_string(each), '/') + 1;
		size_t size = strlen(name);

		if (strncmp(file, name, size) == 0 && strcmp(file + size, ".so") == 0)
			return true;
	}
	return false;
}

/* The length of the name at the start of @at, if it ends as a string does; else 0. */
static size_t name_size(const char *at, size_t left)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t size = 0;

	while (size < left && size < NAME_MAX_BYTES && at[size] && strchr(letters, at[size]))
		size++;
	return size < left && size < NAME_MAX_BYTES && at[size] == '\0' ? size : 0;
}

static bool list_missing(const struct program *program, const struct gs_json *loaded,
			 struct gs_json *missing)
{
	static const char start[] = "\0" DEVICES;
	const size_t start_size = sizeof(start) - 1;
	const char *end = program->data + program->size, *at = program->data;

	while ((at = memmem(at, (size_t)(end - at), start, start_size)) &&
	       gs_json_count(missing) < NAMES_MAX) {
		const char *name = ++at; /* a string of @program: name_size() has seen its NUL */

		if (name_size(name, (size_t)(end - name)) && !is_loaded(loaded, name) &&
		    !contains(missing, name) && !gs_json_append(missing, gs_json_new_string(name)))
			return false;
	}
	return true;
}

static bool fill(pid_t pid, const struct program *program, struct gs_json *modules)
{
	struct gs_json *loaded = gs_json_new_array(), *missing = gs_json_new_array();
	bool ok = gs_json_set(modules, "loaded", loaded);

	ok = gs_json_set(modules, "missing", missing) && ok;
	return ok && list_loaded(pid, loaded) && list_missing(program, loaded, missing);
}

/* ---- both ---- */

static bool contains_text(const struct program *program, const char *text)
{
	return memmem(program->data, program->size, text, strlen(text));
}

/* Whether a path means the same to the process as to us. */
static bool sees_our_files(pid_t pid)
{
	gs_autofree char *link = gs_strf("/proc/%d/ns/mnt", (int)pid);
	struct stat its, ours;

	return link && stat(link, &its) == 0 && stat("/proc/self/ns/mnt", &ours) == 0 &&
	       its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

/* Its path, unless the file is gone by now. */
static struct gs_error *describe_file(pid_t pid, struct gs_json *about)
{
	gs_autofree char *link = gs_strf("/proc/%d/exe", (int)pid);
	gs_autofree char *path = link ? realpath(link, NULL) : NULL;

	if (!path || !sees_our_files(pid))
		return NULL;
	return gs_json_set(gs_json_get_mutable(about, "qemu"), "program", gs_json_new_string(path))
		       ? NULL
		       : gs_error_nomem();
}

static struct gs_error *describe(pid_t pid, const struct program *program, struct gs_json *about)
{
	struct gs_error *err = NULL;
	struct gs_json *modules;

	if (!contains_text(program, QEMU))
		return NULL;
	err = describe_file(pid, about);
	if (err || !contains_text(program, TABLE))
		return err;
	modules = gs_json_new_object();
	if (modules && fill(pid, program, modules))
		return gs_json_set(about, "modules", modules) ? NULL : gs_error_nomem();
	gs_json_destroy(modules);
	return NULL;
}

struct gs_error *gs_export_program(pid_t pid, struct gs_json *about)
{
	struct program program;
	struct gs_error *err;

	if (!map_program(pid, &program))
		return NULL;
	err = describe(pid, &program, about);
	munmap((void *)program.data, program.size);
	return err;
}
