/* SPDX-License-Identifier: GPL-2.0-or-later */
/* launch: start a guest that outlives the command. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "launch_hold.h"
#include "qmpctl.h"

/* All values of a repeated option, NULL-terminated; *ret is NULL when there are none. */
static struct gs_error *all_values(const struct gs_args *args, const char *option,
				   const char ***ret)
{
	size_t count = 0;

	while (gs_args_get_nth(args, option, count))
		count++;
	*ret = count ? calloc(count + 1, sizeof(**ret)) : NULL;
	if (count && !*ret)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		(*ret)[i] = gs_args_get_nth(args, option, i);
	return NULL;
}

static struct gs_error *parse_numbers(const struct gs_args *args, struct gs_launch *launch)
{
	uint64_t cpus;
	struct gs_error *err = gs_args_size(args, "mem", 0, &launch->mem_bytes);

	if (!err)
		err = gs_args_duration(args, "timeout", 0, &launch->timeout_ms);
	if (!err)
		err = gs_args_u64(args, "cpus", 0, &cpus);
	if (err)
		return err;
	if (cpus > UINT_MAX)
		return gs_error_create(GS_ERROR_INVALID, "--cpus: too many");
	launch->cpus = (unsigned int)cpus;
	return NULL;
}

static struct gs_error *parse(const struct gs_args *args, struct gs_launch *launch)
{
	struct gs_error *err = parse_numbers(args, launch);

	if (!err)
		err = all_values(args, "disk", (const char ***)&launch->disks);
	if (!err)
		err = all_values(args, "accel", (const char ***)&launch->accels);
	launch->name = gs_args_get(args, "name");
	launch->qemu = gs_args_get(args, "qemu");
	launch->kernel = gs_args_get(args, "kernel");
	launch->initrd = gs_args_get(args, "initrd");
	launch->append = gs_args_get(args, "append");
	launch->private_ram = gs_args_has(args, "private-ram");
	launch->wait_serial = gs_args_get(args, "wait-serial");
	launch->extra = gs_args_rest(args);
	return err;
}

static void emit_path(struct gs_emit *e, const char *key, const char *label,
		      const struct gs_guest *guest, const char *file)
{
	gs_autofree char *path = gs_strf("%s/%s", guest->dir, file);

	if (path && access(path, F_OK) == 0)
		gs_emit_string(e, key, label, path);
	else
		gs_emit_null(e, key, label);
}

static int report(struct gs_args *args, const struct gs_guest *guest)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "name", "Name", guest->name);
	gs_emit_i64(e, "pid", "PID", guest->pid);
	gs_emit_bytes(e, "memory", "Memory", guest->mem_bytes);
	gs_emit_bool(e, "shared_memory", "Shared memory", guest->shared_ram);
	gs_emit_string(e, "dir", NULL, guest->dir);
	emit_path(e, "qmp", "Monitor", guest, "qmp");
	emit_path(e, "qmp2", "Free monitor", guest, "qmp2");
	emit_path(e, "serial", "Serial port", guest, "serial");
	emit_path(e, "serial_in", NULL, guest, "serial.in");
	emit_path(e, "log", "Log", guest, "log");
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

/* Room for a guest of the name. To interrupt this leaves the old one, asked to end or not. */
static struct gs_error *replace(const struct gs_args *args, const struct gs_launch *launch)
{
	const struct ladder ladder = LADDER_DEFAULT;
	struct descent descent = {0};
	struct gs_guest *guests = NULL;
	size_t count = 0, i = 0;
	struct gs_error *err;

	if (!launch->name)
		return gs_error_create(GS_ERROR_INVALID, "--replace wants --name");
	err = gs_registry_list(launch->run_dir, &guests, &count);
	while (!err && i < count && strcmp(guests[i].name, launch->name) != 0)
		i++;
	if (!err && i < count)
		err = ladder_descend(args, launch->name, &ladder, &descent);
	if (!err && i < count)
		gs_args_note(args, "the guest '%s' that was running is ended (%s)", launch->name,
			     descent.ended_by);
	gs_registry_free(guests, count);
	return err;
}

static int fail(const struct gs_args *args, int signal_fd, struct gs_error *err)
{
	struct signalfd_siginfo info;
	int status = gs_args_fail(args, err);

	if (signal_fd >= 0 && read(signal_fd, &info, sizeof(info)) == sizeof(info))
		return GS_EXIT_SIGNAL + (int)info.ssi_signo;
	return status;
}

int cmd_launch(struct gs_args *args)
{
	gs_autofree char *run_dir = qmpctl_run_dir();
	gs_autoclose int signal_fd = -1;
	struct launch_hold hold = {0};
	struct gs_launch launch = {.run_dir = run_dir};
	struct gs_guest guest = {0};
	struct gs_error *err = run_dir ? parse(args, &launch) : gs_error_nomem();
	int status;

	if (!err && gs_args_has(args, "replace"))
		err = replace(args, &launch);
	if (!err)
		err = gs_signals_open(&signal_fd);
	launch.cancel_fd = signal_fd;
	if (!err)
		err = launch_hold_init(&hold, args, signal_fd);
	launch.watch = hold.is_wanted ? &hold.watch : NULL;
	if (!err)
		err = gs_launch_start(&launch, &guest);
	launch_hold_deinit(&hold);
	free((void *)launch.disks);
	free((void *)launch.accels);
	if (err)
		return fail(args, signal_fd, err);
	if (!guest.shared_ram && !launch.private_ram)
		gs_args_note(args, "QEMU's arguments bring memory of their own: it is not shared");
	status = report(args, &guest);
	gs_guest_deinit(&guest);
	return status;
}
