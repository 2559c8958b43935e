/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of processes, against what the processes themselves say, linked in each way. */
#include <linux/capability.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "symbol_target.h"

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
	struct target target;

	(void)state;
	run(CC SOURCES "-o target");
	start(&target, "./target");
	expect_places(&target, "cloned",
		      PLACES({"cloned", GS_PLACE_FUNCTION}, {"cloned_isra", GS_PLACE_CLONE},
			     {"cloned_part", GS_PLACE_CLONE}));
	/* Nobody calls this one: it is jumped to. */
	expect_places(&target, "cloned.cold", PLACES({"cloned_cold", GS_PLACE_CLONE}));
	expect_places(&target, "partly_cold", PLACES({"partly_cold", GS_PLACE_FUNCTION}));
	expect_places(&target, "renamed", PLACES({"renamed", GS_PLACE_FUNCTION}));
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

static void test_versions(void **state)
{
	struct target target;

	(void)state;
	run(CC "-shared -fPIC $S/library.c -Wl,--version-script=$S/library.map -o libv.so.3.4");
	run("strip -s libv.so.3.4 && ln -s libv.so.3.4 libv.so");
	run(CC "$S/user.c -L. -lv -Wl,-rpath,. -o user");
	start(&target, "./user");
	expect_places(
		&target, "versioned",
		PLACES({"versioned_1", GS_PLACE_FUNCTION}, {"versioned_2", GS_PLACE_FUNCTION}));
	expect_places(&target, "versioned@ONE", PLACES({"versioned_1", GS_PLACE_FUNCTION}));
	expect_places(&target, "versioned@@TWO", PLACES({"versioned_2", GS_PLACE_FUNCTION}));
	expect_error(&target, "versioned@THREE", GS_ERROR_NODATA, NULL);
	expect_places(&target, "libv!versioned@ONE", PLACES({"versioned_1", GS_PLACE_FUNCTION}));
	expect_places(&target, "libv.so.3!versioned@ONE",
		      PLACES({"versioned_1", GS_PLACE_FUNCTION}));
	expect_error(&target, "user!versioned", GS_ERROR_NODATA, NULL);
	expect_error(&target, "lib!versioned", GS_ERROR_NODATA, NULL);
	stop(&target);
}

/* With each way in which the loader fills the slots. */
static void test_chosen(void **state)
{
	static const char *const ways[] = {"-Wl,-z,now", "-fno-plt", "-no-pie -fno-pie -Wl,-z,now"};
	struct gs_places places = {0};
	struct target target;

	(void)state;
	run(CC "-shared -fPIC $S/library.c -Wl,--version-script=$S/library.map -o libv.so");
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		run(CC "%s $S/user.c -L. -lv -Wl,-rpath,. -o user", ways[i]);
		start(&target, "./user");
		assert_ok(gs_process_symbols_find(target.symbols, "chosen", &places));
		assert_int_equal(places.count, 1);
		assert_int_equal(places.places[0].address, told(&target, "choice_b"));
		assert_string_equal(places.places[0].name, "chosen");
		assert_string_equal(places.places[0].symbol, "choice_b");
		gs_places_deinit(&places);
		expect_error(&target, "unasked", GS_ERROR_UNSUPPORTED, NULL);
		stop(&target);
	}
	/* Not before the first call. */
	run(CC "-Wl,-z,lazy $S/user.c -L. -lv -Wl,-rpath,. -o user");
	start(&target, "./user");
	expect_error(&target, "chosen", GS_ERROR_UNSUPPORTED, NULL);
	stop(&target);
}

/* ---- files that are not where they were ---- */

/* Root may open what is mapped whatever became of its name; others, and we, then, may not. */
static void be_root(bool privileged)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	const int wanted[] = {CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE};

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	for (size_t i = 0; i < 2; i++) {
		struct __user_cap_data_struct *word = &data[wanted[i] / 32];

		if (!privileged)
			word->effective &= ~(1u << wanted[i] % 32);
		else
			word->effective |= word->permitted & 1u << wanted[i] % 32;
	}
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void expect_deleted(void)
{
	struct target target;

	run(CC SOURCES "-o target");
	start(&target, "./target");
	run("rm target");
	expect_all_ways(&target);
	stop(&target);
	/* An upgrade: another program is there now. */
	run(CC SOURCES "-o target");
	start(&target, "./target");
	run("echo 'int local(int x) { return x; } int main(void) { return local(1); }' > new.c "
	    "&& " CC "new.c -o new && mv new target");
	expect_all_ways(&target);
	stop(&target);
	/* Of a library, there may be its memory alone: .dynsym. */
	run(CC "-DWITH_DLOPEN " SOURCES "-o target");
	run("echo 'int late(int x) { return x + 1; }' | " CC "-shared -fPIC -x c - -o late.so");
	start_with(&target, (const char *const[]){"./target", "./late.so", NULL});
	step(&target);
	run("rm late.so");
	assert_ok(gs_process_symbols_refresh(target.symbols, &(bool){false}));
	expect_function(&target, "late", "late");
	expect_places(&target, "late.so!late", PLACES({"late", GS_PLACE_FUNCTION}));
	stop(&target);
}

static void test_deleted(void **state)
{
	(void)state;
	expect_deleted();
	be_root(false);
	expect_deleted();
	be_root(true);
}

/* Where it lies is to be seen by nobody else. */
static void test_namespace(void **state)
{
	struct target target;

	(void)state;
	if (!can_unshare())
		skip();
	run(CC SOURCES "-o target && objcopy --only-keep-debug target target.debug && "
		       "strip -s target && objcopy --add-gnu-debuglink=target.debug target");
	run("mkdir here there && mv target target.debug there");
	/* What everybody sees under that name is another program. */
	run("echo 'int local; int main(void) { return local; }' > new.c && " CC
	    "new.c -o here/target");
	start_with(&target,
		   (const char *const[]){"unshare", "-m", "sh", "-c",
					 "mount --bind there here && exec here/target", NULL});
	expect_all_ways(&target);
	stop(&target);
}

/* ---- what is not there ---- */

static void expect_message(struct target *target, const char *what, const char *fmt)
{
	gs_autofree char *message = gs_strf("process %d: %s", (int)target->process.pid, fmt);

	expect_error(target, what, GS_ERROR_NODATA, message);
}

static void test_not_found(void **state)
{
	struct gs_places places = {0};
	struct gs_process_symbols *symbols;
	struct target target;
	gs_autofree char *no_code =
		gs_strf("target.c has no code at line 1; there is at %u", marked_line("first"));
	gs_autofree char *data = NULL;
	pid_t pid;

	(void)state;
	run(CC "-static " SOURCES "-o target");
	start(&target, "./target");
	expect_message(&target, "exportde", "no function \"exportde\"; similar: \"exported\"");
	expect_message(&target, "target!aller_",
		       "no function \"aller_\" in target; similar: "
		       "\"caller_a\", \"caller_b\"");
	expect_message(&target, "targte!main", "no file \"targte\"; similar: \"target\"");
	expect_message(&target, "targte.c:3", "no source file \"targte.c\"; similar: \"target.c\"");
	expect_message(&target, "target.c:1", no_code);
	expect_message(&target, "0x10", "no file is mapped at 0x10");
	for (const char **what = (const char *[]){"", "!", "a!", "!b", "@c", "b@", NULL}; *what;
	     what++)
		expect_error(&target, *what, GS_ERROR_INVALID, NULL);
	data = gs_strf("0x%" PRIx64, told(&target, "counter"));
	expect_error(&target, data, GS_ERROR_INVALID, NULL);
	pid = target.process.pid;
	stop(&target);
	assert_error(gs_process_symbols_open(pid, NULL, &symbols), GS_ERROR_GONE, NULL);

	run("strip -s target");
	start(&target, "./target");
	expect_message(&target, "local",
		       "no function \"local\"; no .symtab, and so no static "
		       "functions, of target: install the debug package");
	expect_message(&target, "target.c:1",
		       "no source file \"target.c\"; no debug information "
		       "of target: install the debug package");
	symbols = gs_take(target.symbols);
	stop(&target);
	assert_error(gs_process_symbols_refresh(symbols, &(bool){false}), GS_ERROR_GONE, NULL);
	assert_error(gs_process_symbols_find(symbols, "local", &places), GS_ERROR_NODATA, NULL);
	gs_process_symbols_close(symbols);
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

#ifdef __aarch64__
#define BREAKPOINT 0xd4200000
#else
#define BREAKPOINT 0xcc
#endif

/* At its exec, before any instruction of it, a program's own functions and the loader are there. */
static void test_at_exec(void **state)
{
	uint64_t early = 0, late = 0;
	struct target target = {0};
	struct gs_places places = {0};
	int status;
	pid_t pid;

	(void)state;
	run(CC SOURCES "-o target");
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl("./target", "./target", NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_ok(gs_process_symbols_open(pid, NULL, &target.symbols));
	assert_ok(gs_process_symbols_loader(target.symbols, &early));
	assert_ok(gs_process_symbols_find(target.symbols, "main", &places));
	assert_int_equal(places.count, 1);
	gs_places_deinit(&places);
	/* Libraries are not, until it comes there. */
	assert_error(gs_process_symbols_find(target.symbols, "puts", &places), GS_ERROR_NODATA,
		     NULL);
	assert_int_equal(ptrace(PTRACE_POKEDATA, pid, early, BREAKPOINT), 0);
	assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	assert_ok(gs_process_symbols_loader(target.symbols, &late));
	assert_int_equal(early, late);
	gs_process_symbols_close(target.symbols);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_links),     unit_test_in_scratch(test_dynamic_symbols),
		unit_test_in_scratch(test_clones),    unit_test_in_scratch(test_library_later),
		unit_test_in_scratch(test_versions),  unit_test_in_scratch(test_chosen),
		unit_test_in_scratch(test_deleted),   unit_test_in_scratch(test_namespace),
		unit_test_in_scratch(test_not_found), unit_test_in_scratch(test_loader),
		unit_test_in_scratch(test_at_exec),
	};

	if (!find_sources())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
