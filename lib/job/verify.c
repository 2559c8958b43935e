/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify: open the files, see through flattening, and let the format's own judge look. */
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 1024
#define SIGNATURE_BYTES 16

/* A file and what is judged of it: the file itself, or what its records make up. */
struct part {
	struct gs_blob *file, *payload; /* the same if it is not flattened */
};

static bool starts_with(struct gs_blob *blob, const char *signature, size_t size)
{
	char start[SIGNATURE_BYTES];
	gs_autoerror struct gs_error *err = NULL;

	if (blob->size < size)
		return false;
	err = gs_blob_read(blob, "signature", 0, start, size);
	return !err && memcmp(start, signature, size) == 0;
}

static bool is_kdump(struct gs_blob *blob)
{
	return starts_with(blob, "KDUMP   ", 8) || starts_with(blob, "DISKDUMP", 8);
}

static struct gs_error *see_through(struct verify *v, struct part *part)
{
	static const char flattened[SIGNATURE_BYTES] = "makedumpfile";

	part->payload = part->file;
	if (!starts_with(part->file, flattened, sizeof(flattened)))
		return NULL;
	return gs_verify_flat(v, part->file, &part->payload);
}

static struct gs_error *judge(struct verify *v, struct gs_blob *const *blobs, size_t count)
{
	if (is_kdump(blobs[0]))
		return gs_verify_kdump(v, blobs, count);
	if (count > 1)
		return gs_error_create(GS_ERROR_INVALID,
				       "%s: only a split kdump set has several files",
				       blobs[0]->name);
	if (starts_with(blobs[0], "\177ELF", 4))
		return gs_verify_elf(v, blobs[0]);
	return gs_error_create(
		GS_ERROR_CORRUPT,
		"%s: neither ELF, kdump-compressed nor flattened (a plain image needs "
		"--raw-base)",
		blobs[0]->name);
}

static struct gs_error *judge_parts(struct verify *v, struct part *parts, size_t count)
{
	gs_autofree struct gs_blob **blobs = calloc(count, sizeof(struct gs_blob *));
	struct gs_error *err = blobs ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < count; i++) {
		v->part = count > 1 ? parts[i].file->name : NULL;
		err = see_through(v, &parts[i]);
		blobs[i] = parts[i].payload;
	}
	v->part = NULL;
	return err ? err : judge(v, blobs, count);
}

static struct gs_error *verify_parts(struct part *parts, size_t count,
				     const struct gs_verify *options, struct gs_verify_result *ret)
{
	struct gs_verify_result result = {.has_sum = options->sum};
	struct verify v = {.options = options, .result = &result};
	struct gs_error *err = judge_parts(&v, parts, count);

	for (size_t i = 0; i < count; i++)
		if (parts[i].payload != parts[i].file)
			gs_blob_destroy(parts[i].payload);
	if (err)
		return err;
	gs_verify_close(&v);
	*ret = result;
	return NULL;
}

struct gs_error *gs_verify_blob(struct gs_blob *blob, const struct gs_verify *options,
				struct gs_verify_result *ret)
{
	struct part part = {.file = blob};

	return verify_parts(&part, 1, options, ret);
}

struct gs_error *gs_verify_files(const char *const *paths, size_t path_count,
				 const struct gs_verify *options, struct gs_verify_result *ret)
{
	gs_autofree struct part *parts = NULL;
	struct gs_error *err = NULL;

	if (path_count == 0 || path_count > PARTS_MAX)
		return gs_error_create(GS_ERROR_INVALID, "%zu files, expected 1 to %d", path_count,
				       PARTS_MAX);
	parts = calloc(path_count, sizeof(*parts));
	if (!parts)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < path_count; i++)
		err = gs_blob_open(paths[i], &parts[i].file);
	if (!err)
		err = verify_parts(parts, path_count, options, ret);
	for (size_t i = 0; i < path_count; i++)
		gs_blob_destroy(parts[i].file);
	return err;
}
