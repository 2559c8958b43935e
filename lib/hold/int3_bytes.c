/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A byte of text, and how to know that it is the one that was meant. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "int3_bytes.h"

#if defined(__x86_64__)
#define IS_KNOWN true
#else
#define IS_KNOWN false /* aarch64's is four bytes, and leaves the program counter on it */
#endif
#define BREAKPOINT 0xcc

const struct gs_int3_byte *gs_int3_find(const struct gs_int3_bytes *bytes, uint64_t address)
{
	for (size_t i = 0; i < bytes->count; i++) {
		if (bytes->bytes[i].address == address)
			return &bytes->bytes[i];
	}
	return NULL;
}

/* Addresses are offsets; those of the kernel, negative ones, lead nowhere. */
static size_t read_code(int mem_fd, uint64_t address, uint8_t code[GS_INT3_CODE_SIZE])
{
	ssize_t size = pread(mem_fd, code, GS_INT3_CODE_SIZE, (off_t)address);

	return size > 0 ? (size_t)size : 0;
}

struct gs_error *gs_int3_look(int mem_fd, const struct gs_int3_bytes *bytes, uint64_t address,
			      struct gs_int3_byte *ret)
{
	struct gs_int3_byte byte = {.address = address};

	if (!IS_KNOWN)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "int3: only known of x86-64; --mechanism perf is for all");
	byte.code_size = read_code(mem_fd, address, byte.code);
	if (byte.code_size == 0)
		return gs_error_create(GS_ERROR_NODATA, "there is no code at 0x%" PRIx64, address);
	if (byte.code[0] == BREAKPOINT)
		return gs_error_create(GS_ERROR_BUSY,
				       "there is a breakpoint at 0x%" PRIx64
				       " already: a debugger's, or the program's own",
				       address);
	for (size_t i = 0; i < bytes->count; i++) { /* near ones, which are in it */
		uint64_t distance = bytes->bytes[i].address - address;

		if (distance < byte.code_size)
			byte.code[distance] = bytes->bytes[i].code[0];
	}
	*ret = byte;
	return NULL;
}

struct gs_error *gs_int3_put(int mem_fd, const struct gs_int3_byte *byte)
{
	const uint8_t breakpoint = BREAKPOINT;

	if (pwrite(mem_fd, &breakpoint, 1, (off_t)byte->address) == 1)
		return NULL;
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "int3: the kernel does not let us write to code (0x%" PRIx64
			       "): it is mapped shared, or /proc/PID/mem is restricted",
			       byte->address);
}

/* The bytes behind it tell; of those, others of ours may be in. */
static bool is_same_code(int mem_fd, const struct gs_int3_byte *byte, uint8_t *first_ret)
{
	uint8_t now[GS_INT3_CODE_SIZE];

	if (read_code(mem_fd, byte->address, now) < byte->code_size)
		return false;
	for (size_t i = 1; i < byte->code_size; i++) {
		if (now[i] != byte->code[i] && now[i] != BREAKPOINT)
			return false;
	}
	*first_ret = now[0];
	return true;
}

bool gs_int3_is_there(int mem_fd, const struct gs_int3_byte *byte)
{
	uint8_t first;

	return is_same_code(mem_fd, byte, &first);
}

bool gs_int3_take_out(int mem_fd, const struct gs_int3_byte *byte)
{
	uint8_t first;

	return is_same_code(mem_fd, byte, &first) && first == BREAKPOINT &&
	       pwrite(mem_fd, byte->code, 1, (off_t)byte->address) == 1;
}

size_t gs_int3_take_all_out(int mem_fd, const struct gs_int3_bytes *bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes->count; i++)
		count += gs_int3_take_out(mem_fd, &bytes->bytes[i]);
	return count;
}
