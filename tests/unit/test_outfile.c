/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output files: complete or not there, on any filesystem and whatever ends us. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <guestscope/base/io.h>

#include "unit.h"

#define SKIPPED 77

/* In a forked child, where cmocka's jumps lead nowhere. */
#define child_check(condition)                                                               \
	do {                                                                                 \
		if (!(condition)) {                                                          \
			fprintf(stderr, "%s:%d: %s (%m)\n", __FILE__, __LINE__, #condition); \
			_exit(1);                                                            \
		}                                                                            \
	} while (0)
#define child_check_ok(expr)                                                                     \
	do {                                                                                     \
		struct gs_error *child_err_ = (expr);                                            \
		if (child_err_)                                                                  \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, child_err_->message); \
		child_check(!child_err_);                                                        \
	} while (0)

static void run_in_child(void (*fn)(void))
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Names in the current folder. */
static int count_names(void)
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static bool file_holds(const char *path, const char *expected)
{
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err = gs_read_file(path, 4096, &text, NULL);

	return !err && strcmp(text, expected) == 0;
}

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || gs_write_full(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

static struct gs_error *make_file(const char *path, unsigned int flags, const char *text)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *f = NULL;
	struct gs_error *err = gs_outfile_open(path, flags, &f);

	if (err)
		return err;
	if (gs_write_full(gs_outfile_fd(f), text, strlen(text)) < 0)
		return gs_error_os(errno, "write");
	return gs_outfile_commit(f);
}

static void test_appears_at_commit(void **state)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *f = NULL;
	struct stat st;

	(void)state;
	assert_ok(gs_outfile_open("out", 0, &f));
	assert_string_equal(gs_outfile_path(f), "out");
	assert_true(gs_outfile_is_seekable(f));
	assert_int_equal(gs_pwrite_full(gs_outfile_fd(f), "data", 4, 0), 0);
	assert_int_equal(access("out", F_OK), -1);
	assert_ok(gs_outfile_commit(f));
	assert_true(file_holds("out", "data"));
	assert_int_equal(stat("out", &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(count_names(), 1);
}

static void test_nothing_without_commit(void **state)
{
	struct gs_outfile *f = NULL;

	(void)state;
	assert_ok(gs_outfile_open("out", 0, &f));
	gs_outfile_destroy(f);
	assert_int_equal(count_names(), 0);
}

static void test_existing_is_refused(void **state)
{
	(void)state;
	put_file("out", "old");
	assert_error(make_file("out", 0, "new"), GS_ERROR_INVALID,
		     "out: exists already (--force replaces it)");
	assert_true(file_holds("out", "old"));
}

static void test_appeared_meanwhile_is_refused(void **state)
{
	struct gs_outfile *f = NULL;

	(void)state;
	assert_ok(gs_outfile_open("out", 0, &f));
	put_file("out", "theirs");
	assert_error(gs_outfile_commit(f), GS_ERROR_INVALID,
		     "out: exists already (--force replaces it)");
	gs_outfile_destroy(f);
	assert_true(file_holds("out", "theirs"));
	assert_int_equal(count_names(), 1);
}

static void test_force_replaces_at_commit(void **state)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *f = NULL;
	gs_autoclose int reader = -1;
	char buf[4] = "";

	(void)state;
	put_file("out", "old");
	reader = open("out", O_RDONLY | O_CLOEXEC);
	assert_ok(gs_outfile_open("out", GS_OUTFILE_FORCE, &f));
	assert_int_equal(gs_write_full(gs_outfile_fd(f), "new", 3), 0);
	assert_true(file_holds("out", "old"));
	assert_ok(gs_outfile_commit(f));
	assert_true(file_holds("out", "new"));
	assert_int_equal(gs_read_full(reader, buf, 3), 3); /* who had it open keeps what he had */
	assert_string_equal(buf, "old");
	assert_int_equal(count_names(), 1);
	assert_ok(make_file("fresh", GS_OUTFILE_FORCE, "x")); /* nothing to replace is fine */
}

static void test_force_given_up_keeps_the_old(void **state)
{
	struct gs_outfile *f = NULL;

	(void)state;
	put_file("out", "old");
	assert_ok(gs_outfile_open("out", GS_OUTFILE_FORCE, &f));
	gs_outfile_destroy(f);
	assert_true(file_holds("out", "old"));
	assert_ok(gs_outfile_open("out2", GS_OUTFILE_FORCE, &f));
	assert_int_equal(mkdir("out2", 0700), 0);
	assert_os_error(gs_outfile_commit(f), EISDIR);
	gs_outfile_destroy(f);
	assert_int_equal(count_names(), 2);
}

static bool is_symlink(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static void test_symlinks_stay(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mkdir("d/e", 0700), 0);
	assert_int_equal(symlink("../one", "d/two"), 0);
	assert_int_equal(symlink("d/two", "three"), 0);
	assert_ok(make_file("three", 0, "made")); /* it dangled */
	assert_true(file_holds("one", "made"));
	assert_error(make_file("d/two", 0, "x"), GS_ERROR_INVALID, NULL);
	assert_ok(make_file("three", GS_OUTFILE_FORCE, "replaced"));
	assert_true(file_holds("one", "replaced"));
	assert_true(is_symlink("three") && is_symlink("d/two") && !is_symlink("one"));
	assert_int_equal(symlink("/nonexistent/folder/x", "lost"), 0);
	assert_os_error(make_file("lost", 0, "x"), ENOENT);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_os_error(make_file("loop", GS_OUTFILE_FORCE, "x"), ELOOP);
}

static void test_bad_targets(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	put_file("f", "");
	assert_os_error(make_file("d", GS_OUTFILE_FORCE, "x"), EISDIR);
	assert_os_error(make_file("d/", 0, "x"), EISDIR);
	assert_os_error(make_file("new/", 0, "x"), EISDIR);
	assert_os_error(make_file("none/x", 0, "x"), ENOENT);
	assert_os_error(make_file("f/x", 0, "x"), ENOTDIR);
	assert_os_error(make_file("", 0, "x"), EISDIR);
	assert_error(make_file("none/x", 0, "x"), GS_ERROR_OS, "none/x: No such file or directory");
	assert_int_equal(count_names(), 2);
}

static void write_through_fifo(const char *path)
{
	gs_autoclose int reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *f = NULL;
	char buf[4] = "";

	assert_ok(gs_outfile_open(path, 0, &f));
	assert_false(gs_outfile_is_seekable(f));
	assert_int_equal(gs_outfile_free_bytes(f), UINT64_MAX);
	assert_int_equal(gs_write_full(gs_outfile_fd(f), "abc", 3), 0);
	assert_ok(gs_outfile_commit(f));
	assert_int_equal(gs_read_full(reader, buf, 3), 3);
	assert_string_equal(buf, "abc");
}

static void test_fifos_and_devices_are_written_through(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(symlink("fifo", "link"), 0);
	write_through_fifo("fifo");
	write_through_fifo("link");
	assert_ok(make_file("/dev/null", 0, "x"));
	assert_int_equal(stat("fifo", &st), 0);
	assert_true(S_ISFIFO(st.st_mode) && is_symlink("link"));
	assert_int_equal(count_names(), 2);
	assert_os_error(make_file("/dev/full", 0, "x"), ENOSPC);
}

static void test_stdout(void **state)
{
	struct gs_outfile *f = NULL;

	(void)state;
	assert_ok(gs_outfile_open("-", 0, &f));
	assert_int_equal(gs_outfile_fd(f), STDOUT_FILENO);
	assert_string_equal(gs_outfile_path(f), "stdout");
	assert_false(gs_outfile_is_seekable(f));
	assert_ok(gs_outfile_commit(f));
	gs_outfile_destroy(f);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
	assert_int_equal(count_names(), 0);
}

static void test_folder_moves_meanwhile(void **state)
{
	struct gs_outfile *f = NULL;

	(void)state;
	assert_int_equal(mkdir("a", 0700), 0);
	assert_ok(gs_outfile_open("a/out", 0, &f));
	assert_int_equal(rename("a", "b"), 0);
	assert_int_equal(chdir("b"), 0);
	assert_ok(gs_outfile_commit(f));
	gs_outfile_destroy(f);
	assert_int_equal(access("out", F_OK), 0);
}

static void test_sigkill_leaves_nothing(void **state)
{
	int fds[2], status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	put_file("old", "old");
	pid = fork();
	if (pid == 0) {
		struct gs_outfile *f, *g;

		child_check_ok(gs_outfile_open("new", 0, &f));
		child_check_ok(gs_outfile_open("old", GS_OUTFILE_FORCE, &g));
		child_check(gs_write_full(gs_outfile_fd(f), "half", 4) == 0);
		child_check(gs_write_full(gs_outfile_fd(g), "half", 4) == 0);
		child_check(write(fds[1], "", 1) == 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(count_names(), 1);
	assert_true(file_holds("old", "old"));
	close(fds[0]);
	close(fds[1]);
}

/* ---- other filesystems ---- */

/* Make the process's own kernel one that refuses O_TMPFILE and renames with flags. */
static void lose_modern_calls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 4, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 2),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(SKIPPED);
	child_check(open(".", O_TMPFILE | O_RDWR, 0600) < 0 && errno == EOPNOTSUPP);
}

static void commit_beside(void)
{
	struct gs_outfile *f;
	char longest[256];

	child_check_ok(gs_outfile_open("out", 0, &f));
	child_check(gs_write_full(gs_outfile_fd(f), "new", 3) == 0);
	child_check(count_names() == 1 && access("out", F_OK) < 0);
	child_check_ok(gs_outfile_commit(f));
	gs_outfile_destroy(f);
	child_check(file_holds("out", "new") && count_names() == 1);
	child_check_ok(make_file("out", GS_OUTFILE_FORCE, "forced"));
	child_check(file_holds("out", "forced") && count_names() == 1);
	memset(longest, 'n', 255);
	longest[255] = '\0';
	child_check_ok(make_file(longest, 0, "x"));
	child_check(count_names() == 2);
}

static void give_up_beside(void)
{
	struct gs_outfile *f;
	struct gs_error *err;

	child_check_ok(gs_outfile_open("out", 0, &f));
	gs_outfile_destroy(f);
	child_check(count_names() == 0);
	child_check_ok(gs_outfile_open("out", 0, &f));
	put_file("out", "theirs");
	err = gs_outfile_commit(f);
	child_check(err && err->code == GS_ERROR_INVALID);
	gs_error_destroy(err);
	gs_outfile_destroy(f);
	child_check(file_holds("out", "theirs") && count_names() == 1);
}

static void commit_beside_without_modern_calls(void)
{
	lose_modern_calls();
	commit_beside();
}

static void give_up_beside_without_modern_calls(void)
{
	lose_modern_calls();
	give_up_beside();
}

static void test_without_tmpfile(void **state)
{
	(void)state;
	run_in_child(commit_beside_without_modern_calls);
}

static void test_without_tmpfile_given_up(void **state)
{
	(void)state;
	run_in_child(give_up_beside_without_modern_calls);
}

/* A tmpfs of 64 KiB over @path, for this process alone. */
static void mount_small(const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", path, "tmpfs", 0, "size=64k") < 0)
		_exit(SKIPPED);
}

static void fill_disk(void)
{
	static const char data[100000];
	struct gs_outfile *f;

	child_check(mkdir("small", 0700) == 0);
	mount_small("small");
	child_check(chdir("small") == 0);
	child_check_ok(gs_outfile_open("out", 0, &f));
	child_check(gs_outfile_free_bytes(f) == 65536);
	child_check(gs_write_full(gs_outfile_fd(f), data, sizeof(data)) < 0 && errno == ENOSPC);
	gs_outfile_destroy(f);
	child_check(count_names() == 0);
	child_check_ok(make_file("out", 0, "there is room again"));
}

static void test_full_disk(void **state)
{
	(void)state;
	run_in_child(fill_disk);
}

static void commit_without_proc(void)
{
	mount_small("/proc");
	child_check(access("/proc/self", F_OK) < 0);
	child_check_ok(make_file("out", 0, "one"));
	child_check_ok(make_file("out", GS_OUTFILE_FORCE, "two"));
	child_check(file_holds("out", "two") && count_names() == 1);
}

static void test_without_proc(void **state)
{
	(void)state;
	run_in_child(commit_without_proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_appears_at_commit),
		unit_test_in_scratch(test_nothing_without_commit),
		unit_test_in_scratch(test_existing_is_refused),
		unit_test_in_scratch(test_appeared_meanwhile_is_refused),
		unit_test_in_scratch(test_force_replaces_at_commit),
		unit_test_in_scratch(test_force_given_up_keeps_the_old),
		unit_test_in_scratch(test_symlinks_stay),
		unit_test_in_scratch(test_bad_targets),
		unit_test_in_scratch(test_fifos_and_devices_are_written_through),
		unit_test_in_scratch(test_stdout),
		unit_test_in_scratch(test_folder_moves_meanwhile),
		unit_test_in_scratch(test_sigkill_leaves_nothing),
		unit_test_in_scratch(test_without_tmpfile),
		unit_test_in_scratch(test_without_tmpfile_given_up),
		unit_test_in_scratch(test_full_disk),
		unit_test_in_scratch(test_without_proc),
	};

	return cmocka_run_group_tests_name("outfile", tests, NULL, NULL);
}
