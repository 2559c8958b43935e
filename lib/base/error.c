/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error object. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/error.h>

static char nomem_message[] = "out of memory";
static struct gs_error nomem_error = {.code = GS_ERROR_NOMEM, .message = nomem_message};

/*
 * Messages quote names and texts of foreign origin. They are one line and cannot talk to a
 * terminal, whatever was quoted.
 */
static void hide_control_characters(char *message)
{
	for (char *c = message; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

GS_PRINTF(1, 0) static char *format_message(const char *fmt, va_list ap)
{
	char *message;

	if (vasprintf(&message, fmt, ap) < 0)
		return NULL;
	hide_control_characters(message);
	return message;
}

/* Takes @message. */
static struct gs_error *error_new(enum gs_error_code code, int os_errno, char *message)
{
	struct gs_error *err = message ? malloc(sizeof(*err)) : NULL;

	if (!err) {
		free(message);
		return &nomem_error;
	}
	*err = (struct gs_error){.code = code, .os_errno = os_errno, .message = message};
	return err;
}

/* "<prefix>: <rest>"; NULL when out of memory. */
static char *join_message(const char *prefix, const char *rest)
{
	char *joined;

	return asprintf(&joined, "%s: %s", prefix, rest) < 0 ? NULL : joined;
}

struct gs_error *gs_error_create(enum gs_error_code code, const char *fmt, ...)
{
	va_list ap;
	char *message;

	va_start(ap, fmt);
	message = format_message(fmt, ap);
	va_end(ap);
	return error_new(code, 0, message);
}

struct gs_error *gs_error_os(int os_errno, const char *fmt, ...)
{
	va_list ap;
	char *prefix, *message;

	va_start(ap, fmt);
	prefix = format_message(fmt, ap);
	va_end(ap);
	message = prefix ? join_message(prefix, strerror(os_errno)) : NULL;
	free(prefix);
	return error_new(GS_ERROR_OS, os_errno, message);
}

struct gs_error *gs_error_nomem(void)
{
	return &nomem_error;
}

struct gs_error *gs_error_wrap(struct gs_error *err, const char *fmt, ...)
{
	va_list ap;
	char *prefix, *message;

	if (!err || err == &nomem_error)
		return err;
	va_start(ap, fmt);
	prefix = format_message(fmt, ap);
	va_end(ap);
	message = prefix ? join_message(prefix, err->message) : NULL;
	free(prefix);
	if (message) { /* otherwise the shorter message is still a true one */
		free(err->message);
		err->message = message;
	}
	return err;
}

void gs_error_destroy(struct gs_error *err)
{
	if (!err || err == &nomem_error)
		return;
	free(err->message);
	free(err);
}

bool gs_error_is_answer(const struct gs_error *err)
{
	return err->code == GS_ERROR_CORRUPT || err->code == GS_ERROR_UNSUPPORTED ||
	       err->code == GS_ERROR_NODATA;
}

const char *gs_error_code_name(enum gs_error_code code)
{
	static const char *const names[] = {
		[GS_ERROR_OS] = "os",
		[GS_ERROR_NOMEM] = "nomem",
		[GS_ERROR_CORRUPT] = "corrupt",
		[GS_ERROR_UNSUPPORTED] = "unsupported",
		[GS_ERROR_NODATA] = "nodata",
		[GS_ERROR_INVALID] = "invalid",
		[GS_ERROR_PROTOCOL] = "protocol",
		[GS_ERROR_REFUSED] = "refused",
		[GS_ERROR_UNREACHABLE] = "unreachable",
		[GS_ERROR_BUSY] = "busy",
		[GS_ERROR_TIMEOUT] = "timeout",
		[GS_ERROR_LOST] = "lost",
		[GS_ERROR_GONE] = "gone",
	};
	size_t i = (size_t)code;

	return i < sizeof(names) / sizeof(names[0]) && names[i] ? names[i] : "unknown";
}
