/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where breakpoint instructions are, written down before they are put in: for repair when nobody is
 * left who could take them out.
 *
 *	DIR/4711.int3  {"pid": 4711, "start": 88123, "keeper": {"pid": 4700, "start": 88001},
 *	                "breakpoints": [{"address": "0x55d0c1e5a139", "code": "554889e5...",
 *	                "module": "/usr/bin/qemu...", "device": "fe:00", "inode": 1234,
 *	                "offset": "0x1139"}, ...]}
 */
#ifndef HOLD_INT3_JOURNAL_H
#define HOLD_INT3_JOURNAL_H

#include <guestscope/base/cleanup.h>
#include <guestscope/hold/proc.h>

#include "int3_bytes.h"

/* What is mapped at an address. */
struct gs_int3_mapping {
	char device[16]; /* as /proc/PID/maps has it */
	uint64_t inode;  /* 0: no file */
	uint64_t offset; /* of that address in the file */
	char *module;    /* "" if it has no name */
	bool is_code;
};
/* NODATA: nothing is. */
GS_MUST_CHECK struct gs_error *gs_int3_mapping_find(pid_t pid, uint64_t address,
						    struct gs_int3_mapping *ret);
void gs_int3_mapping_deinit(struct gs_int3_mapping *mapping);
bool gs_int3_mapping_equal(const struct gs_int3_mapping *a, const struct gs_int3_mapping *b);

struct gs_int3_journal {
	struct gs_proc_id process, keeper;
	struct gs_int3_bytes bytes;
	struct gs_int3_mapping mappings[GS_INT3_BYTES_MAX]; /* of each */
};
void gs_int3_journal_deinit(struct gs_int3_journal *journal);

/* DIR/PID.int3; the caller frees. NULL: out of memory. */
char *gs_int3_journal_path(const char *dir, pid_t pid);
/* Beside, synced and renamed. */
GS_MUST_CHECK struct gs_error *gs_int3_journal_write(const char *dir,
						     const struct gs_int3_journal *journal);
void gs_int3_journal_remove(const char *dir, pid_t pid);
/* CORRUPT names the file and what is wrong in it. */
GS_MUST_CHECK struct gs_error *gs_int3_journal_read(const char *path, struct gs_int3_journal *ret);
/* The text of a journal, which may be anything. */
GS_MUST_CHECK struct gs_error *gs_int3_journal_parse(const char *text, size_t size,
						     struct gs_int3_journal *ret);

/* Those that are in, in the same file, are taken out; how many. The process is known to be it. */
size_t gs_int3_journal_mend(const struct gs_int3_journal *journal, int mem_fd);

#endif
