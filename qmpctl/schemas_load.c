/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where schemas come from: guests, files, QEMU binaries. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

#include "schemas.h"

#define FILE_SIZE_MAX (64u << 20)

static struct gs_error *from_guest(const struct gs_args *args, const char *guest,
				   struct gs_schema **ret)
{
	auto_target struct target target = {.pidfd = -1};
	struct gs_error *err = target_open_guest(args, guest, 0, &target);

	return err ? err : gs_schema_query(target.qmp, ret);
}

static struct gs_error *from_binary(const char *binary, struct gs_schema **ret)
{
	GS_CLEANUP(gs_probe_end) struct gs_probe *probe = NULL;
	struct gs_error *err = gs_probe_start(binary, NULL, &probe);

	if (!err)
		err = gs_error_wrap(gs_schema_query(gs_probe_qmp(probe), ret), "%s", binary);
	return err;
}

static struct gs_error *from_file(const char *path, struct gs_schema **ret)
{
	gs_autojson struct gs_json *value = NULL;
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err = gs_read_file(path, FILE_SIZE_MAX, &text, &size);

	if (err)
		return err;
	err = gs_json_parse(text, size, &value);
	if (!err)
		err = gs_schema_parse(value, ret);
	return gs_error_wrap(err, "%s", path);
}

/* What a file begins with: JSON, or something to be run. */
static bool looks_like_json(const char *path)
{
	gs_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char head[64];
	ssize_t size = fd < 0 ? -1 : gs_read_full(fd, head, sizeof(head));

	for (ssize_t i = 0; i < size; i++)
		if (!strchr(" \t\r\n", head[i]))
			return head[i] == '[' || head[i] == '{';
	return false;
}

static bool is_launched(const char *name)
{
	gs_autofree char *run_dir = qmpctl_run_dir();
	struct gs_guest guest = {0};
	gs_autoerror struct gs_error *err =
		run_dir ? gs_registry_find(run_dir, name, &guest) : gs_error_nomem();

	gs_guest_deinit(&guest);
	return !err;
}

struct gs_error *schemas_load(const struct gs_args *args, const char *from, struct gs_schema **ret)
{
	gs_autofree char *path = NULL;
	struct stat st;

	if (!from)
		return from_guest(args, gs_args_guest(args), ret);
	if (is_launched(from))
		return from_guest(args, from, ret);
	if (stat(from, &st) == 0 && S_ISREG(st.st_mode))
		return looks_like_json(from) ? from_file(from, ret) : from_binary(from, ret);
	if (!gs_guest_is_address(from)) {
		if (stat(from, &st) != 0 || !S_ISSOCK(st.st_mode))
			return from_binary(from, ret);
		path = gs_strf("./%s", from); /* a socket's path wants a slash */
		from = path;
	}
	return from ? from_guest(args, from, ret) : gs_error_nomem();
}
