/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory as a hexdump, as JSON, or as it is. */
#include "reading.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

#define CHUNK_BYTES 65536 /* whole lines */
#define LINE_BYTES DUMPTOOL_LINE_BYTES

/* ---- text ---- */

/* Bytes of the line that begins at @base; those outside [@from, @to) are blank. */
static void print_line(struct gs_emit *e, uint64_t base, const uint8_t *bytes, size_t from,
		       size_t to)
{
	char hex[LINE_BYTES * 3 + 2] = "", ascii[LINE_BYTES + 1] = "";
	char *h = hex;

	for (size_t i = 0; i < LINE_BYTES; i++) {
		bool shown = i >= from && i < to;

		if (i == LINE_BYTES / 2)
			*h++ = ' ';
		h += shown ? sprintf(h, " %02x", bytes[i]) : sprintf(h, "   ");
		ascii[i] = !shown ? ' ' : isprint(bytes[i]) ? (char)bytes[i] : '.';
	}
	gs_emit_line(e, "%016" PRIx64 " %s  |%s|", base, hex, ascii);
}

/* A line equal to the one before is shown as "*", unless it is the last of all. */
static void show_line(struct dumptool_reading *r, uint64_t base, const uint8_t *bytes, size_t from,
		      size_t to)
{
	bool whole = from == 0 && to == LINE_BYTES;
	bool last = base + to == r->address + r->size;

	if (whole && !last && r->has_line && memcmp(r->line, bytes, LINE_BYTES) == 0) {
		if (!r->starred)
			gs_emit_line(r->e, "*");
		r->starred = true;
		return;
	}
	print_line(r->e, base, bytes, from, to);
	r->starred = false;
	r->has_line = whole;
	if (whole)
		memcpy(r->line, bytes, LINE_BYTES);
}

static void show_bytes(struct dumptool_reading *r, uint64_t address, const uint8_t *bytes,
		       size_t size)
{
	while (size > 0) {
		size_t from = address % LINE_BYTES;
		size_t n = LINE_BYTES - from < size ? LINE_BYTES - from : size;
		uint8_t line[LINE_BYTES] = {0};

		memcpy(line + from, bytes, n);
		show_line(r, address - from, line, from, from + n);
		address += n;
		bytes += n;
		size -= n;
	}
}

static const char *name_state(const struct gs_view_run *run)
{
	static const char *const names[] = {[GS_EXTENT_DATA] = "data",
					    [GS_EXTENT_ZERO] = "zero",
					    [GS_EXTENT_EXCLUDED] = "excluded",
					    [GS_EXTENT_HOLE] = "hole"};

	return run->mapped ? names[run->state] : "unmapped";
}

static bool is_readable(const struct gs_view_run *run)
{
	return run->mapped && (run->state == GS_EXTENT_DATA || run->state == GS_EXTENT_ZERO);
}

static const char *explain(const struct gs_view_run *run)
{
	if (!run->mapped)
		return run->why_not;
	return run->state == GS_EXTENT_EXCLUDED ? "excluded from the dump" : "no memory there";
}

static void show_gap(struct dumptool_reading *r, const struct gs_view_run *run)
{
	r->has_line = false;
	r->starred = false;
	gs_emit_line(r->e, "%016" PRIx64 "  %s, up to %016" PRIx64, run->address, explain(run),
		     run->address + (run->size - 1));
}

/* ---- JSON ---- */

static struct gs_json *start_run(const struct gs_view_run *run, bool is_virtual_view)
{
	struct gs_json *object = gs_json_new_object();

	gs_json_set(object, "address", gs_json_new_hex(run->address));
	gs_json_set(object, "size", gs_json_new_u64(run->size));
	gs_json_set(object, "state", gs_json_new_string(name_state(run)));
	if (run->mapped && is_virtual_view)
		gs_json_set(object, "physical", gs_json_new_hex(run->gpa));
	if (!run->mapped)
		gs_json_set(object, "reason", gs_json_new_string(run->why_not));
	return object;
}

static void hex_digits(struct gs_text *t, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		gs_text_printf(t, "%02x", bytes[i]);
}

/* ---- a run ---- */

static struct gs_error *put_chunk(struct dumptool_reading *r, uint64_t address,
				  const uint8_t *bytes, size_t size, struct gs_text *hex)
{
	if (r->runs)
		hex_digits(hex, bytes, size);
	else if (r->e)
		show_bytes(r, address, bytes, size);
	else if (gs_write_full(STDOUT_FILENO, bytes, size) < 0)
		return gs_error_os(errno, "output");
	return NULL;
}

/* Chunks end at multiples of their size, and so between lines. */
static struct gs_error *put_data(struct dumptool_reading *r, const struct gs_view_run *run,
				 struct gs_text *hex)
{
	static uint8_t chunk[CHUNK_BYTES];
	struct gs_error *err = NULL;

	for (uint64_t done = 0; done < run->size && !err;) {
		uint64_t address = run->address + done, n = CHUNK_BYTES - address % CHUNK_BYTES;

		if (n > run->size - done)
			n = run->size - done;
		if (run->state == GS_EXTENT_ZERO)
			memset(chunk, 0, n);
		else
			err = gs_memory_read(r->view.mem, run->gpa + done, chunk, n);
		if (!err)
			err = put_chunk(r, address, chunk, n, hex);
		done += n;
		r->bytes_read += err ? 0 : n;
	}
	return err;
}

static void note_gap(struct dumptool_reading *r, const struct gs_view_run *run)
{
	if (!r->why_not[0])
		snprintf(r->why_not, sizeof(r->why_not), "0x%" PRIx64 ": %s", run->address,
			 explain(run));
}

static struct gs_error *put_run(struct dumptool_reading *r, const struct gs_view_run *run)
{
	struct gs_json *object = r->runs ? start_run(run, r->view.cpu || r->view.kernel) : NULL;
	gs_autotext struct gs_text hex = {0};
	struct gs_error *err = NULL;

	if (is_readable(run)) {
		err = put_data(r, run, &hex);
	} else {
		note_gap(r, run);
		if (!r->runs && r->e)
			show_gap(r, run);
	}
	if (!object)
		return err;
	if (hex.data)
		gs_json_set(object, "data", gs_json_new_string(hex.data));
	gs_json_append(r->runs, object);
	return err;
}

struct gs_error *dumptool_put_memory(struct dumptool_reading *r)
{
	struct gs_view_run run;

	for (uint64_t done = 0; done < r->size; done += run.size) {
		struct gs_error *err =
			gs_view_next(&r->view, r->address + done, r->size - done, &run);

		if (!err)
			err = put_run(r, &run);
		if (err)
			return err;
		if (!r->e && !is_readable(&run)) /* raw bytes have no way to say what is missing */
			break;
	}
	if (r->bytes_read && (r->e || !r->why_not[0]))
		return NULL;
	return gs_error_create(GS_ERROR_NODATA, "%s", r->why_not);
}
