/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dry run: what a dump would take, from measurements on the guest at hand. A few blocks of its
 * memory are compressed. For engine direct that is all, and the guest runs; for the others each
 * block stops the guest for about a millisecond, and the first part of a stream, read to see how
 * fast QEMU is, for some tens.
 */
#include "dump.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/thread.h>
#include <guestscope/guest.h>

#include "output.h"

#define SAMPLE_COUNT 64
#define SAMPLE_BYTES (UINT64_C(64) << 10)
#define STREAM_PROBE_BYTES (UINT64_C(64) << 20)
#define DESC_BYTES 24
#define QEMU_ZLIB_SLOWNESS 5.7 /* of zlib's compress2() against libdeflate at the same size */

struct sample {
	uint64_t pages, nonzero_pages;
	uint64_t stored_bytes; /* of the non-zero ones, as they would be stored */
	double encode_seconds; /* one thread */
	double read_seconds;   /* of the same pages */
	double stream_seconds, stream_bytes;
};

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of the @size bytes at @gpa those pages count that will be written. */
static void add_pages(struct sample *s, struct gs_codec_state *codec,
		      const struct gs_selection *sel, gs_gpa_t gpa, const uint8_t *bytes,
		      uint64_t size, uint8_t *room)
{
	uint32_t page_size = gs_selection_page_size(sel);
	double start = seconds_now();

	for (uint64_t off = 0; off + page_size <= size; off += page_size) {
		if (!gs_selection_keeps(sel, (gpa + off) / page_size))
			continue;
		s->pages++;
		if (gs_is_zero(bytes + off, page_size))
			continue;
		size_t stored = gs_codec_compress(codec, bytes + off, page_size, room);

		s->nonzero_pages++;
		s->stored_bytes += stored ? stored : page_size;
	}
	s->encode_seconds += seconds_now() - start;
}

/* The @n-th of SAMPLE_COUNT blocks spread evenly over all ranges. */
static gs_gpa_t sample_gpa(const struct gs_description *d, unsigned int n, uint64_t *size_ret)
{
	uint64_t total = gs_ranges_total_bytes(d->ranges, d->range_count);
	uint64_t at = total / SAMPLE_COUNT * n;

	for (size_t i = 0; i < d->range_count; i++) {
		const struct gs_range *r = &d->ranges[i];
		uint64_t skip = at & ~(SAMPLE_BYTES - 1);

		if (at < r->size) {
			*size_ret = r->size - skip < SAMPLE_BYTES ? r->size - skip : SAMPLE_BYTES;
			return r->start + skip;
		}
		at -= r->size;
	}
	*size_ret = 0;
	return 0;
}

/* What is known to be zero is left alone: to read it would make the host allocate it. */
static struct gs_error *read_sample(struct gs_memory *mem, gs_gpa_t gpa, uint8_t *bytes,
				    uint64_t size, struct sample *s)
{
	double start = seconds_now();
	struct gs_error *err = NULL;

	memset(bytes, 0, size);
	for (gs_gpa_t at = gpa, end; !err && at < gpa + size; at = end) {
		enum gs_extent kind;

		err = gs_memory_extent(mem, at, &kind, &end);
		if (!err && end > gpa + size)
			end = gpa + size;
		if (!err && kind == GS_EXTENT_DATA)
			err = gs_memory_read(mem, at, bytes + (at - gpa), end - at);
	}
	s->read_seconds += seconds_now() - start;
	return err;
}

static struct gs_error *sample_pages(struct gs_memory *mem, const struct gs_dump_spec *spec,
				     const struct dump_view *v, struct sample *s)
{
	GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *codec = NULL;
	gs_autofree uint8_t *bytes = malloc(SAMPLE_BYTES);
	gs_autofree uint8_t *room = malloc(SAMPLE_BYTES);
	struct gs_error *err;

	if (!bytes || !room)
		return gs_error_nomem();
	err = gs_codec_state_create(spec->output.format->codec, spec->output.level, &codec);
	for (unsigned int n = 0; !err && n < SAMPLE_COUNT; n++) {
		uint64_t size;
		gs_gpa_t gpa = sample_gpa(&v->description, n, &size);

		err = size ? read_sample(mem, gpa, bytes, size, s) : NULL;
		if (!err)
			add_pages(s, codec, v->selection, gpa, bytes, size, room);
	}
	return err;
}

static struct gs_error *probe_stream(struct gs_qmp *qmp, struct sample *s)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	gs_autofree uint8_t *buffer = aligned_alloc(4096, GS_CHUNK_BYTES);
	double start = seconds_now();
	struct gs_error *err;
	bool end = false;

	if (!chunk || !buffer)
		return gs_error_nomem();
	chunk->buffer = buffer;
	err = gs_guest_stream_open(qmp, NULL, 0, &src);
	while (!err && !end && s->stream_bytes < (double)STREAM_PROBE_BYTES) {
		err = gs_page_source_next(src, chunk, &end);
		if (!err && !end)
			s->stream_bytes += (double)chunk->size;
	}
	s->stream_seconds = seconds_now() - start;
	return err;
}

static uint64_t guess_file_bytes(const struct gs_dump_spec *spec, const struct gs_selection *sel,
				 const struct sample *s, uint64_t max_bytes)
{
	double pages = (double)gs_selection_kept_pages(sel);
	double share = s->pages ? (double)s->nonzero_pages / (double)s->pages : 1;
	double stored = s->nonzero_pages ? (double)s->stored_bytes / (double)s->nonzero_pages : 0;
	double guess = pages * share * stored;

	if (spec->output.format->format == GS_DUMP_KDUMP)
		guess += pages * DESC_BYTES * (spec->output.drop_zero ? share : 1);
	return guess < (double)max_bytes ? (uint64_t)guess : max_bytes;
}

/* How long encoding takes, against one thread of ours. */
static double encode_slowness(const struct gs_dump_spec *spec, enum gs_engine engine)
{
	unsigned int threads = spec->output.threads ? spec->output.threads : gs_cpu_count();

	if (engine != GS_ENGINE_QEMU)
		return 1.0 / threads;
	return spec->output.format->codec == GS_CODEC_ZLIB ? QEMU_ZLIB_SLOWNESS : 1;
}

static uint64_t guess_pause_ms(const struct gs_dump_spec *spec, enum gs_engine engine,
			       const struct gs_selection *sel, const struct sample *s)
{
	double slowness = encode_slowness(spec, engine);
	double pages = (double)gs_selection_kept_pages(sel);
	double bytes = (double)gs_selection_total_pages(sel) * gs_selection_page_size(sel);
	double share = s->pages ? pages / (double)s->pages : 0;
	double read = s->stream_bytes > 0 ? s->stream_seconds / s->stream_bytes * bytes : 0;
	double encode = s->encode_seconds * share * slowness;

	if (spec->live)
		return 0;
	if (engine == GS_ENGINE_DIRECT)
		read = s->read_seconds * share * slowness;
	if (spec->min_pause && engine == GS_ENGINE_DIRECT)
		encode = 0;
	return (uint64_t)((read > encode ? read : encode) * 1000);
}

static struct gs_error *estimate(const struct dump *d, struct gs_memory *mem,
				 const struct dump_view *v, struct gs_dump_estimate *ret)
{
	struct gs_dump_estimate result = {.engine = gs_job_engine_name(d->engine)};
	struct sample sample = {0};
	struct gs_layout layout;
	struct gs_error *err;

	gs_job_layout_init(&layout, &d->spec.output, &v->description, v->selection);
	result.memory_bytes =
		gs_ranges_total_bytes(v->description.ranges, v->description.range_count);
	err = gs_layout_max_bytes(&layout, &result.max_file_bytes);
	if (!err)
		err = sample_pages(mem, &d->spec, v, &sample);
	if (!err && d->engine != GS_ENGINE_DIRECT)
		err = probe_stream(d->qmp, &sample);
	if (err)
		return err;
	result.file_bytes_guess =
		guess_file_bytes(&d->spec, v->selection, &sample, result.max_file_bytes);
	result.pause_ms_guess = guess_pause_ms(&d->spec, d->engine, v->selection, &sample);
	*ret = result;
	return NULL;
}

/*
 * What engine stream could find only while the guest stands still is not looked for: then the
 * estimate is that of a dump which leaves nothing out but zero pages.
 */
static struct gs_error *find_vmcoreinfo(struct dump *d, struct gs_memory *mem)
{
	if (!gs_dump_lacks_vmcoreinfo(d, mem))
		return NULL;
	if (d->engine == GS_ENGINE_DIRECT)
		return gs_dump_find_vmcoreinfo(d, mem, NULL);
	gs_job_note(&d->spec.output,
		    "%s has no VMCOREINFO: estimated is a dump of all memory, as the dump itself "
		    "would look for one",
		    mem->name);
	d->spec.output.exclude &= GS_EXCLUDE_ZERO;
	d->spec.output.ranges = GS_RANGES_ALL;
	return NULL;
}

struct gs_error *gs_dump_dry_run(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
				 struct gs_dump_estimate *ret)
{
	struct dump d = {.qmp = qmp, .spec = *spec};
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	dump_autoview struct dump_view v = {0};
	struct gs_error *err = gs_job_check_dump(qmp, spec);

	if (!err)
		err = gs_job_pick_engine(qmp, spec, &d.engine, &mem);
	if (!err && !mem)
		err = gs_guest_memory_open(qmp, &mem);
	if (d.engine == GS_ENGINE_QEMU)
		d.spec.output.ranges = GS_RANGES_ALL;
	if (!err)
		err = find_vmcoreinfo(&d, mem);
	if (!err)
		err = gs_dump_look(&d, mem, &v);
	if (!err)
		err = estimate(&d, mem, &v, ret);
	free(d.vmcoreinfo);
	return err;
}
