/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages are framed by their JSON, not by lines; each byte is looked at once. */
#include "stream_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (64 * 1024)         /* least room for one read, unless told */
#define KEPT_SIZE (1024 * 1024)       /* a buffer above this is given back once it is empty */
#define SAMPLE_SIZE 40                /* bytes of garbage shown in a message */
static const char boundary[] = "\n{"; /* within a message, line ends are indented or escaped */

void gs_qmp_input_release(struct gs_qmp_input *in)
{
	if (in->begin < in->end)
		return;
	free(in->data);
	in->data = NULL;
	in->begin = in->scan = in->end = in->capacity = 0;
}

/* Moves bytes only when at least as many were used, so that all moves together are linear. */
bool gs_qmp_input_make_room(struct gs_qmp_input *in)
{
	size_t read_size = in->read_size ? in->read_size : READ_SIZE;
	size_t capacity;
	char *data;

	if (in->capacity > KEPT_SIZE)
		gs_qmp_input_release(in);
	if (in->begin >= in->end - in->begin && in->begin > 0) {
		memmove(in->data, in->data + in->begin, in->end - in->begin);
		in->end -= in->begin;
		in->scan -= in->begin;
		in->begin = 0;
	}
	if (in->capacity - in->end >= read_size)
		return true;
	capacity = in->capacity ? in->capacity * 2 : read_size;
	data = realloc(in->data, capacity);
	if (!data)
		return false;
	in->data = data;
	in->capacity = capacity;
	return true;
}

/*
 * As from QEMU's own sockets, descriptors that nobody took give way to newer ones, and of several
 * that come at once only the first is kept.
 */
static void take_fds(struct msghdr *message, int *kept)
{
	bool first = true;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (!first) {
				close(fd);
				continue;
			}
			if (*kept >= 0)
				close(*kept);
			*kept = fd;
			first = false;
		}
	}
}

ssize_t gs_qmp_input_receive(struct gs_qmp_input *in, int socket, int flags, int *fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part;
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t size;

	if (!gs_qmp_input_make_room(in)) {
		errno = ENOMEM;
		return -1;
	}
	part = (struct iovec){in->data + in->end, in->capacity - in->end};
	size = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	if (size < 0)
		return size;
	take_fds(&message, fd);
	in->end += (size_t)size;
	return size;
}

void gs_qmp_input_deinit(struct gs_qmp_input *in)
{
	free(in->data);
	*in = (struct gs_qmp_input){0};
}

static void use_up(struct gs_qmp_input *in)
{
	in->begin = in->scan;
}

/* A value goes on at the end of the input: keep its start, unless it is too big already. */
static void scan_on(struct gs_qmp_input *in)
{
	if (!in->framer.started)
		use_up(in);
	if (in->scan - in->begin > in->message_max)
		in->too_big = true;
	if (in->too_big)
		use_up(in);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What a frame that ended at data[scan] is. No message is anything but an object. */
static enum gs_qmp_found classify(struct gs_qmp_input *in)
{
	while (in->begin < in->scan && is_space(in->data[in->begin]))
		in->begin++;
	if (in->too_big || in->scan - in->begin > in->message_max)
		return GS_QMP_TOO_BIG;
	return in->begin < in->scan && in->data[in->begin] == '{' ? GS_QMP_MESSAGE : GS_QMP_GARBAGE;
}

static enum gs_qmp_found scan_aligned(struct gs_qmp_input *in)
{
	size_t used;
	enum gs_json_frame frame =
		gs_json_framer_feed(&in->framer, in->data + in->scan, in->end - in->scan, &used);

	in->scan += used;
	if (frame == GS_JSON_FRAME_DONE)
		return classify(in);
	if (frame == GS_JSON_FRAME_BAD)
		return GS_QMP_GARBAGE;
	scan_on(in);
	return GS_QMP_NOTHING;
}

/* Whether data[begin..scan) is a message from its first byte on. */
static bool is_whole(const struct gs_qmp_input *in)
{
	gs_autojson struct gs_json *value = NULL;
	gs_autoerror struct gs_error *err =
		gs_json_parse(in->data + in->begin, in->scan - in->begin, &value);

	return !err && gs_json_type(value) == GS_JSON_OBJECT;
}

/*
 * Somewhere in a message, maybe at its start. Only a line that opens an object is a sure start;
 * what lies before it counts if it happens to be whole.
 */
static enum gs_qmp_found scan_unaligned(struct gs_qmp_input *in)
{
	size_t from = in->scan > in->begin ? in->scan - 1 : in->scan;
	const char *mark = memmem(in->data + from, in->end - from, boundary, strlen(boundary));

	if (!mark) {
		in->scan = in->end;
		if (in->scan - in->begin > in->message_max)
			in->begin = in->scan - 1;
		return GS_QMP_NOTHING;
	}
	in->scan = (size_t)(mark - in->data) + 1;
	in->aligned = true;
	if (in->scan - in->begin <= in->message_max && is_whole(in))
		return GS_QMP_MESSAGE;
	use_up(in);
	return GS_QMP_NOTHING;
}

enum gs_qmp_found gs_qmp_input_scan(struct gs_qmp_input *in)
{
	while (in->found == GS_QMP_NOTHING && in->scan < in->end)
		in->found = in->aligned ? scan_aligned(in) : scan_unaligned(in);
	return in->found;
}

static struct gs_error *garbage(const struct gs_qmp_input *in)
{
	char sample[SAMPLE_SIZE + 1];
	size_t size = in->end - in->begin;

	if (size > SAMPLE_SIZE)
		size = SAMPLE_SIZE;
	for (size_t i = 0; i < size; i++) {
		char c = in->data[in->begin + i];

		sample[i] = c >= ' ' && c <= '~' ? c : '.';
	}
	sample[size] = '\0';
	return gs_error_create(GS_ERROR_PROTOCOL, "not a QMP message: \"%s\"", sample);
}

static struct gs_error *parse_message(const struct gs_qmp_input *in, struct gs_json **ret)
{
	size_t size = in->scan - in->begin;
	gs_autojson struct gs_json *value = NULL;
	struct gs_error *err = gs_json_parse(in->data + in->begin, size, &value);

	if (err && err->code == GS_ERROR_NOMEM)
		return err;
	if (err) {
		gs_autoerror struct gs_error *cause = err;

		return gs_error_create(GS_ERROR_PROTOCOL, "message of %zu bytes: %s", size,
				       cause->message);
	}
	*ret = gs_take(value);
	return NULL;
}

struct gs_error *gs_qmp_input_take(struct gs_qmp_input *in, struct gs_json **ret)
{
	struct gs_error *err;

	if (in->found == GS_QMP_MESSAGE) {
		err = parse_message(in, ret);
	} else if (in->found == GS_QMP_TOO_BIG) {
		err = gs_error_create(GS_ERROR_PROTOCOL, "message of more than %zu bytes",
				      in->message_max);
	} else {
		err = garbage(in);
		in->aligned = false;
	}
	in->found = GS_QMP_NOTHING;
	in->too_big = false;
	use_up(in);
	return err;
}
