/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipeline: same bytes with any number of workers, and a clean end when something fails. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <guestscope/dump.h>
#include <guestscope/job.h>

#include "fake_memory.h"

#define MIB (UINT64_C(1) << 20)
#define CAPACITY (128 * MIB)

static const struct gs_range ranges[] = {{0, 0xa0000}, {0x100000, 60 * MIB + 0x1800}};

struct fixture {
	struct fake_memory f;
	struct gs_selection *selection;
	struct gs_layout layout;
	struct gs_page_source *src;
	struct gs_writer *writer;
};

static void setup(struct fixture *x, enum gs_dump_format format, struct gs_sink *sink)
{
	memset(x, 0, sizeof(*x));
	fake_init(&x->f, ranges, 2);
	assert_ok(gs_selection_create(ranges, 2, 4096, &x->selection));
	x->layout = (struct gs_layout){
		.format = format,
		.codec = GS_CODEC_ZLIB,
		.attrs = &x->f.mem.attrs,
		.selection = x->selection,
		.share_zero = true,
	};
	assert_ok(gs_memory_source(&x->f.mem, NULL, 0, &x->src));
	assert_ok(gs_writer_create(&x->layout, sink, &x->writer));
	assert_ok(gs_writer_begin(x->writer));
}

static void teardown(struct fixture *x)
{
	gs_writer_destroy(x->writer);
	gs_page_source_destroy(x->src);
	gs_selection_destroy(x->selection);
}

static void write_with(enum gs_dump_format format, unsigned int threads, struct gs_sink *sink)
{
	struct gs_progress progress = {0};
	struct fixture x;

	setup(&x, format, sink);
	assert_ok(gs_pipeline_run(x.src, x.writer, sink->positional, threads, &progress));
	assert_ok(gs_writer_finish(x.writer, NULL));
	assert_int_equal(progress.done, gs_ranges_total_bytes(ranges, 2));
	teardown(&x);
}

static void check_same_bytes(enum gs_dump_format format)
{
	struct buffer_sink one;

	buffer_init(&one, CAPACITY);
	write_with(format, 1, &one.sink);
	for (unsigned int threads = 2; threads <= 8; threads += 3) {
		struct buffer_sink many;

		buffer_init(&many, CAPACITY);
		write_with(format, threads, &many.sink);
		assert_int_equal(many.size, one.size);
		assert_memory_equal(many.data, one.data, one.size);
		buffer_deinit(&many);
	}
	buffer_deinit(&one);
}

static void test_same_bytes(void **state)
{
	(void)state;
	check_same_bytes(GS_DUMP_KDUMP);
	check_same_bytes(GS_DUMP_ELF);
}

static size_t write_sequential(enum gs_dump_format format, unsigned int threads, uint8_t **ret)
{
	gs_autoclose int fd = memfd_create("out", MFD_CLOEXEC);
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	off_t size;

	if (format == GS_DUMP_ELF)
		assert_ok(gs_sink_stream(fd, "out", &sink));
	else
		assert_ok(gs_flat_sink(fd, "out", &sink));
	write_with(format, threads, sink);
	size = lseek(fd, 0, SEEK_END);
	*ret = malloc((size_t)size);
	assert_int_equal(gs_pread_full(fd, *ret, (size_t)size, 0), size);
	return (size_t)size;
}

/* A stream's records, too, are the same, and an ELF stream is the ELF file. */
static void test_same_bytes_in_sequence(void **state)
{
	gs_autofree uint8_t *flat_1 = NULL, *flat_5 = NULL, *elf_2 = NULL;
	size_t size = write_sequential(GS_DUMP_KDUMP, 1, &flat_1);
	struct buffer_sink file;

	(void)state;
	assert_int_equal(write_sequential(GS_DUMP_KDUMP, 5, &flat_5), size);
	assert_memory_equal(flat_1, flat_5, size);
	size = write_sequential(GS_DUMP_ELF, 2, &elf_2);
	buffer_init(&file, CAPACITY);
	write_with(GS_DUMP_ELF, 1, &file.sink);
	assert_int_equal(file.size, size);
	assert_memory_equal(file.data, elf_2, size);
	buffer_deinit(&file);
}

static void test_read_error(void **state)
{
	struct buffer_sink out;
	struct fixture x;

	(void)state;
	buffer_init(&out, CAPACITY);
	setup(&x, GS_DUMP_KDUMP, &out.sink);
	x.f.bad = 5 * MIB + 1;
	assert_error(gs_pipeline_run(x.src, x.writer, true, 3, NULL), GS_ERROR_CORRUPT, "bad page");
	assert_true(x.f.reads < 40); /* it did not go on to the end */
	teardown(&x);
	buffer_deinit(&out);
}

static void test_write_error(void **state)
{
	struct buffer_sink out;
	struct fixture x;

	(void)state;
	buffer_init(&out, CAPACITY);
	setup(&x, GS_DUMP_KDUMP, &out.sink);
	out.fail_at = 10;
	assert_os_error(gs_pipeline_run(x.src, x.writer, true, 3, NULL), ENOSPC);
	assert_true(x.f.reads < 40);
	teardown(&x);
	buffer_deinit(&out);
}

/* Hands on to the fake's source, and has the job cancelled half-way. */
struct cancelling_source {
	struct gs_page_source src;
	struct gs_page_source *real;
	struct gs_progress *progress;
	unsigned int left;
};

static struct gs_error *cancelling_next(struct gs_page_source *src, struct gs_chunk *chunk,
					bool *end_ret)
{
	struct cancelling_source *c = (struct cancelling_source *)src;

	if (c->left-- == 0)
		c->progress->cancelled = 1;
	return gs_page_source_next(c->real, chunk, end_ret);
}

static struct gs_error *cancelling_load(struct gs_page_source *src, struct gs_chunk *chunk)
{
	return gs_page_source_load(((struct cancelling_source *)src)->real, chunk);
}

static void test_cancelled(void **state)
{
	static const struct gs_page_source_ops ops = {cancelling_next, cancelling_load, NULL};
	struct gs_progress progress = {0};
	struct buffer_sink out;
	struct fixture x;
	struct cancelling_source src;

	(void)state;
	buffer_init(&out, CAPACITY);
	setup(&x, GS_DUMP_KDUMP, &out.sink);
	src = (struct cancelling_source){*x.src, x.src, &progress, 20};
	src.src.ops = &ops;
	assert_os_error(gs_pipeline_run(&src.src, x.writer, true, 2, &progress), EINTR);
	assert_true(progress.done < 30 * MIB);
	teardown(&x);
	buffer_deinit(&out);
}

/* Looks at the buffers that a job brings, and how long the runs are that reach the writer. */
struct counting_source {
	struct gs_page_source src;
	gs_gpa_t pos;
	const void *buffers[64];
	size_t buffer_count;
};

static struct gs_error *counting_next(struct gs_page_source *src, struct gs_chunk *chunk,
				      bool *end_ret)
{
	struct counting_source *c = (struct counting_source *)src;
	size_t i = 0;

	while (i < c->buffer_count && c->buffers[i] != chunk->buffer)
		i++;
	assert_true(i < 64);
	c->buffers[i] = chunk->buffer;
	c->buffer_count += i == c->buffer_count;
	*end_ret = c->pos >= ranges[1].size;
	chunk->gpa = ranges[1].start + c->pos;
	chunk->size = MIB;
	if (c->pos + MIB > ranges[1].size)
		chunk->size = ranges[1].size - c->pos;
	chunk->kind = GS_EXTENT_DATA;
	chunk->data = NULL;
	memset(chunk->page, GS_EXTENT_DATA, sizeof(chunk->page));
	c->pos += chunk->size;
	return NULL;
}

static struct gs_error *counting_load(struct gs_page_source *src, struct gs_chunk *chunk)
{
	(void)src;
	memset(chunk->buffer, 0x5a, chunk->size);
	chunk->data = chunk->buffer;
	return NULL;
}

/* However many threads are asked for, what they hold is bounded. */
static void test_bounded_buffers(void **state)
{
	static const struct gs_page_source_ops ops = {counting_next, counting_load, NULL};
	struct counting_source src = {.src = {&ops, ranges, 2, 4096}};
	struct buffer_sink out;
	struct fixture x;

	(void)state;
	buffer_init(&out, CAPACITY);
	setup(&x, GS_DUMP_KDUMP, &out.sink);
	assert_ok(gs_pipeline_run(&src.src, x.writer, true, 1000, NULL));
	assert_true(src.buffer_count <= 32);
	teardown(&x);
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_same_bytes_in_sequence),
		cmocka_unit_test(test_read_error), cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_cancelled),  cmocka_unit_test(test_bounded_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
