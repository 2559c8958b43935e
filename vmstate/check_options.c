/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What check is asked for: the values of its options. */
#include <string.h>
#include <strings.h>
#include <time.h>

#include <guestscope/base/io.h>

#include "check.h"

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

static struct gs_error *set_used(struct check_given *given, const struct gs_args *args)
{
	struct gs_error *err = vmstate_used(args, &given->used);

	if (err || !given->used.count)
		return err;
	given->options.library.used = (const char *const *)given->used.names;
	given->options.library.used_count = given->used.count;
	return NULL;
}

static void set_today(struct check_given *given)
{
	time_t now = time(NULL);
	struct tm day;

	gmtime_r(&now, &day);
	strftime(given->today, sizeof(given->today), "%Y-%m-%d", &day);
	given->options.today = given->today;
}

static struct gs_error *load_baseline(struct check_given *given, const char *path)
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

static struct gs_error *set_begun(struct check_given *given, const struct gs_args *args)
{
	const char *reason = gs_args_get(args, "reason"), *day = gs_args_get(args, "expires");

	if (!gs_args_has(args, "write-baseline"))
		return reason || day
			       ? gs_error_create(GS_ERROR_INVALID, "--reason and --expires go with "
								   "--write-baseline")
			       : NULL;
	if (strcmp(gs_args_get(args, "write-baseline"), "-") == 0)
		return gs_error_create(GS_ERROR_INVALID,
				       "--write-baseline wants a file: stdout has the report");
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

struct gs_error *check_given_read(const struct gs_args *args, struct check_given *given)
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

void check_given_deinit(struct check_given *given)
{
	gs_baseline_destroy(given->baseline);
	gs_device_types_deinit(&given->used);
}
