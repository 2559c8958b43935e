/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The step "write": chunks go through slots, and any worker does whatever is due on any slot.
 *
 *	FREE ── next (one at a time) ──> LOADED ── encode (parallel) ──> ENCODED
 *	     ── place (in order) ──> PLACED ── store (one at a time) ──> FREE
 *
 * There is no thread besides the workers, and no queue besides the slots: a slow chunk holds up the
 * others only when all slots wait for it. Bytes do not depend on the number of workers, as place
 * alone decides where they go.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/thread.h>
#include <guestscope/job.h>

/* A slot takes two to three MiB: together they stay well below the promised 128. */
#define SLOTS_MAX 32u
#define SLOTS_PER_WORKER 3u
/* Runs are handed on in pieces, so that progress and cancelling see something of a huge one. */
#define RUN_BYTES_MAX (UINT64_C(1) << 32)

enum slot_state { SLOT_FREE, SLOT_LOADED, SLOT_ENCODED, SLOT_PLACED, SLOT_STORING };

struct slot {
	enum slot_state state;
	uint64_t number; /* of its chunk */
	struct gs_chunk chunk;
	struct gs_encoded *encoded;
};

struct pipeline {
	struct gs_page_source *src;
	struct gs_writer *writer;
	bool positional;
	struct gs_progress *progress; /* or NULL */

	pthread_mutex_t lock; /* guards all below, and gs_writer_place() */
	pthread_cond_t changed;
	struct slot *slots;
	size_t slot_count;
	uint64_t taken, placed, stored; /* chunks so far */
	bool source_busy, source_ended, sink_busy;
	struct gs_chunk rest; /* of a run that is handed on in pieces; size 0: none */
	bool failed;
};

static bool is_cancelled(const struct pipeline *p)
{
	return p->progress && p->progress->cancelled;
}

static struct slot *find_slot(struct pipeline *p, enum slot_state state)
{
	for (size_t i = 0; i < p->slot_count; i++) {
		if (p->slots[i].state == state)
			return &p->slots[i];
	}
	return NULL;
}

/* The encoded slot whose turn it is. A sequential sink takes one chunk at a time. */
static struct slot *find_placeable(struct pipeline *p)
{
	if (!p->positional && p->placed != p->stored)
		return NULL;
	for (size_t i = 0; i < p->slot_count; i++) {
		struct slot *slot = &p->slots[i];

		if (slot->state == SLOT_ENCODED && slot->number == p->placed)
			return slot;
	}
	return NULL;
}

/* Called by one worker at a time, without the lock. */
static struct gs_error *next_chunk(struct pipeline *p, struct gs_chunk *chunk, bool *end_ret)
{
	struct gs_error *err = NULL;
	gs_gpa_t border;

	if (p->rest.size) {
		chunk->gpa = p->rest.gpa;
		chunk->size = p->rest.size;
		chunk->kind = p->rest.kind;
		chunk->data = NULL;
		p->rest.size = 0;
		*end_ret = false;
	} else {
		err = gs_page_source_next(p->src, chunk, end_ret);
	}
	if (err || *end_ret || chunk->kind == GS_EXTENT_DATA)
		return err;
	border = (chunk->gpa | (RUN_BYTES_MAX - 1)) + 1;
	if (chunk->size > border - chunk->gpa) {
		p->rest.gpa = border;
		p->rest.size = chunk->gpa + chunk->size - border;
		p->rest.kind = chunk->kind;
		chunk->size = border - chunk->gpa;
	}
	return NULL;
}

/* The do_ functions are called with the lock held, and drop it while they work. */

static struct gs_error *do_load(struct pipeline *p, struct slot *slot)
{
	struct gs_error *err;
	bool end = false;

	p->source_busy = true;
	slot->state = SLOT_LOADED;
	pthread_mutex_unlock(&p->lock);
	err = next_chunk(p, &slot->chunk, &end);
	pthread_mutex_lock(&p->lock);
	p->source_busy = false;
	p->source_ended |= end;
	slot->number = p->taken;
	if (err || end) {
		slot->state = SLOT_FREE;
		return err;
	}
	p->taken++;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	err = gs_page_source_load(p->src, &slot->chunk);
	if (!err)
		err = gs_writer_encode(p->writer, &slot->chunk, slot->encoded);
	pthread_mutex_lock(&p->lock);
	slot->state = SLOT_ENCODED;
	return err;
}

static struct gs_error *do_place(struct pipeline *p, struct slot *slot)
{
	slot->state = SLOT_PLACED;
	p->placed++;
	return gs_writer_place(p->writer, slot->encoded);
}

static struct gs_error *do_store(struct pipeline *p, struct slot *slot)
{
	struct gs_error *err;

	slot->state = SLOT_STORING;
	p->sink_busy = true;
	pthread_mutex_unlock(&p->lock);
	err = gs_writer_store(p->writer, slot->encoded);
	pthread_mutex_lock(&p->lock);
	p->sink_busy = false;
	if (!err && p->progress)
		p->progress->done += slot->chunk.size;
	p->stored++;
	slot->state = SLOT_FREE;
	return err;
}

/*
 * Do the oldest thing that is due; false if there was none. One store at a time even where more
 * could be had: the kernel lets only one write(2) into a file at a time, and has others spin.
 */
static bool do_something(struct pipeline *p, struct gs_error **err_ret)
{
	struct slot *slot;

	if ((slot = find_placeable(p)))
		*err_ret = do_place(p, slot);
	else if (!p->sink_busy && (slot = find_slot(p, SLOT_PLACED)))
		*err_ret = do_store(p, slot);
	else if (!p->source_busy && !p->source_ended && (slot = find_slot(p, SLOT_FREE)))
		*err_ret = do_load(p, slot);
	else
		return false;
	return true;
}

static struct gs_error *work(void *arg, unsigned int index)
{
	struct pipeline *p = arg;
	struct gs_error *err = NULL;

	(void)index;
	pthread_mutex_lock(&p->lock);
	while (!err && !p->failed && !(p->source_ended && p->stored == p->taken)) {
		if (is_cancelled(p))
			err = gs_error_os(EINTR, "stopped");
		else if (do_something(p, &err))
			pthread_cond_broadcast(&p->changed);
		else
			pthread_cond_wait(&p->changed, &p->lock);
	}
	if (err && p->failed) {
		/* Somebody else's came first. */
		gs_error_destroy(err);
		err = NULL;
	}
	p->failed |= err != NULL;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return err;
}

static struct gs_error *create_slots(struct pipeline *p, size_t count)
{
	p->slots = calloc(count, sizeof(*p->slots));
	if (!p->slots)
		return gs_error_nomem();
	for (p->slot_count = 0; p->slot_count < count; p->slot_count++) {
		struct slot *slot = &p->slots[p->slot_count];
		struct gs_error *err;
		void *buffer;

		if (posix_memalign(&buffer, 4096, GS_CHUNK_BYTES))
			return gs_error_nomem();
		slot->chunk.buffer = buffer;
		err = gs_encoded_create(p->writer, &slot->encoded);
		if (err) {
			free(buffer);
			return err;
		}
	}
	return NULL;
}

static void destroy_slots(struct pipeline *p)
{
	for (size_t i = 0; i < p->slot_count; i++) {
		gs_encoded_destroy(p->slots[i].encoded);
		free(p->slots[i].chunk.buffer);
	}
	free(p->slots);
}

struct gs_error *gs_pipeline_run(struct gs_page_source *src, struct gs_writer *writer,
				 bool positional, unsigned int threads,
				 struct gs_progress *progress)
{
	struct pipeline p = {
		.src = src,
		.writer = writer,
		.positional = positional,
		.progress = progress,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	unsigned int slots;
	struct gs_error *err;

	if (!threads)
		threads = gs_cpu_count();
	if (threads > SLOTS_MAX)
		threads = SLOTS_MAX;
	slots = threads * SLOTS_PER_WORKER < SLOTS_MAX ? threads * SLOTS_PER_WORKER : SLOTS_MAX;
	err = create_slots(&p, slots);
	if (!err)
		err = gs_threads_run(threads, work, &p);
	destroy_slots(&p);
	return err;
}
