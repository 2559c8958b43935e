/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices in a live guest's tree of objects. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/device_types.h>

#include "session.h"

#define NODES_MAX (1 << 16)  /* real: 100, and two more for each CPU */
#define DEPTH_MAX 64         /* real: 6 */
#define PATH_BYTES_MAX 1024u /* real: 100 */
#define IN_FLIGHT 4          /* leaves some for the session's owner */

struct node {
	char *path; /* NULL, as the type, once its answer is there */
	char *type;
	unsigned int depth;
	uint64_t id; /* of the question */
};

/* Nodes are asked about in the order in which they were found. */
struct walk {
	struct gs_qmp *qmp;
	struct node *nodes;
	size_t count, capacity, asked, answered;
	struct gs_device_types *types;
};

static void deinit(struct walk *w)
{
	for (size_t i = 0; i < w->count; i++) {
		free(w->nodes[i].path);
		free(w->nodes[i].type);
	}
	free(w->nodes);
}

static struct gs_error *make_room(struct walk *w)
{
	size_t capacity = w->capacity ? 2 * w->capacity : 256;
	struct node *nodes;

	if (w->count < w->capacity)
		return NULL;
	if (w->count >= NODES_MAX)
		return gs_error_create(GS_ERROR_CORRUPT, "it has more than %d objects", NODES_MAX);
	nodes = reallocarray(w->nodes, capacity, sizeof(*nodes));
	if (!nodes)
		return gs_error_nomem();
	w->nodes = nodes;
	w->capacity = capacity;
	return NULL;
}

/* Takes both strings; NULL: there is no memory. */
static struct gs_error *add_node(struct walk *w, char *path, char *type, unsigned int depth)
{
	struct gs_error *err = path && type ? make_room(w) : gs_error_nomem();

	if (err) {
		free(path);
		free(type);
		return err;
	}
	w->nodes[w->count++] = (struct node){.path = path, .type = type, .depth = depth};
	return NULL;
}

/* Most objects of a guest are of these types, and they have no parts. */
static bool is_leaf(const char *type)
{
	return strcmp(type, "memory-region") == 0 || strcmp(type, "irq") == 0;
}

/* "child<TYPE>": an object of that type. The caller frees. */
static struct gs_error *type_of_child(const char *type, char **ret)
{
	static const char prefix[] = "child<";
	size_t size = strlen(type);

	*ret = NULL;
	if (strncmp(type, prefix, strlen(prefix)) != 0 || type[size - 1] != '>')
		return NULL;
	*ret = strndup(type + strlen(prefix), size - strlen(prefix) - 1);
	return *ret ? NULL : gs_error_nomem();
}

static struct gs_error *check_place(const struct node *parent, const char *name)
{
	if (parent->depth == DEPTH_MAX)
		return gs_error_create(GS_ERROR_CORRUPT, "it is more than %d objects deep",
				       DEPTH_MAX);
	if (strlen(name) >= PATH_BYTES_MAX - strlen(parent->path)) /* with a slash */
		return gs_error_create(GS_ERROR_CORRUPT, "it has a path of more than %u bytes",
				       PATH_BYTES_MAX);
	return NULL;
}

static struct gs_error *add_child(struct walk *w, const struct node *parent, const char *name,
				  const char *property_type)
{
	const char *slash = strcmp(parent->path, "/") == 0 ? "" : "/";
	gs_autofree char *type = NULL;
	struct gs_error *err = type_of_child(property_type, &type);

	if (err || !type || is_leaf(type))
		return err;
	err = check_place(parent, name);
	return err ? err
		   : add_node(w, gs_strf("%s%s%s", parent->path, slash, name), gs_take(type),
			      parent->depth + 1);
}

/* All devices, and they alone, have both of these: buses can be realized, but not plugged. */
static bool is_device(const struct gs_json *properties)
{
	bool realized = false, hotplugged = false;

	gs_json_for_each (property, properties) {
		const char *name = gs_json_string(gs_json_get(property, "name"));

		realized |= name && strcmp(name, "realized") == 0;
		hotplugged |= name && strcmp(name, "hotplugged") == 0;
	}
	return realized && hotplugged;
}

static struct gs_error *take_properties(struct walk *w, struct node node,
					const struct gs_json *properties)
{
	struct gs_error *err = NULL;

	if (is_device(properties))
		err = gs_device_types_add(w->types, node.type);
	gs_json_for_each (property, properties) {
		const char *name = gs_json_string(gs_json_get(property, "name"));
		const char *type = gs_json_string(gs_json_get(property, "type"));

		if (err)
			break;
		if (!name || !type)
			err = gs_error_create(GS_ERROR_PROTOCOL,
					      "qom-list: a property of %s without name or type",
					      node.path);
		else
			err = add_child(w, &node, name, type);
	}
	return err;
}

static struct gs_error *ask(struct walk *w)
{
	struct node *node = &w->nodes[w->asked];
	struct gs_json *arguments = gs_json_new_object();
	struct gs_error *err;

	if (!gs_json_set(arguments, "path", gs_json_new_string(node->path))) {
		gs_json_destroy(arguments);
		return gs_error_nomem();
	}
	err = gs_qmp_send(w->qmp, "qom-list", arguments, &node->id);
	w->asked += !err;
	return err;
}

/* It was unplugged after we had heard of it. */
static bool is_gone(const struct gs_qmp *qmp, const struct gs_error *err)
{
	return err->code == GS_ERROR_REFUSED &&
	       strcmp(gs_qmp_error_class(qmp), "DeviceNotFound") == 0;
}

static struct gs_error *take_answer(struct walk *w, uint64_t deadline_ms)
{
	gs_autojson struct gs_json *properties = NULL;
	struct node *node = &w->nodes[w->answered++];
	gs_autofree char *path = gs_take(node->path), *type = gs_take(node->type);
	struct gs_error *err = gs_qmp_await(w->qmp, node->id, deadline_ms, &properties);

	if (err && is_gone(w->qmp, err)) {
		gs_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	return take_properties(w, (struct node){.path = path, .type = type, .depth = node->depth},
			       properties);
}

static struct gs_error *run(struct walk *w)
{
	uint64_t deadline_ms = gs_deadline_in(w->qmp->options.command_ms);
	struct gs_error *err = add_node(w, strdup("/"), strdup("container"), 0);

	while (!err && w->answered < w->count) {
		while (!err && w->asked < w->count && w->asked - w->answered < IN_FLIGHT)
			err = ask(w);
		if (!err)
			err = take_answer(w, deadline_ms);
	}
	return err;
}

struct gs_error *gs_device_types_query(struct gs_qmp *qmp, struct gs_device_types *types)
{
	struct walk w = {.qmp = qmp, .types = types};
	struct gs_error *err = run(&w);

	for (size_t i = w.answered; i < w.asked; i++)
		gs_qmp_abandon(qmp, w.nodes[i].id);
	deinit(&w);
	return gs_error_wrap(err, "the guest's tree of objects");
}
