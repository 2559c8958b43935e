/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads doing one job. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/thread.h>

unsigned int gs_cpu_count(void)
{
	cpu_set_t set;
	long online;
	int count;

	if (sched_getaffinity(0, sizeof(set), &set) == 0) {
		count = CPU_COUNT(&set);
		return count > 0 ? (unsigned int)count : 1;
	}
	/* More CPUs than a fixed set holds. */
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (unsigned int)online : 1;
}

/*
 * The threads of one job. They wait for all of them to exist: a job whose parts wait for each other
 * must not start when one part is missing.
 */
struct crew {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum { CREW_GATHERING, CREW_WORKING, CREW_DISMISSED } state;
	struct gs_error *(*fn)(void *arg, unsigned int index);
	void *arg;
};

struct member {
	struct crew *crew;
	pthread_t thread;
	unsigned int index;
	struct gs_error *err;
};

static void *member_main(void *arg)
{
	struct member *member = arg;
	struct crew *crew = member->crew;
	bool working;

	pthread_mutex_lock(&crew->lock);
	while (crew->state == CREW_GATHERING)
		pthread_cond_wait(&crew->changed, &crew->lock);
	working = crew->state == CREW_WORKING;
	pthread_mutex_unlock(&crew->lock);
	if (working)
		member->err = crew->fn(crew->arg, member->index);
	return NULL;
}

/* Signals that a fault raises stay deliverable: they belong to the thread that faults. */
static void block_signals(sigset_t *old_ret)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	sigdelset(&set, SIGFPE);
	sigdelset(&set, SIGILL);
	pthread_sigmask(SIG_SETMASK, &set, old_ret);
}

/* Starts as many as possible; *started_ret says how many. */
static int start_members(struct crew *crew, struct member *members, unsigned int count,
			 unsigned int *started_ret)
{
	unsigned int i;
	sigset_t old;
	int rc = 0;

	block_signals(&old);
	for (i = 0; i < count; i++) {
		members[i].crew = crew;
		members[i].index = i;
		rc = pthread_create(&members[i].thread, NULL, member_main, &members[i]);
		if (rc)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	*started_ret = i;
	return rc;
}

static void release_members(struct crew *crew, bool work)
{
	pthread_mutex_lock(&crew->lock);
	crew->state = work ? CREW_WORKING : CREW_DISMISSED;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
}

/* The error of the lowest index; the others are dropped. */
static struct gs_error *join_members(struct member *members, unsigned int count)
{
	struct gs_error *first = NULL;

	for (unsigned int i = 0; i < count; i++) {
		pthread_join(members[i].thread, NULL);
		if (!first)
			first = members[i].err;
		else
			gs_error_destroy(members[i].err);
	}
	return first;
}

struct gs_error *gs_threads_run(unsigned int count,
				struct gs_error *(*fn)(void *arg, unsigned int index), void *arg)
{
	struct crew crew = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.fn = fn,
		.arg = arg,
	};
	gs_autofree struct member *members = NULL;
	unsigned int started;
	struct gs_error *err;
	int rc;

	if (!count)
		return NULL;
	members = calloc(count, sizeof(*members));
	if (!members)
		return gs_error_nomem();
	rc = start_members(&crew, members, count, &started);
	release_members(&crew, rc == 0);
	err = join_members(members, started);
	pthread_cond_destroy(&crew.changed);
	pthread_mutex_destroy(&crew.lock);
	return rc ? gs_error_os(rc, "start thread %u of %u", started + 1, count) : err;
}
