/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks of a domain that is off: their files, and what qemu-img reads in images. */
#include "graph.h"

#include <string.h>

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* libvirt takes no guesses either: what is not said to be something else is raw. */
static const char *format_of(const struct gs_domain_disk *disk)
{
	return disk->format ? disk->format : "raw";
}

static bool is_raw(const struct gs_domain_disk *disk)
{
	return strcmp(format_of(disk), "raw") == 0;
}

static struct gs_error *look(const struct gs_domain_disk *disk, struct gs_block_place *ret)
{
	if (disk->type && !is_one_of(disk->type, "file", "block", "dir"))
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: storage of type %s tells nothing while the domain is "
				       "off",
				       disk->target, disk->type);
	return gs_error_wrap(gs_block_look(disk->source, ret), "%s", disk->target);
}

/* ---- by libvirt's rules ---- */

struct gs_error *gs_block_virsh_offline(const struct gs_domain_disk *disk,
					struct gs_block_virsh *ret)
{
	gs_autojson struct gs_json *info = NULL;
	struct gs_block_place place;
	struct gs_block_virsh words;
	struct gs_error *err;

	if (!disk->source)
		return gs_error_create(GS_ERROR_NODATA, GS_BLOCK_VIRSH_EMPTY, disk->target);
	err = look(disk, &place);
	if (err)
		return err;
	words = (struct gs_block_virsh){.capacity = place.length, .physical = place.length};
	if (place.kind == GS_BLOCK_FILE)
		words.allocation = place.allocated;
	else if (is_raw(disk)) /* else the image's end, which only QEMU would know */
		words.allocation = place.length;
	if (!is_raw(disk) && place.kind != GS_BLOCK_OTHER) {
		err = gs_block_qemu_img("info", NULL, format_of(disk), disk->source, &info);
		if (err)
			return err;
		gs_json_u64(gs_json_get(info, "virtual-size"), &words.capacity);
	}
	*ret = words;
	return NULL;
}

/* ---- by what is true ---- */

static struct gs_block_number virtual_size(const struct gs_json *info)
{
	uint64_t bytes;

	return gs_json_u64(gs_json_get(info, "virtual-size"), &bytes)
		       ? gs_block_known(bytes, "image header")
		       : gs_block_unknown("qemu-img does not tell");
}

static struct gs_block_number image_end(const struct gs_domain_disk *disk)
{
	gs_autojson struct gs_json *check = NULL;
	gs_autoerror struct gs_error *err =
		gs_block_qemu_img("check", NULL, format_of(disk), disk->source, &check);
	uint64_t bytes;

	if (!err && gs_json_u64(gs_json_get(check, "image-end-offset"), &bytes))
		return gs_block_known(bytes, "end of the image's last cluster, by qemu-img check");
	if (err && err->code == GS_ERROR_TIMEOUT)
		return gs_block_unknown("qemu-img check takes too long");
	if (err && err->code != GS_ERROR_UNSUPPORTED)
		return gs_block_unknown("qemu-img check fails");
	return gs_block_unknown("qemu-img does not tell of this format");
}

/* One image of the chain, as qemu-img told it. */
static bool add_layer(const struct gs_json *layer, uint64_t *sum)
{
	const char *path = gs_json_string(gs_json_get(layer, "filename"));
	gs_autoerror struct gs_error *err = NULL;
	struct gs_block_place place;

	if (!path)
		return false;
	err = gs_block_look(path, &place);
	return !err && place.kind == GS_BLOCK_FILE &&
	       !__builtin_add_overflow(*sum, place.allocated, sum);
}

static struct gs_block_number chain(const struct gs_domain_disk *disk, const struct gs_json *info,
				    struct gs_block_number allocated)
{
	gs_autojson struct gs_json *layers = NULL;
	gs_autoerror struct gs_error *err = NULL;
	uint64_t sum = 0;

	if (!gs_json_get(info, "backing-filename"))
		return allocated.known ? gs_block_known(allocated.bytes, "no backing file")
				       : allocated;
	err = gs_block_qemu_img("info", "--backing-chain", format_of(disk), disk->source, &layers);
	if (err)
		return gs_block_unknown("qemu-img cannot read all of the chain");
	gs_json_for_each (layer, layers) {
		if (!add_layer(layer, &sum))
			return gs_block_unknown("not all of the chain tells");
	}
	return gs_block_known(sum, "allocated, summed over the backing chain");
}

struct gs_error *gs_block_sizes_offline(const struct gs_domain_disk *disk,
					struct gs_block_sizes *ret)
{
	gs_autojson struct gs_json *info = NULL;
	struct gs_block_place place;
	struct gs_block_sizes sizes;
	struct gs_error *err;
	bool is_file;

	if (!disk->source)
		return gs_error_create(GS_ERROR_NODATA, "%s: the drive is empty", disk->target);
	err = look(disk, &place);
	if (!err && place.kind == GS_BLOCK_OTHER)
		err = gs_error_create(GS_ERROR_UNSUPPORTED, "%s: %s is neither file nor device",
				      disk->target, disk->source);
	if (!err && !is_raw(disk))
		err = gs_block_qemu_img("info", NULL, format_of(disk), disk->source, &info);
	if (err)
		return err;
	is_file = place.kind == GS_BLOCK_FILE;
	sizes = (struct gs_block_sizes){
		.length = gs_block_known(place.length, is_file ? "file length" : "device size"),
		.allocated = is_file ? gs_block_known(place.allocated, "blocks of the file")
				     : gs_block_unknown("a block device does not tell"),
		.high_water = gs_block_unknown("not running"),
	};
	sizes.virtual_size =
		info ? virtual_size(info) : gs_block_known(place.length, "length of the storage");
	sizes.image_end =
		info ? image_end(disk) : gs_block_unknown("a raw image has none of its own");
	sizes.chain = chain(disk, info, sizes.allocated);
	*ret = sizes;
	return NULL;
}
