/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the headers of an ELF vmcore say about the guest and about its memory. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "elf_parse.h"

/* makedumpfile's mark in e_flags, where the architecture has no use for them. */
#define DUMP_ELF_INCOMPLETE 0x1u

static bool has_free_e_flags(enum gs_arch arch)
{
	return arch == GS_ARCH_X86_64 || arch == GS_ARCH_I386 || arch == GS_ARCH_AARCH64 ||
	       arch == GS_ARCH_S390X;
}

static struct gs_error *find_eraseinfo(struct gs_attributes *attrs)
{
	struct gs_note note;
	bool found = true;
	size_t pos = 0;

	while (found && !attrs->eraseinfo) {
		gs_autoerror struct gs_error *err = gs_note_next(
			attrs->notes, attrs->notes_size, attrs->big_endian, &pos, &note, &found);

		if (err) /* damaged notes are kept and skipped */
			return NULL;
		if (!found || !gs_note_is(&note, "ERASEINFO", 0))
			continue;
		attrs->eraseinfo = malloc(note.desc_size + 1);
		if (!attrs->eraseinfo)
			return gs_error_nomem();
		memcpy(attrs->eraseinfo, note.desc, note.desc_size);
		attrs->eraseinfo_size = note.desc_size;
	}
	return NULL;
}

struct gs_error *gs_elf_attributes(struct gs_elf_headers *h, struct gs_attributes *attrs)
{
	struct gs_error *err;

	*attrs = (struct gs_attributes){
		.arch = gs_arch_from_machine(h->machine, h->is_64bit, h->big_endian),
		.is_64bit = h->is_64bit,
		.big_endian = h->big_endian,
		.notes = gs_take(h->notes),
		.notes_size = h->notes_size,
	};
	err = gs_attributes_read_notes(attrs);
	if (!err)
		err = find_eraseinfo(attrs);
	gs_attributes_set_page_size(attrs);
	attrs->incomplete = has_free_e_flags(attrs->arch) && (h->flags & DUMP_ELF_INCOMPLETE);
	return err;
}

static struct gs_error *add_piece(struct gs_spool *pieces, uint64_t start, uint64_t size,
				  uint64_t src, uint64_t rank)
{
	struct gs_error *err;
	void *room;

	if (!size)
		return NULL;
	err = gs_spool_extend(pieces, sizeof(struct gs_piece), &room);
	if (!err)
		*(struct gs_piece *)room = (struct gs_piece){start, start + size, src, rank};
	return err;
}

/*
 * QEMU's paging=true gives addresses without RAM a PT_LOAD at offset -1: nothing was left out of
 * those.
 */
static uint64_t source_beyond_file(const struct gs_elf_load *load,
				   const struct gs_attributes *attrs)
{
	bool is_unbacked = !load->filesz && (uint32_t)load->off == UINT32_MAX;

	return (attrs->vmcoreinfo || attrs->eraseinfo) && !is_unbacked ? GS_SRC_EXCLUDED
								       : GS_SRC_ZERO;
}

/* The longest segment first, by pages; then the first in the table; bytes in the file before
 * others. */
static uint64_t rank_of_bytes(const struct gs_elf_load *load, size_t index)
{
	static_assert(GS_RANGES_MAX <= 1u << 20, "an index fits below the pages");

	return ((GS_GPA_MAX - load->filesz) >> 12) << 20 | index;
}

static uint64_t rank_beyond_file(size_t index)
{
	return UINT64_C(1) << 63 | index;
}

static struct gs_error *add_loads(struct gs_spool *pieces, const struct gs_elf_headers *h,
				  const struct gs_attributes *attrs)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < h->load_count; i++) {
		const struct gs_elf_load *load = &h->loads[i];

		err = add_piece(pieces, load->gpa, load->filesz, load->off, rank_of_bytes(load, i));
		if (!err)
			err = add_piece(pieces, load->gpa + load->filesz,
					load->memsz - load->filesz, source_beyond_file(load, attrs),
					rank_beyond_file(i));
	}
	return err;
}

static struct gs_error *make_ranges(struct gs_elf_map *map, const char *name)
{
	size_t count;
	const struct gs_stretch *stretches = gs_elf_map_stretches(map, &count);

	map->ranges = calloc(count + 1, sizeof(*map->ranges));
	if (!map->ranges)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		map->ranges[i] = (struct gs_range){stretches[i].start,
						   stretches[i].end - stretches[i].start};
	map->range_count = gs_ranges_normalize(map->ranges, count);
	if (map->range_count > GS_RANGES_MAX)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: more than %u ranges of memory", name,
				       GS_RANGES_MAX);
	return NULL;
}

struct gs_error *gs_elf_map_init(struct gs_elf_map *map, const struct gs_elf_headers *h,
				 const struct gs_attributes *attrs, const char *name)
{
	gs_autospool struct gs_spool pieces = GS_SPOOL_INIT(NULL);
	struct gs_error *err;

	*map = (struct gs_elf_map){.stretches = GS_SPOOL_INIT(NULL)};
	err = add_loads(&pieces, h, attrs);
	if (!err)
		err = gs_pieces_resolve(&pieces, &map->stretches);
	if (!err)
		err = make_ranges(map, name);
	if (err)
		gs_elf_map_deinit(map);
	return err;
}

void gs_elf_map_deinit(struct gs_elf_map *map)
{
	gs_spool_deinit(&map->stretches);
	free(map->ranges);
	map->ranges = NULL;
	map->range_count = 0;
}

const struct gs_stretch *gs_elf_map_stretches(const struct gs_elf_map *map, size_t *count_ret)
{
	*count_ret = map->stretches.size / sizeof(struct gs_stretch);
	return map->stretches.data;
}
