/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte sinks: gaps read as zero wherever the bytes go. */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/io.h>
#include <guestscope/base/thread.h>

#include "unit.h"

static void test_file(void **state)
{
	gs_autoclose int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	char buf[16];
	struct stat st;

	(void)state;
	assert_ok(gs_sink_file(fd, "f", &sink));
	assert_true(sink->positional && !sink->flattened);
	assert_ok(gs_sink_write(sink, 1 << 30, "end", 3));
	assert_ok(gs_sink_write(sink, 2, "ab", 2));
	assert_ok(gs_sink_write(sink, 0, NULL, 0));
	assert_ok(gs_sink_finish(sink, (1 << 30) + 100));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, (1 << 30) + 100);
	assert_true(st.st_blocks < 2048); /* the gap is a hole */
	assert_int_equal(gs_pread_full(fd, buf, 6, 0), 6);
	assert_memory_equal(buf, "\0\0ab\0\0", 6);
}

static void test_file_errors(void **state)
{
	gs_autoclose int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;

	(void)state;
	assert_ok(gs_sink_file(fd, "full", &sink));
	assert_error(gs_sink_write(sink, 0, "x", 1), GS_ERROR_OS, "full: No space left on device");
	assert_os_error(gs_sink_write(sink, 10, "x", 1), ENOSPC);
}

#define PIECES 64
#define PIECE_SIZE 1000

/* Every fourth piece, from the far end, so that later gaps are closed before earlier ones. */
static struct gs_error *write_pieces(void *arg, unsigned int index)
{
	struct gs_sink *sink = arg;
	uint8_t piece[PIECE_SIZE];
	struct gs_error *err = NULL;

	for (int i = PIECES - 4 + (int)index; i >= 0 && !err; i -= 4) {
		memset(piece, i + 1, sizeof(piece));
		if (i % 7 != 3) /* these stay gaps */
			err = gs_sink_write(sink, (uint64_t)i * PIECE_SIZE, piece, PIECE_SIZE);
	}
	return err;
}

static void assert_pieces(int fd)
{
	uint8_t piece[PIECE_SIZE];

	for (int i = 0; i < PIECES; i++) {
		assert_int_equal(gs_pread_full(fd, piece, PIECE_SIZE, (uint64_t)i * PIECE_SIZE),
				 PIECE_SIZE);
		for (int j = 0; j < PIECE_SIZE; j++)
			assert_int_equal(piece[j], i % 7 == 3 ? 0 : i + 1);
	}
}

static void write_pieces_in_threads(int fd)
{
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;

	assert_ok(gs_sink_file(fd, "f", &sink));
	assert_ok(gs_threads_run(4, write_pieces, sink));
	assert_ok(gs_sink_finish(sink, PIECES * PIECE_SIZE + 5000));
}

static void test_file_from_threads(void **state)
{
	gs_autoclose int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	write_pieces_in_threads(fd);
	assert_pieces(fd);
}

/* A loop device over @backing that vanishes with its last fd; -1 where there are none. */
static int open_loop_device(const char *backing)
{
	gs_autoclose int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	gs_autoclose int fd = open(backing, O_RDWR | O_CLOEXEC);
	struct loop_config config = {
		.fd = (uint32_t)fd,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	char path[32];
	int loop;

	if (control < 0)
		return -1;
	snprintf(path, sizeof(path), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
	loop = open(path, O_RDWR | O_CLOEXEC);
	if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) < 0) {
		close(loop);
		return -1;
	}
	return loop;
}

/* What the device held before must not be seen between what was written. */
static void test_block_device_gaps_are_zeros(void **state)
{
	gs_autoclose int file = open("backing", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	gs_autoclose int loop = -1;
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *blob = NULL;
	uint8_t old[4096], buf[5000];

	(void)state;
	memset(old, 0xaa, sizeof(old));
	for (uint64_t off = 0; off < 1 << 20; off += sizeof(old))
		assert_int_equal(gs_pwrite_full(file, old, sizeof(old), off), 0);
	loop = open_loop_device("backing");
	if (loop < 0)
		skip();
	write_pieces_in_threads(loop);
	assert_pieces(loop);
	assert_ok(gs_blob_from_fd("loop", dup(loop), &blob));
	assert_int_equal(blob->size, 1 << 20);
	assert_ok(gs_blob_read(blob, "tail", PIECES * PIECE_SIZE, buf, 5000));
	assert_true(gs_is_zero(buf, 5000));
	assert_ok(gs_blob_read(blob, "rest", PIECES * PIECE_SIZE + 5000, buf, 1));
	assert_int_equal(buf[0], 0xaa);
}

static void test_stream(void **state)
{
	gs_autoclose int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	gs_autofree char *data = NULL;
	size_t size;

	(void)state;
	assert_ok(gs_sink_stream(fd, "pipe", &sink));
	assert_false(sink->positional || sink->flattened);
	assert_ok(gs_sink_write(sink, 1, "ab", 2));
	assert_ok(gs_sink_write(sink, 3, "cd", 2));
	assert_ok(gs_sink_write(sink, 200000, "ef", 2)); /* more than one chunk of zeros */
	assert_error(gs_sink_write(sink, 200001, "x", 1), GS_ERROR_INVALID,
		     "pipe: cannot go back from 0x30d42 to 0x30d41 in a stream");
	assert_ok(gs_sink_finish(sink, 200010));
	assert_ok(gs_read_file("f", 1 << 20, &data, &size));
	assert_int_equal(size, 200010);
	assert_memory_equal(data, "\0abcd", 5);
	assert_true(gs_is_zero(data + 5, 199995));
	assert_memory_equal(data + 200000, "ef\0\0\0\0\0\0\0", 10);
}

static void test_stream_to_nobody(void **state)
{
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	assert_ok(gs_sink_stream(fds[1], "stdout", &sink));
	assert_error(gs_sink_write(sink, 0, "x", 1), GS_ERROR_OS, "stdout: Broken pipe");
	assert_os_error(gs_sink_finish(sink, 10), EPIPE);
	close(fds[1]);
	signal(SIGPIPE, SIG_DFL);
}

static void test_null(void **state)
{
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;

	(void)state;
	assert_ok(gs_sink_null(&sink));
	assert_true(sink->positional);
	assert_ok(gs_sink_write(sink, 1000, "abc", 3));
	assert_ok(gs_sink_write(sink, 0, "abcd", 4));
	assert_ok(gs_sink_finish(sink, 5000));
	assert_int_equal(gs_sink_null_bytes(sink), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_file),
		cmocka_unit_test(test_file_errors),
		unit_test_in_scratch(test_file_from_threads),
		unit_test_in_scratch(test_block_device_gaps_are_zeros),
		unit_test_in_scratch(test_stream),
		cmocka_unit_test(test_stream_to_nobody),
		cmocka_unit_test(test_null),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
