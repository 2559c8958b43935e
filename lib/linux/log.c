/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel log: which generation of it this kernel has, and how its memory is read. */
#include "log.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

static bool holds(const struct log_window *window, uint64_t off, size_t size)
{
	return off >= window->start && off - window->start < window->filled &&
	       size <= window->filled - (off - window->start);
}

/* Fill the window from the step that holds @off on; torn, if something of it is not there. */
static struct gs_error *fill(struct log_walk *walk, struct log_window *window, uint64_t off)
{
	uint64_t start = off - off % (LOG_WINDOW_BYTES / 2), left = window->size - start;
	uint32_t size = left < LOG_WINDOW_BYTES ? (uint32_t)left : LOG_WINDOW_BYTES;
	struct gs_error *err;

	if (window->torn && window->start == start)
		return NULL;
	err = gs_linux_read(walk->l, window->vaddr + start, window->bytes, size);
	if (err && !gs_error_is_answer(err))
		return err;
	window->start = start;
	window->torn = err;
	window->filled = err ? 0 : size;
	gs_error_destroy(err);
	return NULL;
}

struct gs_error *gs_log_window_read(struct log_walk *walk, struct log_window *window, uint64_t off,
				    void *buf, size_t size)
{
	struct gs_error *err;

	if (off > window->size || size > window->size - off)
		return gs_error_create(GS_ERROR_CORRUPT, "beyond the end of the log");
	if (!holds(window, off, size)) {
		err = fill(walk, window, off);
		if (err)
			return err;
	}
	if (!holds(window, off, size))
		return gs_linux_read(walk->l, window->vaddr + off, buf, size);
	memcpy(buf, window->bytes + (off - window->start), size);
	return NULL;
}

struct gs_error *gs_log_read_uint(struct log_walk *walk, uint64_t vaddr, unsigned int width,
				  uint64_t *ret)
{
	unsigned int size = width ? width : walk->word;
	uint8_t raw[8];
	struct gs_error *err = gs_linux_read(walk->l, vaddr, raw, size);

	if (!err)
		*ret = gs_get_uint(raw, size, walk->big_endian);
	return err;
}

struct gs_error *gs_log_read_symbol(struct log_walk *walk, const char *name, unsigned int width,
				    uint64_t *ret)
{
	uint64_t vaddr;

	if (!gs_vmcoreinfo_symbol(walk->l->info, name, &vaddr))
		return gs_error_create(GS_ERROR_NODATA, "vmcoreinfo: no SYMBOL(%s)", name);
	return gs_error_wrap(gs_log_read_uint(walk, vaddr, width, ret), "%s", name);
}

struct gs_error *gs_log_layout(const struct log_walk *walk, const char *kind, const char *name,
			       uint64_t *ret)
{
	if (gs_vmcoreinfo_count(walk->l->info, kind, name, ret))
		return NULL;
	return gs_error_create(GS_ERROR_NODATA, "vmcoreinfo: no %s(%s)", kind, name);
}

/* Compilers lay bit fields out from the low bits on little endian machines, else from the high. */
void gs_log_set_level(const struct log_walk *walk, const uint8_t *bytes,
		      struct gs_log_record *record)
{
	record->facility = bytes[0];
	record->level = walk->big_endian ? bytes[1] & 7 : bytes[1] >> 5;
}

struct gs_error *gs_log_tell(struct log_walk *walk, const struct gs_log_record *record)
{
	struct gs_error *err = walk->fn(walk->arg, record);

	walk->stopped = err;
	return err;
}

struct gs_error *gs_log_lose(struct log_walk *walk)
{
	if (++walk->lost < LOG_LOST_MAX)
		return NULL;
	return gs_error_create(GS_ERROR_CORRUPT, "%u records damaged, given up", LOG_LOST_MAX);
}

static struct gs_error *walk_log(struct log_walk *walk)
{
	const struct gs_vmcoreinfo *info = walk->l->info;

	if (gs_vmcoreinfo_get(info, "SYMBOL(prb)"))
		return gs_log_walk_ring(walk);
	if (gs_vmcoreinfo_get(info, "SYMBOL(log_first_idx)"))
		return gs_log_walk_records(walk);
	if (gs_vmcoreinfo_get(info, "SYMBOL(log_end)"))
		return gs_log_walk_lines(walk);
	return gs_error_create(
		GS_ERROR_NODATA,
		"vmcoreinfo does not say where it is (SYMBOL(prb), SYMBOL(log_buf))");
}

struct gs_error *gs_linux_log(struct gs_linux *l, gs_log_fn fn, void *arg, uint64_t *lost_ret)
{
	gs_autofree struct log_walk *walk = calloc(1, sizeof(*walk));
	struct gs_error *err;

	if (!walk)
		return gs_error_nomem();
	walk->l = l;
	walk->big_endian = l->mem->attrs.big_endian;
	walk->word = l->mem->attrs.is_64bit ? 8 : 4;
	walk->fn = fn;
	walk->arg = arg;
	err = walk_log(walk);
	if (lost_ret)
		*lost_ret = walk->lost;
	return walk->stopped ? err : gs_error_wrap(err, "kernel log");
}
