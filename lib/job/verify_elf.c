/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF vmcore, judged by its raw headers (System V ABI, "Object Files").
 *
 *	Ehdr   e_ident, e_type, e_machine, ... e_phoff, e_shoff ... e_phentsize, e_phnum
 *	Phdr[] PT_NOTE: notes; PT_LOAD: p_paddr, p_filesz bytes at p_offset, zeros up to p_memsz
 *	Shdr[] section 0: the real e_phnum in sh_info when it is PN_XNUM
 */
#include "verify.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define PHDRS_MAX (1u << 20)
#define READ_BYTES GS_CHUNK_BYTES
#define PAGE_BYTES 4096

struct load {
	uint64_t offset, vaddr, paddr, filesz, memsz;
	uint64_t phdr_off; /* of its program header */
};

struct elf {
	struct verify *v;
	struct gs_blob *blob;
	bool wide, big_endian;
	uint64_t phoff, shoff, phnum;
	uint16_t ehsize, phentsize, shnum;
	struct load *loads;
	size_t load_count;
	uint64_t vmcoreinfo_off, vmcoreinfo_size;
	bool has_note;
};

/* A field of a raw header that is @off64 bytes into the 64-bit shape, @off32 into the 32-bit one.
 */
static uint64_t field(const struct elf *e, const uint8_t *raw, size_t off64, size_t width64,
		      size_t off32, size_t width32)
{
	return e->wide ? gs_get_uint(raw + off64, width64, e->big_endian)
		       : gs_get_uint(raw + off32, width32, e->big_endian);
}

static bool judge_ident(struct elf *e, const uint8_t *raw)
{
	if (raw[EI_CLASS] != ELFCLASS32 && raw[EI_CLASS] != ELFCLASS64)
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-class", EI_CLASS,
			    "EI_CLASS is %u, expected 1 or 2", raw[EI_CLASS]);
	else if (raw[EI_DATA] != ELFDATA2LSB && raw[EI_DATA] != ELFDATA2MSB)
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-data", EI_DATA,
			    "EI_DATA is %u, expected 1 or 2", raw[EI_DATA]);
	else
		return true;
	return false;
}

static void parse_header(struct elf *e, const uint8_t *raw)
{
	uint64_t type = gs_get_u16(raw + 16, e->big_endian);

	if (type != ET_CORE)
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-type", 16,
			    "e_type is %" PRIu64 ", expected 4 (ET_CORE)", type);
	e->phoff = field(e, raw, 32, 8, 28, 4);
	e->shoff = field(e, raw, 40, 8, 32, 4);
	e->ehsize = (uint16_t)field(e, raw, 52, 2, 40, 2);
	e->phentsize = (uint16_t)field(e, raw, 54, 2, 42, 2);
	e->phnum = field(e, raw, 56, 2, 44, 2);
	e->shnum = (uint16_t)field(e, raw, 60, 2, 48, 2);
	if (e->ehsize != (e->wide ? 64 : 52))
		verify_find(e->v, GS_SEVERITY_INFO, "elf-ehsize", e->wide ? 52 : 40,
			    "e_ehsize is %u, expected %u (readers do not mind)", e->ehsize,
			    e->wide ? 64 : 52);
}

static struct gs_error *resolve_phnum(struct elf *e)
{
	uint8_t section[64];
	struct gs_error *err;

	if (e->phnum != PN_XNUM)
		return NULL;
	if (e->shnum == 0 || e->shoff > e->blob->size || e->blob->size - e->shoff < 64) {
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-xnum", e->wide ? 56 : 44,
			    "e_phnum is PN_XNUM, but there is no section 0 at e_shoff 0x%" PRIx64,
			    e->shoff);
		e->phnum = 0;
		return NULL;
	}
	err = gs_blob_read(e->blob, "section 0", e->shoff, section, sizeof(section));
	if (!err)
		e->phnum = field(e, section, 44, 4, 28, 4); /* sh_info */
	return err;
}

/* Whether the program headers can be read. */
static bool judge_table(struct elf *e)
{
	uint16_t expected = e->wide ? 56 : 32;
	uint64_t size = e->phnum * expected;

	if (e->phentsize != expected) {
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-phentsize", e->wide ? 54 : 42,
			    "e_phentsize is %u, expected %u", e->phentsize, expected);
		return false;
	}
	if (e->phnum > PHDRS_MAX || e->phoff > e->blob->size || size > e->blob->size - e->phoff) {
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-phdrs-past-end", e->wide ? 32 : 28,
			    "%" PRIu64 " program headers at 0x%" PRIx64
			    " do not fit a file of 0x%" PRIx64,
			    e->phnum, e->phoff, e->blob->size);
		return false;
	}
	if (e->phoff != (e->wide ? 64 : 52))
		verify_find(e->v, GS_SEVERITY_INFO, "elf-phoff", e->wide ? 32 : 28,
			    "e_phoff is %" PRIu64 ": makedumpfile reads program headers at %d only",
			    e->phoff, e->wide ? 64 : 52);
	return true;
}

static void judge_load(struct elf *e, const struct load *l)
{
	if (l->filesz > l->memsz)
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-filesz", l->phdr_off,
			    "p_filesz 0x%" PRIx64 " is more than p_memsz 0x%" PRIx64, l->filesz,
			    l->memsz);
	if (l->paddr >= GS_GPA_MAX || l->memsz > GS_GPA_MAX - l->paddr)
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-paddr", l->phdr_off,
			    "p_paddr 0x%" PRIx64 " + p_memsz 0x%" PRIx64
			    " is beyond any physical address",
			    l->paddr, l->memsz);
	if (l->filesz && (l->offset > e->blob->size || l->filesz > e->blob->size - l->offset))
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-load-truncated", l->phdr_off,
			    "segment of 0x%" PRIx64 " bytes at 0x%" PRIx64
			    ", but the file ends at 0x%" PRIx64,
			    l->filesz, l->offset, e->blob->size);
}

static struct gs_error *judge_phdr(struct elf *e, const uint8_t *raw, uint64_t off)
{
	uint32_t type = gs_get_u32(raw, e->big_endian);
	struct load l = {.phdr_off = off,
			 .offset = field(e, raw, 8, 8, 4, 4),
			 .vaddr = field(e, raw, 16, 8, 8, 4),
			 .paddr = field(e, raw, 24, 8, 12, 4),
			 .filesz = field(e, raw, 32, 8, 16, 4),
			 .memsz = field(e, raw, 40, 8, 20, 4)};

	if (type == PT_NOTE) {
		e->has_note = true;
		return verify_notes(e->v, e->blob, l.offset, l.filesz, e->big_endian,
				    &e->vmcoreinfo_off, &e->vmcoreinfo_size);
	}
	if (type == PT_LOAD && l.memsz) {
		judge_load(e, &l);
		e->loads[e->load_count++] = l;
	}
	return NULL;
}

static struct gs_error *judge_phdrs(struct elf *e)
{
	size_t entry = e->wide ? 56 : 32;
	gs_autofree uint8_t *table = malloc(e->phnum ? e->phnum * entry : 1);
	struct gs_error *err;

	e->loads = calloc(e->phnum ? e->phnum : 1, sizeof(*e->loads));
	if (!table || !e->loads)
		return gs_error_nomem();
	err = gs_blob_read(e->blob, "program headers", e->phoff, table, e->phnum * entry);
	for (uint64_t i = 0; !err && i < e->phnum; i++)
		err = judge_phdr(e, table + i * entry, e->phoff + i * entry);
	return err;
}

static int by_paddr(const void *a, const void *b)
{
	const struct load *x = a, *y = b;

	if (x->paddr != y->paddr)
		return x->paddr < y->paddr ? -1 : 1;
	return x->memsz > y->memsz ? -1 : x->memsz < y->memsz;
}

/* Two segments may show the same memory at two virtual addresses: then they show the same bytes. */
static void judge_overlaps(struct elf *e)
{
	const struct load *widest = NULL;

	qsort(e->loads, e->load_count, sizeof(*e->loads), by_paddr);
	for (size_t i = 0; i < e->load_count; i++) {
		const struct load *l = &e->loads[i];

		if (widest && l->paddr - widest->paddr < widest->memsz &&
		    l->offset - widest->offset != l->paddr - widest->paddr)
			verify_find(e->v, GS_SEVERITY_ERROR, "elf-overlap", l->phdr_off,
				    "physical 0x%" PRIx64 " is also in the segment of 0x%" PRIx64
				    ", with other bytes",
				    l->paddr, widest->paddr);
		if (!widest || l->paddr + l->memsz > widest->paddr + widest->memsz)
			widest = l;
	}
}

static void count_pages(struct gs_verify_result *r, const uint8_t *buf, uint64_t size)
{
	for (uint64_t off = 0; off < size; off += PAGE_BYTES) {
		uint64_t part = size - off < PAGE_BYTES ? size - off : PAGE_BYTES;

		r->pages_readable++;
		r->pages_zero += gs_is_zero(buf + off, part);
	}
}

/* A segment's three parts: bytes in the file, bytes that the file should have, zeros up to p_memsz.
 */
static uint64_t stored_bytes(const struct load *l)
{
	return l->filesz < l->memsz ? l->filesz : l->memsz;
}

static uint64_t present_bytes(const struct elf *e, const struct load *l)
{
	uint64_t left = e->blob->size > l->offset ? e->blob->size - l->offset : 0;

	return left < stored_bytes(l) ? left : stored_bytes(l);
}

enum stretch { STRETCH_DATA, STRETCH_ZERO, STRETCH_LOST };

/* What the segment is from @skip on, and how far that is known without reading. */
static struct gs_error *next_stretch(struct elf *e, const struct load *l, uint64_t skip,
				     enum stretch *ret, uint64_t *size_ret)
{
	uint64_t present = present_bytes(e, l), data, end;
	struct gs_error *err;

	*ret = skip >= stored_bytes(l) ? STRETCH_ZERO : STRETCH_LOST;
	*size_ret = (skip >= stored_bytes(l) ? l->memsz : stored_bytes(l)) - skip;
	if (skip >= present)
		return NULL;
	err = gs_blob_next_data(e->blob, l->offset + skip, &data, &end);
	if (err)
		return err;
	data -= l->offset + skip;
	*ret = data ? STRETCH_ZERO : STRETCH_DATA;
	*size_ret = data && data < present - skip ? data : present - skip;
	return NULL;
}

static uint64_t pages_in(uint64_t size)
{
	return size / PAGE_BYTES + (size % PAGE_BYTES != 0);
}

/* At most READ_BYTES, of any mixture. */
static struct gs_error *read_window(struct elf *e, const struct load *l, uint64_t skip,
				    uint64_t size, uint8_t *buf)
{
	struct gs_verify_result *r = e->v->result;
	uint64_t present = present_bytes(e, l), stored = stored_bytes(l);
	uint64_t in_file = skip >= present ? 0 : present - skip;
	struct gs_error *err;

	in_file = in_file < size ? in_file : size;
	err = gs_blob_read(e->blob, "segment", l->offset + skip, buf, in_file);
	if (err)
		return err;
	memset(buf + in_file, 0, size - in_file);
	if (in_file < size && present < stored) {
		r->pages_lost += pages_in(size - in_file);
		size = in_file;
	}
	count_pages(r, buf, size);
	if (e->v->options->sum)
		sum_add(&r->sum, l->paddr + skip, buf, size);
	return NULL;
}

/* From @skip on, which other segments have not shown, in windows cut at multiples of READ_BYTES. */
static struct gs_error *read_segment(struct elf *e, const struct load *l, uint64_t skip,
				     uint8_t *buf)
{
	struct gs_verify_result *r = e->v->result;
	struct gs_progress *progress = e->v->options->progress;
	struct gs_error *err = NULL;

	while (!err && skip < l->memsz && !(progress && progress->cancelled)) {
		uint64_t window = READ_BYTES - (l->paddr + skip) % READ_BYTES, size = 0;
		enum stretch stretch = STRETCH_DATA;

		if (window > l->memsz - skip)
			window = l->memsz - skip;
		err = next_stretch(e, l, skip, &stretch, &size);
		if (err)
			break;
		if (stretch == STRETCH_DATA || size < window) {
			size = window;
			err = read_window(e, l, skip, size, buf);
		} else {
			size = size == l->memsz - skip
				       ? size
				       : window + (size - window) / READ_BYTES * READ_BYTES;
			r->pages_lost += stretch == STRETCH_LOST ? pages_in(size) : 0;
			r->pages_zero += stretch == STRETCH_ZERO ? pages_in(size) : 0;
			r->pages_readable += stretch == STRETCH_ZERO ? pages_in(size) : 0;
		}
		r->pages_declared += pages_in(size);
		skip += size;
		if (progress)
			progress->done += size;
	}
	return err;
}

static struct gs_error *read_all(struct elf *e)
{
	gs_autofree uint8_t *buf = malloc(READ_BYTES);
	uint64_t end = 0; /* of what was read; segments are sorted */
	struct gs_error *err = buf ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < e->load_count; i++) {
		const struct load *l = &e->loads[i];

		if (l->paddr >= GS_GPA_MAX || l->memsz > GS_GPA_MAX - l->paddr ||
		    l->paddr + l->memsz <= end)
			continue;
		err = read_segment(e, l, l->paddr < end ? end - l->paddr : 0, buf);
		end = l->paddr + l->memsz;
	}
	return err;
}

static void judge_whole(struct elf *e)
{
	bool mapped = false;

	if (!e->has_note)
		verify_find(e->v, GS_SEVERITY_WARNING, "elf-no-notes", NO_OFFSET,
			    "no PT_NOTE: neither registers nor VMCOREINFO");
	if (e->load_count == 0)
		verify_find(e->v, GS_SEVERITY_ERROR, "elf-no-load", NO_OFFSET,
			    "no PT_LOAD: no memory");
	for (size_t i = 0; i < e->load_count; i++)
		mapped = mapped || (e->loads[i].vaddr && e->loads[i].vaddr != e->loads[i].paddr);
	if (e->load_count && !mapped)
		verify_find(e->v, GS_SEVERITY_INFO, "elf-no-vaddr", NO_OFFSET,
			    "no kernel virtual addresses: drgn and makedumpfile cannot open it");
	judge_overlaps(e);
}

struct gs_error *verify_elf(struct verify *v, struct gs_blob *blob)
{
	struct elf e = {.v = v, .blob = blob};
	uint8_t raw[64] = {0};
	uint64_t size = blob->size < sizeof(raw) ? blob->size : sizeof(raw);
	struct gs_error *err = gs_blob_read(blob, "ELF header", 0, raw, size);

	if (err || !judge_ident(&e, raw))
		return err;
	e.wide = raw[EI_CLASS] == ELFCLASS64;
	e.big_endian = raw[EI_DATA] == ELFDATA2MSB;
	if (size < (e.wide ? 64 : 52)) {
		verify_find(v, GS_SEVERITY_ERROR, "elf-short", 0,
			    "the file ends within the ELF header, after %" PRIu64 " bytes", size);
		return NULL;
	}
	parse_header(&e, raw);
	err = resolve_phnum(&e);
	if (!err && judge_table(&e))
		err = judge_phdrs(&e);
	if (!err) {
		judge_whole(&e);
		err = verify_vmcoreinfo(v, blob, e.vmcoreinfo_off, e.vmcoreinfo_size, 0);
	}
	if (!err)
		err = read_all(&e);
	free(e.loads);
	return err;
}
