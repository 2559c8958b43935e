/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest that a command is about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/process.h>

#include "shell.h"

#define GREETING_MIN_MS 1000
#define GREETING_MAX_MS 5000

char *qmpctl_run_dir(void)
{
	return gs_registry_dir(getenv("XDG_RUNTIME_DIR"));
}

#define TRACE_SIZE_MAX 4096 /* -v shows so much of a message, -vv all: schemas have 200 kB */

static void trace(void *arg, bool outgoing, const char *text, size_t size)
{
	const struct gs_args *args = arg;
	bool is_cut = size > TRACE_SIZE_MAX && gs_args_verbose(args) < 2;
	gs_autotext struct gs_text line = {0};

	gs_text_append_printable_lines(&line, text, is_cut ? TRACE_SIZE_MAX : size);
	shell_terminal_hide();
	fprintf(stderr, "%s %s", outgoing ? "-->" : "<--", line.data ? line.data : "");
	if (is_cut)
		fprintf(stderr, "... (%zu bytes)", size);
	fputc('\n', stderr);
	shell_terminal_unhide();
}

/* A launched guest's process is known from its record: it has just answered, so it lives. */
static struct gs_error *open_launched(const char *run_dir, const char *name,
				      const struct gs_qmp_options *options, struct target *ret)
{
	struct gs_guest guest = {0};
	struct gs_error *err =
		name ? gs_registry_find(run_dir, name, &guest) : gs_registry_only(run_dir, &guest);

	if (!err)
		err = gs_guest_open(&guest, options, &ret->qmp);
	if (!err) {
		ret->pid = guest.pid;
		ret->name = gs_take(guest.name);
	}
	gs_guest_deinit(&guest);
	return err;
}

static struct gs_error *open_address(const char *run_dir, const char *address,
				     const struct gs_qmp_options *options, struct target *ret)
{
	struct gs_error *err = gs_guest_connect(run_dir, address, options, &ret->qmp);

	if (err)
		return err;
	ret->name = strdup(address);
	return ret->name ? NULL : gs_error_nomem();
}

void target_find_process(struct target *target)
{
	gs_autoerror struct gs_error *gone = NULL;
	bool launched = target->pid;

	if (!launched)
		target->pid = gs_qmp_peer_pid(target->qmp);
	if (target->pid && !launched && !gs_guest_is_qemu(target->pid))
		target->pid = 0; /* one that passes on, such as socat */
	if (target->pid)
		gone = gs_pidfd_open(target->pid, &target->pidfd);
	if (gone) /* just ended: the monitor will tell */
		target->pid = 0;
}

/* Who gives a command less time than a connection may take gives that no more, either. */
static uint64_t greeting_ms(const struct gs_args *args, uint64_t command_ms)
{
	uint64_t most_ms = command_ms;
	gs_autoerror struct gs_error *err = gs_args_duration(args, "timeout", command_ms, &most_ms);

	if (err || !most_ms || most_ms >= GREETING_MAX_MS)
		return GREETING_MAX_MS;
	return most_ms > GREETING_MIN_MS ? most_ms : GREETING_MIN_MS;
}

struct gs_error *target_connect(const struct gs_args *args, const char *guest, uint64_t command_ms,
				struct target *ret)
{
	const struct gs_qmp_options options = {
		.libvirt_uri = gs_args_connect(args),
		.greeting_ms = greeting_ms(args, command_ms),
		.command_ms = command_ms,
		.trace = gs_args_verbose(args) ? trace : NULL,
		.trace_arg = (void *)(uintptr_t)args,
	};
	gs_autofree char *run_dir = qmpctl_run_dir();
	struct gs_error *err;

	*ret = (struct target){.pidfd = -1};
	if (!run_dir)
		return gs_error_nomem();
	if (guest && gs_guest_is_address(guest))
		err = open_address(run_dir, guest, &options, ret);
	else
		err = open_launched(run_dir, guest, &options, ret);
	if (err && err->code == GS_ERROR_BUSY)
		gs_args_note(args,
			     "a monitor serves one client; 'qmpctl proxy' lets many share it");
	if (err)
		target_close(ret);
	return err;
}

struct gs_error *target_open_guest(const struct gs_args *args, const char *guest,
				   uint64_t command_ms, struct target *ret)
{
	struct gs_error *err = target_connect(args, guest, command_ms, ret);

	if (!err)
		target_find_process(ret);
	return err;
}

struct gs_error *target_open(const struct gs_args *args, uint64_t command_ms, struct target *ret)
{
	return target_open_guest(args, gs_args_guest(args), command_ms, ret);
}

void target_close(struct target *target)
{
	if (target->qmp)
		gs_qmp_close(target->qmp);
	if (target->pidfd >= 0)
		close(target->pidfd);
	free(target->name);
	*target = (struct target){.pidfd = -1};
}

struct gs_error *next_event_in_time(struct gs_qmp *qmp, uint64_t deadline_ms,
				    struct gs_qmp_event *ret)
{
	struct gs_error *err = gs_qmp_next_event(qmp, deadline_ms, ret);

	if (err || ret->received_ms <= deadline_ms)
		return err;
	gs_qmp_event_deinit(ret);
	return gs_error_create(GS_ERROR_TIMEOUT, "no event in time");
}
