/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what the user calls a guest to a session with its monitor. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "internal.h"

#define UNIX_SOCKETS "/proc/net/unix"
#define NAP_MS 10
#define PATIENCE_MS 500

/* Whether a line of /proc/net/unix is a connection (not the listener) to @path. */
static bool is_connection(const char *line, const char *path)
{
	unsigned int state;
	int path_at = 0;

	/* Num: RefCount Protocol Flags Type St Inode Path */
	if (sscanf(line, "%*s %*s %*s %*s %*s %x %*s %n", &state, &path_at) != 1 || path_at == 0)
		return false;
	return state != 1 && strncmp(line + path_at, path, strlen(path)) == 0 &&
	       line[path_at + strlen(path)] == '\n';
}

/*
 * Whether somebody is connected to the socket at @path. Only a hint, so that two of our tools do
 * not wait for each other: the answer may be old at once.
 */
static bool is_held(const char *path)
{
	FILE *f = fopen(UNIX_SOCKETS, "re");
	char *line = NULL;
	size_t capacity = 0;
	bool held = false;

	while (f && !held && getline(&line, &capacity, f) > 0)
		held = is_connection(line, path);
	free(line);
	if (f)
		fclose(f);
	return held;
}

/*
 * The monitor to connect to. Where both are held, one holder may be a command that has just ended:
 * QEMU needs a moment to notice, and then that monitor is the one.
 */
static char *choose(char *first, char *second)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	uint64_t deadline_ms = gs_deadline_in(PATIENCE_MS);

	for (;;) {
		if (!is_held(first))
			return first;
		if (!is_held(second))
			return second;
		if (gs_deadline_passed(deadline_ms))
			return first; /* and let it be told who holds it */
		nanosleep(&nap, NULL);
	}
}

struct gs_error *gs_guest_open(const struct gs_guest *guest, const struct gs_qmp_options *options,
			       struct gs_qmp **ret)
{
	gs_autofree char *first = gs_strf("%s/qmp", guest->dir);
	gs_autofree char *second = gs_strf("%s/qmp2", guest->dir);
	struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .fd = -1};

	if (!first || !second)
		return gs_error_nomem();
	address.path = choose(first, second);
	return gs_error_wrap(gs_qmp_connect(&address, options, ret), "guest '%s'", guest->name);
}

bool gs_guest_is_address(const char *text)
{
	return strpbrk(text, "/:") != NULL;
}

static struct gs_error *connect_address(const char *text, const struct gs_qmp_options *options,
					struct gs_qmp **ret)
{
	struct gs_qmp_address address = {.fd = -1};
	struct gs_error *err = gs_qmp_address_parse(text, &address);

	if (err)
		return err;
	err = gs_qmp_connect(&address, options, ret);
	gs_qmp_address_deinit(&address);
	return err;
}

struct gs_error *gs_guest_connect(const char *run_dir, const char *name,
				  const struct gs_qmp_options *options, struct gs_qmp **ret)
{
	struct gs_guest guest = {0};
	struct gs_error *err;

	if (name && gs_guest_is_address(name))
		return connect_address(name, options, ret);
	err = name ? gs_registry_find(run_dir, name, &guest) : gs_registry_only(run_dir, &guest);
	if (err)
		return err;
	err = gs_guest_open(&guest, options, ret);
	gs_guest_deinit(&guest);
	return err;
}
