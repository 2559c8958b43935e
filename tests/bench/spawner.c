/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts COUNT children that become PROGRAM, one after the other, and writes to FILE how many
 * nanoseconds that took. Each EVERYth is called "held", and not waited for until the end, as is
 * what somebody may hold.
 *
 * usage: spawner COUNT EVERY PROGRAM FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* false: it could not be started, or did not end well. */
static int run(const char *program, int is_held)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execl(program, program, is_held ? "held" : "free", NULL);
		_exit(127);
	}
	if (pid < 0)
		return 0;
	return is_held || (waitpid(pid, &status, 0) == pid && status == 0);
}

static int report(const char *path, long ns)
{
	FILE *file = fopen(path, "w");

	return file && fprintf(file, "%ld\n", ns) > 0 && fclose(file) == 0;
}

int main(int argc, char **argv)
{
	int count = argc == 5 ? atoi(argv[1]) : 0, every = argc == 5 ? atoi(argv[2]) : 0, status;
	long start = now_ns();

	if (count <= 0 || every <= 0)
		return 2;
	for (int i = 1; i <= count; i++) {
		if (!run(argv[3], i % every == 0))
			return 1;
	}
	if (!report(argv[4], now_ns() - start))
		return 1;
	while (wait(&status) > 0) {
		if (status != 0)
			return 1;
	}
	return 0;
}
