/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Launches a guest: claim a folder, spawn QEMU, await its first answer, await the guest's own.
 *
 * Our copies of what QEMU inherits are closed as soon as it runs, so that a monitor without QEMU
 * is a broken connection and not silence.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "internal.h"

#define TIMEOUT_DEFAULT_MS 60000
#define END_GRACE_MS 3000
#define GREETING_MS 2000 /* then knock again: a first connection can go unheard under load */
#define LOG_SIZE_MAX (1 << 20)
#define WORDS_LINES 8
#define SERIAL_LINES 2

struct start {
	const struct gs_launch *launch;
	struct gs_claim claim;
	struct gs_process process;
	struct gs_guest guest;
	bool kvm; /* the accelerator in use; known once QEMU answered */
	uint64_t deadline_ms;
};

static uint64_t deadline_of(const struct gs_launch *launch)
{
	return gs_deadline_in(launch->timeout_ms ? launch->timeout_ms : TIMEOUT_DEFAULT_MS);
}

/* Whether the time is over. While QEMU is halted it does not count. */
static bool is_late(struct start *s)
{
	const struct gs_launch_watch *watch = s->launch->watch;

	if (!gs_deadline_passed(s->deadline_ms))
		return false;
	if (!watch || !watch->is_halted(watch->arg))
		return true;
	s->deadline_ms = deadline_of(s->launch);
	return false;
}

static bool is_cancelled(const struct gs_launch *launch)
{
	struct pollfd cancel = {.fd = launch->cancel_fd, .events = POLLIN};

	return launch->cancel_fd > 0 && poll(&cancel, 1, 0) > 0;
}

/* ---- spawn ---- */

static struct gs_error *fill_guest(struct start *s, const struct gs_launch_setup *setup)
{
	s->guest = (struct gs_guest){
		.name = strdup(s->claim.name),
		.dir = strdup(s->claim.dir),
		.qemu = strdup(setup->qemu),
		.pid = s->process.pid,
		.mem_bytes = setup->plan.mem_bytes,
		.shared_ram = setup->plan.ram_fd >= 0,
		.started_sec = time(NULL),
	};
	return s->guest.name && s->guest.dir && s->guest.qemu ? NULL : gs_error_nomem();
}

/* Behind a gate, so that there is a record of every QEMU that runs, even if we die right here. */
static struct gs_error *spawn(struct start *s, const struct gs_launch_setup *setup)
{
	const struct gs_spawn_fd fds[] = {
		{s->claim.lock_fd, -1},
		{setup->plan.monitor_fds[0], -1},
		{setup->plan.monitor_fds[1], -1},
		{setup->plan.ram_fd, -1},
	};
	const struct gs_spawn how = {
		.argv = (const char *const *)setup->argv,
		.fds = fds,
		.fd_count = setup->plan.ram_fd >= 0 ? 4 : 3,
		.stdin_fd = -1,
		.stdout_fd = setup->log_fd,
		.stderr_fd = setup->log_fd,
		.detach = true,
		.gate = true,
	};
	const struct gs_launch_watch *watch = s->launch->watch;
	struct gs_error *err = gs_process_spawn(&how, &s->process);

	if (!err)
		err = fill_guest(s, setup);
	if (!err)
		err = gs_record_write(&s->guest, setup->plan.ram_fd, setup->argv);
	if (!err && watch)
		err = watch->born(watch->arg, s->process.pid, setup->qemu);
	if (!err)
		err = gs_process_open_gate(&s->process);
	return err;
}

/* Nothing runs after this, whether QEMU ran or waited behind its gate. */
static void end_process(struct start *s)
{
	if (s->process.pidfd >= 0 && s->process.gate_fd < 0)
		gs_error_destroy(gs_guest_end(s->process.pidfd, END_GRACE_MS, NULL));
	gs_process_deinit(&s->process);
	gs_guest_deinit(&s->guest);
}

/* ---- QEMU's first answer ---- */

/* Takes @err: what became of the monitor may be but the symptom of QEMU's end. */
static struct gs_error *explain(const struct start *s, struct gs_error *err)
{
	/* The connection breaks a little before the process is gone. */
	bool silent = err->code == GS_ERROR_BUSY || err->code == GS_ERROR_TIMEOUT;
	gs_autofree char *log = NULL;
	gs_autofree char *words = NULL;

	if (!gs_pidfd_wait(s->process.pidfd, gs_deadline_in(silent ? 0 : END_GRACE_MS)))
		return err;
	gs_error_destroy(err);
	log = gs_strf("%s/log", s->guest.dir);
	words = log ? gs_log_last_words(log, WORDS_LINES) : NULL;
	if (!words)
		return gs_error_nomem();
	return gs_error_create(GS_ERROR_GONE, "QEMU ended while starting%s%s",
			       words[0] ? ": " : " without a word", words);
}

/* One knock at the monitor's door. */
static struct gs_error *try_connect(const struct start *s, uint64_t greeting_ms,
				    struct gs_qmp **ret)
{
	const struct gs_qmp_options options = {.greeting_ms = greeting_ms};
	gs_autofree char *path = gs_strf("%s/qmp", s->guest.dir);
	const struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .path = path, .fd = -1};
	struct gs_error *err = path ? gs_qmp_connect(&address, &options, ret) : gs_error_nomem();

	return err ? explain(s, err) : NULL;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct gs_error *connect_first(struct start *s, struct gs_qmp **ret)
{
	for (uint64_t greeting_ms = GREETING_MS;; greeting_ms *= 2) {
		uint64_t now_ms = gs_now_ms();
		uint64_t left_ms = s->deadline_ms > now_ms ? s->deadline_ms - now_ms : 1;
		struct gs_error *err = try_connect(s, lesser(greeting_ms, left_ms), ret);

		if (!err || (err->code != GS_ERROR_BUSY && err->code != GS_ERROR_TIMEOUT))
			return err;
		gs_error_destroy(err);
		if (is_cancelled(s->launch))
			return gs_error_os(EINTR, "awaiting QEMU");
		if (is_late(s))
			return gs_error_create(GS_ERROR_TIMEOUT,
					       "QEMU started but its monitor does not answer; if "
					       "KVM may be the reason, try --accel tcg");
	}
}

/* The accelerator that QEMU has chosen, and the memory's size if that was not up to us. */
static void ask_facts(struct start *s, struct gs_qmp *qmp)
{
	gs_autojson struct gs_json *kvm = NULL;
	gs_autojson struct gs_json *memory = NULL;

	/* Before there is a machine (--preconfig) these are refused: then nothing is known. */
	gs_error_destroy(gs_qmp_execute(qmp, "query-kvm", NULL, 0, &kvm));
	s->kvm = gs_json_is_true(gs_json_get(kvm, "enabled"));
	gs_error_destroy(gs_qmp_execute(qmp, "query-memory-size-summary", NULL, 0, &memory));
	gs_json_u64(gs_json_get(memory, "base-memory"), &s->guest.mem_bytes);
}

static struct gs_error *begin(struct start *s)
{
	const struct gs_launch_watch *watch = s->launch->watch;
	struct gs_error *err = watch ? watch->begun(watch->arg) : NULL;

	if (watch)
		s->deadline_ms = deadline_of(s->launch);
	return err;
}

static struct gs_error *await_answer(struct start *s, const struct gs_launch_setup *setup)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	struct gs_qmp_status status;
	struct gs_error *err = begin(s);

	if (!err)
		err = connect_first(s, &qmp);
	if (err)
		return err;
	err = gs_qmp_query_status(qmp, &status);
	if (err)
		return explain(s, err);
	ask_facts(s, qmp);
	if (s->guest.mem_bytes == setup->plan.mem_bytes)
		return NULL;
	return gs_record_write(&s->guest, setup->plan.ram_fd, setup->argv);
}

/* ---- the whole ---- */

static struct gs_error *start_once(struct start *s, bool *vmcoreinfo)
{
	struct gs_launch_setup setup;
	struct gs_error *err = gs_launch_setup_init(&setup, s->launch, &s->claim, *vmcoreinfo);

	if (err)
		return err;
	*vmcoreinfo = setup.plan.vmcoreinfo;
	err = spawn(s, &setup);
	gs_launch_setup_hand_over(&setup);
	if (!err)
		err = await_answer(s, &setup);
	gs_launch_setup_deinit(&setup);
	if (err)
		end_process(s);
	return err;
}

static bool log_mentions(const struct start *s, const char *word)
{
	gs_autofree char *path = gs_strf("%s/log", s->claim.dir);
	gs_autofree char *log = NULL;
	gs_autoerror struct gs_error *err =
		path ? gs_read_file(path, LOG_SIZE_MAX, &log, NULL) : gs_error_nomem();

	return !err && strstr(log, word);
}

/*
 * Which machines take a vmcoreinfo device is known to QEMU alone, and asking costs as much as
 * trying. A refusal comes before the guest has run, so a second start is the first one for it.
 */
static struct gs_error *start_qemu(struct start *s)
{
	bool vmcoreinfo = true;
	struct gs_error *err = start_once(s, &vmcoreinfo);

	if (!err || err->code != GS_ERROR_GONE || !vmcoreinfo || !log_mentions(s, "vmcoreinfo"))
		return err;
	gs_error_destroy(err);
	vmcoreinfo = false;
	return start_once(s, &vmcoreinfo);
}

/* "kvm", or the name of what is there instead. */
static const char *accel_name(const struct start *s)
{
	const char *const *accels = s->launch->accels;

	if (s->kvm)
		return "kvm";
	return accels && accels[0] && !accels[1] ? accels[0] : "tcg";
}

/* Takes @err; adds what helps to understand why the guest did not say what it was to say. */
static struct gs_error *explain_silence(const struct start *s, const char *serial,
					struct gs_error *err)
{
	gs_autofree char *words = gs_log_last_words(serial, SERIAL_LINES);
	bool quiet = !words || !words[0];
	struct gs_error *full = gs_error_create(
		err->code, "%s (accelerator %s)%s%s%s", err->message, accel_name(s),
		err->code == GS_ERROR_GONE || !s->kvm ? "" : "; try --accel tcg",
		quiet ? "; it has written nothing" : "; its last words: ", quiet ? "" : words);

	gs_error_destroy(err);
	return full;
}

static struct gs_error *await_serial(struct start *s)
{
	gs_autofree char *path = gs_strf("%s/serial", s->guest.dir);
	struct gs_serial_wait wait = {
		.path = path,
		.text = s->launch->wait_serial,
		.pidfd = s->process.pidfd,
		.cancel_fd = s->launch->cancel_fd,
		.deadline_ms = s->deadline_ms,
	};
	struct gs_error *err = path ? gs_serial_await(&wait) : gs_error_nomem();

	while (err && err->code == GS_ERROR_TIMEOUT && !is_late(s)) {
		gs_error_destroy(err);
		wait.deadline_ms = s->deadline_ms;
		err = gs_serial_await(&wait);
	}
	if (err && (err->code == GS_ERROR_TIMEOUT || err->code == GS_ERROR_GONE))
		return explain_silence(s, path, err);
	return err;
}

static struct gs_error *check(const struct gs_launch *launch)
{
	unsigned int brings = gs_launch_scan(launch->extra);

	if (brings & GS_LAUNCH_BRINGS_DAEMONIZE)
		return gs_error_create(GS_ERROR_INVALID, "-daemonize is not for here: QEMU is "
							 "detached anyway");
	if (!launch->wait_serial)
		return NULL;
	if (brings & GS_LAUNCH_BRINGS_SERIAL)
		return gs_error_create(GS_ERROR_INVALID,
				       "cannot wait for serial output: QEMU's arguments take the "
				       "serial port away (-serial)");
	if (!launch->wait_serial[0])
		return gs_error_create(GS_ERROR_INVALID, "no text to wait for");
	return NULL;
}

/* Everything in the claimed folder. */
static struct gs_error *start(struct start *s)
{
	struct gs_error *err = start_qemu(s);

	if (err || !s->launch->wait_serial)
		return err;
	err = await_serial(s);
	if (err)
		end_process(s);
	return err;
}

struct gs_error *gs_launch_start(const struct gs_launch *launch, struct gs_guest *ret)
{
	struct start s = {
		.launch = launch,
		.claim = {.lock_fd = -1},
		.process = {.pidfd = -1, .gate_fd = -1},
		.deadline_ms = deadline_of(launch),
	};
	struct gs_error *err = check(launch);

	if (!err)
		err = gs_folder_claim(launch->run_dir, launch->name, &s.claim);
	if (err)
		return err;
	err = start(&s);
	if (err) {
		gs_folder_disclaim(launch->run_dir, &s.claim);
		err = gs_error_wrap(err, "guest '%s'", s.claim.name);
	} else {
		gs_process_deinit(&s.process);
		*ret = s.guest;
	}
	gs_claim_deinit(&s.claim);
	return err;
}
