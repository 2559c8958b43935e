/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions by their names in a file's symbol tables. */
#include "process.h"

#include <ctype.h>
#include <string.h>

/* ---- what is a function ---- */

static bool is_code(Elf *elf, GElf_Word index)
{
	Elf_Scn *section = elf && index < SHN_LORESERVE ? elf_getscn(elf, index) : NULL;
	GElf_Shdr header;

	return section && gelf_getshdr(section, &header) && header.sh_flags & SHF_EXECINSTR;
}

static bool is_function(const GElf_Sym *sym, Elf *elf)
{
	switch (GELF_ST_TYPE(sym->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return sym->st_shndx != SHN_UNDEF;
	case STT_NOTYPE: /* of assembler, as _start */
		return sym->st_shndx != SHN_UNDEF && is_code(elf, sym->st_shndx);
	default:
		return false;
	}
}

/* ---- names ---- */

/* What compilers put behind a name. */
enum suffix {
	WHOLE, /* the function itself, with its own arguments */
	PART,  /* or a variant: the arguments may be others */
	COLD,  /* what it jumps to: nobody calls that */
	UNKNOWN,
};

static const struct {
	const char *text;
	enum suffix suffix;
} suffixes[] = {
	{"part", PART},      {"isra", PART},        {"constprop", PART}, {"cold", COLD},
	{"lto_priv", WHOLE}, {"localalias", WHOLE}, {"llvm", WHOLE},
};

static enum suffix look_up(const char *text, size_t size)
{
	if (size && strspn(text, "0123456789") == size)
		return WHOLE;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		if (strlen(suffixes[i].text) == size && !strncmp(suffixes[i].text, text, size))
			return suffixes[i].suffix;
	}
	return UNKNOWN;
}

/* Of ".constprop.0.isra.0" the one that changes most. */
static enum suffix parse_suffixes(const char *text)
{
	enum suffix most = WHOLE;

	while (*text == '.') {
		size_t size = strcspn(text + 1, ".@");
		enum suffix suffix = look_up(text + 1, size);

		most = suffix > most ? suffix : most;
		text += 1 + size;
	}
	return most;
}

static bool is_version(const char *text, const char *version)
{
	return !version || (*text == '@' && !strcmp(text + strspn(text, "@"), version));
}

/* Whether @name is what @query asks for: itself, or a part or variant of it that is called. */
static bool matches(const struct process_query *query, const char *name, enum gs_place_kind *kind)
{
	size_t size = strlen(query->name);
	const char *rest = name + size;
	enum suffix suffix;

	if (strncmp(name, query->name, size) != 0 || (*rest && *rest != '@' && *rest != '.') ||
	    (*rest == '.' && parse_suffixes(rest) >= COLD))
		return false;
	suffix = parse_suffixes(name + strcspn(name, "."));
	*kind = suffix == PART || suffix == COLD ? GS_PLACE_CLONE : GS_PLACE_FUNCTION;
	return true;
}

static struct gs_error *add_symbol(const struct process_file *file, const char *name,
				   uint64_t address, enum gs_place_kind kind,
				   struct gs_places *places)
{
	struct gs_place place;
	struct gs_error *err = gs_process_place(file, address, name, &place);

	if (err)
		return err;
	place.kind = kind;
	return gs_places_add(places, &place);
}

struct gs_error *gs_process_find_names(const struct process_file *file,
				       const struct process_query *query, struct gs_places *places)
{
	int count = dwfl_module_getsymtab(file->module);
	struct gs_error *err = NULL;

	for (int i = 0; i < count && !err; i++) {
		enum gs_place_kind kind;
		GElf_Addr address;
		GElf_Sym sym;
		Elf *elf;
		const char *name =
			dwfl_module_getsym_info(file->module, i, &sym, &address, NULL, &elf, NULL);

		if (name && matches(query, name, &kind) && is_function(&sym, elf) &&
		    is_version(name + strcspn(name, "@"), query->version))
			err = add_symbol(file, name, address, kind, places);
	}
	return err;
}
