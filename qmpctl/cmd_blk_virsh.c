/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk info --virsh: the three numbers of virsh domblkinfo, and its very bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "disks.h"

/* ---- what there is ---- */

struct row {
	const char *target;
	bool is_empty;
	struct gs_block_virsh words;
};

static struct gs_error *running_row(const struct disks *disks, const struct gs_block_device *device,
				    struct row *ret)
{
	*ret = (struct row){.target = device->id, .is_empty = !device->root};
	return ret->is_empty ? NULL : gs_block_virsh(device, disks->target.pid, &ret->words);
}

/* Of a domain's disk. virsh takes network disks that are off for nothing at all. */
static struct gs_error *domain_row(const struct disks *disks, const struct gs_domain_disk *disk,
				   struct row *ret)
{
	const struct gs_block_device *device;
	struct gs_error *err;

	*ret = (struct row){.target = disk->target, .is_empty = !disk->source};
	if (ret->is_empty)
		return NULL;
	if (disks->running) {
		err = gs_block_find(&disks->graph, disk->target, &device);
		if (!err)
			err = gs_block_virsh(device, disks->target.pid, &ret->words);
		return err;
	}
	err = gs_block_virsh_offline(disk, &ret->words);
	if (err && err->code == GS_ERROR_UNSUPPORTED && disk->protocol) {
		gs_error_destroy(err);
		return NULL;
	}
	return err;
}

static struct gs_error *all_rows(const struct disks *disks, struct row **ret, size_t *count_ret)
{
	size_t count = disks->has_domain ? disks->domain.disk_count : disks->graph.device_count;
	gs_autofree struct row *rows = calloc(count + 1, sizeof(*rows));
	struct gs_error *err = NULL;

	if (!rows)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < count; i++)
		err = disks->has_domain ? domain_row(disks, &disks->domain.disks[i], &rows[i])
					: running_row(disks, &disks->graph.devices[i], &rows[i]);
	if (err)
		return err;
	*ret = gs_take(rows);
	*count_ret = count;
	return NULL;
}

static struct gs_error *one_row(const struct disks *disks, const char *name, struct row **ret)
{
	gs_autofree struct row *row = calloc(1, sizeof(*row));
	const struct gs_block_device *device;
	const struct gs_domain_disk *disk;
	struct gs_error *err;

	if (!row)
		return gs_error_nomem();
	row->target = name;
	if (disks->running) {
		err = gs_block_find(&disks->graph, name, &device);
		if (!err)
			err = gs_block_virsh(device, disks->target.pid, &row->words);
	} else {
		err = disks_find_off(disks, name, &disk);
		if (!err)
			err = gs_block_virsh_offline(disk, &row->words);
	}
	if (!err)
		*ret = gs_take(row);
	return err;
}

/* ---- as virsh prints it ---- */

enum { TARGET, CAPACITY, ALLOCATION, PHYSICAL, COLUMNS };
static const char *const headers[COLUMNS] = {"Target", "Capacity", "Allocation", "Physical"};

struct cells {
	char *target;              /* owned; NULL: not printed */
	char numbers[COLUMNS][32]; /* the first one is not used */
};

static void format_number(uint64_t bytes, bool human, char ret[32])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (!human) {
		snprintf(ret, 32, "%" PRIu64, bytes);
		return;
	}
	for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	snprintf(ret, 32, "%.3f %s", value, units[unit]);
}

static void format_row(const struct row *row, bool human, struct cells *ret)
{
	const struct gs_block_virsh *words = &row->words;
	bool nothing = !words->capacity && !words->allocation && !words->physical;

	if (nothing) {
		for (int i = CAPACITY; i < COLUMNS; i++)
			strcpy(ret->numbers[i], "-");
		return;
	}
	format_number(words->capacity, human, ret->numbers[CAPACITY]);
	format_number(words->allocation, human, ret->numbers[ALLOCATION]);
	format_number(words->physical, human, ret->numbers[PHYSICAL]);
}

static const char *cell(const struct cells *row, int column)
{
	return column == TARGET ? row->target : row->numbers[column];
}

static void print_line(const struct cells *row, const int widths[COLUMNS])
{
	for (int i = TARGET; i < PHYSICAL; i++)
		printf(" %-*s  ", widths[i], row ? cell(row, i) : headers[i]);
	printf(" %s\n", row ? cell(row, PHYSICAL) : headers[PHYSICAL]);
}

static void print_header(const int widths[COLUMNS])
{
	int dashes = 0;

	print_line(NULL, widths);
	for (int i = TARGET; i < COLUMNS; i++)
		dashes += widths[i] + 3;
	while (dashes--)
		putchar('-');
	putchar('\n');
}

/* Names are made printable, as virsh does in its tables. */
static struct gs_error *format_rows(const struct gs_args *args, const struct row *rows,
				    size_t count, struct cells *ret)
{
	struct gs_error *err = NULL;

	for (size_t r = 0; !err && r < count; r++) {
		gs_autotext struct gs_text target = {0};

		format_row(&rows[r], gs_args_has(args, "human"), &ret[r]);
		gs_text_puts_printable(&target, rows[r].target);
		err = gs_text_finish(&target, &ret[r].target);
	}
	return err;
}

static void print_cells(const struct cells *cells, size_t count, bool quiet)
{
	int widths[COLUMNS];

	for (int i = 0; i < COLUMNS; i++)
		widths[i] = quiet ? 0 : (int)strlen(headers[i]);
	for (size_t r = 0; r < count; r++) {
		for (int i = 0; i < COLUMNS; i++)
			if ((int)strlen(cell(&cells[r], i)) > widths[i])
				widths[i] = (int)strlen(cell(&cells[r], i));
	}
	if (!quiet)
		print_header(widths);
	for (size_t r = 0; r < count; r++)
		print_line(&cells[r], widths);
}

static struct gs_error *print_table(const struct gs_args *args, const struct row *rows,
				    size_t count)
{
	gs_autofree struct cells *cells = calloc(count + 1, sizeof(*cells));
	struct gs_error *err = cells ? format_rows(args, rows, count, cells) : gs_error_nomem();

	if (!err)
		print_cells(cells, count, gs_args_quiet(args));
	for (size_t r = 0; cells && r < count; r++)
		free(cells[r].target);
	return err;
}

static void print_one(const struct gs_args *args, const struct row *row)
{
	struct cells cells = {0};

	format_row(row, gs_args_has(args, "human"), &cells);
	for (int i = CAPACITY; i < COLUMNS; i++) {
		char label[16];

		snprintf(label, sizeof(label), "%s:", headers[i]);
		printf("%-15s %s\n", label, cells.numbers[i]);
	}
}

/* ---- as JSON ---- */

static void emit_number(struct gs_emit *e, const struct row *row, const char *key, uint64_t bytes)
{
	if (row->is_empty)
		gs_emit_null(e, key, NULL);
	else
		gs_emit_u64(e, key, NULL, bytes);
}

static int emit_rows(const struct gs_args *args, const struct row *rows, size_t count)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "devices", NULL, NULL, 0);
	for (size_t i = 0; i < count; i++) {
		gs_emit_row(e);
		gs_emit_string(e, "device", NULL, rows[i].target);
		emit_number(e, &rows[i], "capacity", rows[i].words.capacity);
		emit_number(e, &rows[i], "allocation", rows[i].words.allocation);
		emit_number(e, &rows[i], "physical", rows[i].words.physical);
	}
	gs_emit_end(e);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

int blk_info_virsh(struct gs_args *args, const struct disks *disks)
{
	const char *name = gs_args_at(args, 0);
	gs_autofree struct row *rows = NULL;
	size_t count = 1;
	struct gs_error *err = name ? one_row(disks, name, &rows) : all_rows(disks, &rows, &count);

	if (!err && gs_args_has(args, "json"))
		return emit_rows(args, rows, count);
	if (!err && name)
		print_one(args, rows);
	else if (!err)
		err = print_table(args, rows, count);
	/* virsh ends all that it does with an empty line, and failures, too. */
	if (!gs_args_quiet(args) && !gs_args_has(args, "json"))
		putchar('\n');
	return err ? gs_args_fail(args, err) : GS_EXIT_OK;
}
