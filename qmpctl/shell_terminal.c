/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shell on a terminal: readline, driven by poll(). It keeps the terminal in its own mode while
 * a command runs, so that what is typed ahead is there for the next line, Ctrl-D and all.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "shell.h"

/* readline's callbacks have no argument of their own. */
static struct {
	struct shell *shell;
	bool is_up; /* the prompt */
	bool has_ended;
	char *line;                             /* that was completed; owned */
	struct gs_text entry;                   /* for the history: all lines of one command */
	struct gs_schema_candidates candidates; /* while readline asks for them */
	size_t next_candidate;
} terminal;

/* ---- completion ---- */

static char *next_candidate(const char *text, int state)
{
	(void)text;
	if (!state)
		terminal.next_candidate = 0;
	if (terminal.next_candidate >= terminal.candidates.count)
		return NULL;
	return strdup(terminal.candidates.words[terminal.next_candidate++]);
}

/* "key=" and "path/" want to be gone on with. */
static int character_behind(const struct gs_schema_candidates *c)
{
	const char *word = c->count == 1 ? c->words[0] : "";

	return *word && strchr("=./:", word[strlen(word) - 1]) ? '\0' : ' ';
}

static char **complete_word(const char *text, int start, int end)
{
	struct gs_schema_candidates *c = &terminal.candidates;
	struct gs_error *err = shell_complete(terminal.shell, rl_line_buffer, (size_t)end, c);
	char **matches = NULL;

	rl_attempted_completion_over = 1; /* no file names instead */
	gs_error_destroy(err);
	if (!err && c->start == (size_t)start)
		matches = rl_completion_matches(text, next_candidate);
	rl_completion_append_character = character_behind(c);
	gs_schema_candidates_deinit(c);
	return matches;
}

/* ---- the line ---- */

static void take_line(char *line)
{
	rl_callback_handler_remove();
	terminal.is_up = false;
	terminal.has_ended = !line;
	terminal.line = line;
	if (!line)
		puts(""); /* the prompt's line ends */
}

static const char *prompt(const struct shell *s)
{
	static char text[64];
	const char *word = "qmp", *style = "1;32";

	if (s->input.held.size)
		word = "...", style = "2";
	else if (s->input.actions)
		word = "transaction", style = "1";
	else if (s->input.is_hmp)
		word = "hmp", style = "1;35";
	if (!s->color)
		snprintf(text, sizeof(text), "%s> ", word);
	else /* what takes no room stands between \001 and \002 */
		snprintf(text, sizeof(text), "\001\033[%sm\002%s>\001\033[0m\002 ", style, word);
	return text;
}

static void put_up(struct shell *s)
{
	if (!terminal.is_up)
		rl_callback_handler_install(prompt(s), take_line);
	terminal.is_up = true;
}

void shell_terminal_hide(void)
{
	if (!terminal.is_up)
		return;
	rl_clear_visible_line();
	fflush(rl_outstream);
}

void shell_terminal_unhide(void)
{
	if (!terminal.is_up)
		return;
	fflush(stderr);
	rl_on_new_line();
	rl_redisplay();
}

/* Ctrl-C: what was typed stays to be seen, but counts no more. */
static void drop_line(struct shell *s)
{
	if (terminal.is_up) {
		rl_point = rl_end;
		rl_redisplay();
		fputs("^C\n", rl_outstream);
		rl_callback_sigcleanup();
		rl_free_line_state();
		rl_replace_line("", 0);
		rl_callback_handler_remove();
		terminal.is_up = false;
	}
	gs_text_clear(&terminal.entry);
	if (shell_input_drop(&s->input))
		gs_args_note(s->args, "dropped, nothing was sent");
	s->was_interrupted = false;
}

/* ---- signals ---- */

void shell_terminal_suspend(void)
{
	rl_deprep_terminal();
	raise(SIGSTOP);
	rl_prep_terminal(1);
	if (!terminal.is_up)
		return;
	rl_on_new_line();
	rl_forced_update_display();
}

void shell_terminal_resize(void)
{
	if (terminal.is_up)
		rl_resize_terminal();
}

static struct gs_error *take_signals(struct shell *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? gs_error_os(errno, "signalfd") : NULL;
}

/* ---- the session ---- */

/* A pasted text may be many lines. */
static void enter_lines(struct shell *s, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) && !s->is_over) {
		if (terminal.entry.size)
			gs_text_puts(&terminal.entry, " ");
		gs_text_puts(&terminal.entry, line);
		shell_enter(s, line);
		if (s->input.held.size)
			continue;
		if (terminal.entry.data)
			shell_history_add(terminal.entry.data);
		gs_text_clear(&terminal.entry);
	}
}

/* For readline, which would give the terminal back after each line. */
static void keep_terminal(void)
{
}

static void set_up(struct shell *s)
{
	terminal.shell = s;
	rl_readline_name = "qmpctl";
	rl_variable_bind("show-all-if-ambiguous", "on"); /* unless the user's inputrc differs */
	rl_initialize();
	rl_deprep_term_function = keep_terminal;
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_attempted_completion_function = complete_word;
	rl_completer_word_break_characters = " \t\n=";
	rl_completer_quote_characters = NULL;
	/* Questions and pagers would keep us from all else. */
	rl_completion_query_items = 0;
	rl_variable_bind("page-completions", "off");
	shell_history_load(s->args);
}

static void greet(const struct shell *s)
{
	const char *name = gs_args_guest(s->args);
	int version[3];

	gs_qmp_version(s->qmp, version);
	printf("%s: QEMU %d.%d.%d; help helps, Ctrl-D leaves\n", name ? name : gs_qmp_name(s->qmp),
	       version[0], version[1], version[2]);
}

static void serve(struct shell *s)
{
	while (!s->is_over && !terminal.has_ended && !ferror(stdout)) {
		bool more = shell_incoming(s);

		if (s->is_over)
			break;
		put_up(s);
		if (shell_poll(s, true, more ? 0 : -1))
			rl_callback_read_char();
		if (s->was_interrupted)
			drop_line(s);
		if (terminal.line) {
			enter_lines(s, terminal.line);
			free(gs_take(terminal.line));
		}
	}
}

struct gs_error *shell_run_terminal(struct shell *s)
{
	struct gs_error *err = take_signals(s);

	if (err)
		return err;
	set_up(s);
	if (!gs_args_quiet(s->args))
		greet(s);
	serve(s);
	if (terminal.is_up) {
		shell_terminal_hide();
		rl_callback_handler_remove();
		terminal.is_up = false;
	}
	rl_deprep_terminal();
	shell_history_save(s->args);
	gs_text_deinit(&terminal.entry);
	close(s->signal_fd);
	return NULL;
}
