/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every descriptor of a kdump file, and every page that it leads to.
 *
 * Threads take windows of page frames in order. What they find is put into the report window by
 * window, so that the report does not depend on who was faster.
 */
#include "verify.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/text.h>
#include <guestscope/base/thread.h>

#define WINDOW_PAGES 4096 /* a multiple of 64 */
#define DESC_BYTES 24
#define CODEC_FLAGS 0x27u /* zlib lzo snappy zstd */
#define WINDOW_FINDINGS_MAX 64

struct desc {
	uint64_t offset, page_flags;
	uint32_t size, flags;
};

struct page_finding {
	enum gs_severity severity;
	const char *code;
	uint64_t off;
	char *text;
};

/* What one thread made of one window. */
struct window {
	uint64_t number; /* windows are numbered as they are handed out */
	uint64_t first_pfn, end_pfn;
	uint64_t desc_index; /* of its first descriptor */
	struct page_finding findings[WINDOW_FINDINGS_MAX];
	size_t finding_count;
	uint64_t more_findings;
	struct runs runs;
	struct gs_verify_result found;
};

struct job {
	struct verify *v;
	const struct kdump_pages *p;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	uint64_t next_pfn, next_desc, next_number; /* to hand out */
	uint64_t report_number;                    /* whose turn it is to report */
	struct runs runs;
	bool stop;
};

/* The buffers of one thread. */
struct worker {
	struct job *job;
	uint8_t *descs;  /* WINDOW_PAGES * DESC_BYTES */
	uint8_t *stored; /* one page as stored */
	uint8_t *page;
	struct gs_codec_state *codecs[GS_CODEC_COUNT];
	uint64_t last_off; /* a shared page is decoded once in a row */
	uint32_t last_size, last_flags;
	bool last_zero, last_good;
};

GS_PRINTF(5, 6)
static void find(struct window *w, enum gs_severity severity, const char *code, uint64_t off,
		 const char *fmt, ...)
{
	struct gs_text text = {0};
	struct page_finding *f;
	va_list ap;

	if (w->finding_count == WINDOW_FINDINGS_MAX) {
		w->more_findings++;
		return;
	}
	va_start(ap, fmt);
	gs_text_vprintf(&text, fmt, ap);
	va_end(ap);
	f = &w->findings[w->finding_count++];
	*f = (struct page_finding){severity, code, off, text.data};
}

static bool bit(const uint8_t *map, uint64_t pfn)
{
	return map[pfn >> 3] >> (pfn & 7) & 1;
}

static struct desc parse_desc(const uint8_t *raw, bool big_endian)
{
	return (struct desc){.offset = gs_get_u64(raw, big_endian),
			     .size = gs_get_u32(raw + 8, big_endian),
			     .flags = gs_get_u32(raw + 12, big_endian),
			     .page_flags = gs_get_u64(raw + 16, big_endian)};
}

/* Whether the descriptor leads to bytes that can be decoded. */
static bool judge_desc(const struct job *job, struct window *w, uint64_t pfn, uint64_t off,
		       const struct desc *d)
{
	const struct kdump_pages *p = job->p;
	uint32_t codec = d->flags & CODEC_FLAGS;

	if (d->offset == 0) {
		find(w, p->incomplete ? GS_SEVERITY_WARNING : GS_SEVERITY_ERROR, "kdump-page-lost",
		     off, "page 0x%" PRIx64 ": descriptor without data", pfn);
		w->found.pages_lost++;
		return false;
	}
	if (d->page_flags)
		find(w, GS_SEVERITY_WARNING, "kdump-page-flags", off,
		     "page 0x%" PRIx64 ": page_flags 0x%" PRIx64 ", expected 0", pfn,
		     d->page_flags);
	if (d->flags & ~CODEC_FLAGS || codec & (codec - 1))
		find(w, GS_SEVERITY_ERROR, "kdump-desc-flags", off,
		     "page 0x%" PRIx64 ": flags 0x%" PRIx32 " name no compression", pfn, d->flags);
	else if (d->size == 0 || d->size > p->block_size || (!codec && d->size != p->block_size))
		find(w, GS_SEVERITY_ERROR, "kdump-desc-size", off,
		     "page 0x%" PRIx64 ": size %" PRIu32 " with flags 0x%" PRIx32
		     " and block_size %" PRIu32,
		     pfn, d->size, d->flags, p->block_size);
	else if (d->offset < p->data_off)
		find(w, GS_SEVERITY_ERROR, "kdump-desc-in-headers", off,
		     "page 0x%" PRIx64 ": data at 0x%" PRIx64
		     ", before the end of the tables at 0x%" PRIx64,
		     pfn, d->offset, p->data_off);
	else if (d->offset > p->blob->size || d->size > p->blob->size - d->offset)
		find(w, GS_SEVERITY_ERROR, "kdump-desc-past-end", off,
		     "page 0x%" PRIx64 ": data at 0x%" PRIx64 " of %" PRIu32
		     " bytes, but the file ends at 0x%" PRIx64,
		     pfn, d->offset, d->size, p->blob->size);
	else
		return true;
	w->found.pages_lost++;
	return false;
}

static struct gs_error *decode(struct worker *k, const struct desc *d)
{
	uint32_t block_size = k->job->p->block_size;
	enum gs_codec codec;
	struct gs_error *err =
		gs_blob_read(k->job->p->blob, "page data", d->offset, k->stored, d->size);

	if (err)
		return err;
	if (!gs_codec_from_flag(d->flags, &codec))
		return gs_error_create(GS_ERROR_UNSUPPORTED, "flags 0x%" PRIx32, d->flags);
	if (codec == GS_CODEC_NONE) {
		memcpy(k->page, k->stored, block_size);
		return NULL;
	}
	if (!k->codecs[codec])
		err = gs_codec_state_create(codec, 0, &k->codecs[codec]);
	if (err)
		return err;
	return gs_codec_decompress(codec, k->codecs[codec], k->stored, d->size, k->page,
				   block_size);
}

static struct gs_error *judge_page(struct worker *k, struct window *w, uint64_t pfn,
				   const struct desc *d)
{
	uint32_t block_size = k->job->p->block_size;
	bool again =
		d->offset == k->last_off && d->size == k->last_size && d->flags == k->last_flags;

	if (!again) {
		gs_autoerror struct gs_error *err = decode(k, d);

		if (err && (err->code == GS_ERROR_NOMEM || err->code == GS_ERROR_OS))
			return gs_take(err);
		if (err)
			find(w, GS_SEVERITY_ERROR, "kdump-page-data", d->offset,
			     "page 0x%" PRIx64 ": %s", pfn, err->message);
		k->last_good = !err;
		k->last_zero = !err && gs_is_zero(k->page, block_size);
		k->last_off = d->offset;
		k->last_size = d->size;
		k->last_flags = d->flags;
	}
	if (!k->last_good) {
		w->found.pages_lost++;
		return NULL;
	}
	w->found.pages_readable++;
	w->found.pages_zero += k->last_zero;
	if (k->job->v->options->sum && !k->last_zero)
		sum_add(&w->found.sum, pfn * block_size, k->page, block_size);
	/* Only zero pages are shared; each other page has bytes of its own. */
	if (again && k->last_zero)
		return NULL;
	return k->last_zero && !d->flags ? NULL : verify_runs_add(&w->runs, d->offset, d->size);
}

static struct gs_error *read_descs(struct worker *k, const struct window *w, uint64_t count)
{
	const struct kdump_pages *p = k->job->p;
	uint64_t off = p->desc_off + w->desc_index * DESC_BYTES, size = count * DESC_BYTES;
	uint64_t left = off < p->blob->size ? p->blob->size - off : 0;

	memset(k->descs, 0, size);
	if (!left)
		return NULL;
	return gs_blob_read(p->blob, "page descriptors", off, k->descs, size < left ? size : left);
}

static struct gs_error *judge_window(struct worker *k, struct window *w, uint64_t count)
{
	const struct kdump_pages *p = k->job->p;
	struct gs_error *err = read_descs(k, w, count);
	uint64_t i = 0;

	for (uint64_t pfn = w->first_pfn; !err && pfn < w->end_pfn; pfn++) {
		uint64_t off = p->desc_off + (w->desc_index + i) * DESC_BYTES;
		struct desc d;

		if (!bit(p->bitmap2, pfn)) {
			w->found.sum.excluded_pages += bit(p->bitmap1, pfn);
			continue;
		}
		d = parse_desc(k->descs + i++ * DESC_BYTES, p->big_endian);
		if (judge_desc(k->job, w, pfn, off, &d))
			err = judge_page(k, w, pfn, &d);
	}
	return err;
}

static uint64_t count_bits(const uint8_t *map, uint64_t first, uint64_t end)
{
	uint64_t count = 0, pfn = first;

	for (; pfn < end && pfn % 64; pfn++)
		count += bit(map, pfn);
	for (; end - pfn >= 64; pfn += 64)
		count += (uint64_t)__builtin_popcountll(gs_get_u64(map + pfn / 8, false));
	for (; pfn < end; pfn++)
		count += bit(map, pfn);
	return count;
}

static bool is_empty(const uint8_t *map, uint64_t first, uint64_t end)
{
	return first % 8 == 0 && end % 8 == 0 && gs_is_zero(map + first / 8, (end - first) / 8);
}

/* Hand out the next window; a stretch without any RAM is skipped without looking at its pages. */
static bool take_window(struct job *job, struct window *w, uint64_t *count_ret)
{
	bool got;

	pthread_mutex_lock(&job->lock);
	memset(w, 0, sizeof(*w));
	do {
		w->first_pfn = job->next_pfn;
		uint64_t end = (job->next_pfn / WINDOW_PAGES + 1) * WINDOW_PAGES;

		w->end_pfn = end < job->p->end_pfn ? end : job->p->end_pfn;
		*count_ret = count_bits(job->p->bitmap2, job->next_pfn, w->end_pfn);
		job->next_pfn = w->end_pfn;
	} while (job->next_pfn < job->p->end_pfn && *count_ret == 0 &&
		 is_empty(job->p->bitmap1, w->first_pfn, w->end_pfn) && !job->stop);
	w->number = job->next_number;
	w->desc_index = job->next_desc;
	job->next_desc += *count_ret;
	got = w->first_pfn < w->end_pfn && !job->stop;
	job->next_number += got;
	pthread_mutex_unlock(&job->lock);
	return got;
}

static void merge_result(struct gs_verify_result *to, const struct gs_verify_result *from)
{
	to->pages_readable += from->pages_readable;
	to->pages_zero += from->pages_zero;
	to->pages_lost += from->pages_lost;
	sum_merge(&to->sum, &from->sum);
}

/* In the windows' order. */
static struct gs_error *report_window(struct job *job, struct window *w, bool failed)
{
	struct gs_error *err = NULL;

	pthread_mutex_lock(&job->lock);
	while (job->report_number != w->number && !job->stop)
		pthread_cond_wait(&job->turn, &job->lock);
	for (size_t i = 0; i < w->finding_count; i++) {
		struct page_finding *f = &w->findings[i];

		verify_find(job->v, f->severity, f->code, f->off, "%s", f->text ? f->text : "");
		free(f->text);
	}
	if (w->more_findings)
		verify_find(job->v, GS_SEVERITY_ERROR, "kdump-pages-bad", NO_OFFSET,
			    "%" PRIu64 " more findings in pages 0x%" PRIx64 " to 0x%" PRIx64,
			    w->more_findings, w->first_pfn, w->end_pfn);
	for (size_t i = 0; !err && i < w->runs.count; i++)
		err = verify_runs_add(&job->runs, w->runs.items[i].start,
				      w->runs.items[i].end - w->runs.items[i].start);
	free(w->runs.items);
	merge_result(job->v->result, &w->found);
	if (job->v->options->progress)
		job->v->options->progress->done += (w->end_pfn - w->first_pfn) * job->p->block_size;
	job->report_number++;
	job->stop = job->stop || failed || err ||
		    (job->v->options->progress && job->v->options->progress->cancelled);
	pthread_cond_broadcast(&job->turn);
	pthread_mutex_unlock(&job->lock);
	return err;
}

static struct gs_error *run_windows(struct worker *k)
{
	gs_autofree struct window *w = calloc(1, sizeof(*w));
	struct gs_error *err = w ? NULL : gs_error_nomem();
	uint64_t count;

	while (!err && take_window(k->job, w, &count)) {
		struct gs_error *report_err;

		err = judge_window(k, w, count);
		report_err = report_window(k->job, w, err);
		if (!err)
			err = report_err;
		else
			gs_error_destroy(report_err);
	}
	return err;
}

static struct gs_error *page_worker(void *arg, unsigned int index)
{
	struct job *job = arg;
	struct worker k = {.job = job, .last_off = UINT64_MAX};
	struct gs_error *err = NULL;

	(void)index;
	k.descs = malloc((size_t)WINDOW_PAGES * DESC_BYTES);
	k.stored = malloc(job->p->block_size);
	k.page = malloc(job->p->block_size);
	err = k.descs && k.stored && k.page ? run_windows(&k) : gs_error_nomem();
	free(k.descs);
	free(k.stored);
	free(k.page);
	for (size_t i = 0; i < GS_CODEC_COUNT; i++)
		gs_codec_state_destroy(k.codecs[i]);
	return err;
}

struct gs_error *verify_pages(struct verify *v, const struct kdump_pages *pages)
{
	struct job job = {.v = v,
			  .p = pages,
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .turn = PTHREAD_COND_INITIALIZER,
			  .next_pfn = pages->first_pfn};
	unsigned int threads = v->options->threads ? v->options->threads : gs_cpu_count();
	struct gs_error *err = gs_threads_run(threads, page_worker, &job);

	if (err)
		free(job.runs.items);
	else
		verify_runs_judge(v, &job.runs);
	return err;
}
