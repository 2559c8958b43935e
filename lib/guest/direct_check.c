/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold before QEMU's address space is taken for the guest's memory. */
#include "direct.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "ranged.h"

#define SAMPLE_BYTES 4096
#define LOOK_PAGES 64   /* that are looked through for one that is not zero */
#define LOOK_EXTENTS 16 /* untouched stretches passed over on the way to it */
#define TRIES 10

/* ---- confidential guests ---- */

/* Of a command or property that this QEMU may lack: *ret is NULL then. */
static struct gs_error *ask(struct gs_qmp *qmp, const char *command, struct gs_json *arguments,
			    struct gs_json **ret)
{
	struct gs_error *err = gs_qmp_execute(qmp, command, arguments, 0, ret);

	if (!err || err->code != GS_ERROR_REFUSED)
		return err;
	gs_error_destroy(err);
	*ret = NULL;
	return NULL;
}

static struct gs_error *ask_property(struct gs_qmp *qmp, const char *path, const char *property,
				     struct gs_json **ret)
{
	gs_autojson struct gs_json *arguments = gs_json_new_object();

	if (!gs_json_set(arguments, "path", gs_json_new_string(path)) ||
	    !gs_json_set(arguments, "property", gs_json_new_string(property)))
		return gs_error_nomem();
	return ask(qmp, "qom-get", gs_take(arguments), ret);
}

static struct gs_error *confidential(const char *kind)
{
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "the guest is confidential (%s): the host sees its memory encrypted "
			       "or not at all",
			       kind);
}

struct gs_error *gs_direct_check_readable(struct gs_qmp *qmp)
{
	gs_autojson struct gs_json *sev = NULL, *support = NULL, *type = NULL;
	const char *path, *kind;
	struct gs_error *err = ask(qmp, "query-sev", NULL, &sev);

	if (!err && gs_json_is_true(gs_json_get(sev, "enabled")))
		return confidential("SEV");
	if (!err)
		err = ask_property(qmp, "/machine", "confidential-guest-support", &support);
	path = gs_json_string(support);
	if (err || !path || !*path)
		return err;
	err = ask_property(qmp, path, "type", &type);
	kind = gs_json_string(type);
	return err ? err : confidential(kind ? kind : path);
}

/* ---- samples ---- */

struct sample {
	gs_gpa_t gpa;
	size_t size;
	uint8_t before[SAMPLE_BYTES], dumped[SAMPLE_BYTES], after[SAMPLE_BYTES];
};

/* Bytes that stood still while QEMU dumped them, and how many of these QEMU has otherwise. */
static void count_bytes(const struct sample *s, size_t *still_ret, size_t *wrong_ret)
{
	size_t still = 0, wrong = 0;

	for (size_t i = 0; i < s->size; i++) {
		bool is_still = s->before[i] == s->after[i];

		still += is_still;
		wrong += is_still && s->dumped[i] != s->before[i];
	}
	*still_ret = still;
	*wrong_ret = wrong;
}

static struct gs_error *take_sample(struct direct *d, struct sample *s)
{
	struct gs_error *err = gs_direct_read(d, s->gpa, s->before, s->size);

	if (!err)
		err = gs_guest_fetch(d->qmp, s->gpa, s->dumped, s->size);
	return err ? err : gs_direct_read(d, s->gpa, s->after, s->size);
}

/*
 * A guest that runs may write to the page between the reads, and even put back what was there. It
 * is believed when half of the page or more stood still, and all of that is what QEMU dumped.
 */
static struct gs_error *check_page(struct direct *d, struct sample *s)
{
	size_t still = 0, wrong = 0;

	for (int i = 0; i < TRIES; i++) {
		struct gs_error *err = take_sample(d, s);

		if (err)
			return err;
		count_bytes(s, &still, &wrong);
		if (!wrong && still >= s->size / 2)
			return NULL;
	}
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "at 0x%" PRIx64 " QEMU dumps other bytes than its process has at "
			       "0x%" PRIx64 " (%zu of %zu that stood still)",
			       s->gpa, gs_direct_piece_of(d, s->gpa)->hva, wrong, still);
}

/* Pieces that lie in the host as they lie in the guest. */
struct stretch {
	const struct direct_piece *first, *end;
	uint64_t size;
};

static struct stretch stretch_at(const struct direct *d, const struct direct_piece *first)
{
	struct stretch s = {.first = first, .end = first};

	do
		s.size += s.end++->size;
	while (s.end < d->pieces + d->piece_count && !s.end->leads);
	return s;
}

/* The page that holds byte @off of a stretch, and where its piece ends. */
static gs_gpa_t page_in(const struct stretch *stretch, uint64_t off, gs_gpa_t *end_ret)
{
	const struct direct_piece *piece = stretch->first;

	while (off >= piece->size)
		off -= piece++->size;
	*end_ret = piece->gpa + piece->size;
	return piece->gpa + (off & ~(uint64_t)(SAMPLE_BYTES - 1));
}

/* Pass over what nobody has touched; *gpa == @end: there is nothing else. */
static struct gs_error *skip_untouched(struct direct *d, gs_gpa_t *gpa, gs_gpa_t end,
				       gs_gpa_t *data_end_ret)
{
	enum gs_extent extent = GS_EXTENT_ZERO;
	struct gs_error *err = NULL;

	for (int i = 0; i < LOOK_EXTENTS && *gpa < end && !err; i++) {
		err = gs_direct_extent(d, *gpa, end, &extent, data_end_ret);
		if (!err && extent == GS_EXTENT_DATA)
			return NULL;
		if (!err)
			*gpa = *data_end_ret;
	}
	*gpa = end;
	return err;
}

/*
 * From *gpa on, a page that says something: one that is not zero, else any that was touched, else
 * none (*gpa = @end). Pages that nobody has touched are left so.
 */
static struct gs_error *choose_page(struct direct *d, gs_gpa_t *gpa, gs_gpa_t end)
{
	gs_autofree uint8_t *pages = malloc(LOOK_PAGES * SAMPLE_BYTES);
	gs_gpa_t data_end = end;
	struct gs_error *err;
	size_t size;

	if (!pages)
		return gs_error_nomem();
	err = skip_untouched(d, gpa, end, &data_end);
	if (err || *gpa == end)
		return err;
	size = data_end - *gpa;
	if (size > LOOK_PAGES * SAMPLE_BYTES)
		size = LOOK_PAGES * SAMPLE_BYTES;
	err = gs_direct_read(d, *gpa, pages, size);
	for (size_t off = 0; !err && off + SAMPLE_BYTES <= size; off += SAMPLE_BYTES) {
		if (!gs_is_zero(pages + off, SAMPLE_BYTES)) {
			*gpa += off;
			break;
		}
	}
	return err;
}

static struct gs_error *check_page_at(struct direct *d, gs_gpa_t gpa)
{
	const struct direct_piece *piece = gs_direct_piece_of(d, gpa);
	uint64_t left = piece->size - (gpa - piece->gpa);
	struct sample s = {.gpa = gpa, .size = left < SAMPLE_BYTES ? left : SAMPLE_BYTES};

	return check_page(d, &s);
}

/* The first page, the last, and some between; or what comes next that says something. */
static struct gs_error *check_stretch(struct direct *d, const struct stretch *stretch,
				      unsigned int samples)
{
	struct gs_error *err = NULL;
	gs_gpa_t checked = 0; /* all below */

	for (unsigned int i = 0; i < samples && !err; i++) {
		uint64_t off = i ? (stretch->size - 1) / (samples - 1) * i : 0;
		gs_gpa_t end, gpa = page_in(stretch, off, &end);

		if (checked && gpa < checked)
			continue;
		err = choose_page(d, &gpa, end);
		if (err || gpa == end)
			continue;
		err = check_page_at(d, gpa);
		checked = gpa + 1;
	}
	/* All untouched: one page must tell whether QEMU has zero there, too. */
	return err || checked ? err : check_page_at(d, stretch->first->gpa);
}

struct gs_error *gs_direct_check_samples(struct direct *d, unsigned int samples, uint64_t min_bytes)
{
	const struct direct_piece *end = d->pieces + d->piece_count;
	struct gs_error *err = NULL;
	struct stretch stretch;

	for (const struct direct_piece *p = d->pieces; p < end && !err; p = stretch.end) {
		stretch = stretch_at(d, p);
		if (stretch.size >= min_bytes)
			err = check_stretch(d, &stretch, samples);
	}
	return err;
}
