/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What strings name is not in the schema, but in the habits of QEMU's commands: a table. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "schema_names.h"

/*
 * Patterns of a command and its member; the first row that matches counts. Commands that make
 * something give it a new name: there is nothing to offer then.
 */
static const struct {
	const char *command, *member;
	enum gs_schema_names kind;
} rows[] = {
	{"device_add", "driver", GS_SCHEMA_NAMES_DEVICE_TYPE},
	{"device_add", "drive", GS_SCHEMA_NAMES_BLOCK},
	{"device_add", "memdev|rng", GS_SCHEMA_NAMES_OBJECT},
	{"device-list-properties", "typename", GS_SCHEMA_NAMES_DEVICE_TYPE},
	{"device_del|device-sync-config", "id", GS_SCHEMA_NAMES_DEVICE},
	{"set_link", "name", GS_SCHEMA_NAMES_DEVICE},
	{"object-del", "id", GS_SCHEMA_NAMES_OBJECT},
	{"*-add|*_add", "id", GS_SCHEMA_NAMES_NONE},
	{"blockdev-add", "node-name", GS_SCHEMA_NAMES_NONE},
	{"*", "job-id|filter-node-name|snapshot-node-name", GS_SCHEMA_NAMES_NONE},
	{"job-*|block-job-*", "id|device", GS_SCHEMA_NAMES_JOB},
	{"chardev-*", "id", GS_SCHEMA_NAMES_CHARDEV},
	{"ringbuf-*", "device", GS_SCHEMA_NAMES_CHARDEV},
	{"block-export-*", "id", GS_SCHEMA_NAMES_EXPORT},
	{"nbd-server-remove", "name", GS_SCHEMA_NAMES_EXPORT},
	{"qom-*", "path", GS_SCHEMA_NAMES_QOM_PATH},
	{"*", "qom-path", GS_SCHEMA_NAMES_QOM_PATH},
	{"eject|blockdev-*|block_*|block-*", "id", GS_SCHEMA_NAMES_DRIVE},
	{"*", "iothread", GS_SCHEMA_NAMES_IOTHREAD},
	{"*", "chardev", GS_SCHEMA_NAMES_CHARDEV},
	{"*", "node-name|node|*-node|overlay|base-node", GS_SCHEMA_NAMES_NODE},
	{"blockdev-*", "file|backing|data-file|raw|image|test|target", GS_SCHEMA_NAMES_NODE},
	{"x-blockdev-change", "parent|child", GS_SCHEMA_NAMES_NODE},
	{"*", "device", GS_SCHEMA_NAMES_BLOCK},
};

/* Whether one of @patterns, parted by '|', matches. */
static bool matches(const char *patterns, const char *word)
{
	char pattern[64];

	while (*patterns) {
		size_t size = strcspn(patterns, "|");

		if (size < sizeof(pattern)) {
			memcpy(pattern, patterns, size);
			pattern[size] = '\0';
			if (fnmatch(pattern, word, 0) == 0)
				return true;
		}
		patterns += size + (patterns[size] == '|');
	}
	return false;
}

enum gs_schema_names gs_schema_names_kind(const char *command, const char *member)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (matches(rows[i].command, command) && matches(rows[i].member, member))
			return rows[i].kind;
	return GS_SCHEMA_NAMES_NONE;
}

/* ---- sets of words ---- */

void gs_schema_candidates_deinit(struct gs_schema_candidates *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->words[i]);
	free(c->words);
	*c = (struct gs_schema_candidates){0};
}

bool gs_schema_candidates_add(struct gs_schema_candidates *c, const char *prefix, const char *word)
{
	char **words;

	if (strncmp(word, prefix, strlen(prefix)) != 0)
		return true;
	words = reallocarray(c->words, c->count + 1, sizeof(*words));
	if (!words)
		return false;
	c->words = words;
	words[c->count] = strdup(word);
	return words[c->count] ? ++c->count : false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void gs_schema_candidates_sort(struct gs_schema_candidates *c)
{
	size_t kept = 0;

	if (c->count)
		qsort(c->words, c->count, sizeof(*c->words), compare);
	for (size_t i = 0; i < c->count; i++) {
		if (kept && strcmp(c->words[i], c->words[kept - 1]) == 0)
			free(c->words[i]);
		else
			c->words[kept++] = c->words[i];
	}
	c->count = kept;
}
