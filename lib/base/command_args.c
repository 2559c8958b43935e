/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a running command asks of its command line. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command_args.h"

/* Of $COLUMNS: what else stands there was not meant. */
#define COLUMNS_MIN 20
#define COLUMNS_MAX 1000
#define COLUMNS_DEFAULT 80

bool gs_args_has(const struct gs_args *args, const char *option)
{
	for (size_t i = 0; i < args->given_count; i++) {
		if (strcmp(args->given[i].option->name, option) == 0)
			return true;
	}
	return false;
}

const char *gs_args_get(const struct gs_args *args, const char *option)
{
	const char *value = NULL;

	for (size_t i = 0; i < args->given_count; i++) {
		if (strcmp(args->given[i].option->name, option) == 0)
			value = args->given[i].value;
	}
	return value;
}

const char *gs_args_get_nth(const struct gs_args *args, const char *option, size_t i)
{
	for (size_t j = 0; j < args->given_count; j++) {
		if (strcmp(args->given[j].option->name, option) == 0 && i-- == 0)
			return args->given[j].value;
	}
	return NULL;
}

static bool is_own(const struct gs_args *args, const struct gs_option *option)
{
	const struct gs_option *own = args->command->options;

	while (own && own->name && own != option)
		own++;
	return own && own->name;
}

static bool is_among(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

const char *gs_args_besides(const struct gs_args *args, const char *const *these)
{
	for (size_t i = 0; i < args->given_count; i++) {
		const struct gs_option *option = args->given[i].option;

		if (is_own(args, option) && !is_among(option->name, these))
			return option->name;
	}
	return NULL;
}

/* The value of @option as @parse reads it. */
static struct gs_error *parse_value(const struct gs_args *args, const char *option,
				    struct gs_error *(*parse)(const char *, uint64_t *),
				    uint64_t fallback, uint64_t *ret)
{
	const char *value = gs_args_get(args, option);

	if (value)
		return gs_error_wrap(parse(value, ret), "--%s", option);
	*ret = fallback;
	return NULL;
}

struct gs_error *gs_args_u64(const struct gs_args *args, const char *option, uint64_t fallback,
			     uint64_t *ret)
{
	return parse_value(args, option, gs_parse_u64, fallback, ret);
}

struct gs_error *gs_args_size(const struct gs_args *args, const char *option, uint64_t fallback,
			      uint64_t *bytes_ret)
{
	return parse_value(args, option, gs_parse_size, fallback, bytes_ret);
}

struct gs_error *gs_args_duration(const struct gs_args *args, const char *option,
				  uint64_t fallback_ms, uint64_t *ms_ret)
{
	return parse_value(args, option, gs_parse_duration, fallback_ms, ms_ret);
}

size_t gs_args_count(const struct gs_args *args)
{
	return args->positional_count;
}

const char *gs_args_at(const struct gs_args *args, size_t i)
{
	return i < args->positional_count ? args->positional[i] : NULL;
}

const char *const *gs_args_all(const struct gs_args *args)
{
	return (const char *const *)args->positional;
}

const char *gs_args_guest(const struct gs_args *args)
{
	const char *guest = gs_args_get(args, "guest");

	if (!guest)
		guest = getenv("GUESTSCOPE_GUEST");
	return guest && *guest ? guest : NULL;
}

const char *gs_args_guest_nth(const struct gs_args *args, size_t i)
{
	if (!gs_args_get_nth(args, "guest", 1))
		return i ? NULL : gs_args_guest(args);
	return gs_args_get_nth(args, "guest", i);
}

const char *gs_args_connect(const struct gs_args *args)
{
	return gs_args_get(args, "connect");
}

const char *const *gs_args_rest(const struct gs_args *args)
{
	return args->rest;
}

bool gs_args_quiet(const struct gs_args *args)
{
	return gs_args_has(args, "quiet");
}

int gs_args_verbose(const struct gs_args *args)
{
	int count = 0;

	for (size_t i = 0; i < args->given_count; i++)
		count += strcmp(args->given[i].option->name, "verbose") == 0;
	return count;
}

bool gs_args_color(const struct gs_args *args)
{
	const char *when = gs_args_get(args, "color"), *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	if ((no_color && *no_color) || !term || strcmp(term, "dumb") == 0)
		return false;
	return isatty(STDOUT_FILENO);
}

unsigned int gs_terminal_columns(void)
{
	const char *columns = getenv("COLUMNS");
	gs_autoerror struct gs_error *err = NULL;
	struct winsize size;
	uint64_t width = 0;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	if (columns)
		err = gs_parse_u64(columns, &width);
	return !err && width >= COLUMNS_MIN && width <= COLUMNS_MAX ? (unsigned int)width
								    : COLUMNS_DEFAULT;
}

struct gs_emit *gs_args_emit(const struct gs_args *args, bool stream)
{
	enum gs_emit_format format = GS_EMIT_TEXT;

	if (gs_args_has(args, "json"))
		format = stream ? GS_EMIT_JSONL : GS_EMIT_JSON;
	return gs_emit_create(stdout, format, gs_args_color(args));
}
