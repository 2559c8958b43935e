/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMCOREINFO from a file of its own. */
#include <guestscope/linux.h>

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/io.h>

#define FILE_BYTES_MAX (2u << 20) /* the text, and the notes around it */
#define TEXT_BEGIN "OSRELEASE="

/* NULL: the bytes are not notes of that byte order, or VMCOREINFO is not among them. */
static const char *find_note(const char *bytes, size_t size, bool big_endian, size_t *size_ret)
{
	struct gs_note note;
	bool found = true;
	size_t pos = 0;

	while (found) {
		gs_autoerror struct gs_error *err =
			gs_note_next((const uint8_t *)bytes, size, big_endian, &pos, &note, &found);

		if (err || !found)
			return NULL;
		if (gs_note_is(&note, "VMCOREINFO", 0)) {
			*size_ret = note.desc_size;
			return (const char *)note.desc;
		}
	}
	return NULL;
}

/* A line of @text begins with it. */
static bool has_release(const char *text, size_t size)
{
	const char *at = memmem(text, size, TEXT_BEGIN, sizeof(TEXT_BEGIN) - 1);

	return at && (at == text || at[-1] == '\n');
}

struct gs_error *gs_vmcoreinfo_load(const char *path, char **text_ret, size_t *size_ret)
{
	gs_autofree char *bytes = NULL;
	const char *text;
	char *copy;
	size_t size;
	struct gs_error *err = gs_read_file(path, FILE_BYTES_MAX, &bytes, &size);

	if (err)
		return err;
	text = find_note(bytes, size, false, &size);
	if (!text)
		text = find_note(bytes, size, true, &size);
	if (!text)
		text = bytes;
	size = strnlen(text, size); /* a page of it is filled up with zeros */
	if (size > GS_VMCOREINFO_MAX_BYTES || !has_release(text, size))
		return gs_error_create(
			GS_ERROR_CORRUPT,
			"%s: no VMCOREINFO: expected its text, with a line " TEXT_BEGIN
			"..., or an ELF note of that name",
			path);
	copy = strndup(text, size);
	if (!copy)
		return gs_error_nomem();
	*text_ret = copy;
	*size_ret = size;
	return NULL;
}
