/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a QEMU process to its monitor: by its command line, else by the sockets it listens on. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "address.h"
#include "cmdline.h"
#include "peer.h"
#include "session.h"

#define CMDLINE_MAX (4 * 1024 * 1024)
#define PROBE_MS 1000 /* for sockets of unknown purpose */

struct process {
	pid_t pid;
	char comm[17];
	char *cmdline;
	size_t cmdline_size;
	struct gs_qmp_monitors monitors;
	const struct gs_qmp_options *options;
	struct gs_error *why_not; /* the most telling of the failures so far */
};

static void process_deinit(struct process *p)
{
	gs_qmp_monitors_deinit(&p->monitors);
	gs_error_destroy(p->why_not);
	free(p->cmdline);
}

static struct gs_error *process_init(struct process *p)
{
	char path[32];
	struct gs_error *err;

	gs_process_comm(p->pid, p->comm);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)p->pid);
	err = gs_read_file(path, CMDLINE_MAX, &p->cmdline, &p->cmdline_size);
	if (err && err->code == GS_ERROR_OS &&
	    (err->os_errno == ENOENT || err->os_errno == ESRCH)) {
		gs_error_destroy(err);
		return gs_error_create(GS_ERROR_UNREACHABLE, "no such process");
	}
	/* A zombie's, a kernel thread's, or one that is about to run another program. */
	if (!err && !p->cmdline_size)
		err = gs_error_create(GS_ERROR_UNREACHABLE, "%s has no command line", p->comm);
	return err ? err : gs_qmp_monitors_of(p->cmdline, p->cmdline_size, &p->monitors);
}

/* ---- from its view of the file system to ours ---- */

static bool shares_mounts(const struct process *p)
{
	char path[32], theirs[64] = "", ours[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)p->pid);
	/* What we may not look at is taken for our own. */
	if (readlink(path, theirs, sizeof(theirs) - 1) < 0 ||
	    readlink("/proc/self/ns/mnt", ours, sizeof(ours) - 1) < 0)
		return true;
	return strcmp(theirs, ours) == 0;
}

static char *path_seen_from_here(const struct process *p, const char *path)
{
	if (*path == '@' || (*path == '/' && shares_mounts(p)))
		return strdup(path);
	return gs_strf("/proc/%d/%s/%s", (int)p->pid, *path == '/' ? "root" : "cwd", path);
}

/* ---- trying ---- */

/* Of several failures, that a monitor is busy says more than any other. */
static void remember(struct process *p, struct gs_error *err)
{
	if (p->why_not && (p->why_not->code == GS_ERROR_BUSY || err->code != GS_ERROR_BUSY)) {
		gs_error_destroy(err);
		return;
	}
	gs_error_destroy(p->why_not);
	p->why_not = err;
}

/* A path may have become another server's since the process bound it. */
static struct gs_error *check_peer(const struct process *p, const struct gs_qmp *qmp)
{
	pid_t pid = gs_qmp_peer_pid(qmp);

	if (!pid || pid == p->pid)
		return NULL;
	return gs_error_create(GS_ERROR_UNREACHABLE, "%s now belongs to process %d", qmp->name,
			       (int)pid);
}

static struct gs_error *try_address(const struct process *p, const struct gs_qmp_address *address,
				    const struct gs_qmp_options *options, bool give_way,
				    struct gs_qmp **ret)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	struct gs_error *err = gs_qmp_connect_socket(address, options, give_way, &qmp);

	if (!err)
		err = check_peer(p, qmp);
	if (err)
		return err;
	free(qmp->name);
	qmp->name = gs_strf("pid:%d", (int)p->pid);
	if (!qmp->name)
		return gs_error_nomem();
	*ret = gs_take(qmp);
	return NULL;
}

/* @path: as the process named it. */
static struct gs_error *try_path(const struct process *p, const char *path,
				 const struct gs_qmp_options *options, bool give_way,
				 struct gs_qmp **ret)
{
	gs_autofree char *here = path_seen_from_here(p, path);
	struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .path = here};

	return here ? try_address(p, &address, options, give_way, ret) : gs_error_nomem();
}

static struct gs_error *try_monitor(const struct process *p, const struct gs_qmp_monitor *m,
				    bool give_way, struct gs_qmp **ret)
{
	gs_autofree char *path = NULL;

	if (m->obstacle)
		return gs_error_create(GS_ERROR_UNREACHABLE, "its QMP monitor %s", m->obstacle);
	if (m->is_libvirts)
		return gs_error_create(GS_ERROR_BUSY, "its monitor is held by libvirt (domain %s)",
				       p->monitors.guest ? p->monitors.guest : "without a name");
	if (m->address.kind == GS_QMP_TCP)
		return try_address(p, &m->address, p->options, give_way, ret);
	if (m->address.kind == GS_QMP_UNIX)
		return try_path(p, m->address.path, p->options, give_way, ret);
	path = gs_qmp_listening_path(p->pid, m->address.fd);
	if (!path)
		return gs_error_create(GS_ERROR_UNREACHABLE,
				       "its QMP monitor is on descriptor %d, which does not listen",
				       m->address.fd);
	return try_path(p, path, p->options, give_way, ret);
}

/* The first that is free; else wait for the first that is busy. */
static struct gs_error *try_monitors(struct process *p, struct gs_qmp **ret)
{
	const struct gs_qmp_monitor *busy = NULL;

	for (size_t i = 0; i < p->monitors.count; i++) {
		const struct gs_qmp_monitor *m = &p->monitors.items[i];
		struct gs_error *err = try_monitor(p, m, true, ret);

		if (!err)
			return NULL;
		if (err->code == GS_ERROR_BUSY && !m->is_libvirts && !busy)
			busy = m;
		remember(p, err);
	}
	return busy ? try_monitor(p, busy, false, ret) : gs_take(p->why_not);
}

/* ---- listening sockets that the command line does not explain ---- */

static bool try_descriptor(struct process *p, int fd, struct gs_qmp **ret)
{
	gs_autofree char *path = gs_qmp_listening_path(p->pid, fd);
	struct gs_qmp_options options =
		p->options ? *p->options : (struct gs_qmp_options){.greeting_ms = PROBE_MS};
	struct gs_error *err;

	if (!path || gs_qmp_cmdline_mentions(p->cmdline, p->cmdline_size, path))
		return false;
	if (!options.greeting_ms || options.greeting_ms > PROBE_MS)
		options.greeting_ms = PROBE_MS;
	err = try_path(p, path, &options, false, ret);
	if (!err)
		return true;
	remember(p, err);
	return false;
}

static struct gs_error *no_monitor(struct process *p)
{
	if (p->why_not)
		return gs_take(p->why_not);
	return gs_error_create(GS_ERROR_UNREACHABLE, "%s has no QMP monitor%s", p->comm,
			       p->monitors.human ? ", only a human one" : "");
}

/* By the name of its program: sockets of anything else are not to be knocked at. */
static bool looks_like_qemu(const struct process *p)
{
	const char *name = memrchr(p->cmdline, '/', strlen(p->cmdline));

	name = name ? name + 1 : p->cmdline;
	return strstr(name, "qemu") || strstr(name, "kvm");
}

/* A monitor from a configuration file (-readconfig). */
static struct gs_error *try_descriptors(struct process *p, struct gs_qmp **ret)
{
	char path[32];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	if (!looks_like_qemu(p))
		return no_monitor(p);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			found = try_descriptor(p, atoi(entry->d_name), ret);
	if (dir)
		closedir(dir);
	return found ? NULL : no_monitor(p);
}

struct gs_error *gs_qmp_connect_process(const struct gs_qmp_address *address,
					const struct gs_qmp_options *options, struct gs_qmp **ret)
{
	struct process p = {.pid = address->pid, .options = options};
	struct gs_error *err = process_init(&p);

	if (!err)
		err = p.monitors.count ? try_monitors(&p, ret) : try_descriptors(&p, ret);
	process_deinit(&p);
	return gs_error_wrap(err, "pid:%d", (int)address->pid);
}
