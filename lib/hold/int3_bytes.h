/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breakpoint instructions in the text of a process: put in, and taken out again by whoever is left:
 * its tracer, the guardian, or a repair long after.
 *
 * Texts are read and written through /proc/PID/mem, for which nobody has to stop. What is written
 * to a private mapping is the process's own; the file stays as it is.
 */
#ifndef HOLD_INT3_BYTES_H
#define HOLD_INT3_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/error.h>

#define GS_INT3_CODE_SIZE 16 /* bytes; an instruction has 15 at most */
#define GS_INT3_BYTES_MAX 32

struct gs_int3_byte {
	uint64_t address;
	/* What was there before; the first byte is the one that is patched. */
	uint8_t code[GS_INT3_CODE_SIZE];
	size_t code_size; /* less at the end of what is mapped */
};

/*
 * All that were ever put in. Good in memory that the guardian shares: one is counted before it is
 * in the text, and stays when it is out again.
 */
struct gs_int3_bytes {
	size_t count;
	struct gs_int3_byte bytes[GS_INT3_BYTES_MAX];
};

/* NULL: none was. */
const struct gs_int3_byte *gs_int3_find(const struct gs_int3_bytes *bytes, uint64_t address);
/*
 * What is at @address, for one that is to be put in. BUSY: a breakpoint instruction, of somebody
 * else. NODATA: no memory. UNSUPPORTED: this machine's breakpoints are not known here.
 */
GS_MUST_CHECK struct gs_error *gs_int3_look(int mem_fd, const struct gs_int3_bytes *bytes,
					    uint64_t address, struct gs_int3_byte *ret);
/* UNSUPPORTED: the kernel does not let us. */
GS_MUST_CHECK struct gs_error *gs_int3_put(int mem_fd, const struct gs_int3_byte *byte);
/* Whether the code that it belongs to is still there; if it is in, or not. */
bool gs_int3_is_there(int mem_fd, const struct gs_int3_byte *byte);
/*
 * Whether it was in, and is out now. What is not exactly as we have left it is not ours any more,
 * but something that was mapped there since, or nothing.
 */
bool gs_int3_take_out(int mem_fd, const struct gs_int3_byte *byte);
/* All of them; how many were in. */
size_t gs_int3_take_all_out(int mem_fd, const struct gs_int3_bytes *bytes);

#endif
