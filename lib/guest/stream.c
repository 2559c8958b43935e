/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All of a guest's memory as QEMU writes it into a pipe: the page source of the engine "stream". */
#include <guestscope/guest.h>

#include <stdlib.h>

#include <guestscope/dump.h>

#include "pipe_dump.h"

struct stream {
	struct gs_page_source source;
	struct gs_page_source *elf; /* over dump.fd */
	struct pipe_dump dump;
};

static struct gs_error *stream_next(struct gs_page_source *src, struct gs_chunk *chunk,
				    bool *end_ret)
{
	return gs_page_source_next(((struct stream *)src)->elf, chunk, end_ret);
}

static struct gs_error *stream_load(struct gs_page_source *src, struct gs_chunk *chunk)
{
	return gs_page_source_load(((struct stream *)src)->elf, chunk);
}

static void stream_destroy(struct gs_page_source *src)
{
	struct stream *s = (struct stream *)src;

	gs_page_source_destroy(s->elf);
	gs_pipe_dump_cancel(&s->dump);
	free(s);
}

static const struct gs_page_source_ops stream_ops = {
	.next = stream_next,
	.load = stream_load,
	.destroy = stream_destroy,
};

struct gs_error *gs_guest_stream_open(struct gs_qmp *qmp, const struct gs_range *ranges,
				      size_t range_count, struct gs_page_source **ret)
{
	const struct gs_elf_stream_options options = {
		.silence_ms = GS_PIPE_SILENCE_MS, .ranges = ranges, .range_count = range_count};
	gs_autofree struct stream *s = calloc(1, sizeof(*s));
	struct gs_error *err;

	if (!s)
		return gs_error_nomem();
	err = gs_pipe_dump_start(qmp, NULL, &s->dump);
	if (err)
		return err;
	err = gs_elf_stream_open(s->dump.fd, gs_qmp_name(qmp), &options, NULL, &s->elf);
	if (err) {
		gs_pipe_dump_cancel(&s->dump);
		return err;
	}
	s->source = *s->elf;
	s->source.ops = &stream_ops;
	*ret = &gs_take(s)->source;
	return NULL;
}

struct gs_error *gs_guest_stream_finish(struct gs_page_source *src)
{
	return gs_pipe_dump_finish(&((struct stream *)src)->dump);
}
