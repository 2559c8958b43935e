/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every descriptor of a kdump file, and every page that it leads to.
 *
 * Threads take windows of page frames in order. What they find is put into the report window by
 * window, so that the report does not depend on who was faster.
 */
#include "verify_kdump.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/text.h>
#include <guestscope/base/thread.h>

#define WINDOW_MAP_BYTES BITS_STEP_BYTES
#define WINDOW_PAGES (8 * WINDOW_MAP_BYTES)
#define CODEC_FLAGS 0x27u /* zlib lzo snappy zstd */
#define WINDOW_FINDINGS_MAX 64

struct page_finding {
	enum gs_severity severity;
	const char *code;
	uint64_t off;
	char *text;
};

/* What one thread made of one window. */
struct window {
	uint64_t number;                   /* windows are numbered as they are handed out */
	uint64_t base, first_pfn, end_pfn; /* the maps start at base */
	uint64_t desc_off;                 /* of its first descriptor */
	uint64_t desc_count;
	uint8_t maps[2][WINDOW_MAP_BYTES];
	struct page_finding findings[WINDOW_FINDINGS_MAX];
	size_t finding_count;
	uint64_t more_findings;
	enum gs_severity more_severity; /* the worst of those */
	struct extents extents;
	struct gs_verify_result found;
};

struct job {
	struct verify *v;
	const struct kdump_pages *p;
	struct kdump_bits *bits;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	uint64_t next_pfn, next_desc_off, next_number; /* to hand out */
	uint64_t report_number;                        /* whose turn it is to report */
	struct extents extents;
	_Atomic uint64_t zero_off; /* the raw zero page that many descriptors lead to; 0: none */
	bool stop;
};

/* The buffers of one thread. */
struct worker {
	struct job *job;
	uint8_t *descs;  /* WINDOW_PAGES of them */
	uint8_t *stored; /* one page as stored */
	uint8_t *page;
	struct gs_codec_state *codecs[GS_CODEC_COUNT];
	struct desc last; /* a shared page is decoded once in a row */
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
		if (severity > w->more_severity)
			w->more_severity = severity;
		return;
	}
	va_start(ap, fmt);
	gs_text_vprintf(&text, fmt, ap);
	va_end(ap);
	f = &w->findings[w->finding_count++];
	*f = (struct page_finding){severity, code, off, text.data};
}

struct desc gs_verify_desc(const uint8_t *raw, bool big_endian)
{
	return (struct desc){.offset = gs_get_u64(raw, big_endian),
			     .size = gs_get_u32(raw + 8, big_endian),
			     .flags = gs_get_u32(raw + 12, big_endian),
			     .page_flags = gs_get_u64(raw + 16, big_endian)};
}

/* Whether it leads to bytes that can be decoded. */
static bool judge_place(const struct kdump_pages *p, struct window *w, uint64_t pfn, uint64_t off,
			const struct desc *d)
{
	uint32_t codec = d->flags & CODEC_FLAGS, block_size = p->head->block_size;
	uint64_t file_size = p->head->blob->size;

	if (d->flags & ~CODEC_FLAGS || codec & (codec - 1))
		find(w, GS_SEVERITY_ERROR, "kdump-desc-flags", off,
		     "page 0x%" PRIx64 ": flags 0x%" PRIx32 " name no compression", pfn, d->flags);
	else if (d->size == 0 || d->size > block_size || (!codec && d->size != block_size))
		find(w, GS_SEVERITY_ERROR, "kdump-desc-size", off,
		     "page 0x%" PRIx64 ": size %" PRIu32 " with flags 0x%" PRIx32
		     " and block_size %" PRIu32,
		     pfn, d->size, d->flags, block_size);
	else if (d->offset < p->data_off)
		find(w, GS_SEVERITY_ERROR, "kdump-desc-in-headers", off,
		     "page 0x%" PRIx64 ": data at 0x%" PRIx64
		     ", before the end of the tables at 0x%" PRIx64,
		     pfn, d->offset, p->data_off);
	else if (d->offset > file_size || d->size > file_size - d->offset)
		find(w, GS_SEVERITY_ERROR, "kdump-desc-past-end", off,
		     "page 0x%" PRIx64 ": data at 0x%" PRIx64 " of %" PRIu32
		     " bytes, but the file ends at 0x%" PRIx64,
		     pfn, d->offset, d->size, file_size);
	else
		return true;
	return false;
}

static bool judge_desc(const struct kdump_pages *p, struct window *w, uint64_t pfn, uint64_t off,
		       const struct desc *d)
{
	enum gs_severity severity = p->head->incomplete ? GS_SEVERITY_WARNING : GS_SEVERITY_ERROR;

	if (d->offset && d->page_flags)
		find(w, GS_SEVERITY_WARNING, "kdump-page-flags", off,
		     "page 0x%" PRIx64 ": page_flags 0x%" PRIx64 ", expected 0", pfn,
		     d->page_flags);
	if (d->offset && judge_place(p, w, pfn, off, d))
		return true;
	if (!d->offset)
		find(w, severity, "kdump-page-lost", off,
		     "page 0x%" PRIx64 ": descriptor without data", pfn);
	w->found.pages_lost++;
	return false;
}

static struct gs_error *decode(struct worker *k, const struct desc *d)
{
	const struct kdump_head *h = k->job->p->head;
	struct gs_error *err = gs_blob_read(h->blob, "page data", d->offset, k->stored, d->size);
	enum gs_codec codec;

	if (err)
		return err;
	if (!gs_codec_from_flag(d->flags, &codec))
		return gs_error_create(GS_ERROR_UNSUPPORTED, "flags 0x%" PRIx32, d->flags);
	if (codec == GS_CODEC_NONE) {
		memcpy(k->page, k->stored, h->block_size);
		return NULL;
	}
	if (!k->codecs[codec])
		err = gs_codec_state_create(codec, 0, &k->codecs[codec]);
	if (err)
		return err;
	return gs_codec_decompress(codec, k->codecs[codec], k->stored, d->size, k->page,
				   h->block_size);
}

static bool is_last(const struct worker *k, const struct desc *d)
{
	return d->offset == k->last.offset && d->size == k->last.size && d->flags == k->last.flags;
}

/* Decode a page that is not the last one again, and note where its data is. */
static struct gs_error *look_at_data(struct worker *k, struct window *w, uint64_t pfn,
				     const struct desc *d)
{
	gs_autoerror struct gs_error *err = decode(k, d);
	uint64_t none = 0;

	if (err && (err->code == GS_ERROR_NOMEM || err->code == GS_ERROR_OS))
		return gs_take(err);
	if (err)
		find(w, GS_SEVERITY_ERROR, "kdump-page-data", d->offset, "page 0x%" PRIx64 ": %s",
		     pfn, err->message);
	k->last = *d;
	k->last_good = !err;
	k->last_zero = !err && gs_is_zero(k->page, k->job->p->head->block_size);
	if (k->last_zero && !d->flags)
		atomic_compare_exchange_strong(&k->job->zero_off, &none, d->offset);
	if (k->last_zero && !d->flags && d->offset == atomic_load(&k->job->zero_off))
		return NULL; /* all threads together count it once */
	return gs_extents_add(&w->extents, d->offset, d->offset + d->size);
}

static struct gs_error *judge_page(struct worker *k, struct window *w, uint64_t pfn,
				   const struct desc *d)
{
	uint32_t block_size = k->job->p->head->block_size;
	struct gs_error *err = is_last(k, d) ? NULL : look_at_data(k, w, pfn, d);

	if (err)
		return err;
	w->found.pages_lost += !k->last_good;
	w->found.pages_readable += k->last_good;
	w->found.pages_zero += k->last_zero;
	if (k->last_good && !k->last_zero && k->job->v->options->sum)
		gs_sum_add(&w->found.sum, pfn * block_size, k->page, block_size);
	return NULL;
}

/* Those that the file lacks at its end are zero: lost. */
static struct gs_error *read_descs(struct worker *k, const struct window *w)
{
	struct gs_blob *blob = k->job->p->head->blob;
	uint64_t size = w->desc_count * KDUMP_DESC_BYTES;
	uint64_t left = w->desc_off < blob->size ? blob->size - w->desc_off : 0;

	memset(k->descs, 0, size);
	if (!left)
		return NULL;
	return gs_blob_read(blob, "page descriptors", w->desc_off, k->descs,
			    size < left ? size : left);
}

static struct gs_error *judge_window(struct worker *k, struct window *w)
{
	const struct kdump_pages *p = k->job->p;
	struct gs_error *err = read_descs(k, w);
	uint64_t off = 0;

	for (uint64_t pfn = w->first_pfn; !err && pfn < w->end_pfn; pfn++) {
		struct desc d;

		if (!gs_verify_bit(w->maps[1], pfn - w->base)) {
			w->found.sum.excluded_pages += gs_verify_bit(w->maps[0], pfn - w->base);
			continue;
		}
		d = gs_verify_desc(k->descs + off, p->head->big_endian);
		if (judge_desc(p, w, pfn, w->desc_off + off, &d))
			err = judge_page(k, w, pfn, &d);
		off += KDUMP_DESC_BYTES;
	}
	return err;
}

/* ---- windows ---- */

/* The window from job->next_pfn on; *empty_ret: there is nothing in it, however long it is. */
static struct gs_error *cut_window(struct job *job, struct window *w, bool *empty_ret)
{
	uint64_t limit = job->p->head->end_pfn, size;
	const uint8_t *maps[2];
	struct gs_error *err;

	w->first_pfn = job->next_pfn;
	w->base = w->first_pfn / WINDOW_PAGES * WINDOW_PAGES;
	err = gs_verify_bits_at(job->bits, w->base / 8, maps, &size);
	if (err)
		return err;
	*empty_ret = !maps[0];
	w->end_pfn = w->base + (*empty_ret ? 8 * size : WINDOW_PAGES);
	w->end_pfn = w->end_pfn < limit ? w->end_pfn : limit;
	for (int i = 0; maps[0] && i < 2; i++)
		memcpy(w->maps[i], maps[i], WINDOW_MAP_BYTES);
	return NULL;
}

static uint64_t count_descs(const struct window *w)
{
	uint64_t count = 0;

	for (uint64_t pfn = w->first_pfn; pfn < w->end_pfn; pfn++)
		count += gs_verify_bit(w->maps[1], pfn - w->base);
	return count;
}

/* Hand out the next window that has any memory; false at the end. */
static struct gs_error *take_window(struct job *job, struct window *w, bool *got_ret)
{
	struct gs_error *err = NULL;
	bool empty = true;

	pthread_mutex_lock(&job->lock);
	memset(w, 0, sizeof(*w));
	while (!err && empty && !job->stop && job->next_pfn < job->p->head->end_pfn) {
		err = cut_window(job, w, &empty);
		empty = empty || gs_is_zero(w->maps, sizeof(w->maps));
		job->next_pfn = w->end_pfn;
	}
	*got_ret = !err && !empty;
	if (*got_ret) {
		w->number = job->next_number++;
		w->desc_off = job->next_desc_off;
		w->desc_count = count_descs(w);
		job->next_desc_off += w->desc_count * KDUMP_DESC_BYTES;
	}
	if (err) {
		job->stop = true;
		pthread_cond_broadcast(&job->turn);
	}
	pthread_mutex_unlock(&job->lock);
	return err;
}

static void merge_result(struct gs_verify_result *to, const struct gs_verify_result *from)
{
	to->pages_readable += from->pages_readable;
	to->pages_zero += from->pages_zero;
	to->pages_lost += from->pages_lost;
	gs_sum_merge(&to->sum, &from->sum);
}

static void tell_findings(struct job *job, struct window *w)
{
	for (size_t i = 0; i < w->finding_count; i++) {
		struct page_finding *f = &w->findings[i];

		gs_verify_find(job->v, f->severity, f->code, f->off, "%s", f->text ? f->text : "");
		free(f->text);
	}
	if (w->more_findings)
		gs_verify_find(job->v, w->more_severity, "kdump-pages-bad", NO_OFFSET,
			       "%" PRIu64 " more findings in pages 0x%" PRIx64 " to 0x%" PRIx64,
			       w->more_findings, w->first_pfn, w->end_pfn);
}

/* In the windows' order. */
static struct gs_error *report_window(struct job *job, struct window *w, bool failed)
{
	struct gs_progress *progress = job->v->options->progress;
	struct gs_error *err = NULL;

	pthread_mutex_lock(&job->lock);
	while (job->report_number != w->number && !job->stop)
		pthread_cond_wait(&job->turn, &job->lock);
	tell_findings(job, w);
	for (size_t i = 0; !err && i < w->extents.count; i++)
		err = gs_extents_add(&job->extents, w->extents.items[i].start,
				     w->extents.items[i].end);
	gs_extents_deinit(&w->extents);
	merge_result(job->v->result, &w->found);
	if (progress)
		progress->done += (w->end_pfn - w->first_pfn) * job->p->head->block_size;
	job->report_number++;
	job->stop = job->stop || failed || err || (progress && progress->cancelled);
	pthread_cond_broadcast(&job->turn);
	pthread_mutex_unlock(&job->lock);
	return err;
}

static struct gs_error *run_windows(struct worker *k)
{
	gs_autofree struct window *w = calloc(1, sizeof(*w));
	struct gs_error *err = w ? NULL : gs_error_nomem(), *report_err;
	bool got = true;

	while (!err) {
		err = take_window(k->job, w, &got);
		if (err || !got)
			break;
		err = judge_window(k, w);
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
	struct worker k = {.job = job};
	struct gs_error *err = NULL;

	(void)index;
	k.descs = malloc(WINDOW_PAGES * KDUMP_DESC_BYTES);
	k.stored = malloc(job->p->head->block_size);
	k.page = malloc(job->p->head->block_size);
	err = k.descs && k.stored && k.page ? run_windows(&k) : gs_error_nomem();
	free(k.descs);
	free(k.stored);
	free(k.page);
	for (size_t i = 0; i < GS_CODEC_COUNT; i++)
		gs_codec_state_destroy(k.codecs[i]);
	return err;
}

static struct gs_error *judge_overlaps(struct job *job)
{
	uint64_t zero_off = atomic_load(&job->zero_off);
	struct gs_error *err = NULL;

	if (zero_off)
		err = gs_extents_add(&job->extents, zero_off, zero_off + job->p->head->block_size);
	if (err)
		return err;
	if (job->extents.overflow) {
		gs_verify_find(job->v, GS_SEVERITY_INFO, "kdump-data-scattered", NO_OFFSET,
			       "page data is too scattered to be searched for overlaps");
		return NULL;
	}
	gs_extents_clashes(&job->extents);
	return job->extents.count ? gs_verify_sharing(job->p, job->bits, &job->extents) : NULL;
}

struct gs_error *gs_verify_pages(const struct kdump_pages *pages, struct kdump_bits *bits)
{
	const struct kdump_head *h = pages->head;
	struct job job = {.v = h->v,
			  .p = pages,
			  .bits = bits,
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .turn = PTHREAD_COND_INITIALIZER,
			  .next_pfn = h->start_pfn,
			  .next_desc_off = h->desc_off};
	unsigned int threads = h->v->options->threads ? h->v->options->threads : gs_cpu_count();
	struct gs_error *err;

	if (h->v->options->progress)
		h->v->options->progress->total += (h->end_pfn - h->start_pfn) * h->block_size;
	err = gs_threads_run(threads, page_worker, &job);
	if (!err)
		err = judge_overlaps(&job);
	gs_extents_deinit(&job.extents);
	return err;
}
