/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names that a guest has at this moment, for completion. */
#include <string.h>

#include "shell.h"

#define PATIENCE_MS 1000 /* of whoever pressed Tab */

#define NODES "query-named-block-nodes", "{\"flat\": true}", "node-name"

/*
 * Where names of a kind are found: in that member of what the command returns a list of. For
 * qom-list, the path stands for its arguments.
 */
static const struct {
	enum gs_schema_names kind;
	const char *command, *arguments, *member;
} sources[] = {
	{GS_SCHEMA_NAMES_NODE, NODES},
	{GS_SCHEMA_NAMES_BLOCK, NODES},
	{GS_SCHEMA_NAMES_BLOCK, "query-block", NULL, "device"},
	{GS_SCHEMA_NAMES_DRIVE, "query-block", NULL, "qdev"},
	{GS_SCHEMA_NAMES_DEVICE, "qom-list", "/machine/peripheral", "name"},
	{GS_SCHEMA_NAMES_DEVICE_TYPE, "qom-list-types",
	 "{\"implements\": \"device\", \"abstract\": false}", "name"},
	{GS_SCHEMA_NAMES_OBJECT, "qom-list", "/objects", "name"},
	{GS_SCHEMA_NAMES_IOTHREAD, "query-iothreads", NULL, "id"},
	{GS_SCHEMA_NAMES_CHARDEV, "query-chardev", NULL, "label"},
	{GS_SCHEMA_NAMES_JOB, "query-jobs", NULL, "id"},
	{GS_SCHEMA_NAMES_JOB, "query-block-jobs", NULL, "device"},
	{GS_SCHEMA_NAMES_EXPORT, "query-block-exports", NULL, "id"},
};

/* Behind a command that QEMU is still busy with, an answer would not come in time. */
static struct gs_error *ask(struct shell *s, const char *command, struct gs_json *arguments,
			    uint64_t deadline_ms, struct gs_json **ret)
{
	if (!s->late_count)
		return gs_qmp_execute(s->qmp, command, arguments, deadline_ms, ret);
	gs_json_destroy(arguments);
	return gs_error_create(GS_ERROR_BUSY, "an earlier command is without a reply");
}

static struct gs_error *add_names(const struct gs_json *list, const char *member,
				  struct gs_json *names)
{
	gs_json_for_each (item, list) {
		const char *name = gs_json_string(gs_json_get(item, member));

		if (name && !gs_json_append(names, gs_json_new_string(name)))
			return gs_error_nomem();
	}
	return NULL;
}

/* What qom-list tells, less the properties: children alone have a "child<...>" for a type. */
static struct gs_error *list_children(struct shell *s, const char *path, uint64_t deadline_ms,
				      struct gs_json **ret)
{
	gs_autojson struct gs_json *arguments = gs_json_new_object(), *list = NULL;
	gs_autojson struct gs_json *children = gs_json_new_array();
	struct gs_error *err;

	if (!children || !gs_json_set(arguments, "path", gs_json_new_string(path)))
		return gs_error_nomem();
	err = ask(s, "qom-list", gs_take(arguments), deadline_ms, &list);
	gs_json_for_each (item, list) {
		const char *type = gs_json_string(gs_json_get(item, "type"));

		if (type && strncmp(type, "child<", 6) == 0 &&
		    !gs_json_append(children, gs_json_copy(item)))
			return gs_error_nomem();
	}
	if (!err)
		*ret = gs_take(children);
	return err;
}

static struct gs_error *query_source(struct shell *s, size_t i, uint64_t deadline_ms,
				     struct gs_json **ret)
{
	const char *text = sources[i].arguments;
	struct gs_json *arguments = NULL;
	struct gs_error *err = NULL;

	if (text && *text == '/')
		return list_children(s, text, deadline_ms, ret);
	if (text)
		err = gs_json_parse(text, strlen(text), &arguments);
	return err ? err : ask(s, sources[i].command, arguments, deadline_ms, ret);
}

static struct gs_error *add_source(struct shell *s, size_t i, uint64_t deadline_ms,
				   struct gs_json *names)
{
	gs_autojson struct gs_json *list = NULL;
	struct gs_error *err = query_source(s, i, deadline_ms, &list);

	/* An older QEMU may lack a command that another source stands beside. */
	if (err && err->code == GS_ERROR_REFUSED) {
		gs_error_destroy(err);
		err = NULL;
	}
	return err ? err : add_names(list, sources[i].member, names);
}

/* What is below the last slash of @prefix, each with the whole path and a slash behind it. */
static struct gs_error *add_paths(struct shell *s, const char *prefix, uint64_t deadline_ms,
				  struct gs_json *names)
{
	const char *slash = strrchr(prefix, '/');
	gs_autofree char *parent = strndup(prefix, slash ? (size_t)(slash - prefix) : 0);
	gs_autojson struct gs_json *list = NULL;
	struct gs_error *err;

	if (!parent)
		return gs_error_nomem();
	err = list_children(s, *parent ? parent : "/", deadline_ms, &list);
	gs_json_for_each (item, list) {
		const char *name = gs_json_string(gs_json_get(item, "name"));
		gs_autofree char *path = name ? gs_strf("%s/%s/", parent, name) : NULL;

		if (path && !gs_json_append(names, gs_json_new_string(path)))
			return gs_error_nomem();
	}
	return err;
}

/* "size:=" where JSON is wanted, else "name="; NULL: nothing that could be given. */
static char *property_word(const struct gs_json *property)
{
	static const char *const typed[] = {"bool", "int", "uint", "size", NULL};
	const char *name = gs_json_string(gs_json_get(property, "name"));
	const char *type = gs_json_string(gs_json_get(property, "type"));

	if (!name || !type || strncmp(type, "child<", 6) == 0)
		return NULL;
	for (const char *const *at = typed; *at; at++)
		if (strncmp(type, *at, strlen(*at)) == 0)
			return gs_strf("%s:=", name);
	return gs_strf("%s=", name);
}

static struct gs_error *add_properties(struct shell *s, const char *driver, uint64_t deadline_ms,
				       struct gs_json *names)
{
	gs_autojson struct gs_json *list = NULL, *arguments = gs_json_new_object();
	struct gs_error *err;

	if (!gs_json_set(arguments, "typename", gs_json_new_string(driver)))
		return gs_error_nomem();
	err = ask(s, "device-list-properties", gs_take(arguments), deadline_ms, &list);
	gs_json_for_each (item, list) {
		gs_autofree char *word = property_word(item);

		if (word && !gs_json_append(names, gs_json_new_string(word)))
			return gs_error_nomem();
	}
	return err;
}

struct gs_error *shell_names(void *arg, enum gs_schema_names kind, const char *prefix,
			     struct gs_json **ret)
{
	uint64_t deadline_ms = gs_deadline_in(PATIENCE_MS);
	gs_autojson struct gs_json *names = gs_json_new_array();
	struct gs_error *err = names ? NULL : gs_error_nomem();

	if (!err && kind == GS_SCHEMA_NAMES_QOM_PATH)
		err = add_paths(arg, prefix, deadline_ms, names);
	if (!err && kind == GS_SCHEMA_NAMES_DEVICE_PROPERTY)
		err = add_properties(arg, prefix, deadline_ms, names);
	for (size_t i = 0; !err && i < sizeof(sources) / sizeof(sources[0]); i++)
		if (sources[i].kind == kind)
			err = add_source(arg, i, deadline_ms, names);
	if (!err)
		*ret = gs_take(names);
	return err;
}

/* ---- the human monitor ---- */

/* "c|cont  -- resume", "info block ...": the words at the begin of @line. */
static bool add_hmp_names(const char *line, bool info, struct gs_json *names)
{
	size_t size;

	if (info)
		line += strncmp(line, "info ", 5) == 0 ? 5 : strlen(line);
	size = strcspn(line, " \r\n");
	while (size) {
		size_t part = strcspn(line, "| \r\n");
		gs_autofree char *name = strndup(line, part);

		if (!name || (part && !gs_json_append(names, gs_json_new_string(name))))
			return false;
		part += part < size; /* the '|' */
		line += part;
		size -= part;
	}
	return true;
}

struct gs_error *shell_hmp_names(struct shell *s, bool info, struct gs_json **ret)
{
	gs_autojson struct gs_json *names = gs_json_new_array(), *text = NULL;
	gs_autojson struct gs_json *arguments = gs_json_new_object();
	const char *line;
	struct gs_error *err;

	if (!gs_json_set(arguments, "command-line",
			 gs_json_new_string(info ? "help info" : "help")))
		return gs_error_nomem();
	err = ask(s, "human-monitor-command", gs_take(arguments), gs_deadline_in(PATIENCE_MS),
		  &text);
	if (err)
		return err;
	for (line = gs_json_string(text); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!add_hmp_names(line, info, names))
			return gs_error_nomem();
	}
	*ret = gs_take(names);
	return NULL;
}
