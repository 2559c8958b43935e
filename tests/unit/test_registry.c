/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of guests: live locks, dead guests, races for a name. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "../../lib/launch/internal.h"
#include "unit.h"

#define RUN "run"

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void write_text(const char *path, const char *text)
{
	gs_autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(gs_write_full(fd, text, strlen(text)), 0);
}

/* A claimed guest with a record; as if @pid were its QEMU. */
static struct gs_claim make_guest(const char *name, pid_t pid)
{
	char *argv[] = {"qemu-x", "-name", "with \"quotes\"", NULL};
	struct gs_claim claim;
	struct gs_guest guest;

	assert_ok(gs_folder_claim(RUN, name, &claim));
	guest = (struct gs_guest){
		.name = claim.name,
		.dir = claim.dir,
		.qemu = "qemu-x",
		.pid = pid,
		.mem_bytes = 1ULL << 40,
		.shared_ram = true,
		.started_sec = 1700000000,
	};
	assert_ok(gs_record_write(&guest, 7, argv));
	return claim;
}

static size_t count_guests(void)
{
	struct gs_guest *guests;
	size_t count;

	assert_ok(gs_registry_list(RUN, &guests, &count));
	gs_registry_free(guests, count);
	return count;
}

static void test_dir(void **state)
{
	gs_autofree char *xdg = gs_registry_dir("/run/user/7");
	gs_autofree char *none = gs_registry_dir(NULL);
	gs_autofree char *empty = gs_registry_dir("");

	(void)state;
	assert_string_equal(xdg, "/run/user/7/guestscope");
	assert_string_equal(none, "/run/guestscope");
	assert_string_equal(empty, "/run/guestscope");
}

static void test_names(void **state)
{
	static const char *const bad[] = {"",    ".",   "..",  ".x",  "-x",
					  "a/b", "a:b", "a b", "a,b", "\xc3\xa4"};
	char longest[66];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[64] = '\0';
	assert_ok(gs_folder_check_name(longest));
	longest[64] = 'a';
	longest[65] = '\0';
	assert_error(gs_folder_check_name(longest), GS_ERROR_INVALID, NULL);
	assert_ok(gs_folder_check_name("0a.B_-"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(gs_folder_check_name(bad[i]), GS_ERROR_INVALID, NULL);
}

static void test_record(void **state)
{
	struct gs_claim claim = make_guest("g", getpid());
	struct gs_guest guest;
	struct stat st;

	(void)state;
	assert_ok(gs_registry_find(RUN, "g", &guest));
	assert_string_equal(guest.name, "g");
	assert_string_equal(guest.dir, "run/g");
	assert_string_equal(guest.qemu, "qemu-x");
	assert_int_equal(guest.pid, getpid());
	assert_true(guest.mem_bytes == 1ULL << 40);
	assert_true(guest.shared_ram);
	assert_int_equal(guest.started_sec, 1700000000);
	gs_guest_deinit(&guest);
	assert_int_equal(stat("run/g", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat("run/g/guest", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	gs_claim_deinit(&claim);
}

static void test_hostile_records(void **state)
{
	static const char *const records[] = {
		"",
		"[]",
		"{\"pid\": 1}",
		"{\"pid\": -1, \"qemu\": \"q\", \"started\": 1, \"ram\": {\"bytes\": 1}}",
		"{\"pid\": 1e3, \"qemu\": \"q\", \"started\": 1, \"ram\": {\"bytes\": 1}}",
		"{\"pid\": 4294967297, \"qemu\": \"q\", \"started\": 1, \"ram\": {\"bytes\": 1}}",
		"{\"pid\": 1, \"qemu\": 5, \"started\": 1, \"ram\": {\"bytes\": 1}}",
		"{\"pid\": 1, \"qemu\": \"q\", \"started\": 1, \"ram\": 5}",
	};
	struct gs_claim claim = make_guest("g", getpid());
	struct gs_guest guest;

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		write_text("run/g/guest", records[i]);
		assert_error(gs_registry_find(RUN, "g", &guest), GS_ERROR_CORRUPT, NULL);
		assert_int_equal(count_guests(), 0);
	}
	assert_true(exists("run/g")); /* its lock lives */
	gs_claim_deinit(&claim);
}

static void test_live_and_dead(void **state)
{
	struct gs_claim a = make_guest("a", getpid()), b = make_guest("b", getpid());
	struct gs_guest guest;

	(void)state;
	assert_int_equal(count_guests(), 2);
	write_text("run/a/log", "one\nqemu: dying\n");
	gs_claim_deinit(&a); /* the lock goes with its last descriptor */
	assert_error(gs_registry_find(RUN, "a", &guest), GS_ERROR_UNREACHABLE,
		     "guest 'a' has ended: one; qemu: dying");
	assert_true(exists("run/a"));
	assert_int_equal(count_guests(), 1);
	assert_false(exists("run/a"));
	assert_true(exists("run/b"));
	assert_error(gs_registry_find(RUN, "a", &guest), GS_ERROR_UNREACHABLE,
		     "there is no guest 'a' in run");
	gs_claim_deinit(&b);
}

static void test_near_names(void **state)
{
	struct gs_claim claim = make_guest("server", getpid());
	struct gs_guest guest;

	(void)state;
	assert_error(gs_registry_find(RUN, "sevrer", &guest), GS_ERROR_UNREACHABLE,
		     "there is no guest 'sevrer'; is it 'server'?");
	gs_claim_deinit(&claim);
}

static void test_only(void **state)
{
	struct gs_claim a, b;
	struct gs_guest guest;

	(void)state;
	assert_error(gs_registry_only(RUN, &guest), GS_ERROR_UNREACHABLE,
		     "no launched guest is running in run");
	a = make_guest("a", getpid());
	assert_ok(gs_registry_only(RUN, &guest));
	assert_string_equal(guest.name, "a");
	gs_guest_deinit(&guest);
	b = make_guest("b", getpid());
	assert_error(gs_registry_only(RUN, &guest), GS_ERROR_INVALID,
		     "2 guests are running (a, b): name one of them");
	gs_claim_deinit(&a);
	gs_claim_deinit(&b);
}

static void test_claims(void **state)
{
	struct gs_claim named = make_guest("g", getpid()), again, first, second;

	(void)state;
	assert_error(gs_folder_claim(RUN, "g", &again), GS_ERROR_BUSY,
		     "guest 'g' is running already");
	assert_int_equal(unlink("run/g/guest"), 0);
	assert_error(gs_folder_claim(RUN, "g", &again), GS_ERROR_BUSY,
		     "guest 'g' is being launched");
	assert_ok(gs_folder_claim(RUN, NULL, &first));
	assert_string_equal(first.name, "guest-1");
	assert_ok(gs_folder_claim(RUN, NULL, &second));
	assert_string_equal(second.name, "guest-2");
	gs_folder_disclaim(RUN, &first);
	gs_claim_deinit(&first);
	assert_false(exists("run/guest-1"));
	assert_ok(gs_folder_claim(RUN, NULL, &first));
	assert_string_equal(first.name, "guest-1");
	gs_claim_deinit(&first);
	gs_claim_deinit(&second);
	gs_claim_deinit(&named);
}

static void test_claim_over_a_dead_guest(void **state)
{
	struct gs_claim claim = make_guest("g", getpid());

	(void)state;
	write_text("run/g/serial", "old");
	write_text("run/g/qmp", "old");
	gs_claim_deinit(&claim);
	assert_ok(gs_folder_claim(RUN, "g", &claim));
	assert_false(exists("run/g/serial"));
	assert_false(exists("run/g/guest"));
	assert_true(exists("run/g/lock"));
	gs_claim_deinit(&claim);
}

/* What processes that were killed in the middle can leave. */
static void test_leftovers(void **state)
{
	(void)state;
	assert_int_equal(mkdir(RUN, 0700), 0);
	assert_int_equal(mkdir("run/empty", 0700), 0);
	assert_int_equal(mkdir("run/.dead-g.1", 0700), 0);
	write_text("run/.dead-g.1/log", "x");
	assert_int_equal(mkdir("run/.dead-h.1", 0700), 0);
	write_text("run/.dead-h.1/lock", "");
	assert_int_equal(mkdir("run/foreign", 0700), 0);
	write_text("run/foreign/file", "not ours");
	write_text("run/file", "not ours");
	assert_int_equal(count_guests(), 0);
	assert_false(exists("run/empty"));
	assert_false(exists("run/.dead-g.1"));
	assert_false(exists("run/.dead-h.1"));
	assert_true(exists("run/foreign/file"));
	assert_true(exists("run/file"));
}

/* ---- races ---- */

#define RACERS 4
#define ROUNDS 20

/* Waits for the start, claims "g", reports 'w' (won) or 'l' and stays until the end. */
static void race(int start, int report, int end)
{
	struct gs_claim claim;
	struct gs_error *err;
	char byte;

	if (read(start, &byte, 1) < 0)
		_exit(1);
	err = gs_folder_claim(RUN, "g", &claim);
	if (!err) {
		struct gs_guest guest = {.name = claim.name, .dir = claim.dir, .qemu = "q"};
		char *argv[] = {NULL};

		guest.pid = getpid();
		err = gs_record_write(&guest, -1, argv);
		byte = err ? 'e' : 'w';
	} else {
		byte = err->code == GS_ERROR_BUSY ? 'l' : 'e';
	}
	if (byte == 'e')
		fprintf(stderr, "racer: %s\n", err->message);
	if (write(report, &byte, 1) < 0 || read(end, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

/* Lists and cleans all the time. */
static void sweep(int end)
{
	struct pollfd over = {.fd = end, .events = POLLIN};

	while (poll(&over, 1, 0) == 0)
		count_guests();
	_exit(0);
}

static void run_round(void)
{
	int start[2], report[2], end[2], winners = 0;
	char byte;

	assert_int_equal(pipe(start) + pipe(report) + pipe(end), 0);
	for (int i = 0; i < RACERS + 1; i++) {
		if (fork() != 0)
			continue;
		close(start[1]);
		close(end[1]);
		if (i < RACERS)
			race(start[0], report[1], end[0]);
		sweep(end[0]);
	}
	close(start[1]);
	for (int i = 0; i < RACERS; i++) {
		assert_int_equal(read(report[0], &byte, 1), 1);
		assert_int_not_equal(byte, 'e');
		winners += byte == 'w';
	}
	assert_int_equal(winners, 1);
	assert_int_equal(count_guests(), 1);
	close(end[1]);
	while (wait(NULL) > 0)
		;
	close(start[0]);
	close(end[0]);
	close(report[0]);
	close(report[1]);
}

/* Every second round starts over the folder of the dead winner before. */
static void test_race_for_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		run_round();
		if (i % 2)
			assert_int_equal(count_guests(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dir),
		cmocka_unit_test(test_names),
		unit_test_in_scratch(test_record),
		unit_test_in_scratch(test_hostile_records),
		unit_test_in_scratch(test_live_and_dead),
		unit_test_in_scratch(test_near_names),
		unit_test_in_scratch(test_only),
		unit_test_in_scratch(test_claims),
		unit_test_in_scratch(test_claim_over_a_dead_guest),
		unit_test_in_scratch(test_leftovers),
		unit_test_in_scratch(test_race_for_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
