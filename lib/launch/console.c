/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaches to a guest's serial line: the fifo and the file of a launched guest, or what QEMU says
 * is at the host's end of a chardev.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "internal.h"

#define DISCONNECTED "disconnected:"
#define PTY_DIR "/dev/pts/"
#define OUR_LABEL "gs-serial"

void gs_console_deinit(struct gs_console *console)
{
	if (console->fd >= 0)
		close(console->fd);
	free(console->name);
	free(console->log);
	*console = (struct gs_console){.fd = -1};
}

/* ---- the host's end ---- */

static struct gs_error *attach_socket(const char *path, struct gs_console *console)
{
	struct gs_error *err = gs_qmp_connect_unix(path, &console->fd);

	if (err)
		return err;
	console->name = strdup(path);
	return console->name ? NULL : gs_error_nomem();
}

/* Fifos and terminals serve anybody who comes; among ourselves, a lock keeps the second one away.
 */
static struct gs_error *lock(int fd)
{
	struct flock mine = {.l_type = F_WRLCK}, other = {.l_type = F_WRLCK};
	char comm[17];

	if (fcntl(fd, F_SETLK, &mine) == 0)
		return NULL;
	if ((errno != EACCES && errno != EAGAIN) || fcntl(fd, F_GETLK, &other) < 0)
		return gs_error_os(errno, "lock");
	gs_process_comm(other.l_pid, comm);
	return gs_error_create(GS_ERROR_BUSY, "held by %d (%s)", (int)other.l_pid, comm);
}

static struct gs_error *attach_file(const char *path, int flags, struct gs_console *console)
{
	struct gs_error *err;

	console->fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (console->fd < 0 && errno == ENXIO) /* a fifo that nobody reads */
		return gs_error_create(GS_ERROR_GONE, "%s: QEMU has closed it", path);
	if (console->fd < 0)
		return gs_error_os(errno, "%s", path);
	err = lock(console->fd);
	if (err)
		return gs_error_wrap(err, "%s", path);
	console->name = strdup(path);
	return console->name ? NULL : gs_error_nomem();
}

/* Whoever speaks for QEMU names the path: what is typed must not end up in just any file. */
static struct gs_error *attach_pty(const char *path, struct gs_console *console)
{
	size_t dir_size = strlen(PTY_DIR);
	struct gs_error *err;

	if (strncmp(path, PTY_DIR, dir_size) != 0 || !path[dir_size] ||
	    path[dir_size + strspn(path + dir_size, "0123456789")])
		return gs_error_create(GS_ERROR_UNSUPPORTED, "%s: not a pty of this host", path);
	err = attach_file(path, O_RDWR, console);
	if (!err && !isatty(console->fd))
		err = gs_error_create(GS_ERROR_UNSUPPORTED, "%s: not a terminal", path);
	return err;
}

/* Cuts @suffix off the end of @text if it is there. */
static bool cut(char *text, const char *suffix)
{
	size_t size = strlen(text), suffix_size = strlen(suffix);

	if (size < suffix_size || strcmp(text + size - suffix_size, suffix) != 0)
		return false;
	text[size - suffix_size] = '\0';
	return true;
}

/*
 * The path that QEMU listens at, from what it calls a chardev: "unix:PATH,abstract=on,server=on",
 * or "fd:7,server=on" where it inherited the socket. NULL where it does not listen there.
 */
static char *listening_path(const char *filename, pid_t pid)
{
	gs_autofree char *text = strdup(filename);
	bool listens, is_abstract;
	int fd;

	if (!text)
		return NULL;
	listens = cut(text, ",server=on") || cut(text, ",server");
	if (sscanf(text, "fd:%d", &fd) == 1)
		return gs_qmp_listening_path(pid, fd);
	if (!cut(text, ",tight=on"))
		cut(text, ",tight=off");
	is_abstract = cut(text, ",abstract=on");
	if (!listens || strncmp(text, "unix:", 5) != 0)
		return NULL;
	return gs_strf("%s%s", is_abstract ? "@" : "", text + 5);
}

static struct gs_error *attach(const char *label, const char *filename, pid_t pid,
			       struct gs_console *console)
{
	gs_autofree char *path = NULL;

	if (!pid)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "its QEMU is not seen on this host, and so is what chardev "
				       "'%s' (%s) leads to",
				       label, filename);
	if (strncmp(filename, DISCONNECTED, strlen(DISCONNECTED)) == 0)
		filename += strlen(DISCONNECTED);
	if (strncmp(filename, "pty:", 4) == 0)
		return attach_pty(filename + 4, console);
	path = listening_path(filename, pid);
	if (path)
		return attach_socket(path, console);
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "chardev '%s' is '%s': only a pty or a unix socket that QEMU "
			       "listens at can be attached to",
			       label, filename);
}

/* ---- launched guests ---- */

/* *attached_ret: it has a serial port of ours, and there is no need to ask. */
static struct gs_error *attach_guest(const struct gs_guest *guest, struct gs_console *console,
				     bool *attached_ret)
{
	gs_autofree char *path = gs_strf("%s/serial.in", guest->dir);
	gs_autofree char *log = gs_strf("%s/serial", guest->dir);

	if (!path || !log)
		return gs_error_nomem();
	*attached_ret = access(path, F_OK) == 0;
	if (!*attached_ret)
		return NULL;
	console->log = gs_take(log);
	return attach_file(path, O_WRONLY, console);
}

static struct gs_error *attach_launched(const char *run_dir, const char *name,
					struct gs_console *console, bool *attached_ret)
{
	struct gs_guest guest = {0};
	struct gs_error *err =
		name ? gs_registry_find(run_dir, name, &guest) : gs_registry_only(run_dir, &guest);

	if (!err)
		err = attach_guest(&guest, console, attached_ret);
	gs_guest_deinit(&guest);
	return err;
}

/* The same for one that was named by its process or monitor. */
static struct gs_error *attach_launched_process(const char *run_dir, pid_t pid,
						struct gs_console *console, bool *attached_ret)
{
	struct gs_guest *guests = NULL;
	size_t count = 0;
	struct gs_error *err = gs_registry_list(run_dir, &guests, &count);

	for (size_t i = 0; !err && !*attached_ret && i < count; i++) {
		if (guests[i].pid == pid)
			err = attach_guest(&guests[i], console, attached_ret);
	}
	gs_registry_free(guests, count);
	return err;
}

/* ---- which chardev ---- */

static const char *label_of(const struct gs_json *chardev)
{
	const char *label = gs_json_string(gs_json_get(chardev, "label"));

	return label ? label : "";
}

/* Names tell: "serial0" is QEMU's own, "charserial0" libvirt's, "gs-serial" ours. */
static const struct gs_json *find_chardev(const struct gs_json *chardevs, const char *wanted)
{
	static const char *const hints[] = {"serial", "console"};

	gs_json_for_each (chardev, chardevs) {
		if (wanted && strcmp(label_of(chardev), wanted) == 0)
			return chardev;
	}
	for (size_t i = 0; !wanted && i < sizeof(hints) / sizeof(*hints); i++) {
		gs_json_for_each (chardev, chardevs) {
			if (strstr(label_of(chardev), hints[i]))
				return chardev;
		}
	}
	return NULL;
}

static struct gs_error *no_chardev(const struct gs_json *chardevs, const char *wanted)
{
	gs_autotext struct gs_text labels = {0};

	gs_json_for_each (chardev, chardevs)
		gs_text_printf(&labels, "%s%s", labels.size ? ", " : "", label_of(chardev));
	if (wanted)
		return gs_error_create(GS_ERROR_NODATA, "there is no chardev '%s', only: %s",
				       wanted, labels.data ? labels.data : "none");
	return gs_error_create(GS_ERROR_NODATA, "no chardev looks like a serial line: %s",
			       labels.data ? labels.data : "there are none");
}

static struct gs_error *ask_monitor(const char *run_dir, const char *guest, const char *wanted,
				    const struct gs_qmp_options *options,
				    struct gs_console *console)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	gs_autojson struct gs_json *chardevs = NULL;
	const struct gs_json *chardev;
	const char *filename;
	bool attached = false;
	pid_t pid;
	struct gs_error *err = gs_guest_connect(run_dir, guest, options, &qmp);

	if (!err)
		err = gs_qmp_execute(qmp, "query-chardev", NULL, 0, &chardevs);
	if (err)
		return err;
	chardev = find_chardev(chardevs, wanted);
	if (!chardev)
		return no_chardev(chardevs, wanted);
	pid = gs_qmp_peer_pid(qmp);
	if (pid && strcmp(label_of(chardev), OUR_LABEL) == 0)
		err = attach_launched_process(run_dir, pid, console, &attached);
	if (err || attached)
		return err;
	filename = gs_json_string(gs_json_get(chardev, "filename"));
	return attach(label_of(chardev), filename ? filename : "", pid, console);
}

struct gs_error *gs_guest_console(const char *run_dir, const char *guest, const char *chardev,
				  const struct gs_qmp_options *options, struct gs_console *ret)
{
	struct gs_console console = {.fd = -1};
	bool attached = false;
	struct gs_error *err = NULL;

	if (!chardev && !(guest && gs_guest_is_address(guest)))
		err = attach_launched(run_dir, guest, &console, &attached);
	if (!err && !attached)
		err = ask_monitor(run_dir, guest, chardev, options, &console);
	if (err) {
		gs_console_deinit(&console);
		return err;
	}
	*ret = console;
	return NULL;
}
