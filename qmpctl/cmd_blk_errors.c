/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk errors: which disks have failed the guest, and what QEMU does then. */
#include <stdlib.h>
#include <string.h>

#include "disks.h"

static const struct gs_emit_column columns[] = {
	{"device", "DEVICE", false},      {"state", "STATE", false},
	{"on_read", "READ ERROR", false}, {"on_write", "WRITE ERROR", false},
	{"file", "IMAGE", false},
};

static bool has_error(const struct gs_block_device *device)
{
	return device->io_status && strcmp(device->io_status, "ok") != 0;
}

static struct gs_error *policies_of(const struct disks *disks, struct gs_block_policy **ret)
{
	size_t count = disks->graph.device_count;
	gs_autofree struct gs_block_policy *policies = calloc(count + 1, sizeof(*policies));
	struct gs_error *err = NULL;

	if (!policies)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < count; i++)
		err = gs_block_policy(disks->target.qmp, &disks->graph.devices[i], &policies[i]);
	if (!err)
		*ret = gs_take(policies);
	return err;
}

static const char *word(const char *text)
{
	return *text ? text : NULL;
}

static void emit_device(struct gs_emit *e, const struct gs_block_device *device,
			const struct gs_block_policy *policy)
{
	gs_emit_row(e);
	gs_emit_string(e, "device", NULL, device->id);
	gs_emit_string(e, "state", NULL, device->io_status);
	gs_emit_string(e, "on_read", NULL, word(policy->on_read));
	gs_emit_string(e, "on_write", NULL, word(policy->on_write));
	gs_emit_string(e, "file", NULL, device->root ? device->root->filename : NULL);
}

int cmd_blk_errors(struct gs_args *args)
{
	auto_disks struct disks disks = {.target.pidfd = -1};
	gs_autofree struct gs_block_policy *policies = NULL;
	struct gs_error *err = disks_open(args, false, &disks);
	size_t failed = 0;
	struct gs_emit *e;

	if (!err)
		err = policies_of(&disks, &policies);
	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "devices", "", columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < disks.graph.device_count; i++) {
		emit_device(e, &disks.graph.devices[i], &policies[i]);
		failed += has_error(&disks.graph.devices[i]);
	}
	gs_emit_end(e);
	if (failed)
		gs_emit_line(e, "%zu of %zu disks failed", failed, disks.graph.device_count);
	else
		gs_emit_line(e, "no errors");
	gs_emit_u64(e, "failed", NULL, failed);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}
