/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's kernel says of pages, for commands that count them by class. */
#include <stdlib.h>
#include <string.h>

#include "dumptool.h"

static struct gs_error *classify(void *arg, gs_pfn_t first, uint64_t count, uint8_t *class_ret)
{
	return gs_page_map_classify(arg, first, count, class_ret);
}

static uint64_t unmapped(void *arg, gs_pfn_t first)
{
	return gs_page_map_unmapped(arg, first);
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

	if (may_scan)
		err = dumptool_find_vmcoreinfo(args, mem, &dumptool_progress()->cancelled);
	if (!err)
		err = open_map(mem, ret);
	if (!err) {
		ret->storage = (struct gs_classifier){.classify = classify,
						      .unmapped = unmapped,
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
