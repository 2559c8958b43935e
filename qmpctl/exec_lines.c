/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec: commands from a file, a line each. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "exec.h"

#define LINE_SIZE_MAX (64u << 20) /* what QEMU takes in one command */

/* Without its end; *more_ret: false at the end of @in. */
static struct gs_error *read_line(FILE *in, struct gs_text *line, bool *more_ret)
{
	int c;

	gs_text_clear(line);
	while ((c = getc(in)) != EOF && c != '\n') {
		char byte = (char)c;

		if (!c)
			return gs_error_create(GS_ERROR_INVALID, "a NUL in a line");
		if (line->size >= LINE_SIZE_MAX)
			return gs_error_create(GS_ERROR_INVALID, "longer than %u bytes",
					       LINE_SIZE_MAX);
		gs_text_append(line, &byte, 1);
	}
	if (ferror(in))
		return gs_error_os(errno, "reading");
	*more_ret = c != EOF || line->size;
	return line->failed ? gs_error_nomem() : NULL;
}

static struct gs_error *parse(const char *line, struct call *ret)
{
	auto_words struct words words = {0};
	struct gs_error *err = words_split(line, &words);

	if (err && err->code == GS_ERROR_NODATA)
		err->code = GS_ERROR_INVALID; /* there is no more to come here */
	return err ? err : call_parse(words_all(&words), words.count, ret);
}

static int run_line(struct exec *exec, const char *line, const char *place)
{
	auto_call struct call call = {0};
	struct gs_error *err = parse(line, &call);

	return err ? exec_fail(exec, err, place) : exec_run(exec, &call, place);
}

static bool is_command(const struct gs_text *line)
{
	size_t blanks = line->size ? strspn(line->data, " \t\r") : 0;

	return blanks < line->size && line->data[blanks] != '#';
}

/* What one command may be told: others can still be right. */
static bool is_about_one(int status)
{
	return status == GS_EXIT_FAILED || status == GS_EXIT_USAGE;
}

int exec_lines(struct exec *exec, FILE *in, const char *name)
{
	bool keeps_going = gs_args_has(exec->args, "keep-going");
	gs_autotext struct gs_text line = {0};
	int status = GS_EXIT_OK, first = GS_EXIT_OK;
	bool more;

	for (uint64_t number = 1;; number++) {
		struct gs_error *err = read_line(in, &line, &more);
		gs_autofree char *place = gs_strf("%s:%" PRIu64, name, number);

		if (err || !place)
			return exec_fail(exec, err ? err : gs_error_nomem(), place);
		if (!more)
			return first;
		if (!is_command(&line))
			continue;
		status = run_line(exec, line.data, place);
		first = first ? first : status;
		if (status && !(keeps_going && is_about_one(status)))
			return status;
	}
}
