/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DIR/guest, the record of a launched guest:
 *
 *	{"name": "g", "pid": 4711, "qemu": "qemu-system-x86_64", "argv": ["qemu-system-x86_64",
 *...], "ram": {"bytes": 1073741824, "shared": true, "fd": 7}, "started": 1700000000}
 *
 * ram.fd is the memfd's number in QEMU: /proc/PID/fd/7 opens the guest's memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

#include "internal.h"

#define RECORD_SIZE_MAX (1 << 20)

static struct gs_json *argv_json(char *const *argv)
{
	struct gs_json *array = gs_json_new_array();
	bool ok = array != NULL;

	for (; ok && *argv; argv++)
		ok = gs_json_append(array, gs_json_new_string(*argv));
	if (ok)
		return array;
	gs_json_destroy(array);
	return NULL;
}

static struct gs_json *ram_json(const struct gs_guest *guest, int ram_fd)
{
	struct gs_json *ram = gs_json_new_object();

	if (ram && gs_json_set(ram, "bytes", gs_json_new_u64(guest->mem_bytes)) &&
	    gs_json_set(ram, "shared", gs_json_new_bool(guest->shared_ram)) &&
	    (ram_fd < 0 || gs_json_set(ram, "fd", gs_json_new_i64(ram_fd))))
		return ram;
	gs_json_destroy(ram);
	return NULL;
}

static char *record_text(const struct gs_guest *guest, int ram_fd, char *const *argv)
{
	gs_autojson struct gs_json *record = gs_json_new_object();

	if (record && gs_json_set(record, "name", gs_json_new_string(guest->name)) &&
	    gs_json_set(record, "pid", gs_json_new_i64(guest->pid)) &&
	    gs_json_set(record, "qemu", gs_json_new_string(guest->qemu)) &&
	    gs_json_set(record, "argv", argv_json(argv)) &&
	    gs_json_set(record, "ram", ram_json(guest, ram_fd)) &&
	    gs_json_set(record, "started", gs_json_new_i64(guest->started_sec)))
		return gs_json_print(record, GS_JSON_PRETTY);
	return NULL;
}

/* A rename makes it visible as a whole. */
static struct gs_error *write_whole(const char *path, const char *temporary, const char *text)
{
	gs_autoclose int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || gs_write_full(fd, text, strlen(text)) < 0 || rename(temporary, path) < 0)
		return gs_error_os(errno, "%s", path);
	return NULL;
}

struct gs_error *gs_record_write(const struct gs_guest *guest, int ram_fd, char *const *argv)
{
	gs_autofree char *path = gs_strf("%s/guest", guest->dir);
	gs_autofree char *temporary = gs_strf("%s/guest.new", guest->dir);
	gs_autofree char *text = record_text(guest, ram_fd, argv);

	if (!path || !temporary || !text)
		return gs_error_nomem();
	return write_whole(path, temporary, text);
}

static struct gs_error *parse_record(const char *path, struct gs_json **ret)
{
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err = gs_read_file(path, RECORD_SIZE_MAX, &text, &size);

	return err ? err : gs_error_wrap(gs_json_parse(text, size, ret), "%s", path);
}

/* The numbers; false when one is missing or absurd. */
static bool read_numbers(const struct gs_json *record, struct gs_guest *guest)
{
	const struct gs_json *ram = gs_json_get(record, "ram");
	int64_t pid;

	if (!gs_json_i64(gs_json_get(record, "pid"), &pid) || pid <= 0 || pid > INT_MAX ||
	    !gs_json_i64(gs_json_get(record, "started"), &guest->started_sec) ||
	    !gs_json_u64(gs_json_get(ram, "bytes"), &guest->mem_bytes))
		return false;
	guest->pid = (pid_t)pid;
	guest->shared_ram = gs_json_is_true(gs_json_get(ram, "shared"));
	return true;
}

struct gs_error *gs_record_read(const char *run_dir, const char *name, struct gs_guest *ret)
{
	gs_autofree char *path = gs_strf("%s/%s/guest", run_dir, name);
	gs_autojson struct gs_json *record = NULL;
	struct gs_guest guest = {0};
	const char *qemu;
	struct gs_error *err;

	if (!path)
		return gs_error_nomem();
	err = parse_record(path, &record);
	if (err)
		return err;
	qemu = gs_json_string(gs_json_get(record, "qemu"));
	if (!read_numbers(record, &guest) || !qemu)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: not a guest's record", path);
	guest.name = strdup(name);
	guest.dir = gs_strf("%s/%s", run_dir, name);
	guest.qemu = strdup(qemu);
	if (!guest.name || !guest.dir || !guest.qemu) {
		gs_guest_deinit(&guest);
		return gs_error_nomem();
	}
	*ret = guest;
	return NULL;
}

void gs_guest_deinit(struct gs_guest *guest)
{
	free(guest->name);
	free(guest->dir);
	free(guest->qemu);
	*guest = (struct gs_guest){0};
}
