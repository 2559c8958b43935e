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

enum gs_place_kind gs_process_name_kind(const char *name)
{
	enum suffix suffix = parse_suffixes(name + strcspn(name, "."));

	return suffix == PART || suffix == COLD ? GS_PLACE_CLONE : GS_PLACE_FUNCTION;
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

	if (strncmp(name, query->name, size) != 0 || (*rest && *rest != '@' && *rest != '.') ||
	    (*rest == '.' && parse_suffixes(rest) >= COLD))
		return false;
	*kind = gs_process_name_kind(name);
	return true;
}

/* ---- the tables ---- */

static struct gs_error *add_chosen(const struct process_file *file, const char *name,
				   uint64_t resolver, struct gs_places *places)
{
	struct gs_place place;
	uint64_t address;
	struct gs_error *err = gs_process_find_chosen(file, name, resolver, &address);

	if (!err)
		err = gs_process_place(gs_process_file_at(file->symbols, address), address, NULL,
				       &place);
	if (err)
		return err;
	place.name = strndup(name, strcspn(name, "@"));
	/* What it chose may have no name in the tables that there are. */
	if (place.offset) {
		free(place.symbol);
		place.symbol = place.name ? strdup(place.name) : NULL;
		place.offset = 0;
	}
	if (!place.name || !place.symbol) {
		gs_place_deinit(&place);
		return gs_error_nomem();
	}
	place.kind = GS_PLACE_FUNCTION;
	return gs_places_add(places, &place);
}

static struct gs_error *add_symbol(const struct process_file *file, const char *name,
				   const GElf_Sym *sym, uint64_t address, enum gs_place_kind kind,
				   struct gs_places *places)
{
	struct gs_place place;
	struct gs_error *err;

	if (!gs_process_is_code(file, address))
		return NULL;
	if (GELF_ST_TYPE(sym->st_info) == STT_GNU_IFUNC)
		return add_chosen(file, name, address, places);
	err = gs_process_place(file, address, name, &place);
	if (err)
		return err;
	place.kind = kind;
	return gs_places_add(places, &place);
}

static struct gs_error *find_plain(const struct process_file *file,
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
			err = add_symbol(file, name, &sym, address, kind, places);
	}
	return err;
}

/* ---- versions ---- */

/* The dynamic symbols of a file, and where their versions are. */
struct versions {
	Elf *elf;
	Elf_Data *symbols, *indexes, *names;
	size_t count, symbol_strings, name_strings;
};

static bool open_versions(Elf *elf, struct versions *ret)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	*ret = (struct versions){.elf = elf};
	while (elf && (section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_DYNSYM) {
			ret->symbols = elf_getdata(section, NULL);
			ret->count = header.sh_entsize ? header.sh_size / header.sh_entsize : 0;
			ret->symbol_strings = header.sh_link;
		} else if (header.sh_type == SHT_GNU_versym) {
			ret->indexes = elf_getdata(section, NULL);
		} else if (header.sh_type == SHT_GNU_verdef) {
			ret->names = elf_getdata(section, NULL);
			ret->name_strings = header.sh_link;
		}
	}
	return ret->symbols && ret->indexes && ret->names;
}

static const char *version_name(const struct versions *versions, GElf_Versym index)
{
	size_t off = 0;
	GElf_Verdef def;
	GElf_Verdaux aux;

	/* Each entry leads further on, or is the last: no more of them than there are bytes. */
	while (gelf_getverdef(versions->names, (int)off, &def)) {
		if (def.vd_ndx == (index & 0x7fff)) /* the highest bit: not the default one */
			return gelf_getverdaux(versions->names, (int)(off + def.vd_aux), &aux)
				       ? elf_strptr(versions->elf, versions->name_strings,
						    aux.vda_name)
				       : NULL;
		off += def.vd_next;
		if (!def.vd_next || off > versions->names->d_size)
			break;
	}
	return NULL;
}

static bool has_version(const struct versions *versions, int i, const char *wanted)
{
	GElf_Versym index;
	const char *name =
		gelf_getversym(versions->indexes, i, &index) ? version_name(versions, index) : NULL;

	return name && !strcmp(name, wanted);
}

/* What .symtab says in its names, if at all, .dynsym has in tables of their own. */
static struct gs_error *find_versioned(const struct process_file *file,
				       const struct process_query *query, struct gs_places *places)
{
	struct versions versions;
	GElf_Addr bias;
	GElf_Sym sym;
	struct gs_error *err = NULL;

	if (!open_versions(dwfl_module_getelf(file->module, &bias), &versions))
		return NULL;
	for (size_t i = 0; i < versions.count && i < INT32_MAX && !err; i++) {
		const char *name =
			gelf_getsym(versions.symbols, (int)i, &sym)
				? elf_strptr(versions.elf, versions.symbol_strings, sym.st_name)
				: NULL;

		if (name && !strcmp(name, query->name) && is_function(&sym, versions.elf) &&
		    has_version(&versions, (int)i, query->version))
			err = add_symbol(file, name, &sym, sym.st_value + bias, GS_PLACE_FUNCTION,
					 places);
	}
	return err;
}

struct gs_error *gs_process_find_names(const struct process_file *file,
				       const struct process_query *query, struct gs_places *places)
{
	struct gs_error *err = find_plain(file, query, places);

	if (!err && query->version)
		err = find_versioned(file, query, places);
	return err;
}
