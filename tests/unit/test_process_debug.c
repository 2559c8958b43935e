/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What debug information adds to the symbols of processes, and where it is found. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "symbol_target.h"

static int server_fd; /* to whom DEBUGINFOD_URLS leads */

/* ---- debug information ---- */

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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_inlined),    unit_test_in_scratch(test_lines),
		unit_test_in_scratch(test_debug_link), unit_test_in_scratch(test_shared_debug),
		unit_test_in_scratch(test_mini_debug), unit_test_in_scratch(test_debuginfod),
	};

	(void)argc;
	if (!begin_with_server(argv) || !find_sources())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
