/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for a hold: all threads of this machine, against what the held process has open. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>
#include <guestscope/base/unix_diag.h>
#include <guestscope/hold/waiters.h>

#include "wait.h"

#define ENDS_MAX 1024
#define WAITERS_MAX 64
#define PATIENCE_MS 500

/* What another process may have, and the held one has the other end of. */
struct end {
	uint64_t inode;
	bool is_socket;
	bool can_fill, can_empty; /* the held one */
};

struct search {
	const struct gs_hold_record *record;
	struct gs_proc_stat held; /* its process */
	struct end *ends;
	size_t end_count;
	uint64_t deadline_ms;
	struct gs_hold_waiters *found;
};

const char *gs_wait_way_name(enum gs_wait_way way)
{
	static const char *const names[] = {
		[GS_WAIT_READ] = "read",   [GS_WAIT_WRITE] = "write", [GS_WAIT_POLL] = "poll",
		[GS_WAIT_CHILD] = "child", [GS_WAIT_VFORK] = "vfork", [GS_WAIT_LOCK] = "lock",
	};

	return names[way];
}

void gs_hold_waiters_deinit(struct gs_hold_waiters *waiters)
{
	free(waiters->waiters);
	*waiters = (struct gs_hold_waiters){0};
}

/* ---- what the held one has open ---- */

static void add_end(struct search *search, const struct end *end)
{
	if (end->inode && search->end_count < ENDS_MAX)
		search->ends[search->end_count++] = *end;
}

/* The other one; and who has connected to it and was not accepted yet. */
static void add_socket(struct search *search, uint64_t inode)
{
	struct end end = {.is_socket = true, .can_fill = true, .can_empty = true};
	struct gs_unix_socket socket;

	if (!gs_unix_socket_find(inode, &socket))
		return;
	end.inode = socket.peer_inode;
	add_end(search, &end);
	for (size_t i = 0; i < socket.waiting_count; i++) {
		end.inode = socket.waiting_inodes[i];
		add_end(search, &end);
	}
}

/* Of the two ends of a pipe, each is its inode: @st is the link's, of which the mode tells. */
static void add_file(struct search *search, const char *target, const struct stat *st)
{
	struct end end = {.can_fill = st->st_mode & S_IWUSR, .can_empty = st->st_mode & S_IRUSR};
	uint64_t inode;

	if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1)
		add_socket(search, inode);
	else if (sscanf(target, "pipe:[%" SCNu64 "]", &end.inode) == 1)
		add_end(search, &end);
}

static void visit_files(struct search *search, pid_t pid,
			void (*visit)(struct search *search, const char *target,
				      const struct stat *st))
{
	char path[32], target[64];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[size > 0 ? size : 0] = '\0';
		if (size > 0 && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			visit(search, target, &st);
	}
	if (dir)
		closedir(dir);
}

/* Whoever reads what we print, too, waits for us as well, and for all that have the same output. */
static void strike_out(struct search *search, const char *target, const struct stat *st)
{
	uint64_t inode;
	(void)st;

	if (sscanf(target, "pipe:[%" SCNu64 "]", &inode) != 1)
		return;
	for (size_t i = 0; i < search->end_count; i++) {
		if (!search->ends[i].is_socket && search->ends[i].inode == inode)
			search->ends[i] = (struct end){0};
	}
}

static bool leads_to_held(const struct search *search, const struct end *wanted, bool reads,
			  bool writes)
{
	for (size_t i = 0; i < search->end_count; i++) {
		const struct end *end = &search->ends[i];

		if (end->inode == wanted->inode && end->is_socket == wanted->is_socket &&
		    ((reads && end->can_fill) || (writes && end->can_empty)))
			return true;
	}
	return false;
}

/* ---- one thread ---- */

struct fds {
	const struct search *search;
	const struct gs_wait *wait;
	int fd; /* the first that leads to the held one; -1: none does */
	bool is_socket;
	unsigned int others_count;
};

static void look_at_fd(void *arg, int fd, bool reads, bool writes)
{
	struct fds *fds = arg;
	char path[48], target[64];
	struct end wanted = {0};
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)fds->wait->pid, fd);
	size = readlink(path, target, sizeof(target) - 1);
	target[size > 0 ? size : 0] = '\0';
	wanted.is_socket = sscanf(target, "socket:[%" SCNu64 "]", &wanted.inode) == 1;
	if (!wanted.is_socket && sscanf(target, "pipe:[%" SCNu64 "]", &wanted.inode) != 1) {
		fds->others_count++;
	} else if (!leads_to_held(fds->search, &wanted, reads, writes)) {
		fds->others_count++;
	} else if (fds->fd < 0) {
		fds->fd = fd;
		fds->is_socket = wanted.is_socket;
	}
}

static bool waits_for_fd(const struct search *search, const struct gs_wait *wait,
			 struct gs_hold_waiter *ret)
{
	struct fds fds = {.search = search, .wait = wait, .fd = -1};

	if (!search->end_count)
		return false;
	gs_wait_visit_fds(wait, look_at_fd, &fds);
	ret->way = wait->shape == GS_WAIT_SHAPE_READ    ? GS_WAIT_READ
		   : wait->shape == GS_WAIT_SHAPE_WRITE ? GS_WAIT_WRITE
							: GS_WAIT_POLL;
	ret->fd = fds.fd;
	ret->is_socket = fds.is_socket;
	ret->others_count = fds.others_count;
	return fds.fd >= 0;
}

static bool waits(const struct search *search, const struct gs_wait *wait,
		  struct gs_hold_waiter *ret)
{
	const struct gs_hold_record *record = search->record;

	ret->fd = -1;
	if (wait->pid == record->pid) {
		ret->way = GS_WAIT_LOCK;
		return gs_wait_is_for_mutex_of(wait, record->id.pid);
	}
	if (wait->pid == search->held.parent) {
		bool is_vfork = gs_wait_is_vfork(wait);

		ret->way = is_vfork ? GS_WAIT_VFORK : GS_WAIT_CHILD;
		if (is_vfork || gs_wait_is_for_child(wait, record->pid, search->held.group))
			return true;
	}
	return waits_for_fd(search, wait, ret);
}

/* ---- all of them ---- */

static void look_at_thread(struct search *search, pid_t pid, pid_t tid)
{
	struct gs_hold_waiters *found = search->found;
	struct gs_hold_waiter waiter = {.pid = pid, .tid = tid};
	struct gs_wait wait;

	if (tid == search->record->id.pid || !gs_wait_look(pid, tid, &wait) ||
	    !waits(search, &wait, &waiter))
		return;
	if (found->count == WAITERS_MAX) {
		found->is_cut = true;
		return;
	}
	gs_process_comm(pid, waiter.name);
	gs_process_comm(tid, waiter.thread);
	found->waiters[found->count++] = waiter;
}

/* Every number in a folder of /proc. */
static void visit_numbers(struct search *search, const char *path, pid_t pid,
			  void (*visit)(struct search *search, pid_t pid, pid_t number))
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && !search->found->is_cut && (entry = readdir(dir))) {
		int number = atoi(entry->d_name);

		search->found->is_cut |= gs_deadline_passed(search->deadline_ms);
		if (number > 0)
			visit(search, pid, number);
	}
	if (dir)
		closedir(dir);
}

static void look_at_process(struct search *search, pid_t none, pid_t pid)
{
	char path[32];
	(void)none;

	if (pid == getpid() || pid == search->record->keeper.pid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	visit_numbers(search, path, pid, look_at_thread);
}

static int by_thread(const void *a, const void *b)
{
	const struct gs_hold_waiter *x = a, *y = b;

	return x->pid != y->pid ? x->pid - y->pid : x->tid - y->tid;
}

struct gs_error *gs_hold_waiters(const struct gs_hold_record *record, struct gs_hold_waiters *ret)
{
	gs_autofree struct end *ends = calloc(ENDS_MAX, sizeof(*ends));
	struct search search = {.record = record,
				.ends = ends,
				.deadline_ms = gs_deadline_in(PATIENCE_MS),
				.found = ret};

	*ret = (struct gs_hold_waiters){.waiters = calloc(WAITERS_MAX, sizeof(*ret->waiters))};
	if (!ends || !ret->waiters) {
		gs_hold_waiters_deinit(ret);
		return gs_error_nomem();
	}
	if (!gs_proc_stat(record->pid, &search.held))
		return NULL; /* nobody waits for one that has ended */
	visit_files(&search, record->pid, add_file);
	visit_files(&search, getpid(), strike_out);
	visit_numbers(&search, "/proc", 0, look_at_process);
	qsort(ret->waiters, ret->count, sizeof(*ret->waiters), by_thread);
	return NULL;
}
