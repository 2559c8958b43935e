/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a dump of whatever format. */
#include <stdlib.h>
#include <string.h>

#include "formats.h"

static struct gs_error *unknown_format(const struct gs_blob *blob,
				       const uint8_t magic[GS_DUMP_MAGIC_BYTES])
{
	if (gs_diskdump_probe(magic))
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: a diskdump file, the predecessor of kdump-compressed",
				       blob->name);
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "%s: unknown format: it starts with %02x %02x %02x %02x, neither "
			       "as an ELF, kdump-compressed nor flattened dump",
			       blob->name, magic[0], magic[1], magic[2], magic[3]);
}

/* A file that is not flattened, or no longer is. */
static struct gs_error *open_plain(struct gs_blob *blob, const struct gs_dump_open *options,
				   struct gs_dump_memory **ret)
{
	uint8_t magic[GS_DUMP_MAGIC_BYTES];
	struct gs_error *err;

	if (options->raw)
		return gs_raw_open(blob, options, ret);
	if (blob->size < sizeof(magic))
		return gs_error_create(GS_ERROR_CORRUPT, "%s: %llu bytes: too short for any header",
				       blob->name, (unsigned long long)blob->size);
	err = gs_blob_read(blob, "signature", 0, magic, sizeof(magic));
	if (err)
		return err;
	if (gs_elf_probe(magic))
		return gs_elf_open(blob, ret);
	if (gs_kdump_probe(magic))
		return gs_kdump_open(&blob, 1, ret);
	return unknown_format(blob, magic);
}

struct gs_error *gs_dump_open_blob(struct gs_blob *blob, const struct gs_dump_open *options,
				   struct gs_memory **ret)
{
	static const struct gs_dump_open defaults;
	struct gs_dump_memory *dump;
	struct gs_blob *flat = NULL;
	struct gs_error *err = NULL;

	if (!options)
		options = &defaults;
	if (!options->raw && gs_flat_probe(blob))
		err = gs_flat_open(blob, options->spool_dir, &flat);
	if (!err)
		err = open_plain(flat ? flat : blob, options, &dump);
	if (err) {
		if (flat)
			gs_flat_close(flat); /* @blob stays the caller's */
		return err;
	}
	dump->facts.flattened = flat;
	*ret = &dump->mem;
	return NULL;
}

static struct gs_error *open_one(const char *path, const struct gs_dump_open *options,
				 struct gs_memory **ret)
{
	struct gs_blob *blob;
	struct gs_error *err = gs_blob_open(path, &blob);

	if (err)
		return err;
	err = gs_dump_open_blob(blob, options, ret);
	if (err)
		gs_blob_destroy(blob);
	return err;
}

/* A part of a split set, flattened or not. */
static struct gs_error *open_part(const char *path, const struct gs_dump_open *options,
				  struct gs_blob **ret)
{
	struct gs_blob *blob, *flat;
	struct gs_error *err = gs_blob_open(path, &blob);

	if (err)
		return err;
	if (gs_flat_probe(blob)) {
		err = gs_flat_open(blob, options ? options->spool_dir : NULL, &flat);
		if (err) {
			gs_blob_destroy(blob);
			return err;
		}
		blob = flat;
	}
	*ret = blob;
	return NULL;
}

static struct gs_error *open_set(const char *const *paths, size_t count,
				 const struct gs_dump_open *options, struct gs_memory **ret)
{
	struct gs_blob **blobs = calloc(count, sizeof(*blobs));
	struct gs_dump_memory *dump;
	struct gs_error *err = blobs ? NULL : gs_error_nomem();

	for (size_t i = 0; i < count && !err; i++)
		err = open_part(paths[i], options, &blobs[i]);
	if (!err)
		err = gs_kdump_open(blobs, count, &dump);
	for (size_t i = 0; err && blobs && i < count; i++)
		gs_blob_destroy(blobs[i]);
	free(blobs);
	if (!err)
		*ret = &dump->mem;
	return err;
}

struct gs_error *gs_dump_open(const char *const *paths, size_t path_count,
			      const struct gs_dump_open *options, struct gs_memory **ret)
{
	if (!path_count)
		return gs_error_create(GS_ERROR_INVALID, "no file to open");
	if (path_count == 1)
		return open_one(paths[0], options, ret);
	if (options && options->raw)
		return gs_error_create(GS_ERROR_INVALID, "a raw image is one file, not %zu",
				       path_count);
	return open_set(paths, path_count, options, ret);
}

const struct gs_dump_facts *gs_dump_facts(const struct gs_memory *mem)
{
	if (mem->ops != &gs_elf_memory_ops && mem->ops != &gs_kdump_memory_ops &&
	    mem->ops != &gs_raw_memory_ops)
		return NULL;
	return &((const struct gs_dump_memory *)mem)->facts;
}
