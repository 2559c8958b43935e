/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk list: devices, and below each the images that it is made of. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "disks.h"

static const struct gs_emit_column columns[] = {
	{"device", NULL, false},     {NULL, "DEVICE", false},        {"role", NULL, false},
	{"depth", NULL, false},      {"parent", NULL, false},        {"node", "NODE", false},
	{"driver", "DRIVER", false}, {"size", "SIZE", true},         {"read_only", NULL, false},
	{NULL, "RO", false},         {NULL, "FLAGS", false},         {"file", "FILE", false},
	{"qdev", NULL, false},       {"drive", NULL, false},         {"removable", NULL, false},
	{"locked", NULL, false},     {"tray_open", NULL, false},     {"cache", NULL, false},
	{"throttle", NULL, false},   {"detect_zeroes", NULL, false}, {"dirty_bitmaps", NULL, false},
};

/* No QEMU opens so many images over each other; a peer that says so must not cost us the stack. */
#define DEPTH_MAX 4096

/* Where the walk is: what is shown, and below whom. */
struct walk {
	struct gs_emit *e;
	const struct gs_block_graph *graph;
	const struct gs_block_device *device; /* NULL: no device has the node */
	bool *shown;                          /* of each node */
};

/* ---- flags ---- */

static bool member_is_true(const struct gs_json *object, const char *key)
{
	return gs_json_is_true(gs_json_get(object, key));
}

/* The name that -drive cache= has for it. */
static const char *cache_mode(const struct gs_json *cache)
{
	bool direct = member_is_true(cache, "direct");

	if (!cache)
		return NULL;
	if (member_is_true(cache, "no-flush"))
		return "unsafe";
	if (member_is_true(cache, "writeback"))
		return direct ? "none" : "writeback";
	return direct ? "directsync" : "writethrough";
}

static bool is_limit(const char *key)
{
	return key && (strncmp(key, "bps", 3) == 0 || strncmp(key, "iops", 4) == 0);
}

/* What of bps*, iops* and group is set; NULL: nothing, or no memory. */
static struct gs_json *throttle_of(const struct gs_json *settings)
{
	gs_autojson struct gs_json *ret = gs_json_new_object();
	bool limited = false;

	gs_json_for_each (member, settings) {
		const char *key = gs_json_key(member);
		uint64_t value;

		if (!is_limit(key) || !gs_json_u64(member, &value) || !value)
			continue;
		limited = true;
		gs_json_set(ret, key, gs_json_copy(member));
	}
	if (!limited)
		return NULL;
	if (gs_json_get(settings, "group"))
		gs_json_set(ret, "group", gs_json_copy(gs_json_get(settings, "group")));
	return gs_take(ret);
}

static void add_flag(struct gs_text *t, const char *flag)
{
	gs_text_printf(t, "%s%s", t->size ? "," : "", flag);
}

static void add_device_flags(struct gs_text *t, const struct gs_block_device *device)
{
	if (device->removable)
		add_flag(t, "removable");
	if (device->locked)
		add_flag(t, "locked");
	if (device->tray_open)
		add_flag(t, "tray-open");
	if (!device->root)
		add_flag(t, "empty");
	if (device->io_status && strcmp(device->io_status, "ok") != 0)
		add_flag(t, device->io_status);
}

static void add_node_flags(struct gs_text *t, const struct gs_json *settings,
			   const struct gs_json *throttle)
{
	const char *cache = cache_mode(gs_json_get(settings, "cache"));
	const char *zeroes = gs_json_string(gs_json_get(settings, "detect_zeroes"));
	size_t bitmaps = gs_json_count(gs_json_get(settings, "dirty-bitmaps"));

	if (cache && strcmp(cache, "writeback") != 0)
		gs_text_printf(t, "%scache=%s", t->size ? "," : "", cache);
	if (zeroes && strcmp(zeroes, "off") != 0)
		gs_text_printf(t, "%sdetect-zeroes=%s", t->size ? "," : "", zeroes);
	if (throttle)
		add_flag(t, "throttled");
	if (member_is_true(settings, "encrypted"))
		add_flag(t, "encrypted");
	if (bitmaps)
		gs_text_printf(t, "%s%zu bitmap%s", t->size ? "," : "", bitmaps,
			       bitmaps == 1 ? "" : "s");
}

/* ---- rows ---- */

/* A device's own settings are told with it, and not with its node. */
static void emit_settings(struct walk *w, const struct gs_block_device *device,
			  const struct gs_block_node *node)
{
	const struct gs_json *settings =
		device ? gs_json_get(device->info, "inserted") : node->info;
	gs_autojson struct gs_json *throttle = throttle_of(settings);
	gs_autotext struct gs_text flags = {0};

	if (device)
		add_device_flags(&flags, device);
	add_node_flags(&flags, settings, throttle);
	gs_emit_string(w->e, NULL, "FLAGS", flags.data ? flags.data : "");
	gs_emit_string(w->e, "cache", NULL, cache_mode(gs_json_get(settings, "cache")));
	gs_emit_string(w->e, "detect_zeroes", NULL,
		       gs_json_string(gs_json_get(settings, "detect_zeroes")));
	gs_emit_json(w->e, "throttle", NULL, throttle);
	gs_emit_json(w->e, "dirty_bitmaps", NULL, gs_json_get(settings, "dirty-bitmaps"));
}

static void emit_node(struct walk *w, const struct gs_block_node *node)
{
	uint64_t size;

	gs_emit_string(w->e, "node", NULL, node->name);
	gs_emit_string(w->e, "driver", NULL, node->driver);
	if (gs_json_u64(gs_json_path(node->info, "image", "virtual-size", NULL), &size))
		gs_emit_bytes(w->e, "size", NULL, size);
	else
		gs_emit_null(w->e, "size", NULL);
	gs_emit_bool(w->e, "read_only", NULL, node->read_only);
	gs_emit_string(w->e, NULL, "RO", node->read_only ? "yes" : "no");
	gs_emit_string(w->e, "file", NULL, node->filename);
}

static void emit_device(struct walk *w, const struct gs_block_device *device)
{
	gs_emit_string(w->e, "qdev", NULL, device->qdev);
	gs_emit_string(w->e, "drive", NULL, device->drive);
	gs_emit_bool(w->e, "removable", NULL, device->removable);
	gs_emit_bool(w->e, "locked", NULL, device->locked);
	gs_emit_bool(w->e, "tray_open", NULL, device->tray_open);
}

/* One row: a device with its topmost node, or a node below; either may be NULL. */
static void emit_row(struct walk *w, unsigned int depth, const char *role,
		     const struct gs_block_node *parent, const struct gs_block_node *node)
{
	const struct gs_block_device *device = depth ? NULL : w->device;

	gs_emit_row_below(w->e, depth);
	gs_emit_string(w->e, "device", NULL, w->device ? w->device->id : NULL);
	gs_emit_string(w->e, NULL, "DEVICE", device ? device->id : role);
	gs_emit_string(w->e, "role", NULL, role);
	gs_emit_u64(w->e, "depth", NULL, depth);
	gs_emit_string(w->e, "parent", NULL, parent ? parent->name : NULL);
	if (node)
		emit_node(w, node);
	if (device)
		emit_device(w, device);
	emit_settings(w, device, node);
}

/* A node and all below it. One that several use is shown for each, but what it is made of only
 * once. */
static void walk_node(struct walk *w, unsigned int depth, const char *role,
		      const struct gs_block_node *parent, const struct gs_block_node *node)
{
	size_t index = (size_t)(node - w->graph->nodes);

	emit_row(w, depth, role, parent, node);
	if (w->shown[index] || depth >= DEPTH_MAX)
		return;
	w->shown[index] = true;
	if (node->file)
		walk_node(w, depth + 1, "file", node, node->file);
	if (node->backing)
		walk_node(w, depth + 1, "backing", node, node->backing);
}

/* Nodes that are nobody's child and no device's; if all are somebody's, none is. */
static void walk_others(struct walk *w, bool *is_child)
{
	for (size_t i = 0; i < w->graph->node_count; i++) {
		const struct gs_block_node *node = &w->graph->nodes[i];

		if (node->file)
			is_child[node->file - w->graph->nodes] = true;
		if (node->backing)
			is_child[node->backing - w->graph->nodes] = true;
	}
	w->device = NULL;
	for (size_t i = 0; i < w->graph->node_count; i++)
		if (!w->shown[i] && !is_child[i])
			walk_node(w, 0, "node", NULL, &w->graph->nodes[i]);
}

static void walk_all(struct walk *w, bool *is_child)
{
	for (size_t i = 0; i < w->graph->device_count; i++) {
		w->device = &w->graph->devices[i];
		if (w->device->root)
			walk_node(w, 0, "root", NULL, w->device->root);
		else
			emit_row(w, 0, "root", NULL, NULL);
	}
	walk_others(w, is_child);
}

int cmd_blk_list(struct gs_args *args)
{
	auto_disks struct disks disks = {.target.pidfd = -1};
	struct gs_error *err = disks_open(args, false, &disks);
	gs_autofree bool *shown = NULL, *is_child = NULL;
	struct walk w = {.graph = &disks.graph};

	if (err)
		return gs_args_fail(args, err);
	shown = calloc(disks.graph.node_count + 1, sizeof(*shown));
	is_child = calloc(disks.graph.node_count + 1, sizeof(*is_child));
	if (!shown || !is_child)
		return gs_args_fail(args, gs_error_nomem());
	w.shown = shown;
	w.e = gs_args_emit(args, false);
	gs_emit_begin(w.e, NULL, NULL);
	gs_emit_table(w.e, "nodes", "", columns, sizeof(columns) / sizeof(columns[0]));
	walk_all(&w, is_child);
	gs_emit_end(w.e);
	gs_emit_end(w.e);
	return gs_args_finish(args, w.e, GS_EXIT_OK);
}
