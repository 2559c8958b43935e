/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notes of an output file: those that came, with VMCOREINFO among them. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "writer.h"

#define NOTE_HEADER_BYTES 12

static const char vmcoreinfo_name[] = "VMCOREINFO";

static size_t pad4(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/*
 * A damaged note ends the search: what lies behind it is carried along but says nothing. An older
 * text in the notes than the one in attrs would mislead, so only an equal one counts.
 */
static uint64_t find_vmcoreinfo(const struct gs_attributes *attrs)
{
	size_t pos = 0;

	for (;;) {
		struct gs_note note;
		gs_autoerror struct gs_error *err = NULL;
		bool found = false;

		err = gs_note_next(attrs->notes, attrs->notes_size, attrs->big_endian, &pos, &note,
				   &found);
		if (err || !found)
			return UINT64_MAX;
		if (gs_note_is(&note, vmcoreinfo_name, 0) &&
		    note.desc_size >= attrs->vmcoreinfo_size &&
		    !memcmp(note.desc, attrs->vmcoreinfo, attrs->vmcoreinfo_size))
			return (uint64_t)(note.desc - attrs->notes);
	}
}

/* Put the note at @to, which is zeroed; returns where its text starts, counted from @to. */
static size_t put_vmcoreinfo(uint8_t *to, const struct gs_attributes *attrs)
{
	size_t text = NOTE_HEADER_BYTES + pad4(sizeof(vmcoreinfo_name));

	gs_put_u32(to, sizeof(vmcoreinfo_name), attrs->big_endian);
	gs_put_u32(to + 4, (uint32_t)attrs->vmcoreinfo_size, attrs->big_endian);
	memcpy(to + NOTE_HEADER_BYTES, vmcoreinfo_name, sizeof(vmcoreinfo_name));
	memcpy(to + text, attrs->vmcoreinfo, attrs->vmcoreinfo_size);
	return text;
}

struct gs_error *gs_writer_notes(const struct gs_attributes *attrs, uint8_t **notes_ret,
				 size_t *size_ret, uint64_t *vmcoreinfo_off_ret)
{
	size_t base = pad4(attrs->notes_size), size = attrs->notes_size;
	uint64_t text_off = UINT64_MAX;
	uint8_t *notes;

	if (attrs->vmcoreinfo)
		text_off = find_vmcoreinfo(attrs);
	if (attrs->vmcoreinfo && text_off == UINT64_MAX)
		size = base + NOTE_HEADER_BYTES + pad4(sizeof(vmcoreinfo_name)) +
		       pad4(attrs->vmcoreinfo_size);
	notes = calloc(1, size ? size : 1);
	if (!notes)
		return gs_error_nomem();
	if (attrs->notes_size)
		memcpy(notes, attrs->notes, attrs->notes_size);
	if (size > attrs->notes_size)
		text_off = base + put_vmcoreinfo(notes + base, attrs);
	*notes_ret = notes;
	*size_ret = size;
	*vmcoreinfo_off_ret = text_off;
	return NULL;
}
