/* SPDX-License-Identifier: GPL-2.0-or-later */
/* repair in place, interrupted at every step; files cut at every length; journals that lie. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <guestscope/base/bytes.h>
#include <guestscope/job.h>

#include "fake_memory.h"

#define MIB (UINT64_C(1) << 20)
#define JOURNAL "dump.guestscope-journal"

static const struct gs_range ranges[] = {{0, 0xa0000}, {0x100000, 1 * MIB}};

/* An x86_64 guest that is no Linux: its machine is all that repair can find out. */
static void write_dump(const char *format, bool flatten)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	struct gs_output_spec spec = {.format = gs_format_find(format),
				      .exclude = GS_EXCLUDE_ZERO,
				      .flatten = flatten,
				      .threads = 1};
	uint8_t notes[12 + 8 + 336] = {5, 0, 0, 0, 336 % 256, 336 / 256, 0,   0,
				       1, 0, 0, 0, 'C',       'O',       'R', 'E'};
	struct gs_job_result result;
	struct fake_memory f;

	fake_init(&f, ranges, 2);
	f.mem.attrs.notes = notes;
	f.mem.attrs.notes_size = sizeof(notes);
	assert_ok(gs_outfile_open("dump", GS_OUTFILE_FORCE, &out));
	assert_ok(gs_convert(&f.mem, &spec, out, &result));
	assert_ok(gs_outfile_commit(out));
}

static void poke(const char *path, off_t off, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY);

	assert_true(pwrite(fd, data, size, off) == (ssize_t)size);
	close(fd);
}

static char *slurp(const char *path, size_t *size_ret)
{
	char *data;

	assert_ok(gs_read_file(path, 64 * MIB, &data, size_ret));
	return data;
}

static void copy_file(const char *from, const char *to)
{
	size_t size;
	gs_autofree char *data = slurp(from, &size);
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void assert_same(const char *a, const char *b)
{
	size_t a_size, b_size;
	gs_autofree char *a_data = slurp(a, &a_size);
	gs_autofree char *b_data = slurp(b, &b_size);

	assert_int_equal(a_size, b_size);
	assert_memory_equal(a_data, b_data, a_size);
}

static size_t repair_in_place(const struct gs_repair_spec *spec)
{
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	size_t count;

	assert_ok(gs_repair_open("dump", spec, &r));
	gs_repair_changes(r, &count);
	assert_ok(gs_repair_in_place(r));
	return count;
}

static size_t count_changes(void)
{
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	struct gs_repair_spec spec = {0};
	size_t count;

	assert_ok(gs_repair_open("dump", &spec, &r));
	gs_repair_changes(r, &count);
	return count;
}

/* ---- interruptions ---- */

static void count_step(void *arg)
{
	++*(int *)arg;
}

static void die_at_step(void *arg)
{
	if (!(*(int *)arg)--)
		_exit(7);
}

static void child_repairs(int die_at, bool recover)
{
	struct gs_repair_spec spec = {.step = die_at_step, .step_arg = &die_at};
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	gs_autoerror struct gs_error *err = NULL;
	bool found;

	if (recover)
		err = gs_repair_recover("dump", &spec, &found);
	else
		err = gs_repair_open("dump", &spec, &r);
	if (!err && !recover)
		err = gs_repair_in_place(r);
	if (err)
		fprintf(stderr, "%s\n", err->message);
	_exit(err ? 1 : 0);
}

/* A repair that dies before its @die_at-th change; true if it came that far. */
static bool dies(int die_at, bool recover)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		child_repairs(die_at, recover);
	assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 7 || WEXITSTATUS(status) == 0);
	return WEXITSTATUS(status) == 7;
}

static void check_interruptions(int expected_steps)
{
	struct gs_repair_spec spec = {0};
	bool found;
	int steps = 0;

	copy_file("dump", "broken");
	spec.step = count_step;
	spec.step_arg = &steps;
	assert_true(repair_in_place(&spec) > 0);
	assert_true(steps >= expected_steps);
	copy_file("dump", "good");
	spec.step = NULL;
	for (int i = 0; i < steps; i++) {
		copy_file("broken", "dump");
		assert_true(dies(i, false));
		assert_true(access(JOURNAL, F_OK) == 0);
		if (i < steps - 1)
			assert_true(dies(i / 2, true)); /* the one that finishes it dies as well */
		assert_ok(gs_repair_recover("dump", &spec, &found));
		assert_true(found);
		assert_true(access(JOURNAL, F_OK) < 0);
		assert_same("dump", "good");
	}
	assert_ok(gs_repair_recover("dump", &spec, &found));
	assert_false(found);
	assert_int_equal(count_changes(), 0);
}

static void break_machine(void)
{
	char machine[65] = "Unknown";

	poke("dump", 12 + 4 * 65, machine, sizeof(machine));
}

static void test_interrupted(void **state)
{
	(void)state;
	write_dump("kdump-zlib", false);
	break_machine();
	check_interruptions(3); /* header, size and sync, journal */
}

/* Cut as well: the table of descriptors is a second edit. */
static void test_interrupted_cut(void **state)
{
	struct stat st;

	(void)state;
	write_dump("kdump-zlib", false);
	break_machine();
	assert_int_equal(stat("dump", &st), 0);
	assert_int_equal(truncate("dump", st.st_size - 20000), 0);
	check_interruptions(4);
}

static void test_interrupted_flat(void **state)
{
	struct stat st;

	(void)state;
	write_dump("kdump-zlib", true);
	assert_int_equal(stat("dump", &st), 0);
	assert_int_equal(truncate("dump", st.st_size - 10), 0);
	check_interruptions(3);
}

/* ---- journals ---- */

static void leave_journal(void)
{
	write_dump("kdump-zlib", false);
	break_machine();
	assert_true(dies(0, false));
}

static void check_refused(const char *part_of_message)
{
	const struct gs_repair_spec spec = {0};
	gs_autoerror struct gs_error *err = NULL;
	bool found;

	copy_file("dump", "before");
	err = gs_repair_recover("dump", &spec, &found);
	assert_non_null(err);
	assert_int_equal(err->code, GS_ERROR_CORRUPT);
	assert_non_null(strstr(err->message, part_of_message));
	assert_same("dump", "before");
	unlink(JOURNAL);
}

static void test_journal_of_another_dump(void **state)
{
	(void)state;
	leave_journal();
	poke("dump", 14, "Other", 5);
	break_machine();
	check_refused("the dump is another one");
	leave_journal();
	assert_int_equal(truncate("dump", 4096), 0);
	check_refused("the dump has another size");
}

static void test_damaged_journal(void **state)
{
	size_t size;
	gs_autofree char *journal = NULL;

	(void)state;
	leave_journal();
	copy_file(JOURNAL, "journal");
	journal = slurp("journal", &size);
	assert_true(size > 64);
	for (size_t i = 0; i < size; i += i < 80 ? 1 : 97) {
		char changed = (char)(journal[i] ^ 0x55);

		copy_file("journal", JOURNAL);
		poke(JOURNAL, (off_t)i, &changed, 1);
		check_refused("a journal of ");
	}
	for (size_t n = 0; n < size; n += 1 + n / 3) {
		copy_file("journal", JOURNAL);
		assert_int_equal(truncate(JOURNAL, (off_t)n), 0);
		check_refused("a journal of ");
	}
}

static void test_journal_first(void **state)
{
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	const struct gs_repair_spec spec = {0};
	gs_autoerror struct gs_error *err = NULL;

	(void)state;
	leave_journal();
	err = gs_repair_open("dump", &spec, &r);
	assert_non_null(err);
	assert_int_equal(err->code, GS_ERROR_BUSY);
}

static void test_locked(void **state)
{
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	const struct gs_repair_spec spec = {0};
	gs_autoerror struct gs_error *err = NULL;
	gs_autoclose int fd = -1;

	(void)state;
	write_dump("kdump-zlib", false);
	break_machine();
	fd = open("dump", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_ok(gs_repair_open("dump", &spec, &r));
	err = gs_repair_in_place(r);
	assert_non_null(err);
	assert_int_equal(err->code, GS_ERROR_BUSY);
	assert_true(access(JOURNAL, F_OK) < 0);
}

/* ---- files that were cut ---- */

static void no_finding(void *arg, const struct gs_finding *finding)
{
	if (finding->severity == GS_SEVERITY_ERROR)
		fail_msg("%s: %s: %s", (const char *)arg, finding->code, finding->text);
}

/* What is left of a page is what it was. */
static uint64_t check_rest(const char *path)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	struct fake_memory f;
	uint64_t pages = 0;

	fake_init(&f, ranges, 2);
	assert_ok(gs_dump_open(&path, 1, NULL, &mem));
	for (gs_gpa_t gpa = 0; gpa < 0x200000; gpa += 4096) {
		uint8_t expected[4096], page[4096];
		struct gs_error *err = gs_memory_read(mem, gpa, page, sizeof(page));

		fake_page(&f, gpa / 4096, expected);
		if (!err) {
			assert_memory_equal(page, expected, sizeof(page));
			pages++;
		} else {
			assert_int_equal(err->code, GS_ERROR_NODATA);
		}
		gs_error_destroy(err);
	}
	return pages;
}

/* Cut to @size bytes, repaired in a copy and in place; the pages that are left. */
static uint64_t check_cut(off_t size)
{
	const struct gs_verify verify = {.threads = 1, .finding = no_finding, .arg = (void *)"cut"};
	const struct gs_repair_spec spec = {0};
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	const char *paths[] = {"dump"};
	struct gs_verify_result result;
	gs_autoerror struct gs_error *err = NULL;
	uint64_t pages;

	copy_file("whole", "dump");
	assert_int_equal(truncate("dump", size), 0);
	err = gs_repair_open("dump", &spec, &r);
	if (err) {
		assert_true(gs_error_is_answer(err));
		return 0;
	}
	assert_ok(gs_outfile_open("copy", GS_OUTFILE_FORCE, &out));
	assert_ok(gs_repair_copy(r, out));
	assert_ok(gs_outfile_commit(out));
	assert_ok(gs_repair_in_place(r));
	pages = check_rest("dump");
	assert_int_equal(check_rest("copy"), pages);
	assert_ok(gs_verify_files(paths, 1, &verify, &result));
	assert_int_equal(count_changes(), 0);
	return pages;
}

static void check_cuts(const char *format, bool flatten)
{
	uint64_t before = 0;
	struct stat st;

	write_dump(format, flatten);
	copy_file("dump", "whole");
	assert_int_equal(stat("whole", &st), 0);
	for (off_t size = 0; size <= st.st_size; size += 1 + st.st_size / 29) {
		uint64_t pages = check_cut(size);

		assert_true(pages >= before);
		before = pages;
	}
	assert_true(check_cut(st.st_size) == 416);
	assert_true(before > 300); /* nearly all is there when nearly all is there */
}

static void test_cut_kdump(void **state)
{
	(void)state;
	check_cuts("kdump-zlib", false);
}

static void test_cut_elf(void **state)
{
	(void)state;
	check_cuts("elf", false);
}

static void test_cut_flattened_elf(void **state)
{
	(void)state;
	check_cuts("elf", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_interrupted),
		unit_test_in_scratch(test_interrupted_cut),
		unit_test_in_scratch(test_interrupted_flat),
		unit_test_in_scratch(test_journal_of_another_dump),
		unit_test_in_scratch(test_damaged_journal),
		unit_test_in_scratch(test_journal_first),
		unit_test_in_scratch(test_locked),
		unit_test_in_scratch(test_cut_kdump),
		unit_test_in_scratch(test_cut_elf),
		unit_test_in_scratch(test_cut_flattened_elf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
