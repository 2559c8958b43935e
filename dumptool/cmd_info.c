/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool info: what a dump is and what it holds. */
#include <string.h>

#include "dumptool.h"
#include "info.h"

static const struct gs_emit_column range_columns[] = {
	{"start", "START", true},
	{"end", "END", true},
	{"size", "SIZE", true},
};

/* Bits of a kdump header's status word. */
static const struct {
	uint32_t bit;
	const char *name;
} status_flags[] = {
	{0x1, "zlib"},  {0x2, "lzo"},        {0x4, "snappy"},
	{0x20, "zstd"}, {0x8, "incomplete"}, {0x10, "excluded-vmemmap"},
};

static void emit_status(struct gs_emit *e, uint32_t status)
{
	gs_autojson struct gs_json *names = gs_json_new_array();

	for (size_t i = 0; i < sizeof(status_flags) / sizeof(*status_flags); i++) {
		if (status & status_flags[i].bit)
			gs_json_append(names, gs_json_new_string(status_flags[i].name));
	}
	gs_emit_json(e, "status", "Status flags", names);
}

static void emit_file(struct gs_emit *e, const struct gs_memory *mem,
		      const struct gs_dump_facts *facts)
{
	char taken[DUMPTOOL_TIME_TEXT];

	gs_emit_string(e, "file", "File", mem->name);
	gs_emit_string(e, "format", "Format", facts->format);
	gs_emit_bool(e, "flattened", "Flattened", facts->flattened);
	if (facts->parts > 1)
		gs_emit_u64(e, "parts", "Parts", facts->parts);
	gs_emit_bytes(e, "file_size", "File size", facts->file_bytes);
	if (facts->kdump_version) {
		gs_emit_i64(e, "kdump_version", "Header version", facts->kdump_version);
		emit_status(e, facts->status);
		gs_emit_u64(e, "dump_level", "Dump level", mem->attrs.dump_level);
	}
	if (facts->load_count)
		gs_emit_u64(e, "load_segments", "PT_LOADs", facts->load_count);
	gs_emit_bool(e, "incomplete", "Incomplete", mem->attrs.incomplete);
	if (mem->attrs.timestamp_sec &&
	    dumptool_iso_time(mem->attrs.timestamp_sec, 0, false, taken))
		gs_emit_string(e, "taken", "Taken", taken);
	gs_emit_bool(e, "live", "Taken while it ran", mem->attrs.live);
}

static void emit_guest(struct gs_emit *e, const struct gs_attributes *attrs)
{
	gs_emit_string(e, "arch", "Architecture", gs_arch_info(attrs->arch)->name);
	gs_emit_u64(e, "bits", "Word size", attrs->is_64bit ? 64 : 32);
	gs_emit_string(e, "byte_order", "Byte order", attrs->big_endian ? "big" : "little");
	gs_emit_bytes(e, "page_size", "Page size", attrs->page_size);
	gs_emit_u64(e, "cpus", "CPUs", attrs->cpu_count);
	if (attrs->has_phys_base)
		gs_emit_i64(e, "phys_base", "phys_base", attrs->phys_base);
}

static void emit_notes(struct gs_emit *e, const struct gs_attributes *attrs)
{
	uint64_t count = 0;
	size_t pos = 0;
	bool found;

	do {
		struct gs_note note;
		gs_autoerror struct gs_error *err = gs_note_next(
			attrs->notes, attrs->notes_size, attrs->big_endian, &pos, &note, &found);

		if (err) {
			gs_emit_string(e, "notes_damaged", "Notes damaged", err->message);
			break;
		}
		count += found;
	} while (found);
	gs_emit_u64(e, "notes", "Notes", count);
	gs_emit_bytes(e, "notes_size", "Size of notes", attrs->notes_size);
	gs_emit_bytes(e, "eraseinfo_size", "Erase info", attrs->eraseinfo_size);
}

static void emit_ranges(struct gs_emit *e, const struct gs_memory *mem)
{
	gs_emit_bytes(e, "memory_size", "Memory",
		      gs_ranges_total_bytes(mem->ranges, mem->range_count));
	gs_emit_table(e, "ranges", "Ranges", range_columns, 3);
	for (size_t i = 0; i < mem->range_count; i++) {
		gs_emit_row(e);
		gs_emit_address(e, "start", "", mem->ranges[i].start);
		gs_emit_address(e, "end", "", mem->ranges[i].start + mem->ranges[i].size - 1);
		gs_emit_bytes(e, "size", "", mem->ranges[i].size);
	}
	gs_emit_end(e);
}

int cmd_info(struct gs_args *args)
{
	dumptool_autoinput struct dumptool_input in = {0};
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);
	struct gs_error *err = e ? dumptool_look(args, gs_args_count(args), &in) : gs_error_nomem();

	if (err)
		return gs_args_fail(args, err);
	gs_emit_begin(e, NULL, NULL);
	if (in.qmp)
		gs_emit_string(e, "guest", "Guest", in.mem->name);
	else
		emit_file(e, in.mem, gs_dump_facts(in.mem));
	emit_guest(e, &in.mem->attrs);
	err = info_emit_kernel(e, in.mem);
	emit_notes(e, &in.mem->attrs);
	emit_ranges(e, in.mem);
	if (!err)
		err = info_emit_memory(args, e, &in);
	gs_emit_end(e);
	return dumptool_end_job(args, err ? err : gs_emit_finish(e));
}
