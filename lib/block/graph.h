/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the room `block`. */
#ifndef BLOCK_GRAPH_H
#define BLOCK_GRAPH_H

#include <guestscope/block.h>

/*
 * Fill in file and backing of all nodes by what the answers tell of children. Links that would
 * close a circle are left out, so that whoever follows them comes to an end.
 */
GS_MUST_CHECK struct gs_error *gs_block_link(struct gs_block_graph *graph);

/*
 * The part of a QOM path that a user gave as id: "sd0" of "/machine/peripheral/sd0/virtio-backend",
 * and all of a @qdev that is no path. 0: it has none.
 */
size_t gs_block_qdev_id(const char *qdev, const char **ret);

#endif
