/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A real QEMU for a test, which refuses deprecated and unstable input and has a guest that does not
 * run yet. $QEMU names another binary.
 */
#ifndef TESTS_E2E_QEMU_H
#define TESTS_E2E_QEMU_H

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <guestscope/qmp.h>

#include "../unit/unit.h"

#define PATIENCE_MS 30000
#define ARGS_MAX 48
#define QEMU_HELPER __attribute__((unused)) static

_Noreturn static void exec_qemu(const char *const *extra, int log)
{
	const char *qemu = getenv("QEMU") ? getenv("QEMU") : "qemu-system-x86_64";
	const char *argv[ARGS_MAX] = {
		qemu,          "-accel",
		"tcg",         "-S",
		"-display",    "none",
		"-nodefaults", "-no-user-config",
		"-compat",     "deprecated-input=reject,unstable-input=reject"};
	int count = 10;

	while (*extra && count < ARGS_MAX - 1)
		argv[count++] = *extra++;
	/* It must not outlive a test that fails. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDERR_FILENO);
	execvp(qemu, (char *const *)argv);
	_exit(127);
}

/* Its stderr goes to ./log. Inherits what is not close-on-exec. */
QEMU_HELPER pid_t start_qemu(const char *const *extra)
{
	int log = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid_t pid = fork();

	if (pid == 0)
		exec_qemu(extra, log);
	close(log);
	return pid;
}

#define START(...) start_qemu((const char *const[]){__VA_ARGS__, NULL})
#define MONITOR "-qmp", "unix:m,server=on,wait=off"

QEMU_HELPER void end_qemu(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

QEMU_HELPER struct gs_error *try_connect(const char *text, const struct gs_qmp_options *options,
					 struct gs_qmp **ret)
{
	struct gs_qmp_address address;
	struct gs_error *err = gs_qmp_address_parse(text, &address);

	if (err)
		return err;
	err = gs_qmp_connect(&address, options, ret);
	gs_qmp_address_deinit(&address);
	return err;
}

/* Until QEMU has come so far that there is something to connect to. */
QEMU_HELPER struct gs_qmp *connect_to(const char *text)
{
	uint64_t deadline = gs_deadline_in(PATIENCE_MS);
	struct gs_qmp *qmp = NULL;
	struct gs_error *err;

	while ((err = try_connect(text, NULL, &qmp)) && err->code == GS_ERROR_UNREACHABLE &&
	       !gs_deadline_passed(deadline)) {
		gs_error_destroy(err);
		usleep(10000);
	}
	assert_ok(err);
	return qmp;
}

#endif
