/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that a QMP client can do: connect to a unix socket, negotiate, ask one thing, print the
 * answer as it came. `run status` measures qmpctl against it.
 *
 * usage: minimal PATH
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX 65536

static char answer[ANSWER_MAX];

/* One line, and maybe more: events. */
static ssize_t receive(int fd)
{
	ssize_t size = 0, more;

	do {
		more = read(fd, answer + size, sizeof(answer) - 1 - (size_t)size);
		if (more <= 0)
			return -1;
		size += more;
	} while (answer[size - 1] != '\n');
	answer[size] = '\0';
	return size;
}

static ssize_t ask(int fd, const char *command)
{
	if (write(fd, command, strlen(command)) != (ssize_t)strlen(command))
		return -1;
	return receive(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    receive(fd) < 0 || ask(fd, "{\"execute\":\"qmp_capabilities\"}") < 0 ||
	    ask(fd, "{\"execute\":\"query-status\"}") < 0)
		return 1;
	return fputs(answer, stdout) < 0;
}
