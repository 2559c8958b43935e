/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt without a hard dependency, and what is common to all who talk to it. */
#ifdef GS_HAVE_LIBVIRT
#include "libvirt_api.h"

#include <string.h>

#include <guestscope/base/cleanup.h>

#include "library.h"

#define GENERAL "libvirt.so.0"
#define QEMU "libvirt-qemu.so.0"

static const struct gs_library_function functions[] = {
#define ROW(library, function) {library, #function, offsetof(struct gs_libvirt_api, function)},
	GS_LIBVIRT_FUNCTIONS(ROW)
#undef ROW
};

static void ignore_error(void *opaque, virErrorPtr error)
{
	(void)opaque;
	(void)error;
}

struct gs_error *gs_libvirt_load(struct gs_libvirt_api *ret)
{
	struct gs_error *err =
		gs_library_load("libvirt", functions, sizeof(functions) / sizeof(*functions), ret);

	if (!err)
		ret->virSetErrorFunc(NULL, ignore_error);
	return err;
}

bool gs_libvirt_is_local(const struct gs_libvirt_api *api, virConnectPtr conn)
{
	gs_autofree char *uri = api->virConnectGetURI(conn);
	const char *host = uri ? strstr(uri, "://") : NULL;

	return host && host[3] == '/';
}
#endif
