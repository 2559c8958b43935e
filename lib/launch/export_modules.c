/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The modules of a running QEMU: those that are mapped, by /proc, and those of its program's table
 * that are not. QEMU itself does not tell what it looked for in vain.
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
#define PARTS_MAX 4096      /* mappings of modules; five for each */
#define QEMU "dump-vmstate" /* an option that is spelled in every QEMU, and in no shell */

/* ---- loaded ---- */

static bool is_module(const char *path)
{
	static const char *const prefixes[] = {"accel-",   "audio-", "block-",
					       "chardev-", "hw-",    "ui-"};
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

/* The first of each in a row, in @list, which is taken; NULL: no memory. */
static struct gs_json *append_each(struct gs_json *list, char *const *paths, size_t count)
{
	for (size_t i = 0; list && i < count; i++) {
		if ((i > 0 && strcmp(paths[i - 1], paths[i]) == 0) ||
		    gs_json_append(list, gs_json_new_string(paths[i])))
			continue;
		gs_json_destroy(list);
		list = NULL;
	}
	return list;
}

/* Sorted: the order in memory is another each time. NULL: it cannot be told. */
static struct gs_json *list_loaded(pid_t pid)
{
	gs_autofree char *file = gs_strf("/proc/%d/maps", (int)pid), *maps = NULL;
	gs_autoerror struct gs_error *err = file ? gs_read_file(file, MAPS_MAX, &maps, NULL) : NULL;
	char *paths[PARTS_MAX];
	size_t count;

	if (err || !maps)
		return NULL;
	count = find_modules(maps, paths, PARTS_MAX);
	qsort(paths, count, sizeof(*paths), by_text);
	return append_each(gs_json_new_array(), paths, count);
}

/* ---- missing ---- */

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

static bool add_types(struct gs_json *types, const struct gs_json *module)
{
	struct gs_json *missing = gs_json_get_mutable(types, "missing");

	gs_json_for_each (type, module) {
		if (!gs_json_set(missing, gs_json_string(type),
				 gs_json_new_string(gs_json_key(module))))
			return false;
	}
	return true;
}

/* Their names, and their types in @types; not where the program has no table of modules. */
static bool add_missing(int program, const char *target, struct gs_json *modules,
			struct gs_json *types)
{
	gs_autojson struct gs_json *table = gs_export_table(program, target);
	const struct gs_json *loaded = gs_json_get(modules, "loaded");
	struct gs_json *missing;

	if (!table)
		return true;
	if (!gs_json_set(modules, "missing", gs_json_new_array()) ||
	    !gs_json_set(types, "missing", gs_json_new_object()))
		return false;
	missing = gs_json_get_mutable(modules, "missing");
	gs_json_for_each (module, table) {
		const char *name = gs_json_key(module);

		if (!is_loaded(loaded, name) &&
		    !(gs_json_append(missing, gs_json_new_string(name)) &&
		      add_types(types, module)))
			return false;
	}
	return true;
}

/* ---- the process ---- */

/* A shell has no such option. */
static bool is_qemu(int program)
{
	struct stat st;
	void *data;
	bool found;

	if (fstat(program, &st) < 0 || st.st_size <= 0)
		return false;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, program, 0);
	if (data == MAP_FAILED)
		return false;
	found = memmem(data, (size_t)st.st_size, QEMU, strlen(QEMU));
	munmap(data, (size_t)st.st_size);
	return found;
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
static bool describe_file(pid_t pid, const char *link, struct gs_json *about)
{
	gs_autofree char *path = sees_our_files(pid) ? realpath(link, NULL) : NULL;

	return !path ||
	       gs_json_set(gs_json_get_mutable(about, "qemu"), "program", gs_json_new_string(path));
}

static bool describe_modules(pid_t pid, int program, struct gs_json *about)
{
	const char *target = gs_json_string(gs_json_path(about, "qemu", "target", NULL));
	struct gs_json *loaded = list_loaded(pid);

	if (!loaded)
		return true;
	if (!gs_json_set(about, "modules", gs_json_new_object())) {
		gs_json_destroy(loaded);
		return false;
	}
	return gs_json_set(gs_json_get_mutable(about, "modules"), "loaded", loaded) &&
	       add_missing(program, target, gs_json_get_mutable(about, "modules"),
			   gs_json_get_mutable(about, "types"));
}

struct gs_error *gs_export_program(pid_t pid, struct gs_json *about)
{
	gs_autofree char *link = gs_strf("/proc/%d/exe", (int)pid);
	gs_autoclose int program = link ? open(link, O_RDONLY | O_CLOEXEC) : -1;

	if (program < 0 || !is_qemu(program))
		return NULL;
	return describe_file(pid, link, about) && describe_modules(pid, program, about)
		       ? NULL
		       : gs_error_nomem();
}
