/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF notes: {u32 namesz, u32 descsz, u32 type, name, desc}, name and desc padded to 4 bytes; and
 * the text of VMCOREINFO.
 */
#include "verify.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/text.h>

#define HEADER_BYTES 12

static uint64_t padded(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

struct note_walk {
	struct verify *v;
	const uint8_t *notes;
	uint64_t off, size; /* of the notes in the file */
	bool big_endian;
	uint64_t cpus, qemu;
	uint64_t vmcoreinfo_off, vmcoreinfo_size;
};

static bool name_is(const uint8_t *name, uint32_t size, const char *expected)
{
	return size >= strlen(expected) && size <= strlen(expected) + 1 &&
	       memcmp(name, expected, strlen(expected)) == 0;
}

static void look_at_note(struct note_walk *w, uint64_t pos, uint32_t namesz, uint32_t descsz,
			 uint32_t type)
{
	const uint8_t *name = w->notes + pos + HEADER_BYTES;

	if (type == GS_NT_PRSTATUS && name_is(name, namesz, "CORE"))
		w->cpus++;
	if (type == 0 && name_is(name, namesz, "QEMU"))
		w->qemu++;
	if (type == 0 && name_is(name, namesz, "VMCOREINFO")) {
		w->vmcoreinfo_off = w->off + pos + HEADER_BYTES + padded(namesz);
		w->vmcoreinfo_size = descsz;
	}
}

static void walk_notes(struct note_walk *w)
{
	uint64_t pos = 0;

	while (w->size - pos >= HEADER_BYTES) {
		uint32_t namesz = gs_get_u32(w->notes + pos, w->big_endian);
		uint32_t descsz = gs_get_u32(w->notes + pos + 4, w->big_endian);
		uint32_t type = gs_get_u32(w->notes + pos + 8, w->big_endian);
		uint64_t left = w->size - pos - HEADER_BYTES;

		if (namesz == 0 && descsz == 0 && type == 0)
			break; /* padding up to the segment's end */
		if (padded(namesz) > left || descsz > left - padded(namesz)) {
			verify_find(w->v, GS_SEVERITY_ERROR, "note-past-end", w->off + pos,
				    "note with namesz %" PRIu32 " and descsz %" PRIu32
				    ", but %" PRIu64 " bytes are left",
				    namesz, descsz, left);
			return;
		}
		look_at_note(w, pos, namesz, descsz, type);
		left -= padded(namesz);
		if (padded(descsz) > left)
			return; /* the last note may lack its padding */
		pos = w->size - (left - padded(descsz));
	}
}

struct gs_error *verify_notes(struct verify *v, struct gs_blob *blob, uint64_t off, uint64_t size,
			      bool big_endian, uint64_t *vmcoreinfo_off_ret,
			      uint64_t *vmcoreinfo_size_ret)
{
	struct note_walk w = {.v = v, .off = off, .size = size, .big_endian = big_endian};
	gs_autofree uint8_t *notes = NULL;
	struct gs_error *err;

	if (off > blob->size || size > blob->size - off || size > GS_NOTES_MAX_BYTES) {
		verify_find(v, GS_SEVERITY_ERROR, "notes-past-end", off,
			    "%" PRIu64 " bytes of notes in a file of %" PRIu64, size, blob->size);
		return NULL;
	}
	notes = malloc(size ? size : 1);
	if (!notes)
		return gs_error_nomem();
	err = gs_blob_read(blob, "notes", off, notes, size);
	if (err)
		return err;
	w.notes = notes;
	walk_notes(&w);
	if (w.cpus == 0)
		verify_find(v, GS_SEVERITY_WARNING, "notes-no-cpu", off,
			    "no NT_PRSTATUS note: no registers of any CPU");
	else if (w.qemu && w.qemu != w.cpus)
		verify_find(v, GS_SEVERITY_WARNING, "notes-cpu-count", off,
			    "%" PRIu64 " NT_PRSTATUS notes but %" PRIu64 " QEMU notes", w.cpus,
			    w.qemu);
	*vmcoreinfo_off_ret = w.vmcoreinfo_off;
	*vmcoreinfo_size_ret = w.vmcoreinfo_size;
	return NULL;
}

static bool is_text(const char *text, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		if (!isprint((unsigned char)text[i]) && !isspace((unsigned char)text[i]))
			return false;
	return true;
}

static void judge_vmcoreinfo(struct verify *v, const char *text, uint64_t off, uint64_t size,
			     uint32_t page_size)
{
	const char *line = strstr(text, "PAGESIZE=");
	uint64_t pages = line ? strtoull(line + strlen("PAGESIZE="), NULL, 10) : 0;

	if (!is_text(text, strnlen(text, size))) {
		verify_find(v, GS_SEVERITY_ERROR, "vmcoreinfo-not-text", off,
			    "VMCOREINFO holds bytes that are no text");
		return;
	}
	if (strncmp(text, "OSRELEASE=", strlen("OSRELEASE=")) != 0 && !strstr(text, "\nOSRELEASE="))
		verify_find(v, GS_SEVERITY_WARNING, "vmcoreinfo-no-osrelease", off,
			    "VMCOREINFO without OSRELEASE");
	if (line && page_size && pages != page_size)
		verify_find(v, GS_SEVERITY_WARNING, "vmcoreinfo-page-size", off,
			    "PAGESIZE=%" PRIu64 ", but the dump's block_size is %" PRIu32, pages,
			    page_size);
}

struct gs_error *verify_vmcoreinfo(struct verify *v, struct gs_blob *blob, uint64_t off,
				   uint64_t size, uint32_t page_size)
{
	gs_autofree char *text = NULL;
	struct gs_error *err;

	if (size == 0) {
		verify_find(v, GS_SEVERITY_INFO, "vmcoreinfo-none", NO_OFFSET,
			    "no VMCOREINFO: readers must be told about the kernel");
		return NULL;
	}
	if (off > blob->size || size > blob->size - off || size > GS_VMCOREINFO_MAX_BYTES) {
		verify_find(v, GS_SEVERITY_ERROR, "vmcoreinfo-past-end", off,
			    "VMCOREINFO of %" PRIu64 " bytes in a file of %" PRIu64, size,
			    blob->size);
		return NULL;
	}
	text = calloc(1, size + 1);
	if (!text)
		return gs_error_nomem();
	err = gs_blob_read(blob, "VMCOREINFO", off, text, size);
	if (!err)
		judge_vmcoreinfo(v, text, off, size, page_size);
	return err;
}
