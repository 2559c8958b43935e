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

/* ---- host.c ---- */

/* What lies under a path of this host. */
struct gs_block_place {
	enum { GS_BLOCK_FILE, GS_BLOCK_DEVICE, GS_BLOCK_OTHER } kind;
	uint64_t length;    /* bytes of a file or device; else 0 */
	uint64_t allocated; /* bytes; 0 but for files */
};
GS_MUST_CHECK struct gs_error *gs_block_look(const char *path, struct gs_block_place *ret);
/* What the process @qemu has open by the name of @node; false: that cannot be known. */
bool gs_block_look_as(pid_t qemu, const struct gs_block_node *node, struct gs_block_place *ret);

/* ---- qemu_img.c ---- */

/*
 * What `qemu-img @command` (info, check) says of an image in JSON, within 20 s. UNSUPPORTED: it is
 * not installed, or cannot do that with the format. CORRUPT: its own words.
 */
GS_MUST_CHECK struct gs_error *gs_block_qemu_img(const char *command, const char *option,
						 const char *format, const char *path,
						 struct gs_json **ret);

/* ---- numbers ---- */

static inline struct gs_block_number gs_block_known(uint64_t bytes, const char *basis)
{
	return (struct gs_block_number){.known = true, .bytes = bytes, .basis = basis};
}

static inline struct gs_block_number gs_block_unknown(const char *reason)
{
	return (struct gs_block_number){.basis = reason};
}

#define GS_BLOCK_VIRSH_EMPTY "invalid argument: disk '%s' does not currently have a source assigned"

/* ---- sizes.c ---- */

/* Where the bytes of a node end up: what is lowest on its way of files. */
const struct gs_block_node *gs_block_storage(const struct gs_block_node *node);
/* The next image of a backing chain, through filters; NULL: there is none. */
const struct gs_block_node *gs_block_backing(const struct gs_block_node *node);
/* The first node at or below @node that is no filter. */
const struct gs_block_node *gs_block_unfiltered(const struct gs_block_node *node);

#endif
