/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a QEMU says of itself over QMP: its version, its machines, its types of devices. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/launch.h>

#include "export.h"

#define MACHINES_MAX 4096
#define TYPES_MAX 8192               /* real: 1200 */
#define REPLY_MAX ((size_t)32 << 20) /* bytes; real: 500,000 */

/* ---- lists ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(gs_json_string(gs_json_get(*(const struct gs_json *const *)a, "name")),
		      gs_json_string(gs_json_get(*(const struct gs_json *const *)b, "name")));
}

/* The objects in @list that have a name; the caller frees the array. */
static struct gs_error *sort_by_name(const struct gs_json *list, size_t max, const char *command,
				     const struct gs_json ***ret, size_t *count_ret)
{
	const struct gs_json **rows;
	size_t count = 0;

	if (gs_json_type(list) != GS_JSON_ARRAY || gs_json_count(list) > max)
		return gs_error_create(GS_ERROR_PROTOCOL, "%s: no list of at most %zu", command,
				       max);
	rows = calloc(gs_json_count(list) + 1, sizeof(*rows));
	if (!rows)
		return gs_error_nomem();
	gs_json_for_each (each, list) {
		if (gs_json_string(gs_json_get(each, "name")))
			rows[count++] = each;
	}
	qsort(rows, count, sizeof(*rows), by_name);
	*ret = rows;
	*count_ret = count;
	return NULL;
}

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

static struct gs_error *sort_machines(const struct gs_json *reply, struct gs_json *about)
{
	gs_autofree const struct gs_json **rows = NULL;
	struct gs_json *machines;
	size_t count;
	struct gs_error *err = sort_by_name(reply, MACHINES_MAX, "query-machines", &rows, &count);

	if (err)
		return err;
	machines = gs_json_new_array();
	if (!gs_json_set(about, "machines", machines))
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++) {
		if (!append_machine(machines, rows[i]))
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

/* ---- version, target ---- */

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

/* ---- types ---- */

/* Names and parents, sorted by name; of @rows, which are as qom-list-types has them. */
static bool add_types(struct gs_json *types, const char *key, const struct gs_json **rows,
		      size_t count, bool abstract)
{
	struct gs_json *parents = gs_json_new_object();
	bool ok = parents;

	for (size_t i = 0; ok && i < count; i++) {
		if (gs_json_is_true(gs_json_get(rows[i], "abstract")) == abstract)
			ok = gs_json_set(
				parents, gs_json_string(gs_json_get(rows[i], "name")),
				gs_json_new_string(gs_json_string(gs_json_get(rows[i], "parent"))));
	}
	if (ok)
		return gs_json_set(types, key, parents);
	gs_json_destroy(parents);
	return false;
}

static struct gs_error *sort_types(const struct gs_json *reply, struct gs_json *about)
{
	gs_autofree const struct gs_json **rows = NULL;
	struct gs_json *types;
	size_t count;
	struct gs_error *err = sort_by_name(reply, TYPES_MAX, "qom-list-types", &rows, &count);

	if (err)
		return err;
	types = gs_json_new_object();
	if (!gs_json_set(about, "types", types) ||
	    !add_types(types, "abstract", rows, count, true) ||
	    !add_types(types, "real", rows, count, false))
		return gs_error_nomem();
	return NULL;
}

/* To list the types of devices, QEMU loads every module that has one. */
static struct gs_error *ask_types(struct gs_qmp *qmp, uint64_t deadline_ms, struct gs_json *about)
{
	struct gs_json *arguments = gs_json_new_object();
	gs_autojson struct gs_json *reply = NULL;
	struct gs_error *err;

	if (!gs_json_set(arguments, "implements", gs_json_new_string("device")) ||
	    !gs_json_set(arguments, "abstract", gs_json_new_bool(true))) {
		gs_json_destroy(arguments);
		return gs_error_nomem();
	}
	err = gs_qmp_execute(qmp, "qom-list-types", arguments, deadline_ms, &reply);
	return err ? err : sort_types(reply, about);
}

static struct gs_error *ask(struct gs_probe *probe, uint64_t deadline_ms, struct gs_json *about)
{
	struct gs_qmp *qmp = gs_probe_qmp(probe);
	struct gs_error *err = ask_qemu(qmp, deadline_ms, about);

	if (!err)
		err = ask_types(qmp, deadline_ms, about);
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
