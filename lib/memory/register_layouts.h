/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the notes of a dump hold which register. */
#ifndef GUESTSCOPE_MEMORY_REGISTER_LAYOUTS_H
#define GUESTSCOPE_MEMORY_REGISTER_LAYOUTS_H

#include <guestscope/memory.h>

struct register_row {
	const char *name;
	enum gs_register_group group;
	uint8_t width; /* bytes */
	uint16_t off;  /* from the layout's base */
};

/* One kind of note of one architecture. */
struct register_layout {
	enum gs_arch arch;
	const char *note;
	uint32_t type;
	uint32_t size_min, size_max; /* of the note; rows beyond its end are left out */
	uint16_t base;               /* of the registers in the note */
	const struct register_row *rows;
	size_t row_count;
};

/* Of several layouts of an architecture, the first one that has a register gives its value. */
extern const struct register_layout gs_register_layouts[];
extern const size_t gs_register_layout_count;

#endif
