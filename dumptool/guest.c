/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest that a command is about. */
#include <stdio.h>
#include <stdlib.h>

#include <guestscope/launch.h>

#include "dumptool.h"

static void trace(void *arg, bool outgoing, const char *text, size_t size)
{
	(void)arg;
	fprintf(stderr, "%s %.*s\n", outgoing ? "-->" : "<--", (int)size, text);
}

struct gs_error *dumptool_connect(const struct gs_args *args, struct gs_qmp **ret)
{
	const struct gs_qmp_options options = {
		.libvirt_uri = gs_args_connect(args),
		.trace = gs_args_verbose(args) > 1 ? trace : NULL,
	};
	gs_autofree char *run_dir = gs_registry_dir(getenv("XDG_RUNTIME_DIR"));

	if (!run_dir)
		return gs_error_nomem();
	return gs_guest_connect(run_dir, gs_args_guest(args), &options, ret);
}
