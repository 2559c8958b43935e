/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Launching: QEMU's command line, what steps back for the user's, what failure leaves. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "../../lib/launch/internal.h"
#include "unit.h"

#define SOON gs_deadline_in(10000)

static void write_file(const char *path, const void *data, size_t size)
{
	gs_autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(gs_write_full(fd, data, size), 0);
}

/* ---- the command line ---- */

static char *join(char *const *argv)
{
	gs_autotext struct gs_text t = {0};
	char *ret;

	for (; *argv; argv++)
		gs_text_printf(&t, "%s%s", t.size ? " " : "", *argv);
	assert_ok(gs_text_finish(&t, &ret));
	return ret;
}

static char *build(const struct gs_launch_plan *plan)
{
	GS_CLEANUP(gs_launch_argv_free) char **argv = NULL;

	assert_ok(gs_launch_argv(plan, &argv));
	return join(argv);
}

static void test_argv_of_everything(void **state)
{
	const char *disks[] = {"/a,b.img", "c:d", NULL};
	const char *formats[] = {"raw", "qcow2"};
	const char *extra[] = {"-vga", "std", NULL};
	const struct gs_launch launch = {
		.cpus = 2,
		.kernel = "/k",
		.initrd = "/i",
		.append = "console=ttyS0 quiet",
		.disks = disks,
		.extra = extra,
	};
	const struct gs_launch_plan plan = {
		.launch = &launch,
		.name = "g",
		.qemu = "/usr/bin/qemu-system-x86_64",
		.mem_bytes = 1 << 20,
		.disk_formats = formats,
		.monitor_fds = {5, 6},
		.ram_fd = 7,
		.serial_path = "/run/g,s/serial",
		.accels = true,
		.machine = true,
		.vmcoreinfo = true,
	};
	gs_autofree char *line = build(&plan);

	(void)state;
	assert_string_equal(
		line,
		"/usr/bin/qemu-system-x86_64 -name guest=g,debug-threads=on -no-user-config "
		"-nodefaults -display none -accel kvm -accel tcg -m 1048576B -smp 2 -object "
		"memory-backend-file,id=pc.ram,size=1048576,mem-path=/proc/self/fd/7,share=on "
		"-machine memory-backend=pc.ram -device vmcoreinfo -chardev "
		"socket,id=gs-qmp,fd=5,server=on,wait=off -mon chardev=gs-qmp,mode=control "
		"-chardev socket,id=gs-qmp2,fd=6,server=on,wait=off -mon "
		"chardev=gs-qmp2,mode=control -chardev pipe,id=gs-serial,path=/run/g,,s/serial "
		"-serial chardev:gs-serial -kernel /k -initrd /i -append console=ttyS0 quiet "
		"-drive file=/a,,b.img,format=raw,if=virtio -drive "
		"file=./c:d,format=qcow2,if=virtio -vga std");
}

static void test_argv_of_other_targets(void **state)
{
	const char *accels[] = {"tcg", NULL};
	const struct gs_launch launch = {.accels = accels};
	const struct gs_launch_plan plan = {
		.launch = &launch,
		.name = "g",
		.qemu = "qemu-system-aarch64",
		.mem_bytes = 8192,
		.monitor_fds = {5, 6},
		.ram_fd = 7,
		.accels = true,
		.machine = true,
	};
	struct gs_launch_plan bare = plan;
	gs_autofree char *line = build(&plan);
	gs_autofree char *bare_line = NULL;

	(void)state;
	assert_non_null(strstr(line, " -accel tcg -machine virt -m 8192B -smp 1 "));
	assert_non_null(strstr(line, " -machine memory-backend=mach-virt.ram "));
	assert_null(strstr(line, "kvm"));
	assert_null(strstr(line, "vmcoreinfo"));
	assert_null(strstr(line, "-serial"));

	bare.ram_fd = -1;
	bare.accels = bare.machine = false;
	bare_line = build(&bare);
	assert_null(strstr(bare_line, "memory-backend"));
	assert_null(strstr(bare_line, "-accel"));
	assert_null(strstr(bare_line, "virt"));
}

static void test_what_arguments_bring(void **state)
{
	static const struct {
		const char *args[4];
		unsigned int brings;
	} cases[] = {
		{{NULL}, 0},
		{{"-vga", "std"}, 0},
		{{"-device", "virtio-rng-pci"}, 0},
		{{"-m", "2G"}, GS_LAUNCH_BRINGS_RAM},
		{{"-m", "2G,slots=2,maxmem=4G"}, GS_LAUNCH_BRINGS_RAM},
		{{"-m", "slots=2,size=1G"}, GS_LAUNCH_BRINGS_RAM},
		{{"-m", "slots=2,maxmem=4G"}, 0},
		{{"--m", "2G"}, GS_LAUNCH_BRINGS_RAM},
		{{"-numa", "node"}, GS_LAUNCH_BRINGS_RAM},
		{{"-mem-path", "/dev/hugepages"}, GS_LAUNCH_BRINGS_RAM},
		{{"-object", "memory-backend-ram,id=m,size=1G"}, GS_LAUNCH_BRINGS_RAM},
		{{"-object", "rng-random,id=r"}, 0},
		{{"-object", "{\"qom-type\": \"memory-backend-ram\"}"}, GS_LAUNCH_BRINGS_RAM},
		{{"-machine", "memory-backend=m"}, GS_LAUNCH_BRINGS_RAM},
		{{"-M", "q35,memory-backend=m"}, GS_LAUNCH_BRINGS_RAM | GS_LAUNCH_BRINGS_MACHINE},
		{{"-M", "q35"}, GS_LAUNCH_BRINGS_MACHINE},
		{{"-machine", "usb=on,type=pc"}, GS_LAUNCH_BRINGS_MACHINE},
		{{"-machine", "usb=on"}, 0},
		{{"-M", "pc,accel=tcg"}, GS_LAUNCH_BRINGS_ACCEL | GS_LAUNCH_BRINGS_MACHINE},
		{{"-accel", "tcg"}, GS_LAUNCH_BRINGS_ACCEL},
		{{"-enable-kvm"}, GS_LAUNCH_BRINGS_ACCEL},
		{{"-serial", "stdio"}, GS_LAUNCH_BRINGS_SERIAL},
		{{"-device", "vmcoreinfo"}, GS_LAUNCH_BRINGS_VMCOREINFO},
		{{"-daemonize"}, GS_LAUNCH_BRINGS_DAEMONIZE},
		{{"-vga", "std", "-serial"}, GS_LAUNCH_BRINGS_SERIAL},
	};

	(void)state;
	assert_int_equal(gs_launch_scan(NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (gs_launch_scan(cases[i].args) != cases[i].brings)
			fail_msg("%s %s brings 0x%x", cases[i].args[0], cases[i].args[1],
				 gs_launch_scan(cases[i].args));
	}
}

static void test_disk_formats(void **state)
{
	const char *format;

	(void)state;
	write_file("empty", "", 0);
	assert_ok(gs_launch_disk_format("empty", &format));
	assert_string_equal(format, "raw");
	write_file("qcow2", "QFI\xfb and more", 12);
	assert_ok(gs_launch_disk_format("qcow2", &format));
	assert_string_equal(format, "qcow2");
	write_file("short", "QFI", 3);
	assert_ok(gs_launch_disk_format("short", &format));
	assert_string_equal(format, "raw");
	assert_os_error(gs_launch_disk_format("absent", &format), ENOENT);
}

/* ---- logs and serial ports ---- */

static void assert_words(const char *log, size_t size, size_t lines, const char *expected)
{
	gs_autofree char *words = NULL;

	write_file("log", log, size);
	words = gs_log_last_words("log", lines);
	assert_string_equal(words, expected);
}

static void test_last_words(void **state)
{
	gs_autofree char *none = gs_log_last_words("absent", 3);
	char big[5000];

	(void)state;
	assert_string_equal(none, "");
	assert_words("", 0, 3, "");
	assert_words("\n\r\n  \n", 6, 3, "");
	assert_words("one", 3, 3, "one");
	assert_words("one\ntwo\r\n\nthree\n", 16, 2, "two; three");
	memset(big, 'x', sizeof(big));
	memcpy(big + 4950, "\nlast line\n", 11);
	assert_words(big, 4961, 9, "last line");
}

/* A child that writes @pieces to a file, a little apart, and then ends or stays. */
static pid_t start_writer(const char *path, const char *const *pieces, bool stay)
{
	const struct timespec nap = {.tv_nsec = 20 * 1000000L};
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = open(path, O_WRONLY | O_APPEND);
	for (; *pieces; pieces++) {
		nanosleep(&nap, NULL);
		if (write(fd, *pieces, strlen(*pieces)) < 0)
			_exit(1);
	}
	while (stay)
		pause();
	_exit(0);
}

static struct gs_error *await_text(const char *text, const char *const *pieces, bool stay,
				   uint64_t deadline_ms)
{
	pid_t pid;
	int pidfd;
	struct gs_serial_wait wait = {.path = "serial", .text = text, .deadline_ms = deadline_ms};
	struct gs_error *err;

	write_file("serial", "", 0);
	pid = start_writer("serial", pieces, stay);
	assert_ok(gs_pidfd_open(pid, &pidfd));
	wait.pidfd = pidfd;
	err = gs_serial_await(&wait);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pidfd);
	return err;
}

static void test_serial(void **state)
{
	const char *const pieces[] = {"boot\nGUE", "ST RE", "ADY\nmore", NULL};

	(void)state;
	assert_ok(await_text("GUEST READY", pieces, true, SOON));
	assert_ok(await_text("e", pieces, true, SOON));
	assert_ok(await_text("more", pieces, false, SOON));
	assert_error(await_text("never", pieces, false, SOON), GS_ERROR_GONE,
		     "the guest ended before it wrote 'never'");
	assert_error(await_text("never", pieces, true, gs_deadline_in(200)), GS_ERROR_TIMEOUT,
		     "no 'never' on the serial port in time");
}

static void test_serial_cancelled(void **state)
{
	struct gs_serial_wait wait = {.path = "serial", .text = "x", .deadline_ms = SOON};
	int fds[2];

	(void)state;
	write_file("serial", "", 0);
	assert_int_equal(pipe(fds), 0);
	assert_ok(gs_pidfd_open(getpid(), &wait.pidfd));
	wait.cancel_fd = fds[0];
	close(fds[1]);
	assert_os_error(gs_serial_await(&wait), EINTR);
	close(fds[0]);
	close(wait.pidfd);
}

/* ---- a QEMU that is none ---- */

/* A shell script in QEMU's place. */
static void write_qemu(const char *body)
{
	gs_autofree char *text = gs_strf("#!/bin/sh\n%s\n", body);

	write_file("qemu", text, strlen(text));
	assert_int_equal(chmod("qemu", 0700), 0);
}

static struct gs_error *start_fake(const char *body, uint64_t timeout_ms)
{
	const struct gs_launch launch = {
		.run_dir = "run",
		.name = "g",
		.qemu = "./qemu",
		.timeout_ms = timeout_ms,
	};
	struct gs_guest guest;

	write_qemu(body);
	return gs_launch_start(&launch, &guest);
}

static void assert_nothing_left(void)
{
	struct stat st;

	assert_int_equal(stat("run/g", &st), -1);
	assert_int_equal(rmdir("run"), 0);
}

static void test_failing_qemu(void **state)
{
	(void)state;
	assert_error(start_fake("echo 'qemu: no such luck' >&2; exit 1", 10000), GS_ERROR_GONE,
		     "guest 'g': QEMU ended while starting: qemu: no such luck");
	assert_nothing_left();
	assert_error(start_fake("exit 0", 10000), GS_ERROR_GONE,
		     "guest 'g': QEMU ended while starting without a word");
	assert_nothing_left();
	assert_int_equal(unlink("qemu"), 0);
}

static void test_silent_qemu(void **state)
{
	(void)state;
	assert_error(start_fake("trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done", 300),
		     GS_ERROR_TIMEOUT,
		     "guest 'g': QEMU started but its monitor does not answer; if KVM may be the "
		     "reason, try --accel tcg");
	assert_nothing_left();
	/* Gone, or dead and not yet reaped by init. */
	assert_int_equal(system("! grep -q '^State:.[^Z]' /proc/$(cat pid)/status 2>/dev/null"), 0);
}

static void test_missing_qemu(void **state)
{
	const struct gs_launch launch = {.run_dir = "run", .name = "g", .qemu = "./absent"};
	struct gs_guest guest;

	(void)state;
	assert_os_error(gs_launch_start(&launch, &guest), ENOENT);
	assert_nothing_left();
}

/* The second start is without the device; a user's own device gets no second start. */
static void test_refused_vmcoreinfo(void **state)
{
	const char *const own[] = {"-device", "vmcoreinfo", NULL};
	struct gs_launch launch = {.run_dir = "run", .name = "g", .qemu = "./qemu"};
	struct gs_guest guest;

	(void)state;
	write_qemu("echo start >> starts\n"
		   "case \"$*\" in *vmcoreinfo*) echo 'vmcoreinfo: no' >&2;; "
		   "*) echo without >&2;; esac; exit 1");
	assert_error(gs_launch_start(&launch, &guest), GS_ERROR_GONE,
		     "guest 'g': QEMU ended while starting: without");
	assert_int_equal(system("test $(wc -l < starts) = 2"), 0);
	launch.extra = own;
	assert_error(gs_launch_start(&launch, &guest), GS_ERROR_GONE,
		     "guest 'g': QEMU ended while starting: vmcoreinfo: no");
	assert_int_equal(system("test $(wc -l < starts) = 3"), 0);
	assert_nothing_left();
}

static void test_senseless_launches(void **state)
{
	const char *const daemonize[] = {"-daemonize", NULL};
	const char *const serial[] = {"-serial", "null", NULL};
	struct gs_launch launch = {.run_dir = "run", .qemu = "true", .extra = daemonize};
	struct gs_guest guest;

	(void)state;
	assert_error(gs_launch_start(&launch, &guest), GS_ERROR_INVALID, NULL);
	launch.extra = serial;
	launch.wait_serial = "x";
	assert_error(gs_launch_start(&launch, &guest), GS_ERROR_INVALID, NULL);
	launch.extra = NULL;
	launch.wait_serial = "";
	assert_error(gs_launch_start(&launch, &guest), GS_ERROR_INVALID, NULL);
	launch.wait_serial = NULL;
	launch.name = "../up";
	assert_error(gs_launch_start(&launch, &guest), GS_ERROR_INVALID, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argv_of_everything),
		cmocka_unit_test(test_argv_of_other_targets),
		cmocka_unit_test(test_what_arguments_bring),
		unit_test_in_scratch(test_disk_formats),
		unit_test_in_scratch(test_last_words),
		unit_test_in_scratch(test_serial),
		unit_test_in_scratch(test_serial_cancelled),
		unit_test_in_scratch(test_failing_qemu),
		unit_test_in_scratch(test_silent_qemu),
		unit_test_in_scratch(test_missing_qemu),
		unit_test_in_scratch(test_refused_vmcoreinfo),
		unit_test_in_scratch(test_senseless_launches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
