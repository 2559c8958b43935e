/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that go along with a command. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "exec.h"

/* Reading and writing, or reading alone where that is all that we may. */
static struct gs_error *open_file(const char *path, struct exec_fd *ret)
{
	const int flags = O_CLOEXEC | O_NOCTTY;

	ret->opened = true;
	ret->fd = open(path, O_RDWR | flags);
	if (ret->fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM || errno == EISDIR))
		ret->fd = open(path, O_RDONLY | flags);
	return ret->fd < 0 ? gs_error_os(errno, "--fd: %s", path) : NULL;
}

static struct gs_error *take_number(const char *text, struct exec_fd *ret)
{
	uint64_t number;
	struct gs_error *err = gs_parse_u64(text, &number);

	if (err)
		return gs_error_wrap(err, "--fd");
	if (number > INT_MAX || fcntl((int)number, F_GETFD) < 0)
		return gs_error_create(GS_ERROR_INVALID, "--fd: %s is not open", text);
	ret->fd = (int)number;
	return NULL;
}

/* "NAME=N", "NAME=PATH", or without the name; a '=' behind a '/' is the path's. */
static struct gs_error *parse(const char *text, struct exec_fd *ret)
{
	size_t size = strcspn(text, "=/");
	const char *what = text[size] == '=' ? text + size + 1 : text;

	if (!*what || (what != text && !size))
		return gs_error_create(GS_ERROR_INVALID,
				       "--fd: '%s' is neither NAME=N nor NAME=PATH", text);
	if (what != text) {
		ret->name = strndup(text, size);
		if (!ret->name)
			return gs_error_nomem();
	}
	if (strspn(what, "0123456789") == strlen(what))
		return take_number(what, ret);
	return open_file(what, ret);
}

static struct gs_error *add(struct exec_fds *fds, const char *text)
{
	struct exec_fd fd = {.fd = -1};
	struct gs_error *err = parse(text, &fd);

	if (!err && !fd.name && fds->riding >= 0)
		err = gs_error_create(GS_ERROR_INVALID, "--fd: only one may be without a name");
	for (size_t i = 0; !err && fd.name && i < fds->count; i++)
		if (fds->at[i].name && strcmp(fds->at[i].name, fd.name) == 0)
			err = gs_error_create(GS_ERROR_INVALID, "--fd: '%s' is given twice",
					      fd.name);
	fds->at[fds->count++] = fd;
	if (!err && !fd.name)
		fds->riding = fd.fd;
	return err;
}

struct gs_error *exec_fds_open(const struct gs_args *args, struct exec_fds *ret)
{
	struct exec_fds fds = EXEC_FDS_NONE;
	struct gs_error *err = NULL;
	size_t count = 0;

	while (gs_args_get_nth(args, "fd", count))
		count++;
	fds.at = calloc(count + 1, sizeof(*fds.at));
	if (!fds.at)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < count; i++)
		err = add(&fds, gs_args_get_nth(args, "fd", i));
	if (err)
		exec_fds_deinit(&fds);
	else
		*ret = fds;
	return err;
}

void exec_fds_deinit(struct exec_fds *fds)
{
	for (size_t i = 0; i < fds->count; i++) {
		free(fds->at[i].name);
		if (fds->at[i].opened && fds->at[i].fd >= 0)
			close(fds->at[i].fd);
	}
	free(fds->at);
	*fds = (struct exec_fds)EXEC_FDS_NONE;
}

struct gs_error *exec_fds_pass(const struct exec_fds *fds, struct gs_qmp *qmp)
{
	for (size_t i = 0; i < fds->count; i++) {
		struct gs_error *err = NULL;

		if (fds->at[i].name)
			err = gs_qmp_getfd(qmp, fds->at[i].name, fds->at[i].fd);
		if (err) {
			exec_fds_take_back(&(const struct exec_fds){fds->at, i, -1}, qmp);
			return gs_error_wrap(err, "--fd %s", fds->at[i].name);
		}
	}
	return NULL;
}

void exec_fds_take_back(const struct exec_fds *fds, struct gs_qmp *qmp)
{
	for (size_t i = 0; i < fds->count; i++)
		if (fds->at[i].name)
			gs_error_destroy(gs_qmp_closefd(qmp, fds->at[i].name));
}
