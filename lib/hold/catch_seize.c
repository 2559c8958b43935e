/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How all threads of a process come to be traced, without a stop of any.
 *
 * A thread that is traced begins with a stop, and is ours before it has run; one whose parent was
 * not traced yet is found by the next look at all of them. When two looks in a row find nobody,
 * there is nobody: those who could still make threads are ours.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "catch.h"
#include "trace.h"

#define LOOKS_MAX 1000
#define HANG_MS 100

/* ---- while PTRACE_SEIZE hangs ---- */

/*
 * If one of the threads executes a program meanwhile, the kernel ends the others first, and waits
 * until their tracer has waited for them; PTRACE_SEIZE of one more waits for that exec. No signal
 * ends that wait, but any thread of ours may wait for those who have ended.
 */
struct rescuer {
	pthread_t thread;
	int done[2]; /* a pipe: its end is the end */
	size_t count;
};

static bool is_done(const struct rescuer *self)
{
	struct pollfd p = {.fd = self->done[0]};

	return poll(&p, 1, HANG_MS) != 0;
}

/* Ends only; stops are the tracer's to see. */
static void *rescue(void *arg)
{
	struct rescuer *self = arg;
	siginfo_t info;

	while (!is_done(self)) {
		info.si_pid = 0;
		while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) == 0 && info.si_pid) {
			self->count++;
			info.si_pid = 0;
		}
	}
	return NULL;
}

static int rescuer_start(struct rescuer *self)
{
	int code;

	self->count = 0;
	if (pipe2(self->done, O_CLOEXEC) < 0)
		return errno;
	code = pthread_create(&self->thread, NULL, rescue, self);
	if (code) {
		close(self->done[0]);
		close(self->done[1]);
	}
	return code;
}

static void rescuer_stop(struct rescuer *self)
{
	close(self->done[1]);
	pthread_join(self->thread, NULL);
	close(self->done[0]);
}

/* ---- all of them ---- */

/* A thread that has ended, and stays only for the sake of others, is of no interest. */
static bool is_ended(pid_t tid)
{
	struct gs_proc_stat stat;

	return !gs_proc_stat(tid, &stat) || strchr("ZX", stat.state);
}

static struct gs_error *seize_thread(struct gs_catcher *catcher, pid_t tid, size_t *count)
{
	long options = gs_catch_options(catcher->method);
	int code;

	if (gs_catch_find(&catcher->threads, tid))
		return NULL;
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)options) == 0) {
		(*count)++;
		return gs_catch_add(&catcher->threads, tid) ? NULL : gs_error_nomem();
	}
	code = errno;
	if (code == ESRCH || is_ended(tid) || (code == EPERM && gs_trace_is_ours(tid)))
		return NULL; /* our newborns come by themselves */
	return gs_trace_refusal(catcher->process.pid, code);
}

static struct gs_error *look(struct gs_catcher *catcher, size_t *count)
{
	struct gs_error *err = NULL;
	struct dirent *entry;
	char path[32];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)catcher->process.pid);
	dir = opendir(path);
	if (!dir)
		return gs_error_create(GS_ERROR_GONE, "there is no process %d",
				       (int)catcher->process.pid);
	*count = 0;
	while (!err && (entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		if (tid > 0)
			err = seize_thread(catcher, tid, count);
	}
	closedir(dir);
	return err;
}

static struct gs_error *seize_all(struct gs_catcher *catcher)
{
	struct gs_error *err = NULL;
	int quiet = 0;
	size_t count = 0;

	for (int i = 0; !err && quiet < 2; i++) {
		if (i == LOOKS_MAX)
			return gs_error_create(GS_ERROR_BUSY,
					       "process %d makes threads faster than they can be "
					       "traced",
					       (int)catcher->process.pid);
		err = look(catcher, &count);
		quiet = count ? 0 : quiet + 1;
		gs_catch_drain(catcher); /* newborns run on */
	}
	return err;
}

/* Whose end another has waited for. */
static void remove_ended(struct gs_catcher *catcher)
{
	struct gs_catch_thread *next, *thread = gs_catch_next(&catcher->threads, NULL);

	for (; thread; thread = next) {
		next = gs_catch_next(&catcher->threads, thread);
		if (!gs_trace_is_ours(thread->tid))
			gs_catch_remove(&catcher->threads, thread);
	}
}

struct gs_error *gs_catch_seize(struct gs_catcher *catcher)
{
	struct rescuer rescuer;
	int code = rescuer_start(&rescuer);
	struct gs_error *err;

	if (code)
		return gs_error_os(code, "a thread that looks after PTRACE_SEIZE");
	err = seize_all(catcher);
	rescuer_stop(&rescuer);
	if (rescuer.count)
		remove_ended(catcher);
	return err;
}
