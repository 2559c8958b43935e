/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers and notes of an ELF file, through libelf's translators on buffers of our own. */
#include <gelf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "elf_parse.h"

#define PHDR_BATCH 512

struct parser {
	struct gs_blob *blob;
	struct gs_elf_headers *h;
	GElf_Ehdr ehdr;
	uint32_t phdr_count;
};

static void set_elf_version(void)
{
	elf_version(EV_CURRENT);
}

/* From the file's class and byte order to the host's order; the class stays. */
static bool translate(const struct gs_elf_headers *h, Elf_Type type, const void *raw, void *native,
		      size_t size)
{
	Elf_Data from = {.d_buf = (void *)raw, .d_type = type, .d_version = EV_CURRENT};
	Elf_Data to = {.d_buf = native, .d_type = type, .d_version = EV_CURRENT};
	unsigned int encoding = h->big_endian ? ELFDATA2MSB : ELFDATA2LSB;

	from.d_size = to.d_size = size;
	return h->is_64bit ? elf64_xlatetom(&to, &from, encoding) != NULL
			   : elf32_xlatetom(&to, &from, encoding) != NULL;
}

static struct gs_error *read_native(const struct parser *p, const char *what, Elf_Type type,
				    uint64_t off, void *native, size_t size)
{
	uint8_t raw[PHDR_BATCH * sizeof(Elf64_Phdr)];
	struct gs_error *err = gs_blob_read(p->blob, what, off, raw, size);

	if (!err && !translate(p->h, type, raw, native, size))
		return gs_error_create(GS_ERROR_UNSUPPORTED, "%s: %s: %s", p->blob->name, what,
				       elf_errmsg(-1));
	return err;
}

static struct gs_error *read_ident(struct parser *p)
{
	uint8_t ident[EI_NIDENT];
	struct gs_error *err = gs_blob_read(p->blob, "ELF header", 0, ident, sizeof(ident));

	if (err)
		return err;
	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: ELF header: no ELF magic",
				       p->blob->name);
	if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: ELF header: class %u, expected 1 or 2", p->blob->name,
				       ident[EI_CLASS]);
	if (ident[EI_DATA] != ELFDATA2LSB && ident[EI_DATA] != ELFDATA2MSB)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: ELF header: byte order %u, expected 1 or 2",
				       p->blob->name, ident[EI_DATA]);
	p->h->is_64bit = ident[EI_CLASS] == ELFCLASS64;
	p->h->big_endian = ident[EI_DATA] == ELFDATA2MSB;
	return NULL;
}

static void widen_ehdr(const Elf32_Ehdr *from, GElf_Ehdr *to)
{
	to->e_type = from->e_type;
	to->e_machine = from->e_machine;
	to->e_phoff = from->e_phoff;
	to->e_shoff = from->e_shoff;
	to->e_flags = from->e_flags;
	to->e_phentsize = from->e_phentsize;
	to->e_phnum = from->e_phnum;
	to->e_shentsize = from->e_shentsize;
}

/* e_ehsize is not looked at: QEMU writes 8 there. */
static struct gs_error *read_ehdr(struct parser *p)
{
	size_t phdr_size = p->h->is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	struct gs_error *err;
	Elf32_Ehdr narrow;

	if (p->h->is_64bit)
		err = read_native(p, "ELF header", ELF_T_EHDR, 0, &p->ehdr, sizeof(p->ehdr));
	else
		err = read_native(p, "ELF header", ELF_T_EHDR, 0, &narrow, sizeof(narrow));
	if (err)
		return err;
	if (!p->h->is_64bit)
		widen_ehdr(&narrow, &p->ehdr);
	if (p->ehdr.e_type != ET_CORE)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: ELF header: e_type %u is no dump, expected %u (core)",
				       p->blob->name, p->ehdr.e_type, ET_CORE);
	if (p->ehdr.e_phentsize != phdr_size)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: ELF header: e_phentsize %u, expected %zu",
				       p->blob->name, p->ehdr.e_phentsize, phdr_size);
	p->h->machine = p->ehdr.e_machine;
	p->h->flags = p->ehdr.e_flags;
	return NULL;
}

/* With 0xffff and more program headers, their number is in section header 0. */
static struct gs_error *read_phdr_count(struct parser *p)
{
	struct gs_error *err;
	Elf32_Shdr narrow;
	Elf64_Shdr wide;

	p->phdr_count = p->ehdr.e_phnum;
	if (p->ehdr.e_phnum == PN_XNUM) {
		if (!p->ehdr.e_shoff)
			return gs_error_create(GS_ERROR_CORRUPT,
					       "%s: ELF header: e_phnum 0xffff says to look into "
					       "section header 0, but e_shoff is 0",
					       p->blob->name);
		if (p->h->is_64bit)
			err = read_native(p, "section header 0", ELF_T_SHDR, p->ehdr.e_shoff, &wide,
					  sizeof(wide));
		else
			err = read_native(p, "section header 0", ELF_T_SHDR, p->ehdr.e_shoff,
					  &narrow, sizeof(narrow));
		if (err)
			return err;
		p->phdr_count = p->h->is_64bit ? wide.sh_info : narrow.sh_info;
	}
	return NULL;
}

static struct gs_error *check_phdr_table(const struct parser *p)
{
	uint64_t size = (uint64_t)p->phdr_count * p->ehdr.e_phentsize, off = p->ehdr.e_phoff;

	if (p->phdr_count > GS_RANGES_MAX)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: %u program headers, more than the limit of %u",
				       p->blob->name, p->phdr_count, GS_RANGES_MAX);
	if (off > p->blob->size || size > p->blob->size - off)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: %u program headers at offset 0x%llx end past the end "
				       "of the file (0x%llx)",
				       p->blob->name, p->phdr_count, (unsigned long long)off,
				       (unsigned long long)p->blob->size);
	return NULL;
}

static struct gs_error *bad_phdr(const struct parser *p, uint32_t index, const GElf_Phdr *phdr,
				 const char *problem)
{
	return gs_error_create(GS_ERROR_CORRUPT,
			       "%s: program header %u: %s (p_offset 0x%llx, p_paddr 0x%llx, "
			       "p_filesz 0x%llx, p_memsz 0x%llx)",
			       p->blob->name, index, problem, (unsigned long long)phdr->p_offset,
			       (unsigned long long)phdr->p_paddr,
			       (unsigned long long)phdr->p_filesz,
			       (unsigned long long)phdr->p_memsz);
}

static struct gs_error *take_load(struct parser *p, uint32_t index, const GElf_Phdr *phdr)
{
	if (!phdr->p_memsz && !phdr->p_filesz)
		return NULL;
	if (phdr->p_paddr >= GS_GPA_MAX || phdr->p_memsz > GS_GPA_MAX - phdr->p_paddr)
		return bad_phdr(p, index, phdr, "memory beyond 2^52");
	if (phdr->p_filesz > phdr->p_memsz)
		return bad_phdr(p, index, phdr, "more bytes in the file than in memory");
	if (phdr->p_filesz && phdr->p_offset > UINT64_MAX / 2 - phdr->p_filesz)
		return bad_phdr(p, index, phdr, "no such place in a file");
	p->h->has_vaddrs |= phdr->p_vaddr && phdr->p_vaddr != phdr->p_paddr;
	p->h->loads[p->h->load_count++] = (struct gs_elf_load){
		.off = phdr->p_offset,
		.gpa = phdr->p_paddr,
		.filesz = phdr->p_filesz,
		.memsz = phdr->p_memsz,
	};
	return NULL;
}

/* Notes of several segments follow each other as if they were one. */
static struct gs_error *take_notes(struct parser *p, uint32_t index, const GElf_Phdr *phdr)
{
	struct gs_elf_headers *h = p->h;
	size_t start = (h->notes_size + 3) & ~(size_t)3;
	struct gs_error *err;
	uint8_t *notes;

	if (!phdr->p_filesz)
		return NULL;
	if (phdr->p_filesz > GS_NOTES_MAX_BYTES - start)
		return bad_phdr(p, index, phdr, "more than 64 MiB of notes");
	/* Before that many bytes are asked for, the last one must be there. */
	err = gs_blob_read(p->blob, "PT_NOTE", phdr->p_offset + (phdr->p_filesz - 1), &(uint8_t){0},
			   1);
	if (err)
		return err;
	notes = realloc(h->notes, start + phdr->p_filesz);
	if (!notes)
		return gs_error_nomem();
	h->notes = notes;
	memset(notes + h->notes_size, 0, start - h->notes_size);
	err = gs_blob_read(p->blob, "PT_NOTE", phdr->p_offset, notes + start, phdr->p_filesz);
	if (!err)
		h->notes_size = start + phdr->p_filesz;
	return err;
}

static struct gs_error *take_phdr(struct parser *p, uint32_t index, const GElf_Phdr *phdr)
{
	switch (phdr->p_type) {
	case PT_LOAD:
		return take_load(p, index, phdr);
	case PT_NOTE:
		return take_notes(p, index, phdr);
	default:
		return NULL;
	}
}

static GElf_Phdr widen_phdr(const Elf32_Phdr *from)
{
	return (GElf_Phdr){
		.p_type = from->p_type,
		.p_offset = from->p_offset,
		.p_paddr = from->p_paddr,
		.p_filesz = from->p_filesz,
		.p_memsz = from->p_memsz,
	};
}

static struct gs_error *read_phdrs(struct parser *p)
{
	union {
		Elf32_Phdr narrow[PHDR_BATCH];
		Elf64_Phdr wide[PHDR_BATCH];
	} batch;
	struct gs_error *err = NULL;

	for (uint32_t first = 0; !err && first < p->phdr_count; first += PHDR_BATCH) {
		uint32_t count = p->phdr_count - first;

		if (count > PHDR_BATCH)
			count = PHDR_BATCH;
		err = read_native(p, "program headers", ELF_T_PHDR,
				  p->ehdr.e_phoff + (uint64_t)first * p->ehdr.e_phentsize, &batch,
				  (size_t)count * p->ehdr.e_phentsize);
		for (uint32_t i = 0; !err && i < count; i++) {
			GElf_Phdr phdr =
				p->h->is_64bit ? batch.wide[i] : widen_phdr(&batch.narrow[i]);

			err = take_phdr(p, first + i, &phdr);
		}
	}
	return err;
}

struct gs_error *gs_elf_parse(struct gs_blob *blob, struct gs_elf_headers *h)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct parser p = {.blob = blob, .h = h};
	struct gs_error *err;

	pthread_once(&once, set_elf_version);
	*h = (struct gs_elf_headers){0};
	err = read_ident(&p);
	if (!err)
		err = read_ehdr(&p);
	if (!err)
		err = read_phdr_count(&p);
	if (!err)
		err = check_phdr_table(&p);
	if (err)
		return err;
	h->loads = calloc((size_t)p.phdr_count + 1, sizeof(*h->loads));
	if (!h->loads)
		return gs_error_nomem();
	err = read_phdrs(&p);
	if (!err && !h->load_count)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: none of %u program headers is a PT_LOAD: no memory",
				       blob->name, p.phdr_count);
	return err;
}

void gs_elf_headers_deinit(struct gs_elf_headers *h)
{
	free(h->loads);
	free(h->notes);
	*h = (struct gs_elf_headers){0};
}
