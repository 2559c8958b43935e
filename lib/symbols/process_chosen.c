/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that are chosen when the program starts (IFUNC): their symbol is that of a resolver,
 * and what it chose is in the slots that the loader has filled.
 */
#include "process.h"

#include <inttypes.h>
#include <string.h>

/* Relocations that leave the address of a function behind, by machine. */
static const struct machine {
	GElf_Half machine;
	GElf_Word chosen; /* the resolver is the addend */
	GElf_Word named[3];
} machines[] = {
	{EM_X86_64, R_X86_64_IRELATIVE, {R_X86_64_JUMP_SLOT, R_X86_64_GLOB_DAT, R_X86_64_64}},
	{EM_AARCH64,
	 R_AARCH64_IRELATIVE,
	 {R_AARCH64_JUMP_SLOT, R_AARCH64_GLOB_DAT, R_AARCH64_ABS64}},
};

/* What is looked for, and where: the slots of one file. */
struct search {
	const struct process_file *owner; /* of the function */
	const char *name;
	uint64_t resolver;
	uint64_t found; /* 0: not yet */
	/* The file whose slots are looked at. */
	const struct process_file *file;
	const struct machine *machine;
	Elf *elf;
	GElf_Addr bias;
};

static bool is_named(const struct machine *machine, GElf_Word type)
{
	return type == machine->named[0] || type == machine->named[1] || type == machine->named[2];
}

/* A slot that the loader has not filled yet leads to the file's own stubs. */
static bool is_stub(const struct process_file *file, uint64_t address)
{
	Dwarf_Addr bias;
	Elf_Scn *section = dwfl_module_address_section(file->module, &address, &bias);
	GElf_Addr elf_bias;
	Elf *elf = section ? dwfl_module_getelf(file->module, &elf_bias) : NULL;
	GElf_Shdr header;
	size_t names;
	const char *name = NULL;

	if (elf && gelf_getshdr(section, &header) && elf_getshdrstrndx(elf, &names) == 0)
		name = elf_strptr(elf, names, header.sh_name);
	return name && !strncmp(name, ".plt", 4);
}

static bool wants(const struct search *search, const GElf_Rela *rela, Elf_Data *symbols,
		  size_t names)
{
	GElf_Word type = (GElf_Word)GELF_R_TYPE(rela->r_info);
	const char *name;
	GElf_Sym sym;

	if (type == search->machine->chosen)
		return search->file == search->owner &&
		       (uint64_t)rela->r_addend + search->bias == search->resolver;
	if (!is_named(search->machine, type) || !symbols ||
	    !gelf_getsym(symbols, (int)GELF_R_SYM(rela->r_info), &sym))
		return false;
	name = elf_strptr(search->elf, names, sym.st_name);
	return name && !strcmp(name, search->name);
}

/* A plain function of that name: another version of it, not a choice. */
static bool is_namesake(const struct search *search, const struct process_file *file,
			uint64_t address)
{
	GElf_Off off;
	GElf_Sym sym;
	const char *name =
		dwfl_module_addrinfo(file->module, address, &off, &sym, NULL, NULL, NULL);

	return name && !off && strcspn(name, "@") == strlen(search->name) &&
	       !strncmp(name, search->name, strlen(search->name));
}

static void look_at_slot(struct search *search, uint64_t slot)
{
	struct process_file *file = NULL;
	uint64_t value;

	if (gs_process_read_memory(search->owner->symbols, slot, &value, sizeof(value)) &&
	    value != search->resolver)
		file = gs_process_file_at(search->owner->symbols, value);
	/* Elsewhere it is another function, which goes before this one. */
	if (file && (file == search->owner || gs_process_file_is(file, "vdso")) &&
	    gs_process_is_code(file, value) && !is_stub(file, value) &&
	    !is_namesake(search, file, value))
		search->found = value;
}

static void look_at_section(struct search *search, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	Elf_Scn *table = elf_getscn(search->elf, header->sh_link);
	Elf_Data *symbols = table ? elf_getdata(table, NULL) : NULL;
	GElf_Shdr symbols_header = {0};
	size_t count = data && header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	GElf_Rela rela;

	if (table && !gelf_getshdr(table, &symbols_header))
		symbols = NULL;
	for (size_t i = 0; i < count && i < INT32_MAX && !search->found; i++) {
		if (gelf_getrela(data, (int)i, &rela) &&
		    wants(search, &rela, symbols, symbols_header.sh_link))
			look_at_slot(search, rela.r_offset + search->bias);
	}
}

static void look_at_file(struct search *search, const struct process_file *file)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Ehdr ehdr;

	search->file = file;
	search->elf = dwfl_module_getelf(file->module, &search->bias);
	search->machine = NULL;
	if (!search->elf || !gelf_getehdr(search->elf, &ehdr))
		return;
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		if (machines[i].machine == ehdr.e_machine)
			search->machine = &machines[i];
	}
	while (search->machine && !search->found && (section = elf_nextscn(search->elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA &&
		    header.sh_flags & SHF_ALLOC)
			look_at_section(search, section, &header);
	}
}

struct gs_error *gs_process_find_chosen(const struct process_file *file, const char *name,
					uint64_t resolver, uint64_t *ret)
{
	gs_autofree char *plain = strndup(name, strcspn(name, "@"));
	struct search search = {.owner = file, .name = plain, .resolver = resolver};
	const struct gs_process_symbols *symbols = file->symbols;

	if (!plain)
		return gs_error_nomem();
	look_at_file(&search, file);
	for (size_t i = 0; i < symbols->file_count && !search.found; i++)
		look_at_file(&search, &symbols->files[i]);
	if (!search.found)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s in %s is chosen at run time (IFUNC), and nothing tells "
				       "the choice: its resolver is 0x%" PRIx64,
				       plain, gs_process_file_name(file), resolver);
	*ret = search.found;
	return NULL;
}
