/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbols of processes, against what the processes themselves say: tests/unit/symbols/target.c,
 * built in each way that there is.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>
#include <guestscope/symbols/process.h>

#include "unit.h"

#define LIMIT_MS 20000

static char sources[PATH_MAX]; /* tests/unit/symbols */
static int server_fd;          /* to whom DEBUGINFOD_URLS leads */

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

static bool can_unshare(void)
{
	return geteuid() == 0 && system("unshare -m true 2>/dev/null") == 0;
}

#define CC "${CC:-cc} -g -O2 -w -I$S "
#define SOURCES "$S/target.c $S/target_other.c "

/* Until it is ready for the next step. */
static void hear(struct target *target)
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
	hear(target);
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
	hear(target);
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

/* These places and no others: their addresses as the target tells them, by kind. */
struct expected {
	const char *name; /* NULL: the end; "*": not told of, as what is inlined */
	enum gs_place_kind kind;
};

static void expect_places(struct target *target, const char *what, const struct expected *expected)
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

static void expect_error(struct target *target, const char *what, enum gs_error_code code,
			 const char *message)
{
	struct gs_places places = {0};

	assert_error(gs_process_symbols_find(target->symbols, what, &places), code, message);
}

static void expect_all_ways(struct target *target)
{
	expect_function(target, "main", "main");
	expect_function(target, "caller_a", "caller_a");
	expect_function(target, "exported", "exported");
	expect_function(target, "alias", "exported");
	expect_places(target, "local",
		      PLACES({"local", GS_PLACE_FUNCTION}, {"other_local", GS_PLACE_FUNCTION}));
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

/* ---- debug information ---- */

/* The number of the line in target.c that is marked so. */
static unsigned int marked_line(const char *mark)
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

static void test_inlined(void **state)
{
	static const char *const ways[] = {"-gdwarf-5", "-gdwarf-4", "-gdwarf-5 -flto",
					   "-gdwarf-5 -gz"};
	struct gs_places places = {0};
	struct target target;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		run(CC "%s " SOURCES "-o target", ways[i]);
		start(&target, "./target");
		assert_ok(gs_process_symbols_find(target.symbols, "inlined", &places));
		assert_int_equal(places.count, 2);
		for (size_t j = 0; j < 2; j++) {
			const struct gs_place *place = &places.places[j];

			assert_int_equal(place->kind, GS_PLACE_INLINED);
			assert_string_equal(place->name, "inlined");
			assert_int_equal(place->address,
					 told(&target, place->symbol) + place->offset);
			assert_non_null(strstr(place->file, "target.c"));
		}
		assert_string_not_equal(places.places[0].symbol, places.places[1].symbol);
		gs_places_deinit(&places);
		stop(&target);
	}
}

static void test_lines(void **state)
{
	gs_autofree char *both = gs_strf("target.c:%u", marked_line("inlined"));
	gs_autofree char *one = gs_strf("symbols/target.c:%u", marked_line("caller_a"));
	gs_autofree char *entry = gs_strf("target!target.c:%u", marked_line("caller_a") - 1);
	gs_autofree char *none = gs_strf("arget.c:%u", marked_line("caller_a"));
	struct gs_places places = {0};
	struct target target;

	(void)state;
	run(CC SOURCES "-o target");
	start(&target, "./target");
	assert_ok(gs_process_symbols_find(target.symbols, both, &places));
	assert_int_equal(places.count, 2);
	assert_string_not_equal(places.places[0].symbol, places.places[1].symbol);
	assert_int_equal(places.places[0].kind, GS_PLACE_LINE);
	assert_int_equal(places.places[0].line, marked_line("inlined"));
	gs_places_deinit(&places);
	assert_ok(gs_process_symbols_find(target.symbols, one, &places));
	assert_int_equal(places.count, 1);
	assert_string_equal(places.places[0].symbol, "caller_a");
	gs_places_deinit(&places);
	/* The line where the function begins is its entry. */
	expect_places(&target, entry, PLACES({"caller_a", GS_PLACE_FUNCTION}));
	expect_error(&target, none, GS_ERROR_NODATA, NULL);
	stop(&target);
}

/* ---- separate debug files ---- */

static void test_debug_link(void **state)
{
	static const char *const folders[] = {".", ".debug"};
	struct target target;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		/* Without a build-id only the checksum tells. */
		run(CC "-Wl,--build-id=none " SOURCES "-o target && mkdir -p %s", folders[i]);
		run("objcopy --only-keep-debug target target.debug && strip -s target && "
		    "objcopy --add-gnu-debuglink=target.debug target");
		run("[ %s = . ] || mv target.debug %s", folders[i], folders[i]);
		start(&target, "./target");
		expect_all_ways(&target);
		stop(&target);
		run("echo >> %s/target.debug", folders[i]);
		start(&target, "./target");
		expect_error(&target, "local", GS_ERROR_NODATA, NULL);
		stop(&target);
		run("rm -r target .debug target.debug 2>/dev/null; :");
	}
}

/* Debug files whose common part is a file of its own, as Debian's are; by this name. */
static void build_shared(const char *name)
{
	run(CC SOURCES "-o target && cp target other && mkdir -p .debug common");
	run("for f in target other; do objcopy --only-keep-debug $f .debug/$f.debug && "
	    "strip -s $f && objcopy --add-gnu-debuglink=.debug/$f.debug $f || exit; done");
	run("dwz %s -m common/shared.debug .debug/target.debug .debug/other.debug", name);
	run("readelf -S -W .debug/target.debug 2>&1 | grep -q gnu_debugaltlink");
}

static void expect_shared(const char *const *argv)
{
	struct gs_places places = {0};
	struct target target;

	start_with(&target, argv);
	expect_all_ways(&target);
	assert_ok(gs_process_symbols_find(target.symbols, "inlined", &places));
	assert_int_equal(places.count, 2);
	gs_places_deinit(&places);
	stop(&target);
}

static void test_shared_debug(void **state)
{
	const char *const command = "mount --bind common elsewhere && exec ./target";

	(void)state;
	build_shared("-r");
	expect_shared((const char *const[]){"./target", NULL});
	if (!can_unshare())
		return;
	run("mkdir elsewhere");
	build_shared("-M $PWD/elsewhere/shared.debug");
	expect_shared((const char *const[]){"unshare", "-m", "sh", "-c", command, NULL});
}

/* What Fedora leaves in its files: the static functions, compressed. */
static void test_mini_debug(void **state)
{
	struct target target;

	(void)state;
	run(CC "-rdynamic " SOURCES "-o target && cp target whole && strip -s target");
	run("objcopy -S --remove-section .gdb_index --remove-section .comment whole /dev/null; "
	    "nm -D whole --format=posix --defined-only | cut -d' ' -f1 | sort > dynamic && "
	    "nm whole --format=posix --defined-only | awk '$2 ~ /[Tt]/ { print $1 }' | sort | "
	    "comm -13 dynamic - > keep && objcopy --only-keep-debug whole mini && "
	    "objcopy -S --keep-symbols=keep mini && xz -q mini && "
	    "objcopy --add-section .gnu_debugdata=mini.xz target");
	start(&target, "./target");
	expect_all_ways(&target);
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

/* ---- servers of debug files ---- */

/* Whether anybody has connected to the server that DEBUGINFOD_URLS names. */
static bool is_asked(int timeout_ms)
{
	struct pollfd fd = {.fd = server_fd, .events = POLLIN};
	bool asked = false;

	while (poll(&fd, 1, timeout_ms) > 0) {
		close(accept(server_fd, NULL, NULL));
		asked = true;
	}
	return asked;
}

static void *serve(void *arg)
{
	*(bool *)arg = is_asked(300);
	return NULL;
}

static void test_debuginfod(void **state)
{
	const struct gs_process_symbols_options options = {.debuginfod = true};
	void *client = dlopen("libdebuginfod.so.1", RTLD_LAZY);
	struct gs_process_symbols *symbols;
	struct gs_places places = {0};
	struct target target;
	bool asked = false;
	pthread_t server;

	(void)state;
	setenv("DEBUGINFOD_CACHE_PATH", unit_scratch, 1);
	run(CC "-Wl,--build-id " SOURCES "-o target && strip -s target");
	start(&target, "./target");
	expect_error(&target, "local", GS_ERROR_NODATA, NULL);
	expect_error(&target, "target!target.c:1", GS_ERROR_NODATA, NULL);
	assert_false(is_asked(0));
	assert_int_equal(pthread_create(&server, NULL, serve, &asked), 0);
	assert_ok(gs_process_symbols_open(target.process.pid, &options, &symbols));
	assert_error(gs_process_symbols_find(symbols, "target!local", &places), GS_ERROR_NODATA,
		     NULL);
	gs_process_symbols_close(symbols);
	pthread_join(server, NULL);
	/* Else the test shows nothing; but the client need not be there. */
	if (client)
		assert_true(asked);
	stop(&target);
}

/* libdw looks at the environment once, when it is loaded: this program begins anew. */
static bool begin_with_server(char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	gs_autofree char *url = NULL, *number = NULL;
	const char *given = getenv("GS_TEST_SERVER");

	if (given) {
		server_fd = atoi(given);
		return true;
	}
	server_fd = socket(AF_INET, SOCK_STREAM, 0);
	if (server_fd < 0 || bind(server_fd, (struct sockaddr *)&address, size) < 0 ||
	    listen(server_fd, 8) < 0 ||
	    getsockname(server_fd, (struct sockaddr *)&address, &size) < 0)
		return false;
	url = gs_strf("http://127.0.0.1:%u/", ntohs(address.sin_port));
	number = gs_strf("%d", server_fd);
	setenv("DEBUGINFOD_URLS", url, 1);
	setenv("DEBUGINFOD_TIMEOUT", "1", 1);
	setenv("GS_TEST_SERVER", number, 1);
	execv("/proc/self/exe", argv);
	return false;
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_links),      unit_test_in_scratch(test_dynamic_symbols),
		unit_test_in_scratch(test_clones),     unit_test_in_scratch(test_library_later),
		unit_test_in_scratch(test_versions),   unit_test_in_scratch(test_chosen),
		unit_test_in_scratch(test_inlined),    unit_test_in_scratch(test_lines),
		unit_test_in_scratch(test_debug_link), unit_test_in_scratch(test_shared_debug),
		unit_test_in_scratch(test_mini_debug), unit_test_in_scratch(test_deleted),
		unit_test_in_scratch(test_loader),     unit_test_in_scratch(test_at_exec),
		unit_test_in_scratch(test_namespace),  unit_test_in_scratch(test_debuginfod),
		unit_test_in_scratch(test_not_found),
	};

	(void)argc;
	if (!begin_with_server(argv) || !realpath("tests/unit/symbols", sources)) {
		perror("test_process_symbols");
		return 1;
	}
	setenv("S", sources, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
