/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF notes: each lies within the blob and behind the one before; an error ends the walk. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/memory.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t walk(const uint8_t *notes, size_t size, bool big_endian)
{
	struct gs_note note;
	bool found = true;
	uint32_t cpus = 0;
	size_t pos = 0;

	while (found) {
		size_t before = pos;
		gs_autoerror struct gs_error *err =
			gs_note_next(notes, size, big_endian, &pos, &note, &found);

		if (err) {
			assert(err->code == GS_ERROR_CORRUPT && pos == size);
			break;
		}
		if (!found)
			break;
		assert(note.off == before && pos >= before + 12 && pos <= size);
		assert((const uint8_t *)note.name == notes + before + 12);
		assert(note.name_size <= size && note.desc_size <= size);
		assert(note.desc >= notes && note.desc + note.desc_size <= notes + size);
		cpus += gs_note_is(&note, "CORE", GS_NT_PRSTATUS);
	}
	return cpus;
}

/* Whatever the architecture: no more CPUs than notes, and all that they have is there once. */
static void read_registers(const struct gs_attributes *attrs)
{
	struct gs_registers_walk walk = {0};
	struct gs_registers regs;
	bool found = true;

	while (found) {
		gs_autoerror struct gs_error *err = gs_registers_next(attrs, &walk, &regs, &found);

		if (err)
			break;
		assert(walk.cpu <= attrs->notes_size / 12 && (regs.count > 0) == found);
		assert(regs.count <= GS_REGISTERS_MAX);
		gs_registers_mode(&regs);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int big_endian = 0; big_endian < 2; big_endian++) {
		struct gs_attributes attrs = {
			.big_endian = big_endian,
			.notes = malloc(size + 1),
			.notes_size = size,
		};

		if (size)
			memcpy(attrs.notes, data, size);
		assert(!gs_attributes_read_notes(&attrs));
		assert(attrs.cpu_count == walk(attrs.notes, size, big_endian));
		assert(!attrs.vmcoreinfo || attrs.vmcoreinfo_size < size);
		for (attrs.arch = 0; attrs.arch < GS_ARCH_COUNT; attrs.arch++)
			read_registers(&attrs);
		gs_attributes_deinit(&attrs);
	}
	return 0;
}
