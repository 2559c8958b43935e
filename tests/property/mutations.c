// SPDX-License-Identifier: GPL-2.0-or-later
/* Read the table: of each change a line "name: FORWARD BACKWARD", and two of descriptions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutations.h"

/* Lines of the table that are neither empty nor remarks, without the space around. */
struct table {
	FILE *file;
	const char *path;
	unsigned int number;
	char line[512];
};

static void bad_line(const struct table *table)
{
	fprintf(stderr, "%s:%u: what is \"%s\"?\n", table->path, table->number, table->line);
	exit(2);
}

static bool read_line(struct table *table)
{
	char *start;

	while (fgets(table->line, sizeof(table->line), table->file)) {
		table->number++;
		start = table->line + strspn(table->line, " \t\n");
		start[strcspn(start, "\n")] = '\0';
		if (*start && *start != '#') {
			memmove(table->line, start, strlen(start) + 1);
			return true;
		}
	}
	return false;
}

static enum gs_verdict verdict_by_name(const struct table *table, const char *name)
{
	for (int v = 0; v < GS_VERDICT_COUNT; v++) {
		if (strcmp(name, gs_verdict_name((enum gs_verdict)v)) == 0)
			return (enum gs_verdict)v;
	}
	bad_line(table);
	return GS_VERDICT_COUNT;
}

static void read_head(struct table *table, struct mutation *ret)
{
	char verdicts[2][16];

	if (sscanf(table->line, "%99[^:]: %15s %15s", ret->name, verdicts[0], verdicts[1]) != 3)
		bad_line(table);
	ret->expected[GS_CHECK_FORWARD] = verdict_by_name(table, verdicts[0]);
	ret->expected[GS_CHECK_BACKWARD] = verdict_by_name(table, verdicts[1]);
}

static struct export read_export(struct table *table)
{
	if (!read_line(table))
		bad_line(table);
	return export_parse(table->line);
}

size_t mutations_read(const char *path, struct mutation mutations[MUTATIONS_MAX])
{
	struct table table = {.file = fopen(path, "re"), .path = path};
	size_t count = 0;

	if (!table.file) {
		perror(path);
		exit(2);
	}
	for (; count < MUTATIONS_MAX && read_line(&table); count++) {
		read_head(&table, &mutations[count]);
		mutations[count].before = read_export(&table);
		mutations[count].after = read_export(&table);
	}
	fclose(table.file);
	return count;
}
