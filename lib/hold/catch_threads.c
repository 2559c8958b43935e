/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of a catcher by number. */
#include <stdlib.h>

#include "catch.h"

static struct gs_catch_thread **find_link(struct gs_catch_threads *threads, pid_t tid)
{
	struct gs_catch_thread **link = &threads->buckets[(size_t)tid % GS_CATCH_BUCKETS];

	while (*link && (*link)->tid != tid)
		link = &(*link)->next;
	return link;
}

struct gs_catch_thread *gs_catch_find(const struct gs_catch_threads *threads, pid_t tid)
{
	return *find_link((struct gs_catch_threads *)threads, tid);
}

struct gs_catch_thread *gs_catch_add(struct gs_catch_threads *threads, pid_t tid)
{
	struct gs_catch_thread **link = find_link(threads, tid);

	if (*link)
		return *link;
	*link = calloc(1, sizeof(**link));
	if (!*link)
		return NULL;
	(*link)->tid = tid;
	threads->count++;
	return *link;
}

void gs_catch_remove(struct gs_catch_threads *threads, struct gs_catch_thread *thread)
{
	*find_link(threads, thread->tid) = thread->next;
	threads->count--;
	free(thread);
}

struct gs_catch_thread *gs_catch_next(const struct gs_catch_threads *threads,
				      const struct gs_catch_thread *thread)
{
	size_t i = 0;

	if (thread && thread->next)
		return thread->next;
	if (thread)
		i = (size_t)thread->tid % GS_CATCH_BUCKETS + 1;
	while (i < GS_CATCH_BUCKETS && !threads->buckets[i])
		i++;
	return i < GS_CATCH_BUCKETS ? threads->buckets[i] : NULL;
}
