/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Four answers of QMP, joined into devices and nodes. */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

enum { BLOCK, DEVICE_STATS, NODE_STATS, NODES };

static const struct {
	const char *command, *flag;
} queries[] = {
	[BLOCK] = {"query-block", NULL},
	[DEVICE_STATS] = {"query-blockstats", NULL},
	[NODE_STATS] = {"query-blockstats", "query-nodes"},
	/* Without it, each node repeats all below it. */
	[NODES] = {"query-named-block-nodes", "flat"},
};

static struct gs_error *ask(struct gs_qmp *qmp, const char *command, const char *flag,
			    struct gs_json **ret)
{
	gs_autojson struct gs_json *answer = NULL;
	struct gs_json *arguments = NULL;
	struct gs_error *err;

	if (flag) {
		arguments = gs_json_new_object();
		if (!gs_json_set(arguments, flag, gs_json_new_bool(true))) {
			gs_json_destroy(arguments);
			return gs_error_nomem();
		}
	}
	err = gs_qmp_execute(qmp, command, arguments, 0, &answer);
	if (err)
		return gs_error_wrap(err, "%s", command);
	if (gs_json_type(answer) != GS_JSON_ARRAY)
		return gs_error_create(GS_ERROR_PROTOCOL, "%s: %s: reply is no list, but %s",
				       gs_qmp_name(qmp), command,
				       gs_json_type_name(gs_json_type(answer)));
	*ret = gs_take(answer);
	return NULL;
}

/* A member that is a string, and says something. */
static const char *text(const struct gs_json *object, const char *key)
{
	const char *value = gs_json_string(gs_json_get(object, key));

	return value && *value ? value : NULL;
}

/* ---- nodes ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct gs_block_node *)a)->name,
		      ((const struct gs_block_node *)b)->name);
}

static struct gs_block_node *find_node(const struct gs_block_graph *graph, const char *name)
{
	const struct gs_block_node key = {.name = name};

	return name ? bsearch(&key, graph->nodes, graph->node_count, sizeof(key), by_name) : NULL;
}

const struct gs_block_node *gs_block_find_node(const struct gs_block_graph *graph, const char *name)
{
	return find_node(graph, name);
}

static struct gs_error *load_nodes(struct gs_block_graph *graph)
{
	const struct gs_json *answer = graph->answers[NODES];

	graph->nodes = calloc(gs_json_count(answer) + 1, sizeof(*graph->nodes));
	if (!graph->nodes)
		return gs_error_nomem();
	gs_json_for_each (info, answer) {
		const char *name = text(info, "node-name");

		if (name)
			graph->nodes[graph->node_count++] = (struct gs_block_node){
				.name = name,
				.driver = text(info, "drv"),
				.filename = text(info, "file"),
				.read_only = gs_json_is_true(gs_json_get(info, "ro")),
				.info = info,
			};
	}
	qsort(graph->nodes, graph->node_count, sizeof(*graph->nodes), by_name);
	gs_json_for_each (stats, graph->answers[NODE_STATS]) {
		struct gs_block_node *node = find_node(graph, text(stats, "node-name"));

		if (node)
			node->stats = stats;
	}
	return NULL;
}

/* ---- devices ---- */

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* What query-block and query-blockstats both call a device: its qdev, else its drive. */
struct entry {
	const char *qdev, *drive;
	const struct gs_json *stats;
};

static int by_device(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->qdev && y->qdev)
		return strcmp(x->qdev, y->qdev);
	if (x->qdev || y->qdev)
		return x->qdev ? 1 : -1;
	return strcmp(x->drive, y->drive);
}

/* Those that have a name, sorted. The caller frees; NULL: out of memory. */
static struct entry *sort_stats(const struct gs_json *answer, size_t *count_ret)
{
	struct entry *entries = calloc(gs_json_count(answer) + 1, sizeof(*entries));
	size_t count = 0;

	if (!entries)
		return NULL;
	gs_json_for_each (stats, answer) {
		struct entry entry = {text(stats, "qdev"), text(stats, "device"), stats};

		if (entry.qdev || entry.drive)
			entries[count++] = entry;
	}
	qsort(entries, count, sizeof(*entries), by_device);
	*count_ret = count;
	return entries;
}

static const struct gs_json *find_stats(const struct entry *entries, size_t count,
					const struct gs_block_device *device)
{
	const struct entry key = {device->qdev, device->drive, NULL}, *found = NULL;

	if (key.qdev || key.drive)
		found = bsearch(&key, entries, count, sizeof(key), by_device);
	return found ? found->stats : NULL;
}

size_t gs_block_qdev_id(const char *qdev, const char **ret)
{
	static const char peripheral[] = "/machine/peripheral/";

	if (*qdev == '/') {
		if (strncmp(qdev, peripheral, sizeof(peripheral) - 1) != 0)
			return 0;
		qdev += sizeof(peripheral) - 1;
	}
	*ret = qdev;
	return strcspn(qdev, "/");
}

static const char *find_target(const struct gs_domain_info *domain, const char *alias)
{
	for (size_t i = 0; domain && alias && i < domain->disk_count; i++)
		if (same(domain->disks[i].alias, alias))
			return domain->disks[i].target;
	return NULL;
}

/* A copy that the graph owns; NULL: out of memory. */
static const char *keep(struct gs_block_graph *graph, const char *name, size_t size)
{
	char *copy = strndup(name, size);

	graph->names[graph->name_count++] = copy;
	return copy;
}

static struct gs_error *name_device(struct gs_block_graph *graph,
				    const struct gs_domain_info *domain,
				    struct gs_block_device *device)
{
	const char *id = NULL, *target, *alias = NULL;
	size_t size = device->qdev ? gs_block_qdev_id(device->qdev, &id) : 0;

	if (size) {
		alias = keep(graph, id, size);
		if (!alias)
			return gs_error_nomem();
	}
	target = find_target(domain, alias);
	if (target) {
		device->target = keep(graph, target, strlen(target));
		if (!device->target)
			return gs_error_nomem();
	}
	device->id = device->target  ? device->target
		     : alias         ? alias
		     : device->drive ? device->drive
		     : device->root  ? device->root->name
		     : device->qdev  ? device->qdev
				     : "?";
	return NULL;
}

static struct gs_error *add_device(struct gs_block_graph *graph,
				   const struct gs_domain_info *domain, const struct gs_json *info)
{
	struct gs_block_device *device = &graph->devices[graph->device_count++];

	*device = (struct gs_block_device){
		.qdev = text(info, "qdev"),
		.drive = text(info, "device"),
		.root = find_node(graph, text(gs_json_get(info, "inserted"), "node-name")),
		.removable = gs_json_is_true(gs_json_get(info, "removable")),
		.locked = gs_json_is_true(gs_json_get(info, "locked")),
		.tray_open = gs_json_is_true(gs_json_get(info, "tray_open")),
		.io_status = text(info, "io-status"),
		.info = info,
	};
	return name_device(graph, domain, device);
}

static struct gs_error *load_devices(struct gs_block_graph *graph,
				     const struct gs_domain_info *domain)
{
	const struct gs_json *answer = graph->answers[BLOCK];
	size_t entry_count, count = gs_json_count(answer);
	gs_autofree struct entry *entries = sort_stats(graph->answers[DEVICE_STATS], &entry_count);
	struct gs_error *err = NULL;

	graph->devices = calloc(count + 1, sizeof(*graph->devices));
	graph->names = calloc(2 * count + 1, sizeof(*graph->names));
	if (!entries || !graph->devices || !graph->names)
		return gs_error_nomem();
	gs_json_for_each (info, answer) {
		err = add_device(graph, domain, info);
		if (err)
			return err;
	}
	for (size_t i = 0; i < graph->device_count; i++)
		graph->devices[i].stats = find_stats(entries, entry_count, &graph->devices[i]);
	return NULL;
}

/* ---- all of it ---- */

struct gs_error *gs_block_load(struct gs_qmp *qmp, const struct gs_domain_info *domain,
			       struct gs_block_graph *ret)
{
	struct gs_block_graph graph = {0};
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < sizeof(queries) / sizeof(queries[0]); i++) {
		err = ask(qmp, queries[i].command, queries[i].flag, &graph.answers[i]);
		if (i == DEVICE_STATS)
			graph.taken_ns = gs_now_ns();
	}
	if (!err)
		err = load_nodes(&graph);
	if (!err)
		err = gs_block_link(&graph);
	if (!err)
		err = load_devices(&graph, domain);
	if (err) {
		gs_block_graph_deinit(&graph);
		return err;
	}
	*ret = graph;
	return NULL;
}

void gs_block_graph_deinit(struct gs_block_graph *graph)
{
	for (size_t i = 0; i < graph->name_count; i++)
		free(graph->names[i]);
	free(graph->names);
	free(graph->devices);
	free(graph->nodes);
	for (size_t i = 0; i < sizeof(graph->answers) / sizeof(graph->answers[0]); i++)
		gs_json_destroy(graph->answers[i]);
	*graph = (struct gs_block_graph){0};
}
