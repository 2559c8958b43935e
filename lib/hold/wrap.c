/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The execve() that is written into a process: its file, its strings, its registers. */
#include "wrap.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

#include "thread_registers.h"

#ifdef __x86_64__

#define CODE_SIZE 7
#define RED_ZONE 128       /* below the stack pointer, of whoever is there */
#define ARGS_MAX (1 << 20) /* above what the kernel allows */
#define AUXV_MAX 4096      /* bytes */
#define ALIGN 16

/* mov $59, %eax; syscall. The number is in the code, since exec sets the register when it ends. */
static const unsigned char code[CODE_SIZE] = {0xb8, 59, 0, 0, 0, 0x0f, 0x05};

struct gs_injection {
	struct gs_thread_registers saved;
	long text;        /* the word at its first instruction */
	bool has_entered; /* the call, not the exec that it comes from */
};

/* What the process has on its stack when it begins. */
struct start {
	int mem_fd;
	uint64_t stack;         /* its pointer, at argc */
	uint64_t argc;          /* at least 1 */
	char program[PATH_MAX]; /* by which CMD finds it */
};

/* ---- its file ---- */

static bool read_text(const struct start *start, uint64_t address, char *text, size_t room)
{
	ssize_t size = pread(start->mem_fd, text, room, (off_t)address);

	/* The end of the stack may come before that of the room. */
	return size > 0 && memchr(text, '\0', (size_t)size);
}

/* AT_EXECFN: the name by which it was executed, of a script too. */
static bool read_name(pid_t pid, const struct start *start, char *name, size_t room)
{
	gs_autofree char *path = gs_strf("/proc/%d/auxv", (int)pid);
	gs_autofree char *data = NULL;
	size_t size = 0;
	gs_autoerror struct gs_error *err =
		path ? gs_read_file(path, AUXV_MAX, &data, &size) : gs_error_nomem();
	uint64_t pair[2];

	for (size_t at = 0; !err && size - at >= sizeof(pair); at += sizeof(pair)) {
		memcpy(pair, data + at, sizeof(pair));
		if (pair[0] == AT_EXECFN)
			return read_text(start, pair[1], name, room);
	}
	return false;
}

/* Whether CMD will find the program by it. What begins so is another file for each process. */
static bool leads_there(pid_t pid, const char *name)
{
	static const char proc[] = "/proc/", fds[] = "/dev/fd/";
	gs_autofree char *exe = gs_strf("/proc/%d/exe", (int)pid);
	gs_autofree char *path =
		gs_strf("/proc/%d/%s/%s", (int)pid, *name == '/' ? "root" : "cwd", name);
	struct stat program, named;

	if (strncmp(name, proc, sizeof(proc) - 1) == 0 || strncmp(name, fds, sizeof(fds) - 1) == 0)
		return false;
	return exe && path && stat(exe, &program) == 0 && stat(path, &named) == 0 &&
	       program.st_dev == named.st_dev && program.st_ino == named.st_ino;
}

/*
 * The name that was used, since programs of many names look at theirs; not that of a script, nor
 * one that CMD would look for in PATH.
 */
static struct gs_error *find_program(pid_t pid, struct start *start)
{
	gs_autofree char *exe = gs_strf("/proc/%d/exe", (int)pid);
	ssize_t size;

	if (!exe)
		return gs_error_nomem();
	if (read_name(pid, start, start->program, sizeof(start->program)) &&
	    strchr(start->program, '/') && leads_there(pid, start->program))
		return NULL;
	size = readlink(exe, start->program, sizeof(start->program) - 1);
	if (size < 0)
		return gs_error_os(errno, "%s", exe);
	start->program[size] = '\0';
	if (leads_there(pid, start->program))
		return NULL;
	return gs_error_create(GS_ERROR_NODATA, "%s is not at that path any more", start->program);
}

/* ---- its strings ---- */

/* Its own are used where they are, so it does not matter how many there are. */
static bool copy_arguments(const struct start *start, uint64_t *to)
{
	size_t size = (start->argc - 1) * sizeof(*to);

	return pread(start->mem_fd, to, size, (off_t)(start->stack + 2 * sizeof(*to))) ==
	       (ssize_t)size;
}

static size_t size_of_strings(const struct start *start, const struct gs_hold_wrap *wrap,
			      size_t *count_ret)
{
	size_t size = strlen(start->program) + 1 + strlen(wrap->path) + 1;

	for (*count_ret = 0; wrap->words[*count_ret]; ++*count_ret)
		size += strlen(wrap->words[*count_ret]) + 1;
	return size;
}

/* At @at of the block, which is for @address. Returns where it will be. */
static uint64_t put_string(char *block, uint64_t address, size_t *at, const char *string)
{
	uint64_t place = address + *at;
	size_t size = strlen(string) + 1;

	memcpy(block + *at, string, size);
	*at += size;
	return place;
}

/* Pointers, then strings, in one block below the stack. */
static struct gs_error *write_strings(const struct start *start, const struct gs_hold_wrap *wrap,
				      struct user_regs_struct *regs)
{
	size_t words, strings = size_of_strings(start, wrap, &words), i = 0;
	size_t at = (words + 1 + start->argc) * sizeof(uint64_t); /* the last one is NULL */
	size_t size = at + strings;
	uint64_t address = (start->stack - RED_ZONE - size) / ALIGN * ALIGN;
	gs_autofree uint64_t *block = calloc(1, size);

	if (!block)
		return gs_error_nomem();
	for (; i < words; i++)
		block[i] = put_string((char *)block, address, &at, wrap->words[i]);
	block[i++] = put_string((char *)block, address, &at, start->program);
	regs->rdi = put_string((char *)block, address, &at, wrap->path);
	regs->rsi = address;
	regs->rdx = start->stack + (start->argc + 2) * sizeof(uint64_t);
	if (!copy_arguments(start, block + i) ||
	    pwrite(start->mem_fd, block, size, (off_t)address) != (ssize_t)size)
		return gs_error_os(errno, "its stack");
	return NULL;
}

/* ---- its code ---- */

static struct gs_error *write_code(pid_t pid, struct gs_injection *injection,
				   const struct gs_thread_registers *regs)
{
	void *entry = (void *)gs_thread_registers_pc(regs);
	long word;

	errno = 0;
	injection->text = ptrace(PTRACE_PEEKTEXT, pid, entry, NULL);
	if (errno)
		return gs_error_os(errno, "its first instruction");
	word = injection->text;
	memcpy(&word, code, CODE_SIZE);
	if (ptrace(PTRACE_POKETEXT, pid, entry, (void *)word) < 0)
		return gs_error_os(errno, "its first instruction");
	if (gs_thread_registers_set(pid, regs))
		return NULL;
	ptrace(PTRACE_POKETEXT, pid, entry, (void *)injection->text);
	return gs_error_os(errno, "its registers");
}

/* ---- the whole ---- */

static struct gs_error *open_start(pid_t pid, const struct user_regs_struct *regs,
				   struct start *start)
{
	gs_autofree char *path = gs_strf("/proc/%d/mem", (int)pid);

	if (!path)
		return gs_error_nomem();
	start->stack = regs->rsp;
	start->mem_fd = open(path, O_RDWR | O_CLOEXEC);
	if (start->mem_fd < 0 || pread(start->mem_fd, &start->argc, sizeof(start->argc),
				       (off_t)start->stack) != sizeof(start->argc))
		return gs_error_os(errno, "its stack");
	if (start->argc == 0 || start->argc > ARGS_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "it has no arguments, not even a name");
	return find_program(pid, start);
}

struct gs_error *gs_injection_begin(pid_t pid, const struct gs_hold_wrap *wrap,
				    struct gs_injection **ret)
{
	GS_CLEANUP(gs_injection_free)
	struct gs_injection *injection = calloc(1, sizeof(*injection));
	struct gs_thread_registers registers;
	struct start start = {.mem_fd = -1};
	struct gs_error *err;

	if (!injection)
		return gs_error_nomem();
	if (!gs_thread_registers_get(pid, &injection->saved))
		return gs_error_create(GS_ERROR_UNSUPPORTED, "it is a program of 32 bits");
	registers = injection->saved;
	err = open_start(pid, &registers.raw, &start);
	if (!err)
		err = write_strings(&start, wrap, &registers.raw);
	if (!err)
		err = write_code(pid, injection, &registers);
	if (start.mem_fd >= 0)
		close(start.mem_fd);
	if (!err)
		*ret = gs_take(injection);
	return err;
}

bool gs_injection_has_failed(struct gs_injection *injection, pid_t pid, int *errno_ret)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
		return false;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		injection->has_entered = true;
	if (info.op != PTRACE_SYSCALL_INFO_EXIT || !injection->has_entered || !info.exit.is_error)
		return false;
	*errno_ret = (int)-info.exit.rval;
	return true;
}

void gs_injection_undo(const struct gs_injection *injection, pid_t pid)
{
	struct gs_thread_registers registers = injection->saved;

	registers.raw.orig_rax = (unsigned long long)-1; /* no call that could be begun again */
	ptrace(PTRACE_POKETEXT, pid, (void *)registers.raw.rip, (void *)injection->text);
	gs_thread_registers_set(pid, &registers);
}

void gs_injection_free(struct gs_injection *injection)
{
	free(injection);
}

#else

struct gs_error *gs_injection_begin(pid_t pid, const struct gs_hold_wrap *wrap,
				    struct gs_injection **ret)
{
	(void)pid, (void)wrap, (void)ret;
	return gs_error_create(GS_ERROR_UNSUPPORTED, "programs can be wrapped on x86-64 only");
}

bool gs_injection_has_failed(struct gs_injection *injection, pid_t pid, int *errno_ret)
{
	(void)injection, (void)pid, (void)errno_ret;
	return false;
}

void gs_injection_undo(const struct gs_injection *injection, pid_t pid)
{
	(void)injection, (void)pid;
}

void gs_injection_free(struct gs_injection *injection)
{
	(void)injection;
}

#endif
