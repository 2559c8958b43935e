/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk stat --watch: what a guest's disks do, per second, again and again. */
#include <stdio.h>
#include <stdlib.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "blk_rates.h"

struct watching {
	const struct gs_args *args;
	const struct disks *disks;
	struct gs_emit *e; /* NULL: the screen is live */
	struct screen screen;
	struct sample *first, *previous, *now; /* the first may be the previous one, too */
	uint64_t start_ns;                     /* QEMU's, CLOCK_MONOTONIC; 0: not known */
	struct rates_view view;
};

/* When QEMU began to count. A host that was suspended since makes it seem later than it was. */
static uint64_t start_of(pid_t pid)
{
	uint64_t age_ns = pid ? gs_process_age_ns(pid) : 0, now_ns = gs_now_ns();

	if (!age_ns)
		return 0;
	return age_ns < now_ns ? now_ns - age_ns : 1;
}

/* Since @from_ns, by a device that counted nothing then. */
static void rates_from_zero(uint64_t from_ns, const struct gs_block_stats *after,
			    struct gs_block_rates *ret)
{
	struct gs_block_stats zero = {.taken_ns = from_ns ? from_ns : after->taken_ns};

	gs_block_rates(&zero, after, ret);
}

/* A device that was not there before has counted all since. */
static void rates_since(const struct sample *before, const struct sampled *row,
			struct gs_block_rates *ret)
{
	const struct sampled *old = sample_find(before, row->device->id);

	if (old)
		gs_block_rates(&old->stats, &row->stats, ret);
	else
		rates_from_zero(before->graph.taken_ns, &row->stats, ret);
}

/* Its counters went back: what they count began between the last two looks. */
static void forget_first(struct watching *w, const struct sampled *row)
{
	struct sampled *first = (struct sampled *)sample_find(w->first, row->device->id);

	if (!first)
		return;
	gs_block_stats_deinit(&first->stats);
	first->stats.taken_ns = w->previous->graph.taken_ns;
}

static void compute(struct watching *w, enum since since, const struct sampled *row,
		    struct gs_block_rates *ret)
{
	if (since == SINCE_START) {
		rates_from_zero(w->start_ns, &row->stats, ret);
	} else if (since == SINCE_FIRST) {
		rates_since(w->first, row, ret);
	} else {
		rates_since(w->previous, row, ret);
		if (ret->restarted)
			forget_first(w, row);
	}
}

static struct gs_error *show(struct watching *w, enum since since)
{
	bool live = !w->e;
	struct gs_emit *e = live ? screen_begin(w->args, &w->screen) : w->e;
	gs_autofree struct gs_block_rates *rates = calloc(w->now->count + 1, sizeof(*rates));

	if (!rates) {
		if (live)
			gs_error_destroy(screen_draw(&w->screen, e));
		return gs_error_nomem();
	}
	for (size_t i = 0; i < w->now->count; i++)
		compute(w, since, &w->now->rows[i], &rates[i]);
	emit_rates(e, &w->view, since, w->now, rates);
	return live ? screen_draw(&w->screen, e) : gs_emit_finish(e);
}

static void release(const struct watching *w, struct sample *sample)
{
	if (!sample || sample == w->first)
		return;
	sample_free(sample);
	free(sample);
}

static struct gs_error *look(struct watching *w)
{
	gs_autofree struct sample *next = calloc(1, sizeof(*next));
	struct gs_error *err = next ? sample_take(w->args, w->disks, next) : gs_error_nomem();

	if (err)
		return err;
	release(w, w->previous);
	w->previous = w->now;
	w->now = gs_take(next);
	if (!w->first)
		w->first = w->now;
	return NULL;
}

static struct gs_error *run(struct watching *w, struct pace *pace, uint64_t count)
{
	struct gs_error *err = NULL;

	for (uint64_t i = 0; !err && i < count && !pace->interrupted; i++) {
		if (i)
			err = pace_wait(pace, w->disks->target.qmp, NULL, NULL);
		if (!err && !pace->interrupted)
			err = look(w);
		if (!err && !pace->interrupted)
			err = show(w, i ? SINCE_PREVIOUS : SINCE_START);
	}
	return err;
}

/* Takes @err. A guest that ends ends the watch; what was seen of it is summed up all the same. */
static struct gs_error *sum_up(struct watching *w, struct gs_error *err)
{
	struct gs_error *shown = NULL;

	if (w->now && w->now != w->first) {
		if (!w->e) { /* below what was drawn last */
			w->screen.lines = 0;
			fputs("\n", stdout);
		}
		shown = show(w, SINCE_FIRST);
	}
	if (err)
		gs_error_destroy(shown);
	return err ? err : shown;
}

static void watching_cleanup(struct watching *w)
{
	struct sample *first = w->first;

	release(w, w->previous);
	release(w, w->now);
	w->first = NULL;
	release(w, first);
	gs_emit_destroy(w->e);
}

int blk_watch(const struct gs_args *args, const struct disks *disks, struct pace *pace,
	      uint64_t count)
{
	__attribute__((cleanup(watching_cleanup))) struct watching w = {
		.args = args,
		.disks = disks,
		.start_ns =
			start_of(disks->target.pid ? disks->target.pid : disks->domain.domain.pid),
		.view = {.json = gs_args_has(args, "json"), .live = screen_is_live(args)},
	};
	struct gs_error *err = pace_start(pace);

	if (err)
		return gs_args_fail(args, err);
	if (!w.view.live)
		w.e = gs_args_emit(args, true);
	err = live_end(run(&w, pace, count));
	if (pace->interrupted || (err && err->code == GS_ERROR_GONE))
		err = sum_up(&w, err);
	return gs_args_fail(args, err);
}
