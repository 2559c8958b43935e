/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where we are in a device, and hostile names in sentences. */
#include <inttypes.h>
#include <string.h>

#include "check_scope.h"

#define NAME_SHOWN_MAX 120 /* bytes; real: 60 */

void gs_check_put_name(struct gs_text *text, const char *name)
{
	char cut[NAME_SHOWN_MAX + 1];
	size_t size = strnlen(name, sizeof(cut));
	bool is_long = size == sizeof(cut);

	/* Not in the middle of a character. */
	for (size -= is_long; is_long && size && ((unsigned char)name[size] & 0xc0) == 0x80;)
		size--;
	memcpy(cut, name, size);
	cut[size] = '\0';
	for (char *tab = cut; (tab = strchr(tab, '\t'));)
		*tab = ' ';
	gs_text_puts_printable(text, cut);
	gs_text_puts(text, is_long ? "..." : "");
}

size_t gs_check_enter_field(struct gs_judge *judge, const struct gs_vmsd_field *field)
{
	size_t mark = judge->path.size;

	gs_text_puts(&judge->path, mark ? "/" : "");
	gs_check_put_name(&judge->path, field->name);
	if (field->occurrence)
		gs_text_printf(&judge->path, "#%u", field->occurrence);
	return mark;
}

size_t gs_check_enter_subsection(struct gs_judge *judge, const struct gs_vmsd *subsection)
{
	size_t mark = judge->path.size;

	gs_text_puts(&judge->path, mark ? "/[" : "[");
	gs_check_put_name(&judge->path, subsection->name);
	gs_text_puts(&judge->path, "]");
	return mark;
}

void gs_check_leave(struct gs_judge *judge, size_t mark)
{
	if (judge->path.data && mark <= judge->path.size) {
		judge->path.size = mark;
		judge->path.data[mark] = '\0';
	}
}

/* From the outside in. */
static void put_place(struct gs_judge *judge, const struct gs_place *place)
{
	if (!place)
		return;
	put_place(judge, place->parent);
	gs_check_enter_field(judge, place->field);
	if (place->is_element && !place->is_every)
		gs_text_printf(&judge->path, "[%" PRIu64 "]", place->index);
}

size_t gs_check_enter_place(struct gs_judge *judge, const struct gs_place *place)
{
	size_t mark = judge->path.size;

	put_place(judge, place);
	return mark;
}
