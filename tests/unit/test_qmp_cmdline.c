/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitors that QEMU command lines ask for. */
#include "../../lib/qmp/cmdline.h"

#include "unit.h"

/* Arguments joined by NULs, from a NULL-terminated list. */
static struct gs_qmp_monitors read_args(const char *const *args)
{
	struct gs_qmp_monitors monitors;
	char text[4096];
	size_t size = 0;

	for (; *args; args++) {
		memcpy(text + size, *args, strlen(*args) + 1);
		size += strlen(*args) + 1;
	}
	assert_ok(gs_qmp_monitors_of(text, size, &monitors));
	return monitors;
}

#define ARGS(...) ((const char *const[]){"qemu-system-x86_64", __VA_ARGS__, NULL})

static void assert_unix(const char *const *args, const char *path)
{
	struct gs_qmp_monitors m = read_args(args);

	assert_int_equal(m.count, 1);
	assert_null(m.items[0].obstacle);
	assert_int_equal(m.items[0].address.kind, GS_QMP_UNIX);
	assert_string_equal(m.items[0].address.path, path);
	gs_qmp_monitors_deinit(&m);
}

static void assert_tcp(const char *const *args, const char *host, uint16_t port)
{
	struct gs_qmp_monitors m = read_args(args);

	assert_int_equal(m.count, 1);
	assert_null(m.items[0].obstacle);
	assert_int_equal(m.items[0].address.kind, GS_QMP_TCP);
	assert_string_equal(m.items[0].address.host, host);
	assert_int_equal(m.items[0].address.port, port);
	gs_qmp_monitors_deinit(&m);
}

static void assert_obstacle(const char *const *args, const char *obstacle)
{
	struct gs_qmp_monitors m = read_args(args);

	assert_int_equal(m.count, 1);
	assert_non_null(m.items[0].obstacle);
	assert_string_equal(m.items[0].obstacle, obstacle);
	gs_qmp_monitors_deinit(&m);
}

static void test_short_forms(void **state)
{
	(void)state;
	assert_unix(ARGS("-qmp", "unix:/run/m,server=on,wait=off"), "/run/m");
	assert_unix(ARGS("--qmp", "unix:/run/m,server,nowait"), "/run/m");
	assert_unix(ARGS("-qmp-pretty", "unix:/run/m,server=on"), "/run/m");
	assert_unix(ARGS("-qmp", "unix:/a,,b=c,server=on"), "/a,b=c");
	assert_unix(ARGS("-qmp", "unix:m,server=on,abstract=on"), "@m");
	assert_tcp(ARGS("-qmp", "tcp:127.0.0.1:4444,server=on"), "127.0.0.1", 4444);
	assert_tcp(ARGS("-qmp", "tcp::4444,server,nowait"), "localhost", 4444);
	assert_tcp(ARGS("-qmp", "tcp:0.0.0.0:4444,server"), "localhost", 4444);
}

static void test_chardevs(void **state)
{
	(void)state;
	assert_unix(ARGS("-chardev", "socket,id=c,path=/run/m,server=on,wait=off", "-mon",
			 "chardev=c,mode=control"),
		    "/run/m");
	assert_unix(ARGS("-mon", "c,mode=control,pretty=on", "-m", "1G", "-chardev",
			 "socket,path=/run/m,server=on,id=c"),
		    "/run/m");
	assert_unix(ARGS("-chardev", "socket,id=a,path=/no,server=on", "-chardev",
			 "socket,id=b,path=/run/m,server=on", "-qmp", "chardev:b"),
		    "/run/m");
	assert_tcp(ARGS("-chardev", "socket,id=c,host=::,port=4444,server=on", "-mon",
			"chardev=c,mode=control"),
		   "localhost", 4444);
}

static void test_json(void **state)
{
	(void)state;
	assert_unix(ARGS("-chardev",
			 "{\"id\":\"c\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{"
			 "\"type\":\"unix\",\"data\":{\"path\":\"/run/m\"}},\"wait\":false}}}",
			 "-mon", "{\"chardev\":\"c\",\"mode\":\"control\"}"),
		    "/run/m");
}

static void test_obstacles(void **state)
{
	(void)state;
	assert_obstacle(ARGS("-qmp", "stdio"), "is not a socket");
	assert_obstacle(ARGS("-qmp", "pipe:/x"), "is not a plain socket");
	assert_obstacle(ARGS("-qmp", "telnet:localhost:1,server=on"), "is not a plain socket");
	assert_obstacle(ARGS("-qmp", "unix:/run/m"), "connects out instead of listening");
	assert_obstacle(ARGS("-qmp", "unix:/run/m,server=off"),
			"connects out instead of listening");
	assert_obstacle(ARGS("-chardev", "pty,id=c", "-mon", "chardev=c,mode=control"),
			"is not a socket");
	assert_obstacle(ARGS("-mon", "chardev=c,mode=control"),
			"has a character device that is not on the command line");
	assert_obstacle(ARGS("-chardev", "socket,id=c,host=h,port=1,server=on,telnet=on", "-mon",
			     "chardev=c,mode=control"),
			"speaks telnet or websocket");
	assert_obstacle(ARGS("-qmp", "tcp:localhost:0,server=on"), "has no fixed port");
}

static void test_libvirt(void **state)
{
	struct gs_qmp_monitors m =
		read_args(ARGS("-name", "guest=vm,,1,debug-threads=on", "-chardev",
			       "socket,id=charmonitor,fd=26,server=on,wait=off", "-mon",
			       "chardev=charmonitor,id=monitor,mode=control", "-qmp",
			       "unix:/run/second,server=on"));

	(void)state;
	assert_int_equal(m.count, 2);
	assert_true(m.items[0].is_libvirts);
	assert_int_equal(m.items[0].address.kind, GS_QMP_FD);
	assert_int_equal(m.items[0].address.fd, 26);
	assert_string_equal(m.guest, "vm,1");
	assert_false(m.items[1].is_libvirts);
	assert_string_equal(m.items[1].address.path, "/run/second");
	gs_qmp_monitors_deinit(&m);
}

static void test_no_qmp(void **state)
{
	struct gs_qmp_monitors m =
		read_args(ARGS("-monitor", "unix:/run/hmp,server=on", "-qmp", "none", "-mon",
			       "chardev=c,mode=readline", "-serial"));

	(void)state;
	assert_int_equal(m.count, 0);
	assert_int_equal(m.human, 2);
	assert_null(m.guest);
	gs_qmp_monitors_deinit(&m);
}

/* /proc may hand out a text that was cut or that the process wrote itself. */
static void test_odd_texts(void **state)
{
	static const char *const texts[] = {
		"", "q", "-qmp", "a\0-qmp\0unix:/x", "\0\0\0-qmp\0\0", "a\0-chardev\0{\0-mon\0{\0"};
	static const size_t sizes[] = {0, 1, 5, 13, 9, 18};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct gs_qmp_monitors m;

		assert_ok(gs_qmp_monitors_of(texts[i], sizes[i], &m));
		gs_qmp_monitors_deinit(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_forms), cmocka_unit_test(test_chardevs),
		cmocka_unit_test(test_json),        cmocka_unit_test(test_obstacles),
		cmocka_unit_test(test_libvirt),     cmocka_unit_test(test_no_qmp),
		cmocka_unit_test(test_odd_texts),
	};

	return cmocka_run_group_tests_name("qmp cmdline", tests, NULL, NULL);
}
