/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands in a journal of breakpoints, and code that is done in registers: both may be
 * anything. Code that is none of what is known changes nothing; what is, is no longer than an
 * instruction.
 */
#include <assert.h>
#include <string.h>

#include "../../lib/hold/int3_journal.h"
#include "../../lib/hold/int3_step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define START 0x1000

static bool read_memory(void *arg, uint64_t address, void *to, size_t size)
{
	(void)arg;
	memset(to, (int)(address & 0xff), size);
	return address & 1;
}

static void step(const uint8_t *data, size_t size)
{
	const struct gs_int3_memory memory = {read_memory, NULL};
	uint8_t code[GS_INT3_CODE_SIZE] = {0};
	struct gs_thread_registers before, after;
	struct gs_int3_store store;
	uint64_t moved;

	memset(&before, (int)size, sizeof(before));
	memcpy(code, data, size < sizeof(code) ? size : sizeof(code));
	gs_thread_registers_set_pc(&before, START);
	after = before;
	if (!gs_int3_step(code, &memory, &after, &store)) {
		assert(memcmp(&before, &after, sizeof(after)) == 0 && store.size == 0);
		return;
	}
	moved = gs_thread_registers_pc(&after) - START;
	assert(moved >= 1 && moved < GS_INT3_CODE_SIZE && store.size <= sizeof(store.value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gs_int3_journal journal;
	gs_autoerror struct gs_error *err =
		gs_int3_journal_parse((const char *)data, size, &journal);

	step(data, size);
	if (err) {
		assert(err->code == GS_ERROR_CORRUPT);
		return 0;
	}
	assert(journal.process.pid > 0 && journal.bytes.count <= GS_INT3_BYTES_MAX);
	for (size_t i = 0; i < journal.bytes.count; i++) {
		size_t code_size = journal.bytes.bytes[i].code_size;

		assert(code_size >= 1 && code_size <= GS_INT3_CODE_SIZE);
		assert(journal.mappings[i].module);
	}
	gs_int3_journal_deinit(&journal);
	return 0;
}
