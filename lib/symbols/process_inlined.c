/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions by the debug information: those without a symbol, and the places where one is inlined.
 *
 * All units of a file are walked through, since an instance need not be in the unit of its
 * function (link-time optimization, dwz). That takes seconds where there is much of it, so the
 * names at the top of the units are looked at first, which takes a tenth of that: most functions
 * are inlined nowhere.
 */
#include "process.h"

#include <dwarf.h>
#include <string.h>

#define DEPTH_MAX 256 /* of scopes in each other; real: 30 */

struct walk {
	const struct process_file *file;
	const struct process_query *query;
	struct gs_places *places;
	Dwarf_Addr bias;
	bool is_inlined; /* somewhere */
	struct gs_error *err;
};

static bool has_name(Dwarf_Die *die, const struct walk *walk)
{
	const char *name = dwarf_diename(die);

	return name && !strcmp(name, walk->query->name);
}

/* Where it begins, of whatever form; false: it is not in the program. */
static bool find_entry(Dwarf_Die *die, Dwarf_Addr *ret)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t off = 0;

	if (dwarf_entrypc(die, ret) == 0)
		return true;
	/* Of several stretches it is the first, not the lowest: cold ones lie below. */
	while ((off = dwarf_ranges(die, off, &base, &start, &end)) > 0) {
		if (start < end) {
			*ret = start;
			return true;
		}
	}
	return false;
}

static bool is_known(const struct gs_places *places, uint64_t address)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->places[i].address == address)
			return true;
	}
	return false;
}

static struct gs_error *make_place(const struct walk *walk, uint64_t address,
				   enum gs_place_kind kind, struct gs_place *ret)
{
	bool inlined = kind == GS_PLACE_INLINED;
	struct gs_place place;
	struct gs_error *err =
		gs_process_place(walk->file, address, inlined ? NULL : walk->query->name, &place);

	if (err)
		return err;
	place.kind = kind;
	place.name = inlined ? strdup(walk->query->name) : NULL;
	if (inlined && !place.name) {
		gs_place_deinit(&place);
		return gs_error_nomem();
	}
	*ret = place;
	return NULL;
}

static void add_place(struct walk *walk, Dwarf_Die *die, enum gs_place_kind kind)
{
	struct gs_place place;
	Dwarf_Addr address;

	/* The symbol table's word goes first: it knows variants by their names. */
	if (walk->err || !find_entry(die, &address) ||
	    !gs_process_is_code(walk->file, address + walk->bias) ||
	    is_known(walk->places, address + walk->bias))
		return;
	walk->err = make_place(walk, address + walk->bias, kind, &place);
	if (!walk->err)
		walk->err = gs_places_add(walk->places, &place);
}

/* ---- functions ---- */

/* Link-time optimization leaves functions without code in one unit, and does not say why. */
static bool may_be_inlined(Dwarf_Die *die)
{
	Dwarf_Addr entry;

	return dwarf_func_inline(die) ||
	       (!find_entry(die, &entry) && !dwarf_hasattr(die, DW_AT_declaration));
}

static void look_at_top(struct walk *walk, Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (dwarf_child(unit, &die) != 0)
		return;
	do {
		if (dwarf_tag(&die) != DW_TAG_subprogram || !has_name(&die, walk))
			continue;
		if (may_be_inlined(&die))
			walk->is_inlined = true;
		else
			add_place(walk, &die, GS_PLACE_FUNCTION);
	} while (!walk->err && dwarf_siblingof(&die, &die) == 0);
}

/* ---- where they are inlined ---- */

static void look_below(struct walk *walk, Dwarf_Die *parent, unsigned int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_inlined_subroutine:
			if (has_name(&die, walk))
				add_place(walk, &die, GS_PLACE_INLINED);
			__attribute__((fallthrough));
		case DW_TAG_subprogram:
		case DW_TAG_lexical_block:
		case DW_TAG_namespace:
			look_below(walk, &die, depth + 1);
			break;
		default:
			break;
		}
	} while (!walk->err && dwarf_siblingof(&die, &die) == 0);
}

/* ---- units ---- */

static void for_each_unit(struct walk *walk, Dwarf *dwarf,
			  void (*look)(struct walk *walk, Dwarf_Die *unit))
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	while (!walk->err && dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
		look(walk, &unit);
}

static void look_at_all(struct walk *walk, Dwarf_Die *unit)
{
	look_below(walk, unit, 0);
}

struct gs_error *gs_process_find_inlined(const struct process_file *file,
					 const struct process_query *query,
					 struct gs_places *places)
{
	struct walk walk = {.file = file, .query = query, .places = places};
	Dwarf *dwarf = dwfl_module_getdwarf(file->module, &walk.bias);
	Dwarf *shared = dwarf ? dwarf_getalt(dwarf) : NULL;

	if (!dwarf)
		return NULL;
	for_each_unit(&walk, dwarf, look_at_top);
	/* What several files share has functions that are inlined, and no addresses. */
	if (shared)
		for_each_unit(&walk, shared, look_at_top);
	if (walk.is_inlined)
		for_each_unit(&walk, dwarf, look_at_all);
	return walk.err;
}
