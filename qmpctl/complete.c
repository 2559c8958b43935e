/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion: what only the registry, libvirt or a live guest knows. Whatever cannot be had is not
 * offered; nobody is told why.
 */
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>
#include <guestscope/qmp/libvirt.h>

#include "disks.h"
#include "shell.h"

#define DOMAINS_MS 900

/* ---- guests ---- */

static void offer_launched(struct gs_candidates *out)
{
	gs_autofree char *run_dir = qmpctl_run_dir();
	struct gs_guest *guests = NULL;
	size_t count = 0;
	gs_autoerror struct gs_error *err =
		run_dir ? gs_registry_list(run_dir, &guests, &count) : gs_error_nomem();

	for (size_t i = 0; !err && i < count; i++)
		gs_candidate(out, guests[i].name, guests[i].qemu);
	if (!err)
		gs_registry_free(guests, count);
}

/* Only where somebody begins to type that: it takes libvirt a while. */
static void offer_domains(const struct gs_args *args, struct gs_candidates *out)
{
	static const char scheme[] = "libvirt:";
	const char *word = gs_candidate_word(out);
	struct gs_domain *domains;
	size_t count = 0;
	gs_autoerror struct gs_error *err = NULL;

	if (!*word || strncmp(word, scheme, strnlen(word, strlen(scheme))) != 0)
		return;
	err = gs_libvirt_list(gs_args_connect(args), false, gs_deadline_in(DOMAINS_MS), &domains,
			      &count);
	if (err)
		return;
	for (size_t i = 0; i < count; i++) {
		gs_autofree char *name = gs_strf("%s%s", scheme, domains[i].name);

		if (name)
			gs_candidate(out, name, domains[i].state);
	}
	gs_domains_free(domains, count);
}

static void offer_guests(const struct gs_args *args, struct gs_candidates *out)
{
	offer_launched(out);
	offer_domains(args, out);
}

/* ---- what a guest has ---- */

static void offer_disks(const struct gs_args *args, struct gs_candidates *out)
{
	auto_disks struct disks disks = {.target.pidfd = -1};
	gs_autoerror struct gs_error *err = disks_open(args, true, &disks);

	for (size_t i = 0; !err && i < disks.graph.device_count; i++)
		gs_candidate(out, disks.graph.devices[i].id, NULL);
	for (size_t i = 0; !err && !disks.running && i < disks.domain.disk_count; i++)
		gs_candidate(out, disks.domain.disks[i].target, NULL);
}

static void offer_nodes(const struct gs_args *args, struct gs_candidates *out)
{
	auto_disks struct disks disks = {.target.pidfd = -1};
	gs_autoerror struct gs_error *err = disks_open(args, false, &disks);

	for (size_t i = 0; !err && i < disks.graph.device_count; i++)
		gs_candidate(out, disks.graph.devices[i].id, NULL);
	for (size_t i = 0; !err && i < disks.graph.node_count; i++)
		gs_candidate(out, disks.graph.nodes[i].name, disks.graph.nodes[i].driver);
}

static void offer_jobs(const struct gs_args *args, struct gs_candidates *out)
{
	auto_target struct target target = {.pidfd = -1};
	struct gs_block_jobs jobs = {0};
	gs_autoerror struct gs_error *err = target_open(args, 0, &target);

	if (!err)
		err = gs_block_jobs_query(target.qmp, &jobs);
	for (size_t i = 0; !err && i < jobs.count; i++)
		gs_candidate(out, jobs.jobs[i].id, jobs.jobs[i].type);
	gs_block_jobs_deinit(&jobs);
}

/* The words of the command and those of its arguments that are there, as one line. */
static struct gs_error *line_so_far(const struct gs_args *args, const char *word, char **ret)
{
	gs_autotext struct gs_text line = {0};

	for (size_t i = 0; i < gs_args_count(args); i++)
		gs_text_printf(&line, "%s ", gs_args_at(args, i));
	gs_text_puts(&line, word);
	return gs_text_finish(&line, ret);
}

/* A command of QMP's and its arguments, as in the shell. */
static void offer_call(const struct gs_args *args, struct gs_candidates *out)
{
	auto_target struct target target = {.pidfd = -1};
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = NULL;
	struct gs_schema_candidates found = {0};
	const char *word = gs_candidate_word(out);
	gs_autofree char *line = NULL;
	gs_autoerror struct gs_error *err = line_so_far(args, word, &line);
	size_t kept;

	if (!err)
		err = target_open(args, 0, &target);
	if (!err)
		err = gs_schema_query(target.qmp, &schema);
	if (!err) {
		struct shell shell = {.args = args, .qmp = target.qmp, .schema = schema};
		const struct gs_schema_completer completer = {
			.schema = schema, .names = shell_names, .names_arg = &shell};

		err = gs_schema_complete(&completer, line, strlen(line), &found);
	}
	kept = err ? 0 : found.start + strlen(word) - strlen(line);
	for (size_t i = 0; i < found.count; i++) {
		gs_autofree char *whole = gs_strf("%.*s%s", (int)kept, word, found.words[i]);

		if (whole)
			gs_candidate(out, whole, NULL);
	}
	gs_schema_candidates_deinit(&found);
}

static void offer_schema(const struct gs_args *args, struct gs_candidates *out)
{
	auto_target struct target target = {.pidfd = -1};
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = NULL;
	gs_autoerror struct gs_error *err = target_open(args, 0, &target);
	const struct gs_schema_entity *e;

	if (!err)
		err = gs_schema_query(target.qmp, &schema);
	for (size_t i = 0; !err && (e = gs_schema_at(schema, GS_SCHEMA_COMMAND, i)); i++)
		gs_candidate(out, e->name, NULL);
	for (size_t i = 0; !err && (e = gs_schema_at(schema, GS_SCHEMA_EVENT, i)); i++)
		gs_candidate(out, e->name, NULL);
}

/* ---- by what the tables call it ---- */

static const struct {
	const char *kind;
	void (*offer)(const struct gs_args *args, struct gs_candidates *out);
} kinds[] = {
	{"GUEST", offer_guests},      {"DEVICE", offer_disks}, {"COMMAND", offer_call},
	{"NODE|DEVICE", offer_nodes}, {"JOB", offer_jobs},     {"ARG", offer_call},
	{"PATH", offer_schema},
};

bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].kind, kind) == 0) {
			kinds[i].offer(args, out);
			return true;
		}
	}
	return false;
}
