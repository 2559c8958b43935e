/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of a tree: written by who traces it, who stops for nobody, and read by another. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <guestscope/base/text.h>
#include <guestscope/base/unix_diag.h>

#include "tree.h"

#define EVENT_ALIGN 8u

struct gs_tree_log {
	size_t used; /* set when all of an event is there: a writer may be killed in between */
	size_t lost;
	_Alignas(EVENT_ALIGN) char events[];
};

struct gs_error *gs_tree_log_new(struct gs_tree_log **ret)
{
	struct gs_tree_log *log = mmap(NULL, GS_PTREE_LOG_BYTES, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (log == MAP_FAILED)
		return gs_error_os(errno, "memory for a record");
	*ret = log;
	return NULL;
}

void gs_tree_log_free(struct gs_tree_log *log)
{
	munmap(log, GS_PTREE_LOG_BYTES);
}

void gs_tree_log_add(struct gs_tree_log *log, struct gs_tree_event *event, const void *text,
		     size_t text_size)
{
	size_t room = GS_PTREE_LOG_BYTES - sizeof(*log) - log->used;
	size_t size = (sizeof(*event) + text_size + EVENT_ALIGN - 1) & ~(size_t)(EVENT_ALIGN - 1);

	if (size > room) {
		log->lost++;
		return;
	}
	event->size = (uint32_t)size;
	event->text_size = (uint32_t)text_size;
	memcpy(log->events + log->used, event, sizeof(*event));
	if (text_size)
		memcpy(log->events + log->used + sizeof(*event), text, text_size);
	__atomic_store_n(&log->used, log->used + size, __ATOMIC_RELEASE);
}

struct gs_error *gs_tree_log_read(const struct gs_tree_log *log, struct gs_ptree *ret)
{
	size_t used = __atomic_load_n(&log->used, __ATOMIC_ACQUIRE);

	return gs_ptree_build(log->events, used, log->lost, ret);
}

/* ---- programs ---- */

void gs_tree_log_exec(struct gs_tree_log *log, const struct gs_proc *proc, uint64_t at_ns)
{
	size_t args_size =
		proc->args_size < GS_PTREE_ARGS_MAX ? proc->args_size : GS_PTREE_ARGS_MAX;
	struct gs_tree_event event = {.kind = GS_TREE_EXEC,
				      .pid = proc->id.pid,
				      .value = args_size < proc->args_size,
				      .at_ns = at_ns};
	gs_autotext struct gs_text text = {0};

	gs_text_append(&text, proc->comm, strlen(proc->comm) + 1);
	gs_text_puts(&text, proc->exe ? proc->exe : "");
	gs_text_append(&text, "", 1);
	if (args_size)
		gs_text_append(&text, proc->args, args_size);
	if (event.value)
		gs_text_append(&text, "", 1); /* within an argument */
	if (text.failed)
		log->lost++;
	else
		gs_tree_log_add(log, &event, text.data, text.size);
}

/* ---- what is open ---- */

static void log_pipe(struct gs_tree_log *log, struct gs_tree_event *event, int dir_fd,
		     const char *fd)
{
	struct stat st;

	/* The link's own mode is how the file was opened. */
	if (fstatat(dir_fd, fd, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	event->value |= st.st_mode & S_IRUSR ? GS_TREE_READS : 0;
	event->value |= st.st_mode & S_IWUSR ? GS_TREE_WRITES : 0;
	gs_tree_log_add(log, event, NULL, 0);
}

/* A server's sockets have its name, a client's has none. */
static void log_socket(struct gs_tree_log *log, struct gs_tree_event *event)
{
	struct gs_unix_socket socket, peer;
	char name[GS_UNIX_NAME_MAX + 1] = "";
	size_t size;

	event->value |= GS_TREE_SOCKET | GS_TREE_READS | GS_TREE_WRITES;
	if (event->value & GS_TREE_BESIDE) {
		/* Whoever is its peer knows it. A daemon has many, and many children. */
		gs_tree_log_add(log, event, NULL, 0);
		return;
	}
	if (!gs_unix_socket_find(event->inode, &socket) || socket.listens)
		return;
	event->peer_inode = socket.peer_inode;
	if (!socket.name_size && gs_unix_socket_find(socket.peer_inode, &peer))
		socket = peer;
	size = socket.name_size;
	memcpy(name, socket.name, size);
	if (size && name[0] == '\0')
		name[0] = '@';
	gs_tree_log_add(log, event, name, size ? size + 1 : 0);
}

static void log_open(struct gs_tree_log *log, pid_t pid, uint64_t at_ns, int value)
{
	unsigned int count = 0;
	char path[32], target[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		struct gs_tree_event event = {
			.kind = GS_TREE_OPEN, .pid = pid, .value = value, .at_ns = at_ns};
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		bool is_pipe, is_socket;

		target[size > 0 ? size : 0] = '\0';
		is_pipe = sscanf(target, "pipe:[%" SCNu64 "]", &event.inode) == 1;
		is_socket = !is_pipe && sscanf(target, "socket:[%" SCNu64 "]", &event.inode) == 1;
		if (!is_pipe && !is_socket)
			continue;
		if (count++ == GS_PTREE_OPEN_MAX) {
			log->lost++;
			break;
		}
		is_pipe ? log_pipe(log, &event, dirfd(dir), entry->d_name)
			: log_socket(log, &event);
	}
	if (dir)
		closedir(dir);
}

void gs_tree_log_open(struct gs_tree_log *log, pid_t pid, uint64_t at_ns)
{
	log_open(log, pid, at_ns, 0);
}

void gs_tree_log_beside(struct gs_tree_log *log, pid_t pid, uint64_t at_ns)
{
	log_open(log, pid, at_ns, GS_TREE_BESIDE);
}
