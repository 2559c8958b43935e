/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live guest's memory, read out of QEMU's process.
 *
 *	guest       0 ────── 0xa0000   0x100000 ─────── 0xc0000000    4G ────────
 *	            └ piece ┘          └──── piece ───┘               └─ piece ─┘   QEMU's segments
 *	QEMU        hva                hva                            hva           by gpa2hva
 *	            └─────── area ────────────────────────────────────────────┘     /proc/PID/maps
 *
 * Pieces say where the bytes are, areas what is known of them without looking.
 */
#include "direct.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranged.h"

#define OPEN_SAMPLES 6
/* Each costs a millisecond of a guest's pause. All addresses were asked again by then. */
#define SETTLE_SAMPLES 1
#define SETTLE_SHARE 16 /* only where that part of all memory is, or more */

/* ---- the memory ---- */

const struct direct_piece *gs_direct_piece_of(const struct direct *d, gs_gpa_t gpa)
{
	size_t low = 0, high = d->piece_count - 1;

	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (d->pieces[middle].gpa <= gpa)
			low = middle;
		else
			high = middle - 1;
	}
	return &d->pieces[low];
}

struct gs_error *gs_direct_read(struct direct *d, gs_gpa_t gpa, void *buf, size_t size)
{
	const struct direct_piece *piece = gs_direct_piece_of(d, gpa);
	struct gs_error *err = NULL;
	uint8_t *to = buf;

	for (; size && !err; piece++) {
		uint64_t off = gpa - piece->gpa;
		size_t n = size < piece->size - off ? size : piece->size - off;

		err = gs_direct_process_read(&d->process, piece->hva + off, to, n);
		gpa += n;
		to += n;
		size -= n;
	}
	return err;
}

struct gs_error *gs_direct_extent(struct direct *d, gs_gpa_t gpa, gs_gpa_t limit,
				  enum gs_extent *ret, gs_gpa_t *end_ret)
{
	const struct direct_piece *piece = gs_direct_piece_of(d, gpa);
	uint64_t off = gpa - piece->gpa, size = piece->size - off, end = 0;
	struct gs_error *err;

	if (size > limit - gpa)
		size = limit - gpa;
	err = gs_direct_areas_extent(d->areas, &d->process, piece->hva + off,
				     piece->hva + off + size, ret, &end);
	*end_ret = gpa + (end - (piece->hva + off));
	return err;
}

static struct gs_error *memory_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct gs_error *err = gs_direct_read((struct direct *)mem, gpa, buf, size);

	return gs_error_wrap(err, "%s: 0x%" PRIx64, mem->name, gpa);
}

static struct gs_error *memory_extent(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
				      enum gs_extent *ret, gs_gpa_t *end_ret)
{
	struct gs_error *err = gs_direct_extent((struct direct *)mem, gpa, limit, ret, end_ret);

	return gs_error_wrap(err, "%s: 0x%" PRIx64, mem->name, gpa);
}

static void memory_destroy(struct gs_memory *mem)
{
	struct direct *d = (struct direct *)mem;

	gs_direct_areas_destroy(d->areas);
	gs_direct_process_close(&d->process);
	free(d->pieces);
}

static const struct gs_memory_ops direct_ops = {
	.format = "guest",
	.read = memory_read,
	.extent = memory_extent,
	.destroy = memory_destroy,
};

/* ---- where it is ---- */

/* "Host virtual address for 0x0 (pc.ram) is 0x7f0000000000" */
static bool parse_hva(const char *text, uint64_t *ret)
{
	static const char prefix[] = "Host virtual address for ";
	const char *word = strrchr(text, ' ');
	char *end;

	if (strncmp(text, prefix, strlen(prefix)) != 0 || strncmp(word, " 0x", 3) != 0)
		return false;
	*ret = strtoull(word + 1, &end, 16);
	return *ret && (!*end || !strcmp(end, "\n"));
}

static struct gs_error *ask_hva(struct gs_qmp *qmp, gs_gpa_t gpa, uint64_t *ret)
{
	gs_autofree char *text = NULL;
	char line[40];
	struct gs_error *err;

	snprintf(line, sizeof(line), "gpa2hva 0x%" PRIx64, gpa);
	err = gs_qmp_hmp(qmp, line, -1, &text);
	if (err || parse_hva(text, ret))
		return err;
	return gs_error_create(GS_ERROR_UNSUPPORTED, "%s: %.*s", line, (int)strcspn(text, "\r\n"),
			       text);
}

static bool continues(const struct direct_piece *piece, const struct direct_piece *before)
{
	return piece->hva - piece->gpa == before->hva - before->gpa;
}

static struct gs_error *locate_pieces(struct direct *d)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; i < d->piece_count && !err; i++) {
		struct direct_piece *piece = &d->pieces[i];

		err = ask_hva(d->qmp, piece->gpa, &piece->hva);
		if (!err && piece->size > UINT64_MAX - piece->hva)
			err = gs_error_create(GS_ERROR_PROTOCOL, "no such host address: 0x%" PRIx64,
					      piece->hva);
		piece->leads = !i || !continues(piece, piece - 1);
	}
	return err;
}

/* What the areas must know of for @d's pieces. */
static struct gs_error *survey_areas(const struct direct *d, struct direct_areas **ret)
{
	GS_CLEANUP(gs_direct_areas_destroy) struct direct_areas *areas = NULL;
	struct gs_error *err = gs_direct_areas_read(&d->process, &areas);

	for (size_t i = 0; i < d->piece_count && !err; i++)
		err = gs_direct_areas_use(areas, &d->process, d->pieces[i].hva, d->pieces[i].size);
	if (!err)
		*ret = gs_take(areas);
	return err;
}

static struct gs_error *make_pieces(struct direct *d, const struct gs_range *segments, size_t count)
{
	d->pieces = calloc(count + 1, sizeof(*d->pieces));
	if (!d->pieces)
		return gs_error_nomem();
	d->piece_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct gs_range *before = i ? &segments[i - 1] : NULL;

		if (before && segments[i].start - before->start < before->size)
			return gs_error_create(GS_ERROR_UNSUPPORTED,
					       "QEMU dumps 0x%" PRIx64 " twice", segments[i].start);
		d->pieces[i] =
			(struct direct_piece){.gpa = segments[i].start, .size = segments[i].size};
	}
	return NULL;
}

static struct gs_error *open_process(struct direct *d)
{
	pid_t pid = gs_qmp_peer_pid(d->qmp);

	if (!pid)
		return gs_error_create(
			GS_ERROR_UNSUPPORTED,
			"which process is QEMU cannot be told: it is behind a proxy, "
			"on another host, or another user's (then be that user, or "
			"root)");
	return gs_direct_process_open(pid, &d->process);
}

static struct gs_error *survey(struct direct *d)
{
	size_t count;
	struct gs_error *err = open_process(d);

	if (!err)
		err = gs_direct_check_readable(d->qmp);
	if (!err)
		err = gs_guest_headers(d->qmp, &d->mem.attrs, &d->mem.ranges, &count);
	if (!err)
		err = make_pieces(d, d->mem.ranges, count);
	if (err)
		return err;
	d->mem.range_count = gs_ranges_normalize(d->mem.ranges, count);
	err = locate_pieces(d);
	if (!err)
		err = survey_areas(d, &d->areas);
	return err ? err : gs_direct_check_samples(d, OPEN_SAMPLES, 0);
}

struct gs_error *gs_guest_direct_open(struct gs_qmp *qmp, struct gs_memory **ret)
{
	struct direct *d = calloc(1, sizeof(*d));
	struct gs_error *err;

	if (!d)
		return gs_error_nomem();
	d->mem.ops = &direct_ops;
	d->process = (struct direct_process)DIRECT_PROCESS_INIT;
	d->qmp = qmp;
	d->mem.name = strdup(gs_qmp_name(qmp));
	err = d->mem.name ? survey(d) : gs_error_nomem();
	if (err) {
		err = gs_error_wrap(err, "direct access to %s", gs_qmp_name(qmp));
		gs_memory_destroy(&d->mem);
	} else {
		*ret = &d->mem;
	}
	return err;
}

/* ---- once more, while the guest stands still ---- */

static struct gs_error *changed(const char *what, gs_gpa_t gpa)
{
	return gs_error_create(GS_ERROR_BUSY, "the guest's memory changed meanwhile: %s 0x%" PRIx64,
			       what, gpa);
}

static struct gs_error *compare_segments(const struct direct *d, const struct gs_range *segments,
					 size_t count)
{
	size_t common = count < d->piece_count ? count : d->piece_count;

	for (size_t i = 0; i < common; i++) {
		const struct direct_piece *piece = &d->pieces[i];

		if (piece->gpa != segments[i].start || piece->size != segments[i].size)
			return changed("at", segments[i].start);
	}
	if (count > common)
		return changed("there is more from", segments[common].start);
	if (d->piece_count > common)
		return changed("there is less from", d->pieces[common].gpa);
	return NULL;
}

static struct gs_error *reread_headers(struct direct *d)
{
	gs_autofree struct gs_range *segments = NULL;
	struct gs_attributes attrs = {0};
	size_t count = 0;
	struct gs_error *err = gs_guest_headers(d->qmp, &attrs, &segments, &count);

	if (!err)
		err = compare_segments(d, segments, count);
	if (err) {
		gs_attributes_deinit(&attrs);
		return err;
	}
	gs_attributes_deinit(&d->mem.attrs);
	d->mem.attrs = attrs;
	return NULL;
}

static struct gs_error *compare_places(struct direct *d)
{
	for (size_t i = 0; i < d->piece_count; i++) {
		struct gs_error *err = NULL;
		uint64_t hva;

		if (d->pieces[i].leads)
			err = ask_hva(d->qmp, d->pieces[i].gpa, &hva);
		if (!err && d->pieces[i].leads && hva != d->pieces[i].hva)
			err = changed("other memory is at", d->pieces[i].gpa);
		if (err)
			return err;
	}
	return NULL;
}

/* A backend that was replaced may be where the old one was, and be of another kind. */
static struct gs_error *reread_areas(struct direct *d)
{
	struct direct_areas *areas;
	struct gs_error *err = survey_areas(d, &areas);

	if (err)
		return err;
	gs_direct_areas_destroy(d->areas);
	d->areas = areas;
	return NULL;
}

struct gs_error *gs_guest_direct_settle(struct gs_memory *mem)
{
	struct direct *d = (struct direct *)mem;
	uint64_t total = gs_ranges_total_bytes(mem->ranges, mem->range_count);
	struct gs_error *err = reread_headers(d);

	if (!err)
		err = compare_places(d);
	if (!err)
		err = reread_areas(d);
	if (!err)
		err = gs_direct_check_samples(d, SETTLE_SAMPLES, total / SETTLE_SHARE);
	return gs_error_wrap(err, "direct access to %s", mem->name);
}

/* One that was killed does not answer any more, whatever else of it is still there. */
struct gs_error *gs_guest_direct_confirm(struct gs_memory *mem)
{
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_query_status(((struct direct *)mem)->qmp, &status);

	return gs_error_wrap(err, "direct access to %s", mem->name);
}

pid_t gs_guest_direct_pid(const struct gs_memory *mem)
{
	return mem->ops == &direct_ops ? ((const struct direct *)mem)->process.pid : 0;
}
