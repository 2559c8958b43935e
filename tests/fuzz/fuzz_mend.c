/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mending whatever bytes: the edits are in order and within the mended file, no edit can be made
 * only in part, and the mended copy opens and has nothing more to mend.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/dump.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COPY_MAX ((uint64_t)4 << 20)

struct copy {
	struct gs_sink sink;
	uint8_t *data;
	uint64_t size;
	bool too_large;
};

static struct gs_error *copy_write(struct gs_sink *sink, uint64_t off, const void *data,
				   size_t size)
{
	struct copy *c = (struct copy *)sink;

	if (off > COPY_MAX || size > COPY_MAX - off)
		c->too_large = true;
	else
		memcpy(c->data + off, data, size);
	return NULL;
}

static struct gs_error *copy_finish(struct gs_sink *sink, uint64_t size)
{
	((struct copy *)sink)->size = size;
	return NULL;
}

static const struct gs_sink_ops copy_ops = {.write = copy_write, .finish = copy_finish};

/* Takes @blob. NULL: it cannot be opened, or not be planned. */
static struct gs_mend *plan(struct gs_blob *blob, const struct gs_mend_wanted *wanted)
{
	struct gs_mend *m;
	gs_autoerror struct gs_error *err = gs_mend_open_blob(blob, NULL, &m);

	if (err) {
		gs_blob_destroy(blob);
		return NULL;
	}
	err = gs_mend_plan(m, wanted);
	if (!err)
		return m;
	gs_mend_close(m);
	return NULL;
}

/* What a kernel might have told: another phys_base and names, all ranges but the last. */
static bool want(const uint8_t *data, size_t size, struct gs_attributes *attrs,
		 struct gs_range **ranges_ret, size_t *count_ret)
{
	GS_CLEANUP(gs_mend_close) struct gs_mend *m = NULL;
	struct gs_blob *blob;
	gs_autoerror struct gs_error *err = NULL;
	const struct gs_memory *mem;

	assert(!gs_blob_from_buffer("input", data, size, &blob));
	err = gs_mend_open_blob(blob, NULL, &m);
	if (err) {
		gs_blob_destroy(blob);
		return false;
	}
	mem = gs_mend_memory(m);
	assert(!gs_attributes_copy(&mem->attrs, attrs));
	attrs->has_phys_base = true;
	attrs->phys_base = 0x1000000;
	for (int i = 0; i < GS_UTSNAME_FIELDS; i++)
		strcpy(attrs->utsname[i], i == GS_UTS_MACHINE ? "x86_64" : "Linux");
	*count_ret = mem->range_count > 1 ? mem->range_count - 1 : 0;
	*ranges_ret = malloc((*count_ret + 1) * sizeof(**ranges_ret));
	assert(*ranges_ret);
	if (*count_ret)
		memcpy(*ranges_ret, mem->ranges, *count_ret * sizeof(**ranges_ret));
	return true;
}

static void check_edits(struct gs_mend *m)
{
	uint64_t end = 0;

	for (size_t i = 0; i < gs_mend_edit_count(m); i++) {
		uint64_t off, size;
		uint8_t buffer[100];

		gs_mend_edit(m, i, &off, &size);
		assert(off >= end && size <= gs_mend_file_size(m) - off);
		end = off + size;
		for (uint64_t pos = 0; pos < size; pos += 4099) {
			size_t n = size - pos < sizeof(buffer) ? size - pos : sizeof(buffer);
			gs_error_destroy(gs_mend_edit_read(m, i, pos, buffer, n));
		}
	}
}

static void check_copy(struct gs_mend *m, const struct gs_mend_wanted *wanted)
{
	struct copy c = {.sink = {.ops = &copy_ops, .positional = true},
			 .data = calloc(1, COPY_MAX)};
	gs_autofree uint8_t *data = c.data;
	gs_autoerror struct gs_error *err = gs_mend_copy(m, &c.sink, NULL);
	GS_CLEANUP(gs_mend_close) struct gs_mend *again = NULL;
	struct gs_blob *blob;
	size_t count;

	if (err || c.too_large || c.size > COPY_MAX)
		return;
	assert(!gs_blob_from_buffer("copy", data, c.size, &blob));
	again = plan(blob, wanted);
	assert(again);
	gs_mend_changes(again, &count);
	assert(!count && !gs_mend_edit_count(again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gs_attributes attrs;
	gs_autofree struct gs_range *ranges = NULL;
	struct gs_mend_wanted wanted = {.attrs = &attrs};
	GS_CLEANUP(gs_mend_close) struct gs_mend *m = NULL;
	struct gs_blob *blob;

	if (!want(data, size, &attrs, &ranges, &wanted.range_count))
		return 0;
	wanted.ranges = ranges;
	assert(!gs_blob_from_buffer("input", data, size, &blob));
	m = plan(blob, &wanted);
	if (m)
		check_edits(m);
	if (m)
		check_copy(m, &wanted);
	gs_attributes_deinit(&attrs);
	return 0;
}
