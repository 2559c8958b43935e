/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A CPU's registers out of the notes, by the tables of register_layouts.c. */
#include "register_layouts.h"

#include <string.h>

#include <guestscope/base/bytes.h>

#define QEMU_NOTE_VERSION 1

bool gs_registers_get(const struct gs_registers *regs, const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < regs->count; i++) {
		if (strcmp(regs->list[i].name, name) == 0) {
			*ret = regs->list[i].low;
			return true;
		}
	}
	return false;
}

static struct gs_register read_register(const struct register_row *row, const uint8_t *field,
					bool big_endian)
{
	struct gs_register reg = {.name = row->name, .group = row->group, .width = row->width};

	if (row->width == 16) {
		reg.low = gs_get_u64(field + (big_endian ? 8 : 0), big_endian);
		reg.high = gs_get_u64(field + (big_endian ? 0 : 8), big_endian);
	} else {
		reg.low = gs_get_uint(field, row->width, big_endian);
	}
	return reg;
}

static void add_registers(struct gs_registers *regs, const struct register_layout *layout,
			  const struct gs_note *note, bool big_endian)
{
	for (size_t i = 0; i < layout->row_count && regs->count < GS_REGISTERS_MAX; i++) {
		const struct register_row *row = &layout->rows[i];
		size_t off = layout->base + row->off;
		uint64_t known;

		if (off + row->width <= note->desc_size &&
		    !gs_registers_get(regs, row->name, &known))
			regs->list[regs->count++] =
				read_register(row, note->desc + off, big_endian);
	}
}

static bool fits(const struct register_layout *layout, const struct gs_note *note, bool big_endian)
{
	if (!gs_note_is(note, layout->note, layout->type) || note->desc_size < layout->size_min ||
	    note->desc_size > layout->size_max)
		return false;
	/* Of our layouts, QEMU's alone has the type 0; it begins with its version. */
	return layout->type != 0 || gs_get_u32(note->desc, big_endian) == QEMU_NOTE_VERSION;
}

/* The next note of a layout, from *pos on. */
static bool next_note(const struct gs_attributes *attrs, const struct register_layout *layout,
		      size_t *pos, struct gs_note *note)
{
	bool found = true;

	while (found) {
		struct gs_error *err = gs_note_next(attrs->notes, attrs->notes_size,
						    attrs->big_endian, pos, note, &found);

		if (err) {
			gs_error_destroy(err);
			return false;
		}
		if (found && fits(layout, note, attrs->big_endian))
			return true;
	}
	return false;
}

struct gs_error *gs_registers_next(const struct gs_attributes *attrs,
				   struct gs_registers_walk *walk, struct gs_registers *ret,
				   bool *found_ret)
{
	size_t layouts = 0;

	*found_ret = false;
	*ret = (struct gs_registers){.arch = attrs->arch, .cpu = walk->cpu};
	for (size_t i = 0; i < gs_register_layout_count && layouts < GS_REGISTER_NOTES_MAX; i++) {
		const struct register_layout *layout = &gs_register_layouts[i];
		struct gs_note note;

		if (layout->arch != attrs->arch)
			continue;
		if (next_note(attrs, layout, &walk->pos[layouts++], &note)) {
			add_registers(ret, layout, &note, attrs->big_endian);
			*found_ret = true;
		}
	}
	if (!layouts)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "where the registers of %s are is not known here",
				       gs_arch_info(attrs->arch)->name);
	walk->cpu += *found_ret;
	return NULL;
}

struct gs_error *gs_registers_of_cpu(const struct gs_attributes *attrs, uint32_t cpu,
				     struct gs_registers *ret)
{
	struct gs_registers_walk walk = {0};
	struct gs_registers regs;
	bool found = true;

	while (found) {
		struct gs_error *err = gs_registers_next(attrs, &walk, &regs, &found);

		if (err)
			return err;
		if (found && regs.cpu == cpu) {
			*ret = regs;
			return NULL;
		}
	}
	return gs_error_create(GS_ERROR_NODATA, "no CPU %u: the notes tell of %u", cpu, walk.cpu);
}

const char *gs_register_group_name(enum gs_register_group group)
{
	static const char *const names[GS_REGISTER_GROUP_COUNT] = {"general", "segments", "control",
								   "vector"};

	return names[group];
}

const char *gs_registers_pc_name(const struct gs_registers *regs)
{
	static const char *const names[] = {"rip", "eip", "pc", "nip", "psw.addr"};
	uint64_t pc;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (gs_registers_get(regs, names[i], &pc))
			return names[i];
	}
	return NULL;
}
