/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes what QEMU inherits (the listening monitors, the guest's memory, the log) and the command
 * line that tells it so.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <guestscope/base/socket.h>
#include <guestscope/base/text.h>

#include "internal.h"

#define MEM_DEFAULT (1ULL << 30)
#define MEM_ALIGN 8192 /* QEMU rounds a machine's memory up to this, but not a backend's */

static struct gs_error *create_file(const char *dir, const char *name, int *fd_ret)
{
	gs_autofree char *path = gs_strf("%s/%s", dir, name);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (!path)
		return gs_error_nomem();
	if (fd < 0)
		return gs_error_os(errno, "%s", path);
	*fd_ret = fd;
	return NULL;
}

/*
 * The serial port: a file for what the guest writes, a fifo for what it reads. They exist before
 * QEMU opens them: with our mode, and for who watches.
 */
static struct gs_error *setup_serial(struct gs_launch_setup *s)
{
	gs_autoclose int dir_fd = open(s->claim->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	gs_autoclose int serial_fd = -1;
	struct gs_error *err;

	s->serial_path = gs_strf("%s/serial", s->claim->dir);
	s->plan.serial_path = s->serial_path;
	if (!s->serial_path)
		return gs_error_nomem();
	err = create_file(s->claim->dir, "serial", &serial_fd);
	if (err)
		return err;
	/* A first start may have left them. */
	unlinkat(dir_fd, "serial.in", 0);
	unlinkat(dir_fd, "serial.out", 0);
	if (mkfifoat(dir_fd, "serial.in", 0600) < 0 ||
	    symlinkat("serial", dir_fd, "serial.out") < 0)
		return gs_error_os(errno, "%s", s->serial_path);
	return NULL;
}

static struct gs_error *setup_files(struct gs_launch_setup *s)
{
	struct gs_error *err = create_file(s->claim->dir, "log", &s->log_fd);

	if (err || (gs_launch_scan(s->plan.launch->extra) & GS_LAUNCH_BRINGS_SERIAL))
		return err;
	return setup_serial(s);
}

static struct gs_error *setup_monitors(struct gs_launch_setup *s)
{
	const char *dir = s->claim->dir;
	int *fds = s->plan.monitor_fds;
	struct gs_error *err = gs_unix_listen(dir, "qmp", SOCK_STREAM, &fds[0]);

	return err ? err : gs_unix_listen(dir, "qmp2", SOCK_STREAM, &fds[1]);
}

static struct gs_error *setup_ram(struct gs_launch_setup *s)
{
	uint64_t bytes = s->plan.launch->mem_bytes ? s->plan.launch->mem_bytes : MEM_DEFAULT;

	if (bytes > INT64_MAX - MEM_ALIGN)
		return gs_error_create(GS_ERROR_INVALID, "memory size is too large");
	bytes = (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
	s->plan.mem_bytes = bytes;
	if (s->plan.launch->private_ram ||
	    (gs_launch_scan(s->plan.launch->extra) & GS_LAUNCH_BRINGS_RAM))
		return NULL;
	s->plan.ram_fd = memfd_create("guestscope-ram", MFD_CLOEXEC);
	if (s->plan.ram_fd < 0 || ftruncate(s->plan.ram_fd, (off_t)bytes) < 0)
		return gs_error_os(errno, "the guest's memory");
	return NULL;
}

static struct gs_error *setup_disks(struct gs_launch_setup *s)
{
	const char *const *disks = s->plan.launch->disks;
	size_t count = 0;

	while (disks && disks[count])
		count++;
	s->disk_formats = calloc(count + 1, sizeof(*s->disk_formats));
	if (!s->disk_formats)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++) {
		struct gs_error *err = gs_launch_disk_format(disks[i], &s->disk_formats[i]);

		if (err)
			return err;
	}
	s->plan.disk_formats = s->disk_formats;
	return NULL;
}

static struct gs_error *setup_argv(struct gs_launch_setup *s, bool vmcoreinfo)
{
	unsigned int brings = gs_launch_scan(s->plan.launch->extra);

	s->qemu = s->plan.launch->qemu ? strdup(s->plan.launch->qemu) : gs_launch_default_qemu();
	if (!s->qemu)
		return gs_error_nomem();
	s->plan.qemu = s->qemu;
	s->plan.accels = s->plan.launch->accels || !(brings & GS_LAUNCH_BRINGS_ACCEL);
	s->plan.machine = !(brings & GS_LAUNCH_BRINGS_MACHINE);
	s->plan.vmcoreinfo = vmcoreinfo && !(brings & GS_LAUNCH_BRINGS_VMCOREINFO);
	return gs_launch_argv(&s->plan, &s->argv);
}

static struct gs_error *setup_all(struct gs_launch_setup *s, bool vmcoreinfo)
{
	struct gs_error *err = setup_files(s);

	if (!err)
		err = setup_monitors(s);
	if (!err)
		err = setup_ram(s);
	if (!err)
		err = setup_disks(s);
	if (!err)
		err = setup_argv(s, vmcoreinfo);
	return err;
}

struct gs_error *gs_launch_setup_init(struct gs_launch_setup *s, const struct gs_launch *launch,
				      const struct gs_claim *claim, bool vmcoreinfo)
{
	struct gs_error *err;

	*s = (struct gs_launch_setup){
		.claim = claim,
		.plan = {.launch = launch,
			 .name = claim->name,
			 .ram_fd = -1,
			 .monitor_fds = {-1, -1}},
		.log_fd = -1,
	};
	err = setup_all(s, vmcoreinfo);
	if (err)
		gs_launch_setup_deinit(s);
	return err;
}

void gs_launch_setup_hand_over(struct gs_launch_setup *s)
{
	const int fds[] = {s->plan.monitor_fds[0], s->plan.monitor_fds[1], s->plan.ram_fd,
			   s->log_fd};

	for (size_t i = 0; !s->handed_over && i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	s->handed_over = true;
}

void gs_launch_setup_deinit(struct gs_launch_setup *s)
{
	gs_launch_setup_hand_over(s);
	gs_launch_argv_free(s->argv);
	free(s->disk_formats);
	free(s->serial_path);
	free(s->qemu);
}
