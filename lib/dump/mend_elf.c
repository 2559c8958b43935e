/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers of an ELF dump that is to be mended. QEMU's two section headers, which nobody needs,
 * make room for what is missing:
 *
 *	ELF header | section headers | program headers          | notes ...    QEMU
 *	ELF header | program headers, one more for kernel text  | notes ...    mended
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_layout.h"
#include "mend.h"

#define SECTIONS_MAX 2 /* QEMU's: none, and .shstrtab */

struct elf {
	struct gs_mend *m;
	const struct gs_mend_wanted *wanted;
	bool wide, big_endian;
	uint32_t ehdr_bytes, phdr_bytes;
	uint64_t ehdr[EHDR_FIELD_COUNT];
	uint64_t count, old_count; /* program headers */
	uint64_t room_end;         /* the first byte behind the headers that is something else */
	uint8_t *phdrs;            /* the new ones, with room for one more; owned */
	bool moved;                /* to right behind the ELF header */
};

static uint64_t phdr_get(const struct elf *e, uint64_t i, enum phdr_field field)
{
	return gs_field_get(&gs_elf_phdr_fields[e->wide][field], e->phdrs + i * e->phdr_bytes,
			    e->big_endian);
}

static void phdr_put(struct elf *e, uint64_t i, enum phdr_field field, uint64_t value)
{
	gs_field_put(&gs_elf_phdr_fields[e->wide][field], e->phdrs + i * e->phdr_bytes, value,
		     e->big_endian);
}

static bool is_load(const struct elf *e, uint64_t i)
{
	return phdr_get(e, i, P_TYPE) == PT_LOAD && phdr_get(e, i, P_MEMSZ);
}

static void find_room(struct elf *e)
{
	e->room_end = e->m->there;
	for (uint64_t i = 0; i < e->count; i++) {
		uint64_t off = phdr_get(e, i, P_OFFSET);

		if (phdr_get(e, i, P_FILESZ) && off < e->room_end)
			e->room_end = off;
	}
}

/* What gs_elf_parse() has found sound. */
static struct gs_error *read_headers(struct elf *e)
{
	uint8_t raw[sizeof(Elf64_Ehdr)];
	struct gs_error *err;

	e->wide = e->m->mem->attrs.is_64bit;
	e->big_endian = e->m->mem->attrs.big_endian;
	e->ehdr_bytes = gs_elf_ehdr_bytes(e->wide);
	e->phdr_bytes = gs_elf_phdr_bytes(e->wide);
	err = gs_blob_read(e->m->view, "ELF header", 0, raw, e->ehdr_bytes);
	if (err)
		return err;
	for (int i = 0; i < EHDR_FIELD_COUNT; i++)
		e->ehdr[i] = gs_field_get(&gs_elf_ehdr_fields[e->wide][i], raw, e->big_endian);
	e->count = e->old_count = e->ehdr[E_PHNUM];
	if (e->count == PN_XNUM)
		e->count = e->old_count = 0; /* section 0 counts them: nothing here can move */
	e->phdrs = calloc(e->count + 1, e->phdr_bytes);
	if (!e->phdrs)
		return gs_error_nomem();
	return gs_blob_read(e->m->view, "program headers", e->ehdr[E_PHOFF], e->phdrs,
			    e->count * e->phdr_bytes);
}

/* Whether @count program headers can stand right behind the ELF header. */
static bool has_room(const struct elf *e, uint64_t count)
{
	return count && e->ehdr[E_SHNUM] <= SECTIONS_MAX && e->room_end >= e->ehdr_bytes &&
	       count * e->phdr_bytes <= e->room_end - e->ehdr_bytes;
}

static struct gs_error *mend_place(struct elf *e)
{
	char was[32], will_be[32];
	struct gs_error *err = NULL;

	find_room(e);
	snprintf(will_be, sizeof(will_be), "%" PRIu32, e->ehdr_bytes);
	if (e->ehdr[E_PHOFF] != e->ehdr_bytes && has_room(e, e->count)) {
		snprintf(was, sizeof(was), "%" PRIu64, e->ehdr[E_PHOFF]);
		e->ehdr[E_PHOFF] = e->ehdr_bytes;
		e->moved = true;
		err = gs_mend_note(e->m, "elf-phoff", was, will_be,
				   "the program headers are not where makedumpfile looks for them");
	}
	if (!err && e->ehdr[E_EHSIZE] != e->ehdr_bytes) {
		snprintf(was, sizeof(was), "%" PRIu64, e->ehdr[E_EHSIZE]);
		e->ehdr[E_EHSIZE] = e->ehdr_bytes;
		err = gs_mend_note(e->m, "elf-ehsize", was, will_be,
				   "e_ehsize is not the size of the header");
	}
	return err;
}

/* How much of a segment there is, in whole pages; UINT64_MAX: all. */
static uint64_t what_is_there(const struct elf *e, uint64_t i)
{
	uint64_t off = phdr_get(e, i, P_OFFSET), filesz = phdr_get(e, i, P_FILESZ);
	uint64_t there = off < e->m->there ? e->m->there - off : 0, over;

	if (filesz <= there)
		return UINT64_MAX;
	over = (phdr_get(e, i, P_PADDR) + there) % e->m->mem->attrs.page_size;
	return there > over ? there - over : 0;
}

/* What is not there is not in the dump: as p_memsz beyond p_filesz it would read as zero. */
static struct gs_error *mend_cut(struct elf *e)
{
	uint64_t lost = 0, left = 0;
	char size[GS_SIZE_TEXT];

	for (uint64_t i = 0; i < e->count; i++) {
		uint64_t there = what_is_there(e, i);

		if (!is_load(e, i))
			continue;
		left += there != 0;
		if (there == UINT64_MAX)
			continue;
		lost += phdr_get(e, i, P_FILESZ) - there;
		phdr_put(e, i, P_FILESZ, there);
		phdr_put(e, i, P_MEMSZ, there);
	}
	if (!lost)
		return NULL;
	if (!left)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: nothing of its memory is there",
				       e->m->mem->name);
	e->ehdr[E_FLAGS] |= DUMP_ELF_INCOMPLETE;
	return gs_mend_note(e->m, "elf-incomplete", NULL, NULL,
			    "%s of memory are lost, as the file was cut: readers are told so, and "
			    "get the rest",
			    gs_format_size(lost, size));
}

/* ---- virtual addresses ---- */

/* Whether somebody who knew the kernel has written them. */
static bool has_vaddrs(const struct elf *e)
{
	for (uint64_t i = 0; i < e->count; i++) {
		uint64_t vaddr = phdr_get(e, i, P_VADDR);

		if (is_load(e, i) && vaddr && vaddr != phdr_get(e, i, P_PADDR))
			return true;
	}
	return false;
}

static const struct gs_segment *find_segment(const struct elf *e, gs_gpa_t gpa, uint64_t size)
{
	for (size_t i = 0; i < e->wanted->segment_count; i++) {
		const struct gs_segment *s = &e->wanted->segments[i];

		if (gpa >= s->gpa && gpa - s->gpa < s->size && size <= s->size - (gpa - s->gpa))
			return s;
	}
	return NULL;
}

/* One more PT_LOAD, over bytes of the one that holds the kernel's text. */
static bool add_text(struct elf *e)
{
	const struct gs_segment *text = &e->wanted->text;

	for (uint64_t i = 0; i < e->count; i++) {
		gs_gpa_t start = phdr_get(e, i, P_PADDR);
		uint64_t filesz = phdr_get(e, i, P_FILESZ), skip = text->gpa - start;

		if (!is_load(e, i) || text->gpa < start || skip >= filesz ||
		    text->size > filesz - skip)
			continue;
		memcpy(e->phdrs + e->count * e->phdr_bytes, e->phdrs + i * e->phdr_bytes,
		       e->phdr_bytes);
		phdr_put(e, e->count, P_OFFSET, phdr_get(e, i, P_OFFSET) + skip);
		phdr_put(e, e->count, P_VADDR, text->vaddr);
		phdr_put(e, e->count, P_PADDR, text->gpa);
		phdr_put(e, e->count, P_FILESZ, text->size);
		phdr_put(e, e->count, P_MEMSZ, text->size);
		e->count++;
		return true;
	}
	return false;
}

static void set_vaddrs(struct elf *e)
{
	for (uint64_t i = 0; i < e->old_count; i++) {
		gs_gpa_t gpa = phdr_get(e, i, P_PADDR);
		const struct gs_segment *s =
			is_load(e, i) ? find_segment(e, gpa, phdr_get(e, i, P_MEMSZ)) : NULL;

		if (s)
			phdr_put(e, i, P_VADDR, s->vaddr + (gpa - s->gpa));
	}
}

static struct gs_error *no_room(const struct elf *e)
{
	if (e->m->change_count)
		return NULL;
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "%s: the headers have no room for the kernel's virtual addresses, "
			       "which gdb and drgn want: convert it to elf",
			       e->m->mem->name);
}

static struct gs_error *mend_vaddrs(struct elf *e)
{
	if (!e->wanted->segment_count || !e->wanted->text.size || has_vaddrs(e))
		return NULL;
	if (e->ehdr[E_PHOFF] != e->ehdr_bytes || !has_room(e, e->count + 1))
		return no_room(e);
	if (!add_text(e)) /* it was cut off, perhaps */
		return NULL;
	set_vaddrs(e);
	return gs_mend_note(e->m, "elf-vaddr", NULL, NULL,
			    "gdb and drgn want the kernel's virtual addresses: those of its text "
			    "and of all memory");
}

/* ---- the head as a whole ---- */

/* [@off, @off + @size) as it is now, to be changed; the caller frees both copies. */
static struct gs_error *read_twice(struct elf *e, uint64_t off, size_t size, uint8_t **was_ret,
				   uint8_t **now_ret)
{
	struct gs_error *err;

	*was_ret = calloc(1, size + 1);
	*now_ret = calloc(1, size + 1);
	if (!*was_ret || !*now_ret)
		return gs_error_nomem();
	err = gs_blob_read(e->m->view, "headers", off, *was_ret, size);
	if (!err)
		memcpy(*now_ret, *was_ret, size);
	return err;
}

static void put_ehdr(const struct elf *e, uint8_t *to)
{
	for (int i = 0; i < EHDR_FIELD_COUNT; i++)
		gs_field_put(&gs_elf_ehdr_fields[e->wide][i], to, e->ehdr[i], e->big_endian);
}

/* The program headers right behind the ELF header; of what was there before nothing stays. */
static struct gs_error *add_head(struct elf *e)
{
	size_t table = e->count * e->phdr_bytes;
	uint64_t size = e->ehdr_bytes + (e->old_count + 1) * e->phdr_bytes +
			SECTIONS_MAX * gs_elf_shdr_bytes(e->wide);
	gs_autofree uint8_t *was = NULL;
	gs_autofree uint8_t *now = NULL;
	struct gs_error *err;

	if (size > e->room_end)
		size = e->room_end;
	err = read_twice(e, 0, size, &was, &now);
	if (err)
		return err;
	if (e->ehdr[E_SHNUM] <= SECTIONS_MAX)
		e->ehdr[E_SHOFF] = e->ehdr[E_SHNUM] = e->ehdr[E_SHENTSIZE] = e->ehdr[E_SHSTRNDX] =
			0;
	e->ehdr[E_PHNUM] = e->count;
	memset(now + e->ehdr_bytes, 0, size - e->ehdr_bytes);
	put_ehdr(e, now);
	memcpy(now + e->ehdr_bytes, e->phdrs, table);
	return gs_edits_add_changed(&e->m->edits, 0, was, now, size);
}

/* Where the program headers stay where they are. */
static struct gs_error *add_tables(struct elf *e)
{
	size_t table = e->count * e->phdr_bytes;
	gs_autofree uint8_t *was = NULL;
	gs_autofree uint8_t *now = NULL;
	gs_autofree uint8_t *old_phdrs = NULL;
	gs_autofree uint8_t *unused = NULL;
	struct gs_error *err = read_twice(e, 0, e->ehdr_bytes, &was, &now);

	if (!err)
		err = read_twice(e, e->ehdr[E_PHOFF], table, &old_phdrs, &unused);
	if (err)
		return err;
	put_ehdr(e, now);
	err = gs_edits_add_changed(&e->m->edits, 0, was, now, e->ehdr_bytes);
	return err ? err
		   : gs_edits_add_changed(&e->m->edits, e->ehdr[E_PHOFF], old_phdrs, e->phdrs,
					  table);
}

static struct gs_error *add_edits(struct elf *e)
{
	if (e->moved || e->count > e->old_count)
		return add_head(e);
	return add_tables(e);
}

struct gs_error *gs_mend_elf(struct gs_mend *m, const struct gs_mend_wanted *wanted)
{
	struct elf e = {.m = m, .wanted = wanted};
	struct gs_error *err = read_headers(&e);

	if (!err)
		err = mend_cut(&e);
	if (!err)
		err = mend_place(&e);
	if (!err)
		err = mend_vaddrs(&e);
	if (!err && m->change_count)
		err = add_edits(&e);
	free(e.phdrs);
	return err;
}
