/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jobs that tools call. Dump and convert are the same three steps:
 *
 *	describe   attributes, kernel, virtual addresses      (random reads)
 *	select     which pages are kept                       (gs_selection)
 *	write      source → N workers → ordered writer        (bounded memory, deterministic)
 *
 * verify, sum, compare and survey only read.
 */
#ifndef GUESTSCOPE_JOB_H
#define GUESTSCOPE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/emit.h>
#include <guestscope/base/error.h>
#include <guestscope/base/io.h>
#include <guestscope/base/progress.h>
#include <guestscope/codec.h>
#include <guestscope/dump.h>
#include <guestscope/linux.h>
#include <guestscope/memory.h>
#include <guestscope/qmp.h>

/* Names of output formats as users know them: elf kdump-zlib kdump-lzo kdump-snappy kdump-zstd
 * kdump-raw */
struct gs_format {
	const char *name;
	enum gs_dump_format format;
	enum gs_codec codec;
};
extern const struct gs_format gs_formats[];               /* ends with a NULL name */
const struct gs_format *gs_format_find(const char *name); /* NULL if unknown */

enum gs_ranges_choice {
	GS_RANGES_DEFAULT, /* system for kdump files of Linux guests, all for everything else */
	GS_RANGES_ALL,     /* every range that QEMU calls RAM */
	GS_RANGES_SYSTEM,  /* what the guest's kernel owns as RAM */
};

/*
 * Classes of pages that are left out: the bits of makedumpfile's dump level. As there, PRIVATE
 * takes CACHE along, and zero pages that are left out are still in a kdump file, where they share
 * one page; in an ELF file they are holes.
 */
enum {
	GS_EXCLUDE_ZERO = 1,
	GS_EXCLUDE_CACHE = 2,
	GS_EXCLUDE_PRIVATE = 4,
	GS_EXCLUDE_USER = 8,
	GS_EXCLUDE_FREE = 16,
	GS_EXCLUDE_ALL = 31,
};
/* "zero,cache,private,user,free", any of them; INVALID names the word that is none. */
GS_MUST_CHECK struct gs_error *gs_exclude_parse(const char *names, unsigned int *ret);

/* What to write, common to dump and convert. */
struct gs_output_spec {
	const struct gs_format *format;
	int level;    /* 0: default */
	bool flatten; /* always, when the output is no seekable file and the format is kdump */
	unsigned int exclude; /* GS_EXCLUDE_*: what is left out */
	bool drop_zero;       /* of kdump files zero pages are left out altogether */
	enum gs_ranges_choice ranges;
	unsigned int threads;         /* 0: as many as CPUs */
	struct gs_progress *progress; /* or NULL */
	/* Notes for people ("left out: ..."); may be NULL. */
	void (*note)(void *arg, const char *text);
	void *note_arg;
};

struct gs_job_result {
	struct gs_writer_stats stats;
	uint64_t memory_bytes;   /* of all selected ranges */
	uint64_t left_out_bytes; /* ranges not selected */
	double seconds;
};

/*
 * The step "describe": what the writer must know beyond the ranges. Opened from random reads;
 * filled as far as the guest allows. linux is NULL for a guest that is no Linux or has no
 * VMCOREINFO (why says).
 */
struct gs_description {
	struct gs_attributes attrs; /* completed: utsname, phys_base, vmcoreinfo */
	struct gs_range *ranges;    /* chosen, of @mem's */
	size_t range_count;
	uint64_t left_out_bytes;
	struct gs_segment *segments; /* direct map */
	size_t segment_count;
	struct gs_segment text;
	bool is_linux;
	char *why_not; /* if !is_linux: one line */
	char *why_all; /* all ranges, though the kernel's own were due: one line; else NULL */
};
GS_MUST_CHECK struct gs_error *gs_describe(struct gs_memory *mem, enum gs_ranges_choice choice,
					   enum gs_dump_format format, struct gs_description *ret);
void gs_description_deinit(struct gs_description *d);
#define gs_autodescription __attribute__((cleanup(gs_description_deinit)))

/* The step "write": everything from @src through the writer into @out; used by dump and convert. */
GS_MUST_CHECK struct gs_error *gs_pipeline_run(struct gs_page_source *src, struct gs_writer *writer,
					       bool positional, unsigned int threads,
					       struct gs_progress *progress);

/* convert: @mem into @out (not yet committed). */
GS_MUST_CHECK struct gs_error *gs_convert(struct gs_memory *mem, const struct gs_output_spec *spec,
					  struct gs_outfile *out, struct gs_job_result *ret);

/* A pipe's content put into an unlinked file, so that it can be read at random: convert -. */
GS_MUST_CHECK struct gs_error *gs_spool(int fd, const char *name, const char *dir,
					struct gs_blob **ret);

/* ---- split, join ---- */

#define GS_SPLIT_PARTS_MAX 256

/*
 * @mem into @count (2 to GS_SPLIT_PARTS_MAX) parts of a split kdump set that take about the same
 * room, as "makedumpfile --split" lays them out. The pages of a kdump file go over as they are
 * stored; with @spec, and for any other dump, the whole is converted first, into a file without a
 * name beside the first part. @outs are regular files, not yet committed. Fills @count results.
 */
GS_MUST_CHECK struct gs_error *gs_split(struct gs_memory *mem, const struct gs_output_spec *spec,
					struct gs_outfile *const *outs, size_t count,
					struct gs_progress *progress,
					struct gs_job_result *results);

/*
 * A split set (or one kdump file, flattened or not) as one file, its pages as they are stored. Of
 * parts that makedumpfile, QEMU or this library wrote, the result is what "makedumpfile
 * --reassemble" makes of them, byte for byte: the file as it would have been without a split.
 * Flattened if @out is not seekable.
 */
GS_MUST_CHECK struct gs_error *gs_join(struct gs_memory *mem, struct gs_outfile *out,
				       struct gs_progress *progress, struct gs_job_result *ret);

/* ---- repair ---- */

struct gs_repair_spec {
	enum gs_ranges_choice ranges; /* DEFAULT: a kdump file loses what is no System RAM */
	const char *vmcoreinfo;       /* text to use, and to add to a kdump file; NULL: none */
	size_t vmcoreinfo_size;
	const char *spool_dir;        /* as in struct gs_dump_open */
	struct gs_progress *progress; /* of a copy; or NULL */
	/* Called before each change of a file in place; for tests. May be NULL. */
	void (*step)(void *arg);
	void *step_arg;
};

/*
 * What is wrong with a dump file's headers, and what would put them right, found in the dump
 * itself: utsname, phys_base, the place of VMCOREINFO, ranges that are no RAM, virtual addresses
 * and the place of program headers in an ELF file, the end of a file that was cut. Where there is
 * no VMCOREINFO it is looked for in the memory. BUSY if a repair of the file was interrupted:
 * gs_repair_recover() first.
 */
struct gs_repair;
GS_MUST_CHECK struct gs_error *gs_repair_open(const char *path, const struct gs_repair_spec *spec,
					      struct gs_repair **ret);
void gs_repair_close(struct gs_repair *r);
GS_DEFINE_CLEANUP(struct gs_repair *, gs_repair_close)
/* What is wrong; borrowed. */
const struct gs_mend_change *gs_repair_changes(const struct gs_repair *r, size_t *count_ret);
/* The repaired dump, in @out (not yet committed): a regular file, never flattened. */
GS_MUST_CHECK struct gs_error *gs_repair_copy(struct gs_repair *r, struct gs_outfile *out);
/*
 * Repair the file itself. Old and new bytes are first put into a journal beside it
 * (FILE.guestscope-journal), so that whatever interrupts this, gs_repair_recover() finishes it.
 */
GS_MUST_CHECK struct gs_error *gs_repair_in_place(struct gs_repair *r);
/* Finish an interrupted repair, if there is a journal beside the file (*found_ret). */
GS_MUST_CHECK struct gs_error *gs_repair_recover(const char *path,
						 const struct gs_repair_spec *spec,
						 bool *found_ret);

/* ---- dump ---- */

enum gs_engine { GS_ENGINE_AUTO, GS_ENGINE_DIRECT, GS_ENGINE_STREAM, GS_ENGINE_QEMU };

enum gs_after { GS_AFTER_RESUME, GS_AFTER_CRASH, GS_AFTER_RESET };

struct gs_dump_spec {
	struct gs_output_spec output;
	enum gs_engine
		engine; /* AUTO: DIRECT, or where that is impossible (a note says why) STREAM */
	enum gs_after after; /* what becomes of the guest when the dump is complete */
	/*
	 * Do not stop the guest: DIRECT only. The dump is not one instant, and says so in a note
	 * (see gs_attributes.live). QEMU stops a dozen times for some tenths of a millisecond when
	 * it is asked for ranges, registers and samples.
	 */
	bool live;
	/*
	 * Copy the kept pages, resume the guest, and only then write: DIRECT only. What would need
	 * more than spool_max_bytes (0: half of the memory that is available) is written under the
	 * pause after all; a note says so.
	 */
	bool min_pause;
	uint64_t spool_max_bytes;
	/*
	 * VMCOREINFO (NUL-terminated, borrowed) in place of the guest's own. NULL: that one; if
	 * there is none and it is needed, it is looked for in the guest's memory, with engine
	 * STREAM while the guest stands still.
	 */
	const char *vmcoreinfo;
	uint64_t max_pause_ms; /* TIMEOUT if the guest would stand still for longer; 0: none */
};

struct gs_dump_result {
	struct gs_job_result job;
	const char *engine;
	double pause_ms; /* how long the guest stood still for us, by QEMU's clock; 0: found so */
	uint64_t spool_bytes; /* of pages that were copied first */
};

struct gs_dump_estimate {
	uint64_t memory_bytes;
	uint64_t max_file_bytes;
	uint64_t file_bytes_guess; /* from samples of the guest's pages */
	uint64_t pause_ms_guess;
	const char *engine;
};

GS_MUST_CHECK struct gs_error *gs_dump(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
				       struct gs_outfile *out, struct gs_dump_result *ret);
GS_MUST_CHECK struct gs_error *gs_dump_dry_run(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
					       struct gs_dump_estimate *ret);

/*
 * Wait for one of the QMP events @names ("GUEST_PANICKED,WATCHDOG"), and for the stop that it
 * announces: then the guest is as its QEMU will keep it. Events that have come already count. GONE:
 * QEMU ended.
 */
GS_MUST_CHECK struct gs_error *gs_dump_await_event(struct gs_qmp *qmp, const char *names);
/* INVALID: an event that this QEMU does not have, which would be awaited for ever. */
GS_MUST_CHECK struct gs_error *gs_dump_check_events(struct gs_qmp *qmp, const char *names);

/* ---- verify ---- */

enum gs_severity { GS_SEVERITY_INFO, GS_SEVERITY_WARNING, GS_SEVERITY_ERROR };

/* One finding; code is stable ("kdump-desc-past-end"), text says where, what, and what was
 * expected. */
struct gs_finding {
	enum gs_severity severity;
	const char *code;
	bool has_offset;
	uint64_t offset; /* in the file (a flattened file: in the rearranged one) */
	const char *text;
};

struct gs_memory_sum {
	uint64_t hash_hi, hash_lo; /* see gs_sum_memory() */
	uint64_t units;            /* non-zero 4 KiB units that went in */
	uint64_t excluded_pages;   /* not in the dump: counted apart */
};

struct gs_verify {
	bool sum; /* also compute the sum */
	unsigned int threads;
	struct gs_progress *progress;
	/* Called for each finding, in file order, from one thread at a time. */
	void (*finding)(void *arg, const struct gs_finding *finding);
	void *arg;
};

struct gs_verify_result {
	uint64_t errors, warnings;
	uint64_t pages_declared, pages_readable, pages_zero, pages_lost;
	bool has_sum;
	struct gs_memory_sum sum;
};

/*
 * Judge a dump file by its raw structure and decode every page. Shares no parsing with the readers
 * of dump.h. Goes on after a finding. An error is returned only if the file cannot be read at all.
 */
GS_MUST_CHECK struct gs_error *gs_verify_files(const char *const *paths, size_t path_count,
					       const struct gs_verify *options,
					       struct gs_verify_result *ret);
/* The same of one blob, which stays the caller's: what can be judged in a file can be in a buffer.
 */
GS_MUST_CHECK struct gs_error *gs_verify_blob(struct gs_blob *blob, const struct gs_verify *options,
					      struct gs_verify_result *ret);
/* A raw image: whether all of it can be read, and its sum. */
GS_MUST_CHECK struct gs_error *gs_verify_raw(struct gs_memory *mem, const struct gs_verify *options,
					     struct gs_verify_result *ret);

/*
 * Sum of a memory: guest physical memory is cut into 4096-byte units by address; every unit that
 * lies wholly inside the ranges and holds a non-zero byte adds XXH3-128(bytes, seed = address),
 * modulo 2^128. Independent of order, format, holes and zero pages: equal sums and equal ranges
 * mean equal memory.
 */
GS_MUST_CHECK struct gs_error *gs_sum_memory(struct gs_memory *mem, unsigned int threads,
					     struct gs_progress *progress,
					     struct gs_memory_sum *ret);

struct gs_difference {
	/* All in pages of 4 KiB. One of a kind that only one side has is not compared. */
	uint64_t pages_compared, pages_different, pages_only_a, pages_only_b;
	bool ranges_differ;
	/* The same by what the first guest's kernel used the page for (enum gs_page_class). */
	struct gs_class_difference {
		uint64_t pages_compared, pages_different;
	} by_class[GS_PAGE_CLASS_UNKNOWN + 1];
};
/* Called for each run of differing pages, by address, from one thread at a time. */
typedef void (*gs_difference_fn)(void *arg, gs_gpa_t start, uint64_t size, const char *what);

/*
 * Who tells the classes (enum gs_page_class) of pages, mostly gs_page_map_classify(). It is asked,
 * by several threads, for @count == stride pages from a multiple of that on. An error that is an
 * answer makes them UNKNOWN.
 */
struct gs_classifier {
	struct gs_error *(*classify)(void *arg, gs_pfn_t first, uint64_t count, uint8_t *class_ret);
	/* May be NULL. How many pages from @first on are UNMAPPED for sure: none of them is asked
	 * for. */
	uint64_t (*unmapped)(void *arg, gs_pfn_t first);
	void *arg;
	uint64_t stride; /* pages */
};

struct gs_compare_options {
	const struct gs_classifier *classes; /* of the first memory; NULL: all are UNKNOWN */
	unsigned int threads;                /* 0: as many as CPUs */
	struct gs_progress *progress;
	gs_difference_fn fn; /* may be NULL */
	void *arg;
};
/* Page by page over all addresses that either has. A cancel gives OS "stopped". */
GS_MUST_CHECK struct gs_error *gs_compare(struct gs_memory *a, struct gs_memory *b,
					  const struct gs_compare_options *options,
					  struct gs_difference *ret);

/* ---- survey: what the pages of a memory are ---- */

/* What is known of a page's bytes. */
enum gs_page_state {
	GS_PAGE_STATE_DATA, /* there, and not known to be zero */
	GS_PAGE_STATE_ZERO,
	GS_PAGE_STATE_EXCLUDED,   /* left out of the dump, or lost while it was written */
	GS_PAGE_STATE_UNREADABLE, /* in the dump, but reading it fails */
	GS_PAGE_STATE_COUNT
};

/* State and class in one word, as maps show them: the last of these that fits. */
enum gs_page_kind {
	GS_PAGE_KIND_DATA, /* of no known class */
	GS_PAGE_KIND_KERNEL,
	GS_PAGE_KIND_USER,
	GS_PAGE_KIND_CACHE,
	GS_PAGE_KIND_CACHE_PRIVATE,
	GS_PAGE_KIND_UNMAPPED,
	GS_PAGE_KIND_FREE,
	GS_PAGE_KIND_OFFLINE,
	GS_PAGE_KIND_HWPOISON,
	GS_PAGE_KIND_ZERO,
	GS_PAGE_KIND_EXCLUDED,
	GS_PAGE_KIND_UNREADABLE,
	GS_PAGE_KIND_COUNT
};
const char *gs_page_kind_name(enum gs_page_kind kind); /* "cache-private" */

/* Pages counted by state and class, and how those with data are stored (kdump). */
struct gs_page_tally {
	uint64_t pages[GS_PAGE_STATE_COUNT][GS_PAGE_CLASS_UNKNOWN + 1];
	uint64_t codec_pages[GS_CODEC_COUNT], codec_bytes[GS_CODEC_COUNT];
};
uint64_t gs_page_tally_state(const struct gs_page_tally *t, enum gs_page_state state);
void gs_page_tally_kinds(const struct gs_page_tally *t, uint64_t ret[GS_PAGE_KIND_COUNT]);
/* Pages of known storage, and their bytes in the file. */
void gs_page_tally_stored(const struct gs_page_tally *t, uint64_t *pages_ret, uint64_t *bytes_ret);

/* The pages of [start, start + bucket_bytes) that are in the memory's ranges: at least one. */
struct gs_bucket {
	gs_gpa_t start; /* a multiple of bucket_bytes */
	struct gs_page_tally tally;
};
#define GS_BUCKETS_MAX (1u << 17)

struct gs_survey_options {
	const struct gs_classifier *classes; /* NULL: all are UNKNOWN */
	/*
	 * Read all pages: finds those that are zero and those that cannot be read. Else only what
	 * is known without (holes of a file, the shared zero page of a kdump) counts as zero, and
	 * only a kdump's impossible descriptors as unreadable.
	 */
	bool read_pages;
	uint64_t bucket_bytes; /* a power of two from a page to GS_GPA_MAX; 0: no buckets */
	unsigned int threads;  /* 0: as many as CPUs */
	struct gs_progress *progress;
};

struct gs_survey {
	uint32_t page_size;
	bool has_storage; /* the codec counts mean something */
	struct gs_page_tally total;
	uint64_t bucket_bytes;
	struct gs_bucket *buckets; /* by address; owned */
	size_t bucket_count;
};

/* The smallest bucket_bytes with which @mem falls into at most @count buckets. */
uint64_t gs_survey_bucket_bytes(const struct gs_memory *mem, size_t count);
/*
 * Look at every page of @mem once. Cost follows what is populated: runs that are known to be zero
 * or excluded count as a whole (unless classes are asked for). INVALID: bucket_bytes is no such
 * power, or more than GS_BUCKETS_MAX buckets. A cancel gives OS "stopped".
 */
GS_MUST_CHECK struct gs_error *gs_survey(struct gs_memory *mem,
					 const struct gs_survey_options *options,
					 struct gs_survey *ret);
void gs_survey_deinit(struct gs_survey *s);
#define gs_autosurvey __attribute__((cleanup(gs_survey_deinit)))

/* ---- foreign readers of dumps ---- */

struct gs_reader {
	const char *name;   /* also of its program */
	const char *format; /* of gs_formats: what it is given where it objects to a file */
	bool needs_symbols; /* does nothing without the kernel's */
};
const struct gs_reader *gs_reader_find(const char *name); /* NULL: not known here */
/*
 * Why it cannot read this dump file, or not what it could read of its own format; NULL: it can. By
 * what the versions in distributions do; newer ones may do better.
 */
const char *gs_reader_objection(const struct gs_reader *reader, const struct gs_memory *mem);

struct gs_reader_call {
	const char *const *paths;     /* of the dump; NULL-terminated */
	const char *vmlinux;          /* or NULL */
	uint64_t kernel_offset;       /* what KASLR moved the kernel by */
	const char *const *arguments; /* of the user's; NULL-terminated, or NULL */
};
/* Its command line, NULL-terminated, in one piece of memory: the caller frees *argv_ret alone. */
GS_MUST_CHECK struct gs_error *gs_reader_command(const struct gs_reader *reader,
						 const struct gs_reader_call *call,
						 char ***argv_ret);

#endif
