/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of a kdump file that is to be mended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kdump_parse.h"
#include "mend.h"
#include "writer.h"

#define NOTES_ALIGN 8

static const char *const uts_names[GS_UTSNAME_FIELDS] = {"sysname", "nodename", "release",
							 "version", "machine",  "domainname"};

/* Empty, or a word that readers know nothing to do with. */
static bool is_useless(const struct gs_attributes *now, int field)
{
	const char *value = now->utsname[field];

	return !*value || (field == GS_UTS_MACHINE && gs_arch_from_name(value) == GS_ARCH_UNKNOWN);
}

/* A machine that the notes tell, though no name does, has one here. */
static const char *due_name(const struct gs_attributes *due, int field)
{
	if (field == GS_UTS_MACHINE && is_useless(due, field) && due->arch != GS_ARCH_UNKNOWN)
		return gs_arch_info(due->arch)->name;
	return due->utsname[field];
}

static struct gs_error *mend_utsname(struct gs_mend *m, const struct gs_mend_wanted *wanted,
				     uint8_t *header)
{
	struct gs_error *err = NULL;

	for (int i = 0; i < GS_UTSNAME_FIELDS && !err; i++) {
		const char *now = m->mem->attrs.utsname[i], *due = due_name(wanted->attrs, i);

		if (!is_useless(&m->mem->attrs, i) || !*due || strcmp(now, due) == 0)
			continue;
		memset(header + KDUMP_UTSNAME_OFF + i * GS_UTSNAME_SIZE, 0, GS_UTSNAME_SIZE);
		memcpy(header + KDUMP_UTSNAME_OFF + i * GS_UTSNAME_SIZE, due,
		       strnlen(due, GS_UTSNAME_SIZE - 1));
		err = gs_mend_note(m, "kdump-utsname", now, due, "%s is %s", uts_names[i],
				   *now ? "of no use" : "empty");
	}
	return err;
}

static struct gs_error *mend_phys_base(struct gs_mend *m, const struct gs_mend_wanted *wanted,
				       struct gs_kdump_headers *h)
{
	int64_t now = (int64_t)h->sub[KDUMP_PHYS_BASE], due = wanted->attrs->phys_base;
	char was[32], will_be[32];

	if (!wanted->attrs->has_phys_base || h->shape != KDUMP_SHAPE_64 || now == due)
		return NULL;
	h->sub[KDUMP_PHYS_BASE] = (uint64_t)due;
	snprintf(was, sizeof(was), "%" PRId64, now);
	snprintf(will_be, sizeof(will_be), "%" PRId64, due);
	return gs_mend_note(m, "kdump-phys-base", was, will_be,
			    "phys_base is not where the kernel is");
}

/* Whether the sub header leads to the text that is due. */
static struct gs_error *leads_to_text(struct gs_mend *m, const struct gs_attributes *due,
				      const struct gs_kdump_headers *h, bool *ret)
{
	gs_autofree char *text = NULL;
	struct gs_error *err;

	*ret = false;
	if (h->sub[KDUMP_SIZE_VMCOREINFO] != due->vmcoreinfo_size)
		return NULL;
	text = malloc(due->vmcoreinfo_size + 1);
	if (!text)
		return gs_error_nomem();
	err = gs_blob_read(m->view, "vmcoreinfo", h->sub[KDUMP_OFFSET_VMCOREINFO], text,
			   due->vmcoreinfo_size);
	*ret = !err && !memcmp(text, due->vmcoreinfo, due->vmcoreinfo_size);
	return err;
}

/* Whether the file has other notes than those due. */
static struct gs_error *are_other_notes(struct gs_mend *m, const uint8_t *notes, size_t size,
					const struct gs_kdump_headers *h, bool *ret)
{
	gs_autofree uint8_t *now = NULL;
	struct gs_error *err;

	*ret = h->sub[KDUMP_SIZE_NOTE] != size;
	if (*ret)
		return NULL;
	now = malloc(size + 1);
	if (!now)
		return gs_error_nomem();
	err = gs_blob_read(m->view, "notes", h->sub[KDUMP_OFFSET_NOTE], now, size);
	*ret = !err && memcmp(now, notes, size) != 0;
	return err;
}

/* New notes find room behind everything else. */
static struct gs_error *move_notes(struct gs_mend *m, uint8_t *notes, size_t size,
				   struct gs_kdump_headers *h)
{
	uint64_t off = (m->size + NOTES_ALIGN - 1) / NOTES_ALIGN * NOTES_ALIGN;

	m->size = off + size;
	h->sub[KDUMP_OFFSET_NOTE] = off;
	h->sub[KDUMP_SIZE_NOTE] = size;
	return gs_edits_add_bytes(&m->edits, off, notes, size);
}

static struct gs_error *note_vmcoreinfo(struct gs_mend *m, bool moved, uint64_t was,
					const struct gs_kdump_headers *h)
{
	char old_value[32], new_value[32];

	snprintf(old_value, sizeof(old_value), "0x%" PRIx64, was);
	snprintf(new_value, sizeof(new_value), "0x%" PRIx64, h->sub[KDUMP_OFFSET_VMCOREINFO]);
	return gs_mend_note(m, "kdump-vmcoreinfo", was ? old_value : NULL, new_value,
			    moved ? "the notes lack a VMCOREINFO"
				  : "the sub header does not lead to the notes' VMCOREINFO");
}

static struct gs_error *mend_vmcoreinfo(struct gs_mend *m, const struct gs_mend_wanted *wanted,
					struct gs_kdump_headers *h)
{
	const struct gs_attributes *due = wanted->attrs;
	int since = gs_kdump_sub_fields(h->shape)[KDUMP_SIZE_NOTE].since;
	uint64_t was = h->sub[KDUMP_OFFSET_VMCOREINFO], off;
	gs_autofree uint8_t *notes = NULL;
	struct gs_error *err;
	bool good, moved = false;
	size_t size;

	if (!due->vmcoreinfo || h->header[KDUMP_HEADER_VERSION] < (uint64_t)since)
		return NULL;
	err = leads_to_text(m, due, h, &good);
	if (!err && !good)
		err = gs_writer_notes(due, &notes, &size, &off);
	if (!err && !good)
		err = are_other_notes(m, notes, size, h, &moved);
	if (err || good)
		return err;
	if (moved)
		err = move_notes(m, gs_take(notes), size, h);
	if (err)
		return err;
	h->sub[KDUMP_OFFSET_VMCOREINFO] = h->sub[KDUMP_OFFSET_NOTE] + off;
	h->sub[KDUMP_SIZE_VMCOREINFO] = due->vmcoreinfo_size;
	return note_vmcoreinfo(m, moved, was, h);
}

static void put_fields(uint8_t *to, const struct gs_field *fields, int count,
		       const uint64_t *values, const struct gs_kdump_headers *h)
{
	for (int i = 0; i < count; i++) {
		if (fields[i].since <= h->header[KDUMP_HEADER_VERSION])
			gs_field_put(&fields[i], to, values[i], h->big_endian);
	}
}

/* One edit for each header in which something has changed. */
static struct gs_error *add_headers(struct gs_mend *m, const struct gs_kdump_headers *h,
				    uint8_t *header)
{
	uint32_t size = gs_kdump_sub_bytes(h->shape, (int)h->header[KDUMP_HEADER_VERSION]);
	uint8_t was[KDUMP_SUB_BYTES_MAX], sub[KDUMP_SUB_BYTES_MAX];
	struct gs_error *err = gs_blob_read(m->view, "sub header", h->block_size, was, size);

	if (err)
		return err;
	memcpy(sub, was, size);
	put_fields(header, gs_kdump_header_fields(h->shape), KDUMP_HEADER_FIELD_COUNT, h->header,
		   h);
	put_fields(sub, gs_kdump_sub_fields(h->shape), KDUMP_SUB_FIELD_COUNT, h->sub, h);
	err = gs_edits_add_changed(&m->edits, 0, h->raw, header, gs_kdump_header_bytes(h->shape));
	return err ? err : gs_edits_add_changed(&m->edits, h->block_size, was, sub, size);
}

struct gs_error *gs_mend_kdump(struct gs_mend *m, const struct gs_mend_wanted *wanted)
{
	uint8_t header[KDUMP_HEADER_BYTES_MAX];
	struct gs_kdump_headers h;
	struct gs_error *err = gs_kdump_parse(m->view, &h);

	if (err)
		return err;
	memcpy(header, h.raw, sizeof(header));
	err = gs_mend_kdump_pages(m, wanted, &h);
	if (!err)
		err = mend_utsname(m, wanted, header);
	if (!err)
		err = mend_phys_base(m, wanted, &h);
	if (!err)
		err = mend_vmcoreinfo(m, wanted, &h);
	return err ? err : add_headers(m, &h, header);
}
