/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of symbols: ELF by libelf, else text as nm prints it. */
#include "elf_file.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/io.h>

#define SYSTEM_MAP_MAX_BYTES (256u << 20)

/* ---- System.map ---- */

/* "ffffffff81000000 T _stext", perhaps with "\t[module]" behind it. */
static bool parse_line(const char *line, const char *end, uint64_t *address, char *type,
		       const char **name, size_t *name_size)
{
	char *after;

	if (!isxdigit((unsigned char)*line))
		return false;
	*address = strtoull(line, &after, 16);
	if (after - line > 16 || end - after < 4 || after[0] != ' ' || after[2] != ' ' ||
	    !isgraph((unsigned char)after[1]))
		return false;
	*type = after[1];
	*name = after + 3;
	*name_size = strcspn(*name, " \t\r\n");
	return *name_size > 0;
}

static struct gs_error *add_lines(struct gs_symbols *symbols, const char *text)
{
	for (uint64_t number = 1; *text; number++) {
		const char *end = strchrnul(text, '\n'), *name;
		size_t name_size;
		uint64_t address;
		struct gs_error *err;
		char type;

		if (!parse_line(text, end, &address, &type, &name, &name_size))
			return gs_error_create(GS_ERROR_CORRUPT,
					       "line %" PRIu64 ": neither an ELF file nor "
					       "\"ADDRESS TYPE NAME\"",
					       number);
		err = type == 'U' ? NULL : gs_symbols_add(symbols, name, name_size, address, type);
		if (err)
			return err;
		text = *end ? end + 1 : end;
	}
	return NULL;
}

static struct gs_error *read_system_map(struct gs_symbols *symbols, const char *path)
{
	gs_autofree char *text = NULL;
	struct gs_error *err = gs_read_file(path, SYSTEM_MAP_MAX_BYTES, &text, NULL);

	return err ? err : gs_error_wrap(add_lines(symbols, text), "%s", path);
}

/* ---- ELF ---- */

/* What nm(1) would print for it. */
static char type_letter(Elf *elf, const GElf_Sym *sym)
{
	Elf_Scn *section = sym->st_shndx < SHN_LORESERVE ? elf_getscn(elf, sym->st_shndx) : NULL;
	bool local = GELF_ST_BIND(sym->st_info) == STB_LOCAL;
	GElf_Shdr header;
	char type;

	if (GELF_ST_BIND(sym->st_info) == STB_WEAK)
		return 'W';
	if (sym->st_shndx == SHN_ABS || !section || !gelf_getshdr(section, &header))
		type = 'A';
	else if (header.sh_flags & SHF_EXECINSTR)
		type = 'T';
	else if (header.sh_type == SHT_NOBITS)
		type = 'B';
	else
		type = header.sh_flags & SHF_WRITE ? 'D' : 'R';
	return local ? (char)tolower(type) : type;
}

/* Names of places; not of files, sections, or ("$x") of stretches of code and data. */
static bool is_wanted(const GElf_Sym *sym, const char *name)
{
	unsigned int kind = GELF_ST_TYPE(sym->st_info);

	return sym->st_shndx != SHN_UNDEF && kind != STT_FILE && kind != STT_SECTION &&
	       kind != STT_TLS && name && name[0] && name[0] != '$';
}

static struct gs_error *add_section(struct gs_symbols *symbols, Elf *elf, Elf_Scn *section,
				    const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	GElf_Sym sym;

	if (!data)
		return gs_error_create(GS_ERROR_CORRUPT, "symbol table: %s", elf_errmsg(-1));
	for (size_t i = 0; i < count && i <= INT32_MAX && gelf_getsym(data, (int)i, &sym); i++) {
		const char *name = elf_strptr(elf, header->sh_link, sym.st_name);
		struct gs_error *err = NULL;

		if (is_wanted(&sym, name))
			err = gs_symbols_add(symbols, name, strlen(name), sym.st_value,
					     type_letter(elf, &sym));
		if (err)
			return err;
	}
	return NULL;
}

static struct gs_error *add_elf(struct gs_symbols *symbols, Elf *elf)
{
	static const GElf_Word kinds[] = {SHT_SYMTAB, SHT_DYNSYM};

	for (size_t i = 0; i < 2; i++) {
		Elf_Scn *section = NULL;
		GElf_Shdr header;

		while ((section = elf_nextscn(elf, section))) {
			struct gs_error *err;

			if (!gelf_getshdr(section, &header) || header.sh_type != kinds[i])
				continue;
			err = add_section(symbols, elf, section, &header);
			if (err || gs_symbols_count(symbols))
				return err;
		}
	}
	return gs_error_create(GS_ERROR_NODATA, "no symbols in it");
}

struct gs_error *gs_symbols_open(const char *path, struct gs_symbols **ret)
{
	GS_CLEANUP(gs_symbols_destroy) struct gs_symbols *symbols = NULL;
	GS_CLEANUP(gs_elf_file_close) struct gs_elf_file *file = NULL;
	struct gs_error *err = gs_symbols_create(&symbols);

	if (!err)
		err = gs_elf_file_open(path, &file);
	if (!err && file)
		err = gs_error_wrap(add_elf(symbols, file->elf), "%s", path);
	else if (!err)
		err = read_system_map(symbols, path);
	if (!err)
		*ret = gs_take(symbols);
	return err;
}
