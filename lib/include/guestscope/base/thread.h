/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads doing one job: started together, joined together, first error wins. */
#ifndef GUESTSCOPE_BASE_THREAD_H
#define GUESTSCOPE_BASE_THREAD_H

#include <stddef.h>

#include <guestscope/base/error.h>

/* CPUs that this process may run on; at least 1. */
unsigned int gs_cpu_count(void);

/*
 * Run @fn(arg, index) on @count threads and wait for all. Returns the error of the lowest index
 * that failed. @fn must notice by itself (a flag in @arg) that another one failed. Signals are
 * blocked in the threads, so handlers run in the caller's.
 */
GS_MUST_CHECK struct gs_error *gs_threads_run(unsigned int count,
					      struct gs_error *(*fn)(void *arg, unsigned int index),
					      void *arg);

#endif
