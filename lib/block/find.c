/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device by whatever a user calls it. */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

static bool is_qdev_id(const char *qdev, const char *name)
{
	const char *id;
	size_t size = qdev ? gs_block_qdev_id(qdev, &id) : 0;

	return size && strlen(name) == size && memcmp(id, name, size) == 0;
}

static bool is_same(const char *a, const char *name)
{
	return a && strcmp(a, name) == 0;
}

static bool goes_by(const struct gs_block_device *device, const char *name)
{
	const struct gs_block_node *root = device->root;

	return is_same(device->target, name) || is_same(device->qdev, name) ||
	       is_qdev_id(device->qdev, name) || is_same(device->drive, name) ||
	       (root && (is_same(root->name, name) || is_same(root->filename, name))) ||
	       (root && root->file && is_same(root->file->name, name));
}

static struct gs_error *nothing(const struct gs_block_graph *graph, const char *name)
{
	gs_autofree const char **names = calloc(graph->device_count + 1, sizeof(*names));
	const char *nearest;

	if (!names)
		return gs_error_nomem();
	for (size_t i = 0; i < graph->device_count; i++)
		names[i] = graph->devices[i].id;
	nearest = gs_did_you_mean(name, names);
	if (nearest)
		return gs_error_create(GS_ERROR_NODATA, "no block device '%s'; did you mean '%s'?",
				       name, nearest);
	return gs_error_create(GS_ERROR_NODATA, "no block device '%s'", name);
}

static const char *full_name(const struct gs_block_device *device)
{
	return device->qdev ? device->qdev : device->id;
}

struct gs_error *gs_block_find(const struct gs_block_graph *graph, const char *name,
			       const struct gs_block_device **ret)
{
	/* What it is listed as goes before what else it may be called. */
	for (int pass = 0; pass < 2; pass++) {
		const struct gs_block_device *found = NULL;

		for (size_t i = 0; i < graph->device_count; i++) {
			const struct gs_block_device *device = &graph->devices[i];

			if (pass ? !goes_by(device, name) : strcmp(device->id, name) != 0)
				continue;
			if (found)
				return gs_error_create(GS_ERROR_INVALID,
						       "block device '%s' may be %s or %s", name,
						       full_name(found), full_name(device));
			found = device;
		}
		if (found) {
			*ret = found;
			return NULL;
		}
	}
	return nothing(graph, name);
}
