/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of symbols, ELF or System.map, that may be anything. What is found at an address is at or
 * below it, and is found by its name too.
 */
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/symbols.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct gs_symbols *symbols, uint64_t address)
{
	struct gs_symbol at, named;

	if (!gs_symbols_at(symbols, address, &at))
		return;
	assert(address - at.address < 1 << 20);
	assert(gs_symbols_find(symbols, at.name, &named));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GS_CLEANUP(gs_symbols_destroy) struct gs_symbols *symbols = NULL;
	gs_autoclose int fd = memfd_create("fuzz", MFD_CLOEXEC);
	gs_autoerror struct gs_error *err = NULL, *id_err = NULL;
	struct gs_build_id id = {0};
	char path[32];

	assert(fd >= 0 && gs_write_full(fd, data, size) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	id_err = gs_build_id_of_file(path, &id);
	assert(id_err || (id.size && id.size <= GS_BUILD_ID_MAX));
	err = gs_symbols_open(path, &symbols);
	if (err)
		return 0;
	for (int moved = 0; moved < 2; moved++) {
		gs_symbols_set_offset(symbols, moved ? UINT64_MAX / 3 : 0);
		ask(symbols, 0);
		ask(symbols, 0x1040);
		ask(symbols, UINT64_C(0xffffffff81000018) + (moved ? UINT64_MAX / 3 : 0));
		ask(symbols, UINT64_MAX);
	}
	return 0;
}
