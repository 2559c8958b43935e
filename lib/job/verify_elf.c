/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF vmcore, judged by its raw headers (System V ABI, "Object Files").
 *
 *	Ehdr   e_ident, e_type, e_machine, ... e_phoff, e_shoff ... e_phentsize, e_phnum
 *	Phdr[] PT_NOTE: notes; PT_LOAD: p_paddr, p_filesz bytes at p_offset, up to p_memsz more
 *	Shdr[] section 0: the real e_phnum in sh_info when it is PN_XNUM
 */
#include "verify_elf.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define EHDR_BYTES_MAX 64
#define SHDR_BYTES_MAX 64
#define PHDRS_MAX GS_RANGES_MAX
#define INCOMPLETE 1 /* makedumpfile's bit in e_flags */

/* A field of a raw header that is @off64 bytes into the 64-bit shape, @off32 into the other one. */
static uint64_t field(const struct elf *e, const uint8_t *raw, size_t off64, size_t width64,
		      size_t off32, size_t width32)
{
	return e->wide ? gs_get_uint(raw + off64, width64, e->big_endian)
		       : gs_get_uint(raw + off32, width32, e->big_endian);
}

static size_t ehdr_bytes(const struct elf *e)
{
	return e->wide ? 64 : 52;
}

static size_t phdr_bytes(const struct elf *e)
{
	return e->wide ? 56 : 32;
}

static size_t shdr_bytes(const struct elf *e)
{
	return e->wide ? 64 : 40;
}

static bool judge_ident(struct elf *e, const uint8_t *raw)
{
	e->wide = raw[EI_CLASS] == ELFCLASS64;
	e->big_endian = raw[EI_DATA] == ELFDATA2MSB;
	if (raw[EI_CLASS] != ELFCLASS32 && raw[EI_CLASS] != ELFCLASS64)
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-class", EI_CLASS,
			       "EI_CLASS is %u, expected 1 or 2", raw[EI_CLASS]);
	else if (raw[EI_DATA] != ELFDATA2LSB && raw[EI_DATA] != ELFDATA2MSB)
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-data", EI_DATA,
			       "EI_DATA is %u, expected 1 or 2", raw[EI_DATA]);
	else if (e->blob->size < ehdr_bytes(e))
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-short", 0,
			       "the file ends within the ELF header, after %" PRIu64 " bytes",
			       e->blob->size);
	else
		return true;
	return false;
}

/* Other architectures keep their ABI in e_flags. */
static bool has_free_flags(enum gs_arch arch)
{
	return arch == GS_ARCH_X86_64 || arch == GS_ARCH_I386 || arch == GS_ARCH_AARCH64 ||
	       arch == GS_ARCH_S390X;
}

static void judge_header(struct elf *e, const uint8_t *raw)
{
	uint16_t type = gs_get_u16(raw + 16, e->big_endian);
	uint64_t flags = field(e, raw, 48, 4, 36, 4);

	e->arch = gs_arch_from_machine(gs_get_u16(raw + 18, e->big_endian), e->wide, e->big_endian);
	e->phoff = field(e, raw, 32, 8, 28, 4);
	e->shoff = field(e, raw, 40, 8, 32, 4);
	e->ehsize = (uint16_t)field(e, raw, 52, 2, 40, 2);
	e->phentsize = (uint16_t)field(e, raw, 54, 2, 42, 2);
	e->phnum = field(e, raw, 56, 2, 44, 2);
	e->shentsize = (uint16_t)field(e, raw, 58, 2, 46, 2);
	if (type != ET_CORE)
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-type", 16,
			       "e_type is %u, expected %d (ET_CORE)", type, ET_CORE);
	if (e->arch == GS_ARCH_UNKNOWN)
		gs_verify_find(e->v, GS_SEVERITY_INFO, "elf-machine", 18,
			       "e_machine is %u: an architecture unknown here",
			       gs_get_u16(raw + 18, e->big_endian));
	if (has_free_flags(e->arch) && (flags & INCOMPLETE))
		gs_verify_find(e->v, GS_SEVERITY_WARNING, "elf-incomplete", e->wide ? 48 : 36,
			       "e_flags says that the dump is incomplete");
	if (e->ehsize != ehdr_bytes(e))
		gs_verify_find(e->v, GS_SEVERITY_INFO, "elf-ehsize", e->wide ? 52 : 40,
			       "e_ehsize is %u, expected %zu (readers do not mind)", e->ehsize,
			       ehdr_bytes(e));
}

/* PN_XNUM in e_phnum: the number is in section 0. */
static struct gs_error *resolve_phnum(struct elf *e, bool *known_ret)
{
	uint8_t section[SHDR_BYTES_MAX];
	struct gs_error *err;

	*known_ret = e->phnum != PN_XNUM;
	if (*known_ret)
		return NULL;
	if (e->shoff == 0 || e->shoff > e->blob->size || e->blob->size - e->shoff < shdr_bytes(e)) {
		gs_verify_find(
			e->v, GS_SEVERITY_ERROR, "elf-xnum", e->wide ? 56 : 44,
			"e_phnum is PN_XNUM, but there is no section 0 at e_shoff 0x%" PRIx64,
			e->shoff);
		return NULL;
	}
	if (e->shentsize != shdr_bytes(e))
		gs_verify_find(e->v, GS_SEVERITY_WARNING, "elf-shentsize", e->wide ? 58 : 46,
			       "e_shentsize is %u, expected %zu", e->shentsize, shdr_bytes(e));
	err = gs_blob_read(e->blob, "section 0", e->shoff, section, shdr_bytes(e));
	if (err)
		return err;
	e->phnum = field(e, section, 44, 4, 28, 4); /* sh_info */
	*known_ret = true;
	return NULL;
}

/* Whether the program headers can be read. */
static bool judge_table(const struct elf *e)
{
	uint64_t size = e->phnum * phdr_bytes(e);

	if (e->phentsize != phdr_bytes(e)) {
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-phentsize", e->wide ? 54 : 42,
			       "e_phentsize is %u, expected %zu", e->phentsize, phdr_bytes(e));
		return false;
	}
	if (e->phnum > PHDRS_MAX || e->phoff > e->blob->size || size > e->blob->size - e->phoff) {
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-phdrs-past-end", e->wide ? 32 : 28,
			       "%" PRIu64 " program headers at 0x%" PRIx64
			       " do not fit a file of 0x%" PRIx64,
			       e->phnum, e->phoff, e->blob->size);
		return false;
	}
	if (e->phoff != ehdr_bytes(e))
		gs_verify_find(e->v, GS_SEVERITY_INFO, "elf-phoff", e->wide ? 32 : 28,
			       "e_phoff is %" PRIu64
			       ": makedumpfile reads program headers at %zu only",
			       e->phoff, ehdr_bytes(e));
	return true;
}

/* Whether it is sound enough to be looked into. */
static bool judge_load(const struct elf *e, const struct load *l)
{
	uint64_t file_size = e->blob->size;

	if (l->filesz > l->memsz)
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-filesz", l->phdr_off,
			       "p_filesz 0x%" PRIx64 " is more than p_memsz 0x%" PRIx64, l->filesz,
			       l->memsz);
	else if (l->paddr >= GS_GPA_MAX || l->memsz > GS_GPA_MAX - l->paddr)
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-paddr", l->phdr_off,
			       "p_paddr 0x%" PRIx64 " + p_memsz 0x%" PRIx64
			       " is beyond any physical address",
			       l->paddr, l->memsz);
	else if (l->filesz && l->offset > INT64_MAX - l->filesz)
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-offset", l->phdr_off,
			       "p_offset 0x%" PRIx64 " + p_filesz 0x%" PRIx64 " is beyond any file",
			       l->offset, l->filesz);
	else if (l->filesz && (l->offset > file_size || l->filesz > file_size - l->offset))
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-load-truncated", l->phdr_off,
			       "segment of 0x%" PRIx64 " bytes at 0x%" PRIx64
			       ", but the file ends at 0x%" PRIx64,
			       l->filesz, l->offset, file_size);
	return l->filesz <= l->memsz && l->paddr < GS_GPA_MAX &&
	       l->memsz <= GS_GPA_MAX - l->paddr &&
	       (!l->filesz || l->offset <= INT64_MAX - l->filesz);
}

static struct gs_error *judge_phdr(struct elf *e, const uint8_t *raw, uint64_t off)
{
	uint32_t type = gs_get_u32(raw, e->big_endian);
	struct load l = {.phdr_off = off,
			 .offset = field(e, raw, 8, 8, 4, 4),
			 .vaddr = field(e, raw, 16, 8, 8, 4),
			 .paddr = field(e, raw, 24, 8, 12, 4),
			 .filesz = field(e, raw, 32, 8, 16, 4),
			 .memsz = field(e, raw, 40, 8, 20, 4)};

	if (type == PT_NOTE) {
		e->has_note = true;
		return gs_verify_notes(e->v, e->blob, l.offset, l.filesz, e->arch, e->big_endian,
				       &e->notes);
	}
	if (type != PT_LOAD || (!l.memsz && !l.filesz))
		return NULL;
	if (judge_load(e, &l))
		e->loads[e->load_count++] = l;
	return NULL;
}

static struct gs_error *judge_phdrs(struct elf *e)
{
	gs_autofree uint8_t *table = malloc(e->phnum * phdr_bytes(e) + 1);
	struct gs_error *err;

	e->loads = calloc(e->phnum + 1, sizeof(*e->loads));
	if (!table || !e->loads)
		return gs_error_nomem();
	err = gs_blob_read(e->blob, "program headers", e->phoff, table, e->phnum * phdr_bytes(e));
	for (uint64_t i = 0; !err && i < e->phnum; i++)
		err = judge_phdr(e, table + i * phdr_bytes(e), e->phoff + i * phdr_bytes(e));
	return err;
}

static struct gs_error *judge_notes(struct elf *e)
{
	struct vmcoreinfo_facts facts;
	struct gs_error *err;

	if (e->has_note)
		gs_verify_note_facts(e->v, &e->notes);
	else
		gs_verify_find(e->v, GS_SEVERITY_WARNING, "elf-no-notes", NO_OFFSET,
			       "no PT_NOTE: neither registers nor VMCOREINFO");
	err = gs_verify_vmcoreinfo(e->v, e->blob, e->notes.vmcoreinfo_off, e->notes.vmcoreinfo_size,
				   0, &facts);
	e->kernel_gpa = facts.kernel_gpa;
	return err;
}

static void judge_addresses(const struct elf *e)
{
	bool mapped = false;

	for (size_t i = 0; i < e->load_count; i++)
		mapped = mapped || (e->loads[i].vaddr && e->loads[i].vaddr != e->loads[i].paddr);
	if (e->load_count == 0)
		gs_verify_find(e->v, GS_SEVERITY_ERROR, "elf-no-load", NO_OFFSET,
			       "no PT_LOAD: no memory");
	else if (!mapped)
		gs_verify_find(e->v, GS_SEVERITY_INFO, "elf-no-vaddr", NO_OFFSET,
			       "no kernel virtual addresses: drgn and makedumpfile cannot open it");
}

static void judge_kernel(const struct elf *e, const struct layers *layers)
{
	size_t i = gs_layers_find(layers, e->kernel_gpa);

	if (i < layers->count && layers->items[i].start <= e->kernel_gpa &&
	    layers->items[i].src == SRC_EXCLUDED)
		gs_verify_kernel_missing(e->v, e->kernel_gpa);
}

static struct gs_error *judge_memory(const struct elf *e)
{
	struct layers layers = {0};
	struct gs_error *err = gs_verify_elf_layers(e, &layers);

	if (!err)
		err = gs_verify_elf_overlaps(e, &layers);
	if (!err)
		judge_kernel(e, &layers);
	if (!err)
		err = gs_verify_elf_memory(e, &layers);
	gs_layers_deinit(&layers);
	return err;
}

struct gs_error *gs_verify_elf(struct verify *v, struct gs_blob *blob)
{
	struct elf e = {.v = v, .blob = blob};
	uint8_t raw[EHDR_BYTES_MAX] = {0};
	uint64_t size = blob->size < sizeof(raw) ? blob->size : sizeof(raw);
	struct gs_error *err = gs_blob_read(blob, "ELF header", 0, raw, size);
	bool known = false;

	if (err || !judge_ident(&e, raw))
		return err;
	judge_header(&e, raw);
	err = resolve_phnum(&e, &known);
	if (err || !known || !judge_table(&e))
		return err;
	err = judge_phdrs(&e);
	if (!err)
		err = judge_notes(&e);
	if (!err) {
		judge_addresses(&e);
		err = judge_memory(&e);
	}
	free(e.loads);
	return err;
}
