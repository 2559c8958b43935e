/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers and notes of an ELF file to be written. */
#include <elf.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "elf_layout.h"
#include "elf_plan.h"

static struct gs_error *write_ehdr(const struct elf_plan *plan, const struct gs_attributes *attrs,
				   struct gs_sink *sink)
{
	const uint64_t values[EHDR_FIELD_COUNT] = {
		[E_TYPE] = ET_CORE,
		[E_MACHINE] = gs_arch_info(attrs->arch)->e_machine,
		[E_VERSION] = EV_CURRENT,
		[E_PHOFF] = plan->phdrs_off,
		[E_SHOFF] = plan->shdr_off,
		[E_FLAGS] = attrs->incomplete ? DUMP_ELF_INCOMPLETE : 0,
		[E_EHSIZE] = gs_elf_ehdr_bytes(plan->is_64bit),
		[E_PHENTSIZE] = gs_elf_phdr_bytes(plan->is_64bit),
		[E_PHNUM] = plan->shdr_off ? PN_XNUM : plan->phdr_count,
		[E_SHENTSIZE] = plan->shdr_off ? gs_elf_shdr_bytes(plan->is_64bit) : 0,
		[E_SHNUM] = plan->shdr_off ? 1 : 0,
	};
	uint8_t ehdr[sizeof(Elf64_Ehdr)] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3};

	ehdr[EI_CLASS] = plan->is_64bit ? ELFCLASS64 : ELFCLASS32;
	ehdr[EI_DATA] = attrs->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	ehdr[EI_VERSION] = EV_CURRENT;
	for (int i = 0; i < EHDR_FIELD_COUNT; i++)
		gs_field_put(&gs_elf_ehdr_fields[plan->is_64bit][i], ehdr, values[i],
			     attrs->big_endian);
	return gs_sink_write(sink, 0, ehdr, gs_elf_ehdr_bytes(plan->is_64bit));
}

/* The real count of program headers, where e_phnum cannot hold it. */
static struct gs_error *write_shdr(const struct elf_plan *plan, bool big_endian,
				   struct gs_sink *sink)
{
	uint8_t shdr[sizeof(Elf64_Shdr)] = {0};

	gs_field_put(&gs_elf_sh_info_field[plan->is_64bit], shdr, plan->phdr_count, big_endian);
	return gs_sink_write(sink, plan->shdr_off, shdr, gs_elf_shdr_bytes(plan->is_64bit));
}

/* A buffer of program headers on their way to the file. */
struct phdr_batch {
	const struct elf_plan *plan;
	struct gs_sink *sink;
	bool big_endian;
	uint64_t off; /* of buffer[0] in the file */
	size_t used;
	uint8_t buffer[1170 * sizeof(Elf64_Phdr)];
};

static struct gs_error *batch_flush(struct phdr_batch *b)
{
	struct gs_error *err = gs_sink_write(b->sink, b->off, b->buffer, b->used);

	b->off += b->used;
	b->used = 0;
	return err;
}

static struct gs_error *batch_add(struct phdr_batch *b, const uint64_t values[PHDR_FIELD_COUNT])
{
	uint32_t size = gs_elf_phdr_bytes(b->plan->is_64bit);
	struct gs_error *err = NULL;

	if (sizeof(b->buffer) - b->used < size)
		err = batch_flush(b);
	memset(b->buffer + b->used, 0, size);
	for (int i = 0; i < PHDR_FIELD_COUNT; i++)
		gs_field_put(&gs_elf_phdr_fields[b->plan->is_64bit][i], b->buffer + b->used,
			     values[i], b->big_endian);
	b->used += size;
	return err;
}

static struct gs_error *batch_add_note(struct phdr_batch *b)
{
	const uint64_t values[PHDR_FIELD_COUNT] = {
		[P_TYPE] = PT_NOTE,
		[P_OFFSET] = b->plan->notes_off,
		[P_FILESZ] = b->plan->notes_size,
		[P_MEMSZ] = b->plan->notes_size,
	};

	return batch_add(b, values);
}

static struct gs_error *batch_add_load(struct phdr_batch *b, const struct elf_piece *piece)
{
	const uint64_t values[PHDR_FIELD_COUNT] = {
		[P_TYPE] = PT_LOAD,       [P_FLAGS] = PF_R | PF_W | PF_X, [P_OFFSET] = piece->off,
		[P_VADDR] = piece->vaddr, [P_PADDR] = piece->gpa,         [P_FILESZ] = piece->size,
		[P_MEMSZ] = piece->size,
	};

	return batch_add(b, values);
}

static struct gs_error *write_phdrs(const struct elf_plan *plan, bool big_endian,
				    struct gs_sink *sink)
{
	struct phdr_batch batch = {
		.plan = plan, .sink = sink, .big_endian = big_endian, .off = plan->phdrs_off};
	struct gs_error *err = NULL;

	if (plan->notes_size)
		err = batch_add_note(&batch);
	for (size_t i = 0; i < plan->piece_count && !err; i++)
		err = batch_add_load(&batch, &plan->pieces[i]);
	for (size_t i = 0; i < plan->text_count && !err; i++)
		err = batch_add_load(&batch, &plan->texts[i]);
	return err ? err : batch_flush(&batch);
}

struct gs_error *gs_elf_write_headers(const struct elf_plan *plan,
				      const struct gs_attributes *attrs, struct gs_sink *sink)
{
	struct gs_error *err = write_ehdr(plan, attrs, sink);

	if (!err)
		err = write_phdrs(plan, attrs->big_endian, sink);
	if (!err && plan->shdr_off)
		err = write_shdr(plan, attrs->big_endian, sink);
	if (!err)
		err = gs_sink_write(sink, plan->notes_off, plan->notes, plan->notes_size);
	return err;
}
