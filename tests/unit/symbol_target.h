/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs whose symbols are looked for: built of tests/unit/symbols in the scratch folder, and run
 * until they have told where their functions are. What is found must be there.
 */
#ifndef TESTS_UNIT_SYMBOL_TARGET_H
#define TESTS_UNIT_SYMBOL_TARGET_H

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/symbols/process.h>

#include "unit.h"

static char sources[PATH_MAX]; /* tests/unit/symbols */

/* False: the sources are not to be found. For main(). */
__attribute__((unused)) static bool find_sources(void)
{
	if (!realpath("tests/unit/symbols", sources)) {
		perror("tests/unit/symbols");
		return false;
	}
	return setenv("S", sources, 1) == 0;
}

/* ---- targets ---- */

struct target {
	struct gs_process process;
	FILE *in, *out;
	char said[8192]; /* all that it has told of where things are, by line */
	struct gs_process_symbols *symbols;
};

/* A shell command, in the scratch folder; $S are the sources. */
__attribute__((unused)) GS_PRINTF(1, 2) static void run(const char *fmt, ...)
{
	char command[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("%s", command);
}

__attribute__((unused)) static bool can_unshare(void)
{
	return geteuid() == 0 && system("unshare -m true 2>/dev/null") == 0;
}

#define CC "${CC:-cc} -g -O2 -w -I$S "
#define SOURCES "$S/target.c $S/target_other.c "

/* Until it is ready for the next step. */
__attribute__((unused)) static void hear(struct target *target)
{
	char line[256];

	while (fgets(line, sizeof(line), target->out)) {
		if (strcmp(line, "ready\n") == 0)
			return;
		strcat(target->said, line);
	}
	fail_msg("the target has ended");
}

__attribute__((unused)) static void start_with(struct target *target, const char *const *argv)
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
	hear(target);
	assert_ok(gs_process_symbols_open(target->process.pid, NULL, &target->symbols));
}

__attribute__((unused)) static void start(struct target *target, const char *program)
{
	start_with(target, (const char *const[]){program, NULL});
}

__attribute__((unused)) static void step(struct target *target)
{
	fputc('\n', target->in);
	fflush(target->in);
	hear(target);
}

__attribute__((unused)) static void stop(struct target *target)
{
	gs_process_symbols_close(target->symbols);
	fclose(target->in);
	fclose(target->out);
	assert_ok(gs_process_end(&target->process, NULL));
}

/* Where the target says that @name is. */
__attribute__((unused)) static uint64_t told(const struct target *target, const char *name)
{
	gs_autofree char *key = gs_strf("\n%s ", name);
	const char *found = strstr(target->said, key);

	if (!found)
		fail_msg("the target does not tell of %s:%s", name, target->said);
	return strtoull(found + strlen(key), NULL, 16);
}

/* The number of the line in target.c that is marked so. */
__attribute__((unused)) static unsigned int marked_line(const char *mark)
{
	gs_autofree char *path = gs_strf("%s/target.c", sources);
	gs_autofree char *text = gs_strf("/* line: %s */", mark);
	FILE *file = fopen(path, "r");
	unsigned int number = 1;
	char line[256];

	while (fgets(line, sizeof(line), file) && !strstr(line, text))
		number++;
	fclose(file);
	return number;
}

/* ---- expectations ---- */

__attribute__((unused)) static bool has(const struct gs_places *places, uint64_t address,
					enum gs_place_kind kind)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->places[i].address == address && places->places[i].kind == kind)
			return true;
	}
	return false;
}

/* @what is one place, a function, where the target says that @name is. */
__attribute__((unused)) static void expect_function(struct target *target, const char *what,
						    const char *name)
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

/* These places and no others: their addresses as the target tells them, by kind. */
struct expected {
	const char *name; /* NULL: the end */
	enum gs_place_kind kind;
};

__attribute__((unused)) static void expect_places(struct target *target, const char *what,
						  const struct expected *expected)
{
	struct gs_places places = {0};
	size_t count = 0;

	assert_ok(gs_process_symbols_find(target->symbols, what, &places));
	for (; expected[count].name; count++) {
		if (!has(&places, told(target, expected[count].name), expected[count].kind))
			fail_msg("%s: not at %s, or not a %s there", what, expected[count].name,
				 gs_place_kind_name(expected[count].kind));
	}
	assert_int_equal(places.count, count);
	gs_places_deinit(&places);
}

#define PLACES(...)                         \
	(const struct expected[])           \
	{                                   \
		__VA_ARGS__,                \
		{                           \
			NULL, GS_PLACE_LINE \
		}                           \
	}

__attribute__((unused)) static void expect_error(struct target *target, const char *what,
						 enum gs_error_code code, const char *message)
{
	struct gs_places places = {0};

	assert_error(gs_process_symbols_find(target->symbols, what, &places), code, message);
}

__attribute__((unused)) static void expect_all_ways(struct target *target)
{
	expect_function(target, "main", "main");
	expect_function(target, "caller_a", "caller_a");
	expect_function(target, "exported", "exported");
	expect_function(target, "alias", "exported");
	expect_places(target, "local",
		      PLACES({"local", GS_PLACE_FUNCTION}, {"other_local", GS_PLACE_FUNCTION}));
}

__attribute__((unused)) static void expect_place(struct target *target, uint64_t address,
						 const char *symbol, uint64_t off)
{
	struct gs_place place;

	assert_ok(gs_process_symbols_at(target->symbols, address, &place));
	assert_string_equal(place.symbol, symbol);
	assert_int_equal(place.offset, off);
	assert_int_equal(place.address, address);
	gs_place_deinit(&place);
}

#endif
