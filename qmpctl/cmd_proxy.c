/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proxy: a guest's monitor for many clients. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/proxy.h>

#include "qmpctl.h"

static void log_line(void *arg, const char *line)
{
	gs_autotext struct gs_text text = {0};

	(void)arg;
	gs_text_puts_printable(&text, line); /* names of processes are what those want */
	if (text.data)
		fprintf(stderr, "qmpctl: %s\n", text.data);
}

/* Readable once we are told to stop: the socket is to be removed before we go. */
static struct gs_error *catch_signals(int *fd_ret)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (fd < 0)
		return gs_error_os(errno, "signalfd");
	*fd_ret = fd;
	return NULL;
}

/* A descriptor for each client, and one for what it may pass. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static struct gs_error *read_options(const struct gs_args *args, struct gs_proxy_options *ret)
{
	uint64_t clients = 0, request = 0;
	struct gs_error *err = gs_args_u64(args, "max-clients", 0, &clients);

	if (!err)
		err = gs_args_size(args, "max-request", 0, &request);
	if (err)
		return err;
	*ret = (struct gs_proxy_options){
		.allow_quit = gs_args_has(args, "allow-quit"),
		.client_max = clients,
		.request_max = request,
		.log = gs_args_verbose(args) ? log_line : NULL,
	};
	return NULL;
}

static struct gs_error *open_listener(const struct gs_args *args, struct gs_proxy_listener *ret)
{
	struct gs_qmp_address address = {.fd = -1};
	struct gs_error *err = gs_qmp_address_parse(gs_args_at(args, 0), &address);

	if (err)
		return err;
	if (address.kind == GS_QMP_TCP || (address.path && *address.path == '@'))
		gs_args_note(args,
			     "anyone who can connect to %s can do anything to the guest: there is "
			     "no authentication",
			     gs_args_at(args, 0));
	err = gs_proxy_listen(&address, gs_args_has(args, "insecure"), ret);
	gs_qmp_address_deinit(&address);
	return err;
}

/* Whoever waits for this line can connect now. */
static struct gs_error *announce(const struct gs_args *args, const struct gs_qmp *qmp)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "listen", "Listening", gs_args_at(args, 0));
	gs_emit_string(e, "monitor", "Monitor", gs_qmp_name(qmp));
	gs_emit_end(e);
	return gs_emit_finish(e);
}

static struct gs_error *serve(const struct gs_args *args, struct gs_proxy_options *options)
{
	struct gs_proxy_listener listener = {.fd = -1};
	auto_target struct target target = {.pidfd = -1};
	gs_autoclose int stop_fd = -1;
	struct gs_error *err = target_open(args, 0, &target);

	/* A monitor that is silent is known as such before clients come, and while signals end us.
	 */
	if (!err)
		err = gs_qmp_simple(target.qmp, "query-version");
	if (!err)
		err = catch_signals(&stop_fd);
	if (!err)
		err = open_listener(args, &listener);
	if (err)
		return err;
	options->stop_fd = stop_fd;
	err = announce(args, target.qmp);
	if (!err)
		err = gs_proxy_run(target.qmp, listener.fd, options);
	gs_proxy_listener_close(&listener);
	return err;
}

int cmd_proxy(struct gs_args *args)
{
	struct gs_proxy_options options;
	struct gs_error *err = read_options(args, &options);

	if (err)
		return gs_args_fail(args, err);
	raise_limit();
	return gs_args_fail(args, serve(args, &options));
}
