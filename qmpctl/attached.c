/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies between our terminal (or whatever stdin and stdout are) and a guest's serial line.
 *
 * Where there is a log of the line, that is followed, so that there is no gap between the lines
 * before and after we attached, and the guest is never kept waiting for us.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/time.h>

#include "attached.h"

#define CHUNK 4096
#define TAIL_MAX (256 * 1024)

/* ---- what the guest writes ---- */

static void search(struct attached *a, const char *data, size_t size)
{
	size_t wanted = a->expect ? strlen(a->expect) : 0, keep = wanted ? wanted - 1 : 0;

	if (!wanted)
		return;
	gs_text_append(&a->seen, data, size);
	if (a->seen.failed)
		return;
	if (memmem(a->seen.data, a->seen.size, a->expect, wanted))
		a->end = ATTACHED_ESCAPED;
	if (a->seen.size > keep) {
		memmove(a->seen.data, a->seen.data + a->seen.size - keep, keep);
		a->seen.size = keep;
	}
}

static struct gs_error *show(struct attached *a, const char *data, size_t size)
{
	if (gs_write_full(STDOUT_FILENO, data, size) < 0)
		return gs_error_os(errno, "stdout");
	search(a, data, size);
	return a->seen.failed ? gs_error_nomem() : NULL;
}

static struct gs_error *show_log(struct attached *a)
{
	char chunk[CHUNK];
	ssize_t size = 1;
	struct gs_error *err = NULL;

	while (!err && size > 0) {
		size = gs_read_full(a->log_fd, chunk, sizeof(chunk));
		if (size < 0)
			return gs_error_os(errno, "%s", a->console->log);
		err = show(a, chunk, (size_t)size);
	}
	return err;
}

/* The queue only says that there is something to read. */
static struct gs_error *note_log(struct attached *a)
{
	char events[CHUNK] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(a->inotify_fd, events, sizeof(events)) > 0)
		;
	return show_log(a);
}

/* Something is to be read from the line, or it is at its end. */
static struct gs_error *receive(struct attached *a)
{
	bool readable = a->log_fd < 0;
	char chunk[CHUNK];
	ssize_t size = readable ? read(a->console->fd, chunk, sizeof(chunk)) : 0;

	if (size > 0)
		return show(a, chunk, (size_t)size);
	if (size == 0 || (errno != EAGAIN && errno != EINTR)) /* a pty ends with EIO */
		a->end = ATTACHED_CLOSED;
	return NULL;
}

/* ---- what the user types ---- */

/* Up to the key that ends it all. */
static void cut_at_escape(struct attached *a)
{
	const char *key = NULL;

	if (a->terminal.is_raw && a->escape != ESCAPE_NONE)
		key = memchr(a->input, a->escape, a->input_size);
	if (!key)
		return;
	a->input_size = (size_t)(key - a->input);
	a->end = ATTACHED_ESCAPED;
}

static struct gs_error *read_input(struct attached *a)
{
	ssize_t size = read(STDIN_FILENO, a->input, sizeof(a->input));

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return NULL;
	if (size < 0 && errno != EIO)
		return gs_error_os(errno, "stdin");
	a->input_sent = 0;
	a->input_size = size > 0 ? (size_t)size : 0;
	if (size > 0) {
		cut_at_escape(a);
		return NULL;
	}
	a->reads_input = false;
	if (a->terminal.is_raw) /* it hung up */
		a->end = ATTACHED_ESCAPED;
	return NULL;
}

static void send_input(struct attached *a)
{
	ssize_t size =
		write(a->console->fd, a->input + a->input_sent, a->input_size - a->input_sent);

	if (size > 0)
		a->input_sent += (size_t)size;
	else if (size < 0 && errno != EAGAIN && errno != EINTR)
		a->end = ATTACHED_CLOSED;
	if (a->input_sent == a->input_size)
		a->input_sent = a->input_size = 0;
}

/* ---- signals ---- */

/* Our own stop: the terminal is the shell's meanwhile. */
static void stand_by(struct attached *a)
{
	bool was_raw = a->terminal.is_raw;

	terminal_restore(&a->terminal);
	raise(SIGSTOP);
	if (was_raw)
		terminal_make_raw(&a->terminal);
}

static void take_signal(struct attached *a)
{
	struct signalfd_siginfo info;

	if (read(a->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGTSTP) {
		stand_by(a);
		return;
	}
	a->signal = (int)info.ssi_signo;
	a->end = ATTACHED_SIGNAL;
}

/* ---- the loop ---- */

enum { FD_INPUT, FD_LINE, FD_LOG, FD_SIGNAL, FD_COUNT };

static struct gs_error *serve(struct attached *a, const struct pollfd *fds)
{
	struct gs_error *err = NULL;

	if (fds[FD_SIGNAL].revents)
		take_signal(a);
	if (fds[FD_LOG].revents)
		err = note_log(a);
	if (!err && fds[FD_LINE].revents & POLLOUT)
		send_input(a);
	if (!err && fds[FD_LINE].revents & ~POLLOUT)
		err = receive(a);
	if (!err && fds[FD_INPUT].revents)
		err = read_input(a);
	return err;
}

static struct gs_error *turn(struct attached *a)
{
	bool sends = a->input_sent < a->input_size;
	short events = (a->log_fd < 0 ? POLLIN : 0) | (sends ? POLLOUT : 0);
	struct pollfd fds[FD_COUNT] = {
		[FD_INPUT] = {.fd = a->reads_input && !sends ? STDIN_FILENO : -1, .events = POLLIN},
		[FD_LINE] = {.fd = a->console->fd, .events = events},
		[FD_LOG] = {.fd = a->inotify_fd, .events = POLLIN},
		[FD_SIGNAL] = {.fd = a->signal_fd, .events = POLLIN},
	};

	if (poll(fds, FD_COUNT, gs_deadline_poll_ms(a->deadline_ms)) < 0)
		return errno == EINTR ? NULL : gs_error_os(errno, "poll");
	if (gs_deadline_passed(a->deadline_ms))
		a->end = ATTACHED_TIMEOUT;
	return serve(a, fds);
}

/* What was typed before the escape key; or the end of the log, now that QEMU has closed it. */
static struct gs_error *finish(struct attached *a)
{
	if (a->end == ATTACHED_ESCAPED && a->input_size)
		send_input(a);
	return a->end == ATTACHED_CLOSED && a->log_fd >= 0 ? show_log(a) : NULL;
}

/* ---- the start ---- */

static struct gs_error *catch_signals(struct attached *a)
{
	static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				      SIGALRM, SIGUSR1, SIGUSR2, SIGTSTP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return a->signal_fd < 0 ? gs_error_os(errno, "signalfd") : NULL;
}

/* Offset of the last @lines lines of the @size bytes at @text; a last line may be unfinished. */
static size_t find_tail(const char *text, size_t size, uint64_t lines)
{
	size_t at = size;

	if (!lines)
		return size;
	if (at && text[at - 1] == '\n')
		at--;
	for (; at; at--) {
		if (text[at - 1] == '\n' && !--lines)
			break;
	}
	return at;
}

/* The log's last lines, and its position behind them. */
static struct gs_error *show_tail(struct attached *a)
{
	gs_autofree char *text = malloc(TAIL_MAX);
	struct stat st;
	off_t off;
	ssize_t size;
	size_t at;

	if (!text)
		return gs_error_nomem();
	if (fstat(a->log_fd, &st) < 0)
		return gs_error_os(errno, "%s", a->console->log);
	off = st.st_size > TAIL_MAX ? st.st_size - TAIL_MAX : 0;
	size = gs_pread_full(a->log_fd, text, (size_t)(st.st_size - off), (uint64_t)off);
	if (size < 0 || lseek(a->log_fd, off + size, SEEK_SET) < 0)
		return gs_error_os(errno, "%s", a->console->log);
	at = find_tail(text, (size_t)size, a->tail);
	if (gs_write_full(STDOUT_FILENO, text + at, (size_t)size - at) < 0)
		return gs_error_os(errno, "stdout");
	return NULL;
}

static struct gs_error *open_log(struct attached *a)
{
	const char *path = a->console->log;

	if (!path)
		return NULL;
	a->log_fd = open(path, O_RDONLY | O_CLOEXEC);
	a->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (a->log_fd < 0 || a->inotify_fd < 0 ||
	    inotify_add_watch(a->inotify_fd, path, IN_MODIFY) < 0)
		return gs_error_os(errno, "%s", path);
	return show_tail(a);
}

static struct gs_error *begin(struct attached *a)
{
	struct gs_error *err;

	a->terminal.fd = STDIN_FILENO;
	a->reads_input = true;
	a->signal_fd = a->inotify_fd = a->log_fd = -1;
	if (fcntl(a->console->fd, F_SETFL, fcntl(a->console->fd, F_GETFL) | O_NONBLOCK) < 0)
		return gs_error_os(errno, "%s", a->console->name);
	err = catch_signals(a);
	if (!err)
		err = open_log(a);
	if (!err)
		terminal_make_raw(&a->terminal);
	return err;
}

struct gs_error *attached_run(struct attached *a)
{
	struct gs_error *err = begin(a);

	while (!err && a->end == ATTACHED_GOES_ON)
		err = turn(a);
	if (!err)
		err = finish(a);
	terminal_restore(&a->terminal);
	gs_text_deinit(&a->seen);
	gs_close_cleanup(&a->signal_fd);
	gs_close_cleanup(&a->inotify_fd);
	gs_close_cleanup(&a->log_fd);
	return err;
}
