/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A QEMU that is run to be asked what it can do, and then ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "internal.h"

#define START_MS 30000
#define QUIT_MS 1000
#define END_MS 3000 /* after its monitor broke */
#define WORDS_SIZE_MAX 4096
#define WORDS_LINES 4

struct gs_probe {
	char *binary;
	struct gs_process process;
	int words_fd; /* a pipe with what it has to complain about */
	struct gs_qmp *qmp;
};

/* ---- its end ---- */

void gs_probe_end(struct gs_probe *probe)
{
	if (!probe)
		return;
	if (probe->qmp) {
		gs_error_destroy(
			gs_qmp_execute(probe->qmp, "quit", NULL, gs_deadline_in(QUIT_MS), NULL));
		gs_qmp_close(probe->qmp);
	}
	/* Where the binary is a script, its QEMU may be a child of our child. */
	if (probe->process.pidfd >= 0)
		gs_error_destroy(gs_process_end(&probe->process, NULL));
	if (probe->words_fd >= 0)
		close(probe->words_fd);
	free(probe->binary);
	free(probe);
}

/* ---- its start ---- */

static struct gs_error *spawn(struct gs_probe *probe, int monitor_fd, int stderr_fd)
{
	gs_autofree char *chardev = gs_strf("socket,id=probe,fd=%d", monitor_fd);
	const char *const argv[] = {
		probe->binary,
		"-S",
		"-no-user-config",
		"-nodefaults",
		"-display",
		"none",
		"-machine",
		"none,accel=tcg:kvm",
		"-chardev",
		chardev,
		"-mon",
		"chardev=probe,mode=control",
		NULL,
	};
	const struct gs_spawn_fd fds[] = {{monitor_fd, -1}};
	const struct gs_spawn how = {
		.argv = argv,
		.fds = fds,
		.fd_count = 1,
		.stdin_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = stderr_fd,
		.tied = true,
		.group = true,
	};

	return chardev ? gs_process_spawn(&how, &probe->process) : gs_error_nomem();
}

/* Takes @err: when its monitor broke, QEMU's own words say more. */
static struct gs_error *explain(const struct gs_probe *probe, struct gs_error *err)
{
	char text[WORDS_SIZE_MAX + 1];
	gs_autofree char *words = NULL;
	ssize_t size;

	if (err->code != GS_ERROR_GONE ||
	    !gs_pidfd_wait(probe->process.pidfd, gs_deadline_in(END_MS)))
		return gs_error_wrap(err, "%s", probe->binary);
	gs_error_destroy(err);
	size = read(probe->words_fd, text, WORDS_SIZE_MAX); /* what is there: it may be held open */
	text[size > 0 ? size : 0] = '\0';
	words = gs_log_words(text, WORDS_LINES);
	if (!words)
		return gs_error_nomem();
	return gs_error_create(GS_ERROR_GONE, "%s: ended while starting%s%s", probe->binary,
			       words[0] ? ": " : " without a word", words);
}

static struct gs_error *connect_monitor(struct gs_probe *probe, int fd,
					const struct gs_qmp_options *options)
{
	const struct gs_qmp_address address = {.kind = GS_QMP_FD, .fd = fd};
	struct gs_qmp_options patient = options ? *options : (struct gs_qmp_options){0};
	struct gs_error *err;

	if (!patient.greeting_ms)
		patient.greeting_ms = START_MS;
	err = gs_qmp_connect(&address, &patient, &probe->qmp);
	return err ? explain(probe, err) : NULL;
}

/* Our copies of what is QEMU's are closed before it is waited for: its end must be seen. */
static struct gs_error *start(struct gs_probe *probe, const struct gs_qmp_options *options)
{
	int monitor[2], words[2];
	struct gs_error *err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, monitor) < 0)
		return gs_error_os(errno, "socketpair");
	if (pipe2(words, O_CLOEXEC | O_NONBLOCK) < 0) {
		err = gs_error_os(errno, "pipe");
		close(monitor[0]);
		close(monitor[1]);
		return err;
	}
	probe->words_fd = words[0];
	err = spawn(probe, monitor[1], words[1]);
	close(monitor[1]);
	close(words[1]);
	if (!err)
		err = connect_monitor(probe, monitor[0], options);
	close(monitor[0]);
	return err;
}

struct gs_error *gs_probe_start(const char *binary, const struct gs_qmp_options *options,
				struct gs_probe **ret)
{
	struct gs_probe *probe = calloc(1, sizeof(*probe));
	struct gs_error *err;

	if (!probe)
		return gs_error_nomem();
	probe->process = (struct gs_process){.pidfd = -1, .gate_fd = -1};
	probe->words_fd = -1;
	probe->binary = strdup(binary);
	err = probe->binary ? start(probe, options) : gs_error_nomem();
	if (err)
		gs_probe_end(probe);
	else
		*ret = probe;
	return err;
}

struct gs_qmp *gs_probe_qmp(const struct gs_probe *probe)
{
	return probe->qmp;
}

pid_t gs_probe_pid(const struct gs_probe *probe)
{
	return probe->process.pid;
}
