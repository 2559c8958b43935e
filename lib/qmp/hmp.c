/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Human monitor commands through QMP, whose failures are prose. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

/* A carriage return before a line feed goes. */
static void strip_returns(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (from[0] != '\r' || from[1] != '\n')
			*to++ = *from;
	*to = '\0';
}

struct gs_error *gs_qmp_hmp(struct gs_qmp *qmp, const char *line, int cpu, char **text_ret)
{
	gs_autojson struct gs_json *arguments = gs_json_new_object(), *reply = NULL;
	bool ok = gs_json_set(arguments, "command-line", gs_json_new_string(line));
	struct gs_error *err;
	char *text;

	if (cpu >= 0)
		ok = gs_json_set(arguments, "cpu-index", gs_json_new_i64(cpu)) && ok;
	if (!ok)
		return gs_error_nomem();
	err = gs_qmp_execute(qmp, "human-monitor-command", gs_take(arguments), 0, &reply);
	if (err)
		return err;
	if (!gs_json_string(reply))
		return gs_error_create(GS_ERROR_PROTOCOL, "%s: human-monitor-command: no text",
				       qmp->name);
	text = strdup(gs_json_string(reply));
	if (!text)
		return gs_error_nomem();
	strip_returns(text);
	*text_ret = text;
	return NULL;
}

/* How lines of failure begin: those that the monitor, QEMU's error objects and commands print. */
static const char *const failures[] = {
	"unknown command:",
	"Error:",
	"Error ",
	"invalid ",
	"Invalid ",
	"unknown ",
	"unexpected end of expression",
	"Cannot access memory",
	"No memory is mapped at address ",
	"Memory at address ",
	"Could not ",
	"Must specify ",
	"Incorrect ",
	"Device '",
	"Path '",
	"Mouse at index '",
	"user mode network stack not in use",
	"replay must be enabled",
	"Try \"help ",
};

static bool line_looks_failed(const char *line, size_t size)
{
	static const char unreadable[] = ": Cannot access memory";
	size_t tail = strlen(unreadable);

	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++)
		if (strlen(failures[i]) <= size &&
		    memcmp(line, failures[i], strlen(failures[i])) == 0)
			return true;
	/* x and xp print an address first, and may have printed some memory before. */
	return size > tail && memcmp(line + size - tail, unreadable, tail) == 0;
}

/* The first and the last line tell; what is between may be the guest's own words. */
bool gs_qmp_hmp_looks_failed(const char *text)
{
	size_t size = strlen(text);
	const char *last;

	while (size && strchr("\r\n", text[size - 1]))
		size--;
	last = memrchr(text, '\n', size);
	last = last ? last + 1 : text;
	return line_looks_failed(text, strcspn(text, "\r\n")) ||
	       line_looks_failed(last, (size_t)(text + size - last));
}
