/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate, and the keeper's side of it. */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

struct gatekeeper {
	struct gs_exec_mark mark;
	int fd; /* to the keeper; its end is ours */
	pid_t keeper;
	uint32_t asked, answered; /* numbers of the last ones */
	uint64_t despair_ms;      /* if they still differ then */
};

/* ---- the gate itself ---- */

/* An exec that hangs on us while a core is written, or memory is found, hangs for long. */
static void be_reliable(void)
{
	const struct rlimit none = {0, 0};
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	if (fd >= 0) {
		(void)!write(fd, "-1000", 5);
		close(fd);
	}
}

static bool say(const struct gatekeeper *self, const struct gs_gate_message *message)
{
	return send(self->fd, message, sizeof(*message), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

/* What it has answered by now. Without the keeper there is nothing to do. */
static void hear_answers(struct gatekeeper *self)
{
	struct gs_gate_message answer;
	ssize_t size;

	while ((size = recv(self->fd, &answer, sizeof(answer), MSG_DONTWAIT)) > 0)
		self->answered = answer.number;
	if (size == 0 || (errno != EAGAIN && errno != EINTR))
		_exit(0);
}

static void await_answer(struct gatekeeper *self)
{
	uint64_t deadline_ms = gs_deadline_in(GS_GATE_PATIENCE_MS);

	while (self->answered != self->asked && !gs_deadline_passed(deadline_ms)) {
		struct pollfd p = {.fd = self->fd, .events = POLLIN};

		if (poll(&p, 1, gs_deadline_poll_ms(deadline_ms)) > 0)
			hear_answers(self);
	}
	if (self->answered != self->asked)
		self->despair_ms = gs_deadline_in(GS_GATE_DESPAIR_MS - GS_GATE_PATIENCE_MS);
}

static void serve(struct gatekeeper *self, const struct gs_exec_attempt *attempt)
{
	struct gs_gate_message message = {.word = GS_GATE_EXEC,
					  .number = self->asked + 1,
					  .tid = attempt->tid,
					  .dev = attempt->dev,
					  .ino = attempt->ino};
	bool is_heard = self->answered == self->asked && say(self, &message);

	if (is_heard) {
		self->asked++;
		await_answer(self);
	}
	gs_exec_mark_allow(&self->mark, attempt);
	if (!is_heard || self->answered != self->asked) {
		message.word = GS_GATE_LATE;
		say(self, &message);
	}
}

/* It is our parent, or we have heard of its end. */
static void give_up_on_keeper(const struct gatekeeper *self)
{
	if (getppid() == self->keeper)
		kill(self->keeper, SIGKILL);
	_exit(1);
}

static void look_at_path(struct gatekeeper *self)
{
	struct gs_gate_message message = {.word = GS_GATE_MOVED};
	enum gs_exec_mark_change change = gs_exec_mark_refresh(&self->mark);

	if (change == GS_EXEC_MARK_MISSING)
		message.word = GS_GATE_MISSING;
	if (change != GS_EXEC_MARK_SAME)
		say(self, &message);
}

static void step(struct gatekeeper *self)
{
	struct pollfd fds[] = {{.fd = self->mark.fan_fd, .events = POLLIN},
			       {.fd = self->fd, .events = POLLIN},
			       {.fd = self->mark.notify_fd, .events = POLLIN}};
	struct gs_exec_attempt attempt;
	int count = poll(fds, 3, GS_GATE_LOOK_MS);

	if (count > 0 && fds[0].revents && gs_exec_mark_next(&self->mark, &attempt))
		serve(self, &attempt);
	hear_answers(self);
	if (self->answered != self->asked && gs_deadline_passed(self->despair_ms))
		give_up_on_keeper(self);
	if (count == 0 || (count > 0 && fds[2].revents))
		look_at_path(self);
}

__attribute__((noreturn)) static void be_gate(const struct gs_exec_mark *mark, int fd, pid_t keeper)
{
	const struct gs_gate_message ready = {.word = GS_GATE_READY};
	struct gatekeeper self = {.mark = *mark, .keeper = keeper};
	int fds[2] = {fd, mark->fan_fd};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper || !gs_process_isolate("tracehooks-gate", fds, 2))
		_exit(1);
	be_reliable();
	self.fd = GS_ISOLATED_FD(0);
	self.mark.fan_fd = GS_ISOLATED_FD(1);
	if (!gs_exec_mark_arm(&self.mark) || !say(&self, &ready))
		_exit(1);
	while (true)
		step(&self);
}

/* ---- the keeper's side ---- */

bool gs_gate_start(struct gs_gate *gate, struct gs_exec_mark *mark)
{
	gs_autoerror struct gs_error *err = NULL;
	struct gs_gate_message message;
	pid_t keeper = getpid();
	ssize_t size;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	*gate = (struct gs_gate){.fd = pair[0], .pidfd = -1, .pid = fork()};
	if (gate->pid == 0)
		be_gate(mark, pair[1], keeper);
	close(pair[1]);
	gs_exec_mark_close(mark);
	if (gate->pid < 0)
		return false;
	err = gs_pidfd_open(gate->pid, &gate->pidfd);
	do
		size = recv(gate->fd, &message, sizeof(message), 0);
	while (size < 0 && errno == EINTR);
	return !err && size == (ssize_t)sizeof(message) && message.word == GS_GATE_READY;
}

bool gs_gate_hear(struct gs_gate *gate, struct gs_gate_message *ret)
{
	ssize_t size = recv(gate->fd, ret, sizeof(*ret), MSG_DONTWAIT);

	if (size == (ssize_t)sizeof(*ret))
		return true;
	if (size >= 0 || (errno != EAGAIN && errno != EINTR))
		gs_gate_stop(gate);
	return false;
}

void gs_gate_answer(const struct gs_gate *gate, const struct gs_gate_message *request)
{
	(void)!send(gate->fd, request, sizeof(*request), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void kill_gate(const struct gs_gate *gate)
{
	gs_error_destroy(gs_pidfd_signal(gate->pidfd, SIGKILL)); /* it may have ended */
}

/* Twice in a row: it may be a moment only. */
void gs_gate_look(struct gs_gate *gate)
{
	struct gs_proc_stat stat;
	bool is_halted;

	if (!gs_deadline_passed(gate->look_ms))
		return;
	gate->look_ms = gs_deadline_in(GS_GATE_LOOK_MS);
	is_halted = gs_proc_stat(gate->pid, &stat) && strchr("Tt", stat.state);
	if (is_halted && gate->halted)
		kill_gate(gate);
	gate->halted = is_halted;
}

void gs_gate_stop(struct gs_gate *gate)
{
	if (gate->fd < 0)
		return;
	kill_gate(gate);
	close(gate->pidfd);
	close(gate->fd);
	gate->fd = -1;
}
