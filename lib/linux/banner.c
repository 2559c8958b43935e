/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's banner, "Linux version 6.1.0 (builder) (compiler) #1 SMP date": the first words of
 * its log, and a string constant of its own, linux_banner, which no VMCOREINFO names.
 */
#include <guestscope/linux.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define BANNER_MAX_BYTES 512
#define SEARCH_STEP_BYTES (UINT64_C(1) << 20)
#define SEARCH_MAX_BYTES (UINT64_C(64) << 20) /* text and read-only data of any kernel */

struct search {
	struct gs_linux *l;
	char *start; /* "Linux version RELEASE " */
	size_t start_size;
	const char *end; /* utsname's version; "" unknown */
	char *found;
};

static struct gs_error *take(struct search *s, const char *text, size_t size)
{
	s->found = strndup(text, size);
	return s->found ? NULL : gs_error_nomem();
}

static bool is_start(const struct search *s, const char *text, size_t size)
{
	return size > s->start_size && memcmp(text, s->start, s->start_size) == 0;
}

/* Facility 0: the kernel itself speaks. */
static struct gs_error *look_at(void *arg, const struct gs_log_record *record)
{
	struct search *s = arg;
	const char *end;

	if (s->found || record->facility || !is_start(s, record->text, record->text_size))
		return NULL;
	end = memchr(record->text, '\n', record->text_size);
	return take(s, record->text, end ? (size_t)(end - record->text) : record->text_size);
}

static struct gs_error *search_log(struct search *s)
{
	struct gs_error *err = gs_linux_log(s->l, look_at, s, NULL);

	if (!err || !gs_error_is_answer(err))
		return err;
	gs_error_destroy(err);
	return NULL;
}

/*
 * The constant ends in utsname's version, and a newline: unlike a second one that linkers leave in
 * some kernels, which lacks the number of the build, and unlike what is in buffers too short for
 * it.
 */
static bool is_whole(const struct search *s, const char *text, const char *newline)
{
	size_t size = (size_t)(newline - text), end_size = strlen(s->end);

	return !memchr(text, '\0', size) && size >= end_size &&
	       memcmp(newline - end_size, s->end, end_size) == 0;
}

static struct gs_error *search_bytes(struct search *s, const char *at, const char *end)
{
	while ((at = memmem(at, (size_t)(end - at), s->start, s->start_size))) {
		size_t left = (size_t)(end - at);
		const char *newline =
			memchr(at, '\n', left < BANNER_MAX_BYTES ? left : BANNER_MAX_BYTES);

		if (newline && is_whole(s, at, newline))
			return take(s, at, (size_t)(newline - at));
		at += s->start_size;
	}
	return NULL;
}

/* Steps overlap by the longest banner, so that none is cut. */
static struct gs_error *search_step(struct search *s, uint64_t off, uint64_t size, char *buffer)
{
	struct gs_error *err =
		gs_memory_read(s->l->mem, s->l->text_gpa + off, buffer, (size_t)size);

	if (err && gs_error_is_answer(err)) {
		gs_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	return search_bytes(s, buffer, buffer + size);
}

/* Where the text is mapped in one piece, it is so in physical memory, too. */
static struct gs_error *search_text(struct search *s)
{
	gs_autofree char *buffer = malloc(SEARCH_STEP_BYTES + BANNER_MAX_BYTES);
	uint64_t end = s->l->text_size < SEARCH_MAX_BYTES ? s->l->text_size : SEARCH_MAX_BYTES;
	struct gs_error *err = NULL;

	if (!buffer)
		return gs_error_nomem();
	for (uint64_t off = 0; off < end && !s->found && !err; off += SEARCH_STEP_BYTES) {
		uint64_t size = SEARCH_STEP_BYTES + BANNER_MAX_BYTES;

		err = search_step(s, off, size < end - off ? size : end - off, buffer);
	}
	return err;
}

struct gs_error *gs_linux_banner(struct gs_linux *l, char **ret)
{
	gs_autofree char *start = gs_strf("Linux version %s ", l->utsname[GS_UTS_RELEASE]);
	struct search s = {.l = l, .start = start};
	struct gs_error *err;

	if (!start)
		return gs_error_nomem();
	s.start_size = strlen(start);
	s.end = l->utsname[GS_UTS_VERSION];
	if (*s.end == '(')
		s.end = "";
	err = search_log(&s);
	if (!err && !s.found)
		err = search_text(&s);
	if (!err && !s.found)
		err = gs_error_create(GS_ERROR_NODATA,
				      "\"%s...\" is neither in the kernel's log nor in its text",
				      start);
	if (err)
		free(s.found);
	else
		*ret = s.found;
	return err;
}
