/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's kernel says of pages, for commands that count them by class. */
#include <stdlib.h>
#include <string.h>

#include "dumptool.h"

static struct gs_error *classify(void *arg, gs_pfn_t first, uint64_t count, uint8_t *class_ret)
{
	return gs_page_map_classify(arg, first, count, class_ret);
}

/* Where the memory comes without a VMCOREINFO: it may hold one. */
static struct gs_error *look_for_vmcoreinfo(const struct gs_args *args, struct gs_memory *mem)
{
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err =
		gs_vmcoreinfo_scan(mem, 0, &dumptool_progress()->cancelled, &text, &size);

	if (err && err->code == GS_ERROR_NODATA) {
		gs_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	gs_args_note(args, "%s: VMCOREINFO is missing, but was found in the memory", mem->name);
	return gs_attributes_set_vmcoreinfo(&mem->attrs, text, size);
}

static struct gs_error *open_map(struct gs_memory *mem, struct dumptool_classes *c)
{
	struct gs_error *err = gs_linux_open(mem, &c->kernel);

	return err ? err : gs_page_map_open(c->kernel, &c->map);
}

struct gs_error *dumptool_open_classes(const struct gs_args *args, bool may_scan,
				       struct gs_memory *mem, struct dumptool_classes *ret)
{
	struct gs_error *err = NULL;

	if (may_scan && !mem->attrs.vmcoreinfo)
		err = look_for_vmcoreinfo(args, mem);
	if (!err)
		err = open_map(mem, ret);

	if (!err) {
		ret->storage = (struct gs_classifier){.classify = classify,
						      .arg = ret->map,
						      .stride = gs_page_map_stride(ret->map)};
		ret->classifier = &ret->storage;
		return NULL;
	}
	if (!gs_error_is_answer(err))
		return err;
	ret->why_not = strdup(err->message);
	gs_error_destroy(err);
	return ret->why_not ? NULL : gs_error_nomem();
}

void dumptool_close_classes(struct dumptool_classes *c)
{
	gs_page_map_close(c->map);
	gs_linux_close(c->kernel);
	free(c->why_not);
	*c = (struct dumptool_classes){0};
}
