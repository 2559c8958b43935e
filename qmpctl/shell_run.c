/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doing what a line says: checked, sent, awaited, while events are shown as they come. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "shell.h"

#define EVENTS_AT_A_TIME 256 /* then others get their turn */
#define PAST 1               /* a deadline: what is there is taken */

void shell_fail(struct shell *s, struct gs_error *err)
{
	if (s->line_number)
		err = gs_error_wrap(err, "line %zu", s->line_number);
	shell_terminal_hide();
	s->status = gs_args_fail(s->args, err);
	shell_terminal_unhide();
}

/* ---- what arrives by itself ---- */

/*
 * An end that was asked for is none to complain of. One that left the outcome of a command unknown
 * stays that.
 */
static void note_end(struct shell *s, struct gs_error *err)
{
	bool lost = s->status == GS_EXIT_LOST;

	s->is_over = true;
	if (s->quit_sent && err->code == GS_ERROR_GONE) {
		gs_error_destroy(err);
		return;
	}
	s->line_number = 0;
	shell_fail(s, gs_error_wrap(err, "the guest has ended"));
	if (lost)
		s->status = GS_EXIT_LOST;
}

static bool show_events(struct shell *s)
{
	for (int i = 0; i < EVENTS_AT_A_TIME; i++) {
		struct gs_qmp_event event;
		struct gs_error *err = gs_qmp_next_event(s->qmp, PAST, &event);

		if (err && err->code == GS_ERROR_TIMEOUT) {
			gs_error_destroy(err);
			return false;
		}
		if (err) {
			note_end(s, err);
			return false;
		}
		if (s->shows_events)
			shell_show_event(s, &event);
		gs_qmp_event_deinit(&event);
	}
	return true;
}

static void show_reply(struct shell *s, uint64_t id, const char *command, bool is_hmp)
{
	gs_autojson struct gs_json *value = NULL;
	struct gs_error *err = gs_qmp_await(s->qmp, id, PAST, &value);

	if (err && err->code == GS_ERROR_REFUSED)
		err = gs_error_wrap(err, "%s: %s", command, gs_qmp_error_class(s->qmp));
	s->quit_sent &= !err;
	if (err) {
		shell_fail(s, err);
	} else if (is_hmp && gs_json_string(value)) {
		shell_show_text(s, gs_json_string(value));
		if (gs_qmp_hmp_looks_failed(gs_json_string(value)))
			s->status = GS_EXIT_HMP;
	} else {
		shell_show_value(s, value);
	}
}

static void show_late(struct shell *s)
{
	for (size_t i = 0; i < s->late_count;) {
		struct shell_late late = s->late[i];

		if (!gs_qmp_answered(s->qmp, late.id)) {
			i++;
			continue;
		}
		memmove(&s->late[i], &s->late[i + 1], (--s->late_count - i) * sizeof(late));
		shell_terminal_hide();
		gs_args_note(s->args,
			     "the reply to %s, which nobody waits for any more:", late.command);
		shell_terminal_unhide();
		show_reply(s, late.id, late.command, late.is_hmp);
	}
}

bool shell_incoming(struct shell *s)
{
	bool more = show_events(s);

	show_late(s);
	return more || gs_qmp_has_pending(s->qmp);
}

static void note_signal(struct shell *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGINT:
		s->was_interrupted = true;
		break;
	case SIGTSTP:
		shell_terminal_suspend();
		break;
	case SIGWINCH:
		shell_terminal_resize();
		break;
	default:
		s->is_over = true;
		s->status = GS_EXIT_SIGNAL + (int)info.ssi_signo;
	}
}

bool shell_poll(struct shell *s, bool input, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = input ? STDIN_FILENO : -1, .events = POLLIN},
		{.fd = s->signal_fd, .events = POLLIN},
		{.fd = gs_qmp_fd(s->qmp), .events = POLLIN},
	};

	if (poll(fds, 3, timeout_ms) < 0)
		return false;
	if (fds[1].revents)
		note_signal(s);
	return fds[0].revents != 0;
}

/* ---- commands ---- */

/* true: the reply is there, or known not to come. false: a signal came instead. */
static bool await_reply(struct shell *s, uint64_t id, uint64_t deadline_ms)
{
	s->was_interrupted = false;
	while (!s->was_interrupted && s->status < GS_EXIT_SIGNAL) {
		bool more = shell_incoming(s);

		if (gs_qmp_answered(s->qmp, id) || gs_deadline_passed(deadline_ms))
			return true;
		more |= gs_qmp_has_pending(s->qmp);
		shell_poll(s, false, more ? 0 : gs_deadline_poll_ms(deadline_ms));
	}
	return false;
}

static void stop_waiting(struct shell *s, uint64_t id, const char *command, bool is_hmp)
{
	struct shell_late *late = &s->late[s->late_count++];

	*late = (struct shell_late){.id = id, .is_hmp = is_hmp};
	snprintf(late->command, sizeof(late->command), "%s", command);
	s->was_interrupted = false;
	puts("^C"); /* which the terminal does not show by itself */
	fflush(stdout);
	gs_args_note(s->args, "%s: not waited for any more; its reply is shown when it comes",
		     command);
}

/* Takes @arguments. */
static void run(struct shell *s, const char *command, struct gs_json *arguments, bool is_hmp)
{
	struct gs_error *err;
	uint64_t id;

	if (s->late_count == SHELL_LATE_MAX) {
		gs_json_destroy(arguments);
		err = gs_error_create(GS_ERROR_BUSY, "%d commands are without a reply",
				      SHELL_LATE_MAX);
	} else {
		err = gs_qmp_send(s->qmp, command, arguments, &id);
	}
	if (err) {
		shell_fail(s, err);
		return;
	}
	s->quit_sent |= strcmp(command, "quit") == 0;
	if (await_reply(s, id, gs_deadline_in(s->timeout_ms)))
		show_reply(s, id, command, is_hmp);
	else if (s->was_interrupted)
		stop_waiting(s, id, command, is_hmp);
}

static struct gs_error *check(struct shell *s, const char *command, const struct gs_json *arguments)
{
	gs_autojson struct gs_json *notes = NULL;
	struct gs_error *err;

	if (!s->schema || gs_args_has(s->args, "no-check"))
		return NULL;
	err = gs_schema_check(s->schema, command, arguments, &notes);
	gs_json_for_each (note, notes)
		gs_args_note(s->args, "%s", gs_json_string(note));
	return err;
}

/* Takes @arguments. */
static struct gs_error *run_checked(struct shell *s, const char *command, struct gs_json *arguments)
{
	gs_autojson struct gs_json *owned = arguments;
	struct gs_error *err = check(s, command, arguments);

	if (!err)
		run(s, command, gs_take(owned), false);
	return err;
}

static struct gs_error *run_hmp(struct shell *s, const char *text)
{
	gs_autojson struct gs_json *arguments = gs_json_new_object();

	if (!gs_json_set(arguments, "command-line", gs_json_new_string(text)))
		return gs_error_nomem();
	run(s, "human-monitor-command", gs_take(arguments), true);
	return NULL;
}

/* ---- transactions ---- */

/* {"actions": @actions}; takes it. NULL: out of memory. */
static struct gs_json *wrap_actions(struct gs_json *actions)
{
	gs_autojson struct gs_json *arguments = gs_json_new_object();

	return gs_json_set(arguments, "actions", actions) ? gs_take(arguments) : NULL;
}

/* An action is checked when it is typed, in a transaction of its own. */
static struct gs_error *check_action(struct shell *s, const struct gs_json *action)
{
	gs_autojson struct gs_json *actions = gs_json_new_array(), *arguments = NULL;

	if (!gs_json_append(actions, gs_json_copy(action)))
		return gs_error_nomem();
	arguments = wrap_actions(gs_take(actions));
	return arguments ? check(s, "transaction", arguments) : gs_error_nomem();
}

static struct gs_error *add_action(struct shell *s, struct call *call)
{
	gs_autojson struct gs_json *action = gs_json_new_object();
	struct gs_json *data = call->arguments ? gs_take(call->arguments) : gs_json_new_object();
	bool ok = gs_json_set(action, "type", gs_json_new_string(call->command));
	struct gs_error *err;

	ok = gs_json_set(action, "data", data) && ok;
	if (!ok)
		return gs_error_nomem();
	err = check_action(s, action);
	if (!err && !gs_json_append(s->input.actions, gs_take(action)))
		err = gs_error_nomem();
	return err;
}

static struct gs_error *send_transaction(struct shell *s)
{
	bool is_spoiled = s->input.is_spoiled;
	gs_autojson struct gs_json *actions = gs_take(s->input.actions), *arguments = NULL;

	shell_input_drop(&s->input);
	if (is_spoiled)
		return gs_error_create(GS_ERROR_INVALID,
				       "transaction: not sent, as an action was wrong");
	arguments = wrap_actions(gs_take(actions));
	return arguments ? run_checked(s, "transaction", gs_take(arguments)) : gs_error_nomem();
}

static struct gs_error *run_action(struct shell *s, struct shell_request *r)
{
	struct gs_error *err = r->call.command ? add_action(s, &r->call) : NULL;

	if (err)
		s->input.is_spoiled = true;
	if (err && r->closes)
		shell_fail(s, gs_take(err));
	if (r->closes)
		err = send_transaction(s);
	return err;
}

/* ---- lines ---- */

static struct gs_error *obey(struct shell *s, struct shell_request *r)
{
	switch (r->what) {
	case SHELL_NOTHING:
	case SHELL_MORE:
		break;
	case SHELL_CALL:
		return run_checked(s, r->call.command, gs_take(r->call.arguments));
	case SHELL_ACTION:
		return run_action(s, r);
	case SHELL_HMP:
		return run_hmp(s, r->text);
	case SHELL_HELP:
		return shell_help(s, r->text);
	case SHELL_EVENTS:
		s->shows_events = r->on;
		break;
	case SHELL_TOGGLE_HMP:
		s->input.is_hmp = !s->input.is_hmp;
		break;
	case SHELL_LEAVE:
		s->is_over = true;
	}
	return NULL;
}

void shell_enter(struct shell *s, const char *line)
{
	struct shell_request request = {.what = SHELL_NOTHING};
	struct gs_error *err = shell_line(&s->input, line, &request);

	if (!err)
		err = obey(s, &request);
	if (err)
		shell_fail(s, err);
	shell_request_deinit(&request);
}
