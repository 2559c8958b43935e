/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF notes.
 *
 *	n_namesz u32 | n_descsz u32 | n_type u32 | name, padded to 4 | desc, padded to 4
 */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/memory.h>

#define LIVE_NAME "guestscope"

/* The padding of the last note may be missing. */
static void skip_padding(struct gs_cursor *c)
{
	size_t padding = -c->pos & 3;

	c->pos += padding < gs_cursor_left(c) ? padding : gs_cursor_left(c);
}

static struct gs_error *read_note(struct gs_cursor *c, struct gs_note *note)
{
	uint32_t name_size, desc_size;
	const uint8_t *name;
	struct gs_error *err;

	note->off = c->pos;
	err = gs_cursor_u32(c, "note: n_namesz", &name_size);
	if (!err)
		err = gs_cursor_u32(c, "note: n_descsz", &desc_size);
	if (!err)
		err = gs_cursor_u32(c, "note: n_type", &note->type);
	if (!err)
		err = gs_cursor_bytes(c, "note: name", name_size, &name);
	if (err)
		return err;
	skip_padding(c);
	err = gs_cursor_bytes(c, "note: desc", desc_size, &note->desc);
	if (err)
		return err;
	skip_padding(c);
	note->name = (const char *)name;
	note->name_size = name_size && !name[name_size - 1] ? name_size - 1 : name_size;
	note->desc_size = desc_size;
	return NULL;
}

struct gs_error *gs_note_next(const uint8_t *notes, size_t size, bool big_endian, size_t *pos,
			      struct gs_note *note_ret, bool *found_ret)
{
	struct gs_cursor c = {.data = notes, .size = size, .pos = *pos, .big_endian = big_endian};
	struct gs_note note;
	struct gs_error *err;

	if (*pos >= size) {
		*found_ret = false;
		return NULL;
	}
	err = read_note(&c, &note);
	if (err) {
		*pos = size;
		return err;
	}
	*pos = c.pos;
	*note_ret = note;
	*found_ret = true;
	return NULL;
}

bool gs_note_is(const struct gs_note *note, const char *name, uint32_t type)
{
	size_t size = strlen(name);

	return note->type == type && note->name_size == size && !memcmp(note->name, name, size);
}

/*
 * QEMU's note of an x86 CPU: 32-bit version and size, then 64-bit registers (rax rbx rcx rdx rsi
 * rdi rsp rbp r8..r15 rip rflags), ten segments of 24 bytes, cr0..cr4, and kernel_gs_base in later
 * ones.
 */
#define QEMU_RSP_OFF (8 + 6 * 8)
#define QEMU_RIP_OFF (8 + 16 * 8)
#define QEMU_CR3_OFF (8 + 18 * 8 + 10 * 24 + 3 * 8)
#define QEMU_NOTE_BYTES_MIN 432

static bool read_qemu_note(const struct gs_note *note, struct gs_cpu *ret)
{
	if (note->desc_size < QEMU_NOTE_BYTES_MIN)
		return false;
	*ret = (struct gs_cpu){
		.pc = gs_get_u64(note->desc + QEMU_RIP_OFF, false),
		.sp = gs_get_u64(note->desc + QEMU_RSP_OFF, false),
		.has_cr3 = true,
		.cr3 = gs_get_u64(note->desc + QEMU_CR3_OFF, false),
	};
	return true;
}

static bool read_prstatus(const struct gs_note *note, const struct gs_arch_info *info,
			  bool big_endian, struct gs_cpu *ret)
{
	const uint8_t *regs = note->desc + info->prstatus_reg_off;
	size_t width = info->is_64bit ? 8 : 4;

	if (note->desc_size != info->prstatus_size || info->reg_pc == info->reg_sp)
		return false;
	*ret = (struct gs_cpu){
		.has_number = true,
		.number = gs_get_u32(note->desc + info->prstatus_pid_off, big_endian),
		.pc = gs_get_uint(regs + info->reg_pc * width, width, big_endian),
		.sp = gs_get_uint(regs + info->reg_sp * width, width, big_endian),
	};
	return true;
}

bool gs_note_cpu(const struct gs_note *note, enum gs_arch arch, bool big_endian, struct gs_cpu *ret)
{
	if (gs_note_is(note, "CORE", GS_NT_PRSTATUS))
		return read_prstatus(note, gs_arch_info(arch), big_endian, ret);
	return gs_note_is(note, "QEMU", 0) && read_qemu_note(note, ret);
}

/* The first one counts. One that is too long is no VMCOREINFO. */
static struct gs_error *take_vmcoreinfo(struct gs_attributes *attrs, const struct gs_note *note)
{
	char *text;

	if (attrs->vmcoreinfo || note->desc_size > GS_VMCOREINFO_MAX_BYTES)
		return NULL;
	text = malloc(note->desc_size + 1);
	if (!text)
		return gs_error_nomem();
	memcpy(text, note->desc, note->desc_size);
	text[note->desc_size] = '\0';
	attrs->vmcoreinfo = text;
	attrs->vmcoreinfo_size = note->desc_size;
	return NULL;
}

struct gs_error *gs_attributes_read_notes(struct gs_attributes *attrs)
{
	struct gs_note note;
	uint32_t cpu_count = 0;
	bool found = true;
	size_t pos = 0;

	while (found) {
		struct gs_error *err = gs_note_next(attrs->notes, attrs->notes_size,
						    attrs->big_endian, &pos, &note, &found);

		if (err) { /* what comes behind a damaged note cannot be found */
			gs_error_destroy(err);
			break;
		}
		if (found && gs_note_is(&note, "CORE", GS_NT_PRSTATUS))
			cpu_count++;
		if (found && gs_note_is(&note, LIVE_NAME, GS_NT_LIVE))
			attrs->live = true;
		if (found && gs_note_is(&note, "VMCOREINFO", 0)) {
			err = take_vmcoreinfo(attrs, &note);
			if (err)
				return err;
		}
	}
	if (cpu_count)
		attrs->cpu_count = cpu_count;
	return NULL;
}

struct gs_error *gs_attributes_mark_live(struct gs_attributes *attrs)
{
	const size_t name_size = sizeof(LIVE_NAME), padded = (name_size + 3) & ~(size_t)3;
	size_t start = (attrs->notes_size + 3) & ~(size_t)3, size = start + 12 + padded;
	uint8_t *notes;

	if (attrs->live)
		return NULL;
	notes = realloc(attrs->notes, size);
	if (!notes)
		return gs_error_nomem();
	memset(notes + attrs->notes_size, 0, size - attrs->notes_size);
	gs_put_u32(notes + start, name_size, attrs->big_endian);
	gs_put_u32(notes + start + 8, GS_NT_LIVE, attrs->big_endian);
	memcpy(notes + start + 12, LIVE_NAME, name_size);
	attrs->notes = notes;
	attrs->notes_size = size;
	attrs->live = true;
	return NULL;
}
