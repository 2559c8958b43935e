/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions with monitors that libvirt holds: starting the bridge. */
#include "libvirt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/io.h>

#include "address.h"
#include "session.h"

struct gs_error *gs_qmp_libvirt_dump(struct gs_qmp *qmp, const char *format, int fd)
{
	struct gs_json *arguments = gs_json_new_object();

	if (!gs_json_set(arguments, "format", gs_json_new_string(format ? format : "elf"))) {
		gs_json_destroy(arguments);
		return gs_error_nomem();
	}
	return gs_qmp_execute_fd(qmp, GS_QMP_BRIDGE_DUMP, arguments, fd, 0, NULL);
}

#ifdef GS_HAVE_LIBVIRT
/* A child of a child: nobody here has to wait for its end. */
static struct gs_error *start_bridge(const char *uri, const char *domain, int socket, int report_fd)
{
	pid_t pid = fork();

	if (pid < 0)
		return gs_error_os(errno, "fork");
	if (pid == 0) {
		if (fork() == 0)
			gs_qmp_bridge_main(uri, domain, socket, report_fd);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return NULL;
}

static struct gs_error *read_report(int fd, uint64_t deadline_ms, struct gs_qmp_bridge_report *ret)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int ready;

	do {
		ready = poll(&p, 1, gs_deadline_poll_ms(deadline_ms));
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return gs_error_create(GS_ERROR_TIMEOUT, "libvirt did not answer in time");
	if (gs_read_full(fd, ret, sizeof(*ret)) != sizeof(*ret))
		return gs_error_create(GS_ERROR_UNREACHABLE, "the bridge to libvirt died");
	ret->uuid[sizeof(ret->uuid) - 1] = ret->message[sizeof(ret->message) - 1] = '\0';
	if (ret->code)
		return gs_error_create(ret->code, "%s", ret->message);
	return NULL;
}

static struct gs_error *open_bridge(const struct gs_qmp_address *address, const char *uri,
				    uint64_t deadline_ms, int *socket_ret,
				    struct gs_qmp_bridge_report *report_ret)
{
	gs_autoclose int ours = -1, theirs = -1, read_end = -1, write_end = -1;
	int pair[2];
	struct gs_error *err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return gs_error_os(errno, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	read_end = pair[0];
	write_end = pair[1];
	err = start_bridge(uri, address->path, theirs, write_end);
	if (err)
		return err;
	/* A bridge that dies must show as the end of both. */
	close(gs_take_fd(&theirs));
	close(gs_take_fd(&write_end));
	err = read_report(read_end, deadline_ms, report_ret);
	if (!err)
		*socket_ret = gs_take_fd(&ours);
	return err;
}

static struct gs_error *open_session(int *socket, const char *name,
				     const struct gs_qmp_options *options,
				     const struct gs_qmp_bridge_report *report, struct gs_qmp **ret)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	struct gs_error *err = gs_qmp_session_over(*socket, true, name, options, &qmp);

	if (err)
		return err;
	gs_take_fd(socket);
	qmp->is_bridged = true;
	qmp->transport->can_pass_fds = report->is_local;
	qmp->domain_uuid = strdup(report->is_local ? report->uuid : "");
	if (!qmp->domain_uuid)
		return gs_error_nomem();
	err = gs_qmp_greet(qmp);
	if (!err)
		*ret = gs_take(qmp);
	return err;
}

struct gs_error *gs_qmp_connect_libvirt(const struct gs_qmp_address *address,
					const struct gs_qmp_options *options, struct gs_qmp **ret)
{
	gs_autofree char *name = gs_qmp_address_text(address);
	uint64_t deadline_ms = gs_deadline_in(gs_qmp_greeting_ms(options));
	const char *uri = options ? options->libvirt_uri : NULL;
	struct gs_qmp_bridge_report report;
	gs_autoclose int socket = -1;
	struct gs_error *err;

	if (!name)
		return gs_error_nomem();
	err = open_bridge(address, uri, deadline_ms, &socket, &report);
	if (err)
		return gs_error_wrap(err, "%s", name);
	return open_session(&socket, name, options, &report, ret);
}
#else
struct gs_error *gs_qmp_connect_libvirt(const struct gs_qmp_address *address,
					const struct gs_qmp_options *options, struct gs_qmp **ret)
{
	(void)options;
	(void)ret;
	return gs_error_create(GS_ERROR_UNSUPPORTED, "libvirt:%s: built without libvirt",
			       address->path);
}
#endif
