/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three words of virsh domblkinfo, as libvirt 9 comes by them. What they mean depends on
 * whether the guest has written: see gs_block_sizes() for numbers that do not change their meaning.
 */
#include "graph.h"

#include <string.h>

static bool is_driver(const struct gs_block_node *node, const char *driver)
{
	return node->driver && strcmp(node->driver, driver) == 0;
}

static uint64_t image_size(const struct gs_block_node *node, const char *key, uint64_t fallback)
{
	uint64_t bytes;

	return gs_json_u64(gs_json_path(node->info, "image", key, NULL), &bytes) ? bytes : fallback;
}

/* Length of a file or device; other storage counts as @fallback. */
static uint64_t on_disk(const struct gs_block_node *image, pid_t qemu, uint64_t fallback)
{
	const struct gs_block_node *storage = gs_block_storage(image);
	struct gs_block_place place;
	uint64_t bytes = 0;

	if (gs_block_look_as(qemu, image, &place) || gs_block_look_as(qemu, storage, &place))
		bytes = place.length;
	else if (is_driver(storage, "file") || is_driver(storage, "host_device") ||
		 is_driver(storage, "host_cdrom"))
		bytes = image_size(storage, "virtual-size", 0);
	return bytes ? bytes : fallback;
}

struct gs_error *gs_block_virsh(const struct gs_block_device *device, pid_t qemu,
				struct gs_block_virsh *ret)
{
	const struct gs_block_node *image, *storage;
	struct gs_block_virsh words;
	uint64_t used, highest;

	if (!device->root)
		return gs_error_create(GS_ERROR_NODATA, GS_BLOCK_VIRSH_EMPTY, device->id);
	image = gs_block_unfiltered(device->root);
	storage = gs_block_storage(image);
	words.capacity = image_size(image, "virtual-size", 0);
	used = image_size(image, "actual-size", words.capacity);
	words.allocation = used;
	if (gs_json_u64(gs_json_path(image->stats, "parent", "stats", "wr_highest_offset", NULL),
			&highest) &&
	    !(is_driver(storage, "file") && is_driver(image, "qcow2")))
		words.allocation = highest;
	words.physical = used;
	if (!used || !words.allocation || words.allocation == used)
		words.physical = on_disk(image, qemu, used);
	if (!words.allocation)
		words.allocation = used;
	*ret = words;
	return NULL;
}
