/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU does when a disk fails. */
#include "graph.h"

#include <string.h>

#include <guestscope/base/text.h>

/* A property of the device's; empty where it has none of that name. */
static struct gs_error *get_word(struct gs_qmp *qmp, const char *path, const char *property,
				 const char *fallback, char ret[16])
{
	gs_autojson struct gs_json *answer = NULL;
	struct gs_json *arguments = gs_json_new_object();
	struct gs_error *err;
	const char *word;

	*ret = '\0';
	if (!gs_json_set(arguments, "path", gs_json_new_string(path)) ||
	    !gs_json_set(arguments, "property", gs_json_new_string(property))) {
		gs_json_destroy(arguments);
		return gs_error_nomem();
	}
	err = gs_qmp_execute(qmp, "qom-get", arguments, 0, &answer);
	if (err && err->code == GS_ERROR_REFUSED) {
		gs_error_destroy(err);
		return NULL;
	}
	if (err)
		return gs_error_wrap(err, "%s: %s", path, property);
	word = gs_json_string(answer);
	if (word && strcmp(word, "auto") == 0)
		word = fallback;
	if (word && strlen(word) < 16)
		strcpy(ret, word);
	return NULL;
}

struct gs_error *gs_block_policy(struct gs_qmp *qmp, const struct gs_block_device *device,
				 struct gs_block_policy *ret)
{
	gs_autofree char *path = NULL;
	struct gs_block_policy policy = {0};
	struct gs_error *err;

	if (!device->qdev) {
		*ret = policy;
		return NULL;
	}
	path = gs_strf("%s%s", *device->qdev == '/' ? "" : "/machine/peripheral/", device->qdev);
	if (!path)
		return gs_error_nomem();
	err = get_word(qmp, path, "rerror", "report", policy.on_read);
	if (!err)
		err = get_word(qmp, path, "werror", "enospc", policy.on_write);
	if (!err)
		*ret = policy;
	return err;
}
