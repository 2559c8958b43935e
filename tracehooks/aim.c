/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a name means in a process, now and when it has loaded more. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/hold/report.h>

#include "aim.h"

/* ---- places ---- */

static bool is_cold(const struct gs_place *place)
{
	return place->kind == GS_PLACE_CLONE && place->symbol && strstr(place->symbol, ".cold");
}

/* Nobody calls those: who comes there has come by the function's entry. */
static void drop_cold(struct gs_places *places)
{
	size_t kept = 0, cold = 0;

	for (size_t i = 0; i < places->count; i++)
		cold += is_cold(&places->places[i]);
	for (size_t i = 0; cold < places->count && i < places->count; i++) {
		if (is_cold(&places->places[i]))
			gs_place_deinit(&places->places[i]);
		else
			places->places[kept++] = places->places[i];
	}
	places->count -= kept ? cold : 0;
}

/* The instructions of one line in one function are one thing. */
static bool is_one(const struct gs_places *places)
{
	const struct gs_place *first = places->places;

	for (size_t i = 1; i < places->count; i++) {
		const struct gs_place *place = &places->places[i];

		if (place->kind != GS_PLACE_LINE || first->kind != GS_PLACE_LINE ||
		    !place->symbol || !first->symbol || strcmp(place->symbol, first->symbol) != 0 ||
		    strcmp(place->module, first->module) != 0)
			return false;
	}
	return true;
}

static bool has_kind(const struct gs_places *places, enum gs_place_kind kind)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->places[i].kind == kind)
			return true;
	}
	return false;
}

void aim_put_places(struct gs_text *text, const struct gs_places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		gs_text_printf(text, "  0x%" PRIx64 "  ", places->places[i].address);
		gs_hold_put_place(text, &places->places[i]);
		gs_text_puts(text, "\n");
	}
	if (has_kind(places, GS_PLACE_INLINED))
		gs_text_puts(text, "  where it is inlined, there are no arguments\n");
	if (has_kind(places, GS_PLACE_CLONE))
		gs_text_puts(text, "  a clone's arguments may be others than the source's\n");
}

/* ---- names ---- */

static struct gs_error *find(struct aim *aim, struct gs_places *ret)
{
	struct gs_error *err = gs_process_symbols_find(aim->symbols, aim->what, ret);

	if (!err && ret->count > 1)
		drop_cold(ret);
	return err;
}

static struct gs_error *check_one(struct aim *aim)
{
	char comm[17];

	if (gs_args_has(aim->args, "all") || is_one(&aim->places))
		return NULL;
	gs_process_comm(aim->pid, comm);
	aim->is_ambiguous = true;
	return gs_error_create(GS_ERROR_INVALID,
			       "%s is %zu places in %s (%d): take one by its address, LIB!NAME or "
			       "FILE:LINE, or --all",
			       aim->what, aim->places.count, comm, (int)aim->pid);
}

/* Of a name with a library: it may come. Takes @err. */
static struct gs_error *point_to_pending(struct gs_error *err)
{
	struct gs_error *longer = gs_error_create(
		err->code, "%s; --pending waits for libraries that it loads", err->message);

	gs_error_destroy(err);
	return longer;
}

/* Not there yet is no error if it is waited for. Takes @err. */
static struct gs_error *wait_for_it(struct aim *aim, struct gs_error *err)
{
	bool is_missing = err && err->code == GS_ERROR_NODATA;

	if (!gs_args_has(aim->args, "pending"))
		return is_missing && strchr(aim->what, '!') ? point_to_pending(err) : err;
	if (err && !is_missing)
		return err;
	gs_error_destroy(err);
	return gs_error_wrap(gs_process_symbols_loader(aim->symbols, &aim->loader), "--pending");
}

struct gs_error *aim_begin(struct aim *aim, const struct gs_args *args, pid_t pid, const char *what)
{
	const struct gs_process_symbols_options options = {.debuginfod =
								   gs_args_has(args, "debuginfod")};
	struct gs_error *err;

	*aim = (struct aim){.args = args, .pid = pid, .what = what};
	err = gs_process_symbols_open(pid, &options, &aim->symbols);
	if (err)
		return err;
	err = wait_for_it(aim, find(aim, &aim->places));
	return err ? err : check_one(aim);
}

void aim_end(struct aim *aim)
{
	if (aim->symbols)
		gs_process_symbols_close(aim->symbols);
	gs_places_deinit(&aim->places);
}

/* ---- what comes later ---- */

static bool has(const struct gs_places *places, uint64_t address)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->places[i].address == address)
			return true;
	}
	return false;
}

static struct gs_error *subtract(const struct gs_places *found, const struct gs_places *known,
				 struct gs_places *ret)
{
	*ret = (struct gs_places){.places = calloc(found->count + 1, sizeof(*ret->places))};
	if (!ret->places)
		return gs_error_nomem();
	for (size_t i = 0; i < found->count; i++) {
		if (has(known, found->places[i].address))
			continue;
		if (!gs_place_copy(&found->places[i], &ret->places[ret->count])) {
			gs_places_deinit(ret);
			return gs_error_nomem();
		}
		ret->count++;
	}
	return NULL;
}

struct gs_error *aim_refresh(struct aim *aim, struct gs_places *more_ret)
{
	struct gs_places found = {0};
	bool changed;
	struct gs_error *err = gs_process_symbols_refresh(aim->symbols, &changed);

	*more_ret = (struct gs_places){0};
	if (err || !changed)
		return err;
	err = find(aim, &found);
	if (err && err->code == GS_ERROR_NODATA) {
		gs_error_destroy(err);
		err = NULL;
	}
	if (err)
		return err;
	err = subtract(&found, &aim->places, more_ret);
	gs_places_deinit(&aim->places);
	aim->places = found;
	return err;
}
