/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what the user calls a guest to its QEMU process. */
#include <limits.h>
#include <string.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/qmp/libvirt.h>

#include "internal.h"

#define LIBVIRT_MS 5000

bool gs_guest_is_qemu(pid_t pid)
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

static struct gs_error *find_by_pid(const char *text, int *pidfd_ret)
{
	gs_autoclose int pidfd = -1;
	uint64_t pid;
	struct gs_error *err = gs_parse_u64(text, &pid);

	if (!err && (pid == 0 || pid > INT_MAX))
		err = gs_error_create(GS_ERROR_INVALID, "not a process");
	if (!err)
		err = gs_pidfd_open((pid_t)pid, &pidfd);
	if (!err &&
	    !gs_guest_is_qemu((pid_t)pid)) /* asked after opening: it cannot be another one now */
		err = gs_error_create(GS_ERROR_INVALID, "not a QEMU");
	if (err)
		return gs_error_wrap(err, "pid:%s", text);
	*pidfd_ret = gs_take_fd(&pidfd);
	return NULL;
}

/* The lock says that the recorded process lives: before it is opened, and still afterwards. */
static struct gs_error *open_process(const char *run_dir, const struct gs_guest *guest,
				     int *pidfd_ret)
{
	gs_autoclose int pidfd = -1;
	struct gs_guest again = {0};
	struct gs_error *err = gs_pidfd_open(guest->pid, &pidfd);

	if (!err)
		err = gs_registry_find(run_dir, guest->name, &again);
	if (!err && again.pid != guest->pid)
		err = gs_error_create(GS_ERROR_GONE, "guest '%s' has ended", guest->name);
	gs_guest_deinit(&again);
	if (!err)
		*pidfd_ret = gs_take_fd(&pidfd);
	return err;
}

static struct gs_error *find_by_name(const char *run_dir, const char *name, int *pidfd_ret)
{
	struct gs_guest guest;
	struct gs_error *err =
		name ? gs_registry_find(run_dir, name, &guest) : gs_registry_only(run_dir, &guest);

	if (err)
		return err;
	err = open_process(run_dir, &guest, pidfd_ret);
	gs_guest_deinit(&guest);
	return err;
}

static struct gs_error *unknown_process(const char *address)
{
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "%s: its process is not known, or not on this host", address);
}

static struct gs_error *find_by_monitor(const char *run_dir, const char *address,
					const struct gs_qmp_options *options, int *pidfd_ret)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	struct gs_error *err = gs_guest_connect(run_dir, address, options, &qmp);
	pid_t pid;

	if (err)
		return err;
	/* It serves us, and so has its pid for now. */
	pid = gs_qmp_peer_pid(qmp);
	return pid && gs_guest_is_qemu(pid) ? gs_pidfd_open(pid, pidfd_ret)
					    : unknown_process(address);
}

/* The monitor of a QEMU that hangs does not answer through libvirt, either: it is not asked. */
static struct gs_error *find_by_domain(const char *address, const char *name, const char *uri,
				       int *pidfd_ret)
{
	gs_autoclose int pidfd = -1;
	struct gs_domain_info info;
	struct gs_error *err = gs_libvirt_domain(uri, name, gs_deadline_in(LIBVIRT_MS), &info);

	if (err)
		return err;
	if (!info.domain.running)
		err = gs_error_create(GS_ERROR_UNREACHABLE, "%s: the domain is not running",
				      address);
	else if (!info.domain.pid)
		err = unknown_process(address);
	else
		err = gs_pidfd_open(info.domain.pid, &pidfd);
	if (!err && !gs_guest_is_qemu(info.domain.pid))
		err = unknown_process(address);
	gs_domain_info_deinit(&info);
	if (!err)
		*pidfd_ret = gs_take_fd(&pidfd);
	return err;
}

struct gs_error *gs_guest_process(const char *run_dir, const char *guest,
				  const struct gs_qmp_options *options, int *pidfd_ret)
{
	static const char domain[] = "libvirt:";

	if (guest && strncmp(guest, "pid:", 4) == 0)
		return find_by_pid(guest + 4, pidfd_ret);
	if (guest && strncmp(guest, domain, strlen(domain)) == 0)
		return find_by_domain(guest, guest + strlen(domain),
				      options ? options->libvirt_uri : NULL, pidfd_ret);
	if (guest && gs_guest_is_address(guest))
		return find_by_monitor(run_dir, guest, options, pidfd_ret);
	return find_by_name(run_dir, guest, pidfd_ret);
}
