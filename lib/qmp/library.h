/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries that few commands need, opened when they are: nobody else waits for their loading. */
#ifndef QMP_LIBRARY_H
#define QMP_LIBRARY_H

#include <stddef.h>

#include <guestscope/base/error.h>

struct gs_library_function {
	const char *library; /* its soname */
	const char *name;
	size_t offset; /* of its pointer in the caller's table */
};

/* The address of each function into @table. UNSUPPORTED: @what is not installed, or too old. */
GS_MUST_CHECK struct gs_error *gs_library_load(const char *what,
					       const struct gs_library_function *functions,
					       size_t count, void *table);

#endif
