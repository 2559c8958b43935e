/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk info: how large disks are, in numbers that each say what they are based on. */
#include <stddef.h>
#include <string.h>

#include "disks.h"

/* A device and its numbers, from a running QEMU or from the domain alone. */
struct entry {
	const char *id, *target, *qdev, *node, *driver, *file;
	bool is_empty, is_bad;
	struct gs_block_sizes sizes;
};

static const struct {
	const char *key, *label;
	size_t offset;
} numbers[] = {
	{"virtual_size", "virtual size", offsetof(struct gs_block_sizes, virtual_size)},
	{"length", "length", offsetof(struct gs_block_sizes, length)},
	{"allocated", "allocated", offsetof(struct gs_block_sizes, allocated)},
	{"high_water", "high-water", offsetof(struct gs_block_sizes, high_water)},
	{"image_end", "image end", offsetof(struct gs_block_sizes, image_end)},
	{"chain", "chain", offsetof(struct gs_block_sizes, chain)},
};
#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

static const struct gs_block_number *number_of(const struct entry *entry, size_t i)
{
	return (const struct gs_block_number *)((const char *)&entry->sizes + numbers[i].offset);
}

/* ---- what there is ---- */

static void set_all_unknown(struct entry *entry, const char *reason)
{
	const struct gs_block_number unknown = {.basis = reason};

	entry->sizes = (struct gs_block_sizes){unknown, unknown, unknown, unknown,
					       unknown, unknown, false,   false};
}

static struct gs_error *device_entry(const struct disks *disks,
				     const struct gs_block_device *device, struct entry *ret)
{
	*ret = (struct entry){
		.id = device->id,
		.target = device->target,
		.qdev = device->qdev,
		.node = device->root ? device->root->name : NULL,
		.driver = device->root ? device->root->driver : NULL,
		.file = device->root ? device->root->filename : NULL,
		.is_empty = !device->root,
	};
	if (device->root)
		return gs_block_sizes(device, disks->target.pid, &ret->sizes);
	set_all_unknown(ret, "the drive is empty");
	return NULL;
}

static struct gs_error *off_entry(const struct gs_domain_disk *disk, struct entry *ret)
{
	*ret = (struct entry){
		.id = disk->target,
		.target = disk->target,
		.driver = disk->source ? disk->format : NULL,
		.file = disk->source,
		.is_empty = !disk->source,
	};
	if (disk->source)
		return gs_block_sizes_offline(disk, &ret->sizes);
	set_all_unknown(ret, "the drive is empty");
	return NULL;
}

static struct gs_error *named_entry(const struct disks *disks, const char *name, struct entry *ret)
{
	const struct gs_block_device *device;
	const struct gs_domain_disk *disk;
	struct gs_error *err;

	if (disks->running) {
		err = gs_block_find(&disks->graph, name, &device);
		return err ? err : device_entry(disks, device, ret);
	}
	err = disks_find_off(disks, name, &disk);
	return err ? err : off_entry(disk, ret);
}

/* All of them: one that cannot be looked at must not hide the others. */
static struct entry *all_entries(const struct gs_args *args, const struct disks *disks,
				 size_t *count_ret)
{
	size_t count = disks->running ? disks->graph.device_count : disks->domain.disk_count;
	struct entry *entries = calloc(count + 1, sizeof(*entries));

	for (size_t i = 0; entries && i < count; i++) {
		gs_autoerror struct gs_error *err =
			disks->running ? device_entry(disks, &disks->graph.devices[i], &entries[i])
				       : off_entry(&disks->domain.disks[i], &entries[i]);

		if (!err)
			continue;
		gs_args_note(args, "%s", err->message);
		entries[i].is_bad = err->code != GS_ERROR_UNSUPPORTED;
		set_all_unknown(&entries[i], "it cannot be looked at");
	}
	*count_ret = count;
	return entries;
}

/* ---- how it is shown ---- */

static void emit_bytes(struct gs_emit *e, const char *key, const struct gs_block_number *number)
{
	if (number->known)
		gs_emit_u64(e, key, NULL, number->bytes);
	else
		gs_emit_null(e, key, NULL);
}

static void emit_written(struct gs_emit *e, const struct entry *entry, const char *label)
{
	if (entry->sizes.writes_known)
		gs_emit_bool(e, "written", label, entry->sizes.written);
	else
		gs_emit_null(e, "written", label);
}

/* For programs: integers or null, and beside them what they are based on. */
static void emit_members(struct gs_emit *e, const struct entry *entry)
{
	gs_emit_string(e, "device", NULL, entry->id);
	gs_emit_string(e, "target", NULL, entry->target);
	gs_emit_string(e, "qdev", NULL, entry->qdev);
	gs_emit_string(e, "node", NULL, entry->node);
	gs_emit_string(e, "driver", NULL, entry->driver);
	gs_emit_string(e, "file", NULL, entry->file);
	gs_emit_bool(e, "empty", NULL, entry->is_empty);
	for (size_t i = 0; i < NUMBER_COUNT; i++)
		emit_bytes(e, numbers[i].key, number_of(entry, i));
	emit_written(e, entry, NULL);
	gs_emit_begin(e, "basis", NULL);
	for (size_t i = 0; i < NUMBER_COUNT; i++)
		gs_emit_string(e, numbers[i].key, NULL, number_of(entry, i)->basis);
	gs_emit_end(e);
}

/* For people: a table below the name. */
static void emit_block(struct gs_emit *e, const struct entry *entry)
{
	static const struct gs_emit_column columns[] = {
		{NULL, "NUMBER", false},
		{NULL, "SIZE", true},
		{NULL, "BYTES", true},
		{NULL, "BASIS", false},
	};

	gs_emit_begin(e, NULL, entry->id);
	gs_emit_string(e, NULL, "Image", entry->is_empty ? "none" : entry->file);
	gs_emit_string(e, NULL, "Format", entry->driver);
	emit_written(e, entry, "Written since start");
	gs_emit_table(e, NULL, "", columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; !entry->is_empty && i < NUMBER_COUNT; i++) {
		const struct gs_block_number *number = number_of(entry, i);

		gs_emit_row(e);
		gs_emit_string(e, NULL, "NUMBER", numbers[i].label);
		if (number->known) {
			gs_emit_bytes(e, NULL, "SIZE", number->bytes);
			gs_emit_u64(e, NULL, "BYTES", number->bytes);
		} else {
			gs_emit_null(e, NULL, "SIZE");
			gs_emit_null(e, NULL, "BYTES");
		}
		gs_emit_string(e, NULL, "BASIS", number->basis);
	}
	gs_emit_end(e);
	gs_emit_end(e);
}

static int show(const struct gs_args *args, const struct entry *entries, size_t count)
{
	struct gs_emit *e = gs_args_emit(args, false);
	int status = GS_EXIT_OK;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "devices", NULL, NULL, 0);
	for (size_t i = 0; i < count; i++) {
		gs_emit_row(e);
		emit_members(e, &entries[i]);
		if (entries[i].is_bad)
			status = GS_EXIT_FAILED;
	}
	gs_emit_end(e);
	for (size_t i = 0; i < count; i++)
		emit_block(e, &entries[i]);
	gs_emit_end(e);
	return gs_args_finish(args, e, status);
}

static struct gs_error *check_options(const struct gs_args *args)
{
	bool virsh = gs_args_has(args, "virsh");

	if (!virsh && gs_args_has(args, "human"))
		return gs_error_create(GS_ERROR_INVALID, "--human is for --virsh");
	if (gs_args_has(args, "all") && gs_args_count(args))
		return gs_error_create(GS_ERROR_INVALID, "either a device or --all");
	return NULL;
}

int cmd_blk_info(struct gs_args *args)
{
	auto_disks struct disks disks = {.target.pidfd = -1};
	gs_autofree struct entry *entries = NULL;
	struct gs_error *err = check_options(args);
	struct entry one;
	size_t count;

	if (!err)
		err = disks_open(args, true, &disks);
	if (err)
		return gs_args_fail(args, err);
	if (gs_args_has(args, "virsh"))
		return blk_info_virsh(args, &disks);
	if (gs_args_count(args)) {
		err = named_entry(&disks, gs_args_at(args, 0), &one);
		return err ? gs_args_fail(args, err) : show(args, &one, 1);
	}
	entries = all_entries(args, &disks, &count);
	return entries ? show(args, entries, count) : gs_args_fail(args, gs_error_nomem());
}
