/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exports: what a QEMU binary says of the state of its devices, and what it says of itself beside
 * it. The binary is run twice, once for -dump-vmstate and once to be asked over QMP; no guest, no
 * firmware and no KVM are needed, and both last some ten milliseconds.
 *
 * An export is a text of JSON:
 *
 *	{"guestscope": {
 *	   "format": 1,
 *	   "qemu": {"binary", "program", "version", "package", "target"},
 *	   "modules": {"loaded": [paths], "missing": [names]},
 *	   "machines": [{"name", "alias", "is-default", "deprecated", "compat-props"}, ...],
 *	   "types": {"abstract": {type: parent, ...}, "real": {...}, "missing": {type: module}},
 *	   "notes": [sentences]
 *	 },
 *	 "dump":
 *	 ... byte for byte what QEMU wrote ...
 *	}
 *
 *	program       the file of the process, if that is QEMU: a script may have replaced itself.
 *	              None if it lives among other files than we do (in a container)
 *	modules       of that process. A missing one is a module of devices that QEMU knows and
 *	              did not find: those are not in the dump. None are told missing where QEMU
 *	              was built without modules
 *	machines      sorted by name
 *	compat-props  what the machine changes of the devices' properties, where QEMU tells it
 *	              (from 9.1 on), in its own order: later ones win
 *	types         of devices: all that QEMU has, with the type that each derives from, and
 *	              those that are in modules that it did not find
 *	notes         what is amiss, for people
 *
 * Each of it may be missing. Members may be added, and those that are not known are passed over; a
 * document of another format is one that would be misunderstood so.
 */
#ifndef GUESTSCOPE_LAUNCH_EXPORT_H
#define GUESTSCOPE_LAUNCH_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/error.h>
#include <guestscope/base/json.h>

#define GS_EXPORT_DUMP_MAX ((size_t)64 << 20) /* bytes of QEMU's own; real: 2 MB */
#define GS_EXPORT_MAX (GS_EXPORT_DUMP_MAX + ((size_t)64 << 20))

struct gs_export_options {
	/*
	 * A folder for what was exported before; made, 0700, if it is not there. NULL: none. It is
	 * not used if others may write to it. An entry holds as long as the binary, what it runs
	 * (if it is a script) and the folders of its modules are untouched; a damaged one is as
	 * none.
	 */
	const char *cache_dir;
	uint64_t timeout_ms; /* for each of the runs; 0: 30 s */
};

struct gs_export {
	char *text; /* the document; NUL-terminated */
	size_t size;
	size_t dump_off, dump_size; /* QEMU's part of it */
	bool cached;                /* nothing was run */
};
void gs_export_deinit(struct gs_export *export);

/*
 * @binary: a path, or a name to look for in PATH; NULL: qemu-system-<host arch>.
 *   OS           it cannot be run
 *   GONE         it failed: how, and its last words
 *   UNSUPPORTED  it met modules of another build: which, and what helps
 *   TIMEOUT      it did not end; it is killed, with its children. (If we are killed meanwhile, it
 *                goes with us, but not what a script has started and not become.)
 *   NODATA       it wrote nothing
 *   CORRUPT      it wrote something else, or more than GS_EXPORT_DUMP_MAX
 * That it does not answer over QMP is a note. Such an export is not kept in the cache, nor is
 * one without a "program".
 */
GS_MUST_CHECK struct gs_error *gs_export_binary(const char *binary,
						const struct gs_export_options *options,
						struct gs_export *ret);
/* What is beside the dump: the value of "guestscope". The caller's. */
GS_MUST_CHECK struct gs_error *gs_export_about(const struct gs_export *export,
					       struct gs_json **ret);

/* Whether the file @path is one to run: executable, and an ELF file or a script. */
bool gs_export_is_binary(const char *path);

#endif
