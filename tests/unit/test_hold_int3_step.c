/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First instructions of functions, done to registers, against the processor: a child executes each
 * of them alone, with many values.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "../../lib/hold/int3_step.h"
#include "unit.h"

#if defined(__x86_64__)

#define ROUNDS 16
#define PAGE 4096

static uint8_t *area; /* a page of code, and two of stack; the same in the child */
static pid_t child;

/* xorshift64; many small values and borders among them. */
static uint64_t any(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state & 3 ? state : state >> 8 & 1 ? UINT64_MAX << (state >> 10 & 63) : 0;
}

static int start_child(void **state)
{
	int status;

	(void)state;
	area = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (area == MAP_FAILED)
		return -1;
	for (size_t i = PAGE; i < 3 * PAGE; i++)
		area[i] = (uint8_t)any();
	child = fork();
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

static bool read_child(void *arg, uint64_t address, void *to, size_t size)
{
	struct iovec ours = {to, size}, theirs = {(void *)address, size};

	assert_null(arg);
	return process_vm_readv(child, &ours, 1, &theirs, 1, 0) == (ssize_t)size;
}
static const struct gs_int3_memory memory = {read_child, NULL};

/* @is_base: general registers are addresses in the stack's pages. */
static void set_any(struct gs_thread_registers *registers, bool is_base)
{
	unsigned long long *values[] = {
		&registers->raw.rax, &registers->raw.rbx, &registers->raw.rcx, &registers->raw.rdx,
		&registers->raw.rsi, &registers->raw.rdi, &registers->raw.rbp, &registers->raw.r8,
		&registers->raw.r9,  &registers->raw.r10, &registers->raw.r11, &registers->raw.r12,
		&registers->raw.r13, &registers->raw.r14, &registers->raw.r15,
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		*values[i] = is_base ? (uint64_t)area + PAGE + 1024 + any() % 1024 : any();
	if (is_base)
		registers->raw.rcx = any() % 64; /* an index */
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

/* The stack is as it was, but for the store. */
static void check_stack(uint8_t before[2 * PAGE], const struct gs_int3_store *store)
{
	uint64_t stack = (uint64_t)area + PAGE;
	uint8_t after[2 * PAGE];

	assert_true(read_child(NULL, stack, after, sizeof(after)));
	if (store->size)
		memcpy(before + (store->address - stack), &store->value, store->size);
	assert_memory_equal(before, after, sizeof(after));
}

static void check(const uint8_t *code, size_t size, bool is_base)
{
	uint8_t padded[GS_INT3_CODE_SIZE] = {0};
	uint8_t stack[2 * PAGE];

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
		set_any(&before, is_base);
		ours = before;
		assert_true(gs_int3_step(padded, &memory, &ours, &store));
		assert_int_equal(ours.raw.rip, before.raw.rip + size);
		assert_true(read_child(NULL, (uint64_t)area + PAGE, stack, sizeof(stack)));
		execute(&before, &theirs);
		assert_memory_equal(&ours.raw, &theirs.raw, sizeof(ours.raw));
		check_stack(stack, &store);
	}
}
#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define CHECK(...) check(CODE(__VA_ARGS__), false)
#define CHECK_MEMORY(...) check(CODE(__VA_ARGS__), true)

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

static void test_operations(void **state)
{
	(void)state;
	CHECK(0x48, 0x63, 0xff);                      /* movslq %edi, %rdi */
	CHECK(0x63, 0xfe);                            /* movslq without its prefix: %esi to %edi */
	CHECK(0x0f, 0xb7, 0xc7);                      /* movzwl %di, %eax */
	CHECK(0x4c, 0x0f, 0xb7, 0xef);                /* movzwq %di, %r13 */
	CHECK(0x0f, 0xbf, 0xc7);                      /* movswl %di, %eax */
	CHECK(0x48, 0x0f, 0xbf, 0xc7);                /* movswq %di, %rax */
	CHECK(0x48, 0x8d, 0x47, 0xf0);                /* lea -16(%rdi), %rax */
	CHECK(0x8d, 0x87, 0, 1, 0, 0x80);             /* lea -0x7fffff00(%rdi), %eax */
	CHECK(0x48, 0x8d, 0x05, 8, 0, 0, 0);          /* lea 8(%rip), %rax */
	CHECK(0x4a, 0x8d, 0x44, 0xe7, 4);             /* lea 4(%rdi,%r12,8), %rax */
	CHECK(0x48, 0x8d, 0x04, 0x24);                /* lea (%rsp), %rax */
	CHECK(0x48, 0x8d, 0x04, 0x8d, 4, 0, 0, 0x80); /* lea -0x7ffffffc(,%rcx,4), %rax */
	CHECK(0x85, 0xff);                            /* test %edi, %edi */
	CHECK(0x48, 0x85, 0xf7);                      /* test %rsi, %rdi */
	CHECK(0x31, 0xc0);                            /* xor %eax, %eax */
	CHECK(0x4d, 0x31, 0xc8);                      /* xor %r9, %r8 */
	CHECK(0x39, 0xf7);                            /* cmp %esi, %edi */
	CHECK(0x48, 0x39, 0xf7);                      /* cmp %rsi, %rdi */
	CHECK(0x48, 0x3b, 0xfe);                      /* cmp %rsi, %rdi, the other way */
	for (int i = 0; i < 256; i += 51) {
		uint8_t c = (uint8_t)i;

		CHECK(0x83, 0xff, c);                       /* cmp $c, %edi */
		CHECK(0x48, 0x83, 0xff, c);                 /* cmp $c, %rdi */
		CHECK(0x81, 0xff, c, 0, 0, c);              /* of 32 bits */
		CHECK(0x48, 0x81, 0xff, c, 0, 0, c);        /* and to 64 */
		CHECK(0x48, 0x83, 0xc7, c);                 /* add $c, %rdi */
		CHECK(0x83, 0xc7, c);                       /* add $c, %edi */
		CHECK(0x41, 0x83, 0xe8, c);                 /* sub $c, %r8d */
		CHECK_MEMORY(0x80, 0x3e, c);                /* cmpb $c, (%rsi) */
		CHECK_MEMORY(0x80, 0x7f, 0x10, c);          /* cmpb $c, 16(%rdi) */
		CHECK_MEMORY(0x83, 0x7f, 0x08, c);          /* cmpl $c, 8(%rdi) */
		CHECK_MEMORY(0x48, 0x83, 0x3f, c);          /* cmpq $c, (%rdi) */
		CHECK_MEMORY(0x80, 0x3d, 0, 0x10, 0, 0, c); /* cmpb $c, 0x1000(%rip) */
	}
}

static void test_memory(void **state)
{
	(void)state;
	CHECK_MEMORY(0x8b, 0x07);                         /* mov (%rdi), %eax */
	CHECK_MEMORY(0x48, 0x8b, 0x47, 0x08);             /* mov 8(%rdi), %rax */
	CHECK_MEMORY(0x4c, 0x8b, 0x6e, 0xf8);             /* mov -8(%rsi), %r13 */
	CHECK_MEMORY(0x49, 0x8b, 0x45, 0x00);             /* mov (%r13), %rax */
	CHECK_MEMORY(0x49, 0x8b, 0x04, 0x24);             /* mov (%r12), %rax */
	CHECK_MEMORY(0x48, 0x8b, 0x84, 0x24, 0, 1, 0, 0); /* mov 0x100(%rsp), %rax */
	CHECK_MEMORY(0x48, 0x8b, 0x04, 0xce);             /* mov (%rsi,%rcx,8), %rax */
	CHECK_MEMORY(0x48, 0x8b, 0x05, 0, 0x10, 0, 0);    /* mov 0x1000(%rip), %rax */
	CHECK_MEMORY(0x89, 0x3e);                         /* mov %edi, (%rsi) */
	CHECK_MEMORY(0x48, 0x89, 0x7e, 0x08);             /* mov %rdi, 8(%rsi) */
	CHECK_MEMORY(0x48, 0x63, 0x47, 0x04);             /* movslq 4(%rdi), %rax */
	CHECK_MEMORY(0x0f, 0xb6, 0x07);                   /* movzbl (%rdi), %eax */
	CHECK_MEMORY(0x48, 0x0f, 0xb6, 0x07);             /* movzbq (%rdi), %rax */
	CHECK_MEMORY(0x0f, 0xb7, 0x07);                   /* movzwl (%rdi), %eax */
	CHECK_MEMORY(0x0f, 0xbe, 0x07);                   /* movsbl (%rdi), %eax */
	CHECK_MEMORY(0x48, 0x0f, 0xbe, 0x07);             /* movsbq (%rdi), %rax */
	CHECK_MEMORY(0x48, 0x85, 0x3e);                   /* test %rdi, (%rsi) */
	CHECK_MEMORY(0x48, 0x39, 0x3e);                   /* cmp %rdi, (%rsi) */
	CHECK_MEMORY(0x3b, 0x7e, 0x04);                   /* cmp 4(%rsi), %edi */
}

/* What is not there is for the processor to find out. */
static void test_no_memory(void **state)
{
	static const uint8_t code[GS_INT3_CODE_SIZE] = {0x48, 0x8b, 0x07};
	struct gs_thread_registers before = {0}, after = {0};
	struct gs_int3_store store;
	(void)state;

	before.raw.rdi = after.raw.rdi = 16;
	assert_false(gs_int3_step(code, &memory, &after, &store));
	assert_memory_equal(&before, &after, sizeof(before));
}

static void test_others_are_left(void **state)
{
	static const uint8_t others[][GS_INT3_CODE_SIZE] = {
		{0xcc},                   /* int3 */
		{0xc3},                   /* ret */
		{0x41, 0x90},             /* xchg r8d, eax */
		{0x48, 0x90},             /* which is a nop, and nobody's first */
		{0x66, 0x50},             /* push ax */
		{0x48, 0x83, 0xc8, 0x08}, /* or rax, 8 */
		{0x83, 0x07, 0x08},       /* add dword [rdi], 8 */
		{0x31, 0x07},             /* xor [rdi], eax */
		{0x8d, 0xc0},             /* lea of a register, which is none */
		{0x80, 0xff, 0x08},       /* cmp bh, 8 */
		{0x0f, 0xb6, 0xc4},       /* movzx eax, ah */
		{0x48, 0xb8},             /* mov rax, constant of 64 bits */
		{0x0f, 0x05},             /* syscall */
		{0x64, 0x48, 0x8b, 0x04}, /* mov rax, fs:... */
		{0xe9},                   /* jmp */
		{0xf3, 0x0f, 0x1e, 0xfb}, /* endbr32 */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct gs_thread_registers before = {0}, after = {0};
		struct gs_int3_store store;

		before.raw.rsp = after.raw.rsp = 0x1000;
		assert_false(gs_int3_step(others[i], &memory, &after, &store));
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(store.size, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_as_the_processor, start_child, end_child),
		cmocka_unit_test_setup_teardown(test_operations, start_child, end_child),
		cmocka_unit_test_setup_teardown(test_memory, start_child, end_child),
		cmocka_unit_test_setup_teardown(test_no_memory, start_child, end_child),
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
