/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write thresholds: where they are set, and to what. */
#include <guestscope/block.h>

/* A filter that stands on an image has it as backing alone; nothing leads back up (links.c). */
const struct gs_block_node *gs_block_protocol_node(const struct gs_block_device *device)
{
	const struct gs_block_node *node = device->root;

	while (node && (node->file || node->backing))
		node = node->file ? node->file : node->backing;
	return node;
}

uint64_t gs_block_threshold(const struct gs_block_node *node)
{
	uint64_t bytes = 0;

	gs_json_u64(gs_json_get(node->info, "write_threshold"), &bytes);
	return bytes;
}

struct gs_error *gs_block_set_threshold(struct gs_qmp *qmp, const struct gs_block_node *node,
					uint64_t bytes)
{
	gs_autojson struct gs_json *arguments = gs_json_new_object();
	struct gs_error *err;

	if (!gs_json_set(arguments, "node-name", gs_json_new_string(node->name)) ||
	    !gs_json_set(arguments, "write-threshold", gs_json_new_u64(bytes)))
		return gs_error_nomem();
	err = gs_qmp_execute(qmp, "block-set-write-threshold", gs_take(arguments), 0, NULL);
	return gs_error_wrap(err, "%s", node->name);
}
