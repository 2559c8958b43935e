/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that come from no terminal: one after the other, each when the one before has its reply. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shell.h"

#define LINE_MAX_BYTES (16u << 20) /* QEMU would take minutes to read it */

static struct gs_error *read_more(struct gs_text *buffer, bool *ended)
{
	char chunk[65536];
	ssize_t size = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (size < 0 && errno != EINTR && errno != EAGAIN)
		return gs_error_os(errno, "stdin");
	if (size > 0)
		gs_text_append(buffer, chunk, (size_t)size);
	*ended = size == 0;
	if (buffer->failed)
		return gs_error_nomem();
	if (buffer->size > LINE_MAX_BYTES)
		return gs_error_create(GS_ERROR_INVALID, "stdin: a line of more than %u MiB",
				       LINE_MAX_BYTES >> 20);
	return NULL;
}

/* Run the whole lines in @buffer, and at the end also one without a line feed. */
static void run_lines(struct shell *s, struct gs_text *buffer, bool ended)
{
	size_t at = 0;

	while (!s->is_over && at < buffer->size) {
		char *line = buffer->data + at;
		char *end = memchr(line, '\n', buffer->size - at);

		if (!end && !ended)
			break;
		end = end ? end : buffer->data + buffer->size;
		*end = '\0';
		s->line_number++;
		shell_enter(s, line);
		at = (size_t)(end - buffer->data) + 1;
	}
	if (!at)
		return;
	at = at < buffer->size ? at : buffer->size;
	memmove(buffer->data, buffer->data + at, buffer->size - at);
	buffer->size -= at;
}

struct gs_error *shell_run_batch(struct shell *s)
{
	gs_autotext struct gs_text buffer = {0};
	bool ended = false;

	while (!s->is_over && !ended) {
		bool more = shell_incoming(s);
		struct gs_error *err = NULL;

		if (!s->is_over && shell_poll(s, true, more ? 0 : -1))
			err = read_more(&buffer, &ended);
		if (err)
			return err;
		run_lines(s, &buffer, ended);
		if (ferror(stdout))
			return NULL;
	}
	if (ended && shell_input_drop(&s->input))
		return gs_error_create(GS_ERROR_INVALID,
				       "stdin ends within a command, which was not sent");
	return NULL;
}
