/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of a live guest, and the guard under which a guest is stopped. */
#ifndef GUESTSCOPE_GUEST_H
#define GUESTSCOPE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/memory.h>
#include <guestscope/qmp.h>

/*
 * The pause guard. Whatever happens to us (error, any signal, SIGKILL, a closed terminal), a guest
 * that ran runs again and one that was paused stays paused: a guardian process in a session of its
 * own holds the monitor's descriptor and waits for us to end or to release it. When we die it
 * resyncs the monitor, waits out (or sees cancelled) a dump in process, and sends "cont" until the
 * guest runs.
 */
struct gs_pause;

/*
 * Start the guardian, note whether the guest runs, and stop it. *was_running_ret may be NULL. A
 * guest that is found not running is left alone: end() then does nothing. BUSY while somebody
 * else's dump holds the guest. The guardian is a fork that goes on to use the heap, as the common C
 * libraries allow beside threads; begin before pipes are made. @qmp must not be closed before the
 * guard's end. UNSUPPORTED for a session without a descriptor of its own.
 */
GS_MUST_CHECK struct gs_error *gs_pause_begin(struct gs_qmp *qmp, struct gs_pause **ret,
					      bool *was_running_ret);
/*
 * Whether the guest, running or not when it was found, has stood still since begin(). BUSY:
 * somebody else resumed it. Then it is theirs: it is not stopped again, and end() leaves it as it
 * is.
 */
GS_MUST_CHECK struct gs_error *gs_pause_check(struct gs_pause *pause);
/*
 * Resume (if it ran) and dismiss the guardian. Frees @pause. The error is that of "cont"; the
 * guardian then goes on trying over the same connection, so @qmp is good for nothing but closing,
 * and a caller that lives on has a child process to reap one day.
 */
GS_MUST_CHECK struct gs_error *gs_pause_end(struct gs_pause *pause);
/* As end(), for error paths: what cannot be done here is left to the guardian. */
void gs_pause_abandon(struct gs_pause *pause);
GS_DEFINE_CLEANUP(struct gs_pause *, gs_pause_abandon)
/*
 * For another thread than the one that began it, which hangs: the guardian resumes the guest now.
 * The caller sees to it that end() and abandon() come later; they then do not touch the session,
 * which is good for nothing but closing.
 */
void gs_pause_leave(struct gs_pause *pause);
/* Do not resume at the end: the guest is meant to stay as it is (--crash, --reset take over). */
void gs_pause_disarm(struct gs_pause *pause);

/*
 * A live guest as a memory, by ranged dumps through QMP: attributes and ranges from QEMU's own
 * program headers (a dump into a pipe that is closed at once), pages from ranged dumps: a
 * millisecond per read, in which neighbours or a few MiB come along, so this is meant for page
 * tables and mem_map, not for all memory. The session is borrowed. For consistent answers the guest
 * should be paused; each read stops it for a moment else.
 */
GS_MUST_CHECK struct gs_error *gs_guest_memory_open(struct gs_qmp *qmp, struct gs_memory **ret);

/*
 * A live guest as a memory, read out of QEMU's process by process_vm_readv: at the speed of memory,
 * while QEMU does nothing. Attributes and ranges are QEMU's own, as above; where a range is in
 * QEMU's address space is asked by gpa2hva, and sample pages are compared with what QEMU itself
 * dumps before anything is believed. Opening takes tens of milliseconds.
 *
 * Memory that nobody has touched is known to be ZERO without being read, and stays untouched: by
 * the page tables of private anonymous memory, and by the holes of a shared file. The guest may run
 * or stand still; reads never stop it. The session is borrowed.
 *
 * A QEMU that is being killed for want of memory loses pages while it still is there, and what is
 * gone looks untouched: gs_guest_direct_confirm() has the last word on what was read.
 *   UNSUPPORTED  QEMU is not on this host, the guest is confidential (SEV, TDX), or the samples
 *                differ: what was found
 *   OS           no permission to read the process: what would be needed
 */
GS_MUST_CHECK struct gs_error *gs_guest_direct_open(struct gs_qmp *qmp, struct gs_memory **ret);
/*
 * The guest stands still now: CPU notes are read again, and ranges and addresses must be what they
 * were when the memory was opened; takes milliseconds. mem->attrs are new ones afterwards, and
 * nobody may read meanwhile. BUSY: something changed (a plugged DIMM); open it again.
 */
GS_MUST_CHECK struct gs_error *gs_guest_direct_settle(struct gs_memory *mem);
/* Whether QEMU lives on, so that all that was read until now was there. GONE or LOST: it does not.
 */
GS_MUST_CHECK struct gs_error *gs_guest_direct_confirm(struct gs_memory *mem);
/* QEMU's process if @mem was opened here, else 0. */
pid_t gs_guest_direct_pid(const struct gs_memory *mem);

/* The best that can be had for looking around: direct, else through QMP. */
GS_MUST_CHECK struct gs_error *gs_guest_look_open(struct gs_qmp *qmp, struct gs_memory **ret);

/*
 * Start an ELF dump of all memory into a pipe and hand out the pages of @ranges (borrowed;
 * normalized, within what QEMU calls RAM; NULL: all) as they arrive. The guest must be under a
 * pause guard. Destroying the source before its end closes the pipe, which cancels the dump.
 * TIMEOUT when QEMU is silent for half a minute.
 */
GS_MUST_CHECK struct gs_error *gs_guest_stream_open(struct gs_qmp *qmp,
						    const struct gs_range *ranges,
						    size_t range_count,
						    struct gs_page_source **ret);
/* After the source's end: the verdict of QEMU (DUMP_COMPLETED, reply). */
GS_MUST_CHECK struct gs_error *gs_guest_stream_finish(struct gs_page_source *src);

/*
 * Engine "qemu": QEMU writes @format into our pipe and we splice it to @fd_out. Bytes are counted
 * in *done_bytes as they pass (may be NULL). Our death closes the pipe and so ends the dump.
 */
GS_MUST_CHECK struct gs_error *gs_guest_qemu_dump(struct gs_qmp *qmp, const char *format,
						  int fd_out, _Atomic uint64_t *done_bytes,
						  const _Atomic int *cancelled);

#endif
