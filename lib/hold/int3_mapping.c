/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc/PID/maps says of one address, and whether it is what a journal means. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "int3_journal.h"

void gs_int3_mapping_deinit(struct gs_int3_mapping *mapping)
{
	free(mapping->module);
	*mapping = (struct gs_int3_mapping){0};
}

bool gs_int3_mapping_equal(const struct gs_int3_mapping *a, const struct gs_int3_mapping *b)
{
	return a->inode == b->inode && a->offset == b->offset && strcmp(a->device, b->device) == 0;
}

/* "55d0c1e59000-55d0c1e5b000 r-xp 00001000 fe:00 1234      /usr/bin/qemu", with its newline. */
static bool parse_line(const char *line, uint64_t address, struct gs_int3_mapping *ret,
		       const char **module_ret)
{
	uint64_t start, end;
	char flags[5];
	int used = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %15s %" SCNu64 " %n", &start,
		   &end, flags, &ret->offset, ret->device, &ret->inode, &used) < 6 ||
	    address < start || address >= end)
		return false;
	ret->offset += address - start;
	ret->is_code = strchr(flags, 'x');
	*module_ret = line + used;
	return true;
}

struct gs_error *gs_int3_mapping_find(pid_t pid, uint64_t address, struct gs_int3_mapping *ret)
{
	struct gs_int3_mapping mapping = {0};
	gs_autofree char *line = NULL;
	const char *module = NULL;
	size_t capacity = 0;
	char path[32];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return gs_error_os(errno, "%s", path);
	while (!module && getline(&line, &capacity, maps) > 0)
		parse_line(line, address, &mapping, &module);
	fclose(maps);
	if (!module)
		return gs_error_create(GS_ERROR_NODATA, "nothing is mapped at 0x%" PRIx64, address);
	mapping.module = strndup(module, strcspn(module, "\n"));
	if (!mapping.module)
		return gs_error_nomem();
	*ret = mapping;
	return NULL;
}

/* ---- the journal's texts ---- */

static bool is_same_file(const struct gs_int3_journal *journal, size_t i)
{
	struct gs_int3_mapping now = {0};
	gs_autoerror struct gs_error *err =
		gs_int3_mapping_find(journal->process.pid, journal->bytes.bytes[i].address, &now);
	bool is_same = !err && gs_int3_mapping_equal(&journal->mappings[i], &now);

	gs_int3_mapping_deinit(&now);
	return is_same;
}

size_t gs_int3_journal_mend(const struct gs_int3_journal *journal, int mem_fd)
{
	size_t count = 0;

	for (size_t i = 0; i < journal->bytes.count; i++)
		count += is_same_file(journal, i) &&
			 gs_int3_take_out(mem_fd, &journal->bytes.bytes[i]);
	return count;
}
