/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries without a hard dependency. They stay open: their code may leave threads behind. */
#include "library.h"

#include <dlfcn.h>
#include <string.h>

static struct gs_error *look_up(const char *what, const struct gs_library_function *function,
				void *table)
{
	void *library = dlopen(function->library, RTLD_NOW | RTLD_LOCAL);
	void *address = library ? dlsym(library, function->name) : NULL;

	if (!library)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "%s is not installed here: %s", what,
				       dlerror());
	if (!address)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "%s is too old: no %s", what,
				       function->name);
	memcpy((char *)table + function->offset, &address, sizeof(address));
	return NULL;
}

struct gs_error *gs_library_load(const char *what, const struct gs_library_function *functions,
				 size_t count, void *table)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < count; i++)
		err = look_up(what, &functions[i], table);
	return err;
}
