/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of places, and what is at a place. */
#include "process.h"

#include <string.h>

/* What is inlined everywhere is nothing to hold at. */
#define PLACES_MAX 1024

/* ---- a list of them ---- */

static struct gs_place *find_same(struct gs_places *places, uint64_t address)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->places[i].address == address)
			return &places->places[i];
	}
	return NULL;
}

struct gs_error *gs_places_add(struct gs_places *places, struct gs_place *place)
{
	struct gs_place *same = find_same(places, place->address), *grown, spare;

	if (same && place->kind < same->kind) {
		spare = *same;
		*same = *place;
		*place = spare;
	}
	if (same) {
		gs_place_deinit(place);
		return NULL;
	}
	if (places->count == PLACES_MAX) {
		gs_place_deinit(place);
		return gs_error_create(GS_ERROR_UNSUPPORTED, "that is at more than %u places",
				       PLACES_MAX);
	}
	grown = reallocarray(places->places, places->count + 1, sizeof(*grown));
	if (!grown) {
		gs_place_deinit(place);
		return gs_error_nomem();
	}
	places->places = grown;
	grown[places->count++] = *place;
	*place = (struct gs_place){0};
	return NULL;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct gs_place *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

void gs_places_sort(struct gs_places *places)
{
	if (places->count)
		qsort(places->places, places->count, sizeof(*places->places), compare_addresses);
}

/* ---- what is there ---- */

bool gs_process_is_code(const struct process_file *file, uint64_t address)
{
	GElf_Addr bias = 0;
	Elf *elf = dwfl_module_getelf(file->module, &bias);
	size_t count = 0;
	GElf_Phdr segment;

	if (address < file->start || address >= file->end || !elf ||
	    elf_getphdrnum(elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD &&
		    segment.p_flags & PF_X && address - bias - segment.p_vaddr < segment.p_memsz)
			return true;
	}
	return false;
}

static void set_build_id(Dwfl_Module *module, struct gs_place *place)
{
	const unsigned char *bits;
	GElf_Addr address;
	int size = dwfl_module_build_id(module, &bits, &address);

	if (size <= 0 || size > GS_BUILD_ID_MAX)
		return;
	memcpy(place->build_id.bytes, bits, (size_t)size);
	place->build_id.size = (size_t)size;
}

/* Without the version that linkers write behind the names of some tables. */
static char *plain_name(const char *name)
{
	return strndup(name, strcspn(name, "@"));
}

static bool set_symbol(const struct process_file *file, const char *name, struct gs_place *place)
{
	GElf_Off offset = 0;
	GElf_Sym sym;

	if (!name)
		name = dwfl_module_addrinfo(file->module, place->address, &offset, &sym, NULL, NULL,
					    NULL);
	if (!name)
		return true;
	place->symbol = plain_name(name);
	place->offset = offset;
	return place->symbol;
}

struct gs_error *gs_process_place(const struct process_file *file, uint64_t address,
				  const char *name, struct gs_place *ret)
{
	struct gs_place place = {.address = address, .module = strdup(file->path)};

	set_build_id(file->module, &place);
	if (!place.module || !set_symbol(file, name, &place)) {
		gs_place_deinit(&place);
		return gs_error_nomem();
	}
	place.kind = place.symbol && !place.offset ? gs_process_name_kind(place.symbol)
						   : GS_PLACE_ADDRESS;
	*ret = place;
	return NULL;
}

/* ---- its source ---- */

/* clang writes no table (.debug_aranges) that leads from addresses to units. */
static Dwarf_Line *search_units(Dwarf *dwarf, Dwarf_Addr address)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	while (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		if (dwarf_haspc(&unit, address) > 0)
			return dwarf_getsrc_die(&unit, address);
	}
	return NULL;
}

static Dwarf_Line *find_row(const struct process_file *file, uint64_t address)
{
	Dwarf_Addr bias;
	Dwfl_Line *line = dwfl_module_getsrc(file->module, address);
	Dwarf *dwarf = line ? NULL : dwfl_module_getdwarf(file->module, &bias);

	if (line)
		return dwfl_dwarf_line(line, &bias);
	return dwarf ? search_units(dwarf, address - bias) : NULL;
}

struct gs_error *gs_process_place_source(const struct process_file *file, struct gs_place *place)
{
	Dwarf_Line *row = find_row(file, place->address);
	const char *path = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
	int line;

	if (!path || dwarf_lineno(row, &line) != 0)
		return NULL;
	place->file = strdup(path);
	place->line = (unsigned int)line;
	return place->file ? NULL : gs_error_nomem();
}
