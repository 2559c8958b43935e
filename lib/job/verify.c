/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify: open the files, see through flattening, and let the format's own judge look. */
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 1024
#define SIGNATURE_BYTES 16

static bool starts_with(struct gs_blob *blob, const char *signature, size_t size)
{
	char start[SIGNATURE_BYTES];
	struct gs_error *err;

	if (blob->size < size)
		return false;
	err = gs_blob_read(blob, "signature", 0, start, size);
	if (!err)
		return memcmp(start, signature, size) == 0;
	gs_error_destroy(err);
	return false;
}

static struct gs_error *open_part(struct verify *v, const char *path, struct gs_blob **ret)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *file = NULL;
	struct gs_error *err = gs_blob_open(path, &file);

	if (err)
		return err;
	if (starts_with(file, "makedumpfile", sizeof("makedumpfile"))) {
		struct gs_blob *payload;

		err = verify_flat(v, file, &payload);
		if (err)
			return err;
		(void)gs_take(file); /* belongs to the payload now */
		*ret = payload;
		return NULL;
	}
	*ret = gs_take(file);
	return NULL;
}

static struct gs_error *judge(struct verify *v, struct gs_blob *const *blobs, size_t count)
{
	if (starts_with(blobs[0], "KDUMP   ", 8) || starts_with(blobs[0], "DISKDUMP", 8))
		return verify_kdump(v, blobs, count);
	if (count > 1)
		return gs_error_create(GS_ERROR_INVALID,
				       "%s: only a split kdump set has several files",
				       blobs[0]->name);
	if (starts_with(blobs[0], "\177ELF", 4))
		return verify_elf(v, blobs[0]);
	return gs_error_create(GS_ERROR_CORRUPT, "%s: neither ELF, kdump-compressed nor flattened",
			       blobs[0]->name);
}

struct gs_error *gs_verify_files(const char *const *paths, size_t path_count,
				 const struct gs_verify *options, struct gs_verify_result *ret)
{
	struct gs_verify_result result = {0};
	struct verify v = {.options = options, .result = &result};
	struct gs_blob **blobs;
	struct gs_error *err = NULL;

	if (path_count == 0 || path_count > PARTS_MAX)
		return gs_error_create(GS_ERROR_INVALID, "%zu files, expected 1 to %d", path_count,
				       PARTS_MAX);
	blobs = calloc(path_count, sizeof(struct gs_blob *));
	if (!blobs)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < path_count; i++) {
		v.part = path_count > 1 ? paths[i] : NULL;
		err = open_part(&v, paths[i], &blobs[i]);
		if (!err && options->progress)
			options->progress->total += blobs[i]->size;
	}
	v.part = NULL;
	if (!err)
		err = judge(&v, blobs, path_count);
	if (!err) {
		verify_close(&v);
		result.has_sum = options->sum;
		*ret = result;
	}
	for (size_t i = 0; i < path_count; i++)
		gs_blob_destroy(blobs[i]);
	free(blobs);
	return err;
}
