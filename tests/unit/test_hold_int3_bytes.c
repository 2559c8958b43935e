/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breakpoint instructions in the text of a process, their journal, and repair by it. The process is
 * a fork of this one, which calls a function for each byte that it is sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/hold/mend.h>

#include "../../lib/hold/int3_journal.h"
#include "unit.h"

#if defined(__x86_64__)

static struct {
	pid_t pid;
	int fd; /* a byte in: a call, and a byte back */
	int mem_fd;
} target;

unit_one_copy static int callee(int number)
{
	return number + 1;
}
#define CALLEE ((uint64_t)(uintptr_t)callee)

static void serve(int fd)
{
	int (*volatile call)(int) = callee;
	uint8_t byte;

	while (read(fd, &byte, 1) == 1) {
		byte = (uint8_t)call(byte);
		if (write(fd, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static int start_target(void **state)
{
	char path[32];
	int pair[2];

	if (unit_enter_scratch(state) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	target.pid = fork();
	if (target.pid == 0) {
		close(pair[0]);
		serve(pair[1]);
	}
	close(pair[1]);
	target.fd = pair[0];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)target.pid);
	target.mem_fd = open(path, O_RDWR | O_CLOEXEC);
	return target.mem_fd < 0 ? -1 : 0;
}

static int end_target(void **state)
{
	close(target.fd);
	close(target.mem_fd);
	if (target.pid > 0) {
		kill(target.pid, SIGKILL);
		waitpid(target.pid, NULL, 0);
	}
	return unit_leave_scratch(state);
}

static bool target_answers(void)
{
	uint8_t byte = 41;

	return write(target.fd, &byte, 1) == 1 && read(target.fd, &byte, 1) == 1 && byte == 42;
}

static void read_code(uint8_t code[64])
{
	assert_int_equal(gs_pread_full(target.mem_fd, code, 64, CALLEE), 64);
}

static void add(struct gs_int3_bytes *bytes, uint64_t address)
{
	struct gs_int3_byte *byte = &bytes->bytes[bytes->count];

	assert_ok(gs_int3_look(target.mem_fd, bytes, address, byte));
	bytes->count++;
	assert_ok(gs_int3_put(target.mem_fd, byte));
}

/* ---- bytes ---- */

static void test_in_and_out(void **state)
{
	struct gs_int3_bytes bytes = {0};
	uint8_t before[64], during[64], after[64];
	(void)state;

	read_code(before);
	/* Each of them is in what the others have noted. */
	add(&bytes, CALLEE + 3);
	add(&bytes, CALLEE);
	add(&bytes, CALLEE + 1);
	read_code(during);
	for (int i = 0; i < 64; i++)
		assert_int_equal(during[i], i == 0 || i == 1 || i == 3 ? 0xcc : before[i]);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(bytes.bytes[i].code, before + (bytes.bytes[i].address - CALLEE),
				    GS_INT3_CODE_SIZE);
	assert_ptr_equal(gs_int3_find(&bytes, CALLEE), &bytes.bytes[1]);
	assert_null(gs_int3_find(&bytes, CALLEE + 2));
	assert_int_equal(gs_int3_take_all_out(target.mem_fd, &bytes), 3);
	assert_int_equal(gs_int3_take_all_out(target.mem_fd, &bytes), 0);
	read_code(after);
	assert_memory_equal(before, after, 64);
	assert_true(target_answers());
}

static void test_it_is_one(void **state)
{
	struct gs_int3_bytes bytes = {0};
	int status;
	(void)state;

	add(&bytes, CALLEE);
	assert_false(target_answers());
	assert_int_equal(waitpid(target.pid, &status, 0), target.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
	target.pid = 0;
	assert_false(gs_int3_take_out(target.mem_fd, &bytes.bytes[0])); /* nothing is there */
}

static void test_refusals(void **state)
{
	struct gs_int3_bytes bytes = {0};
	struct gs_int3_byte byte;
	uint8_t *shared =
		mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char message[96];
	(void)state;

	assert_error(gs_int3_look(target.mem_fd, &bytes, 16, &byte), GS_ERROR_NODATA,
		     "there is no code at 0x10");
	assert_error(gs_int3_look(target.mem_fd, &bytes, UINT64_MAX, &byte), GS_ERROR_NODATA, NULL);
	add(&bytes, CALLEE);
	snprintf(message, sizeof(message),
		 "there is a breakpoint at 0x%llx already: a debugger's, or the program's own",
		 (unsigned long long)CALLEE);
	assert_error(gs_int3_look(target.mem_fd, &bytes, CALLEE, &byte), GS_ERROR_BUSY, message);
	/* After the fork it is only here; a text that all share is not to be written to. */
	assert_int_equal(gs_int3_take_all_out(target.mem_fd, &bytes), 1);
	end_target(state);
	assert_int_equal(start_target(state), 0);
	assert_ok(gs_int3_look(target.mem_fd, &bytes, (uint64_t)(uintptr_t)shared, &byte));
	assert_error(gs_int3_put(target.mem_fd, &byte), GS_ERROR_UNSUPPORTED, NULL);
	munmap(shared, 4096);
}

/* Where another code is now, an int3 of its own is left. */
static void test_what_is_not_ours(void **state)
{
	struct gs_int3_bytes bytes = {0};
	uint8_t code[64];
	(void)state;

	add(&bytes, CALLEE);
	read_code(code);
	code[15] ^= 1;
	assert_int_equal(gs_pwrite_full(target.mem_fd, code + 15, 1, CALLEE + 15), 0);
	assert_false(gs_int3_take_out(target.mem_fd, &bytes.bytes[0]));
	read_code(code);
	assert_int_equal(code[0], 0xcc);
}

/* ---- the journal ---- */

static void fill_journal(struct gs_int3_journal *journal)
{
	struct gs_proc_stat stat;

	assert_true(gs_proc_stat(target.pid, &stat));
	journal->process = (struct gs_proc_id){target.pid, stat.start};
	journal->keeper = (struct gs_proc_id){INT_MAX, 1}; /* it was killed */
	add(&journal->bytes, CALLEE);
	assert_ok(gs_int3_mapping_find(target.pid, CALLEE, &journal->mappings[0]));
	assert_true(journal->mappings[0].is_code);
	add(&journal->bytes, CALLEE + 3);
	assert_ok(gs_int3_mapping_find(target.pid, CALLEE + 3, &journal->mappings[1]));
	assert_ok(gs_int3_journal_write(".", journal));
}

static char *journal_path(void)
{
	static char path[32];

	snprintf(path, sizeof(path), "./%d.int3", (int)target.pid);
	return path;
}

static void test_journal_comes_back(void **state)
{
	struct gs_int3_journal journal = {0}, back;
	struct stat st;
	(void)state;

	fill_journal(&journal);
	assert_int_equal(stat(journal_path(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(gs_int3_journal_read(journal_path(), &back));
	assert_memory_equal(&back.process, &journal.process, sizeof(back.process));
	assert_memory_equal(&back.keeper, &journal.keeper, sizeof(back.keeper));
	assert_memory_equal(&back.bytes, &journal.bytes, sizeof(back.bytes));
	for (size_t i = 0; i < 2; i++) {
		assert_true(gs_int3_mapping_equal(&back.mappings[i], &journal.mappings[i]));
		assert_string_equal(back.mappings[i].module, journal.mappings[i].module);
	}
	gs_int3_journal_remove(".", target.pid);
	assert_int_equal(access(journal_path(), F_OK), -1);
	gs_int3_journal_deinit(&back);
	gs_int3_journal_deinit(&journal);
}

static void test_bad_journals(void **state)
{
#define HEAD "{\"pid\": 1, \"start\": 2, \"keeper\": {\"pid\": 3, \"start\": 4}, \"breakpoints\": "
#define REST "\"module\": \"\", \"device\": \"0:0\", \"inode\": 0, \"offset\": \"0x0\"}]}"
	static const struct {
		const char *text, *key;
	} bad[] = {
		{"{}", "pid"},
		{"{\"pid\": 2147483648, \"start\": 1}", "pid"},
		{"{\"pid\": 1}", "start"},
		{"{\"pid\": 1, \"start\": 2}", "pid"},
		{HEAD "{}}", "breakpoints"},
		{HEAD "[{\"code\": \"00\", " REST, "address"},
		{HEAD "[{\"address\": \"0x1\", " REST, "code"},
		{HEAD "[{\"address\": \"0x1\", \"code\": \"\", " REST, "code"},
		{HEAD "[{\"address\": \"0x1\", \"code\": \"abc\", " REST, "code"},
		{HEAD "[{\"address\": \"0x1\", \"code\": \"xy\", " REST, "code"},
		{HEAD
		 "[{\"address\": \"0x1\", \"code\": \"00112233445566778899aabbccddeeff00\", " REST,
		 "code"},
		{HEAD "[{\"address\": \"0x1\", \"code\": \"00\"}]}", "module"},
		{HEAD "[{\"address\": \"0x1\", \"code\": \"00\", \"module\": \"\", "
		      "\"device\": \"0123456789abcdef\"}]}",
		 "device"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct gs_int3_journal journal;
		char message[64];

		snprintf(message, sizeof(message), "the journal has no right '%s'", bad[i].key);
		assert_error(gs_int3_journal_parse(bad[i].text, strlen(bad[i].text), &journal),
			     GS_ERROR_CORRUPT, message);
	}
}

/* ---- repair ---- */

struct told {
	int calls;
	pid_t pid;
	size_t count;
	enum gs_error_code code; /* 0: none */
};

static void tell(void *arg, pid_t pid, size_t count, const struct gs_error *err)
{
	struct told *told = arg;

	*told = (struct told){told->calls + 1, pid, count, err ? err->code : 0};
}

static struct told mend(void)
{
	struct told told = {0};

	assert_ok(gs_hold_mend(".", tell, &told));
	return told;
}

static void test_repair(void **state)
{
	struct gs_int3_journal journal = {0};
	struct told told;
	(void)state;

	assert_int_equal(mend().calls, 0);
	fill_journal(&journal);
	told = mend();
	assert_int_equal(told.calls, 1);
	assert_int_equal(told.pid, target.pid);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.code, 0);
	assert_true(target_answers());
	assert_int_equal(access(journal_path(), F_OK), -1);
	assert_int_equal(mend().calls, 0);
	gs_int3_journal_deinit(&journal);
}

/* A journal of what is not there any more, or not ours: nothing is touched. */
static void check_untouched(const struct gs_int3_journal *journal, int calls, bool stays)
{
	uint8_t code[64];

	assert_ok(gs_int3_journal_write(".", journal));
	assert_int_equal(mend().calls, calls);
	assert_int_equal(access(journal_path(), F_OK), stays ? 0 : -1);
	read_code(code);
	assert_int_equal(code[0], 0xcc);
}

static void test_no_repair(void **state)
{
	struct gs_int3_journal journal = {0}, other;
	struct gs_proc_stat stat;
	int status;
	(void)state;

	fill_journal(&journal);
	other = journal;
	assert_true(gs_proc_stat(getpid(), &stat));
	other.keeper = (struct gs_proc_id){getpid(), stat.start}; /* which lives */
	check_untouched(&other, 0, true);
	other = journal;
	other.process.start++; /* another process of that number */
	check_untouched(&other, 0, false);
	other = journal;
	other.mappings[0].inode++; /* another file */
	other.mappings[1].offset++;
	check_untouched(&other, 0, false);
	assert_int_equal(ptrace(PTRACE_SEIZE, target.pid, NULL, NULL), 0);
	check_untouched(&journal, 1, true); /* a debugger's */
	assert_int_equal(ptrace(PTRACE_INTERRUPT, target.pid, NULL, NULL), 0);
	assert_int_equal(waitpid(target.pid, &status, 0), target.pid);
	assert_int_equal(ptrace(PTRACE_DETACH, target.pid, NULL, NULL), 0);
	assert_int_equal(mend().count, 2);
	assert_true(target_answers());
	gs_int3_journal_deinit(&journal);
}

int main(void)
{
#define ON_TARGET(fn) cmocka_unit_test_setup_teardown(fn, start_target, end_target)
	const struct CMUnitTest tests[] = {
		ON_TARGET(test_in_and_out),
		ON_TARGET(test_it_is_one),
		ON_TARGET(test_refusals),
		ON_TARGET(test_what_is_not_ours),
		ON_TARGET(test_journal_comes_back),
		cmocka_unit_test(test_bad_journals),
		ON_TARGET(test_repair),
		ON_TARGET(test_no_repair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0; /* this machine's breakpoint instruction is not known */
}

#endif
