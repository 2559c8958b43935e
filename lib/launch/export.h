/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of an export share. Private to export*.c. */
#ifndef GUESTSCOPE_LAUNCH_EXPORT_PARTS_H
#define GUESTSCOPE_LAUNCH_EXPORT_PARTS_H

#include <sys/types.h>

#include <guestscope/base/text.h>
#include <guestscope/launch/export.h>

/* ---- export_run.c ---- */

/*
 * What -dump-vmstate of @binary writes, if it is JSON. *words_ret: what it had to say meanwhile,
 * one line, "" if nothing. Both are the caller's.
 */
GS_MUST_CHECK struct gs_error *gs_export_run(const char *binary, uint64_t deadline_ms,
					     struct gs_text *dump_ret, char **words_ret);

/* ---- export_ask.c, export_modules.c, export_table.c ---- */

/* Run @binary, and set what it says of itself in @about, whose "qemu" is there. */
GS_MUST_CHECK struct gs_error *gs_export_ask(const char *binary, uint64_t timeout_ms,
					     struct gs_json *about);
/*
 * Of process @pid, which has loaded all the modules that it can: "program" of "qemu", "modules" of
 * @about, and "missing" of "types", which is there; none of it where it is no QEMU or cannot be
 * looked at.
 */
GS_MUST_CHECK struct gs_error *gs_export_program(pid_t pid, struct gs_json *about);

/*
 * The modules with devices that the program @fd was built with, as far as they are for @target
 * (NULL: any): their names, each with the list of its types. NULL: there is no table of them.
 */
struct gs_json *gs_export_table(int fd, const char *target);

/* ---- export_cache.c ---- */

/*
 * Add to the object @stamps, path by path, what tells whether a file is the one that it was: of
 * @binary, and of all that @about (may be NULL) says it runs. What is there stays. false: no
 * memory.
 */
bool gs_export_stamp(struct gs_json *stamps, const char *binary, const struct gs_json *about);
/* The document that is kept for @binary, if it still holds; else *ret stays NULL. */
void gs_export_recall(const char *cache_dir, const char *binary, char **ret, size_t *size_ret);
/* Keep it if it can be done: that it cannot is no error. */
void gs_export_keep(const char *cache_dir, const char *binary, const struct gs_json *stamps,
		    const char *text, size_t size);

#endif
