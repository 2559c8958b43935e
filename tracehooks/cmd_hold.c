/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hold: threads of a running process, where they call a function. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "aim.h"

/* ---- what is armed ---- */

static size_t count_threads(pid_t pid)
{
	gs_autofree char *path = gs_strf("/proc/%d/task", (int)pid);
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	size_t count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static void emit_places(struct gs_emit *e, const struct gs_places *places)
{
	gs_autojson struct gs_json *array = gs_json_new_array();

	for (size_t i = 0; array && i < places->count; i++)
		(void)gs_json_append(array, gs_hold_place_json(&places->places[i]));
	gs_emit_json(e, "places", NULL, array);
}

static void print_armed_line(const struct aim *aim, const struct gs_places *places, const char *why)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(aim->args, true);
	gs_autoerror struct gs_error *err = NULL;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "event", NULL, "armed");
	gs_emit_i64(e, "pid", NULL, aim->pid);
	gs_emit_u64(e, "threads", NULL, count_threads(aim->pid));
	gs_emit_string(e, "mechanism", NULL, gs_catch_mechanism_name(aim->mechanism));
	gs_emit_string(e, "why", NULL, why);
	gs_emit_bool(e, "pending", NULL, aim->loader != 0);
	emit_places(e, places);
	gs_emit_end(e);
	err = gs_emit_finish(e);
}

static void put_mechanism(struct gs_text *text, enum gs_catch_mechanism mechanism, const char *why)
{
	gs_text_printf(text, "  by %s%s%s", gs_catch_mechanism_name(mechanism),
		       why ? ", for perf is not possible: " : "", why ? why : "");
	if (mechanism == GS_CATCH_INT3)
		gs_text_puts(text,
			     "\n  RISK: its code is changed until a thread is held; if "
			     "tracehooks-keep is killed meanwhile, calls may kill the process: "
			     "44 of 260 at 750 calls a second, see tracehooks(1)");
	gs_text_puts(text, "\n");
}

static void print_armed(const struct aim *aim, const char *why)
{
	gs_autotext struct gs_text text = {0};
	size_t threads;
	char comm[17];

	if (gs_args_has(aim->args, "json")) {
		print_armed_line(aim, &aim->places, why);
		return;
	}
	if (gs_args_quiet(aim->args))
		return;
	gs_process_comm(aim->pid, comm);
	threads = count_threads(aim->pid);
	gs_text_printf(&text,
		       "tracehooks: %s (%d), %zu thread%s, is traced; no debugger can attach "
		       "to it meanwhile\n",
		       comm, (int)aim->pid, threads, threads == 1 ? "" : "s");
	aim_put_places(&text, &aim->places);
	if (aim->loader)
		gs_text_puts(&text, "  and what libraries bring that it loads later\n");
	put_mechanism(&text, aim->mechanism, why);
	if (!text.failed)
		fputs(text.data, stderr);
}

/* ---- libraries that come later ---- */

static void print_more(const struct aim *aim, const struct gs_places *more)
{
	gs_autotext struct gs_text text = {0};

	if (gs_args_has(aim->args, "json")) {
		print_armed_line(aim, more, NULL);
		return;
	}
	if (gs_args_quiet(aim->args))
		return;
	gs_text_puts(&text, "tracehooks: armed, too\n");
	aim_put_places(&text, more);
	if (!text.failed)
		fputs(text.data, stderr);
}

static struct gs_error *arm_more(struct watch *watch, struct aim *aim)
{
	struct gs_places more;
	struct gs_error *err = aim_refresh(aim, &more);

	for (size_t i = 0; !err && i < more.count; i++)
		err = gs_keeper_arm(watch->keeper, &more.places[i]);
	if (!err && more.count)
		print_more(aim, &more);
	gs_places_deinit(&more);
	return err;
}

/* The thread goes on in any case. */
static void on_loading(struct watch *watch, pid_t tid)
{
	struct aim *aim = watch->arg;
	gs_autoerror struct gs_error *err = arm_more(watch, aim), *late = NULL;

	if (err)
		gs_args_note(watch->args, "not armed in what was loaded: %s", err->message);
	late = gs_keeper_go_on(watch->keeper, tid);
}

/* ---- the command ---- */

static struct gs_error *arm(struct watch *watch, struct aim *aim)
{
	gs_autofree char *why = NULL;
	struct gs_error *err = gs_keeper_catch(watch->keeper, &aim->mechanism, &why);

	gs_process_symbols_stay_local(aim->symbols);
	if (!err)
		print_armed(aim, why);
	return err;
}

static int status_of(const struct watch *watch)
{
	if (watch->signals)
		return GS_EXIT_SIGNAL + watch->signal;
	if (watch->lost)
		return GS_EXIT_FAILED;
	return watch->over && !watch->has_held ? GS_EXIT_GONE : GS_EXIT_OK;
}

static int hold(struct gs_args *args, struct aim *aim)
{
	struct gs_hold_aim hold_aim = {.pid = aim->pid,
				       .places = aim->places.places,
				       .place_count = aim->places.count,
				       .loader = aim->loader};
	struct gs_keeper_options options = {0};
	struct watch watch = {.signal_fd = -1};
	struct gs_error *err = aim_options(args, &hold_aim, &options);

	if (!err)
		err = watch_begin_with(&watch, args, &options);
	watch.is_brief = true;
	watch.on_loading = on_loading;
	watch.arg = aim;
	if (!err)
		err = arm(&watch, aim);
	if (!err)
		watch_until_end(&watch, -1);
	watch_end(&watch);
	return err ? gs_args_fail(args, err) : status_of(&watch);
}

/* The error comes first, and what it speaks of behind it. */
static int fail(const struct gs_args *args, const struct aim *aim, struct gs_error *err)
{
	gs_autotext struct gs_text text = {0};
	int status = gs_args_fail(args, err);

	if (aim->is_ambiguous) {
		aim_put_places(&text, &aim->places);
		if (!text.failed)
			fputs(text.data, stderr);
	}
	return status;
}

int cmd_hold(struct gs_args *args)
{
	struct aim aim = {0};
	pid_t pid = 0;
	struct gs_error *err = parse_target(gs_args_at(args, 0), &pid);
	int status;

	if (err)
		return gs_args_fail(args, err);
	err = aim_begin(&aim, args, pid, gs_args_at(args, 1));
	status = err ? fail(args, &aim, err) : hold(args, &aim);
	aim_end(&aim);
	return status;
}
