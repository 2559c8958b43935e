/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt without a hard dependency: its libraries are opened at run time. */
#ifdef GS_HAVE_LIBVIRT
#include "libvirt_api.h"

#include <dlfcn.h>
#include <string.h>

enum library { GENERAL, QEMU, LIBRARIES };

static const char *const names[LIBRARIES] = {"libvirt.so.0", "libvirt-qemu.so.0"};

static const struct {
	enum library library;
	const char *name;
	size_t offset; /* of its pointer in the table */
} functions[] = {
#define ROW(library, function) {library, #function, offsetof(struct gs_libvirt_api, function)},
	GS_LIBVIRT_FUNCTIONS(ROW)
#undef ROW
};

struct gs_error *gs_libvirt_load(struct gs_libvirt_api *ret)
{
	void *libraries[LIBRARIES];

	for (size_t i = 0; i < LIBRARIES; i++) {
		libraries[i] = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (!libraries[i])
			return gs_error_create(GS_ERROR_UNSUPPORTED,
					       "libvirt is not installed here: %s", dlerror());
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *function = dlsym(libraries[functions[i].library], functions[i].name);

		if (!function)
			return gs_error_create(GS_ERROR_UNSUPPORTED, "libvirt is too old: no %s",
					       functions[i].name);
		memcpy((char *)ret + functions[i].offset, &function, sizeof(function));
	}
	return NULL;
}
#endif
