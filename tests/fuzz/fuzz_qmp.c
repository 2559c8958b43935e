/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP: whatever a peer says, the session comes to an end, and to the same one whether the bytes
 * came in one piece or in many.
 *
 * The first byte of an input says how: bit 0, the rest starts in the middle of a message; the other
 * bits, the size of the pieces. Three commands, "gs-fuzz-1" to "gs-fuzz-3", are in flight; a
 * recovery would ask "gs-fuzz-4".
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "../../lib/qmp/session.h"

#define COMMANDS 3
#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct gs_qmp_options options = {.message_max = 4096};

/* A session with commands in flight; *peer_ret is the other end. */
static struct gs_qmp *start(bool aligned, int *peer_ret)
{
	struct gs_qmp *qmp = NULL;
	int pair[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	assert(!gs_qmp_session_over(pair[0], aligned, "fuzz", &options, &qmp));
	strcpy(qmp->id_prefix, "gs-fuzz-");
	qmp->negotiated = true;
	for (int i = 0; i < COMMANDS; i++) {
		uint64_t id;

		assert(!gs_qmp_send(qmp, "x", NULL, &id));
		assert(id == (uint64_t)i + 1);
	}
	*peer_ret = pair[1];
	return qmp;
}

static void pump_all(struct gs_qmp *qmp)
{
	struct gs_error *err = NULL;

	while (!err && !qmp->ended)
		err = gs_qmp_pump(qmp, 0);
	assert(!err || err->code == GS_ERROR_TIMEOUT);
	gs_error_destroy(err);
}

/* How each command ended and which events came, one a line. */
static void write_down(struct gs_qmp *qmp, struct gs_text *ret)
{
	struct gs_qmp_event event;
	struct gs_error *err;

	for (uint64_t id = 1; id <= COMMANDS; id++) {
		gs_autojson struct gs_json *reply = NULL;
		gs_autofree char *text = NULL;

		err = gs_qmp_await(qmp, id, GS_NO_DEADLINE, &reply);
		assert(!err == !!reply);
		text = reply ? gs_json_print(reply, GS_JSON_COMPACT) : NULL;
		gs_text_printf(ret, "%s\n", err ? gs_error_code_name(err->code) : text);
		gs_error_destroy(err);
	}
	while (!(err = gs_qmp_next_event(qmp, GS_NO_DEADLINE, &event))) {
		gs_text_printf(ret, "%s %d\n", event.name, event.synthetic);
		gs_qmp_event_deinit(&event);
	}
	assert(err->code == GS_ERROR_GONE);
	gs_error_destroy(err);
}

static void run(const uint8_t *data, size_t size, bool aligned, size_t piece, struct gs_text *ret)
{
	int peer;
	struct gs_qmp *qmp = start(aligned, &peer);

	while (size) {
		size_t part = size < piece ? size : piece;

		assert(send(peer, data, part, MSG_NOSIGNAL) == (ssize_t)part);
		pump_all(qmp);
		data += part;
		size -= part;
	}
	shutdown(peer, SHUT_WR);
	pump_all(qmp);
	assert(qmp->ended);
	write_down(qmp, ret);
	gs_qmp_close(qmp);
	close(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gs_autotext struct gs_text whole = {0}, pieces = {0};
	bool aligned;

	if (size == 0)
		return 0;
	aligned = !(data[0] & 1);
	if (size > INPUT_MAX)
		size = INPUT_MAX;
	run(data + 1, size - 1, aligned, INPUT_MAX, &whole);
	run(data + 1, size - 1, aligned, (size_t)(data[0] >> 1) + 1, &pieces);
	assert(!whole.failed && !pieces.failed);
	if (strcmp(whole.data, pieces.data) != 0)
		fprintf(stderr, "in one piece:\n%sin many:\n%s", whole.data, pieces.data);
	assert(strcmp(whole.data, pieces.data) == 0);
	return 0;
}
