/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a process begins, and where its dynamic loader tells of new files. */
#include "process.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <guestscope/base/io.h>

#define DYNAMIC_MAX 4096 /* entries; real: 30 */

/* ---- words of the process ---- */

/* Those of a program of 32 bits are half as wide. */
struct image {
	struct gs_process_symbols *symbols;
	size_t word; /* bytes */
};

static uint64_t word_of(const void *data, size_t word)
{
	uint64_t whole;
	uint32_t half;

	if (word == sizeof(half)) {
		memcpy(&half, data, sizeof(half));
		return half;
	}
	memcpy(&whole, data, sizeof(whole));
	return whole;
}

static bool read_word(const struct image *image, uint64_t address, uint64_t *ret)
{
	unsigned char buf[sizeof(*ret)];

	if (!gs_process_read_memory(image->symbols, address, buf, image->word))
		return false;
	*ret = word_of(buf, image->word);
	return true;
}

static struct gs_error *open_image(struct gs_process_symbols *symbols, struct image *ret)
{
	gs_autoclose int fd = -1;
	unsigned char ident[EI_NIDENT];
	struct gs_error *err = gs_process_open_proc(symbols, "exe", &fd);

	if (err)
		return err;
	if (gs_pread_full(fd, ident, sizeof(ident), 0) != sizeof(ident) ||
	    memcmp(ident, ELFMAG, SELFMAG) != 0)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "process %d: its program is no ELF file", (int)symbols->pid);
	*ret = (struct image){symbols, ident[EI_CLASS] == ELFCLASS32 ? 4 : 8};
	return NULL;
}

/* ---- the auxiliary vector ---- */

/* 0: no such entry. */
static struct gs_error *read_aux(const struct image *image, uint64_t type, uint64_t *ret)
{
	gs_autofree char *data = NULL;
	size_t size, entry = 2 * image->word;
	struct gs_error *err = gs_process_read_proc(image->symbols, "auxv", &data, &size);

	if (err)
		return err;
	*ret = 0;
	for (size_t off = 0; size - off >= entry; off += entry) {
		if (word_of(data + off, image->word) == type) {
			*ret = word_of(data + off + image->word, image->word);
			break;
		}
	}
	return NULL;
}

struct gs_error *gs_process_symbols_entry(struct gs_process_symbols *symbols, uint64_t *ret)
{
	struct image image;
	uint64_t entry = 0;
	struct gs_error *err = open_image(symbols, &image);

	if (!err)
		err = read_aux(&image, AT_ENTRY, &entry);
	if (!err && !entry)
		err = gs_error_create(GS_ERROR_NODATA, "process %d: no AT_ENTRY",
				      (int)symbols->pid);
	if (!err)
		*ret = entry;
	return err;
}

/* ---- the loader ---- */

/* Where the program's dynamic section is: 0 if it has none. */
static uint64_t find_dynamic(struct gs_process_symbols *symbols, uint64_t program_headers)
{
	struct process_file *file = gs_process_file_at(symbols, program_headers);
	GElf_Addr bias = 0;
	Elf *elf = file ? dwfl_module_getelf(file->module, &bias) : NULL;
	GElf_Phdr segment;
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count) < 0)
		return 0;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_DYNAMIC)
			return segment.p_vaddr + bias;
	}
	return 0;
}

/* r_brk of the r_debug that DT_DEBUG leads to; 0: the loader has not come that far. */
static uint64_t find_break(const struct image *image, uint64_t dynamic)
{
	uint64_t tag = DT_NULL, value = 0, brk = 0;

	for (size_t i = 0; dynamic && i < DYNAMIC_MAX; i++) {
		if (!read_word(image, dynamic, &tag) || tag == DT_NULL)
			return 0;
		if (tag == DT_DEBUG)
			break;
		dynamic += 2 * image->word;
	}
	/* r_version, padded; r_map; r_brk */
	if (tag != DT_DEBUG || !read_word(image, dynamic + image->word, &value) || !value ||
	    !read_word(image, value + 2 * image->word, &brk))
		return 0;
	return brk;
}

/* What r_brk will be: glibc and musl give it this name. */
static struct gs_error *find_by_name(struct gs_process_symbols *symbols, uint64_t base,
				     uint64_t *ret)
{
	struct process_query query = {.name = "_dl_debug_state"};
	struct process_file *file = gs_process_file_at(symbols, base);
	struct gs_places places = {0};
	struct gs_error *err = file ? gs_process_find_names(file, &query, &places) : NULL;

	if (!err && places.count)
		*ret = places.places[0].address;
	else if (!err)
		err = gs_error_create(GS_ERROR_NODATA,
				      "process %d: its dynamic loader has not begun yet",
				      (int)symbols->pid);
	gs_places_deinit(&places);
	return err;
}

static struct gs_error *find_loader(const struct image *image, uint64_t *ret)
{
	struct gs_process_symbols *symbols = image->symbols;
	uint64_t base = 0, headers = 0, brk;
	struct gs_error *err = read_aux(image, AT_BASE, &base);

	if (!err)
		err = read_aux(image, AT_PHDR, &headers);
	if (err)
		return err;
	if (!base)
		return gs_error_create(GS_ERROR_NODATA, "process %d: it has no dynamic loader",
				       (int)symbols->pid);
	brk = find_break(image, find_dynamic(symbols, headers));
	if (!brk)
		return find_by_name(symbols, base, ret);
	*ret = brk;
	return NULL;
}

struct gs_error *gs_process_symbols_loader(struct gs_process_symbols *symbols, uint64_t *ret)
{
	struct image image;
	struct gs_error *err = open_image(symbols, &image);

	return err ? err : find_loader(&image, ret);
}
