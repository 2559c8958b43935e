/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why something was not found: what is near, and where there is nothing to look in. */
#include "process.h"

#include <ctype.h>
#include <string.h>

#define WORD_MIN 3 /* letters that mean something within other names */
#define NAMED_FILES 2

static const char *without_folders(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- names ---- */

static void see_containing(struct process_nearby *nearby, const char *name)
{
	const char *other = name;

	for (size_t i = 0; i < PROCESS_CONTAINING; i++) {
		if (!nearby->containing[i]) {
			nearby->containing[i] = other;
			return;
		}
		if (!strcmp(nearby->containing[i], other))
			return;
		/* The shorter ones are the more like. */
		if (strlen(other) < strlen(nearby->containing[i])) {
			const char *longer = nearby->containing[i];

			nearby->containing[i] = other;
			other = longer;
		}
	}
}

void gs_process_nearby_see(struct process_nearby *nearby, const char *name)
{
	const char *pair[3] = {nearby->nearest, NULL, NULL};
	size_t size = strlen(nearby->wanted);

	name = without_folders(name);
	pair[nearby->nearest ? 1 : 0] = name;
	if (size >= WORD_MIN && strcasestr(name, nearby->wanted))
		see_containing(nearby, name);
	else
		nearby->nearest = gs_did_you_mean(nearby->wanted, pair);
}

void gs_process_nearby_see_line(struct process_nearby *nearby, unsigned int line)
{
	nearby->has_file = true;
	if (line < nearby->line && line > nearby->below)
		nearby->below = line;
	if (line > nearby->line && (!nearby->above || line < nearby->above))
		nearby->above = line;
}

void gs_process_nearby_begin(struct process_nearby *nearby, const struct process_query *query)
{
	*nearby = (struct process_nearby){
		.wanted = query->line ? without_folders(query->name) : query->name,
		.line = query->line,
	};
}

static void put_names(struct gs_text *text, const struct process_nearby *nearby)
{
	const char *before = "; similar: ";

	if (nearby->nearest) {
		gs_text_printf(text, "%s\"", before);
		gs_text_puts_printable(text, nearby->nearest);
		gs_text_puts(text, "\"");
		before = ", ";
	}
	for (size_t i = 0; i < PROCESS_CONTAINING && nearby->containing[i]; i++) {
		gs_text_printf(text, "%s\"", before);
		gs_text_puts_printable(text, nearby->containing[i]);
		gs_text_puts(text, "\"");
		before = ", ";
	}
}

/* ---- where nothing can be found ---- */

static bool has_table(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while (elf && (section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			return true;
	}
	return false;
}

/* Its symbols may be of two files: .dynsym and what .gnu_debugdata adds. */
static bool has_static_names(const struct process_file *file)
{
	int count = dwfl_module_getsymtab(file->module);
	int ends[] = {1, count - 1};
	bool has = false;

	for (size_t i = 0; i < 2 && !has; i++) {
		GElf_Addr address;
		GElf_Sym sym;
		Elf *elf = NULL;

		if (ends[i] > 0 && ends[i] < count &&
		    dwfl_module_getsym_info(file->module, ends[i], &sym, &address, NULL, &elf,
					    NULL))
			has = has_table(elf);
	}
	return has;
}

static bool has_lines(const struct process_file *file)
{
	Dwarf_Addr bias;

	return dwfl_module_getdwarf(file->module, &bias);
}

static void put_lacking(struct gs_text *text, const struct gs_process_symbols *symbols,
			const struct process_query *query)
{
	const char *names[NAMED_FILES] = {NULL};
	size_t count = 0;

	for (size_t i = 0; i < symbols->file_count; i++) {
		const struct process_file *file = &symbols->files[i];

		if (*file->path != '/' || (query->lib && !gs_process_file_is(file, query->lib)) ||
		    (query->line ? has_lines(file) : has_static_names(file)))
			continue;
		if (count < NAMED_FILES)
			names[count] = gs_process_file_name(file);
		count++;
	}
	if (!count)
		return;
	gs_text_puts(text, query->line ? "; no debug information of "
				       : "; no .symtab, and so no static functions, of ");
	for (size_t i = 0; i < NAMED_FILES && names[i]; i++) {
		gs_text_puts(text, i ? ", " : "");
		gs_text_puts_printable(text, names[i]);
	}
	if (count > NAMED_FILES)
		gs_text_printf(text, " and %zu more", count - NAMED_FILES);
	gs_text_puts(text, ": install the debug package");
}

/* ---- the message ---- */

static void put_what(struct gs_text *text, const struct process_query *query, bool has_lib)
{
	const char *kind = !has_lib ? "file" : query->line ? "source file" : "function";

	gs_text_printf(text, "no %s \"", kind);
	gs_text_puts_printable(text, has_lib ? query->name : query->lib);
	if (has_lib && query->version) {
		gs_text_puts(text, "@");
		gs_text_puts_printable(text, query->version);
	}
	gs_text_puts(text, "\"");
	if (has_lib && query->lib) {
		gs_text_puts(text, " in ");
		gs_text_puts_printable(text, query->lib);
	}
}

static void put_line(struct gs_text *text, const struct process_query *query,
		     const struct process_nearby *nearby)
{
	gs_text_puts_printable(text, query->name);
	gs_text_printf(text, " has no code at line %u", query->line);
	if (nearby->below || nearby->above)
		gs_text_puts(text, "; there is at ");
	if (nearby->below)
		gs_text_printf(text, "%u%s", nearby->below, nearby->above ? " and " : "");
	if (nearby->above)
		gs_text_printf(text, "%u", nearby->above);
}

static void see_functions(struct process_nearby *nearby, const struct process_file *file)
{
	int count = dwfl_module_getsymtab(file->module);

	for (int i = 0; i < count; i++) {
		GElf_Addr address;
		GElf_Sym sym;
		const char *name =
			dwfl_module_getsym_info(file->module, i, &sym, &address, NULL, NULL, NULL);

		if (name && sym.st_shndx != SHN_UNDEF && GELF_ST_TYPE(sym.st_info) == STT_FUNC)
			gs_process_nearby_see(nearby, name);
	}
}

struct gs_error *gs_process_nearby_error(struct process_nearby *nearby,
					 const struct gs_process_symbols *symbols,
					 const struct process_query *query)
{
	gs_autotext struct gs_text text = {0};
	bool has_lib = !query->lib;

	for (size_t i = 0; i < symbols->file_count; i++) {
		if (query->lib && !gs_process_file_is(&symbols->files[i], query->lib))
			continue;
		has_lib = true;
		if (!query->line)
			see_functions(nearby, &symbols->files[i]);
	}
	if (!has_lib)
		nearby->wanted = without_folders(query->lib);
	for (size_t i = 0; i < symbols->file_count && !has_lib; i++)
		gs_process_nearby_see(nearby, gs_process_file_name(&symbols->files[i]));
	if (nearby->has_file) {
		put_line(&text, query, nearby);
	} else {
		put_what(&text, query, has_lib);
		put_names(&text, nearby);
		if (has_lib)
			put_lacking(&text, symbols, query);
	}
	if (text.failed)
		return gs_error_nomem();
	return gs_error_create(GS_ERROR_NODATA, "process %d: %s", (int)symbols->pid, text.data);
}
