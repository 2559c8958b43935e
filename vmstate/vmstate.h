/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of vmstate share. */
#ifndef VMSTATE_H
#define VMSTATE_H

#include <guestscope/base/command.h>
#include <guestscope/devstate.h>
#include <guestscope/devstate/about.h>
#include <guestscope/qmp/device_types.h>

int cmd_export(struct gs_args *args);
int cmd_show(struct gs_args *args);
int cmd_lint(struct gs_args *args);
int cmd_diff(struct gs_args *args);
int cmd_check(struct gs_args *args);
int cmd_matrix(struct gs_args *args);

/* complete.c: see gs_tool.complete. */
bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out);

/* ---- load.c ---- */

struct vmstate_export {
	const char *name; /* as it was given; borrowed */
	struct gs_devstate *state;
	struct gs_about *about; /* NULL: QEMU's own JSON, with nothing beside it */
};
/*
 * The export that @source names: a file, as it is or packed, of QEMU's own JSON or an export of
 * ours; or a QEMU binary, by its path or, where there is no such file, by PATH, which is exported
 * if that is not in the cache. Errors name @source; *ret is then untouched.
 */
GS_MUST_CHECK struct gs_error *vmstate_load(const char *source, struct vmstate_export *ret);
/* The first two arguments, at the same time if they are files. What is loaded is the caller's, also
 * after an error. */
GS_MUST_CHECK struct gs_error *vmstate_load_two(const struct gs_args *args,
						struct vmstate_export *before,
						struct vmstate_export *after);
void vmstate_export_deinit(struct vmstate_export *export);

static inline void vmstate_export_deinit_cleanup(struct vmstate_export *export)
{
	vmstate_export_deinit(export);
}
#define auto_export GS_CLEANUP(vmstate_export_deinit)

/* ---- named.c ---- */

/* Whether the arguments behind the first two name the device @type (may be NULL) of @export. */
bool vmstate_is_named(const struct gs_args *args, const struct gs_devstate *export,
		      const char *type);
/* NODATA: one of them names no device of either. */
GS_MUST_CHECK struct gs_error *vmstate_check_named(const struct gs_args *args,
						   const struct gs_devstate *before,
						   const struct gs_devstate *after);

/* ---- used.c ---- */

/*
 * For commands that may look at the devices of some guests alone. $GUESTSCOPE_GUEST is no default
 * here: who has it set does not mean that.
 */
#define VMSTATE_USED_OPTIONS                                                           \
	{.name = "used-by",                                                            \
	 .argument = "FILE",                                                           \
	 .help = "only devices that a list of types, or libvirt's XML, in FILE names", \
	 .repeat = true},                                                              \
		{.name = "guest",                                                      \
		 .letter = 'g',                                                        \
		 .argument = "GUEST",                                                  \
		 .help = "only devices that this running guest has",                   \
		 .repeat = true},                                                      \
	{                                                                              \
		.name = "connect", .letter = 'c', .argument = "URI",                   \
		.help = "where libvirt: guests are (default: libvirt's own)"           \
	}
/* The types that these options, and --devices, name, all together; none: there are no such options.
 */
GS_MUST_CHECK struct gs_error *vmstate_used(const struct gs_args *args,
					    struct gs_device_types *ret);
/* A note on those of which neither export has anything to say. */
void vmstate_note_unknown(const struct gs_args *args, const struct gs_device_types *used,
			  const struct gs_devstate *before, const struct gs_devstate *after);

/* ---- compat_script.c ---- */

/* What QEMU's own checker says, for check --compat-script; returns its exit status, or ours. */
int check_by_script(const struct gs_args *args);

/* Where exports of binaries are kept; the caller frees. NULL: there is no place. */
char *cache_folder(void);

#endif
