/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check: what comes of it when one QEMU saves devices and another one loads them. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <guestscope/base/io.h>

#include "check.h"

/* What the options' values are made of, and live in. */
struct given {
	struct check_options options;
	struct gs_baseline *baseline;
	struct gs_device_types used;
	struct gs_waiver begun;
	char today[16];
};

/* ---- options ---- */

static void set_directions(struct check_options *options, const char *direction)
{
	const char *wanted = direction ? direction : "both";

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++)
		options->directions[d] =
			strcmp(wanted, "both") == 0 ||
			strcmp(wanted, gs_check_direction_name((enum gs_check_direction)d)) == 0;
}

static enum gs_verdict fail_on(const char *name)
{
	if (!name)
		return GS_VERDICT_BREAK;
	for (int v = 0; v < GS_VERDICT_COUNT; v++) {
		if (strcasecmp(name, gs_verdict_name((enum gs_verdict)v)) == 0)
			return (enum gs_verdict)v;
	}
	return GS_VERDICT_COUNT; /* never */
}

static struct gs_error *set_used(struct given *given, const struct gs_args *args)
{
	struct gs_error *err = vmstate_used(args, &given->used);

	if (err || !given->used.count)
		return err;
	given->options.library.used = (const char *const *)given->used.names;
	given->options.library.used_count = given->used.count;
	return NULL;
}

static void set_today(struct given *given)
{
	time_t now = time(NULL);
	struct tm day;

	gmtime_r(&now, &day);
	strftime(given->today, sizeof(given->today), "%Y-%m-%d", &day);
	given->options.today = given->today;
}

static struct gs_error *load_baseline(struct given *given, const char *path)
{
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err;

	if (!path)
		return NULL;
	err = gs_read_file(path, GS_BASELINE_MAX, &text, &size);
	if (!err)
		err = gs_baseline_parse(path, text, size, &given->baseline);
	given->options.baseline = given->baseline;
	return err;
}

static struct gs_error *set_begun(struct given *given, const struct gs_args *args)
{
	const char *reason = gs_args_get(args, "reason"), *day = gs_args_get(args, "expires");

	if (!gs_args_has(args, "write-baseline"))
		return reason || day
			       ? gs_error_create(GS_ERROR_INVALID, "--reason and --expires go with "
								   "--write-baseline")
			       : NULL;
	if (!reason || !reason[strspn(reason, " \t\n")] || !day)
		return gs_error_create(GS_ERROR_INVALID,
				       "--write-baseline wants a --reason and --expires");
	if (!gs_is_day(day) || strcmp(day, given->today) < 0)
		return gs_error_create(GS_ERROR_INVALID,
				       "--expires: '%s' is no day to come (YYYY-MM-DD)", day);
	if (given->options.fail_on == GS_VERDICT_COUNT)
		return gs_error_create(GS_ERROR_INVALID,
				       "--write-baseline waives what fails: nothing does by "
				       "--fail-on never");
	given->begun = (struct gs_waiver){.expires = day, .reason = reason};
	given->options.begun = &given->begun;
	return NULL;
}

static struct gs_error *read_options(const struct gs_args *args, struct given *given)
{
	struct check_options *options = &given->options;
	const char *format = gs_args_get(args, "format");
	struct gs_error *err;

	if (format && gs_args_has(args, "json") && strcmp(format, "json") != 0)
		return gs_error_create(GS_ERROR_INVALID, "--json is not --format %s", format);
	options->fail_on = fail_on(gs_args_get(args, "fail-on"));
	options->library.strict = gs_args_has(args, "strict");
	set_directions(options, gs_args_get(args, "direction"));
	set_today(given);
	err = set_used(given, args);
	if (!err)
		err = set_begun(given, args);
	return err ? err : load_baseline(given, gs_args_get(args, "baseline"));
}

static void given_deinit(struct given *given)
{
	gs_baseline_destroy(given->baseline);
	gs_device_types_deinit(&given->used);
}

/* ---- the baseline, afterwards ---- */

/* Whether all of both exports was looked at: else a waiver may well be of what was not. */
static bool is_whole(const struct check *c)
{
	return gs_args_count(c->args) == 2 && !c->options->library.used_count &&
	       c->options->directions[GS_CHECK_FORWARD] &&
	       c->options->directions[GS_CHECK_BACKWARD];
}

static void note_waivers(const struct check *c)
{
	const char *path = gs_args_get(c->args, "baseline");
	const struct gs_waiver *waiver;

	for (size_t i = 0; (waiver = gs_baseline_at(c->options->baseline, i)); i++) {
		if (c->matched[i] && check_is_expired(c, waiver))
			gs_args_note(c->args, "%s:%zu: expired on %s, and counts again: %s", path,
				     waiver->line, waiver->expires, waiver->id);
		else if (!c->matched[i] && is_whole(c))
			gs_args_note(c->args, "%s:%zu: no longer found: %s", path, waiver->line,
				     waiver->id);
	}
}

static struct gs_error *write_baseline(const struct check *c, struct gs_outfile *file)
{
	gs_autotext struct gs_text text = {0};

	gs_text_printf(&text, "# what vmstate check found on %s from ", c->options->today);
	gs_text_puts_printable(&text, c->before->name);
	gs_text_puts(&text, " to ");
	gs_text_puts_printable(&text, c->after->name);
	gs_text_puts(&text, "\n");
	for (size_t i = 0; i < c->finding_count; i++) {
		const struct gs_waiver *waiver = c->findings[i].waiver;

		if (waiver)
			gs_baseline_put(&text, c->findings[i].is.id, waiver->expires,
					waiver->reason);
	}
	if (text.failed)
		return gs_error_nomem();
	if (gs_write_full(gs_outfile_fd(file), text.data, text.size) < 0)
		return gs_error_os(errno, "%s", gs_outfile_path(file));
	return gs_outfile_commit(file);
}

/* ---- the command ---- */

int check_print(const struct check *check, const char *text)
{
	int status = text ? gs_args_print(check->args, text)
			  : gs_args_fail(check->args, gs_error_nomem());

	return status == GS_EXIT_OK && check->failed ? GS_EXIT_FAILED : status;
}

static int report(const struct check *c)
{
	static const struct {
		const char *format;
		int (*run)(const struct check *check);
	} reports[] = {{"text", check_as_text},
		       {"json", check_as_json},
		       {"sarif", check_as_sarif},
		       {"junit", check_as_junit}};
	const char *format = gs_args_get(c->args, "format");

	if (gs_args_has(c->args, "json"))
		format = "json";
	for (size_t i = 1; format && i < sizeof(reports) / sizeof(*reports); i++) {
		if (strcmp(reports[i].format, format) == 0)
			return reports[i].run(c);
	}
	return check_as_text(c);
}

static int check_and_report(struct check *c, struct gs_outfile *file)
{
	struct gs_error *err = check_collect(c);
	int status;

	if (!err && file)
		err = write_baseline(c, file);
	if (err)
		return gs_args_fail(c->args, err);
	status = report(c);
	note_waivers(c);
	return status;
}

static struct gs_error *load(const struct gs_args *args, struct vmstate_export *before,
			     struct vmstate_export *after)
{
	struct gs_error *err = vmstate_load(gs_args_at(args, 0), before);

	if (!err)
		err = vmstate_load(gs_args_at(args, 1), after);
	return err ? err : vmstate_check_named(args, before->state, after->state);
}

static struct gs_error *find_machine(struct check *c, struct gs_machine *machine)
{
	const char *name = gs_args_get(c->args, "machine");
	struct gs_error *err;

	if (!name)
		return NULL;
	err = gs_machine_find(c->before->about, c->after->about, name, machine);
	if (!err)
		c->machine = machine;
	return err;
}

int cmd_check(struct gs_args *args)
{
	auto_export struct vmstate_export before = {0}, after = {0};
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *file = NULL;
	const char *path = gs_args_get(args, "write-baseline");
	GS_CLEANUP(gs_machine_deinit) struct gs_machine machine = {0};
	struct given given = {0};
	struct check c = {
		.args = args, .before = &before, .after = &after, .options = &given.options};
	struct gs_error *err = read_options(args, &given);
	int status;

	if (!err && path)
		err = gs_outfile_open(path, gs_args_has(args, "force") ? GS_OUTFILE_FORCE : 0,
				      &file);
	if (!err)
		err = load(args, &before, &after);
	if (!err)
		err = find_machine(&c, &machine);
	given.options.library.about_before = before.about;
	given.options.library.about_after = after.about;
	status = err ? gs_args_fail(args, err) : check_and_report(&c, file);
	check_deinit(&c);
	given_deinit(&given);
	return status;
}
