/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way to main, step by step, as the front end finds it.
 *
 *	at its exec    the program is mapped: main by its name; else its entry
 *	at its entry   its libraries are, too: the C library's start, whose first argument is main
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/text.h>
#include <guestscope/hold/keeper.h>
#include <guestscope/symbols/process.h>

struct step {
	struct gs_place place;
	enum gs_keeper_then then;
};

static struct gs_error *copy_place(const struct gs_place *place, struct step *ret)
{
	return gs_place_copy(place, &ret->place) ? NULL : gs_error_nomem();
}

/* A library may have one of that name, too. */
static bool is_of_program(pid_t pid, const struct gs_place *place)
{
	gs_autofree char *path = gs_strf("/proc/%d/exe", (int)pid);
	char program[4096] = "";

	if (path && readlink(path, program, sizeof(program) - 1) < 0)
		return false;
	return place->module && strcmp(place->module, program) == 0;
}

static struct gs_error *find_main(struct gs_process_symbols *symbols, pid_t pid, struct step *ret)
{
	struct gs_places places = {0};
	struct gs_error *err = gs_process_symbols_find(symbols, "main", &places);
	size_t i = 0;

	if (err)
		return err;
	while (i < places.count && (places.places[i].kind != GS_PLACE_FUNCTION ||
				    !is_of_program(pid, &places.places[i])))
		i++;
	if (i < places.count)
		err = copy_place(&places.places[i], ret);
	else
		err = gs_error_create(GS_ERROR_NODATA, "the program has no symbol main");
	ret->then = GS_KEEPER_THEN_STAY;
	gs_places_deinit(&places);
	return err;
}

static struct gs_error *find_entry(struct gs_process_symbols *symbols, struct step *ret)
{
	uint64_t address;
	struct gs_error *err = gs_process_symbols_entry(symbols, &address);

	ret->then = GS_KEEPER_THEN_ASK;
	return err ? err : gs_process_symbols_at(symbols, address, &ret->place);
}

static struct gs_error *find_start(struct gs_process_symbols *symbols, struct step *ret)
{
	struct gs_places places = {0};
	gs_autoerror struct gs_error *none =
		gs_process_symbols_find(symbols, "__libc_start_main", &places);
	struct gs_error *err = NULL;

	if (none || places.count == 0)
		err = gs_error_create(GS_ERROR_NODATA, "the program has no symbol main, and no C "
						       "library that starts it: this is its entry");
	else
		err = copy_place(&places.places[0], ret);
	ret->then = GS_KEEPER_THEN_ARGUMENT;
	gs_places_deinit(&places);
	return err;
}

static struct gs_error *find_step(pid_t pid, bool at_entry, struct step *ret)
{
	const struct gs_process_symbols_options options = {0};
	GS_CLEANUP(gs_process_symbols_close) struct gs_process_symbols *symbols = NULL;
	struct gs_error *err = gs_process_symbols_open(pid, &options, &symbols);

	*ret = (struct step){0};
	if (err)
		return err;
	if (at_entry)
		return find_start(symbols, ret);
	err = find_main(symbols, pid, ret);
	if (!err || err->code != GS_ERROR_NODATA)
		return err;
	gs_error_destroy(err);
	return find_entry(symbols, ret);
}

bool gs_keeper_seek_main(struct gs_keeper *keeper, struct gs_keeper_event *event)
{
	bool at_entry = event->kind == GS_KEEPER_AT_ENTRY, is_there;
	gs_autoerror struct gs_error *err = NULL;
	struct step step;

	if (!at_entry && event->kind != GS_KEEPER_AT_EXEC)
		return false;
	err = find_step(event->id, at_entry, &step);
	is_there = !err || err->code != GS_ERROR_GONE;
	if (!err) {
		err = gs_keeper_go_to(keeper, event->id, step.then, &step.place);
		is_there = err && err->code != GS_ERROR_NODATA;
	}
	gs_place_deinit(&step.place);
	if (!is_there) /* it was sent; or released meanwhile, or has ended, which is told next */
		return true;
	event->kind = GS_KEEPER_HELD;
	snprintf(event->reason, sizeof(event->reason), "not in main: %s", err->message);
	return false;
}
