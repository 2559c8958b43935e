/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that waits for the end of a pause, and does not wait for ever. */
#include "overdue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define GRACE_MS 300 /* for the job to see that it was cancelled */

struct overdue {
	uint64_t max_ms;
	struct gs_progress *progress;
	struct gs_pause *pause;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	bool ended, struck;
};

static void add_ms(struct timespec *t, uint64_t ms)
{
	t->tv_sec += (time_t)(ms / 1000);
	t->tv_nsec += (long)(ms % 1000) * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
}

/* Called with the lock held; whether the end came first. */
static bool ends_before(struct overdue *o, const struct timespec *deadline)
{
	int rc = 0;

	while (!o->ended && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&o->changed, &o->lock, deadline);
	return o->ended;
}

static void *watch(void *arg)
{
	struct overdue *o = arg;
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	add_ms(&deadline, o->max_ms);
	pthread_mutex_lock(&o->lock);
	if (!ends_before(o, &deadline)) {
		o->struck = true;
		o->progress->cancelled = 1;
		add_ms(&deadline, GRACE_MS);
		if (!ends_before(o, &deadline))
			gs_pause_leave(o->pause);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

static int start(struct overdue *o)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&o->thread, NULL, watch, o);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

struct gs_error *gs_overdue_begin(uint64_t max_ms, struct gs_progress *progress,
				  struct gs_pause *pause, struct overdue **ret)
{
	gs_autofree struct overdue *o = calloc(1, sizeof(*o));
	pthread_condattr_t attr;
	int rc;

	if (!o)
		return gs_error_nomem();
	*o = (struct overdue){.max_ms = max_ms,
			      .progress = progress,
			      .pause = pause,
			      .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->changed, &attr);
	pthread_condattr_destroy(&attr);
	rc = start(o);
	if (rc)
		return gs_error_os(rc, "start a thread");
	*ret = gs_take(o);
	return NULL;
}

bool gs_overdue_end(struct overdue *o)
{
	bool struck;

	if (!o)
		return false;
	pthread_mutex_lock(&o->lock);
	o->ended = true;
	pthread_cond_signal(&o->changed);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->thread, NULL);
	struck = o->struck;
	pthread_cond_destroy(&o->changed);
	pthread_mutex_destroy(&o->lock);
	free(o);
	return struck;
}
