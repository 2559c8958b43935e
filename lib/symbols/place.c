/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places in code as values. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/symbols/process.h>

const char *gs_place_kind_name(enum gs_place_kind kind)
{
	static const char *const names[] = {
		[GS_PLACE_FUNCTION] = "function", [GS_PLACE_CLONE] = "clone",
		[GS_PLACE_INLINED] = "inlined",   [GS_PLACE_LINE] = "line",
		[GS_PLACE_ADDRESS] = "address",
	};

	return names[kind];
}

void gs_place_deinit(struct gs_place *place)
{
	free(place->symbol);
	free(place->name);
	free(place->module);
	free(place->file);
	*place = (struct gs_place){0};
}

static bool copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return *ret || !text;
}

bool gs_place_copy(const struct gs_place *place, struct gs_place *ret)
{
	struct gs_place copy = *place;
	bool ok = copy_text(place->symbol, &copy.symbol);

	ok &= copy_text(place->name, &copy.name);
	ok &= copy_text(place->module, &copy.module);
	ok &= copy_text(place->file, &copy.file);
	*ret = copy;
	if (!ok)
		gs_place_deinit(ret);
	return ok;
}

void gs_places_deinit(struct gs_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		gs_place_deinit(&places->places[i]);
	free(places->places);
	*places = (struct gs_places){0};
}
