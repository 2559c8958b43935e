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
#define CANDIDATES_MAX 256 /* the lowest ones; to try one reads page tables */

static const char text_begin[] = "OSRELEASE=";
static const char note_name[] = "VMCOREINFO";
#define TEXT_BEGIN_BYTES (sizeof(text_begin) - 1)
/* Three words, and the name with its NUL, padded. */
#define NOTE_HEADER_BYTES (12 + sizeof(note_name) + 1)

/* A page that looks as if it began with VMCOREINFO. */
struct candidate {
	gs_gpa_t gpa;
	bool is_note;
};

struct scan {
	struct gs_memory *mem;
	struct gs_page_source *src;
	const _Atomic int *cancelled; /* or NULL */
	pthread_mutex_t lock;         /* guards src->next() and all below */
	bool stop;
	size_t count;
	struct candidate found[CANDIDATES_MAX]; /* by rising address */
};

/* ---- candidates ---- */

/* Whatever order pages are looked at in, the lowest are kept. */
static void add_candidate(struct scan *s, gs_gpa_t gpa, bool is_note)
{
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = s->count; i > 0 && s->found[i - 1].gpa > gpa; i--) {
		if (i < CANDIDATES_MAX)
			s->found[i] = s->found[i - 1];
	}
	if (i < CANDIDATES_MAX)
		s->found[i] = (struct candidate){gpa, is_note};
	s->count += s->count < CANDIDATES_MAX;
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
			add_candidate(s, gpa, false);
		else if (is_note(page, s->mem->attrs.big_endian))
			add_candidate(s, gpa, true);
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

/* ---- the one that fits ---- */

struct text {
	char *bytes; /* NUL-terminated; owned */
	size_t size;
};

/* NODATA: no text there. */
static struct gs_error *read_text(struct scan *s, gs_gpa_t gpa, size_t size, struct text *ret)
{
	gs_autofree char *bytes = malloc(size + 1);
	struct gs_error *err;

	if (!bytes)
		return gs_error_nomem();
	err = gs_memory_read(s->mem, gpa, bytes, size);
	if (err)
		return err;
	bytes[size] = '\0';
	if (strncmp(bytes, text_begin, TEXT_BEGIN_BYTES) != 0)
		return gs_error_create(GS_ERROR_NODATA, "no VMCOREINFO");
	ret->size = strlen(bytes);
	ret->bytes = gs_take(bytes);
	return NULL;
}

/* A page of the kernel's; how large these are only the text itself may tell. */
static struct gs_error *read_page(struct scan *s, gs_gpa_t gpa, struct text *ret)
{
	size_t i = gs_ranges_find(s->mem->ranges, s->mem->range_count, gpa);
	const struct gs_range *range = &s->mem->ranges[i];
	uint64_t left = range->size - (gpa - range->start);
	struct gs_error *err =
		read_text(s, gpa, left < TEXT_BYTES_MAX ? left : TEXT_BYTES_MAX, ret);

	if (!err || err->code != GS_ERROR_NODATA)
		return err;
	gs_error_destroy(err); /* pages behind it may have been left out of the dump */
	return read_text(s, gpa, PAGE_BYTES, ret);
}

static struct gs_error *read_candidate(struct scan *s, const struct candidate *c, struct text *ret)
{
	uint8_t header[NOTE_HEADER_BYTES];
	struct gs_error *err;
	uint32_t size;

	if (!c->is_note)
		return read_page(s, c->gpa, ret);
	err = gs_memory_read(s->mem, c->gpa, header, sizeof(header));
	if (err)
		return err;
	size = gs_get_u32(header + 4, s->mem->attrs.big_endian);
	if (size > GS_VMCOREINFO_MAX_BYTES)
		return gs_error_create(GS_ERROR_NODATA, "no VMCOREINFO");
	return read_text(s, c->gpa + sizeof(header), size, ret);
}

/* *fits_ret: page tables are where @text says. False also for architectures not known here. */
static struct gs_error *try_text(struct scan *s, const struct text *text, bool *fits_ret)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct gs_error *err = gs_linux_open_with(s->mem, text->bytes, text->size, &l);

	*fits_ret = !err && l->root_gpa;
	return err;
}

/*
 * The first that fits; where page tables are not known, the first that could be one. Answers, as
 * the last reason why there is none, are not told: they speak of chance finds.
 */
static struct gs_error *choose(struct scan *s, struct text *ret)
{
	struct text best = {0};

	for (size_t i = 0; i < s->count; i++) {
		struct text text = {0};
		bool fits = false;
		struct gs_error *err = read_candidate(s, &s->found[i], &text);

		if (!err)
			err = try_text(s, &text, &fits);
		if (fits || (!err && !best.bytes)) {
			free(best.bytes);
			best = text;
			text.bytes = NULL;
		}
		free(text.bytes);
		if (err && !gs_error_is_answer(err)) {
			free(best.bytes);
			return err;
		}
		gs_error_destroy(err);
		if (fits)
			break;
	}
	if (!best.bytes)
		return gs_error_create(GS_ERROR_NODATA,
				       "%s: no VMCOREINFO of a running kernel in the memory",
				       s->mem->name);
	*ret = best;
	return NULL;
}

struct gs_error *gs_vmcoreinfo_scan_source(struct gs_memory *mem, struct gs_page_source *src,
					   unsigned int threads, const _Atomic int *cancelled,
					   char **text_ret, size_t *size_ret)
{
	gs_autofree struct scan *s = calloc(1, sizeof(*s));
	struct text text = {0};
	struct gs_error *err;

	if (!s)
		return gs_error_nomem();
	s->mem = mem;
	s->src = src;
	s->cancelled = cancelled;
	pthread_mutex_init(&s->lock, NULL);
	err = gs_threads_run(threads ? threads : gs_cpu_count(), look, s);
	pthread_mutex_destroy(&s->lock);
	if (!err)
		err = choose(s, &text);
	if (err)
		return err;
	*text_ret = text.bytes;
	*size_ret = text.size;
	return NULL;
}

struct gs_error *gs_vmcoreinfo_scan(struct gs_memory *mem, unsigned int threads,
				    const _Atomic int *cancelled, char **text_ret, size_t *size_ret)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct gs_error *err = gs_memory_source(mem, NULL, 0, &src);

	if (err)
		return err;
	return gs_vmcoreinfo_scan_source(mem, src, threads, cancelled, text_ret, size_ret);
}
