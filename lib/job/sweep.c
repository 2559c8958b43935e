/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A page source read once by several threads. */
#include "sweep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <guestscope/base/thread.h>

struct state {
	const struct sweep *sweep;
	pthread_mutex_t lock; /* the source's next(), stop */
	bool stop;
};

static struct gs_error *next_chunk(struct state *s, struct gs_chunk *chunk, bool *end_ret)
{
	const struct gs_progress *progress = s->sweep->progress;
	struct gs_error *err = NULL;

	pthread_mutex_lock(&s->lock);
	*end_ret = s->stop;
	if (!s->stop && progress && progress->cancelled)
		err = gs_error_os(EINTR, "stopped");
	else if (!s->stop)
		err = gs_page_source_next(s->sweep->src, chunk, end_ret);
	s->stop |= *end_ret || err;
	pthread_mutex_unlock(&s->lock);
	return err;
}

static struct gs_error *do_chunk(struct state *s, struct gs_chunk *chunk)
{
	struct gs_error *err = NULL;

	if (s->sweep->load && chunk->kind == GS_EXTENT_DATA)
		err = gs_page_source_load(s->sweep->src, chunk);
	if (!err)
		err = s->sweep->chunk(s->sweep->arg, chunk);
	if (err) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_mutex_unlock(&s->lock);
	}
	return err;
}

static struct gs_error *work(void *arg, unsigned int index)
{
	struct state *s = arg;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	gs_autofree uint8_t *buffer = aligned_alloc(4096, GS_CHUNK_BYTES);
	struct gs_error *err = chunk && buffer ? NULL : gs_error_nomem();
	bool end = false;

	(void)index;
	if (!err)
		chunk->buffer = buffer;
	while (!err) {
		err = next_chunk(s, chunk, &end);
		if (err || end)
			break;
		err = do_chunk(s, chunk);
	}
	return err;
}

struct gs_error *gs_sweep_run(const struct sweep *sweep, unsigned int threads)
{
	struct state state = {.sweep = sweep, .lock = PTHREAD_MUTEX_INITIALIZER};

	return gs_threads_run(threads ? threads : gs_cpu_count(), work, &state);
}
