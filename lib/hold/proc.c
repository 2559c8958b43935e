/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process as /proc shows it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/hold/proc.h>

#define TEXT_MAX (8u << 20) /* arguments: the kernel takes 6 MiB and some */
#define READ_BYTES 8192     /* of /proc/PID/status there are 1500 */

bool gs_proc_is(const struct gs_proc_id *id)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(id->pid, &stat) && stat.start == id->start && stat.state != 'Z' &&
	       stat.state != 'X';
}

static char *read_link(pid_t pid, const char *name)
{
	char path[48], target[PATH_MAX];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	size = readlink(path, target, sizeof(target) - 1);
	return size > 0 ? strndup(target, (size_t)size) : NULL;
}

/* Lines as "Uid:\t1\t2\t3\t4": the Nth number behind @key. */
static unsigned int status_number(const char *text, const char *key, int n)
{
	const char *line = strstr(text, key);
	unsigned int number = 0;

	line = line ? line + strlen(key) : NULL;
	while (line && n-- > 0) {
		line = strchr(line, '\t');
		line = line ? line + 1 : NULL;
	}
	return line && sscanf(line, "%u", &number) == 1 ? number : 0;
}

/*
 * All of a file in /proc, and a NUL behind it: a read that does not fill the buffer was the last.
 * NULL: it is gone, or not ours to see. The caller frees.
 */
static char *read_all(pid_t pid, const char *name, size_t *size_ret)
{
	gs_autotext struct gs_text text = {0};
	gs_autoerror struct gs_error *err = NULL;
	char path[48], part[READ_BYTES], *all = NULL;
	gs_autoclose int fd = -1;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	do {
		size = read(fd, part, sizeof(part));
		if (size > 0)
			gs_text_append(&text, part, (size_t)size);
	} while (size == (ssize_t)sizeof(part) && text.size < TEXT_MAX);
	size = (ssize_t)text.size;
	err = gs_text_finish(&text, &all);
	*size_ret = err ? 0 : (size_t)size;
	return all;
}

static void read_stat(struct gs_proc *proc)
{
	struct gs_proc_stat stat;

	if (!gs_proc_stat(proc->id.pid, &stat))
		return;
	proc->id.start = stat.start;
	proc->state = stat.state;
	proc->parent = stat.parent;
	proc->group = stat.group;
	proc->session = stat.session;
}

static void read_status(struct gs_proc *proc)
{
	size_t size;
	gs_autofree char *text = read_all(proc->id.pid, "status", &size);

	if (!text)
		return;
	proc->tracer = (pid_t)status_number(text, "\nTracerPid:", 1);
	proc->uid = status_number(text, "\nUid:", 2);
}

static void read_args(struct gs_proc *proc)
{
	size_t size = 0;
	char *args = read_all(proc->id.pid, "cmdline", &size);

	if (size == 0) {
		free(args);
		return;
	}
	proc->args = args;
	/* A process may overwrite its own; there is a NUL behind them anyway. */
	proc->args_size = args[size - 1] == '\0' ? size : size + 1;
}

void gs_proc_know(struct gs_proc *proc, unsigned int parts)
{
	parts &= ~proc->known;
	proc->known |= parts;
	if (parts & GS_PROC_STAT)
		read_stat(proc);
	if (parts & GS_PROC_COMM)
		gs_process_comm(proc->id.pid, proc->comm);
	if (parts & GS_PROC_STATUS)
		read_status(proc);
	if (parts & GS_PROC_EXE)
		proc->exe = read_link(proc->id.pid, "exe");
	if (parts & GS_PROC_ARGS)
		read_args(proc);
}

struct gs_error *gs_proc_read(pid_t pid, struct gs_proc *ret)
{
	struct gs_proc proc = {.id.pid = pid};

	gs_proc_know(&proc, GS_PROC_STAT);
	if (!proc.state)
		return gs_error_create(GS_ERROR_GONE, "there is no process %d", (int)pid);
	gs_proc_know(&proc, GS_PROC_ALL);
	*ret = proc;
	return NULL;
}

void gs_proc_deinit(struct gs_proc *proc)
{
	free(proc->exe);
	free(proc->args);
	*proc = (struct gs_proc){0};
}

const char *gs_proc_argument(const struct gs_proc *proc, size_t n)
{
	size_t at = 0;

	while (at < proc->args_size && n-- > 0)
		at += strlen(proc->args + at) + 1;
	return at < proc->args_size ? proc->args + at : NULL;
}

/* ---- descendants ---- */

struct relation {
	pid_t pid, parent;
};

static struct gs_error *read_relations(struct relation **ret, size_t *count_ret)
{
	DIR *dir = opendir("/proc");
	size_t count = 0, room = 0;
	struct relation *list = NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);
		struct gs_proc_stat stat;

		if (pid <= 0 || !gs_proc_stat(pid, &stat))
			continue;
		if (count == room) {
			struct relation *more;

			room = room ? room * 2 : 256;
			more = reallocarray(list, room, sizeof(*list));
			if (!more) {
				free(list);
				closedir(dir);
				return gs_error_nomem();
			}
			list = more;
		}
		list[count++] = (struct relation){pid, stat.parent};
	}
	if (!dir)
		return gs_error_os(errno, "/proc");
	closedir(dir);
	*ret = list;
	*count_ret = count;
	return NULL;
}

/* Children of each that was found, in turn; found ones are struck out, so it ends. */
struct gs_error *gs_proc_descendants(pid_t pid, struct gs_proc_tree *ret)
{
	gs_autofree struct relation *list = NULL;
	size_t count = 0;
	struct gs_error *err = read_relations(&list, &count);

	if (err)
		return err;
	*ret = (struct gs_proc_tree){.pids = calloc(count + 1, sizeof(*ret->pids))};
	if (!ret->pids)
		return gs_error_nomem();
	for (size_t done = 0; done <= ret->count; done++) {
		pid_t parent = done ? ret->pids[done - 1] : pid;

		for (size_t i = 0; i < count; i++) {
			if (list[i].parent != parent)
				continue;
			ret->pids[ret->count++] = list[i].pid;
			list[i].parent = 0;
		}
	}
	return NULL;
}

void gs_proc_tree_deinit(struct gs_proc_tree *tree)
{
	free(tree->pids);
	*tree = (struct gs_proc_tree){0};
}

/* ---- for a shell ---- */

static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789@%_+=:,./-";

	return *word && strspn(word, plain) == strlen(word);
}

static bool has_control(const char *word)
{
	for (; *word; word++) {
		if ((unsigned char)*word < 0x20 || *word == 0x7f)
			return true;
	}
	return false;
}

/* $'...', which bash, zsh, ksh and newer sh read. */
static void put_escaped(struct gs_text *text, const char *word)
{
	gs_text_puts(text, "$'");
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c < 0x20 || c == 0x7f)
			gs_text_printf(text, "\\%03o", c);
		else
			gs_text_printf(text, c == '\'' || c == '\\' ? "\\%c" : "%c", c);
	}
	gs_text_puts(text, "'");
}

static void put_quoted(struct gs_text *text, const char *word)
{
	gs_text_puts(text, "'");
	for (; *word; word++)
		*word == '\'' ? gs_text_puts(text, "'\\''") : gs_text_append(text, word, 1);
	gs_text_puts(text, "'");
}

void gs_proc_put_argument(struct gs_text *text, const char *word)
{
	if (is_plain(word))
		gs_text_puts(text, word);
	else if (has_control(word))
		put_escaped(text, word);
	else
		put_quoted(text, word);
}

char *gs_proc_command_line(const struct gs_proc *proc)
{
	gs_autotext struct gs_text text = {0};
	gs_autoerror struct gs_error *err = NULL;
	char *line = NULL;

	for (size_t at = 0; at < proc->args_size; at += strlen(proc->args + at) + 1) {
		gs_text_puts(&text, at ? " " : "");
		gs_proc_put_argument(&text, proc->args + at);
	}
	err = gs_text_finish(&text, &line);
	return line;
}
