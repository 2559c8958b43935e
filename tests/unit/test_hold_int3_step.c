/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First instructions of functions, done to registers, against the processor: a child executes each
 * of them alone, with many values.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "../../lib/hold/int3_step.h"
#include "unit.h"

#if defined(__x86_64__)

#define ROUNDS 16
#define PAGE 4096

static uint8_t *area; /* a page of code, and two of stack; the same in the child */
static pid_t child;

static int start_child(void **state)
{
	int status;

	(void)state;
	area = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	child = area == MAP_FAILED ? -1 : fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status) ? 0 : -1;
}

static int end_child(void **state)
{
	(void)state;
	kill(child, SIGKILL);
	return waitpid(child, NULL, 0) == child ? 0 : -1;
}

static void poke(uint64_t address, uint64_t value)
{
	assert_int_equal(ptrace(PTRACE_POKEDATA, child, (void *)address, (void *)value), 0);
}

static uint64_t peek(uint64_t address)
{
	return (uint64_t)ptrace(PTRACE_PEEKDATA, child, (void *)address, NULL);
}

/* xorshift64; many small values and borders among them. */
static uint64_t any(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state & 3 ? state : state >> 8 & 1 ? UINT64_MAX << (state >> 10 & 63) : 0;
}

static void set_any(struct gs_thread_registers *registers)
{
	unsigned long long *values[] = {
		&registers->raw.rax, &registers->raw.rbx, &registers->raw.rcx, &registers->raw.rdx,
		&registers->raw.rsi, &registers->raw.rdi, &registers->raw.rbp, &registers->raw.r8,
		&registers->raw.r9,  &registers->raw.r10, &registers->raw.r11, &registers->raw.r12,
		&registers->raw.r13, &registers->raw.r14, &registers->raw.r15,
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		*values[i] = any();
	registers->raw.rip = (uint64_t)area;
	registers->raw.rsp = (uint64_t)area + PAGE + 8 * (1 + any() % 900);
	registers->raw.eflags = 0x202 | (any() & 0x8d5);
	registers->raw.orig_rax = UINT64_MAX; /* in no system call that could begin anew */
}

/* The child executes it: its registers then. */
static void execute(const struct gs_thread_registers *before, struct gs_thread_registers *ret)
{
	int status;

	assert_true(gs_thread_registers_set(child, before));
	assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	assert_true(gs_thread_registers_get(child, ret));
	assert_int_equal(ret->raw.eflags & 0x100, 0);
}

static void check(const uint8_t *code, size_t size)
{
	uint8_t padded[GS_INT3_CODE_SIZE] = {0};

	memcpy(padded, code, size);
	for (size_t i = 0; i < sizeof(padded); i += 8) {
		uint64_t word;

		memcpy(&word, padded + i, 8);
		poke((uint64_t)area + i, word);
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct gs_thread_registers before, ours, theirs;
		struct gs_int3_store store;

		assert_true(gs_thread_registers_get(child, &before));
		set_any(&before);
		poke(before.raw.rsp - 8, 0);
		ours = before;
		assert_true(gs_int3_step(padded, &ours, &store));
		assert_int_equal(ours.raw.rip, before.raw.rip + size);
		execute(&before, &theirs);
		assert_memory_equal(&ours.raw, &theirs.raw, sizeof(ours.raw));
		if (store.is_there)
			assert_int_equal(store.address, before.raw.rsp - 8);
		assert_int_equal(peek(before.raw.rsp - 8), store.value);
	}
}
#define CHECK(...) check((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_same_as_the_processor(void **state)
{
	(void)state;
	CHECK(0xf3, 0x0f, 0x1e, 0xfa); /* endbr64 */
	CHECK(0x90);                   /* nop */
	for (uint8_t i = 0; i < 8; i++) {
		CHECK(0x50 + i);                               /* push */
		CHECK(0x41, 0x50 + i);                         /* push of r8 and on */
		CHECK(0xb8 + i, 0x44, 0x33, 0x22, 0x91);       /* mov constant, r32 */
		CHECK(0x41, 0xb8 + i, 0x44, 0x33, 0x22, 0x11); /* and r8d and on */
	}
	for (uint8_t i = 0xc0; i; i++) { /* mov of registers, from and to each */
		bool uses_stack_pointer = (i & 7) == 4 || (i >> 3 & 7) == 4;

		if (!uses_stack_pointer) {
			CHECK(0x89, i);
			CHECK(0x8b, i);
		}
		CHECK(0x48, 0x89, i);
		CHECK(0x4d, 0x8b, i);
		CHECK(0x45, 0x89, i);
	}
	for (int i = 0; i < 256; i += 15) {
		CHECK(0x48, 0x83, 0xec, (uint8_t)i);             /* sub of 8 bits */
		CHECK(0x48, 0x81, 0xec, (uint8_t)i, 0x12, 0, 0); /* of 32 bits */
		CHECK(0x48, 0x81, 0xec, 0, 0, 0, (uint8_t)i);
	}
}

static void test_others_are_left(void **state)
{
	static const uint8_t others[][GS_INT3_CODE_SIZE] = {
		{0xcc},                   /* int3 */
		{0xc3},                   /* ret */
		{0x41, 0x90},             /* xchg r8d, eax */
		{0x48, 0x90},             /* which is a nop, and nobody's first */
		{0x66, 0x50},             /* push ax */
		{0x83, 0xec, 0x08},       /* sub esp, 8 */
		{0x49, 0x83, 0xec, 0x08}, /* sub r12, 8 */
		{0x48, 0x83, 0xc4, 0x08}, /* add rsp, 8 */
		{0x48, 0x89, 0x07},       /* mov [rdi], rax */
		{0x48, 0xb8},             /* mov rax, constant of 64 bits */
		{0xe9},                   /* jmp */
		{0xf3, 0x0f, 0x1e, 0xfb}, /* endbr32 */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct gs_thread_registers before = {0}, after = {0};
		struct gs_int3_store store;

		before.raw.rsp = after.raw.rsp = 0x1000;
		assert_false(gs_int3_step(others[i], &after, &store));
		assert_memory_equal(&before, &after, sizeof(before));
		assert_false(store.is_there);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_as_the_processor, start_child, end_child),
		cmocka_unit_test(test_others_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0; /* no instructions are known of this machine */
}

#endif
