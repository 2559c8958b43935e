/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the shell shows: values in colour, events in one line, text that cannot drive the terminal.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shell.h"

#define DIM "\033[2m"
#define BOLD "\033[1m"
#define BLUE "\033[34m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

/* Takes what was built. */
static void show(const struct shell *s, struct gs_text *text)
{
	gs_autofree char *line = NULL;
	struct gs_error *err = gs_text_finish(text, &line);

	shell_terminal_hide();
	if (err)
		gs_args_fail(s->args, err);
	else
		fputs(line, stdout);
	fflush(stdout);
	shell_terminal_unhide();
}

/* ---- JSON ---- */

static void put_colored(struct gs_text *to, const char *color, const char *text, size_t size)
{
	gs_text_puts(to, color);
	gs_text_append(to, text, size);
	gs_text_puts(to, PLAIN);
}

/* Of printed JSON, whose strings hold no bare quotes: the length of the one at @text. */
static size_t string_size(const char *text)
{
	size_t size = 1;

	while (text[size] && text[size] != '"')
		size += text[size] == '\\' && text[size + 1] ? 2 : 1;
	return size + (text[size] == '"');
}

/* Names, strings, and what is neither: numbers, true, false, null. */
static void put_json(struct gs_text *to, const char *json)
{
	while (*json) {
		size_t size = 1;

		if (*json == '"') {
			size = string_size(json);
			put_colored(to, json[size] == ':' ? BLUE : GREEN, json, size);
		} else if (isalnum((unsigned char)*json) || *json == '-') {
			size = strcspn(json, ",]} \n");
			put_colored(to, CYAN, json, size);
		} else {
			gs_text_append(to, json, 1);
		}
		json += size;
	}
}

static void append_json(const struct shell *s, struct gs_text *to, const struct gs_json *value,
			enum gs_json_layout layout)
{
	gs_autofree char *json = gs_json_print(value, layout);

	if (!json)
		to->failed = true;
	else if (s->color)
		put_json(to, json);
	else
		gs_text_puts(to, json);
}

void shell_show_value(struct shell *s, const struct gs_json *value)
{
	gs_autotext struct gs_text text = {0};

	append_json(s, &text, value, GS_JSON_PRETTY);
	gs_text_puts(&text, "\n");
	show(s, &text);
}

/* ---- events ---- */

/* The time of day by the clock of QEMU's host; "-" where the event has none. */
static void append_time(struct gs_text *to, const struct gs_qmp_event *event)
{
	const struct gs_json *stamp = gs_json_get(event->message, "timestamp");
	int64_t seconds = -1, micros = -1;
	struct tm tm;
	time_t when;

	gs_json_i64(gs_json_get(stamp, "seconds"), &seconds);
	gs_json_i64(gs_json_get(stamp, "microseconds"), &micros);
	when = seconds;
	if (seconds < 0 || micros < 0 || micros > 999999 || !localtime_r(&when, &tm))
		gs_text_puts(to, "-");
	else
		gs_text_printf(to, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec,
			       (int)(micros / 1000));
}

void shell_show_event(struct shell *s, const struct gs_qmp_event *event)
{
	gs_autotext struct gs_text text = {0};

	gs_text_puts(&text, s->color ? DIM : "");
	append_time(&text, event);
	gs_text_puts(&text, s->color ? PLAIN " " BOLD YELLOW : " ");
	gs_text_puts_printable(&text, event->name);
	gs_text_puts(&text, s->color ? PLAIN : "");
	if (event->data) {
		gs_text_puts(&text, " ");
		append_json(s, &text, event->data, GS_JSON_COMPACT);
	}
	gs_text_puts(&text, event->synthetic ? " (synthetic)\n" : "\n");
	show(s, &text);
}

/* ---- text ---- */

/* Lines and tabs are the text's own; other control characters may be a guest's. */
void shell_show_text(struct shell *s, const char *hmp)
{
	gs_autotext struct gs_text text = {0};

	gs_text_append_printable_lines(&text, hmp, strlen(hmp));
	show(s, &text);
}
