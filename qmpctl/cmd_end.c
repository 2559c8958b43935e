/* SPDX-License-Identifier: GPL-2.0-or-later */
/* powerdown, quit, kill: three ways to end a guest, from polite to final. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "qmpctl.h"

#define POWERDOWN_MS 60000
#define QUIT_MS 60000
#define KILL_GRACE_MS 10000

static int report_ending(struct gs_args *args, const struct ending *ending)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	emit_ending(e, ending);
	gs_emit_end(e);
	return finish_output(args, e, GS_EXIT_OK);
}

/* ---- powerdown ---- */

/* A guest that does not run cannot feel the button. */
static struct gs_error *press_button(struct gs_args *args, struct gs_qmp *qmp)
{
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_query_status(qmp, &status);

	if (err)
		return err;
	if (!status.running)
		gs_args_note(args, "the guest is in state '%s': it will not notice until it runs",
			     status.status);
	gs_qmp_drop_events(qmp);
	return gs_qmp_simple(qmp, "system_powerdown");
}

/* Takes @err. */
static struct gs_error *explain_powerdown(struct gs_error *err)
{
	if (!err || err->code != GS_ERROR_TIMEOUT)
		return err;
	gs_error_destroy(err);
	return gs_error_create(GS_ERROR_TIMEOUT,
			       "the guest was asked, but did not power down in time");
}

/* An end that the guest did not choose is no powerdown. */
static struct gs_error *judge_powerdown(const struct ending *ending)
{
	if (ending->by_guest)
		return NULL;
	return gs_error_create(GS_ERROR_GONE, "the guest did not power down, it was ended (%s)",
			       ending->reason);
}

int cmd_powerdown(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	struct ending ending;
	uint64_t timeout_ms;
	struct gs_error *err = gs_args_duration(args, "timeout", POWERDOWN_MS, &timeout_ms);

	if (!err)
		err = target_open(args, 0, &target);
	if (!err)
		err = press_button(args, target.qmp);
	if (err)
		return gs_args_fail(args, err);
	if (!gs_args_has(args, "wait")) {
		gs_args_note(args, "the guest was asked; --wait waits until it is down");
		return GS_EXIT_OK;
	}
	err = await_end(&target, gs_deadline_in(timeout_ms), &ending);
	if (!err)
		err = judge_powerdown(&ending);
	if (err)
		return gs_args_fail(args, explain_powerdown(err));
	return report_ending(args, &ending);
}

/* ---- quit ---- */

int cmd_quit(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	struct ending ending;
	uint64_t timeout_ms;
	struct gs_error *err = gs_args_duration(args, "timeout", QUIT_MS, &timeout_ms);

	if (!err)
		err = target_open(args, timeout_ms, &target);
	if (!err)
		err = gs_qmp_simple(target.qmp, "quit");
	if (!err)
		err = await_end(&target, gs_deadline_in(timeout_ms), &ending);
	return err ? gs_args_fail(args, err) : report_ending(args, &ending);
}

/* ---- kill ---- */

/* Whether process @pid runs a QEMU, by its executable: a wrong pid must not be killed for one. */
static bool is_qemu(pid_t pid)
{
	gs_autofree char *link = gs_strf("/proc/%d/exe", (int)pid);
	char exe[PATH_MAX];
	ssize_t size = link ? readlink(link, exe, sizeof(exe) - 1) : -1;
	const char *base;

	if (size < 0)
		return false;
	exe[size] = '\0';
	base = strrchr(exe, '/');
	return strstr(base ? base : exe, "qemu");
}

/* "pid:N" without asking a monitor, which may well be what hangs. */
static struct gs_error *find_by_pid(const char *text, int *pidfd_ret)
{
	gs_autoclose int pidfd = -1;
	uint64_t pid;
	struct gs_error *err = gs_parse_u64(text, &pid);

	if (!err && (pid == 0 || pid > INT_MAX))
		err = gs_error_create(GS_ERROR_INVALID, "pid:%s: not a process", text);
	if (!err)
		err = gs_pidfd_open((pid_t)pid, &pidfd);
	if (!err && !is_qemu((pid_t)pid)) /* asked after opening: it cannot be another one now */
		err = gs_error_create(GS_ERROR_INVALID, "pid:%s: not a QEMU", text);
	if (!err)
		*pidfd_ret = gs_take_fd(&pidfd);
	return err;
}

/* A launched guest: the lock says that the recorded process lives, before and after opening it. */
static struct gs_error *find_by_name(const char *name, int *pidfd_ret)
{
	gs_autofree char *run_dir = qmpctl_run_dir();
	gs_autoclose int pidfd = -1;
	struct gs_guest guest = {0}, again = {0};
	struct gs_error *err;

	if (!run_dir)
		return gs_error_nomem();
	err = name ? gs_registry_find(run_dir, name, &guest) : gs_registry_only(run_dir, &guest);
	if (!err)
		err = gs_pidfd_open(guest.pid, &pidfd);
	if (!err)
		err = gs_registry_find(run_dir, guest.name, &again);
	if (!err && again.pid != guest.pid)
		err = gs_error_create(GS_ERROR_GONE, "guest '%s' has ended", guest.name);
	gs_guest_deinit(&guest);
	gs_guest_deinit(&again);
	if (!err)
		*pidfd_ret = gs_take_fd(&pidfd);
	return err;
}

static struct gs_error *find_by_monitor(const struct gs_args *args, int *pidfd_ret)
{
	auto_target struct target target;
	struct gs_error *err = target_open(args, 0, &target);

	if (!err && target.pidfd < 0)
		err = gs_error_create(GS_ERROR_UNSUPPORTED,
				      "%s: the process is not known, or not on this host",
				      gs_qmp_name(target.qmp));
	if (!err)
		*pidfd_ret = gs_take_fd(&target.pidfd);
	return err;
}

static struct gs_error *find_process(const struct gs_args *args, int *pidfd_ret)
{
	const char *guest = gs_args_guest(args);

	if (guest && strncmp(guest, "pid:", 4) == 0)
		return find_by_pid(guest + 4, pidfd_ret);
	if (guest && gs_guest_is_address(guest))
		return find_by_monitor(args, pidfd_ret);
	return find_by_name(guest, pidfd_ret);
}

int cmd_kill(struct gs_args *args)
{
	gs_autoclose int pidfd = -1;
	bool forced = false;
	uint64_t grace_ms;
	struct gs_error *err = gs_args_duration(args, "timeout", KILL_GRACE_MS, &grace_ms);
	struct gs_emit *e;

	if (!err)
		err = find_process(args, &pidfd);
	if (!err)
		err = gs_guest_end(pidfd, grace_ms, &forced);
	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "signal", "Ended by", forced ? "SIGKILL" : "SIGTERM");
	gs_emit_end(e);
	return finish_output(args, e, GS_EXIT_OK);
}
