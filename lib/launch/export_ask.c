/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a QEMU says of itself over QMP: its version, its modules, its machines. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/launch.h>

#include "export.h"

#define MACHINES_MAX 4096
#define REPLY_MAX ((size_t)32 << 20) /* bytes; real: 500,000 */

/* ---- machines ---- */

static struct gs_error *query_machines(struct gs_qmp *qmp, uint64_t deadline_ms,
				       struct gs_json **ret)
{
	struct gs_json *arguments = gs_json_new_object();
	struct gs_error *err;

	if (!gs_json_set(arguments, "compat-props", gs_json_new_bool(true))) {
		gs_json_destroy(arguments);
		return gs_error_nomem();
	}
	err = gs_qmp_execute(qmp, "query-machines", arguments, deadline_ms, ret);
	if (!err || err->code != GS_ERROR_REFUSED)
		return err;
	/* QEMU before 9.1 does not know it; a newer one may be told to refuse what is unstable. */
	gs_error_destroy(err);
	return gs_qmp_execute(qmp, "query-machines", NULL, deadline_ms, ret);
}

static bool copy_member(struct gs_json *to, const struct gs_json *from, const char *key)
{
	const struct gs_json *value = gs_json_get(from, key);

	return !value || gs_json_set(to, key, gs_json_copy(value));
}

static bool append_machine(struct gs_json *machines, const struct gs_json *from)
{
	static const char *const keys[] = {"name", "alias", "is-default", "deprecated",
					   "compat-props"};
	struct gs_json *machine = gs_json_new_object();
	bool ok = machine;

	for (size_t i = 0; ok && i < sizeof(keys) / sizeof(*keys); i++)
		ok = copy_member(machine, from, keys[i]);
	if (ok)
		return gs_json_append(machines, machine);
	gs_json_destroy(machine);
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(gs_json_string(gs_json_get(*(const struct gs_json *const *)a, "name")),
		      gs_json_string(gs_json_get(*(const struct gs_json *const *)b, "name")));
}

static struct gs_error *sort_machines(const struct gs_json *reply, struct gs_json *about)
{
	size_t capacity = gs_json_count(reply), count = 0;
	gs_autofree const struct gs_json **sorted = NULL;
	struct gs_json *machines;

	if (gs_json_type(reply) != GS_JSON_ARRAY || capacity > MACHINES_MAX)
		return gs_error_create(GS_ERROR_PROTOCOL, "query-machines: no list of machines");
	sorted = calloc(capacity + 1, sizeof(*sorted));
	machines = gs_json_new_array();
	if (!sorted || !gs_json_set(about, "machines", machines))
		return gs_error_nomem();
	gs_json_for_each (machine, reply) {
		if (gs_json_string(gs_json_get(machine, "name")))
			sorted[count++] = machine;
	}
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < count; i++) {
		if (!append_machine(machines, sorted[i]))
			return gs_error_nomem();
	}
	return NULL;
}

static struct gs_error *ask_machines(struct gs_qmp *qmp, uint64_t deadline_ms,
				     struct gs_json *about)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_error *err = query_machines(qmp, deadline_ms, &reply);

	return err ? err : sort_machines(reply, about);
}

/* ---- version, target, modules ---- */

static struct gs_error *ask_qemu(struct gs_qmp *qmp, uint64_t deadline_ms, struct gs_json *about)
{
	gs_autojson struct gs_json *version = NULL, *target = NULL;
	struct gs_json *qemu = gs_json_get_mutable(about, "qemu");
	gs_autofree char *text = NULL;
	const struct gs_json *arch;
	struct gs_error *err;
	int numbers[3];

	err = gs_qmp_execute(qmp, "query-version", NULL, deadline_ms, &version);
	if (!err)
		err = gs_qmp_execute(qmp, "query-target", NULL, deadline_ms, &target);
	if (err)
		return err;
	gs_qmp_version(qmp, numbers);
	text = gs_strf("%d.%d.%d", numbers[0], numbers[1], numbers[2]);
	arch = gs_json_get(target, "arch");
	if (!text || !gs_json_set(qemu, "version", gs_json_new_string(text)) ||
	    !copy_member(qemu, version, "package") ||
	    (arch && !gs_json_set(qemu, "target", gs_json_copy(arch))))
		return gs_error_nomem();
	return NULL;
}

/* To list the types of devices, QEMU loads every module that has one. */
static struct gs_error *load_modules(struct gs_qmp *qmp, uint64_t deadline_ms)
{
	struct gs_json *arguments = gs_json_new_object();

	if (!gs_json_set(arguments, "implements", gs_json_new_string("device")) ||
	    !gs_json_set(arguments, "abstract", gs_json_new_bool(true))) {
		gs_json_destroy(arguments);
		return gs_error_nomem();
	}
	return gs_qmp_execute(qmp, "qom-list-types", arguments, deadline_ms, NULL);
}

static struct gs_error *ask(struct gs_probe *probe, uint64_t deadline_ms, struct gs_json *about)
{
	struct gs_qmp *qmp = gs_probe_qmp(probe);
	struct gs_error *err = ask_qemu(qmp, deadline_ms, about);

	if (!err)
		err = load_modules(qmp, deadline_ms);
	if (!err)
		err = gs_export_program(gs_probe_pid(probe), about);
	return err ? err : ask_machines(qmp, deadline_ms, about);
}

struct gs_error *gs_export_ask(const char *binary, uint64_t timeout_ms, struct gs_json *about)
{
	const struct gs_qmp_options options = {
		.greeting_ms = timeout_ms, .command_ms = timeout_ms, .message_max = REPLY_MAX};
	uint64_t deadline_ms = gs_deadline_in(timeout_ms);
	GS_CLEANUP(gs_probe_end) struct gs_probe *probe = NULL;
	struct gs_error *err = gs_probe_start(binary, &options, &probe);

	return err ? err : gs_error_wrap(ask(probe, deadline_ms, about), "%s", binary);
}
