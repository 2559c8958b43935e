/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The common face of the formats' writers. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/dump.h>

#include "writer.h"

struct format_writer {
	struct gs_error *(*create)(const struct gs_layout *layout, struct gs_sink *sink,
				   struct gs_writer **ret);
	struct gs_error *(*max_bytes)(const struct gs_layout *layout, uint64_t *bytes_ret);
};

static const struct format_writer format_writers[] = {
	[GS_DUMP_ELF] = {gs_elf_writer_create, gs_elf_layout_max_bytes},
	[GS_DUMP_KDUMP] = {gs_kdump_writer_create, gs_kdump_layout_max_bytes},
};

struct gs_error *gs_writer_create(const struct gs_layout *layout, struct gs_sink *sink,
				  struct gs_writer **ret)
{
	struct gs_error *err;
	struct gs_writer *w;

	err = format_writers[layout->format].create(layout, sink, &w);
	if (err)
		return err;
	w->layout = *layout;
	w->sink = sink;
	*ret = w;
	return NULL;
}

void gs_writer_destroy(struct gs_writer *w)
{
	if (w)
		w->ops->destroy(w);
}

struct gs_error *gs_layout_max_bytes(const struct gs_layout *layout, uint64_t *bytes_ret)
{
	return format_writers[layout->format].max_bytes(layout, bytes_ret);
}

struct gs_error *gs_writer_begin(struct gs_writer *w)
{
	return w->ops->begin(w);
}

struct gs_error *gs_encoded_create(struct gs_writer *w, struct gs_encoded **ret)
{
	gs_autofree struct gs_encoded *e = calloc(1, sizeof(*e));
	struct gs_error *err;

	if (!e)
		return gs_error_nomem();
	e->writer = w;
	err = w->ops->encoded_create(w, &e->state);
	if (!err)
		*ret = gs_take(e);
	return err;
}

void gs_encoded_destroy(struct gs_encoded *e)
{
	if (!e)
		return;
	e->writer->ops->encoded_destroy(e->state);
	free(e);
}

struct gs_error *gs_writer_encode(struct gs_writer *w, const struct gs_chunk *chunk,
				  struct gs_encoded *e)
{
	return w->ops->encode(w, chunk, e->state);
}

struct gs_error *gs_writer_place(struct gs_writer *w, struct gs_encoded *e)
{
	return w->ops->place(w, e->state);
}

struct gs_error *gs_writer_store(struct gs_writer *w, struct gs_encoded *e)
{
	return w->ops->store(w, e->state);
}

struct gs_error *gs_writer_finish(struct gs_writer *w, struct gs_writer_stats *stats_ret)
{
	struct gs_error *err = w->ops->finish(w);

	if (!err)
		err = gs_sink_finish(w->sink, w->stats.file_bytes);
	if (!err && stats_ret)
		*stats_ret = w->stats;
	return err;
}
