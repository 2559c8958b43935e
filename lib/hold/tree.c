/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of processes out of what has happened to them. */
#include <stdlib.h>
#include <string.h>

#include "tree.h"

struct builder {
	struct gs_ptree tree;
	size_t room;
	struct gs_ptree_open *opens; /* their names are the log's */
	size_t open_count, open_room;
};

const char *gs_ptree_birth_name(enum gs_ptree_birth birth)
{
	static const char *const names[] = {
		[GS_PTREE_FOUND] = "found",
		[GS_PTREE_FORK] = "fork",
		[GS_PTREE_VFORK] = "vfork",
		[GS_PTREE_CLONE] = "clone",
	};

	return names[birth];
}

static void free_process(struct gs_ptree_process *process)
{
	for (size_t i = 0; i < process->exec_count; i++) {
		free(process->execs[i].program);
		free(process->execs[i].args);
	}
	free(process->execs);
}

void gs_ptree_deinit(struct gs_ptree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free_process(&tree->processes[i]);
	for (size_t i = 0; i < tree->link_count; i++) {
		free(tree->links[i].name);
		free(tree->links[i].ends);
	}
	free(tree->processes);
	free(tree->links);
	*tree = (struct gs_ptree){0};
}

/* ---- events ---- */

/* The last one of that number: they are used again. */
static size_t find_process(const struct gs_ptree *tree, pid_t pid)
{
	for (size_t i = tree->count; i > 0; i--) {
		if (tree->processes[i - 1].id.pid == pid)
			return i - 1;
	}
	return GS_PTREE_NONE;
}

static struct gs_error *make_room(void **list, size_t count, size_t *room, size_t size)
{
	void *more;

	if (count < *room)
		return NULL;
	more = reallocarray(*list, *room ? *room * 2 : 32, size);
	if (!more)
		return gs_error_nomem();
	*room = *room ? *room * 2 : 32;
	*list = more;
	return NULL;
}

static struct gs_error *on_born(struct builder *b, const struct gs_tree_event *event,
				const char *comm)
{
	struct gs_ptree_process *process;
	struct gs_error *err;

	if (b->tree.count == GS_PTREE_PROCESSES_MAX) {
		b->tree.lost++;
		return NULL;
	}
	err = make_room((void **)&b->tree.processes, b->tree.count, &b->room, sizeof(*process));
	if (err)
		return err;
	process = &b->tree.processes[b->tree.count];
	*process = (struct gs_ptree_process){
		.id = {event->pid, event->start},
		.parent = find_process(&b->tree, event->parent),
		.birth = event->value > 0 && event->value <= GS_PTREE_CLONE
				 ? (enum gs_ptree_birth)event->value
				 : GS_PTREE_FOUND,
		.start_ns = event->at_ns,
	};
	strncpy(process->comm, comm, sizeof(process->comm) - 1);
	b->tree.count++;
	return NULL;
}

/* @text ends with a NUL, of which gs_ptree_build() has made sure. */
static struct gs_error *on_exec(struct builder *b, struct gs_ptree_process *process,
				const struct gs_tree_event *event, const char *text)
{
	const char *end = text + event->text_size;
	const char *program = text + strlen(text) + 1;
	const char *args = program < end ? program + strlen(program) + 1 : end;
	struct gs_ptree_exec *more, *exec;

	if (program >= end || process->exec_count == GS_PTREE_EXECS_MAX) {
		b->tree.lost++;
		return NULL;
	}
	more = reallocarray(process->execs, process->exec_count + 1, sizeof(*more));
	if (!more)
		return gs_error_nomem();
	process->execs = more;
	exec = &more[process->exec_count++];
	*exec = (struct gs_ptree_exec){.at_ns = event->at_ns,
				       .program = strdup(program),
				       .args = malloc((size_t)(end - args) + 1),
				       .args_size = (size_t)(end - args),
				       .is_cut = event->value};
	if (!exec->program || !exec->args)
		return gs_error_nomem();
	memcpy(exec->args, args, exec->args_size);
	memset(process->comm, 0, sizeof(process->comm));
	strncpy(process->comm, text, sizeof(process->comm) - 1);
	return NULL;
}

static struct gs_error *on_open(struct builder *b, size_t process,
				const struct gs_tree_event *event, const char *name)
{
	bool reads = event->value & GS_TREE_READS, writes = event->value & GS_TREE_WRITES;
	bool beside = event->value & GS_TREE_BESIDE;
	struct gs_error *err =
		make_room((void **)&b->opens, b->open_count, &b->open_room, sizeof(*b->opens));

	if (err)
		return err;
	b->opens[b->open_count++] = (struct gs_ptree_open){
		.process = process,
		.inode = event->inode,
		.peer_inode = event->peer_inode,
		.at_ns = event->at_ns,
		.reads = reads && !beside,
		.writes = writes && !beside,
		.beside_reads = reads && beside,
		.beside_writes = writes && beside,
		.is_socket = event->value & GS_TREE_SOCKET,
		.name = *name ? name : NULL,
	};
	return NULL;
}

static struct gs_error *on_event(struct builder *b, const struct gs_tree_event *event,
				 const char *text)
{
	size_t at = find_process(&b->tree, event->pid);
	struct gs_ptree_process *process;

	if (event->at_ns > b->tree.end_ns)
		b->tree.end_ns = event->at_ns;
	if (event->kind == GS_TREE_BORN)
		return on_born(b, event, text);
	if (event->kind == GS_TREE_TIME || at == GS_PTREE_NONE)
		return NULL;
	process = &b->tree.processes[at];
	if (event->kind == GS_TREE_EXEC)
		return on_exec(b, process, event, text);
	if (event->kind == GS_TREE_OPEN)
		return on_open(b, at, event, text);
	if (event->kind == GS_TREE_SEEN) {
		process->state = (char)event->value;
	} else if (event->kind == GS_TREE_END) {
		process->ended = true;
		process->end_ns = event->at_ns;
		process->status = event->value;
	}
	return NULL;
}

/* ---- order ---- */

/* Where each goes: children behind their parents, in the order of their births. */
static bool find_places(const struct gs_ptree *tree, size_t *places)
{
	/* First child, next sibling; the last entry's children are the first processes. */
	gs_autofree size_t *first = calloc(tree->count + 1, sizeof(*first));
	gs_autofree size_t *next = calloc(tree->count + 1, sizeof(*next));
	size_t place = 0, at;

	if (!first || !next)
		return false;
	for (size_t i = 0; i <= tree->count; i++)
		first[i] = next[i] = GS_PTREE_NONE;
	for (size_t i = tree->count; i > 0; i--) {
		size_t parent = tree->processes[i - 1].parent;
		size_t *head = &first[parent == GS_PTREE_NONE ? tree->count : parent];

		next[i - 1] = *head;
		*head = i - 1;
	}
	at = first[tree->count];
	while (at != GS_PTREE_NONE) {
		places[at] = place++;
		if (first[at] != GS_PTREE_NONE) {
			at = first[at];
			continue;
		}
		while (at != GS_PTREE_NONE && next[at] == GS_PTREE_NONE)
			at = tree->processes[at].parent;
		at = at == GS_PTREE_NONE ? at : next[at];
	}
	return true;
}

/* Parents stand before their children from the first on: they were born before them. */
static struct gs_error *put_in_order(struct builder *b)
{
	struct gs_ptree *tree = &b->tree;
	gs_autofree size_t *places = calloc(tree->count + 1, sizeof(*places));
	struct gs_ptree_process *sorted = calloc(tree->count + 1, sizeof(*sorted));

	if (!sorted || !places || !find_places(tree, places)) {
		free(sorted);
		return gs_error_nomem();
	}
	for (size_t i = 0; i < tree->count; i++) {
		struct gs_ptree_process *process = &sorted[places[i]];

		*process = tree->processes[i];
		if (process->parent != GS_PTREE_NONE) {
			process->parent = places[process->parent];
			process->depth = sorted[process->parent].depth + 1;
		}
	}
	for (size_t i = 0; i < b->open_count; i++)
		b->opens[i].process = places[b->opens[i].process];
	free(tree->processes);
	tree->processes = sorted;
	return NULL;
}

/* ---- time ---- */

static void move_time(uint64_t *at_ns, uint64_t zero_ns)
{
	*at_ns = *at_ns > zero_ns ? *at_ns - zero_ns : 0;
}

static void begin_at_zero(struct builder *b)
{
	uint64_t zero_ns = b->tree.count ? b->tree.processes[0].start_ns : 0;

	for (size_t i = 0; i < b->tree.count; i++) {
		struct gs_ptree_process *process = &b->tree.processes[i];

		move_time(&process->start_ns, zero_ns);
		move_time(&process->end_ns, zero_ns);
		for (size_t k = 0; k < process->exec_count; k++)
			move_time(&process->execs[k].at_ns, zero_ns);
	}
	for (size_t i = 0; i < b->open_count; i++)
		move_time(&b->opens[i].at_ns, zero_ns);
	move_time(&b->tree.end_ns, zero_ns);
}

/* ---- all of it ---- */

static struct gs_error *read_events(struct builder *b, const char *at, size_t left)
{
	struct gs_error *err = NULL;

	while (!err && left) {
		struct gs_tree_event event;
		const char *text;

		if (left < sizeof(event))
			return gs_error_create(GS_ERROR_CORRUPT, "record of a tree: %zu bytes left",
					       left);
		memcpy(&event, at, sizeof(event));
		text = at + sizeof(event);
		if (event.size > left || event.size < sizeof(event) ||
		    event.text_size > event.size - sizeof(event))
			return gs_error_create(GS_ERROR_CORRUPT,
					       "record of a tree: an event of %u bytes with %u of "
					       "text",
					       event.size, event.text_size);
		if (event.text_size && text[event.text_size - 1] != '\0')
			return gs_error_create(GS_ERROR_CORRUPT,
					       "record of a tree: text without an end");
		err = on_event(b, &event, event.text_size ? text : "");
		at += event.size;
		left -= event.size;
	}
	return err;
}

struct gs_error *gs_ptree_build(const void *events, size_t size, size_t lost, struct gs_ptree *ret)
{
	struct builder b = {.tree.lost = lost};
	struct gs_error *err = read_events(&b, events, size);

	if (!err)
		err = put_in_order(&b);
	if (!err) {
		begin_at_zero(&b);
		err = gs_ptree_connect(&b.tree, b.opens, b.open_count);
	}
	free(b.opens);
	if (err)
		gs_ptree_deinit(&b.tree);
	else
		*ret = b.tree;
	return err;
}
