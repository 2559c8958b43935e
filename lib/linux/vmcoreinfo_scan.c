/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking for VMCOREINFO in memory. The kernel keeps the text in a page of its own, and once more
 * as an ELF note that begins a page. Copies of other kernels' may lie about (files in the page
 * cache, what a reboot left behind), so that a text counts only once it fits the page tables.
 */
#include <guestscope/linux.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/thread.h>

#define PAGE_BYTES 4096 /* the least that there is */
#define TEXT_BYTES_MAX 65536
#define PLACES_MAX 256 /* the lowest ones; to try one reads page tables */

static const char text_begin[] = "OSRELEASE=";
static const char note_name[] = "VMCOREINFO";
#define TEXT_BEGIN_BYTES (sizeof(text_begin) - 1)
/* Three words, and the name with its NUL, padded. */
#define NOTE_HEADER_BYTES (12 + sizeof(note_name) + 1)

/* A page that looks as if it began with VMCOREINFO. */
struct place {
	gs_gpa_t gpa;
	bool is_note;
};

struct gs_vmcoreinfo_places {
	bool big_endian;
	size_t count;
	struct place places[PLACES_MAX]; /* by rising address */
};

struct scan {
	struct gs_page_source *src;
	const _Atomic int *cancelled; /* or NULL */
	pthread_mutex_t lock;         /* guards src->next() and all below */
	bool stop;
	struct gs_vmcoreinfo_places *found;
};

/* ---- places ---- */

/* Whatever order pages are looked at in, the lowest are kept. */
static void add_place(struct scan *s, gs_gpa_t gpa, bool is_note)
{
	struct gs_vmcoreinfo_places *f = s->found;
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = f->count; i > 0 && f->places[i - 1].gpa > gpa; i--) {
		if (i < PLACES_MAX)
			f->places[i] = f->places[i - 1];
	}
	if (i < PLACES_MAX)
		f->places[i] = (struct place){gpa, is_note};
	f->count += f->count < PLACES_MAX;
	pthread_mutex_unlock(&s->lock);
}

static bool is_note(const uint8_t *page, bool big_endian)
{
	return gs_get_u32(page, big_endian) == sizeof(note_name) &&
	       gs_get_u32(page + 8, big_endian) == 0 &&
	       memcmp(page + 12, note_name, sizeof(note_name)) == 0;
}

static void look_at_chunk(struct scan *s, const struct gs_chunk *chunk)
{
	uint32_t page_size = s->src->page_size;
	gs_gpa_t first_page = chunk->gpa & ~((gs_gpa_t)page_size - 1);
	gs_gpa_t gpa = (chunk->gpa + PAGE_BYTES - 1) & ~(gs_gpa_t)(PAGE_BYTES - 1);

	for (; gpa < chunk->gpa + chunk->size; gpa += PAGE_BYTES) {
		const uint8_t *page = chunk->data + (gpa - chunk->gpa);

		if (chunk->gpa + chunk->size - gpa < PAGE_BYTES ||
		    chunk->page[(gpa - first_page) / page_size] != GS_EXTENT_DATA)
			continue;
		if (memcmp(page, text_begin, TEXT_BEGIN_BYTES) == 0)
			add_place(s, gpa, false);
		else if (is_note(page, s->found->big_endian))
			add_place(s, gpa, true);
	}
}

static struct gs_error *next_chunk(struct scan *s, struct gs_chunk *chunk, bool *end_ret)
{
	struct gs_error *err = NULL;

	pthread_mutex_lock(&s->lock);
	*end_ret = s->stop;
	if (!s->stop && s->cancelled && *s->cancelled)
		err = gs_error_os(EINTR, "stopped");
	else if (!s->stop)
		err = gs_page_source_next(s->src, chunk, end_ret);
	s->stop |= *end_ret || err;
	pthread_mutex_unlock(&s->lock);
	return err;
}

static struct gs_error *look(void *arg, unsigned int index)
{
	struct scan *s = arg;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	gs_autofree uint8_t *buffer = aligned_alloc(PAGE_BYTES, GS_CHUNK_BYTES);
	struct gs_error *err = chunk && buffer ? NULL : gs_error_nomem();

	(void)index;
	if (!err)
		chunk->buffer = buffer;
	while (!err) {
		bool end = false;

		err = next_chunk(s, chunk, &end);
		if (err || end)
			break;
		if (chunk->kind != GS_EXTENT_DATA)
			continue;
		err = gs_page_source_load(s->src, chunk);
		if (!err)
			look_at_chunk(s, chunk);
	}
	if (err) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_mutex_unlock(&s->lock);
	}
	return err;
}

struct gs_error *gs_vmcoreinfo_look(struct gs_page_source *src, bool big_endian,
				    unsigned int threads, const _Atomic int *cancelled,
				    struct gs_vmcoreinfo_places **ret)
{
	gs_autofree struct gs_vmcoreinfo_places *found = calloc(1, sizeof(*found));
	struct scan s = {.src = src,
			 .cancelled = cancelled,
			 .lock = PTHREAD_MUTEX_INITIALIZER,
			 .found = found};
	struct gs_error *err;

	if (!found)
		return gs_error_nomem();
	found->big_endian = big_endian;
	err = gs_threads_run(threads ? threads : gs_cpu_count(), look, &s);
	if (!err)
		*ret = gs_take(found);
	return err;
}

void gs_vmcoreinfo_places_destroy(struct gs_vmcoreinfo_places *places)
{
	free(places);
}

/* ---- the one that fits ---- */

struct text {
	char *bytes; /* NUL-terminated; owned */
	size_t size;
};

static struct gs_error *no_text(void)
{
	return gs_error_create(GS_ERROR_NODATA, "no VMCOREINFO");
}

static struct gs_error *read_text(struct gs_memory *mem, gs_gpa_t gpa, size_t size,
				  struct text *ret)
{
	gs_autofree char *bytes = malloc(size + 1);
	struct gs_error *err;

	if (!bytes)
		return gs_error_nomem();
	err = gs_memory_read(mem, gpa, bytes, size);
	if (err)
		return err;
	bytes[size] = '\0';
	if (strncmp(bytes, text_begin, TEXT_BEGIN_BYTES) != 0)
		return no_text();
	ret->size = strlen(bytes);
	ret->bytes = gs_take(bytes);
	return NULL;
}

/* A page of the kernel's; how large these are only the text itself may tell. */
static struct gs_error *read_page(struct gs_memory *mem, gs_gpa_t gpa, struct text *ret)
{
	size_t i = gs_ranges_find(mem->ranges, mem->range_count, gpa);
	const struct gs_range *range = &mem->ranges[i];
	uint64_t left;
	struct gs_error *err;

	if (i >= mem->range_count || gpa < range->start)
		return no_text();
	left = range->size - (gpa - range->start);
	err = read_text(mem, gpa, left < TEXT_BYTES_MAX ? left : TEXT_BYTES_MAX, ret);
	if (!err || err->code != GS_ERROR_NODATA)
		return err;
	gs_error_destroy(err); /* pages behind it may have been left out of the dump */
	return read_text(mem, gpa, PAGE_BYTES, ret);
}

static struct gs_error *read_note(struct gs_memory *mem, gs_gpa_t gpa, bool big_endian,
				  struct text *ret)
{
	uint8_t header[NOTE_HEADER_BYTES];
	struct gs_error *err = gs_memory_read(mem, gpa, header, sizeof(header));
	uint32_t size;

	if (err)
		return err;
	size = gs_get_u32(header + 4, big_endian);
	if (size > GS_VMCOREINFO_MAX_BYTES)
		return no_text();
	return read_text(mem, gpa + sizeof(header), size, ret);
}

/* *fits_ret: page tables are where the text says. False also for architectures not known here. */
static struct gs_error *try_place(struct gs_memory *mem, const struct place *place, bool big_endian,
				  struct text *ret, bool *fits_ret)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct gs_error *err = place->is_note ? read_note(mem, place->gpa, big_endian, ret)
					      : read_page(mem, place->gpa, ret);

	if (!err)
		err = gs_linux_open_with(mem, ret->bytes, ret->size, &l);
	*fits_ret = !err && l->root_gpa;
	return err;
}

/* Chance finds give answers that are of no interest; where page tables are not known, all fit. */
struct gs_error *gs_vmcoreinfo_pick(struct gs_memory *mem,
				    const struct gs_vmcoreinfo_places *places, char **text_ret,
				    size_t *size_ret)
{
	gs_autofree char *best = NULL;
	bool fits = false;

	for (size_t i = 0; !fits && i < places->count; i++) {
		struct text text = {0};
		struct gs_error *err =
			try_place(mem, &places->places[i], places->big_endian, &text, &fits);

		if (fits || (!err && !best)) {
			free(best);
			best = gs_take(text.bytes);
			*size_ret = text.size;
		}
		free(text.bytes);
		if (err && !gs_error_is_answer(err))
			return err;
		gs_error_destroy(err);
	}
	if (!best)
		return gs_error_create(GS_ERROR_NODATA,
				       "%s: no VMCOREINFO of a running kernel in the memory",
				       mem->name);
	*text_ret = gs_take(best);
	return NULL;
}

struct gs_error *gs_vmcoreinfo_scan(struct gs_memory *mem, unsigned int threads,
				    const _Atomic int *cancelled, char **text_ret, size_t *size_ret)
{
	GS_CLEANUP(gs_vmcoreinfo_places_destroy) struct gs_vmcoreinfo_places *places = NULL;
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct gs_error *err = gs_memory_source(mem, NULL, 0, &src);

	if (!err)
		err = gs_vmcoreinfo_look(src, mem->attrs.big_endian, threads, cancelled, &places);
	return err ? err : gs_vmcoreinfo_pick(mem, places, text_ret, size_ret);
}
