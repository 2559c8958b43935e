/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump file that is to be mended: opened as far as it goes, planned, copied. */
#include "mend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COPY_BYTES ((size_t)1 << 20)

/* ---- a blob with zeros behind it ---- */

struct padded_blob {
	struct gs_blob blob;
	struct gs_blob *inner; /* owned */
};

static struct gs_error *padded_read(struct gs_blob *blob, uint64_t off, void *buf, size_t size)
{
	struct gs_blob *inner = ((struct padded_blob *)blob)->inner;
	uint64_t there = off < inner->size ? inner->size - off : 0;
	size_t n = there < size ? (size_t)there : size;

	memset((uint8_t *)buf + n, 0, size - n);
	return n ? inner->ops->read(inner, off, buf, n) : NULL;
}

static struct gs_error *padded_next_data(struct gs_blob *blob, uint64_t off, uint64_t *data_off_ret,
					 uint64_t *data_end_ret)
{
	struct gs_blob *inner = ((struct padded_blob *)blob)->inner;
	struct gs_error *err = NULL;

	if (off < inner->size)
		err = gs_blob_next_data(inner, off, data_off_ret, data_end_ret);
	if (off >= inner->size || (!err && *data_off_ret == inner->size))
		*data_off_ret = *data_end_ret = blob->size;
	return err;
}

static void padded_destroy(struct gs_blob *blob)
{
	gs_blob_destroy(((struct padded_blob *)blob)->inner);
	free(blob);
}

static const struct gs_blob_ops padded_ops = {
	.read = padded_read,
	.next_data = padded_next_data,
	.destroy = padded_destroy,
};

/* Takes @inner on success. */
static struct gs_error *pad(struct gs_blob *inner, uint64_t size, struct gs_blob **ret)
{
	struct padded_blob *p = calloc(1, sizeof(*p));

	if (!p || !(p->blob.name = strdup(inner->name))) {
		free(p);
		return gs_error_nomem();
	}
	p->blob.ops = &padded_ops;
	p->blob.size = size;
	p->inner = inner;
	*ret = &p->blob;
	return NULL;
}

/* ---- opening ---- */

static struct gs_error *see_through(struct gs_mend *m, const char *spool_dir, struct gs_blob **blob)
{
	struct gs_blob *flat;
	struct gs_error *err;

	m->flattened = gs_flat_probe(*blob);
	if (!m->flattened)
		return NULL;
	err = gs_flat_open_cut(*blob, spool_dir, &m->end, &flat);
	if (!err)
		*blob = flat;
	return err;
}

static struct gs_error *pad_tables(struct gs_mend *m, struct gs_blob **blob)
{
	uint8_t magic[GS_DUMP_MAGIC_BYTES];
	struct gs_error *err;
	uint64_t end;

	m->there = m->size = (*blob)->size;
	if (m->there < sizeof(magic))
		return NULL;
	err = gs_blob_read(*blob, "signature", 0, magic, sizeof(magic));
	if (err || !gs_kdump_probe(magic))
		return err;
	err = gs_kdump_table_end(*blob, &end);
	if (err || end <= m->there)
		return err;
	m->size = end;
	return pad(*blob, end, blob);
}

static struct gs_error *open_blobs(struct gs_mend *m, const char *spool_dir, struct gs_blob **blob)
{
	struct gs_error *err = see_through(m, spool_dir, blob);

	if (!err)
		err = pad_tables(m, blob);
	if (!err)
		err = gs_dump_open_blob(*blob, NULL, &m->mem);
	m->view = *blob;
	return err;
}

/* What lies over @blob goes, and @blob stays its owner's. */
static void take_apart(struct gs_mend *m, struct gs_blob *top)
{
	if (top != m->container && top->ops == &padded_ops) {
		struct gs_blob *inner = gs_take(((struct padded_blob *)top)->inner);

		gs_blob_destroy(top);
		top = inner;
	}
	if (top != m->container)
		gs_flat_close(top);
}

struct gs_error *gs_mend_open_blob(struct gs_blob *blob, const char *spool_dir,
				   struct gs_mend **ret)
{
	GS_CLEANUP(gs_mend_close) struct gs_mend *m = calloc(1, sizeof(*m));
	struct gs_error *err;

	if (!m)
		return gs_error_nomem();
	m->container = blob;
	err = open_blobs(m, spool_dir, &blob);
	if (err)
		take_apart(m, blob);
	else
		*ret = gs_take(m);
	return err;
}

struct gs_error *gs_mend_open(const char *path, const char *spool_dir, struct gs_mend **ret)
{
	struct gs_blob *blob;
	struct gs_error *err = gs_blob_open(path, &blob);

	if (err)
		return err;
	err = gs_mend_open_blob(blob, spool_dir, ret);
	if (err)
		gs_blob_destroy(blob);
	return err;
}

static void edits_deinit(struct gs_edits *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->items[i].bytes);
	free(e->items);
}

void gs_mend_close(struct gs_mend *m)
{
	if (!m)
		return;
	gs_memory_destroy(m->mem);
	edits_deinit(&m->edits);
	if (m->flattened)
		edits_deinit(&m->file_edits);
	for (size_t i = 0; i < m->change_count; i++) {
		free(m->changes[i].text);
		free(m->changes[i].old_value);
		free(m->changes[i].new_value);
	}
	free(m->changes);
	free(m->runs);
	free(m->ranges);
	free(m);
}

struct gs_memory *gs_mend_memory(struct gs_mend *m)
{
	return m->mem;
}

/* ---- changes and edits ---- */

static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity ? 2 * *capacity : 16;
	return reallocarray(items, *capacity, size);
}

struct gs_error *gs_mend_note(struct gs_mend *m, const char *code, const char *old_value,
			      const char *new_value, const char *fmt, ...)
{
	struct gs_mend_change change = {.code = code};
	void *more = grow(m->changes, m->change_count, &m->change_capacity, sizeof(change));
	struct gs_text text = {0};
	struct gs_error *err;
	va_list ap;

	if (!more)
		return gs_error_nomem();
	m->changes = more;
	va_start(ap, fmt);
	gs_text_vprintf(&text, fmt, ap);
	va_end(ap);
	err = gs_text_finish(&text, &change.text);
	if (err)
		return err;
	change.old_value = old_value ? strdup(old_value) : NULL;
	change.new_value = new_value ? strdup(new_value) : NULL;
	m->changes[m->change_count++] = change;
	if (!change.old_value != !old_value || !change.new_value != !new_value)
		return gs_error_nomem();
	return NULL;
}

struct gs_error *gs_edits_add(struct gs_edits *e, const struct gs_edit *edit)
{
	void *more = grow(e->items, e->count, &e->capacity, sizeof(*edit));

	if (!more)
		return gs_error_nomem();
	e->items = more;
	e->items[e->count++] = *edit;
	return NULL;
}

struct gs_error *gs_edits_add_bytes(struct gs_edits *e, uint64_t off, uint8_t *bytes, uint64_t size)
{
	const struct gs_edit edit = {.off = off, .size = size, .bytes = bytes, .origin = SIZE_MAX};
	struct gs_error *err = bytes ? gs_edits_add(e, &edit) : gs_error_nomem();

	if (err)
		free(bytes);
	return err;
}

struct gs_error *gs_edits_add_changed(struct gs_edits *e, uint64_t off, const uint8_t *was,
				      const uint8_t *now, size_t size)
{
	uint8_t *copy;

	if (memcmp(was, now, size) == 0)
		return NULL;
	copy = malloc(size);
	if (copy)
		memcpy(copy, now, size);
	return gs_edits_add_bytes(e, off, copy, size);
}

static struct gs_error *read_edit(struct gs_mend *m, const struct gs_edits *edits, size_t i,
				  uint64_t pos, void *buf, size_t size)
{
	const struct gs_edit *edit = &edits->items[i];

	if (edit->origin != SIZE_MAX)
		return read_edit(m, &m->edits, edit->origin, pos, buf, size);
	if (!edit->bytes)
		return edit->fill(m, pos, buf, size);
	memcpy(buf, edit->bytes + pos, size);
	return NULL;
}

static int compare_edits(const void *a, const void *b)
{
	uint64_t x = ((const struct gs_edit *)a)->off, y = ((const struct gs_edit *)b)->off;

	return (x > y) - (x < y);
}

struct gs_error *gs_mend_plan(struct gs_mend *m, const struct gs_mend_wanted *wanted)
{
	bool kdump = m->mem->ops == &gs_kdump_memory_ops;
	struct gs_error *err = NULL;

	if (m->end.cut)
		err = gs_mend_note(m, "flat-end", NULL, NULL,
				   "the flattened file has no end record: it was cut");
	if (!err)
		err = kdump ? gs_mend_kdump(m, wanted) : gs_mend_elf(m, wanted);
	if (err)
		return err;
	if (m->edits.count)
		qsort(m->edits.items, m->edits.count, sizeof(*m->edits.items), compare_edits);
	if (m->flattened)
		return gs_mend_flat(m);
	m->file_edits = m->edits;
	m->file_size = m->size;
	return NULL;
}

const struct gs_mend_change *gs_mend_changes(const struct gs_mend *m, size_t *count_ret)
{
	*count_ret = m->change_count;
	return m->changes;
}

size_t gs_mend_edit_count(const struct gs_mend *m)
{
	return m->file_edits.count;
}

void gs_mend_edit(const struct gs_mend *m, size_t i, uint64_t *off_ret, uint64_t *size_ret)
{
	*off_ret = m->file_edits.items[i].off;
	*size_ret = m->file_edits.items[i].size;
}

struct gs_error *gs_mend_edit_read(struct gs_mend *m, size_t i, uint64_t pos, void *buf,
				   size_t size)
{
	return read_edit(m, &m->file_edits, i, pos, buf, size);
}

uint64_t gs_mend_file_size(const struct gs_mend *m)
{
	return m->file_size;
}

/* ---- a copy ---- */

static struct gs_error *copy_stretch(struct gs_mend *m, struct gs_sink *sink,
				     struct gs_progress *progress, uint64_t off, uint64_t end,
				     uint8_t *buffer)
{
	struct gs_error *err = NULL;

	while (off < end && !err) {
		size_t n = end - off < COPY_BYTES ? (size_t)(end - off) : COPY_BYTES;

		if (progress && progress->cancelled)
			return gs_error_os(EINTR, "stopped");
		err = gs_blob_read(m->view, "copy", off, buffer, n);
		if (!err)
			err = gs_sink_write(sink, off, buffer, n);
		off += n;
		if (progress)
			progress->done = off;
	}
	return err;
}

static struct gs_error *copy_old(struct gs_mend *m, struct gs_sink *sink,
				 struct gs_progress *progress, uint8_t *buffer)
{
	struct gs_error *err = NULL;

	for (uint64_t off = 0, end; off < m->view->size && !err; off = end) {
		err = gs_blob_next_data(m->view, off, &off, &end);
		if (!err)
			err = copy_stretch(m, sink, progress, off, end, buffer);
	}
	return err;
}

static struct gs_error *copy_edit(struct gs_mend *m, size_t i, struct gs_sink *sink,
				  uint8_t *buffer)
{
	const struct gs_edit *edit = &m->edits.items[i];
	struct gs_error *err = NULL;

	for (uint64_t pos = 0; pos < edit->size && !err;) {
		size_t n = edit->size - pos < COPY_BYTES ? (size_t)(edit->size - pos) : COPY_BYTES;

		err = read_edit(m, &m->edits, i, pos, buffer, n);
		if (!err)
			err = gs_sink_write(sink, edit->off + pos, buffer, n);
		pos += n;
	}
	return err;
}

struct gs_error *gs_mend_copy(struct gs_mend *m, struct gs_sink *sink, struct gs_progress *progress)
{
	gs_autofree uint8_t *buffer = malloc(COPY_BYTES);
	struct gs_error *err;

	if (!buffer)
		return gs_error_nomem();
	if (progress)
		progress->total = m->view->size;
	err = copy_old(m, sink, progress, buffer);
	for (size_t i = 0; i < m->edits.count && !err; i++)
		err = copy_edit(m, i, sink, buffer);
	return err ? err : gs_sink_finish(sink, m->size);
}
