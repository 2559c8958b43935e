/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of dumptool share. */
#ifndef DUMPTOOL_H
#define DUMPTOOL_H

#include <guestscope/base/command.h>
#include <guestscope/base/progress.h>
#include <guestscope/job.h>
#include <guestscope/qmp.h>

/* complete.c: see gs_tool.complete. */
bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out);

int cmd_dump(struct gs_args *args);
int cmd_convert(struct gs_args *args);
int cmd_verify(struct gs_args *args);
int cmd_info(struct gs_args *args);
int cmd_notes(struct gs_args *args);
int cmd_dmesg(struct gs_args *args);
int cmd_compare(struct gs_args *args);
int cmd_map(struct gs_args *args);
int cmd_capabilities(struct gs_args *args);
int cmd_regs(struct gs_args *args);
int cmd_split(struct gs_args *args);
int cmd_join(struct gs_args *args);
int cmd_read(struct gs_args *args);
int cmd_open(struct gs_args *args);
int cmd_repair(struct gs_args *args);

/* ---- guest.c: the guest that a command is about ---- */

/* Connect to the guest that -g names, or to the only launched one. -vv traces the wire. */
GS_MUST_CHECK struct gs_error *dumptool_connect(const struct gs_args *args, struct gs_qmp **ret);

/* ---- input.c: the dump that a command reads ---- */

/* Options of commands that read a dump: rows of their tables. */
#define DUMPTOOL_FILE_OPTIONS                                                                    \
	{.name = "raw-base",                                                                     \
	 .argument = "ADDRESS",                                                                  \
	 .help = "FILE is a plain image of memory that starts at this guest physical address"},  \
	{                                                                                        \
		.name = "spool-dir", .argument = "DIR",                                          \
		.help = "where input from a pipe, and indexes that do not fit into memory, are " \
			"kept meanwhile (default: /var/tmp)"                                     \
	}

#define DUMPTOOL_VMCOREINFO_OPTION                                                             \
	{                                                                                      \
		.name = "vmcoreinfo", .argument = "FILE",                                      \
		.help = "the guest kernel's VMCOREINFO, as text or ELF note, in place of the " \
			"one that comes with the memory"                                       \
	}

/* Of those that make use of what the guest's kernel tells. */
#define DUMPTOOL_INPUT_OPTIONS DUMPTOOL_VMCOREINFO_OPTION, DUMPTOOL_FILE_OPTIONS

/* The positional arguments: the parts of one dump. */
static inline const char *const *dumptool_paths(const struct gs_args *args)
{
	return gs_args_all(args);
}

/* Opens them; "-" is standard input, which is spooled first. */
GS_MUST_CHECK struct gs_error *dumptool_open(const struct gs_args *args, struct gs_memory **ret);

/*
 * For commands that look into a dump or, with -g, into a live guest. The first @path_count
 * arguments are the parts of a dump; 0: the guest, and INVALID if none is named.
 */
struct dumptool_input {
	struct gs_memory *mem;
	struct gs_qmp *qmp; /* of a live guest, which mem borrows; else NULL */
};
GS_MUST_CHECK struct gs_error *dumptool_look(const struct gs_args *args, size_t path_count,
					     struct dumptool_input *ret);
/*
 * For commands that look at several: argument @i, which is a dump of one file; beyond the last one,
 * the guest. @what names it in the message if it is missing ("a second dump FILE").
 */
GS_MUST_CHECK struct gs_error *dumptool_look_at(const struct gs_args *args, size_t i,
						const char *what, struct dumptool_input *ret);
void dumptool_close_input(struct dumptool_input *in);
/*
 * For commands that are nothing without the guest's kernel: where VMCOREINFO is missing, the memory
 * is searched for it. That there is none is no error. @cancelled may be NULL.
 */
GS_MUST_CHECK struct gs_error *dumptool_find_vmcoreinfo(const struct gs_args *args,
							struct gs_memory *mem,
							const _Atomic int *cancelled);
#define dumptool_autoinput __attribute__((cleanup(dumptool_close_input)))
/* Whether -g stands on the command line itself: then no argument is a file. */
static inline bool dumptool_names_guest(const struct gs_args *args)
{
	return gs_args_has(args, "guest");
}

/* ---- kernel.c: the kernel of what is looked at, and names of addresses ---- */

#define DUMPTOOL_SYMBOLS_OPTION                                                                \
	{                                                                                      \
		.name = "symbols", .argument = "FILE",                                         \
		.help = "vmlinux or System.map (default: the kernel's own symbols, where its " \
			"memory tells them)"                                                   \
	}

struct dumptool_kernel {
	struct gs_linux *l;         /* NULL: no Linux that can be known */
	struct gs_error *why_not;   /* then: its NODATA or the like; owned */
	struct gs_symbols *symbols; /* NULL: none */
};
/*
 * @symbols: look for the kernel's own, if --symbols names no file. That there is no kernel or that
 * it tells no symbols is no error.
 */
GS_MUST_CHECK struct gs_error *dumptool_find_kernel(const struct gs_args *args,
						    struct gs_memory *mem, bool symbols,
						    struct dumptool_kernel *ret);
void dumptool_close_kernel(struct dumptool_kernel *kernel);
#define dumptool_autokernel __attribute__((cleanup(dumptool_close_kernel)))
/* "vprintk_emit+0x12"; NULL if it has no name. The caller frees. */
char *dumptool_name_address(const struct dumptool_kernel *kernel, uint64_t address);
/* --cpu; 0 if it is not there. */
GS_MUST_CHECK struct gs_error *dumptool_cpu(const struct gs_args *args, uint32_t *ret);

/* ---- classes.c: what the guest's kernel says of pages ---- */

struct dumptool_classes {
	struct gs_linux *kernel;
	struct gs_page_map *map;
	const struct gs_classifier *classifier; /* NULL: nobody can tell */
	struct gs_classifier storage;
	char *why_not; /* then: one line; or NULL */
};
/*
 * Finds out what it can; the borrowed @mem outlives @ret, and @ret stays where it is. @may_scan: a
 * memory without VMCOREINFO is searched for one.
 */
GS_MUST_CHECK struct gs_error *dumptool_open_classes(const struct gs_args *args, bool may_scan,
						     struct gs_memory *mem,
						     struct dumptool_classes *ret);
void dumptool_close_classes(struct dumptool_classes *c);
#define dumptool_autoclasses __attribute__((cleanup(dumptool_close_classes)))

/* ---- time.c: times of the wall clock ---- */

/*
 * "2026-11-20T16:25:57,307951+01:00" in the local time zone, the fraction if asked for; false for
 * times that have no such form. @ns is within a second.
 */
#define DUMPTOOL_TIME_TEXT 64
bool dumptool_iso_time(int64_t seconds, unsigned int ns, bool fraction,
		       char buffer[DUMPTOOL_TIME_TEXT]);

/* ---- cancel.c: progress, and the signals that end it ---- */

/*
 * The one progress of this run. From the first call on SIGINT, SIGTERM and SIGHUP cancel the job;
 * a second one ends the tool at once.
 */
struct gs_progress *dumptool_progress(void);
/*
 * From here on a guest may stand still for as long as we do: a cancel that takes longer than a
 * second, as the consumer of the output or QEMU itself hangs, ends the tool at once, and the
 * terminal cannot suspend it.
 */
void dumptool_guard_guest(void);
/* The guest is as it was, and signals do what they always do. */
void dumptool_release_guest(void);
bool dumptool_cancelled(void);
/* Exit status for the signal that cancelled. */
int dumptool_cancelled_status(void);
/* Exit status of a job that a cancel fails; takes @err. Who was cancelled is not told why. */
int dumptool_end_job(const struct gs_args *args, struct gs_error *err);

/* ---- output_options.c: what dump and convert write ---- */

#define DUMPTOOL_OUTPUT_OPTIONS                                                                    \
	{.name = "output",                                                                         \
	 .letter = 'o',                                                                            \
	 .argument = "FILE",                                                                       \
	 .help = "where to write; - is standard output (kdump formats are then flattened)"},       \
		{.name = "format",                                                                 \
		 .letter = 'f',                                                                    \
		 .argument = "FORMAT",                                                             \
		 .help = "format of the output (default: kdump-zlib)",                             \
		 .values = "elf|kdump-zlib|kdump-lzo|kdump-snappy|kdump-zstd|kdump-raw"},          \
		{.name = "flatten", .help = "write the flattened (\"makedumpfile -F\") form"},     \
		{.name = "ranges",                                                                 \
		 .argument = "WHICH",                                                              \
		 .help = "all memory, or only what the guest's kernel uses as RAM (default: "      \
			 "system for "                                                             \
			 "kdump formats of Linux guests, else all)",                               \
		 .values = "system|all"},                                                          \
		{.name = "dump-level",                                                             \
		 .letter = 'd',                                                                    \
		 .argument = "LEVEL",                                                              \
		 .help = "leave out pages; the sum of 1 zero (default), 2 cache, 4 cache with "    \
			 "private data, 8 user, 16 free"},                                         \
		{.name = "exclude",                                                                \
		 .argument = "CLASSES",                                                            \
		 .help = "the same by names: zero,cache,private,user,free"},                       \
		{.name = "drop-zero", .help = "leave zero pages out of kdump formats altogether"}, \
		{.name = "level",                                                                  \
		 .argument = "N",                                                                  \
		 .help = "compression level: lower is faster, higher is smaller"},                 \
		{.name = "threads",                                                                \
		 .argument = "N",                                                                  \
		 .help = "worker threads (default: one per CPU)"},                                 \
	{                                                                                          \
		.name = "force", .help = "replace an existing output file"                         \
	}

/* --threads; 0: not given. */
GS_MUST_CHECK struct gs_error *dumptool_threads(const struct gs_args *args, unsigned int *ret);
/* INVALID names the option. Notes go to stderr by gs_args_note(); @args outlives @ret. */
GS_MUST_CHECK struct gs_error *dumptool_output_spec(struct gs_args *args,
						    struct gs_output_spec *ret);
GS_MUST_CHECK struct gs_error *dumptool_open_output(const struct gs_args *args,
						    struct gs_outfile **ret);
/* The same where the name is made of that of --output; NULL: --output is missing. */
GS_MUST_CHECK struct gs_error *dumptool_open_output_as(const struct gs_args *args, const char *path,
						       struct gs_outfile **ret);
/* What was written: a document with --json, else a line on stderr under -v. */
GS_MUST_CHECK struct gs_error *dumptool_say_result(const struct gs_args *args,
						   const struct gs_outfile *out,
						   const struct gs_job_result *result);
/* The parts of it, for commands with more to say. */
void dumptool_emit_result(struct gs_emit *e, const struct gs_outfile *out,
			  const struct gs_job_result *result);
void dumptool_note_result(const struct gs_args *args, const struct gs_outfile *out,
			  const struct gs_job_result *result);

#endif
