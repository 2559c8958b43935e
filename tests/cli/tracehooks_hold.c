/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target of function holds. The first word says what it does:
 *
 * - threads N: N threads call work(n, "vda", ...), each with its number, about 1000 times a second
 * - born N: a thread each 10 ms that calls work(N, ...) once
 * - vfork: as "threads 2", and one more is in vfork() until a file "go" is there
 * - count: when a file "go" is there, work(1, ...) to work(9, ...)
 * - load LIB: when a file "go" is there, LIB is loaded, and its later() called each millisecond
 * - twice: helper() of this file and of the other one are called, each millisecond
 * - exec FILE: when a file "go" is there, work() once, then that program
 *
 * It counts what came of the calls: at SIGUSR1 it writes the sum into the file "sum" and goes on,
 * at SIGTERM it ends with status 7. A call that is not as it was made ends it with status 8.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracehooks_hold.h"

#define SIXTH 0x600000006

static volatile long sum;
static volatile sig_atomic_t writes;

static __attribute__((noinline)) long work(long n, const char *name, long c, long d, long e, long f)
{
	if (strcmp(name, "vda") != 0 || c != -3 || d != 4 || e != 5 || f != SIXTH)
		_exit(8);
	__atomic_add_fetch(&sum, 1, __ATOMIC_RELAXED);
	return n + c;
}

static __attribute__((noinline)) long helper(long n)
{
	__atomic_add_fetch(&sum, 1, __ATOMIC_RELAXED);
	return n + 1;
}

static inline __attribute__((always_inline)) long inlined(long n)
{
	return (n * 3) ^ (sum >> 1);
}

static void *loop(void *arg)
{
	long n = (long)arg;
	char name[16];

	snprintf(name, sizeof(name), "worker-%ld", n);
	pthread_setname_np(pthread_self(), name);
	for (;;) {
		if (work(n, "vda", -3, 4, 5, SIXTH) != n - 3)
			_exit(8);
		usleep(900);
	}
	return NULL;
}

static void *once(void *arg)
{
	long n = (long)arg;

	pthread_setname_np(pthread_self(), "newborn");
	if (work(n, "vda", -3, 4, 5, SIXTH) != n - 3)
		_exit(8);
	return NULL;
}

static void threads(long count)
{
	pthread_t thread;

	for (long i = 0; i < count; i++)
		pthread_create(&thread, NULL, loop, (void *)i);
}

static void born(long n)
{
	pthread_t thread;

	for (;; usleep(10000)) {
		pthread_create(&thread, NULL, once, (void *)n);
		pthread_detach(thread);
	}
}

static void await_go(void)
{
	while (access("go", F_OK) < 0)
		usleep(1000);
}

static void sleep_in_vfork(void)
{
	threads(2);
	if (vfork() == 0) {
		await_go();
		_exit(0);
	}
	wait(NULL);
}

static void count(void)
{
	await_go();
	for (long n = 1; n < 10; n++) {
		if (work(n, "vda", -3, 4, 5, SIXTH) != n - 3)
			_exit(8);
	}
}

#ifndef STATIC
static void load(const char *library)
{
	long (*later)(long) = NULL;
	void *handle;

	await_go();
	handle = dlopen(library, RTLD_NOW);
	if (handle)
		later = (long (*)(long))dlsym(handle, "later");
	if (!later)
		_exit(9);
	for (;; usleep(1000)) {
		if (later(41) != 42)
			_exit(8);
		sum++;
	}
}

#endif

/* Into five places. */
static __attribute__((noinline)) void twice(void)
{
	for (long n = 0;; n++, usleep(1000)) {
		if (helper(n) != n + 1 || other(n) != n + 2)
			_exit(8);
		sum += inlined(n) & 1;
		sum += inlined(sum) & 2;
		sum += inlined(sum) & 1;
		sum += inlined(sum) & 2;
		sum += inlined(sum) & 1;
	}
}

static void execute(const char *program)
{
	await_go();
	work(1, "vda", -3, 4, 5, SIXTH);
	execl(program, program, "0.2", NULL);
}

static void on_usr1(int signal)
{
	(void)signal;
	writes++;
}

static void on_term(int signal)
{
	(void)signal;
	_exit(7);
}

static void write_sum(void)
{
	FILE *file = fopen("sum.new", "w");

	fprintf(file, "%ld\n", sum);
	fclose(file);
	rename("sum.new", "sum");
}

static void *be_busy(void *arg)
{
	char **words = arg;

	if (strcmp(words[0], "threads") == 0)
		threads(atol(words[1]));
	else if (strcmp(words[0], "born") == 0)
		born(atol(words[1]));
	else if (strcmp(words[0], "vfork") == 0)
		sleep_in_vfork();
	else if (strcmp(words[0], "count") == 0)
		count();
#ifndef STATIC
	else if (strcmp(words[0], "load") == 0)
		load(words[1]);
#endif
	else if (strcmp(words[0], "twice") == 0)
		twice();
	else if (strcmp(words[0], "exec") == 0)
		execute(words[1]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 2)
		return 2;
	signal(SIGUSR1, on_usr1);
	signal(SIGTERM, on_term);
	pthread_create(&thread, NULL, be_busy, argv + 1);
	for (;;) {
		pause();
		if (writes) {
			writes = 0;
			write_sum();
		}
	}
}
