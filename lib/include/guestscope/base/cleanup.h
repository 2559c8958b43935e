/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope-bound ownership: every owned local says how it is released.
 *
 *	gs_autofree char *path = ...;           free()
 *	gs_autoclose int fd = -1;               close() unless negative
 *	gs_autoerror struct gs_error *err = ..; gs_error_destroy()
 *	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
 *
 * Handing over is visible: *ret = gs_take(path); fd_ret = gs_take_fd(&fd).
 */
#ifndef GUESTSCOPE_BASE_CLEANUP_H
#define GUESTSCOPE_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#include <guestscope/base/error.h>

/* Defines the helper that GS_CLEANUP(fn) names; put one below the declaration of fn. */
#define GS_DEFINE_CLEANUP(type, fn)                    \
	static inline void fn##_cleanup(type *pointer) \
	{                                              \
		if (*pointer)                          \
			fn(*pointer);                  \
	}

#define GS_CLEANUP(fn) __attribute__((cleanup(fn##_cleanup)))

static inline void gs_free_cleanup(void *pointer)
{
	free(*(void **)pointer);
}

static inline void gs_close_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

GS_DEFINE_CLEANUP(struct gs_error *, gs_error_destroy)

#define gs_autofree __attribute__((cleanup(gs_free_cleanup)))
#define gs_autoclose __attribute__((cleanup(gs_close_cleanup)))
#define gs_autoerror GS_CLEANUP(gs_error_destroy)

/* The pointer, leaving NULL behind so that the cleanup finds nothing. */
#define gs_take(pointer)                                \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

static inline int gs_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
