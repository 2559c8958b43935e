/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a format's writer provides to writer.c. */
#ifndef GUESTSCOPE_DUMP_WRITER_H
#define GUESTSCOPE_DUMP_WRITER_H

#include <guestscope/dump.h>

/* A format's writer embeds this as its first member. */
struct gs_writer {
	const struct writer_ops *ops;
	struct gs_layout layout; /* what it points at stays borrowed */
	struct gs_sink *sink;    /* borrowed */
	struct gs_writer_stats stats;
};

/* The functions of the same names in dump.h; @state is what encoded_create() made. */
struct writer_ops {
	struct gs_error *(*begin)(struct gs_writer *w);
	struct gs_error *(*encoded_create)(struct gs_writer *w, void **state_ret);
	void (*encoded_destroy)(void *state);
	struct gs_error *(*encode)(struct gs_writer *w, const struct gs_chunk *chunk, void *state);
	struct gs_error *(*place)(struct gs_writer *w, void *state);
	struct gs_error *(*store)(struct gs_writer *w, void *state);
	/* Completes stats.file_bytes, too. */
	struct gs_error *(*finish)(struct gs_writer *w);
	void (*destroy)(struct gs_writer *w);
};

GS_MUST_CHECK struct gs_error *gs_elf_writer_create(const struct gs_layout *layout,
						    struct gs_sink *sink, struct gs_writer **ret);
GS_MUST_CHECK struct gs_error *gs_elf_layout_max_bytes(const struct gs_layout *layout,
						       uint64_t *bytes_ret);
GS_MUST_CHECK struct gs_error *gs_kdump_writer_create(const struct gs_layout *layout,
						      struct gs_sink *sink, struct gs_writer **ret);
GS_MUST_CHECK struct gs_error *gs_kdump_layout_max_bytes(const struct gs_layout *layout,
							 uint64_t *bytes_ret);

/*
 * The notes that a file gets: those of @attrs, and behind them a VMCOREINFO note if the text is
 * known but is not among them. The caller frees *notes_ret. *vmcoreinfo_off_ret: where the text
 * starts in the notes, UINT64_MAX if there is none.
 */
GS_MUST_CHECK struct gs_error *gs_writer_notes(const struct gs_attributes *attrs,
					       uint8_t **notes_ret, size_t *size_ret,
					       uint64_t *vmcoreinfo_off_ret);

#endif
