/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk threshold: be told when an image grows beyond a size. */
#include <inttypes.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "disks.h"

/* What the command line asks for. */
struct wish {
	bool set, wait;
	uint64_t bytes;
	uint64_t timeout_ms;
};

static struct gs_error *parse(const struct gs_args *args, struct wish *ret)
{
	const char *size = gs_args_at(args, 1);
	struct gs_error *err = gs_args_duration(args, "timeout", GS_NO_DEADLINE, &ret->timeout_ms);

	ret->set = size;
	ret->wait = gs_args_has(args, "wait");
	if (!err && size)
		err = gs_parse_size(size, &ret->bytes);
	if (!err && gs_args_has(args, "timeout") && !ret->wait)
		err = gs_error_create(GS_ERROR_INVALID, "--timeout goes with --wait");
	if (!err && size && !ret->bytes && ret->wait)
		err = gs_error_create(GS_ERROR_INVALID, "0 is no threshold to wait for");
	return err;
}

/*
 * A device's name stands for what stores it, also where it is called by its node for lack of
 * another name. Other nodes are meant themselves.
 */
static struct gs_error *find(const struct gs_block_graph *graph, const char *name,
			     const struct gs_block_node **ret)
{
	const struct gs_block_node *node = gs_block_find_node(graph, name);
	const struct gs_block_device *device = NULL;
	struct gs_error *err = gs_block_find(graph, name, &device);

	if (node && (err || strcmp(device->id, name) != 0)) {
		gs_error_destroy(err);
		*ret = node;
		return NULL;
	}
	if (err)
		return err;
	*ret = gs_block_protocol_node(device);
	if (!*ret)
		return gs_error_create(GS_ERROR_NODATA, "%s is empty", device->id);
	return NULL;
}

static bool is_awaited(const struct gs_qmp_event *event, const char *node)
{
	const char *name = gs_json_string(gs_json_get(event->data, "node-name"));

	return strcmp(event->name, "BLOCK_WRITE_THRESHOLD") == 0 && name && strcmp(name, node) == 0;
}

static struct gs_error *await(struct gs_qmp *qmp, const char *node, uint64_t deadline_ms,
			      struct gs_qmp_event *ret)
{
	for (;;) {
		struct gs_error *err = gs_qmp_next_event(qmp, deadline_ms, ret);

		if (err && err->code == GS_ERROR_TIMEOUT) {
			gs_error_destroy(err);
			return gs_error_create(GS_ERROR_TIMEOUT,
					       "no write went beyond the threshold of %s in time",
					       node);
		}
		if (err || is_awaited(ret, node))
			return err;
		gs_qmp_event_deinit(ret);
	}
}

static void emit_threshold(struct gs_emit *e, uint64_t bytes)
{
	if (bytes)
		gs_emit_bytes(e, "threshold", "Threshold", bytes);
	else
		gs_emit_null(e, "threshold", "Threshold");
}

/* How far it was written by now, as far as QEMU has told. */
static void emit_high_water(struct gs_emit *e, const struct gs_block_node *node)
{
	uint64_t bytes;

	if (gs_json_u64(gs_json_path(node->stats, "stats", "wr_highest_offset", NULL), &bytes))
		gs_emit_bytes(e, "high_water", "Written up to", bytes);
	else
		gs_emit_null(e, "high_water", "Written up to");
}

static void emit_event(struct gs_emit *e, const struct gs_qmp_event *event)
{
	uint64_t exceeded = 0, threshold = 0;

	gs_json_u64(gs_json_get(event->data, "amount-exceeded"), &exceeded);
	gs_json_u64(gs_json_get(event->data, "write-threshold"), &threshold);
	emit_threshold(e, threshold);
	gs_emit_bytes(e, "exceeded_by", "Exceeded by", exceeded);
}

static int report(const struct gs_args *args, const struct gs_block_node *node, uint64_t bytes,
		  const struct gs_qmp_event *event)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "node", "Node", node->name);
	gs_emit_string(e, "file", "File", node->filename);
	if (event) {
		emit_event(e, event);
	} else {
		emit_threshold(e, bytes);
		emit_high_water(e, node);
	}
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

/* What the node's threshold is in the end; with a wish to wait, the event as well. */
static struct gs_error *fulfil(struct gs_qmp *qmp, const struct gs_block_node *node,
			       const struct wish *wish, uint64_t *bytes_ret,
			       struct gs_qmp_event *event_ret)
{
	uint64_t bytes = wish->set ? wish->bytes : gs_block_threshold(node);
	struct gs_error *err = NULL;

	if (wish->set) {
		gs_qmp_drop_events(qmp);
		err = gs_block_set_threshold(qmp, node, bytes);
	} else if (wish->wait && !bytes) {
		err = gs_error_create(GS_ERROR_NODATA, "%s has no threshold to wait for",
				      node->name);
	}
	if (!err && wish->wait)
		err = await(qmp, node->name, gs_deadline_in(wish->timeout_ms), event_ret);
	*bytes_ret = bytes;
	return err;
}

int cmd_blk_threshold(struct gs_args *args)
{
	auto_disks struct disks disks = {.target.pidfd = -1};
	const struct gs_block_node *node = NULL;
	struct gs_qmp_event event = {0};
	struct wish wish = {0};
	uint64_t bytes;
	struct gs_error *err = parse(args, &wish);
	int status;

	if (!err)
		err = disks_open(args, false, &disks);
	if (!err)
		err = find(&disks.graph, gs_args_at(args, 0), &node);
	if (!err)
		err = fulfil(disks.target.qmp, node, &wish, &bytes, &event);
	if (err)
		return gs_args_fail(args, err);
	status = report(args, node, bytes, event.message ? &event : NULL);
	gs_qmp_event_deinit(&event);
	return status;
}
