/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a guest besides its bytes: ownership and copies. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/memory.h>

void gs_attributes_deinit(struct gs_attributes *attrs)
{
	free(attrs->notes);
	free(attrs->vmcoreinfo);
	free(attrs->eraseinfo);
	*attrs = (struct gs_attributes){0};
}

/* With a NUL behind it. NULL stays NULL, and is what comes back when there is no memory. */
static void *copy_bytes(const void *from, size_t size)
{
	uint8_t *copy = from ? malloc(size + 1) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, from, size);
	copy[size] = '\0';
	return copy;
}

struct gs_error *gs_attributes_copy(const struct gs_attributes *from, struct gs_attributes *ret)
{
	struct gs_attributes copy = *from;

	copy.notes = copy_bytes(from->notes, from->notes_size);
	copy.vmcoreinfo = copy_bytes(from->vmcoreinfo, from->vmcoreinfo_size);
	copy.eraseinfo = copy_bytes(from->eraseinfo, from->eraseinfo_size);
	if (!copy.notes != !from->notes || !copy.vmcoreinfo != !from->vmcoreinfo ||
	    !copy.eraseinfo != !from->eraseinfo) {
		gs_attributes_deinit(&copy);
		return gs_error_nomem();
	}
	*ret = copy;
	return NULL;
}

void gs_attributes_set_page_size(struct gs_attributes *attrs)
{
	uint32_t kernel_size =
		gs_arch_kernel_page_size(attrs->arch, attrs->vmcoreinfo, attrs->vmcoreinfo_size);

	if (attrs->block_size && (!kernel_size || kernel_size > attrs->block_size))
		attrs->page_size = attrs->block_size;
	else
		attrs->page_size = kernel_size ? kernel_size : gs_arch_info(attrs->arch)->page_size;
}

/* ---- VMCOREINFO ---- */

#define NOTE_HEADER_BYTES 12

static const char vmcoreinfo_name[] = "VMCOREINFO";

static size_t pad4(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

static size_t note_size(size_t text_size)
{
	return NOTE_HEADER_BYTES + pad4(sizeof(vmcoreinfo_name)) + pad4(text_size);
}

/* At *end, or behind it where the note before lacks its padding. The room is all zero. */
static void append_note(uint8_t *notes, size_t *end, bool big_endian, const char *text, size_t size)
{
	uint8_t *to = notes + pad4(*end);

	gs_put_u32(to, sizeof(vmcoreinfo_name), big_endian);
	gs_put_u32(to + 4, (uint32_t)size, big_endian);
	memcpy(to + NOTE_HEADER_BYTES, vmcoreinfo_name, sizeof(vmcoreinfo_name));
	memcpy(to + NOTE_HEADER_BYTES + pad4(sizeof(vmcoreinfo_name)), text, size);
	*end = pad4(*end) + note_size(size);
}

/*
 * The notes with the new one in place of the first of that name, else behind all that can be read:
 * what follows a damaged note stays last, as nobody finds anything there.
 */
static void replace_note(const struct gs_attributes *attrs, const char *text, size_t size,
			 uint8_t *notes, size_t *end)
{
	bool found = true, placed = false;
	size_t pos = 0, start = 0;

	while (found) {
		gs_autoerror struct gs_error *err = NULL;
		struct gs_note note;
		bool is_old;

		start = pos;
		err = gs_note_next(attrs->notes, attrs->notes_size, attrs->big_endian, &pos, &note,
				   &found);
		if (err || !found)
			break;
		is_old = gs_note_is(&note, vmcoreinfo_name, 0);
		if (is_old && !placed) {
			append_note(notes, end, attrs->big_endian, text, size);
			placed = true;
		} else if (!is_old) {
			memcpy(notes + *end, attrs->notes + start, pos - start);
			*end += pos - start;
		}
	}
	if (!placed)
		append_note(notes, end, attrs->big_endian, text, size);
	if (start < attrs->notes_size) {
		memcpy(notes + *end, attrs->notes + start, attrs->notes_size - start);
		*end += attrs->notes_size - start;
	}
}

struct gs_error *gs_attributes_set_vmcoreinfo(struct gs_attributes *attrs, const char *text,
					      size_t size)
{
	gs_autofree char *copy = NULL;
	uint8_t *notes;
	size_t end = 0;

	if (size > GS_VMCOREINFO_MAX_BYTES || attrs->notes_size > GS_NOTES_MAX_BYTES)
		return gs_error_create(GS_ERROR_INVALID,
				       "vmcoreinfo of %zu bytes, notes of %zu: at most %u and %u",
				       size, attrs->notes_size, GS_VMCOREINFO_MAX_BYTES,
				       GS_NOTES_MAX_BYTES);
	copy = copy_bytes(text, size);
	notes = calloc(1, pad4(attrs->notes_size) + note_size(size));
	if (!copy || !notes) {
		free(notes);
		return gs_error_nomem();
	}
	replace_note(attrs, text, size, notes, &end);
	free(attrs->notes);
	attrs->notes = notes;
	attrs->notes_size = end;
	free(attrs->vmcoreinfo);
	attrs->vmcoreinfo = gs_take(copy);
	attrs->vmcoreinfo_size = size;
	gs_attributes_set_page_size(attrs);
	return NULL;
}
