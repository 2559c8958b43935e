/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a kernel's debug file may be. A debug folder (/usr/lib/debug, or one that the user names)
 * is laid out by build-id, or as the root of the system that the file belongs to.
 */
#include <guestscope/symbols.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#define RELEASE_MAX 128 /* the kernel's own limit is 64 */
#define DEBUGINFOD "debuginfod-find"

/* What stands for the parts of a path that differ from kernel to kernel. */
enum part { BY_BUILD_ID, BY_RELEASE, FIXED };

static const struct place {
	enum part part;
	const char *before, *after; /* the part goes between */
} in_debug_folder[] =
	{
		{BY_BUILD_ID, ".build-id/", ".debug"},
		{BY_RELEASE, "boot/vmlinux-", ""},
		{BY_RELEASE, "boot/vmlinux-", ".debug"},
		{BY_RELEASE, "lib/modules/", "/vmlinux"},
		{BY_RELEASE, "lib/modules/", "/vmlinux.debug"},
},
  in_user_folder[] =
	  {
		  {BY_RELEASE, "vmlinux-", ""},
		  {FIXED, "vmlinux", ""},
		  {BY_RELEASE, "usr/lib/debug/boot/vmlinux-", ""},
		  {BY_RELEASE, "usr/lib/debug/lib/modules/", "/vmlinux"},
},
  in_root[] = {
	  {BY_RELEASE, "boot/vmlinux-", ""},
	  {BY_RELEASE, "lib/modules/", "/build/vmlinux"},
	  {BY_RELEASE, "lib/modules/", "/vmlinux"},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A search going on. */
struct search {
	const struct gs_debug_search *wanted;
	struct gs_text tried;
	char *found; /* the caller's, once set */
};

/* A guest says what its release is: it must not lead out of the folders. */
static bool has_release(const struct gs_debug_search *wanted)
{
	const char *release = wanted->release;

	if (!release || !*release || *release == '.' || strlen(release) > RELEASE_MAX)
		return false;
	for (const char *c = release; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-+~:", *c))
			return false;
	}
	return true;
}

/* The path of a candidate, or NULL where the kernel does not tell enough. */
static char *make_path(const struct gs_debug_search *wanted, const char *folder,
		       const struct place *place)
{
	char id[2 * GS_BUILD_ID_MAX + 1];

	switch (place->part) {
	case BY_BUILD_ID:
		if (wanted->id.size < 2)
			return NULL;
		gs_build_id_format(&wanted->id, id);
		return gs_strf("%s/%s%.2s/%s%s", folder, place->before, id, id + 2, place->after);
	case BY_RELEASE:
		if (!has_release(wanted))
			return NULL;
		return gs_strf("%s/%s%s%s", folder, place->before, wanted->release, place->after);
	default:
		/* The name says nothing: only a build-id can. */
		return wanted->id.size ? gs_strf("%s/%s", folder, place->before) : NULL;
	}
}

static struct gs_error *check_file(const struct gs_debug_search *wanted, const char *path)
{
	struct gs_build_id id;
	struct gs_error *err = gs_build_id_of_file(path, &id);
	char text[2 * GS_BUILD_ID_MAX + 1];

	if (err && err->code == GS_ERROR_NODATA && !wanted->id.size) {
		gs_error_destroy(err);
		return NULL;
	}
	if (err || !wanted->id.size || gs_build_id_equal(&id, &wanted->id))
		return err;
	gs_build_id_format(&id, text);
	return gs_error_create(GS_ERROR_NODATA, "%s: another kernel, build-id %s", path, text);
}

static struct gs_error *try_place(struct search *s, const char *folder, const struct place *place)
{
	gs_autofree char *path = make_path(s->wanted, folder, place);
	gs_autoerror struct gs_error *err = NULL;

	if (s->found || !path)
		return NULL;
	err = check_file(s->wanted, path);
	if (err && err->code == GS_ERROR_NOMEM)
		return gs_take(err);
	if (!err)
		s->found = gs_take(path);
	else if (err->code == GS_ERROR_OS && err->os_errno == ENOENT)
		gs_text_printf(&s->tried, "%s: not there\n", path);
	else
		gs_text_printf(&s->tried, "%s\n", err->message);
	return NULL;
}

static struct gs_error *try_places(struct search *s, const char *folder, const struct place *places,
				   size_t count)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; i < count && !err; i++)
		err = try_place(s, folder, &places[i]);
	return err;
}

static struct gs_error *try_folders(struct search *s)
{
	struct gs_error *err = NULL;

	for (const char *const *dir = s->wanted->dirs; dir && *dir && !err; dir++) {
		err = try_places(s, *dir, in_debug_folder, COUNT(in_debug_folder));
		if (!err)
			err = try_places(s, *dir, in_user_folder, COUNT(in_user_folder));
	}
	if (!err)
		err = try_places(s, "/usr/lib/debug", in_debug_folder, COUNT(in_debug_folder));
	if (!err)
		err = try_places(s, "", in_root, COUNT(in_root));
	return err;
}

/* ---- debuginfod ---- */

static struct gs_error *run_debuginfod(const struct gs_build_id *wanted, int out_fd)
{
	char id[2 * GS_BUILD_ID_MAX + 1];
	const char *const argv[] = {DEBUGINFOD, "debuginfo", id, NULL};
	const struct gs_spawn spawn = {
		.argv = argv, .stdin_fd = -1, .stdout_fd = out_fd, .stderr_fd = STDERR_FILENO};
	struct gs_process process;
	struct gs_error *err;
	int status = 0;

	gs_build_id_format(wanted, id);
	err = gs_process_spawn(&spawn, &process);
	if (err)
		return err;
	err = gs_process_wait(&process, GS_NO_DEADLINE, &status);
	gs_process_deinit(&process);
	if (!err && status != 0) {
		gs_autofree char *text = gs_wait_status_text(status);

		err = gs_error_create(GS_ERROR_NODATA, DEBUGINFOD " %s", text ? text : "ended");
	}
	return err;
}

/* It prints the path of the file that it has fetched; into a pipe's own buffer, so it never waits.
 */
static struct gs_error *ask_debuginfod(struct search *s)
{
	gs_autoclose int read_fd = -1, write_fd = -1;
	char path[4096];
	struct gs_error *err;
	ssize_t n;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	read_fd = fds[0];
	write_fd = fds[1];
	err = run_debuginfod(&s->wanted->id, write_fd);
	if (err)
		return err;
	close(gs_take_fd(&write_fd));
	n = gs_read_full(read_fd, path, sizeof(path) - 1);
	if (n <= 0)
		return gs_error_create(GS_ERROR_NODATA, DEBUGINFOD " printed no path");
	path[n] = '\0';
	path[strcspn(path, "\n")] = '\0';
	err = check_file(s->wanted, path);
	if (!err) {
		s->found = strdup(path);
		err = s->found ? NULL : gs_error_nomem();
	}
	return err;
}

static struct gs_error *try_debuginfod(struct search *s)
{
	gs_autoerror struct gs_error *err = NULL;

	if (s->found || !s->wanted->debuginfod)
		return NULL;
	if (!s->wanted->id.size)
		err = gs_error_create(GS_ERROR_NODATA, DEBUGINFOD ": no build-id to ask for");
	else
		err = ask_debuginfod(s);
	if (err && err->code == GS_ERROR_NOMEM)
		return gs_take(err);
	if (err)
		gs_text_printf(&s->tried, "%s\n", err->message);
	return NULL;
}

struct gs_error *gs_debug_file_find(const struct gs_debug_search *wanted, char **path_ret,
				    char **tried_ret)
{
	struct search s = {.wanted = wanted};
	struct gs_error *err = try_folders(&s), *tried_err;

	if (!err)
		err = try_debuginfod(&s);
	*tried_ret = NULL;
	tried_err = gs_text_finish(&s.tried, tried_ret);
	gs_error_destroy(tried_err);
	if (!err && s.found)
		*path_ret = gs_take(s.found);
	else if (!err)
		err = gs_error_create(GS_ERROR_NODATA, "no file with the kernel's symbols found");
	free(s.found);
	return err;
}

/* ---- packages ---- */

/* What gives a distribution away in a kernel's release or version. */
static const struct {
	const char *mark, *before, *after;
} packages[] = {
	{"Ubuntu", "linux-image-", "-dbgsym"},
	{"Debian", "linux-image-", "-dbg"},
	{".fc", "kernel-debuginfo-", ""},
	{".el", "kernel-debuginfo-", ""},
	{"-default", "kernel-default-debuginfo for ", ""},
};

char *gs_debug_package_hint(const char *release, const char *version)
{
	const struct gs_debug_search search = {.release = release};

	if (!has_release(&search))
		return strdup("the package with the debug information of its kernel");
	for (size_t i = 0; i < COUNT(packages); i++) {
		if (strstr(release, packages[i].mark) ||
		    (version && strstr(version, packages[i].mark)))
			return gs_strf("the package %s%s%s", packages[i].before, release,
				       packages[i].after);
	}
	return gs_strf("the debug information of kernel %s (linux-image-%s-dbg, "
		       "kernel-debuginfo-%s)",
		       release, release, release);
}
