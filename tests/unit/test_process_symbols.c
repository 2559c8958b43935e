/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbols of processes, against what the processes themselves say: tests/unit/symbols/target.c,
 * built in each way that there is.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>
#include <guestscope/symbols/process.h>

#include "unit.h"

#define LIMIT_MS 20000

static char sources[PATH_MAX]; /* tests/unit/symbols */

/* ---- targets ---- */

struct target {
	struct gs_process process;
	FILE *in, *out;
	char said[8192]; /* all that it has told of where things are, by line */
	struct gs_process_symbols *symbols;
};

/* A shell command, in the scratch folder; $S are the sources. */
GS_PRINTF(1, 2) static void run(const char *fmt, ...)
{
	char command[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("%s", command);
}

#define CC "${CC:-cc} -g -O2 -w -I$S "
#define SOURCES "$S/target.c $S/target_other.c "

/* Until it is ready for the next step. */
static void listen(struct target *target)
{
	char line[256];

	while (fgets(line, sizeof(line), target->out)) {
		if (strcmp(line, "ready\n") == 0)
			return;
		strcat(target->said, line);
	}
	fail_msg("the target has ended");
}

static void start_with(struct target *target, const char *const *argv)
{
	struct gs_spawn spawn = {.argv = argv, .stderr_fd = STDERR_FILENO, .tied = true};
	int in[2], out[2];

	*target = (struct target){.said = "\n"};
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	spawn.stdin_fd = in[0];
	spawn.stdout_fd = out[1];
	assert_ok(gs_process_spawn(&spawn, &target->process));
	close(in[0]);
	close(out[1]);
	target->in = fdopen(in[1], "w");
	target->out = fdopen(out[0], "r");
	listen(target);
	assert_ok(gs_process_symbols_open(target->process.pid, NULL, &target->symbols));
}

static void start(struct target *target, const char *program)
{
	start_with(target, (const char *const[]){program, NULL});
}

static void step(struct target *target)
{
	fputc('\n', target->in);
	fflush(target->in);
	listen(target);
}

static void stop(struct target *target)
{
	gs_process_symbols_close(target->symbols);
	fclose(target->in);
	fclose(target->out);
	assert_ok(gs_process_end(&target->process, NULL));
}

/* Where the target says that @name is. */
static uint64_t told(const struct target *target, const char *name)
{
	gs_autofree char *key = gs_strf("\n%s ", name);
	const char *found = strstr(target->said, key);

	if (!found)
		fail_msg("the target does not tell of %s:%s", name, target->said);
	return strtoull(found + strlen(key), NULL, 16);
}

/* ---- expectations ---- */

static bool has(const struct gs_places *places, uint64_t address, enum gs_place_kind kind)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->places[i].address == address && places->places[i].kind == kind)
			return true;
	}
	return false;
}

/* @what is one place, a function, where the target says that @name is. */
static void expect_function(struct target *target, const char *what, const char *name)
{
	struct gs_places places = {0};

	assert_ok(gs_process_symbols_find(target->symbols, what, &places));
	if (places.count != 1 || !has(&places, told(target, name), GS_PLACE_FUNCTION))
		fail_msg("%s: %zu places, the first %s 0x%" PRIx64 ", expected 0x%" PRIx64, what,
			 places.count, gs_place_kind_name(places.places[0].kind),
			 places.places[0].address, told(target, name));
	assert_string_equal(places.places[0].symbol, what);
	assert_int_equal(places.places[0].offset, 0);
	gs_places_deinit(&places);
}

static void expect_error(struct target *target, const char *what, enum gs_error_code code,
			 const char *message)
{
	struct gs_places places = {0};

	assert_error(gs_process_symbols_find(target->symbols, what, &places), code, message);
}

static void expect_all_ways(struct target *target)
{
	struct gs_places places = {0};

	expect_function(target, "main", "main");
	expect_function(target, "caller_a", "caller_a");
	expect_function(target, "exported", "exported");
	expect_function(target, "alias", "exported");
	assert_ok(gs_process_symbols_find(target->symbols, "local", &places));
	assert_int_equal(places.count, 2);
	assert_true(has(&places, told(target, "local"), GS_PLACE_FUNCTION));
	assert_true(has(&places, told(target, "other_local"), GS_PLACE_FUNCTION));
	gs_places_deinit(&places);
}

static void expect_place(struct target *target, uint64_t address, const char *symbol, uint64_t off)
{
	struct gs_place place;

	assert_ok(gs_process_symbols_at(target->symbols, address, &place));
	assert_string_equal(place.symbol, symbol);
	assert_int_equal(place.offset, off);
	assert_int_equal(place.address, address);
	gs_place_deinit(&place);
}

/* ---- how programs are linked ---- */

static void test_links(void **state)
{
	static const char *const ways[] = {"-pie -fPIE", "-no-pie -fno-pie", "-static",
					   "-static-pie -fPIE"};
	struct target target;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		run(CC "%s " SOURCES "-o target", ways[i]);
		start(&target, "./target");
		expect_all_ways(&target);
		expect_place(&target, told(&target, "caller_b") + 3, "caller_b", 3);
		stop(&target);
	}
}

/* Nothing but .dynsym; its own names are to be found, static ones are not. */
static void test_dynamic_symbols(void **state)
{
	struct target target;

	(void)state;
	run(CC "-rdynamic " SOURCES "-o target && strip -s target");
	start(&target, "./target");
	expect_function(&target, "exported", "exported");
	expect_function(&target, "caller_a", "caller_a");
	expect_error(&target, "local", GS_ERROR_NODATA, NULL);
	stop(&target);
}

/* ---- parts and variants ---- */

static void test_clones(void **state)
{
	struct gs_places places = {0};
	struct target target;

	(void)state;
	run(CC SOURCES "-o target");
	start(&target, "./target");
	assert_ok(gs_process_symbols_find(target.symbols, "cloned", &places));
	assert_int_equal(places.count, 3);
	assert_true(has(&places, told(&target, "cloned"), GS_PLACE_FUNCTION));
	assert_true(has(&places, told(&target, "cloned_isra"), GS_PLACE_CLONE));
	assert_true(has(&places, told(&target, "cloned_part"), GS_PLACE_CLONE));
	gs_places_deinit(&places);
	assert_ok(gs_process_symbols_find(target.symbols, "cloned.cold", &places));
	assert_int_equal(places.count, 1);
	assert_true(has(&places, told(&target, "cloned_cold"), GS_PLACE_CLONE));
	gs_places_deinit(&places);
	assert_ok(gs_process_symbols_find(target.symbols, "renamed", &places));
	assert_int_equal(places.count, 1);
	assert_true(has(&places, told(&target, "renamed"), GS_PLACE_FUNCTION));
	gs_places_deinit(&places);
	stop(&target);
}

/* ---- libraries ---- */

static void test_library_later(void **state)
{
	bool changed = true;
	struct target target;

	(void)state;
	run(CC "-DWITH_DLOPEN " SOURCES "-o target");
	run("echo 'int late(int x) { return x + 1; }' | " CC
	    "-shared -fPIC -x c - -o liblate.so.1.2");
	start_with(&target, (const char *const[]){"./target", "./liblate.so.1.2", NULL});
	expect_error(&target, "late", GS_ERROR_NODATA, NULL);
	assert_ok(gs_process_symbols_refresh(target.symbols, &changed));
	assert_false(changed);
	step(&target);
	assert_ok(gs_process_symbols_refresh(target.symbols, &changed));
	assert_true(changed);
	expect_function(&target, "late", "late");
	expect_place(&target, told(&target, "late"), "late", 0);
	stop(&target);
}

/* ---- the loader ---- */

static void test_loader(void **state)
{
	struct target target;
	uint64_t address;
	struct gs_place place;

	(void)state;
	run(CC SOURCES "-o target && " CC "-static " SOURCES "-o static");
	start(&target, "./target");
	assert_ok(gs_process_symbols_loader(target.symbols, &address));
	assert_ok(gs_process_symbols_at(target.symbols, address, &place));
	assert_string_equal(place.symbol, "_dl_debug_state");
	gs_place_deinit(&place);
	assert_ok(gs_process_symbols_entry(target.symbols, &address));
	expect_place(&target, address, "_start", 0);
	stop(&target);
	start(&target, "./static");
	assert_error(gs_process_symbols_loader(target.symbols, &address), GS_ERROR_NODATA, NULL);
	assert_ok(gs_process_symbols_entry(target.symbols, &address));
	expect_place(&target, address, "_start", 0);
	stop(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_links),  unit_test_in_scratch(test_dynamic_symbols),
		unit_test_in_scratch(test_clones), unit_test_in_scratch(test_library_later),
		unit_test_in_scratch(test_loader),
	};

	if (!realpath("tests/unit/symbols", sources)) {
		perror("tests/unit/symbols");
		return 1;
	}
	setenv("S", sources, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
