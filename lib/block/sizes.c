/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be said of the size of a running guest's disk, and how it is known. */
#include "graph.h"

#include <string.h>

/* ---- ways through the graph ---- */

static bool is_filter(const struct gs_block_node *node)
{
	static const char *const filters[] = {
		"throttle",        "copy-on-read", "copy-before-write", "mirror_top",
		"commit_top",      "preallocate",  "compress",          "blkdebug",
		"snapshot-access", "blklogwrites",
	};

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (node->driver && strcmp(node->driver, filters[i]) == 0)
			return true;
	return false;
}

const struct gs_block_node *gs_block_unfiltered(const struct gs_block_node *node)
{
	/* A filter's only child is its file or, with the older of them, its backing. */
	while (is_filter(node) && (node->file || node->backing))
		node = node->file ? node->file : node->backing;
	return node;
}

const struct gs_block_node *gs_block_storage(const struct gs_block_node *node)
{
	node = gs_block_unfiltered(node);
	while (node->file)
		node = node->file;
	return node;
}

const struct gs_block_node *gs_block_backing(const struct gs_block_node *node)
{
	node = gs_block_unfiltered(node)->backing;
	return node ? gs_block_unfiltered(node) : NULL;
}

/* ---- numbers ---- */

static bool image_size(const struct gs_block_node *node, const char *key, uint64_t *ret)
{
	return gs_json_u64(gs_json_path(node->info, "image", key, NULL), ret);
}

static bool has_driver(const struct gs_block_node *node, const char *driver)
{
	return node->driver && strcmp(node->driver, driver) == 0;
}

static bool is_device(const struct gs_block_node *storage)
{
	return has_driver(storage, "host_device") || has_driver(storage, "host_cdrom");
}

static struct gs_block_number virtual_size(const struct gs_block_node *image)
{
	uint64_t bytes;

	if (!image_size(image, "virtual-size", &bytes))
		return gs_block_unknown("QEMU does not tell");
	if (image->file && !has_driver(image, "raw"))
		return gs_block_known(bytes, "image header");
	return gs_block_known(bytes, "length of the storage, in sectors");
}

/* An image that keeps its data in another file goes by its own name, and its storage by that one's.
 */
static struct gs_block_number length(const struct gs_block_node *image, pid_t qemu)
{
	const struct gs_block_node *storage = gs_block_storage(image);
	struct gs_block_place place;
	uint64_t bytes;

	if (gs_block_look_as(qemu, image, &place) || gs_block_look_as(qemu, storage, &place))
		return gs_block_known(place.length,
				      place.kind == GS_BLOCK_FILE ? "file length" : "device size");
	if (!image_size(storage, "virtual-size", &bytes))
		return gs_block_unknown("QEMU does not tell");
	if (is_device(storage))
		return gs_block_known(bytes, "device size when QEMU opened it");
	return gs_block_known(bytes, "length as QEMU has it, in sectors");
}

static struct gs_block_number allocated(const struct gs_block_node *image)
{
	const struct gs_block_node *storage = gs_block_storage(image);
	uint64_t bytes;

	/* QEMU says 0 of them. */
	if (is_device(storage))
		return gs_block_unknown("a block device does not tell");
	if (!image_size(image, "actual-size", &bytes))
		return gs_block_unknown("the storage does not tell");
	if (has_driver(storage, "file"))
		return gs_block_known(bytes, "blocks of the file");
	if (!bytes)
		return gs_block_unknown("the storage does not tell");
	return gs_block_known(bytes, "told by the storage");
}

static struct gs_block_number chain(const struct gs_block_node *image)
{
	const struct gs_block_node *backing = gs_block_backing(image);
	struct gs_block_number sum = allocated(image);

	if (!backing)
		return sum.known ? gs_block_known(sum.bytes, "no backing file") : sum;
	for (; backing && sum.known; backing = gs_block_backing(backing)) {
		struct gs_block_number next = allocated(backing);

		if (!next.known)
			return gs_block_unknown("not all of the chain tells");
		if (__builtin_add_overflow(sum.bytes, next.bytes, &sum.bytes))
			return gs_block_unknown("QEMU's numbers make no sense");
	}
	return sum.known ? gs_block_known(sum.bytes, "allocated, summed over the backing chain")
			 : sum;
}

static void writes(const struct gs_block_node *storage, struct gs_block_sizes *sizes)
{
	uint64_t bytes;

	sizes->writes_known = gs_json_u64(
		gs_json_path(storage->stats, "stats", "wr_highest_offset", NULL), &bytes);
	sizes->written = sizes->writes_known && bytes > 0;
	if (!sizes->writes_known)
		sizes->high_water = gs_block_unknown("QEMU does not tell");
	else if (!bytes)
		sizes->high_water = gs_block_unknown("no write since start");
	else
		sizes->high_water = gs_block_known(bytes, "end of the highest write since start");
}

struct gs_error *gs_block_sizes(const struct gs_block_device *device, pid_t qemu,
				struct gs_block_sizes *ret)
{
	const struct gs_block_node *image, *storage;
	struct gs_block_sizes sizes;

	if (!device->root)
		return gs_error_create(GS_ERROR_NODATA, "%s: the drive is empty", device->id);
	image = gs_block_unfiltered(device->root);
	storage = gs_block_storage(image);
	sizes = (struct gs_block_sizes){
		.virtual_size = virtual_size(image),
		.length = length(image, qemu),
		.allocated = allocated(image),
		.image_end = image == storage || has_driver(image, "raw")
				     ? gs_block_unknown("a raw image has none of its own")
				     : gs_block_unknown("not known of an image in use"),
		.chain = chain(image),
	};
	writes(storage, &sizes);
	*ret = sizes;
	return NULL;
}
