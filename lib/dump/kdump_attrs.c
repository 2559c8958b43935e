/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kdump file says of its guest. */
#include <stdlib.h>
#include <string.h>

#include "kdump_parse.h"

#define ERASEINFO_MAX_BYTES (16u << 20)

static void take_utsname(const struct gs_kdump_headers *h, struct gs_attributes *attrs)
{
	for (int i = 0; i < GS_UTSNAME_FIELDS; i++) {
		memcpy(attrs->utsname[i], h->raw + KDUMP_UTSNAME_OFF + i * GS_UTSNAME_SIZE,
		       GS_UTSNAME_SIZE);
		attrs->utsname[i][GS_UTSNAME_SIZE - 1] = '\0';
	}
}

/* Text or notes that the sub header points at, with a NUL behind; nothing if absent. */
static struct gs_error *read_place(struct gs_blob *blob, const struct gs_kdump_headers *h,
				   enum kdump_sub_field field, size_t max, uint8_t **ret,
				   size_t *size_ret)
{
	const char *name = gs_kdump_sub_fields(h->shape)[field].name;
	uint64_t size = h->sub[field + 1];
	gs_autofree uint8_t *bytes = NULL;
	struct gs_error *err;

	if (!size)
		return NULL;
	if (size > max)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: sub header: %s: %llu bytes, the limit is %zu",
				       blob->name, name, (unsigned long long)size, max);
	bytes = malloc(size + 1);
	if (!bytes)
		return gs_error_nomem();
	err = gs_blob_read(blob, name, h->sub[field], bytes, size);
	if (err)
		return err;
	bytes[size] = '\0';
	*ret = gs_take(bytes);
	*size_ret = size;
	return NULL;
}

static struct gs_error *read_places(struct gs_blob *blob, const struct gs_kdump_headers *h,
				    struct gs_attributes *attrs)
{
	uint8_t *vmcoreinfo = NULL;
	struct gs_error *err = read_place(blob, h, KDUMP_OFFSET_NOTE, GS_NOTES_MAX_BYTES,
					  &attrs->notes, &attrs->notes_size);

	if (!err)
		err = read_place(blob, h, KDUMP_OFFSET_ERASEINFO, ERASEINFO_MAX_BYTES,
				 &attrs->eraseinfo, &attrs->eraseinfo_size);
	if (!err)
		err = read_place(blob, h, KDUMP_OFFSET_VMCOREINFO, GS_VMCOREINFO_MAX_BYTES,
				 &vmcoreinfo, &attrs->vmcoreinfo_size);
	attrs->vmcoreinfo = (char *)vmcoreinfo;
	return err;
}

/*
 * For a machine that the header does not name (QEMU from 8.1 on says "Unknown"): the one
 * architecture whose NT_PRSTATUS has the size of what is there.
 */
static enum gs_arch arch_from_notes(const struct gs_attributes *attrs)
{
	enum gs_arch found_arch = GS_ARCH_UNKNOWN;
	struct gs_note note;
	bool found;
	size_t pos = 0;
	gs_autoerror struct gs_error *err = gs_note_next(attrs->notes, attrs->notes_size,
							 attrs->big_endian, &pos, &note, &found);

	if (err || !found || !gs_note_is(&note, "CORE", GS_NT_PRSTATUS))
		return GS_ARCH_UNKNOWN;
	for (int i = GS_ARCH_UNKNOWN + 1; i < GS_ARCH_COUNT; i++) {
		const struct gs_arch_info *info = gs_arch_info(i);

		if (info->prstatus_size != note.desc_size || info->is_64bit != attrs->is_64bit ||
		    gs_arch_from_machine(info->e_machine, info->is_64bit, attrs->big_endian) !=
			    (enum gs_arch)i)
			continue;
		if (found_arch != GS_ARCH_UNKNOWN)
			return GS_ARCH_UNKNOWN;
		found_arch = i;
	}
	return found_arch;
}

struct gs_error *gs_kdump_attributes(struct gs_blob *blob, const struct gs_kdump_headers *h,
				     struct gs_attributes *attrs)
{
	struct gs_error *err;

	*attrs = (struct gs_attributes){
		.is_64bit = h->shape == KDUMP_SHAPE_64,
		.big_endian = h->big_endian,
		.block_size = h->block_size,
		.cpu_count = (uint32_t)h->header[KDUMP_NR_CPUS],
		.has_phys_base = true,
		.phys_base = (int64_t)h->sub[KDUMP_PHYS_BASE],
		.dump_level = (uint32_t)h->sub[KDUMP_DUMP_LEVEL],
		.incomplete = h->header[KDUMP_STATUS] & KDUMP_STATUS_INCOMPLETE,
		.timestamp_sec = (int64_t)h->header[KDUMP_TV_SEC],
		.timestamp_usec = (int32_t)h->header[KDUMP_TV_USEC],
	};
	take_utsname(h, attrs);
	err = read_places(blob, h, attrs);
	if (!err) /* keeps the VMCOREINFO that the sub header points at */
		err = gs_attributes_read_notes(attrs);
	attrs->arch = gs_arch_from_name(attrs->utsname[GS_UTS_MACHINE]);
	if (attrs->arch == GS_ARCH_UNKNOWN)
		attrs->arch = arch_from_notes(attrs);
	gs_attributes_set_page_size(attrs);
	return err;
}
