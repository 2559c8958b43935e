/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool dump --on: a dump each time that something happens. */
#include <string.h>

#include <guestscope/base/text.h>

#include "cmd_dump.h"

#define COUNT_MAX 1000000

/* "%n" is the number, "%%" a percent sign; all else stands for itself. */
static struct gs_error *numbered_path(const char *pattern, uint64_t number, char **ret)
{
	gs_autotext struct gs_text path = {0};

	for (const char *p = pattern; *p; p++) {
		if (*p == '%' && p[1] == 'n')
			gs_text_printf(&path, "%llu", (unsigned long long)number);
		else
			gs_text_append(&path, p, 1);
		if (*p == '%' && (p[1] == 'n' || p[1] == '%'))
			p++;
	}
	return gs_text_finish(&path, ret);
}

static bool has_number(const char *pattern)
{
	const char *p = pattern;

	while ((p = strchr(p, '%'))) {
		if (p[1] == 'n')
			return true;
		p += p[1] == '%' ? 2 : 1;
	}
	return false;
}

static struct gs_error *open_numbered(const struct gs_args *args, uint64_t number,
				      struct gs_outfile **ret)
{
	const char *pattern = gs_args_get(args, "output");
	gs_autofree char *path = NULL;
	struct gs_error *err = pattern ? numbered_path(pattern, number, &path) : NULL;

	return err ? err : dumptool_open_output_as(args, path, ret);
}

static struct gs_error *parse_count(const struct gs_args *args, uint64_t *ret)
{
	const char *pattern = gs_args_get(args, "output");
	struct gs_error *err = gs_args_u64(args, "count", 1, ret);

	if (err)
		return err;
	if (*ret == 0 || *ret > COUNT_MAX)
		return gs_error_create(GS_ERROR_INVALID, "--count: %s is not in 1 to %d",
				       gs_args_get(args, "count"), COUNT_MAX);
	if (*ret > 1 && pattern && !has_number(pattern))
		return gs_error_create(GS_ERROR_INVALID,
				       "--count: the dumps need different names: put %%n into "
				       "'%s', as in vm-%%n.kdump",
				       pattern);
	return NULL;
}

/* Nothing is held while waiting but the monitor: the name is tried, and opened again when due. */
static struct gs_error *dump_once(struct gs_args *args, struct gs_qmp *qmp,
				  struct gs_dump_spec *spec, uint64_t number)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	const char *events = gs_args_get(args, "on");
	struct gs_error *err = open_numbered(args, number, &out);

	if (err)
		return err;
	if (gs_outfile_is_seekable(out))
		gs_outfile_destroy(gs_take(out));
	err = gs_dump_await_event(qmp, events);
	if (!err && !out)
		err = open_numbered(args, number, &out);
	if (!err)
		err = dump_to(args, qmp, spec, out);
	dumptool_release_guest();
	return err;
}

struct gs_error *dump_on(struct gs_args *args, struct gs_dump_spec *spec)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	const char *events = gs_args_get(args, "on");
	uint64_t count;
	struct gs_error *err = parse_count(args, &count);

	if (!err)
		err = dumptool_connect(args, &qmp);
	if (!err)
		err = gs_dump_check_events(qmp, events);
	for (uint64_t number = 1; !err && number <= count; number++) {
		/* What the dump before has caused or seen is not waited for. */
		if (number > 1)
			gs_qmp_drop_events(qmp);
		err = dump_once(args, qmp, spec, number);
	}
	return err;
}
