/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a catcher begins, and ends. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "catch.h"
#include "thread_state.h"
#include "trace.h"

static const struct gs_catch_method *const methods[] = {&gs_catch_perf, &gs_catch_int3};
#define METHOD_COUNT (sizeof(methods) / sizeof(*methods))

const struct gs_catch_method *gs_catch_method_of(enum gs_catch_mechanism mechanism)
{
	for (size_t i = 0; i < METHOD_COUNT; i++) {
		if (methods[i]->mechanism == mechanism)
			return methods[i];
	}
	return NULL;
}

long gs_catch_options(const struct gs_catch_method *method)
{
	return PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | method->options;
}

/* Before its other threads are ours, who may have none. */
static bool has_other_tracer(pid_t pid)
{
	struct gs_thread_state state;

	return gs_thread_state_read(pid, &state) && state.tracer && state.tracer != gettid();
}

/* Whose registers, and arguments, are not those that we know. */
static bool is_foreign(pid_t pid)
{
	const unsigned char our_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	unsigned char ident[EI_NIDENT];
	gs_autoclose int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, ident, sizeof(ident)) == (ssize_t)sizeof(ident) &&
	       ident[EI_CLASS] != our_class;
}

/* The memory of the program that it is now: it does not become that of the next one. */
static struct gs_error *open_memory(pid_t pid, int *fd_ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	*fd_ret = open(path, O_RDWR | O_CLOEXEC);
	if (*fd_ret >= 0)
		return NULL;
	if (errno == ENOENT)
		return gs_error_create(GS_ERROR_GONE, "there is no process %d", (int)pid);
	return gs_trace_refusal(pid, errno == EACCES ? EPERM : errno);
}

static bool is_another_program(const struct gs_catcher *catcher)
{
	char byte;

	return pread(catcher->mem_fd, &byte, 1, 0) == 0;
}

static struct gs_error *open_all(struct gs_catcher *catcher, pid_t pid)
{
	struct gs_error *err = gs_pidfd_open(pid, &catcher->target_fd);
	struct gs_proc_stat stat;
	sigset_t child;

	if (!err)
		err = open_memory(pid, &catcher->mem_fd);
	if (err)
		return err;
	if (!gs_proc_stat(pid, &stat))
		return gs_error_create(GS_ERROR_GONE, "there is no process %d", (int)pid);
	catcher->process = (struct gs_proc_id){.pid = pid, .start = stat.start};
	if (has_other_tracer(pid))
		return gs_trace_refusal(pid, EPERM);
	if (is_foreign(pid))
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "process %d is a program for another kind of machine",
				       (int)pid);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	catcher->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return catcher->signal_fd < 0 ? gs_error_os(errno, "signalfd") : NULL;
}

/* An exec in between is not somebody else's news. */
static struct gs_error *begin(struct gs_catcher *catcher)
{
	struct gs_error *err;

	catcher->is_leaving = true;
	err = gs_catch_seize(catcher);
	catcher->is_leaving = false;
	if (err)
		return err;
	if (catcher->is_over || catcher->threads.count == 0 || is_another_program(catcher))
		return gs_error_create(GS_ERROR_GONE, "process %d has become another program",
				       (int)catcher->process.pid);
	return gs_guardian_start(&catcher->guardian, catcher->process.pid, catcher->target_fd,
				 catcher->mem_fd);
}

/* Nothing of ours is on its way, or the guardian stays until we end. */
static void close_all(struct gs_catcher *catcher, bool is_clean)
{
	struct gs_catch_thread *thread;

	while ((thread = gs_catch_next(&catcher->threads, NULL))) {
		if (catcher->method->forget)
			catcher->method->forget(catcher, thread);
		gs_catch_remove(&catcher->threads, thread);
	}
	if (catcher->method->close)
		catcher->method->close(catcher);
	if (is_clean)
		gs_guardian_stop(&catcher->guardian);
	else
		gs_guardian_leave(&catcher->guardian);
	if (catcher->signal_fd >= 0)
		close(catcher->signal_fd);
	if (catcher->mem_fd >= 0)
		close(catcher->mem_fd);
	if (catcher->target_fd >= 0)
		close(catcher->target_fd);
	free(catcher->dir);
	free(catcher);
}

struct gs_error *gs_catcher_new(pid_t pid, enum gs_catch_mechanism mechanism, const char *dir,
				const struct gs_catch_ops *ops, void *arg, struct gs_catcher **ret)
{
	const struct gs_catch_method *method = gs_catch_method_of(mechanism);
	struct gs_catcher *catcher;
	struct gs_error *err;

	if (!method)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "mechanism %s is not there",
				       gs_catch_mechanism_name(mechanism));
	catcher = calloc(1, sizeof(*catcher));
	if (!catcher)
		return gs_error_nomem();
	catcher->method = method;
	catcher->ops = ops;
	catcher->arg = arg;
	catcher->dir = dir ? strdup(dir) : NULL;
	catcher->signal_fd = catcher->mem_fd = catcher->target_fd = -1;
	err = dir && !catcher->dir ? gs_error_nomem() : open_all(catcher, pid);
	if (!err)
		err = begin(catcher);
	if (err)
		gs_catcher_free(catcher);
	else
		*ret = catcher;
	return err;
}

void gs_catcher_free(struct gs_catcher *catcher)
{
	bool is_clean = catcher->threads.count == 0 || gs_catch_let_go(catcher);

	close_all(catcher, is_clean);
}
