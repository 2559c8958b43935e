/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front end of a keeper that lives as long as a launch does.
 *
 * The tool joins the rooms: `launch` tells when QEMU's process is there, and `hold` holds it. None
 * of the two knows the other.
 */
#include "launch_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>
#include <guestscope/hold/report.h>

#define HOLD_MAX_MS (10 * 60 * 1000)
#define SCRIPT_MS 60000 /* until a script has begun what it is for */

/* ---- what happens ---- */

static void print(const struct launch_hold *hold, const struct gs_keeper_event *event)
{
	struct gs_hold_record record = {0};
	gs_autoerror struct gs_error *none = gs_hold_record_read(hold->dir, event->id, &record);
	gs_autotext struct gs_text text = {0};

	gs_hold_put_event(&text, "qmpctl", event, none ? NULL : &record);
	gs_hold_record_deinit(&record);
	if (!text.failed && (!gs_args_quiet(hold->args) || event->kind == GS_KEEPER_HELD))
		fputs(text.data, stderr);
}

/* The keeper traces what is not held, too: it has to go before a debugger can come later. */
static void end_keeper(struct launch_hold *hold)
{
	if (hold->keeper)
		gs_keeper_stop(hold->keeper);
	hold->keeper = NULL;
	hold->state = LAUNCH_FREE;
}

static void take_event(struct launch_hold *hold, struct gs_keeper_event *event)
{
	if (gs_keeper_seek_main(hold->keeper, event))
		return;
	if (event->kind == GS_KEEPER_IDLE) {
		hold->state = LAUNCH_FREE;
		return;
	}
	print(hold, event);
	if (event->kind == GS_KEEPER_HELD)
		hold->state = LAUNCH_HELD;
	else if (event->kind == GS_KEEPER_DEBUGGED)
		hold->state = LAUNCH_DEBUGGED;
	else if (event->kind == GS_KEEPER_RELEASED || event->kind == GS_KEEPER_ENDED)
		hold->state = LAUNCH_FREE;
}

static void take_events(struct launch_hold *hold)
{
	struct gs_keeper_event event;
	struct gs_error *err = NULL;

	while (hold->state != LAUNCH_FREE && !(err = gs_keeper_next(hold->keeper, &event)))
		take_event(hold, &event);
	if (err && err->code == GS_ERROR_GONE) {
		gs_args_note(hold->args, "%s", err->message);
		hold->state = LAUNCH_FREE;
	}
	gs_error_destroy(err);
	if (hold->state == LAUNCH_FREE)
		end_keeper(hold);
}

/* ---- for the launch ---- */

/* A script is run by a shell, and may call others: QEMU is told by its name then. */
static bool is_script(const char *program)
{
	gs_autofree char *path = NULL;
	gs_autoerror struct gs_error *err = gs_program_find(program, &path);
	gs_autoclose int fd = err ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	char magic[2];

	return fd >= 0 && gs_read_full(fd, magic, 2) == 2 && memcmp(magic, "#!", 2) == 0;
}

static struct gs_error *born(void *arg, pid_t pid, const char *program)
{
	struct launch_hold *hold = arg;
	struct gs_error *err;

	end_keeper(hold); /* of a first start that QEMU has refused */
	hold->state = LAUNCH_AWAITED;
	hold->wish = (struct gs_hold_wish){.exec = is_script(program) ? "*qemu*" : NULL};
	err = gs_keeper_start(&hold->options, &hold->keeper);
	return err ? err : gs_keeper_seize(hold->keeper, pid);
}

static struct gs_error *begun(void *arg)
{
	struct launch_hold *hold = arg;
	uint64_t deadline_ms = gs_deadline_in(SCRIPT_MS);

	while (hold->state < LAUNCH_DEBUGGED) {
		struct pollfd fds[] = {{.fd = gs_keeper_fd(hold->keeper), .events = POLLIN},
				       {.fd = hold->cancel_fd, .events = POLLIN}};
		bool is_awaited = hold->state == LAUNCH_AWAITED;

		if (poll(fds, 2, is_awaited ? gs_deadline_poll_ms(deadline_ms) : -1) < 0 &&
		    errno != EINTR)
			return gs_error_os(errno, "poll");
		if (fds[1].revents) {
			end_keeper(hold);
			return gs_error_os(EINTR, "QEMU is held");
		}
		take_events(hold);
		if (hold->state == LAUNCH_AWAITED && gs_deadline_passed(deadline_ms)) {
			gs_args_note(hold->args, "not held: the script has executed no *qemu*");
			end_keeper(hold);
		}
	}
	return NULL;
}

static bool is_halted(void *arg)
{
	struct launch_hold *hold = arg;

	if (hold->keeper)
		take_events(hold);
	return hold->state == LAUNCH_DEBUGGED;
}

/* ---- as the options have it ---- */

struct gs_error *launch_hold_init(struct launch_hold *hold, const struct gs_args *args,
				  int cancel_fd)
{
	const char *where = gs_args_get(args, "hold");
	uint64_t ms = 0;
	struct gs_error *err = gs_args_duration(args, "hold-max", HOLD_MAX_MS, &ms);

	*hold = (struct launch_hold){.is_wanted = gs_args_has(args, "hold"),
				     .watch = {born, begun, is_halted, hold},
				     .args = args,
				     .cancel_fd = cancel_fd,
				     .dir = gs_hold_dir(getenv("XDG_RUNTIME_DIR")),
				     .state = LAUNCH_FREE};
	if (!err && gs_args_has(args, "hold-max") && !hold->is_wanted)
		err = gs_error_create(GS_ERROR_INVALID, "--hold-max: without --hold");
	if (!err && ms / 1000 > UINT_MAX)
		err = gs_error_create(GS_ERROR_INVALID, "--hold-max: too long");
	if (!err && !hold->dir)
		err = gs_error_nomem();
	hold->options = (struct gs_keeper_options){.wish = &hold->wish,
						   .dir = hold->dir,
						   .hold_max_s = (unsigned int)((ms + 999) / 1000),
						   .to_main = where && strcmp(where, "main") == 0};
	return err;
}

void launch_hold_deinit(struct launch_hold *hold)
{
	end_keeper(hold);
	free(hold->dir);
}
