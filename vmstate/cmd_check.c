/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check: what comes of it when one QEMU saves devices and another one loads them. */
#include <errno.h>
#include <string.h>

#include <guestscope/base/io.h>

#include "check.h"

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

/* What is waived now; and what may be waived with reason, if it was not looked at. */
static void put_waivers(struct gs_text *out, const struct check *c)
{
	const struct gs_waiver *waiver;

	for (size_t i = 0; i < c->finding_count; i++) {
		waiver = c->findings[i].waiver;
		if (waiver)
			gs_baseline_put(out, c->findings[i].is.id, waiver->expires, waiver->reason);
	}
	for (size_t i = 0; (waiver = gs_baseline_at(c->options->baseline, i)); i++) {
		if (!c->matched[i] && !is_whole(c))
			gs_baseline_put(out, waiver->id, waiver->expires, waiver->reason);
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
	put_waivers(&text, c);
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

static void note_targets(const struct check *c)
{
	const struct gs_about *before = c->before->about, *after = c->after->about;

	if (!gs_about_is_one_target(before, after))
		gs_args_note(c->args,
			     "A is a QEMU for %s and B one for %s: no guest goes from one to the "
			     "other",
			     before->target, after->target);
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
	note_targets(c);
	note_waivers(c);
	return status;
}

static struct gs_error *load(const struct gs_args *args, struct vmstate_export *before,
			     struct vmstate_export *after)
{
	struct gs_error *err = vmstate_load_two(args, before, after);

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

static int check_by_verdicts(const struct gs_args *args)
{
	auto_export struct vmstate_export before = {0}, after = {0};
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *file = NULL;
	const char *path = gs_args_get(args, "write-baseline");
	GS_CLEANUP(gs_machine_deinit) struct gs_machine machine = {0};
	struct check_given given = {0};
	struct check c = {
		.args = args, .before = &before, .after = &after, .options = &given.options};
	struct gs_error *err = check_given_read(args, &given);
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
	check_given_deinit(&given);
	return status;
}

int cmd_check(struct gs_args *args)
{
	return gs_args_has(args, "compat-script") ? check_by_script(args) : check_by_verdicts(args);
}
