/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion: the input is a schema and, after a NUL, a line, whose last byte tells where the
 * cursor is. Candidates go on from what stands before the cursor, each once, in order; a line with
 * one of them put in can be completed again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/schema.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gs_schema *parse(const char *text, size_t size)
{
	gs_autojson struct gs_json *value = NULL;
	struct gs_schema *schema = NULL;

	gs_error_destroy(gs_json_parse(text, size, &value));
	gs_error_destroy(gs_schema_parse(value, &schema));
	return schema;
}

static struct gs_error *names(void *arg, enum gs_schema_names kind, const char *prefix,
			      struct gs_json **ret)
{
	static const char text[] = "[\"a\", \"b c\", \"node\", \"node\", 1]";

	(void)arg;
	(void)kind;
	assert(prefix);
	return gs_json_parse(text, strlen(text), ret);
}

static struct gs_schema_candidates complete(const struct gs_schema *schema, bool is_action,
					    const char *line, size_t cursor)
{
	const struct gs_schema_completer completer = {schema, is_action, names, NULL};
	struct gs_schema_candidates found = {0};
	gs_autoerror struct gs_error *err = gs_schema_complete(&completer, line, cursor, &found);

	assert(!err && found.start <= cursor);
	for (size_t i = 0; i < found.count; i++) {
		const char *word = found.words[i];

		assert(strncmp(word, line + found.start, cursor - found.start) == 0);
		assert(!i || strcmp(found.words[i - 1], word) < 0);
	}
	return found;
}

static void check(const struct gs_schema *schema, bool is_action, const char *line, size_t cursor)
{
	struct gs_schema_candidates found = complete(schema, is_action, line, cursor);

	if (found.count) {
		const char *word = found.words[found.count / 2];
		gs_autofree char *longer =
			gs_strf("%.*s%s%s", (int)found.start, line, word, line + cursor);
		struct gs_schema_candidates more;

		assert(longer);
		more = complete(schema, is_action, longer, found.start + strlen(word));
		gs_schema_candidates_deinit(&more);
	}
	gs_schema_candidates_deinit(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t schema_size = nul ? (size_t)(nul - data) : 0;
	GS_CLEANUP(gs_schema_destroy)
	struct gs_schema *schema = parse((const char *)data, schema_size);
	gs_autofree char *line = NULL;

	if (!schema || size - schema_size < 2)
		return 0;
	line = strndup((const char *)nul + 1, size - schema_size - 2);
	assert(line);
	check(schema, data[size - 1] & 1, line, (data[size - 1] >> 1) % (strlen(line) + 1));
	check(schema, data[size - 1] & 1, line, strlen(line));
	return 0;
}
