/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP client against a real QEMU, which refuses deprecated and unstable input. $QEMU names
 * another binary.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <guestscope/qmp.h>

#include "qemu.h"

static const struct gs_qmp_options impatient = {.greeting_ms = 600};

static void assert_status(struct gs_qmp *qmp, const char *expected)
{
	struct gs_qmp_status status;

	assert_ok(gs_qmp_query_status(qmp, &status));
	assert_string_equal(status.status, expected);
}

static void assert_event(struct gs_qmp *qmp, const char *name)
{
	struct gs_qmp_event event;

	assert_ok(gs_qmp_next_event(qmp, gs_deadline_in(PATIENCE_MS), &event));
	assert_string_equal(event.name, name);
	gs_qmp_event_deinit(&event);
}

/* ---- transports ---- */

static void test_unix(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");
	int version[3];

	(void)state;
	gs_qmp_version(qmp, version);
	assert_in_range(version[0], 5, 99);
	assert_int_equal(gs_qmp_peer_pid(qmp), pid);
	assert_status(qmp, "prelaunch");
	gs_qmp_close(qmp);
	/* The next client finds the monitor as if there had been none. */
	qmp = connect_to("./m");
	assert_status(qmp, "prelaunch");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_deep_path(void **state)
{
	char directory[121], path[256];
	struct gs_qmp *qmp;
	pid_t pid;

	(void)state;
	memset(directory, 'd', 120);
	directory[120] = '\0';
	snprintf(path, sizeof(path), "./%s/m", directory);
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(chdir(directory), 0);
	pid = START("-M", "none", MONITOR);
	assert_int_equal(chdir(".."), 0);
	qmp = connect_to(path);
	assert_status(qmp, "prelaunch");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_abstract(void **state)
{
	gs_autofree char *device = NULL, *address = NULL;
	struct gs_qmp *qmp;
	pid_t pid;

	(void)state;
	assert_true(asprintf(&device, "unix:guestscope-%d,abstract=on,server=on,wait=off",
			     (int)getpid()) > 0);
	assert_true(asprintf(&address, "unix:@guestscope-%d", (int)getpid()) > 0);
	pid = START("-M", "none", "-qmp", device);
	qmp = connect_to(address);
	assert_status(qmp, "prelaunch");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

/* QEMU takes any free port; "pid:N" cannot know it, the kernel's tables do. */
static void test_tcp(void **state)
{
	gs_autofree char *device = NULL, *address = NULL;
	int port = 20000 + (int)getpid() % 20000;
	struct gs_qmp *qmp;
	pid_t pid;

	(void)state;
	assert_true(asprintf(&device, "tcp:127.0.0.1:%d,server=on,wait=off", port) > 0);
	assert_true(asprintf(&address, "tcp:localhost:%d", port) > 0);
	pid = START("-M", "none", "-qmp", device);
	qmp = connect_to(address);
	assert_int_equal(gs_qmp_peer_pid(qmp), pid);
	assert_status(qmp, "prelaunch");
	assert_error(gs_qmp_getfd(qmp, "x", 0), GS_ERROR_UNSUPPORTED, NULL);
	gs_qmp_close(qmp);
	end_qemu(pid);
}

/* One end of a pair for QEMU; the other is used by one session after another. */
static void test_inherited_fd(void **state)
{
	gs_autofree char *chardev = NULL, *address = NULL;
	int pair[2], version[3];
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fcntl(pair[0], F_SETFD, 0);
	assert_true(asprintf(&chardev, "socket,id=c,fd=%d", pair[0]) > 0);
	assert_true(asprintf(&address, "fd:%d", pair[1]) > 0);
	pid = START("-M", "none", "-chardev", chardev, "-mon", "chardev=c,mode=control");
	close(pair[0]);
	for (int i = 0; i < 3; i++) {
		struct gs_qmp *qmp = connect_to(address);

		gs_qmp_version(qmp, version);
		assert_in_range(version[0], 5, 99);
		assert_int_equal(gs_qmp_peer_pid(qmp), pid);
		assert_status(qmp, "prelaunch");
		gs_qmp_close(qmp);
	}
	close(pair[1]);
	end_qemu(pid);
}

static void test_pretty(void **state)
{
	pid_t pid = START("-M", "none", "-chardev", "socket,id=c,path=m,server=on,wait=off", "-mon",
			  "chardev=c,mode=control,pretty=on");
	struct gs_qmp *qmp = connect_to("./m");
	gs_autofree char *text = NULL;

	(void)state;
	assert_status(qmp, "prelaunch");
	assert_ok(gs_qmp_hmp(qmp, "info status", -1, &text));
	assert_string_equal(text, "VM status: paused (prelaunch)\n");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_human_monitor(void **state)
{
	pid_t pid = START("-M", "none", "-monitor", "unix:m,server=on,wait=off");
	uint64_t deadline = gs_deadline_in(PATIENCE_MS);
	struct gs_qmp *qmp = NULL;
	struct gs_error *err;

	(void)state;
	while ((err = try_connect("./m", NULL, &qmp)) && err->code == GS_ERROR_UNREACHABLE &&
	       !gs_deadline_passed(deadline)) {
		gs_error_destroy(err);
		usleep(10000);
	}
	assert_error(err, GS_ERROR_PROTOCOL, NULL);
	end_qemu(pid);
}

/* ---- by pid ---- */

static void await_socket(const char *path)
{
	uint64_t deadline = gs_deadline_in(PATIENCE_MS);

	while (access(path, F_OK) < 0 && !gs_deadline_passed(deadline))
		usleep(10000);
}

static void assert_pid_error(pid_t pid, enum gs_error_code code, const char *message)
{
	gs_autofree char *address = NULL, *expected = NULL;
	struct gs_qmp *qmp = NULL;

	assert_true(asprintf(&address, "pid:%d", (int)pid) > 0);
	assert_true(asprintf(&expected, "%s: %s", address, message) > 0);
	assert_error(try_connect(address, &impatient, &qmp), code, expected);
}

/* The first is held by ourselves, so the second is taken at once. */
static void test_pid_takes_a_free_monitor(void **state)
{
	pid_t pid =
		START("-M", "none", MONITOR, "-chardev", "socket,id=c,path=m2,server=on,wait=off",
		      "-mon", "chardev=c,mode=control");
	gs_autofree char *address = NULL, *busy = NULL;
	struct gs_qmp *first = connect_to("./m"), *second = NULL;
	char comm[17] = "";
	int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);

	(void)state;
	await_socket("m2");
	assert_true(asprintf(&address, "pid:%d", (int)pid) > 0);
	assert_ok(try_connect(address, NULL, &second));
	assert_string_equal(gs_qmp_name(second), address);
	assert_int_equal(gs_qmp_peer_pid(second), pid);
	assert_status(second, "prelaunch");
	assert_true(read(fd, comm, 16) > 0);
	close(fd);
	comm[strcspn(comm, "\n")] = '\0';
	assert_true(asprintf(&busy, "/proc/%d/cwd/m: socket is busy: held by %d (%s)", (int)pid,
			     (int)getpid(), comm) > 0);
	assert_pid_error(pid, GS_ERROR_BUSY, busy);
	gs_qmp_close(first);
	gs_qmp_close(second);
	end_qemu(pid);
}

/* A listening socket made by whoever started QEMU, as launchers and libvirt do. */
static pid_t start_with_listening_fd(const char *id)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	gs_autofree char *chardev = NULL, *mon = NULL, *here = getcwd(NULL, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/l", here);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_true(asprintf(&chardev, "socket,id=%s,fd=%d,server=on,wait=off", id, fd) > 0);
	assert_true(asprintf(&mon, "chardev=%s,mode=control", id) > 0);
	pid = START("-M", "none", "-name", "guest=lv", "-chardev", chardev, "-mon", mon);
	close(fd);
	return pid;
}

/* Until the new process is QEMU and no longer a copy of us. */
static void await_exec(pid_t pid)
{
	uint64_t deadline = gs_deadline_in(PATIENCE_MS);
	char path[64], text[4096] = "";

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	while (!strstr(text, "qemu") && !gs_deadline_passed(deadline) && usleep(5000) == 0) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t size = read(fd, text, sizeof(text) - 1);

		text[size < 0 ? 0 : size] = '\0';
		close(fd);
	}
}

static void test_pid_with_listening_fd(void **state)
{
	pid_t pid = start_with_listening_fd("c");
	gs_autofree char *address = NULL;
	struct gs_qmp *qmp;

	(void)state;
	await_exec(pid);
	assert_true(asprintf(&address, "pid:%d", (int)pid) > 0);
	qmp = connect_to(address);
	assert_status(qmp, "prelaunch");
	gs_qmp_close(qmp);
	end_qemu(pid);
	assert_int_equal(unlink("l"), 0);
	pid = start_with_listening_fd("charmonitor");
	await_exec(pid);
	assert_pid_error(pid, GS_ERROR_BUSY, "its monitor is held by libvirt (domain lv)");
	end_qemu(pid);
}

/* -readconfig says nothing on the command line: the process's sockets do. */
static void test_pid_with_config_file(void **state)
{
	gs_autofree char *address = NULL, *here = getcwd(NULL, 0);
	FILE *config = fopen("config", "w");
	struct gs_qmp *qmp;
	pid_t pid;

	(void)state;
	fprintf(config,
		"[chardev \"c\"]\n backend = \"socket\"\n path = \"%s/m\"\n server = \"on\"\n"
		" wait = \"off\"\n[mon \"q\"]\n mode = \"control\"\n chardev = \"c\"\n",
		here);
	fclose(config);
	pid = START("-M", "none", "-readconfig", "config");
	await_socket("m");
	assert_true(asprintf(&address, "pid:%d", (int)pid) > 0);
	qmp = connect_to(address);
	assert_int_equal(gs_qmp_peer_pid(qmp), pid);
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_pid_without_monitor(void **state)
{
	pid_t pid = START("-M", "none", "-monitor", "unix:m,server=on,wait=off");

	(void)state;
	await_socket("m");
	assert_pid_error(pid, GS_ERROR_UNREACHABLE,
			 "qemu-system-x86 has no QMP monitor, only a human one");
	end_qemu(pid);
}

/* ---- silence and ends ---- */

static void test_busy(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *first = connect_to("./m"), *second = NULL;

	(void)state;
	assert_error(try_connect("./m", &impatient, &second), GS_ERROR_BUSY, NULL);
	gs_qmp_close(first);
	second = connect_to("./m");
	assert_status(second, "prelaunch");
	gs_qmp_close(second);
	end_qemu(pid);
}

static void test_stopped_qemu(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *qmp = connect_to("./m"), *other = NULL;
	gs_autojson struct gs_json *reply = NULL;
	gs_autofree char *message = NULL;

	(void)state;
	kill(pid, SIGSTOP);
	assert_error(gs_qmp_execute(qmp, "query-status", NULL, gs_deadline_in(50), NULL),
		     GS_ERROR_TIMEOUT, "./m: query-status: no reply in time");
	kill(pid, SIGCONT);
	assert_ok(gs_qmp_execute(qmp, "query-name", NULL, 0, &reply));
	assert_null(gs_json_get(reply, "status"));
	gs_qmp_close(qmp);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	assert_true(asprintf(&message,
			     "./m: connected, but no greeting: %d (qemu-system-x86) is stopped by "
			     "a signal",
			     (int)pid) > 0);
	assert_error(try_connect("./m", &impatient, &other), GS_ERROR_TIMEOUT, message);
	end_qemu(pid);
}

static void test_killed_qemu(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");
	struct gs_qmp_event event;
	uint64_t id;

	(void)state;
	kill(pid, SIGSTOP);
	assert_ok(gs_qmp_send(qmp, "stop", NULL, &id));
	kill(pid, SIGKILL);
	assert_error(gs_qmp_await(qmp, id, 0, NULL), GS_ERROR_LOST, NULL);
	assert_ok(gs_qmp_next_event(qmp, 0, &event));
	assert_string_equal(event.name, "SHUTDOWN");
	assert_true(event.synthetic);
	gs_qmp_event_deinit(&event);
	assert_error(gs_qmp_next_event(qmp, 0, &event), GS_ERROR_GONE, NULL);
	assert_error(gs_qmp_simple(qmp, "stop"), GS_ERROR_GONE, NULL);
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void assert_last_event(struct gs_qmp *qmp, const char *reason)
{
	struct gs_qmp_event event;

	assert_ok(gs_qmp_next_event(qmp, gs_deadline_in(PATIENCE_MS), &event));
	assert_string_equal(event.name, "SHUTDOWN");
	assert_false(event.synthetic);
	assert_string_equal(gs_json_string(gs_json_get(event.data, "reason")), reason);
	gs_qmp_event_deinit(&event);
	assert_error(gs_qmp_next_event(qmp, gs_deadline_in(PATIENCE_MS), &event), GS_ERROR_GONE,
		     NULL);
}

static void test_quit(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");

	(void)state;
	assert_ok(gs_qmp_simple(qmp, "quit"));
	assert_last_event(qmp, "host-qmp-quit");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_sigterm(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");

	(void)state;
	kill(pid, SIGTERM);
	assert_last_event(qmp, "host-signal");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

/* Greeted, because QEMU waited for us; then it finds that it cannot make the device. */
static void test_bad_device(void **state)
{
	pid_t pid =
		START("-M", "pc", "-device", "e1000,addr=99", "-qmp", "unix:m,server=on,wait=on");
	uint64_t deadline = gs_deadline_in(PATIENCE_MS);
	struct gs_qmp *qmp = NULL;
	struct gs_error *err;

	(void)state;
	while ((err = try_connect("./m", NULL, &qmp)) && err->code == GS_ERROR_UNREACHABLE &&
	       !gs_deadline_passed(deadline)) {
		gs_error_destroy(err);
		usleep(10000);
	}
	assert_error(err, GS_ERROR_GONE, NULL);
	end_qemu(pid);
}

/* ---- commands ---- */

static void test_dump_into_pipe(void **state)
{
	pid_t pid = START("-M", "pc", "-m", "32", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");
	const struct gs_qmp_dump dump = {.fd_name = "pipe", .has_range = true, .length = 4096};
	gs_autojson struct gs_json *formats = NULL;
	struct gs_qmp_dump_status status;
	char head[4];
	int ends[2];
	uint64_t id;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_ok(gs_qmp_getfd(qmp, "pipe", ends[1]));
	close(ends[1]);
	assert_ok(gs_qmp_dump_start(qmp, &dump, &id));
	assert_int_equal(read(ends[0], head, 4), 4);
	assert_memory_equal(head, "\177ELF", 4);
	while (read(ends[0], head, sizeof(head)) > 0)
		;
	assert_ok(gs_qmp_await(qmp, id, 0, NULL));
	close(ends[0]);
	assert_ok(gs_qmp_query_dump(qmp, &status));
	assert_string_equal(status.status, "completed");
	assert_ok(gs_qmp_dump_formats(qmp, &formats));
	assert_string_equal(gs_json_string(gs_json_at(formats, 0)), "elf");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_descriptors(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");

	(void)state;
	assert_ok(gs_qmp_getfd(qmp, "a", STDERR_FILENO));
	assert_ok(gs_qmp_closefd(qmp, "a"));
	assert_error(gs_qmp_closefd(qmp, "a"), GS_ERROR_REFUSED, NULL);
	/* A descriptor that nobody asked for belongs to no later command. */
	assert_ok(gs_qmp_execute_fd(qmp, "query-status", NULL, STDERR_FILENO, 0, NULL));
	assert_ok(gs_qmp_getfd(qmp, "b", STDERR_FILENO));
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_refusals(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");

	(void)state;
	assert_error(gs_qmp_simple(qmp, "bogus"), GS_ERROR_REFUSED,
		     "The command bogus has not been found");
	assert_string_equal(gs_qmp_error_class(qmp), "CommandNotFound");
	assert_error(gs_qmp_simple(qmp, "getfd"), GS_ERROR_REFUSED, NULL);
	assert_string_equal(gs_qmp_error_class(qmp), "GenericError");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

/* QEMU drops what nests too deep before it can see the id, and says so more than once. */
static void test_command_that_qemu_cannot_parse(void **state)
{
	pid_t pid = START("-M", "none", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");
	struct gs_json *deep = gs_json_new_array(), *arguments = gs_json_new_object();
	uint64_t ids[3];

	(void)state;
	for (int i = 0; i < 1100; i++) {
		struct gs_json *outer = gs_json_new_array();

		assert_true(gs_json_append(outer, deep));
		deep = outer;
	}
	assert_true(gs_json_set(arguments, "x", deep));
	assert_ok(gs_qmp_send(qmp, "query-name", NULL, &ids[0]));
	assert_ok(gs_qmp_send(qmp, "stop", arguments, &ids[1]));
	assert_ok(gs_qmp_send(qmp, "query-status", NULL, &ids[2]));
	assert_ok(gs_qmp_await(qmp, ids[0], 0, NULL));
	assert_error(gs_qmp_await(qmp, ids[1], 0, NULL), GS_ERROR_REFUSED, NULL);
	gs_error_destroy(gs_qmp_await(qmp, ids[2], 0, NULL)); /* swallowed with it, or not */
	assert_status(qmp, "prelaunch");
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_big_replies(void **state)
{
	pid_t pid = START("-M", "pc", "-m", "32", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");
	gs_autojson struct gs_json *schema = NULL;
	gs_autofree char *text = NULL;

	(void)state;
	assert_ok(gs_qmp_execute(qmp, "query-qmp-schema", NULL, 0, &schema));
	assert_in_range(gs_json_count(schema), 500, 100000);
	assert_ok(gs_qmp_hmp(qmp, "xp /1000000xb 0", -1, &text));
	assert_in_range(strlen(text), 5000000, 20000000);
	assert_false(gs_qmp_hmp_looks_failed(text));
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_hmp(void **state)
{
	static const char *const bad[] = {
		"bogus",
		"info bogus",
		"device_del nosuch",
		"xp /4x 0xffffffffffff0000",
		"print 1+",
		"sendkey bogus",
		"savevm x",
		"stop now",
		"gpa2hva -1",
		"boot_set zzz",
		"commit nosuch",
		"qom-list /nosuch",
		"mouse_set 7",
		"chardev-add foo",
		"trace-event bogus on",
	};
	static const char *const good[] = {
		"info status", "info registers", "xp /4x 0", "info version",
		"help",        "sum 0 5",        "stop",
	};
	pid_t pid = START("-M", "pc", "-m", "32", MONITOR);
	struct gs_qmp *qmp = connect_to("./m");

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad) + sizeof(good) / sizeof(*good); i++) {
		bool is_bad = i < sizeof(bad) / sizeof(*bad);
		const char *line = is_bad ? bad[i] : good[i - sizeof(bad) / sizeof(*bad)];
		gs_autofree char *text = NULL;

		assert_ok(gs_qmp_hmp(qmp, line, -1, &text));
		if (gs_qmp_hmp_looks_failed(text) != is_bad)
			fail_msg("%s: %s", line, text);
	}
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_events_of_another_client(void **state)
{
	pid_t pid = START("-M", "none", MONITOR, "-qmp", "unix:m2,server=on,wait=off");
	struct gs_qmp *watcher = connect_to("./m"), *actor = connect_to("./m2");

	(void)state;
	assert_ok(gs_qmp_simple(actor, "cont"));
	assert_ok(gs_qmp_simple(actor, "stop"));
	assert_event(watcher, "RESUME");
	assert_event(watcher, "STOP");
	assert_ok(gs_qmp_simple(actor, "cont"));
	assert_event(actor, "RESUME");
	assert_event(actor, "STOP");
	gs_qmp_drop_events(actor);
	assert_ok(gs_qmp_simple(actor, "stop"));
	assert_event(actor, "STOP");
	gs_qmp_close(actor);
	gs_qmp_close(watcher);
	end_qemu(pid);
}

/* ---- taking over from the dead ---- */

static void test_adopt(void **state)
{
	static const char *const halves[] = {
		"",
		"{",
		"{\"execute\": \"quit\"",
		"{\"execute\": \"human-monitor-command\", \"a\": \"{",
		"{\"execute\": \"stop\"}{\"execute\": \"quit\", \"id\": {",
	};
	pid_t pid = START("-M", "none", MONITOR);

	(void)state;
	for (size_t i = 0; i < sizeof(halves) / sizeof(*halves); i++) {
		struct gs_qmp *dead = connect_to("./m"), *heir = NULL;
		char swallowed[5];
		int fd = dup(gs_qmp_fd(dead));
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t id;

		assert_ok(gs_qmp_send(dead, "query-qmp-schema", NULL, &id));
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		assert_int_equal(recv(fd, swallowed, sizeof(swallowed), 0), sizeof(swallowed));
		assert_int_equal(send(fd, halves[i], strlen(halves[i]), 0), strlen(halves[i]));
		gs_qmp_close(dead);
		assert_ok(gs_qmp_adopt(fd, NULL, &heir));
		assert_status(heir, "prelaunch");
		gs_qmp_close(heir);
	}
	end_qemu(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_unix),
		unit_test_in_scratch(test_deep_path),
		unit_test_in_scratch(test_abstract),
		unit_test_in_scratch(test_tcp),
		unit_test_in_scratch(test_inherited_fd),
		unit_test_in_scratch(test_pretty),
		unit_test_in_scratch(test_human_monitor),
		unit_test_in_scratch(test_pid_takes_a_free_monitor),
		unit_test_in_scratch(test_pid_with_listening_fd),
		unit_test_in_scratch(test_pid_with_config_file),
		unit_test_in_scratch(test_pid_without_monitor),
		unit_test_in_scratch(test_busy),
		unit_test_in_scratch(test_stopped_qemu),
		unit_test_in_scratch(test_killed_qemu),
		unit_test_in_scratch(test_quit),
		unit_test_in_scratch(test_sigterm),
		unit_test_in_scratch(test_bad_device),
		unit_test_in_scratch(test_dump_into_pipe),
		unit_test_in_scratch(test_descriptors),
		unit_test_in_scratch(test_refusals),
		unit_test_in_scratch(test_command_that_qemu_cannot_parse),
		unit_test_in_scratch(test_big_replies),
		unit_test_in_scratch(test_hmp),
		unit_test_in_scratch(test_events_of_another_client),
		unit_test_in_scratch(test_adopt),
	};

	return cmocka_run_group_tests_name("qmp real", tests, NULL, NULL);
}
