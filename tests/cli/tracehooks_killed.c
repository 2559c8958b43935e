/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target for tracehooks_killed: 8 threads that call work() more than 1000 times a second each,
 *and a file in which they write how they are.
 *
 *	tracehooks_killed FILE
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 8
#define SIGNALS 65

/* As tracehooks_killed reads it: uint64_t each. */
static volatile struct report {
	uint64_t ready, wrong, calls[THREADS], signals[SIGNALS];
} * report;

/* Its arguments are as its caller has made them, whatever happens in between. */
static __attribute__((noinline)) long work(long n, const char *text, long c, long d, long e, long f)
{
	if (strcmp(text, "vda") != 0 || c != n + 2 || d != n + 3 || e != n + 4 || f != n + 5)
		__atomic_add_fetch(&report->wrong, 1, __ATOMIC_RELAXED);
	return n + f;
}

static void *loop(void *arg)
{
	long i = (long)arg;

	__atomic_add_fetch(&report->ready, 1, __ATOMIC_RELAXED);
	for (long n = 1;; n++, usleep(500)) {
		if (work(n, "vda", n + 2, n + 3, n + 4, n + 5) != n + n + 5)
			report->wrong++;
		report->calls[i]++;
	}
	return NULL;
}

static void count(int number)
{
	report->signals[number]++;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
	pthread_t thread;

	if (fd < 0 || ftruncate(fd, sizeof(*report)) < 0)
		return 2;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 1; i < SIGNALS; i++) {
		if (i != SIGTRAP) /* which ends a program that is no debugger's */
			sigaction(i, &action, NULL);
	}
	for (long i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, loop, (void *)i);
	for (;;)
		pause();
}
