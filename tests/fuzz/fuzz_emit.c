/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emitter as the last guard of the terminal: whatever bytes a string holds, what comes out is
 * UTF-8 without a control character, in lines that only the emitter ended.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/emit.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines of the text below: pair, blank, line, blank, heading, header, row. */
#define TEXT_LINES 7

static void emit(struct gs_emit *e, const char *string)
{
	static const struct gs_emit_column columns[] = {{"a", "A", false}, {"b", "B", true}};

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "pair", "Pair", string);
	gs_emit_line(e, "%s", string);
	gs_emit_table(e, "table", "Table", columns, 2);
	gs_emit_row(e);
	gs_emit_string(e, "a", NULL, string);
	gs_emit_string(e, "b", NULL, string);
	gs_emit_end(e);
	gs_emit_end(e);
}

static char *emitted(const char *string, enum gs_emit_format format)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_emit_create(out, format, false);

	assert(out && e);
	emit(e, string);
	assert(!gs_emit_finish(e));
	fclose(out);
	assert(strlen(text) == size);
	return text;
}

/* As JSON the text of a string must parse, which judges its UTF-8. */
static void check_utf8(const char *text)
{
	size_t size = strlen(text);
	char *quoted = malloc(size + 2);
	gs_autojson struct gs_json *value = NULL;

	assert(quoted);
	quoted[0] = quoted[size + 1] = '"';
	for (size_t i = 0; i < size; i++)
		quoted[i + 1] = strchr("\"\\\n\t", text[i]) ? ' ' : text[i];
	assert(!gs_json_parse(quoted, size + 2, &value));
	free(quoted);
}

static void check_text(const char *text)
{
	int lines = 0;

	for (const uint8_t *c = (const uint8_t *)text; *c; c++) {
		assert(*c >= ' ' || *c == '\n' || *c == '\t');
		assert(*c != 0x7f && !(c[0] == 0xc2 && c[1] < 0xa0));
		lines += *c == '\n';
	}
	assert(lines == TEXT_LINES);
	check_utf8(text);
}

static void check_json(const char *text)
{
	gs_autojson struct gs_json *value = NULL;

	assert(!gs_json_parse(text, strlen(text), &value));
	assert(gs_json_equal(gs_json_get(value, "pair"),
			     gs_json_get(gs_json_at(gs_json_get(value, "table"), 0), "b")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gs_autofree char *string = strndup((const char *)data, size);
	gs_autofree char *text = NULL, *json = NULL;

	assert(string);
	text = emitted(string, GS_EMIT_TEXT);
	check_text(text);
	json = emitted(string, GS_EMIT_JSONL);
	check_json(json);
	return 0;
}
