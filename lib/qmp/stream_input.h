/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a peer's bytes are cut into: the input side of the stream transport. */
#ifndef QMP_STREAM_INPUT_H
#define QMP_STREAM_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <guestscope/base/json.h>

enum gs_qmp_found {
	GS_QMP_NOTHING, /* up to the last byte scanned, no message has ended */
	GS_QMP_MESSAGE, /* data[begin..scan) */
	GS_QMP_GARBAGE, /* data[begin..scan) can be no message */
	GS_QMP_TOO_BIG, /* a message ended, of which the start was not kept */
};

/* [0, begin) is used, [begin, scan) was seen by the framer, [scan, end) was not. */
struct gs_qmp_input {
	char *data;
	size_t begin, scan, end, capacity;
	size_t message_max;
	size_t read_size; /* least room for one read; 0: plenty */
	struct gs_json_framer framer;
	enum gs_qmp_found found;
	bool aligned; /* data[begin] starts a message; else it may be the middle of one */
	bool too_big; /* the message being framed has outgrown message_max */
};

/* Room for at least one read behind data[end]; false when out of memory. The caller moves end. */
bool gs_qmp_input_make_room(struct gs_qmp_input *in);
/* Give the buffer back if nothing is in it. */
/*
 * The same, and fill it by a recvmsg() from @socket, also with a descriptor, which takes the place
 * of *fd: that is -1, or is closed. Returns what recvmsg() does; -1 with ENOMEM when there is no
 * room.
 */
ssize_t gs_qmp_input_receive(struct gs_qmp_input *in, int socket, int flags, int *fd);
void gs_qmp_input_release(struct gs_qmp_input *in);
/* Look for the next message in what is there; the answer stays until it is taken. */
enum gs_qmp_found gs_qmp_input_scan(struct gs_qmp_input *in);
/* Use up what was found: the parsed object, or PROTOCOL. */
GS_MUST_CHECK struct gs_error *gs_qmp_input_take(struct gs_qmp_input *in, struct gs_json **ret);
void gs_qmp_input_deinit(struct gs_qmp_input *in);

#endif
