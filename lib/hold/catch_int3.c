/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mechanism int3: a breakpoint instruction in the text, which all threads share.
 *
 * A thread that executes it gets a SIGTRAP, with the program counter one past. It is set back, and
 * whoever is not kept goes on behind the first instruction, which is done to his registers
 * (int3_step.h): the byte stays in, and nobody else passes unseen. Only an instruction that is not
 * known there is executed by the processor, with the byte out for so long.
 *
 * While somebody is kept at an address, the byte is out there: when we are killed, he goes on from
 * that address.
 */
#include <inttypes.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "catch_int3.h"
#include "int3_step.h"
#include "thread_registers.h"

static struct gs_int3 *int3_of(const struct gs_catcher *catcher)
{
	return catcher->points;
}

/* ---- the text ---- */

/* SIZE_MAX: it was never armed. */
static size_t place_of(const struct gs_int3 *int3, uint64_t address)
{
	const struct gs_int3_byte *byte = int3 ? gs_int3_find(&int3->journal.bytes, address) : NULL;

	return byte ? (size_t)(byte - int3->journal.bytes.bytes) : SIZE_MAX;
}

/* Somebody needs the instruction itself. */
static void use(struct gs_catcher *catcher, size_t i)
{
	struct gs_int3 *int3 = int3_of(catcher);

	if (int3->users[i]++ == 0 && int3->armed[i])
		gs_int3_take_out(catcher->mem_fd, &int3->journal.bytes.bytes[i]);
}

/* It may have been unmapped meanwhile, with nothing there to write to. */
static void unuse(struct gs_catcher *catcher, size_t i)
{
	struct gs_int3 *int3 = int3_of(catcher);
	gs_autoerror struct gs_error *err = NULL;

	if (--int3->users[i] == 0 && int3->armed[i])
		err = gs_int3_put(catcher->mem_fd, &int3->journal.bytes.bytes[i]);
}

/* ---- over it ---- */

static bool read_memory(void *arg, uint64_t address, void *to, size_t size)
{
	const pid_t *tid = arg;
	struct iovec ours = {to, size}, theirs = {(void *)(uintptr_t)address, size};

	return process_vm_readv(*tid, &ours, 1, &theirs, 1, 0) == (ssize_t)size;
}

static bool write_memory(pid_t tid, const struct gs_int3_store *store)
{
	struct iovec ours = {(void *)&store->value, store->size};
	struct iovec theirs = {(void *)(uintptr_t)store->address, store->size};

	return store->size == 0 ||
	       process_vm_writev(tid, &ours, 1, &theirs, 1, 0) == (ssize_t)store->size;
}

/*
 * false: it is another instruction, or its memory is not for the thread to read or write: then it
 * is to find that out by itself.
 */
static bool step_in_registers(const struct gs_catcher *catcher, pid_t tid, size_t i,
			      struct gs_thread_registers *registers)
{
	const struct gs_int3_byte *byte = &int3_of(catcher)->journal.bytes.bytes[i];
	const struct gs_int3_memory memory = {read_memory, &tid};
	struct gs_int3_store store;

	return gs_int3_step(byte->code, &memory, registers, &store) &&
	       gs_thread_registers_pc(registers) - byte->address <= byte->code_size &&
	       write_memory(tid, &store) && gs_thread_registers_set(tid, registers);
}

static void end_step(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	struct gs_int3_stay *stay = thread->points;

	if (stay->is_steps)
		unuse(catcher, place_of(int3_of(catcher), thread->at));
	stay->is_steps = false;
	thread->at = 0;
}

/* How a thread goes on that has come to an address, and may be behind it by now. */
static enum __ptrace_request leave(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	struct gs_int3 *int3 = int3_of(catcher);
	struct gs_int3_stay *stay = thread->points;
	size_t i = place_of(int3, thread->at);
	struct gs_thread_registers registers;

	if (!gs_thread_registers_get(thread->tid, &registers))
		return PTRACE_CONT; /* it was killed */
	if (stay->is_steps && gs_thread_registers_pc(&registers) != thread->at)
		return PTRACE_CONT; /* the step is done; its signal comes yet */
	if (!int3->armed[i] || step_in_registers(catcher, thread->tid, i, &registers)) {
		end_step(catcher, thread);
		return PTRACE_CONT;
	}
	if (!stay->is_steps)
		use(catcher, i);
	stay->is_steps = true;
	return PTRACE_SINGLESTEP;
}

void gs_int3_resume(struct gs_catcher *catcher, struct gs_catch_thread *thread, int signal)
{
	struct gs_int3_stay *stay = thread->points;
	size_t i = place_of(int3_of(catcher), thread->at);
	enum __ptrace_request request = PTRACE_CONT;

	if (thread->at)
		request = leave(catcher, thread);
	if (stay && stay->is_kept) { /* last, so that nobody who steps has it put in */
		stay->is_kept = false;
		unuse(catcher, i);
	}
	ptrace(request, thread->tid, NULL, (void *)(long)signal);
}

static void keep(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	struct gs_int3_stay *stay = thread->points;

	stay->is_kept = true;
	use(catcher, place_of(int3_of(catcher), thread->at));
}

void gs_int3_forget(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	struct gs_int3_stay *stay = thread->points;
	size_t i = place_of(int3_of(catcher), thread->at);

	if (!stay)
		return;
	if (stay->is_kept)
		unuse(catcher, i);
	if (stay->is_steps)
		unuse(catcher, i);
	free(stay);
	thread->points = NULL;
}

/* ---- stops ---- */

/* Its signal handler runs first. If it is past the instruction, the step's own signal comes yet. */
static void postpone(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	struct gs_int3_stay *stay = thread->points;
	struct gs_thread_registers registers;

	if (!gs_thread_registers_get(thread->tid, &registers) ||
	    gs_thread_registers_pc(&registers) != thread->at)
		return;
	stay->again_at = thread->at;
	stay->again_sp = gs_thread_registers_sp(&registers);
	end_step(catcher, thread);
}

/* Whether this is the call that was told already. Who is further up the stack has left it. */
static bool is_again(struct gs_int3_stay *stay, uint64_t at, uint64_t sp)
{
	bool is = stay->again_at == at && stay->again_sp == sp;

	if (sp >= stay->again_sp)
		stay->again_at = stay->again_sp = 0;
	return is;
}

/*
 * A breakpoint instruction was executed. One of ours that is out meanwhile was in when it was
 * executed: no other one was ever in that code.
 */
static enum gs_catch_view on_breakpoint(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	struct gs_int3 *int3 = int3_of(catcher);
	struct gs_thread_registers registers;
	struct gs_int3_stay *stay;
	uint64_t at;
	size_t i;

	if (!gs_thread_registers_get(thread->tid, &registers))
		return GS_CATCH_DROPPED;
	at = gs_thread_registers_pc(&registers) - 1;
	i = place_of(int3, at);
	if (i == SIZE_MAX || !gs_int3_is_there(catcher->mem_fd, &int3->journal.bytes.bytes[i]))
		return GS_CATCH_OTHER; /* the program's own */
	gs_thread_registers_set_pc(&registers, at);
	if (!gs_thread_registers_set(thread->tid, &registers) || !int3->armed[i])
		return GS_CATCH_DROPPED;
	stay = thread->points ? thread->points : calloc(1, sizeof(*stay));
	if (!stay) {
		gs_int3_disarm(catcher); /* it runs on, as all do */
		return GS_CATCH_DROPPED;
	}
	thread->points = stay;
	thread->at = at;
	return is_again(stay, at, gs_thread_registers_sp(&registers)) ? GS_CATCH_DROPPED
								      : GS_CATCH_HIT;
}

enum gs_catch_view gs_int3_view(struct gs_catcher *catcher, struct gs_catch_thread *thread,
				int status)
{
	const struct gs_int3_stay *stay = thread->points;
	bool is_stepping = stay && stay->is_steps;
	siginfo_t info = {0};

	if (status >> 16 || !int3_of(catcher))
		return GS_CATCH_OTHER;
	if (WSTOPSIG(status) == SIGTRAP)
		ptrace(PTRACE_GETSIGINFO, thread->tid, NULL, &info);
	if (info.si_code == SI_KERNEL)
		return on_breakpoint(catcher, thread);
	if (is_stepping && info.si_code == TRAP_TRACE) {
		end_step(catcher, thread);
		return GS_CATCH_DROPPED;
	}
	if (is_stepping)
		postpone(catcher, thread);
	return GS_CATCH_OTHER;
}

/* Of one that steps, a signal may be on its way that says so. */
static bool is_settled(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	const struct gs_int3_stay *stay = thread->points;
	(void)catcher;

	return !stay || !stay->is_steps;
}

/* ---- addresses ---- */

/* Whether a forked process has our memory has to be asked of each. */
static struct gs_error *check_kernel(void)
{
	if (syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0) == 0)
		return NULL;
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "int3: the kernel does not let us use kcmp(2), which tells whose "
			       "memory forked processes have");
}

/* What a killed keeper has left here, before its journal is written over. */
static void mend_former(const struct gs_catcher *catcher)
{
	gs_autofree char *path = gs_int3_journal_path(catcher->dir, catcher->process.pid);
	struct gs_int3_journal former = {0};
	gs_autoerror struct gs_error *err =
		path ? gs_int3_journal_read(path, &former) : gs_error_nomem();

	if (!err && former.process.start == catcher->process.start)
		gs_int3_journal_mend(&former, catcher->mem_fd);
	gs_int3_journal_deinit(&former);
}

static struct gs_error *begin(struct gs_catcher *catcher)
{
	struct gs_error *err = check_kernel();
	struct gs_proc_stat stat = {0};
	struct gs_int3 *int3;

	if (err)
		return err;
	if (!catcher->dir)
		return gs_error_create(GS_ERROR_INVALID, "int3: there is no folder for a journal");
	int3 = calloc(1, sizeof(*int3));
	if (!int3)
		return gs_error_nomem();
	mend_former(catcher);
	gs_proc_stat(getpid(), &stat);
	int3->journal.process = catcher->process;
	int3->journal.keeper = (struct gs_proc_id){.pid = getpid(), .start = stat.start};
	catcher->points = int3;
	return gs_int3_find_guests(catcher);
}

/* What is there, in place @i; it is written down before it is changed. */
static struct gs_error *note(struct gs_catcher *catcher, size_t i, uint64_t address)
{
	struct gs_int3_journal *journal = &int3_of(catcher)->journal;
	struct gs_int3_mapping mapping = {0};
	struct gs_int3_byte byte;
	gs_autofree char *path = gs_int3_journal_path(catcher->dir, catcher->process.pid);
	struct gs_error *err = path ? gs_int3_look(catcher->mem_fd, &journal->bytes, address, &byte)
				    : gs_error_nomem();

	if (!err)
		err = gs_int3_mapping_find(catcher->process.pid, address, &mapping);
	if (!err && !mapping.is_code)
		err = gs_error_create(GS_ERROR_INVALID, "0x%" PRIx64 " is no code", address);
	if (err) {
		gs_int3_mapping_deinit(&mapping);
		return err;
	}
	gs_int3_mapping_deinit(&journal->mappings[i]);
	journal->mappings[i] = mapping;
	journal->bytes.bytes[i] = byte;
	if (i == journal->bytes.count)
		journal->bytes.count++;
	err = gs_int3_journal_write(catcher->dir, journal);
	if (!err)
		gs_guardian_set_bytes(&catcher->guardian, &journal->bytes, path);
	return err;
}

static struct gs_error *arm(struct gs_catcher *catcher)
{
	uint64_t address = catcher->addresses[catcher->address_count];
	struct gs_error *err = catcher->points ? NULL : begin(catcher);
	struct gs_int3 *int3 = int3_of(catcher);
	size_t i;

	if (err)
		return err;
	i = place_of(int3, address);
	if (i == SIZE_MAX)
		i = int3->journal.bytes.count;
	if (i == GS_INT3_BYTES_MAX)
		return gs_error_create(GS_ERROR_BUSY, "int3: no more than %d addresses",
				       GS_INT3_BYTES_MAX);
	err = note(catcher, i, address);
	if (!err && int3->users[i] == 0)
		err = gs_int3_put(catcher->mem_fd, &int3->journal.bytes.bytes[i]);
	if (!err)
		int3->armed[i] = true;
	else if (catcher->address_count == 0)
		gs_int3_journal_remove(catcher->dir, catcher->process.pid);
	return err;
}

/* Who has executed one of them already has to be set back: they are not forgotten. */
void gs_int3_disarm(struct gs_catcher *catcher)
{
	struct gs_int3 *int3 = int3_of(catcher);

	if (!int3)
		return;
	memset(int3->armed, 0, sizeof(int3->armed));
	gs_int3_take_all_out(catcher->mem_fd, &int3->journal.bytes);
	gs_guardian_forget_bytes(&catcher->guardian);
	gs_int3_journal_remove(catcher->dir, catcher->process.pid);
}

static void close_all(struct gs_catcher *catcher)
{
	struct gs_int3 *int3 = int3_of(catcher);

	if (!int3)
		return;
	gs_int3_disarm(catcher);
	gs_int3_release_guests(catcher);
	gs_int3_journal_deinit(&int3->journal);
	free(int3);
	catcher->points = NULL;
}

const struct gs_catch_method gs_catch_int3 = {
	.mechanism = GS_CATCH_INT3,
	.signal = SIGTRAP,
	.options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK,
	.arm = arm,
	.disarm = gs_int3_disarm,
	.forget = gs_int3_forget,
	.view = gs_int3_view,
	.keep = keep,
	.resume = gs_int3_resume,
	.is_settled = is_settled,
	.stranger = gs_int3_stranger,
	.close = close_all,
	.halts = true,
};
