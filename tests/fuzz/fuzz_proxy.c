/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A proxy's client: whatever it says, each of its lines is answered by one of ours, with its own
 * id; what would reach the monitor is a command that the client could give; and all that is the
 * same whether its bytes came in one piece or in many.
 *
 * The first byte of an input says how: bit 0, whether commands fail; the other bits, the size of
 * the pieces.
 */
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "../../lib/qmp/proxy.h"

#define INPUT_MAX 65536
#define REQUEST_MAX 4096
#define PREFIX "gs-fuzz-"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What comes out at the client's end. */
static void drain(int peer, struct gs_text *ret)
{
	char data[4096];
	ssize_t size;

	while ((size = recv(peer, data, sizeof(data), MSG_DONTWAIT)) > 0)
		gs_text_append(ret, data, (size_t)size);
}

/* The reply of a monitor that speaks of all it was told. */
static struct gs_json *make_reply(const struct gs_json *message, bool fails)
{
	struct gs_json *reply = gs_json_new_object(), *error = gs_json_new_object();
	gs_autofree char *text = gs_json_print(message, GS_JSON_COMPACT);

	gs_json_set(reply, "id", gs_json_new_string("ours"));
	if (!fails) {
		gs_json_destroy(error);
		gs_json_set(reply, "return", gs_json_copy(message));
		return reply;
	}
	gs_json_set(error, "class", gs_json_new_string("GenericError"));
	gs_json_set(error, "desc", gs_json_new_string(text));
	gs_json_set(reply, "error", error);
	return reply;
}

static void check_forwarded(const struct gs_proxy_client *c)
{
	const struct gs_proxy_request *r = &c->request;
	const char *command = gs_json_string(gs_json_get(r->message, "execute"));

	assert(c->negotiated);
	assert(gs_json_type(r->message) == GS_JSON_OBJECT);
	assert(!gs_json_get(r->message, "id"));
	assert(!command ||
	       (strcmp(command, "quit") != 0 && strcmp(command, "qmp_capabilities") != 0));
	assert(r->fd < 0);
}

static void serve(struct gs_proxy_client *c, bool fails, int peer, struct gs_text *ret)
{
	for (;;) {
		while (gs_proxy_client_has_unsent(c)) {
			drain(peer, ret);
			gs_proxy_client_move(c, POLLOUT);
		}
		if (!gs_proxy_client_is_ready(c))
			break;
		gs_proxy_request_take(c, false);
		if (c->has_request) {
			check_forwarded(c);
			gs_proxy_request_finish(c, make_reply(c->request.message, fails), NULL);
		}
	}
	assert(!c->leaving);
	drain(peer, ret);
}

static struct gs_proxy_client *start(int *peer_ret)
{
	struct gs_proxy_client *c = NULL;
	int pair[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	assert(!gs_proxy_client_create(pair[0], 1, REQUEST_MAX, &c));
	strcpy(c->names.prefix, PREFIX);
	c->names.held = gs_json_new_object();
	assert(gs_json_set(c->names.held, "own", gs_json_new_null()));
	*peer_ret = pair[1];
	return c;
}

static void run(const uint8_t *data, size_t size, bool fails, size_t piece, struct gs_text *ret)
{
	int peer;
	struct gs_proxy_client *c = start(&peer);

	while (size) {
		size_t part = size < piece ? size : piece;

		assert(send(peer, data, part, MSG_NOSIGNAL) == (ssize_t)part);
		for (size_t taken = 0; taken < part;) {
			size_t before = c->input.end - c->input.begin;

			gs_proxy_client_move(c, POLLIN);
			assert(c->input.end - c->input.begin > before);
			taken += c->input.end - c->input.begin - before;
			serve(c, fails, peer, ret);
		}
		data += part;
		size -= part;
	}
	shutdown(peer, SHUT_WR);
	gs_proxy_client_move(c, POLLIN);
	assert(gs_proxy_client_is_over(c));
	gs_proxy_client_destroy(c);
	close(peer);
}

/* Each line of ours is a reply. A command that works lets go of names, so only errors are looked
 * through for QEMU's. */
static void check_replies(const char *text, bool fails)
{
	while (*text) {
		size_t size = strcspn(text, "\r");
		gs_autojson struct gs_json *reply = NULL;

		assert(!gs_json_parse(text, size, &reply));
		assert(!gs_json_get(reply, "return") != !gs_json_get(reply, "error"));
		assert(!fails || !memmem(text, size, PREFIX "own", strlen(PREFIX "own")));
		assert(strncmp(text + size, "\r\n", 2) == 0);
		text += size + 2;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gs_autotext struct gs_text whole = {0}, pieces = {0};
	bool fails;

	if (size == 0)
		return 0;
	fails = data[0] & 1;
	if (size > INPUT_MAX)
		size = INPUT_MAX;
	gs_text_puts(&whole, "");
	gs_text_puts(&pieces, "");
	run(data + 1, size - 1, fails, INPUT_MAX, &whole);
	run(data + 1, size - 1, fails, (size_t)(data[0] >> 1) + 1, &pieces);
	assert(!whole.failed && !pieces.failed);
	if (strcmp(whole.data, pieces.data) != 0)
		fprintf(stderr, "in one piece:\n%sin many:\n%s", whole.data, pieces.data);
	assert(strcmp(whole.data, pieces.data) == 0);
	check_replies(whole.data, fails);
	return 0;
}
