/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes, blobs, deadlines, threads. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <guestscope/base/io.h>
#include <guestscope/base/thread.h>
#include <guestscope/base/time.h>

#include "unit.h"

static void write_file(const char *path, const void *data, size_t size)
{
	gs_autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(gs_write_full(fd, data, size), 0);
}

/* ---- reads and writes ---- */

static const char big[1 << 20] = {[12345] = 'x'};

static void *write_big(void *arg)
{
	int fd = *(int *)arg;

	assert_int_equal(gs_write_full(fd, big, sizeof(big)), 0);
	close(fd);
	return NULL;
}

/* Larger than the buffer of a pipe, both ends non-blocking: many short transfers. */
static void pass_big(int from, int to)
{
	gs_autofree char *back = malloc(sizeof(big) + 1);
	pthread_t writer;

	assert_int_equal(fcntl(from, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(to, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_big, &to), 0);
	assert_int_equal(gs_read_full(from, back, sizeof(big) + 1), sizeof(big));
	pthread_join(writer, NULL);
	assert_memory_equal(back, big, sizeof(big));
	close(from);
}

static void test_pipe_short_transfers(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pass_big(fds[0], fds[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pass_big(fds[0], fds[1]);
}

/* Silence is counted anew with each byte; the end of the file is no silence. */
static void test_steady_read(void **state)
{
	uint64_t start_ms = gs_now_ms();
	char buf[8] = "";
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(gs_write_full(fds[1], "abc", 3), 0);
	assert_int_equal(gs_read_steady(fds[0], buf, sizeof(buf), 30), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_memory_equal(buf, "abc", 3);
	assert_true(gs_now_ms() - start_ms >= 29);
	assert_int_equal(gs_write_full(fds[1], "de", 2), 0);
	assert_int_equal(gs_read_steady(fds[0], buf, 2, 10000), 2);
	close(fds[1]);
	assert_int_equal(gs_read_steady(fds[0], buf, sizeof(buf), 10000), 0);
	close(fds[0]);
}

/* SIGPIPE has its default action here: it would end the test. */
static void test_dead_socket_is_epipe(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[0]);
	errno = 0;
	assert_int_equal(gs_write_full(fds[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

static void test_pread_pwrite(void **state)
{
	gs_autoclose int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char buf[8] = "";

	(void)state;
	assert_int_equal(gs_pwrite_full(fd, "abc", 3, 5), 0);
	assert_int_equal(gs_pread_full(fd, buf, 8, 4), 4);
	assert_memory_equal(buf, "\0abc", 4);
	assert_int_equal(gs_pread_full(fd, buf, 8, 100), 0);
	assert_int_equal(gs_pread_full(fd, buf, 8, UINT64_MAX), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(gs_pwrite_full(fd, "abc", 3, UINT64_MAX - 1), -1);
}

static void test_read_file(void **state)
{
	gs_autofree char *text = NULL, *proc = NULL, *none = NULL;
	size_t size;

	(void)state;
	write_file("f", big, 10000);
	assert_ok(gs_read_file("f", 10000, &text, &size));
	assert_int_equal(size, 10000);
	assert_memory_equal(text, big, 10000);
	assert_int_equal(text[10000], 0);
	assert_error(gs_read_file("f", 9999, &none, &size), GS_ERROR_CORRUPT,
		     "f: longer than 9999 bytes");
	assert_error(gs_read_file("gone", 1, &none, NULL), GS_ERROR_OS,
		     "gone: No such file or directory");
	assert_error(gs_read_file(".", 1, &none, NULL), GS_ERROR_OS, ".: Is a directory");
	assert_ok(gs_read_file("/proc/self/stat", 4096, &proc, NULL)); /* its st_size is 0 */
	assert_int_equal(atoi(proc), getpid());
	assert_null(none);
}

/* ---- blobs ---- */

static void test_blob_file(void **state)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *blob = NULL;
	char buf[8] = "";

	(void)state;
	write_file("f", "0123456789", 10);
	assert_ok(gs_blob_open("./f", &blob));
	assert_int_equal(blob->size, 10);
	assert_string_equal(blob->name, "./f");
	assert_ok(gs_blob_read(blob, "field", 7, buf, 3));
	assert_string_equal(buf, "789");
	assert_ok(gs_blob_read(blob, "nothing", 10, buf, 0));
	assert_error(gs_blob_read(blob, "header", 8, buf, 3), GS_ERROR_CORRUPT,
		     "./f: header: offset 0x8 + 3 is past the end (0xa)");
	assert_error(gs_blob_read(blob, "x", UINT64_MAX, buf, SIZE_MAX), GS_ERROR_CORRUPT, NULL);
	assert_error(gs_blob_read(blob, "x", 11, buf, 0), GS_ERROR_CORRUPT, NULL);
}

static void test_blob_of_a_shrinking_file(void **state)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *blob = NULL;
	uint64_t data_off, data_end;
	char buf[8];

	(void)state;
	write_file("f", "0123456789", 10);
	assert_ok(gs_blob_open("f", &blob));
	assert_int_equal(truncate("f", 4), 0);
	assert_error(gs_blob_read(blob, "page", 2, buf, 8), GS_ERROR_CORRUPT,
		     "f: page: offset 0x2: got 2 of 8 bytes, the file became shorter");
	assert_ok(gs_blob_next_data(blob, 6, &data_off, &data_end));
	assert_int_equal(data_off, 10);
	assert_int_equal(data_end, 10);
}

static void test_blob_refuses_what_has_no_offsets(void **state)
{
	struct gs_blob *blob = NULL;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_error(gs_blob_open("fifo", &blob), GS_ERROR_INVALID,
		     "fifo: not a regular file or block device");
	assert_error(gs_blob_open("/dev/zero", &blob), GS_ERROR_INVALID, NULL);
	assert_os_error(gs_blob_open(".", &blob), EISDIR);
	assert_os_error(gs_blob_open("gone", &blob), ENOENT);
	assert_null(blob);
}

static void test_blob_from_fd(void **state)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *blob = NULL;
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char buf[2];
	int pipe_fds[2];

	(void)state;
	assert_int_equal(gs_write_full(fd, "xyz", 3), 0);
	assert_ok(gs_blob_from_fd("spool", fd, &blob));
	assert_ok(gs_blob_read(blob, "x", 1, buf, 2));
	assert_memory_equal(buf, "yz", 2);
	gs_blob_destroy(blob);
	blob = NULL;
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* it was taken */
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_error(gs_blob_from_fd("pipe", pipe_fds[0], &blob), GS_ERROR_INVALID, NULL);
	assert_int_equal(close(pipe_fds[0]), 0); /* it was not */
	close(pipe_fds[1]);
}

static void test_blob_from_buffer(void **state)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *blob = NULL;
	uint64_t data_off, data_end;
	char buf[4] = "";

	(void)state;
	assert_ok(gs_blob_from_buffer("buffer", "abcdef", 6, &blob));
	assert_ok(gs_blob_read(blob, "x", 3, buf, 3));
	assert_string_equal(buf, "def");
	assert_error(gs_blob_read(blob, "x", 4, buf, 3), GS_ERROR_CORRUPT, NULL);
	assert_ok(gs_blob_next_data(blob, 2, &data_off, &data_end));
	assert_int_equal(data_off, 2);
	assert_int_equal(data_end, 6);
	assert_ok(gs_blob_next_data(blob, 6, &data_off, &data_end));
	assert_int_equal(data_off, 6);
	assert_int_equal(data_end, 6);
}

/*
 * A file of hole, data, hole, data, hole. Filesystems may report more data than there is, so the
 * properties are: no data outside the stretches, progress, and an end.
 */
static void test_blob_next_data(void **state)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *blob = NULL;
	gs_autoclose int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const uint64_t mib = 1 << 20;
	uint64_t off = 0, data_off, data_end, data_bytes = 0;
	bool saw_first = false, saw_second = false;

	(void)state;
	assert_int_equal(gs_pwrite_full(fd, "a", 1, 4 * mib), 0);
	assert_int_equal(gs_pwrite_full(fd, "b", 1, 9 * mib), 0);
	assert_int_equal(ftruncate(fd, (off_t)(16 * mib)), 0);
	assert_ok(gs_blob_open("f", &blob));
	while (off < blob->size) {
		assert_ok(gs_blob_next_data(blob, off, &data_off, &data_end));
		assert_true(data_off >= off && data_end >= data_off && data_end <= blob->size);
		assert_true(data_end > data_off || data_off == blob->size);
		saw_first |= data_off <= 4 * mib && data_end > 4 * mib;
		saw_second |= data_off <= 9 * mib && data_end > 9 * mib;
		data_bytes += data_end - data_off;
		off = data_end;
	}
	assert_true(saw_first && saw_second);
	assert_in_range(data_bytes, 2, 2 * mib);
}

/* ---- time and threads ---- */

static void test_deadlines(void **state)
{
	uint64_t now_ms = gs_now_ms();

	(void)state;
	assert_int_equal(gs_deadline_in(GS_NO_DEADLINE), GS_NO_DEADLINE);
	assert_int_equal(gs_deadline_in(GS_NO_DEADLINE - 1), GS_NO_DEADLINE);
	assert_int_equal(gs_deadline_poll_ms(GS_NO_DEADLINE), -1);
	assert_false(gs_deadline_passed(GS_NO_DEADLINE));
	assert_true(gs_deadline_passed(now_ms));
	assert_int_equal(gs_deadline_poll_ms(now_ms), 0);
	assert_false(gs_deadline_passed(now_ms + 100000));
	assert_in_range(gs_deadline_poll_ms(gs_deadline_in(100000)), 1, 100000);
	assert_int_equal(gs_deadline_poll_ms(GS_NO_DEADLINE - 1), INT32_MAX);
}

struct tally {
	_Atomic unsigned int ran;
	_Atomic unsigned int unblocked;
	pthread_barrier_t all_here;
};

static struct gs_error *meet(void *arg, unsigned int index)
{
	struct tally *tally = arg;
	sigset_t mask;

	pthread_barrier_wait(&tally->all_here); /* passes only if all run at once */
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (!sigismember(&mask, SIGTERM) || sigismember(&mask, SIGSEGV))
		atomic_fetch_add(&tally->unblocked, 1);
	atomic_fetch_add(&tally->ran, 1);
	return index >= 2 ? gs_error_create(GS_ERROR_NODATA, "%u", index) : NULL;
}

static void test_threads(void **state)
{
	struct tally tally = {0};
	sigset_t mask;

	(void)state;
	pthread_barrier_init(&tally.all_here, NULL, 5);
	assert_error(gs_threads_run(5, meet, &tally), GS_ERROR_NODATA, "2");
	pthread_barrier_destroy(&tally.all_here);
	assert_int_equal(tally.ran, 5);
	assert_int_equal(tally.unblocked, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));

	pthread_barrier_init(&tally.all_here, NULL, 1);
	assert_ok(gs_threads_run(1, meet, &tally));
	pthread_barrier_destroy(&tally.all_here);
	assert_ok(gs_threads_run(0, meet, NULL));
	assert_true(gs_cpu_count() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe_short_transfers),
		cmocka_unit_test(test_steady_read),
		cmocka_unit_test(test_dead_socket_is_epipe),
		unit_test_in_scratch(test_pread_pwrite),
		unit_test_in_scratch(test_read_file),
		unit_test_in_scratch(test_blob_file),
		unit_test_in_scratch(test_blob_of_a_shrinking_file),
		unit_test_in_scratch(test_blob_refuses_what_has_no_offsets),
		unit_test_in_scratch(test_blob_from_fd),
		cmocka_unit_test(test_blob_from_buffer),
		unit_test_in_scratch(test_blob_next_data),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
