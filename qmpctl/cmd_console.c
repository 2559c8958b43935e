/* SPDX-License-Identifier: GPL-2.0-or-later */
/* console: attach to a guest's serial line. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/time.h>

#include "attached.h"

#define TAIL_DEFAULT 10

/* "^]", "^A", a character, or none. */
static struct gs_error *parse_escape(const char *text, int *ret)
{
	if (strcmp(text, "none") == 0)
		*ret = ESCAPE_NONE;
	else if (text[0] == '^' && text[1] && !text[2] && toupper((unsigned char)text[1]) >= '@' &&
		 toupper((unsigned char)text[1]) <= '_')
		*ret = toupper((unsigned char)text[1]) - '@';
	else if (text[0] && !text[1])
		*ret = (unsigned char)text[0];
	else
		return gs_error_create(GS_ERROR_INVALID,
				       "--escape: '%s' is no key: '^]', say, 'x' or 'none'", text);
	return NULL;
}

static struct gs_error *parse(const struct gs_args *args, struct attached *a, uint64_t *timeout_ret)
{
	const char *escape = gs_args_get(args, "escape");
	struct gs_error *err = parse_escape(escape ? escape : "^]", &a->escape);

	if (!err)
		err = gs_args_u64(args, "tail", isatty(STDIN_FILENO) ? TAIL_DEFAULT : 0, &a->tail);
	if (!err)
		err = gs_args_duration(args, "timeout", GS_NO_DEADLINE, timeout_ret);
	a->expect = gs_args_get(args, "expect");
	if (!err && a->expect && !*a->expect)
		err = gs_error_create(GS_ERROR_INVALID, "--expect: no text to wait for");
	return err;
}

static struct gs_error *attach(const struct gs_args *args, struct gs_console *ret)
{
	const struct gs_qmp_options options = {.libvirt_uri = gs_args_connect(args)};
	gs_autofree char *run_dir = qmpctl_run_dir();

	if (!run_dir)
		return gs_error_nomem();
	return gs_guest_console(run_dir, gs_args_guest(args), gs_args_get(args, "chardev"),
				&options, ret);
}

static void greet(const struct gs_args *args, const struct attached *a)
{
	char key[] = {'^', (char)('@' + a->escape), '\0'};

	if (!isatty(STDIN_FILENO))
		return;
	if (a->escape >= ' ')
		memcpy(key, (char[]){(char)a->escape, '\0'}, 2);
	gs_args_note(args, "attached to %s%s%s", a->console->name,
		     a->escape == ESCAPE_NONE ? "" : "; leave with ",
		     a->escape == ESCAPE_NONE ? "" : key);
}

/* How it ended, as an exit status. What was not awaited cannot be missed. */
static int conclude(const struct gs_args *args, const struct attached *a)
{
	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		(void)!write(STDERR_FILENO, "\n", 1);
	if (a->end == ATTACHED_SIGNAL)
		return GS_EXIT_SIGNAL + a->signal;
	if (a->end == ATTACHED_TIMEOUT && a->expect)
		return gs_args_fail(args, gs_error_create(GS_ERROR_TIMEOUT,
							  "the guest did not write '%s' in time",
							  a->expect));
	if (a->end == ATTACHED_CLOSED && a->expect)
		return gs_args_fail(
			args,
			gs_error_create(GS_ERROR_GONE, "the line ended without '%s'", a->expect));
	if (a->end == ATTACHED_CLOSED)
		gs_args_note(args, "the line has ended");
	return GS_EXIT_OK;
}

int cmd_console(struct gs_args *args)
{
	struct gs_console console = {.fd = -1};
	struct attached a = {.console = &console};
	uint64_t timeout_ms;
	struct gs_error *err = parse(args, &a, &timeout_ms);
	int status;

	if (!err)
		err = attach(args, &console);
	if (!err) {
		greet(args, &a);
		a.deadline_ms = gs_deadline_in(timeout_ms);
		err = attached_run(&a);
	}
	status = err ? gs_args_fail(args, err) : conclude(args, &a);
	gs_console_deinit(&console);
	return status;
}
