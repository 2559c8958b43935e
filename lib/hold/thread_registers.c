/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers by PTRACE_GETREGSET. Arguments as the platform's C calling convention has them: System
 * V psABI for x86-64 (3.2.3), AAPCS64 for aarch64 (6.4).
 */
#include "thread_registers.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

/* The kernel tells the size of what it has: that of a 32-bit program is smaller. */
bool gs_thread_registers_get(pid_t tid, struct gs_thread_registers *ret)
{
	struct iovec io = {.iov_base = &ret->raw, .iov_len = sizeof(ret->raw)};

	return ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &io) == 0 &&
	       io.iov_len == sizeof(ret->raw);
}

bool gs_thread_registers_set(pid_t tid, const struct gs_thread_registers *registers)
{
	struct iovec io = {.iov_base = (void *)&registers->raw, .iov_len = sizeof(registers->raw)};

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &io) == 0;
}

#if defined(__x86_64__)

uint64_t gs_thread_registers_pc(const struct gs_thread_registers *registers)
{
	return registers->raw.rip;
}

void gs_thread_registers_set_pc(struct gs_thread_registers *registers, uint64_t pc)
{
	registers->raw.rip = pc;
}

uint64_t gs_thread_registers_sp(const struct gs_thread_registers *registers)
{
	return registers->raw.rsp;
}

void gs_thread_registers_args(const struct gs_thread_registers *registers,
			      uint64_t ret[GS_CALL_ARGS])
{
	const struct user_regs_struct *raw = &registers->raw;
	const uint64_t args[GS_CALL_ARGS] = {raw->rdi, raw->rsi, raw->rdx,
					     raw->rcx, raw->r8,  raw->r9};

	for (int i = 0; i < GS_CALL_ARGS; i++)
		ret[i] = args[i];
}

#elif defined(__aarch64__)

uint64_t gs_thread_registers_pc(const struct gs_thread_registers *registers)
{
	return registers->raw.pc;
}

void gs_thread_registers_set_pc(struct gs_thread_registers *registers, uint64_t pc)
{
	registers->raw.pc = pc;
}

uint64_t gs_thread_registers_sp(const struct gs_thread_registers *registers)
{
	return registers->raw.sp;
}

void gs_thread_registers_args(const struct gs_thread_registers *registers,
			      uint64_t ret[GS_CALL_ARGS])
{
	for (int i = 0; i < GS_CALL_ARGS; i++)
		ret[i] = registers->raw.regs[i];
}

#else
#error "function holds: which registers have the arguments of a call, and the program counter?"
#endif
