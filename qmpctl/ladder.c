/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends a guest for sure, and no more rudely than it takes: powerdown, quit, SIGTERM, SIGKILL. */
#include <string.h>

#include <guestscope/base/time.h>

#include "qmpctl.h"

#define COMMAND_MS 5000 /* a monitor that does not answer for so long is no use */
#define LAST_WORDS_MS 1000

struct climber {
	const struct gs_args *args;
	const char *guest;
	const struct ladder *ladder;
	struct target target; /* without a session where the monitor is out of reach */
	struct descent *descent;
};

static void note_failure(const struct climber *c, const char *step, struct gs_error *err)
{
	gs_args_note(c->args, "%s: %s", step, err->message);
	gs_error_destroy(err);
}

/*
 * Waits for the end after @step. What keeps it from coming is noted, and no error: there are more
 * steps. true: QEMU is gone.
 */
static bool await_step(struct climber *c, const char *step, uint64_t timeout_ms)
{
	struct gs_error *err =
		await_end(&c->target, gs_deadline_in(timeout_ms), &c->descent->ending);

	if (!err && !c->descent->ending.stays) {
		c->descent->ended_by = step;
		return true;
	}
	if (!err)
		gs_args_note(c->args, "%s: the guest is down, but its QEMU stays", step);
	else if (err->code == GS_ERROR_TIMEOUT)
		gs_args_note(c->args, "%s: still there after %.1f s", step,
			     (double)timeout_ms / 1000);
	else
		gs_args_note(c->args, "%s: %s", step, err->message);
	gs_error_destroy(err);
	return false;
}

/* ---- powerdown ---- */

/* Whether the guest can feel its power button. */
static struct gs_error *prepare(struct climber *c, bool *ready_ret)
{
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_query_status(c->target.qmp, &status);

	if (err)
		return err;
	*ready_ret = status.running;
	if (!status.running && c->ladder->resume) {
		*ready_ret = true;
		return gs_qmp_simple(c->target.qmp, "cont");
	}
	if (!status.running)
		gs_args_note(c->args,
			     "powerdown: left out, as the guest is in state '%s' and would not "
			     "notice; --resume lets it run for that",
			     status.status);
	return NULL;
}

static bool power_down(struct climber *c)
{
	bool ready = false;
	struct gs_error *err;

	if (!c->target.qmp || !c->ladder->powerdown_ms)
		return false;
	err = prepare(c, &ready);
	if (!err && ready)
		err = gs_qmp_simple(c->target.qmp, "system_powerdown");
	if (err)
		note_failure(c, "powerdown", err);
	else if (ready)
		return await_step(c, "powerdown", c->ladder->powerdown_ms);
	return false;
}

/* ---- quit ---- */

static bool quit(struct climber *c)
{
	struct gs_error *err;

	if (!c->target.qmp || !c->ladder->quit_ms)
		return false;
	err = gs_qmp_execute(c->target.qmp, "quit", NULL, gs_deadline_in(c->ladder->quit_ms), NULL);
	if (!err || err->code == GS_ERROR_GONE) {
		gs_error_destroy(err);
		return await_step(c, "quit", c->ladder->quit_ms);
	}
	note_failure(c, "quit", err);
	return false;
}

/* ---- signals ---- */

static struct gs_error *find_process(struct climber *c)
{
	const struct gs_qmp_options options = {.libvirt_uri = gs_args_connect(c->args)};
	gs_autofree char *run_dir = qmpctl_run_dir();

	if (c->target.pidfd >= 0)
		return NULL;
	if (c->target.qmp)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "the guest is still there, and its process is not known "
				       "or not on this host: no signal can be sent");
	return run_dir ? gs_guest_process(run_dir, c->guest, &options, &c->target.pidfd)
		       : gs_error_nomem();
}

static struct gs_error *send_signals(struct climber *c)
{
	struct descent *d = c->descent;
	bool forced = false;
	struct gs_error *err = find_process(c);

	if (!err)
		err = gs_guest_end(c->target.pidfd, c->ladder->term_ms, &forced);
	if (err)
		return err;
	d->ended_by = forced ? "SIGKILL" : "SIGTERM";
	if (c->target.qmp)
		err = await_end(&c->target, gs_deadline_in(LAST_WORDS_MS), &d->ending);
	else
		d->ending = (struct ending){.reason = "disconnected", .synthetic = true};
	gs_error_destroy(err); /* it is gone, whatever its monitor has left to say */
	return NULL;
}

/* ---- the whole ---- */

/* Without a monitor there are still signals, if the process can be found. */
static struct gs_error *open_climber(struct climber *c)
{
	struct gs_error *err = target_open_guest(c->args, c->guest, COMMAND_MS, &c->target);
	struct gs_error *lost = err ? find_process(c) : NULL;

	if (lost) {
		gs_error_destroy(lost);
		return err;
	}
	if (err)
		note_failure(c, "signals only", err);
	return NULL;
}

struct gs_error *ladder_descend(const struct gs_args *args, const char *guest,
				const struct ladder *ladder, struct descent *ret)
{
	struct climber c = {
		.args = args,
		.guest = guest,
		.ladder = ladder,
		.target = {.pidfd = -1},
		.descent = ret,
	};
	struct gs_error *err = open_climber(&c);

	if (!err && !power_down(&c) && !quit(&c))
		err = send_signals(&c);
	target_close(&c.target);
	return err;
}
