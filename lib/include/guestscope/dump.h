/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dump file formats: each one a probe, a reader (a memory) and, where we write it, a writer.
 *
 *	bytes of a file ─ flattened? ─ gs_blob ─> probe ─> ELF | kdump | raw reader ─> gs_memory
 *	gs_layout ─> ELF | kdump writer ─> gs_sink (file, flattened, stream)
 */
#ifndef GUESTSCOPE_DUMP_H
#define GUESTSCOPE_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/base/io.h>
#include <guestscope/base/progress.h>
#include <guestscope/codec.h>
#include <guestscope/memory.h>

/* ---- reading ---- */

struct gs_dump_open {
	bool raw;               /* the file is a plain image, not to be probed */
	gs_gpa_t raw_base;      /* guest address of its first byte */
	uint32_t raw_page_size; /* 0: 4096 */
	const char *spool_dir;  /* for the index of a large flattened file; NULL: /var/tmp */
};

/* What the file is, for info and messages; filled by the readers. */
struct gs_dump_facts {
	const char *format; /* "elf", "kdump", "raw" */
	bool flattened;
	int kdump_version;   /* header_version, else 0 */
	uint32_t status;     /* kdump header status word */
	unsigned int parts;  /* files of a split set; 1 otherwise */
	uint32_t load_count; /* ELF PT_LOADs */
	bool has_vaddrs;     /* ELF: virtual addresses of the guest's, not those of p_paddr again */
	uint64_t file_bytes; /* of all parts */
	/*
	 * kdump: pages that have a descriptor but no data, among those that extents were asked
	 * of so far, from the lowest address up. They are EXCLUDED.
	 */
	uint64_t lost_pages;
};

/*
 * Open a dump. Several paths are the parts of one split set, in any order. Flattened files are seen
 * through. Errors carry the path. The memory keeps its files open.
 */
GS_MUST_CHECK struct gs_error *gs_dump_open(const char *const *paths, size_t path_count,
					    const struct gs_dump_open *options,
					    struct gs_memory **ret);
/* The same over one blob, which is taken on success: whatever can be read from a file can be read
 * from a buffer. */
GS_MUST_CHECK struct gs_error *gs_dump_open_blob(struct gs_blob *blob,
						 const struct gs_dump_open *options,
						 struct gs_memory **ret);
/* NULL if @mem was not opened here. */
const struct gs_dump_facts *gs_dump_facts(const struct gs_memory *mem);

/* How a page lies in a file that stores each one by itself. */
enum gs_storage {
	GS_STORAGE_NONE,    /* not in the file: excluded, or lost while it was written */
	GS_STORAGE_OWN,     /* has data, the codec and size of which are known */
	GS_STORAGE_ZERO,    /* the one page of zeros that others share */
	GS_STORAGE_DAMAGED, /* its descriptor cannot be right: reading it says why */
};
struct gs_stored_page {
	enum gs_storage storage;
	enum gs_codec codec; /* of OWN */
	uint32_t bytes;      /* of OWN: in the file */
};
/* Whether pages are stored one by one: kdump, opened here. */
bool gs_dump_stores_pages(const struct gs_memory *mem);
/*
 * The @count pages (of attrs.page_size) from that of @gpa on; all lie in one range of such a
 * memory. Reads descriptors, no data; thread-safe.
 */
GS_MUST_CHECK struct gs_error *gs_dump_stored_pages(struct gs_memory *mem, gs_gpa_t gpa,
						    size_t count, struct gs_stored_page *ret);

/* Whether the bytes are a flattened file; if so gs_flat_open() lays a blob over it. Takes @blob. */
bool gs_flat_probe(struct gs_blob *blob);
GS_MUST_CHECK struct gs_error *gs_flat_open(struct gs_blob *blob, const char *spool_dir,
					    struct gs_blob **ret);
/* A sink that turns positioned writes into flattened records on a borrowed pipe-like fd. */
GS_MUST_CHECK struct gs_error *gs_flat_sink(int fd, const char *name, struct gs_sink **ret);

struct gs_elf_stream_options {
	uint64_t silence_ms; /* TIMEOUT when no byte came for so long; 0: waits for ever */
	/* Pass over all memory but this: normalized, all of it in the dump. NULL: none. */
	const struct gs_range *ranges; /* borrowed for the source's life */
	size_t range_count;
};

/*
 * How an ELF dump arriving on a pipe is read: headers first, then a page source over the PT_LOADs
 * in file order. Used for what QEMU writes into a pipe. @fd is borrowed; @options may be NULL. The
 * attributes come from the notes; *attrs_ret is the caller's to deinit; NULL: not wanted.
 * UNSUPPORTED if the segments are not laid out in the order of their addresses.
 */
GS_MUST_CHECK struct gs_error *gs_elf_stream_open(int fd, const char *name,
						  const struct gs_elf_stream_options *options,
						  struct gs_attributes *attrs_ret,
						  struct gs_page_source **ret);
/*
 * Only its headers: attributes (with notes), and memory as the PT_LOADs give it, of an ELF whose
 * first bytes arrive on @fd. Segments are in the order of their addresses, neither merged nor
 * checked for overlap: QEMU makes one of what is one piece in its own memory.
 */
GS_MUST_CHECK struct gs_error *gs_elf_stream_headers(int fd, const char *name, uint64_t silence_ms,
						     struct gs_attributes *attrs_ret,
						     struct gs_range **segments_ret,
						     size_t *count_ret);

/* ---- writing ---- */

enum gs_dump_format {
	GS_DUMP_ELF,
	GS_DUMP_KDUMP,
};

/* A stretch of guest memory that an ELF PT_LOAD maps at a kernel virtual address. */
struct gs_segment {
	gs_gpa_t gpa;
	uint64_t size;
	uint64_t vaddr;
};

/* All that decides a file's structure; everything is borrowed and outlives the writer. */
struct gs_layout {
	enum gs_dump_format format;
	enum gs_codec codec; /* kdump */
	int level;           /* codec level; 0: its default */
	const struct gs_attributes *attrs;
	const struct gs_selection *selection; /* bitmap 1: its ranges; bitmap 2: what it keeps */
	/*
	 * ELF: virtual addresses of the ranges. Segments that lie inside the ranges give those
	 * PT_LOADs their p_vaddr (ranges are cut where a segment begins or ends); @text, if its
	 * size is not 0, becomes one more PT_LOAD over bytes that the file already has.
	 */
	const struct gs_segment *segments;
	size_t segment_count;
	struct gs_segment text;
	uint32_t dump_level; /* kdump: what was left out, besides what attrs say */
	bool share_zero;     /* kdump: zero pages share one (dump level bit 0) */
	bool drop_zero;      /* kdump: zero pages met while writing leave bitmap 2 */
};

struct gs_writer;

/* What one worker made of one chunk. Reused from chunk to chunk; grows as needed. */
struct gs_encoded {
	struct gs_writer *writer;
	void *state; /* the writer's own */
};

struct gs_writer_stats {
	uint64_t pages, zero_pages, raw_pages, compressed_pages, dropped_pages;
	uint64_t data_bytes; /* page data put into the file */
	uint64_t file_bytes; /* final (logical) size */
};

/*
 * Life of a writer:
 *	create ─> begin ─> for each chunk: encode ─> place ─> store ─> finish
 * encode runs in parallel; place in chunk order, one at a time; store in parallel if the sink is
 * positional, else in chunk order. @sink is borrowed. UNSUPPORTED when the sink cannot take the
 * format (an ELF fits every sink; kdump needs offsets: positional or flattened).
 */
GS_MUST_CHECK struct gs_error *gs_writer_create(const struct gs_layout *layout,
						struct gs_sink *sink, struct gs_writer **ret);
void gs_writer_destroy(struct gs_writer *w);
GS_DEFINE_CLEANUP(struct gs_writer *, gs_writer_destroy)

/* Headers, notes, bitmaps. */
GS_MUST_CHECK struct gs_error *gs_writer_begin(struct gs_writer *w);
/* One per worker thread. */
GS_MUST_CHECK struct gs_error *gs_encoded_create(struct gs_writer *w, struct gs_encoded **ret);
void gs_encoded_destroy(struct gs_encoded *e);
GS_DEFINE_CLEANUP(struct gs_encoded *, gs_encoded_destroy)
/*
 * Classify and compress a loaded chunk. Any thread. @chunk and its data stay as they are until @e
 * is stored. Pages that the layout's selection does not keep are passed over.
 */
GS_MUST_CHECK struct gs_error *gs_writer_encode(struct gs_writer *w, const struct gs_chunk *chunk,
						struct gs_encoded *e);
/*
 * Give it its place in the file: cheap. Now and then it writes a buffer of descriptors that became
 * full, so on a sequential sink no store may run meanwhile.
 */
GS_MUST_CHECK struct gs_error *gs_writer_place(struct gs_writer *w, struct gs_encoded *e);
/* Write its bytes. */
GS_MUST_CHECK struct gs_error *gs_writer_store(struct gs_writer *w, struct gs_encoded *e);
/* What could only be known at the end (descriptors, final bitmap), then sink finish. */
GS_MUST_CHECK struct gs_error *gs_writer_finish(struct gs_writer *w,
						struct gs_writer_stats *stats_ret);

/* ---- kdump files made of kdump files ---- */

struct gs_kdump_copy {
	/*
	 * The output is a part of a split set: it has the pages of [start_pfn, end_pfn) only, of
	 * which the first part's start is 0. Otherwise it is one whole file.
	 */
	bool part;
	gs_pfn_t start_pfn, end_pfn;
	/* Counts pages that have descriptors, in bytes; of all parts together. NULL: none. */
	struct gs_progress *progress;
};

/*
 * Write a kdump file, or a part of one, with the pages of @mem (a kdump file or a split set) as
 * they are stored there: nothing is decompressed. Headers, notes and bitmaps stay as they are; data
 * comes in the order of the pages, the shared zero page first. So whatever way a file with data in
 * that order was split, copying the set gives the same bytes again. @sink takes offsets. INVALID if
 * @mem is no kdump file.
 */
GS_MUST_CHECK struct gs_error *gs_kdump_copy(struct gs_memory *mem,
					     const struct gs_kdump_copy *options,
					     struct gs_sink *sink,
					     struct gs_writer_stats *stats_ret);
/*
 * Cut the pages of a kdump memory into @parts ranges that take about the same room as they are
 * stored, each with a page at least: *ends_ret[i] is the exclusive end of one and the start of the
 * next. INVALID if there are fewer pages.
 */
GS_MUST_CHECK struct gs_error *gs_kdump_cut(struct gs_memory *mem, size_t parts,
					    gs_pfn_t *ends_ret);

/* ---- mending ---- */

/*
 * A dump file whose headers are wrong, or that was cut, and the bytes that would put it right. It
 * is opened for reading only; whoever applies the edits does so to a copy or to the file.
 */
struct gs_mend;

/* One thing that is wrong; code is stable: "kdump-phys-base". Values may be NULL. */
struct gs_mend_change {
	const char *code;
	char *text, *old_value, *new_value;
};

/* What the dump should say; all borrowed. */
struct gs_mend_wanted {
	/* utsname, phys_base; a VMCOREINFO that is not in the notes is added to them. */
	const struct gs_attributes *attrs;
	/* kdump: keep the pages of these only (within the memory's); NULL: all. */
	const struct gs_range *ranges;
	size_t range_count;
	/* ELF: virtual addresses, as in struct gs_layout. */
	const struct gs_segment *segments;
	size_t segment_count;
	struct gs_segment text;
};

/*
 * Open what there is of an ELF or kdump file, flattened or not: one that ends too early has
 * EXCLUDED or unreadable pages. Not a split set.
 */
GS_MUST_CHECK struct gs_error *gs_mend_open(const char *path, const char *spool_dir,
					    struct gs_mend **ret);
/* The same over one blob, which is taken on success. */
GS_MUST_CHECK struct gs_error *gs_mend_open_blob(struct gs_blob *blob, const char *spool_dir,
						 struct gs_mend **ret);
void gs_mend_close(struct gs_mend *m);
GS_DEFINE_CLEANUP(struct gs_mend *, gs_mend_close)
/* Its memory, borrowed, as far as it can be read; attributes may be completed there. */
struct gs_memory *gs_mend_memory(struct gs_mend *m);

/* Find out what to change; called once. Nothing to change: no edits. */
GS_MUST_CHECK struct gs_error *gs_mend_plan(struct gs_mend *m, const struct gs_mend_wanted *wanted);
const struct gs_mend_change *gs_mend_changes(const struct gs_mend *m, size_t *count_ret);

/*
 * The edits that mend the file where it is, ascending, not overlapping: new bytes at [*off_ret,
 * *off_ret + *size_ret), some of them behind its end. They are made from the file as it was opened:
 * all must be read before the first one is written there.
 */
size_t gs_mend_edit_count(const struct gs_mend *m);
void gs_mend_edit(const struct gs_mend *m, size_t i, uint64_t *off_ret, uint64_t *size_ret);
GS_MUST_CHECK struct gs_error *gs_mend_edit_read(struct gs_mend *m, size_t i, uint64_t pos,
						 void *buf, size_t size);
uint64_t gs_mend_file_size(const struct gs_mend *m); /* of the mended file */
/* The whole mended dump, no longer flattened. @sink takes offsets. */
GS_MUST_CHECK struct gs_error *gs_mend_copy(struct gs_mend *m, struct gs_sink *sink,
					    struct gs_progress *progress);

/*
 * The size that the file will have at most (every kept page stored raw) and, for ELF, exactly; for
 * dry runs and for the check of free space.
 */
GS_MUST_CHECK struct gs_error *gs_layout_max_bytes(const struct gs_layout *layout,
						   uint64_t *bytes_ret);

#endif
