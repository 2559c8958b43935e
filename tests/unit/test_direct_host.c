/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of a process: what is known of it without looking, and how it is read. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "../../lib/guest/direct_areas.h"
#include "../../lib/guest/direct_touched.h"
#include "unit.h"

#define PAGE 4096

/* ---- what was touched ---- */

static uint8_t *map_private(size_t size)
{
	uint8_t *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	assert_int_equal(madvise(at, size, MADV_NOHUGEPAGE), 0);
	return at;
}

typedef struct gs_error *(*touched_fn)(int pagemap_fd, uint64_t hva, uint64_t limit,
				       enum gs_extent *ret, uint64_t *end_ret);

/* A letter for each page of [at, at + size), D or Z; the caller frees. */
static char *draw(touched_fn fn, int pagemap_fd, const uint8_t *at, size_t size)
{
	uint64_t start = (uintptr_t)at, hva = start;
	char *drawing = calloc(1, size / PAGE + 1);

	while (hva < start + size) {
		enum gs_extent extent;
		uint64_t end;

		assert_ok(fn(pagemap_fd, hva, start + size, &extent, &end));
		assert_in_range(end, hva + 1, start + size);
		assert_int_equal(end % PAGE, 0);
		memset(drawing + (hva - start) / PAGE, extent == GS_EXTENT_DATA ? 'D' : 'Z',
		       (end - hva) / PAGE);
		hva = end;
	}
	return drawing;
}

static void check_drawing(touched_fn fn, const uint8_t *at, size_t size, const char *expected)
{
	gs_autoclose int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	gs_autofree char *drawing = draw(fn, fd, at, size);

	assert_string_equal(drawing, expected);
}

static void test_touched(void **state)
{
	uint8_t *at = map_private(16 * PAGE);

	(void)state;
	at[0] = at[5 * PAGE] = at[6 * PAGE + 1] = at[15 * PAGE] = 1;
	check_drawing(gs_direct_touched, at, 16 * PAGE, "DZZZZDDZZZZZZZZD");
	check_drawing(gs_direct_touched_by_entries, at, 16 * PAGE, "DZZZZDDZZZZZZZZD");
	assert_int_equal(madvise(at + 5 * PAGE, PAGE, MADV_DONTNEED), 0);
	check_drawing(gs_direct_touched, at, 16 * PAGE, "DZZZZZDZZZZZZZZD");
	check_drawing(gs_direct_touched_by_entries, at, 16 * PAGE, "DZZZZZDZZZZZZZZD");
	munmap(at, 16 * PAGE);
}

/* Longer than what one look takes in. */
static void test_touched_at_length(void **state)
{
	size_t pages = 6000, size = pages * PAGE;
	gs_autofree char *expected = malloc(pages + 1);
	uint8_t *at = map_private(size);

	(void)state;
	memset(expected, 'Z', pages);
	memset(expected + 500, 'D', 5000);
	expected[pages] = '\0';
	for (size_t i = 500; i < 5500; i++)
		at[i * PAGE] = 1;
	check_drawing(gs_direct_touched, at, size, expected);
	check_drawing(gs_direct_touched_by_entries, at, size, expected);
	munmap(at, size);
}

static void test_touched_from_the_middle_of_a_page(void **state)
{
	uint8_t *at = map_private(4 * PAGE);
	gs_autoclose int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	enum gs_extent extent;
	uint64_t end, hva = (uintptr_t)at + 100;

	(void)state;
	at[0] = 1;
	assert_ok(gs_direct_touched(fd, hva, hva + 7, &extent, &end));
	assert_int_equal(extent, GS_EXTENT_DATA);
	assert_int_equal(end, hva + 7);
	assert_ok(gs_direct_touched(fd, hva, hva + 2 * PAGE, &extent, &end));
	assert_int_equal(end, (uintptr_t)at + PAGE);
	hva += PAGE;
	assert_ok(gs_direct_touched(fd, hva, hva + PAGE, &extent, &end));
	assert_int_equal(extent, GS_EXTENT_ZERO);
	assert_int_equal(end, hva + PAGE);
	munmap(at, 4 * PAGE);
}

/* ---- areas ---- */

struct areas {
	struct direct_process process;
	struct direct_areas *areas;
};

static struct areas read_areas(const void *at, size_t size)
{
	struct areas a;

	assert_ok(gs_direct_process_open(getpid(), &a.process));
	assert_ok(gs_direct_areas_read(&a.process, &a.areas));
	assert_ok(gs_direct_areas_use(a.areas, &a.process, (uintptr_t)at, size));
	return a;
}

static void free_areas(struct areas *a)
{
	gs_direct_areas_destroy(a->areas);
	gs_direct_process_close(&a->process);
}

static void assert_extent(struct areas *a, const uint8_t *at, size_t size, enum gs_extent expected,
			  size_t expected_size)
{
	enum gs_extent extent;
	uint64_t end, hva = (uintptr_t)at;

	assert_ok(gs_direct_areas_extent(a->areas, &a->process, hva, hva + size, &extent, &end));
	assert_int_equal(extent, expected);
	assert_int_equal(end - hva, expected_size);
}

static void test_holes_of_a_shared_file(void **state)
{
	gs_autoclose int fd = memfd_create("guest ram", MFD_CLOEXEC);
	size_t size = 64 * PAGE;
	struct stat st;
	struct areas a;
	uint8_t *at;

	(void)state;
	/* The mapping begins in the middle of the file. */
	assert_int_equal(ftruncate(fd, (off_t)(size + 8 * PAGE)), 0);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 8 * PAGE);
	at[10 * PAGE] = at[11 * PAGE] = at[63 * PAGE] = 1;
	a = read_areas(at, size);
	assert_extent(&a, at, size, GS_EXTENT_ZERO, 10 * PAGE);
	assert_extent(&a, at + 10 * PAGE, size - 10 * PAGE, GS_EXTENT_DATA, 2 * PAGE);
	assert_extent(&a, at + 11 * PAGE, size - 11 * PAGE, GS_EXTENT_DATA, PAGE);
	assert_extent(&a, at + 11 * PAGE, 100, GS_EXTENT_DATA, 100);
	assert_extent(&a, at + 12 * PAGE, size - 12 * PAGE, GS_EXTENT_ZERO, 51 * PAGE);
	assert_extent(&a, at + 63 * PAGE, PAGE, GS_EXTENT_DATA, PAGE);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_blocks * 512, 3 * PAGE);
	free_areas(&a);
	munmap(at, size);
}

/* The exit status of a child without privileges: whether it finds the first page to be this. */
static int look_as_nobody(const uint8_t *at, size_t size, enum gs_extent expected)
{
	struct areas a;
	uint64_t hva = (uintptr_t)at, end;
	enum gs_extent extent;
	struct gs_error *err;

	if (setgid(65534) < 0 || setuid(65534) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		return 2;
	err = gs_direct_process_open(getpid(), &a.process);
	if (!err)
		err = gs_direct_areas_read(&a.process, &a.areas);
	if (!err)
		err = gs_direct_areas_use(a.areas, &a.process, hva, size);
	if (!err)
		err = gs_direct_areas_extent(a.areas, &a.process, hva, hva + size, &extent, &end);
	return err || extent != expected;
}

static void check_as_nobody(const uint8_t *at, size_t size, enum gs_extent expected)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(look_as_nobody(at, size, expected));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Only root is shown mapped files as such; others find them among the open ones, or not at all. */
static void test_shared_file_without_privileges(void **state)
{
	int fd = memfd_create("guest ram", MFD_CLOEXEC);
	int other = memfd_create("guest ram", MFD_CLOEXEC);
	uint8_t *at;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(ftruncate(fd, 16 * PAGE), 0);
	assert_int_equal(ftruncate(other, 16 * PAGE), 0);
	at = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	at[15 * PAGE] = 1;
	check_as_nobody(at, 16 * PAGE, GS_EXTENT_ZERO);
	close(fd);
	check_as_nobody(at, 16 * PAGE, GS_EXTENT_DATA);
	close(other);
	munmap(at, 16 * PAGE);
}

/* Its untouched pages come from a file that may hold anything. */
static void test_private_file_is_data(void **state)
{
	gs_autoclose int fd = memfd_create("guest ram", MFD_CLOEXEC);
	struct areas a;
	uint8_t *at;

	(void)state;
	assert_int_equal(ftruncate(fd, 16 * PAGE), 0);
	at = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	a = read_areas(at, 16 * PAGE);
	assert_extent(&a, at, 16 * PAGE, GS_EXTENT_DATA, 16 * PAGE);
	free_areas(&a);
	munmap(at, 16 * PAGE);
}

static void test_memory_of_several_areas(void **state)
{
	uint8_t *at = map_private(32 * PAGE);
	struct areas a;

	(void)state;
	/* The kernel's list has two then. */
	assert_int_equal(madvise(at + 16 * PAGE, 16 * PAGE, MADV_DONTDUMP), 0);
	at[20 * PAGE] = 1;
	a = read_areas(at, 32 * PAGE);
	assert_extent(&a, at, 32 * PAGE, GS_EXTENT_ZERO, 16 * PAGE);
	assert_extent(&a, at + 16 * PAGE, 16 * PAGE, GS_EXTENT_ZERO, 4 * PAGE);
	munmap(at + 8 * PAGE, PAGE);
	free_areas(&a);
	assert_ok(gs_direct_process_open(getpid(), &a.process));
	assert_ok(gs_direct_areas_read(&a.process, &a.areas));
	assert_error(gs_direct_areas_use(a.areas, &a.process, (uintptr_t)at, 32 * PAGE),
		     GS_ERROR_UNSUPPORTED, NULL);
	free_areas(&a);
	munmap(at, 32 * PAGE);
}

/* ---- the process ---- */

static pid_t fork_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_process_that_ends(void **state)
{
	static const char word[] = "memory";
	pid_t pid = fork_sleeper();
	struct direct_process p;
	char buf[sizeof(word)];

	(void)state;
	assert_ok(gs_direct_process_open(pid, &p));
	assert_ok(gs_direct_process_read(&p, (uintptr_t)word, buf, sizeof(buf)));
	assert_string_equal(buf, word);
	assert_os_error(gs_direct_process_read(&p, PAGE, buf, 1), EFAULT);
	end_child(pid);
	assert_error(gs_direct_process_read(&p, (uintptr_t)word, buf, 1), GS_ERROR_GONE, NULL);
	gs_direct_process_close(&p);
	assert_error(gs_direct_process_open(pid, &p), GS_ERROR_GONE, NULL);
}

/* Its exit status: whether a stranger is told what it would take. */
static int ask_as_stranger(pid_t target)
{
	gs_autofree char *expected = NULL;
	struct direct_process p;
	struct gs_error *err;
	char comm[17];

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 2;
	err = gs_direct_process_open(target, &p);
	gs_process_comm(target, comm);
	expected = gs_strf("memory of process %d (%s): takes its user (0), or root: "
			   "Operation not permitted",
			   (int)target, comm);
	return !err || err->code != GS_ERROR_OS || strcmp(err->message, expected) != 0;
}

static void test_stranger(void **state)
{
	pid_t target, stranger;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	target = fork_sleeper();
	stranger = fork();
	if (stranger == 0)
		_exit(ask_as_stranger(target));
	assert_int_equal(waitpid(stranger, &status, 0), stranger);
	assert_int_equal(status, 0);
	end_child(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_touched),
		cmocka_unit_test(test_touched_at_length),
		cmocka_unit_test(test_touched_from_the_middle_of_a_page),
		cmocka_unit_test(test_holes_of_a_shared_file),
		cmocka_unit_test(test_shared_file_without_privileges),
		cmocka_unit_test(test_private_file_is_data),
		cmocka_unit_test(test_memory_of_several_areas),
		cmocka_unit_test(test_process_that_ends),
		cmocka_unit_test(test_stranger),
	};

	return cmocka_run_group_tests_name("direct host", tests, NULL, NULL);
}
