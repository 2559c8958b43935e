/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monitor addresses. */
#include <guestscope/qmp.h>

#include "unit.h"

static struct gs_qmp_address parse(const char *text)
{
	struct gs_qmp_address address = {0};

	assert_ok(gs_qmp_address_parse(text, &address));
	return address;
}

static void assert_path(const char *text, const char *path)
{
	struct gs_qmp_address address = parse(text);

	assert_int_equal(address.kind, GS_QMP_UNIX);
	assert_string_equal(address.path, path);
	gs_qmp_address_deinit(&address);
}

static void assert_tcp(const char *text, const char *host, uint16_t port)
{
	struct gs_qmp_address address = parse(text);

	assert_int_equal(address.kind, GS_QMP_TCP);
	assert_string_equal(address.host, host);
	assert_int_equal(address.port, port);
	gs_qmp_address_deinit(&address);
}

static void test_unix(void **state)
{
	(void)state;
	assert_path("unix:/run/m", "/run/m");
	assert_path("unix:m", "m");
	assert_path("unix:@name", "@name");
	assert_path("/run/m", "/run/m");
	assert_path("./m", "./m");
	assert_path("a:b/c", "a:b/c");
}

static void test_tcp(void **state)
{
	(void)state;
	assert_tcp("tcp:localhost:4444", "localhost", 4444);
	assert_tcp("tcp:127.0.0.1:1", "127.0.0.1", 1);
	assert_tcp("tcp:[::1]:65535", "::1", 65535);
	assert_tcp("tcp::4444", "localhost", 4444);
}

static void test_numbers(void **state)
{
	struct gs_qmp_address address;

	(void)state;
	address = parse("fd:3");
	assert_int_equal(address.kind, GS_QMP_FD);
	assert_int_equal(address.fd, 3);
	address = parse("pid:4242");
	assert_int_equal(address.kind, GS_QMP_PID);
	assert_int_equal(address.pid, 4242);
	address = parse("libvirt:some domain");
	assert_int_equal(address.kind, GS_QMP_LIBVIRT);
	assert_string_equal(address.path, "some domain");
	gs_qmp_address_deinit(&address);
}

static void test_refusals(void **state)
{
	static const char *const texts[] = {
		"",          "name",    "unix:",       "unix:@",        "tcp:host",
		"tcp:h:",    "tcp:h:0", "tcp:h:65536", "tcp:[::1]4444", "tcp:::1:4444x",
		"tcp:h:12x", "fd:",     "fd:-1",       "fd:x",          "fd:99999999999",
		"pid:0",     "pid:-5",  "pid:",        "libvirt:",      "tcp:[::1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct gs_qmp_address address;

		assert_error(gs_qmp_address_parse(texts[i], &address), GS_ERROR_INVALID, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests_name("qmp address", tests, NULL, NULL);
}
