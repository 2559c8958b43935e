/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list: the launched guests, and libvirt's. */
#include <time.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/libvirt.h>

#include "qmpctl.h"

#define GREETING_MS 1000
#define ANSWER_MS 2000
#define LIBVIRT_MS 3000 /* for one that happens to be there; */
#define ASKED_MS 10000  /* for one that was asked for, maybe far away */

static const struct gs_emit_column columns[] = {
	{"guest", "NAME", false},       {"name", NULL, false},     {"from", NULL, false},
	{"pid", "PID", true},           {"state", "STATE", false}, {"memory", "MEMORY", true},
	{"shared_memory", NULL, false}, {"started", NULL, false},  {NULL, "STARTED", false},
	{"qemu", "QEMU", false},        {"dir", NULL, false},
};

/* The guest's run state, or why there is none: one that hangs must not spoil the list. */
static void emit_state(struct gs_emit *e, const struct gs_guest *guest)
{
	const struct gs_qmp_options options = {.greeting_ms = GREETING_MS, .command_ms = ANSWER_MS};
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	gs_autoerror struct gs_error *err = gs_guest_open(guest, &options, &qmp);
	struct gs_qmp_status status;

	if (!err)
		err = gs_qmp_query_status(qmp, &status);
	gs_emit_string(e, "state", "STATE", err ? gs_error_code_name(err->code) : status.status);
}

static void emit_guest(struct gs_emit *e, const struct gs_guest *guest)
{
	char started[32] = "?";
	struct tm tm;
	time_t seconds = guest->started_sec;

	if (localtime_r(&seconds, &tm))
		strftime(started, sizeof(started), "%Y-%m-%d %H:%M:%S", &tm);
	gs_emit_row(e);
	gs_emit_string(e, "guest", "NAME", guest->name);
	gs_emit_string(e, "name", NULL, guest->name);
	gs_emit_string(e, "from", NULL, "qmpctl");
	gs_emit_i64(e, "pid", "PID", guest->pid);
	emit_state(e, guest);
	gs_emit_bytes(e, "memory", "MEMORY", guest->mem_bytes);
	gs_emit_bool(e, "shared_memory", NULL, guest->shared_ram);
	gs_emit_i64(e, "started", NULL, guest->started_sec);
	gs_emit_string(e, NULL, "STARTED", started);
	gs_emit_string(e, "qemu", "QEMU", guest->qemu);
	gs_emit_string(e, "dir", NULL, guest->dir);
}

/* What libvirt does not tell is unknown, not absent: all rows have the same members. */
static void emit_domain(struct gs_emit *e, const struct gs_domain *domain)
{
	gs_autofree char *guest = gs_strf("libvirt:%s", domain->name);

	gs_emit_row(e);
	gs_emit_string(e, "guest", "NAME", guest);
	gs_emit_string(e, "name", NULL, domain->name);
	gs_emit_string(e, "from", NULL, "libvirt");
	if (domain->pid)
		gs_emit_i64(e, "pid", "PID", domain->pid);
	else
		gs_emit_null(e, "pid", "PID");
	gs_emit_string(e, "state", "STATE", domain->state);
	gs_emit_bytes(e, "memory", "MEMORY", domain->mem_bytes);
	gs_emit_null(e, "shared_memory", NULL);
	gs_emit_null(e, "started", NULL);
	gs_emit_null(e, NULL, "STARTED");
	gs_emit_null(e, "qemu", "QEMU");
	gs_emit_null(e, "dir", NULL);
}

/*
 * The error of a libvirt that was asked for; one that happens to be there must not spoil the list,
 * and one that is not there is no news.
 */
static struct gs_error *list_domains(const struct gs_args *args, struct gs_domain **ret,
				     size_t *count_ret)
{
	const char *uri = gs_args_connect(args);
	uint64_t deadline_ms = gs_deadline_in(uri ? ASKED_MS : LIBVIRT_MS);
	struct gs_error *err =
		gs_libvirt_list(uri, gs_args_has(args, "all"), deadline_ms, ret, count_ret);

	if (!err || uri)
		return err;
	if (err->code != GS_ERROR_UNREACHABLE && err->code != GS_ERROR_UNSUPPORTED)
		gs_args_note(args, "%s", err->message);
	gs_error_destroy(err);
	return NULL;
}

static void emit_list(struct gs_emit *e, const struct gs_guest *guests, size_t guest_count,
		      const struct gs_domain *domains, size_t domain_count)
{
	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "guests", "", columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < guest_count; i++)
		emit_guest(e, &guests[i]);
	for (size_t i = 0; i < domain_count; i++)
		emit_domain(e, &domains[i]);
	gs_emit_end(e);
	gs_emit_end(e);
}

int cmd_list(struct gs_args *args)
{
	gs_autofree char *run_dir = qmpctl_run_dir();
	struct gs_domain *domains = NULL;
	struct gs_guest *guests;
	size_t guest_count, domain_count = 0;
	struct gs_error *err =
		run_dir ? gs_registry_list(run_dir, &guests, &guest_count) : gs_error_nomem();
	struct gs_emit *e;
	int status;

	if (err)
		return gs_args_fail(args, err);
	err = list_domains(args, &domains, &domain_count);
	e = gs_args_emit(args, false);
	emit_list(e, guests, guest_count, domains, domain_count);
	gs_registry_free(guests, guest_count);
	gs_domains_free(domains, domain_count);
	status = gs_args_finish(args, e, GS_EXIT_OK);
	if (!err)
		return status;
	return gs_args_fail(args, err);
}
