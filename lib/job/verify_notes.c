/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF notes: {u32 namesz, u32 descsz, u32 type, name, desc}, name and desc padded to 4 bytes. */
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define HEADER_BYTES 12

/* QEMU's note on an x86 CPU: u32 version, u32 size, registers; kernel_gs_base came later. */
#define QEMU_VERSION 1
#define QEMU_BYTES_OLD 432
#define QEMU_BYTES 440

static uint64_t padded(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

struct note_walk {
	struct verify *v;
	const uint8_t *notes;
	uint64_t off, size; /* of the notes in the file */
	bool big_endian;
	enum gs_arch arch;
	struct note_facts *facts;
};

/* One note; the offsets are those in the file. */
struct raw_note {
	uint64_t off, desc_off;
	const uint8_t *name, *desc;
	uint32_t namesz, descsz, type;
};

static bool note_is(const struct raw_note *n, const char *name, uint32_t type)
{
	size_t size = strlen(name);

	return n->type == type && n->namesz >= size && memcmp(n->name, name, size) == 0 &&
	       (n->namesz == size || (n->namesz == size + 1 && n->name[size] == '\0'));
}

static void judge_prstatus(const struct note_walk *w, const struct raw_note *n)
{
	const struct gs_arch_info *arch = gs_arch_info(w->arch);

	w->facts->cpus++;
	if (arch->prstatus_size && n->descsz != arch->prstatus_size)
		gs_verify_find(w->v, GS_SEVERITY_WARNING, "note-prstatus-size", n->off,
			       "NT_PRSTATUS of %" PRIu32 " bytes, expected %" PRIu32 " for %s",
			       n->descsz, arch->prstatus_size, arch->name);
}

static void judge_qemu(const struct note_walk *w, const struct raw_note *n)
{
	uint32_t version, size;

	w->facts->qemu++;
	if (n->descsz < QEMU_BYTES_OLD) {
		gs_verify_find(w->v, GS_SEVERITY_WARNING, "note-qemu-size", n->off,
			       "QEMU note of %" PRIu32 " bytes, expected %d or %d", n->descsz,
			       QEMU_BYTES, QEMU_BYTES_OLD);
		return;
	}
	version = gs_get_u32(n->desc, w->big_endian);
	size = gs_get_u32(n->desc + 4, w->big_endian);
	if (version != QEMU_VERSION)
		gs_verify_find(w->v, GS_SEVERITY_WARNING, "note-qemu-version", n->off,
			       "QEMU note of version %" PRIu32 ", expected %d", version,
			       QEMU_VERSION);
	if (size != n->descsz)
		gs_verify_find(w->v, GS_SEVERITY_WARNING, "note-qemu-size", n->off,
			       "QEMU note says that it has %" PRIu32 " bytes, but has %" PRIu32,
			       size, n->descsz);
}

static void take_vmcoreinfo(const struct note_walk *w, const struct raw_note *n)
{
	if (w->facts->has_vmcoreinfo) {
		gs_verify_find(w->v, GS_SEVERITY_WARNING, "note-vmcoreinfo-twice", n->off,
			       "one more VMCOREINFO note: only the first one counts");
		return;
	}
	w->facts->has_vmcoreinfo = true;
	w->facts->vmcoreinfo_off = n->desc_off;
	w->facts->vmcoreinfo_size = n->descsz;
}

static void look_at_note(const struct note_walk *w, const struct raw_note *n)
{
	if (note_is(n, "CORE", GS_NT_PRSTATUS))
		judge_prstatus(w, n);
	else if (note_is(n, "QEMU", 0))
		judge_qemu(w, n);
	else if (note_is(n, "VMCOREINFO", 0))
		take_vmcoreinfo(w, n);
	else if (note_is(n, "ERASEINFO", 0))
		w->facts->has_eraseinfo = true;
}

/* The note at @pos, or false. */
static bool parse_note(const struct note_walk *w, uint64_t pos, struct raw_note *ret)
{
	uint64_t left = w->size - pos;
	const uint8_t *raw = w->notes + pos;

	if (left < HEADER_BYTES) {
		if (!gs_is_zero(raw, left))
			gs_verify_find(w->v, GS_SEVERITY_ERROR, "note-past-end", w->off + pos,
				       "%" PRIu64 " bytes are left behind the last note", left);
		return false;
	}
	left -= HEADER_BYTES;
	*ret = (struct raw_note){.off = w->off + pos,
				 .namesz = gs_get_u32(raw, w->big_endian),
				 .descsz = gs_get_u32(raw + 4, w->big_endian),
				 .type = gs_get_u32(raw + 8, w->big_endian),
				 .name = raw + HEADER_BYTES};
	if (padded(ret->namesz) > left || ret->descsz > left - padded(ret->namesz)) {
		gs_verify_find(w->v, GS_SEVERITY_ERROR, "note-past-end", w->off + pos,
			       "note with namesz %" PRIu32 " and descsz %" PRIu32 ", but %" PRIu64
			       " bytes are left",
			       ret->namesz, ret->descsz, left);
		return false;
	}
	ret->desc = ret->name + padded(ret->namesz);
	ret->desc_off = w->off + (uint64_t)(ret->desc - w->notes);
	return true;
}

static void walk_notes(const struct note_walk *w)
{
	struct raw_note n;

	for (uint64_t pos = 0; parse_note(w, pos, &n);) {
		uint64_t end = pos + HEADER_BYTES + padded(n.namesz) + padded(n.descsz);

		look_at_note(w, &n);
		pos = end < w->size ? end : w->size; /* the last note may lack its padding */
	}
}

struct gs_error *gs_verify_notes(struct verify *v, struct gs_blob *blob, uint64_t off,
				 uint64_t size, enum gs_arch arch, bool big_endian,
				 struct note_facts *facts)
{
	struct note_walk w = {.v = v,
			      .off = off,
			      .size = size,
			      .big_endian = big_endian,
			      .arch = arch,
			      .facts = facts};
	gs_autofree uint8_t *notes = NULL;
	struct gs_error *err;

	if (size == 0)
		return NULL;
	if (off > blob->size || size > blob->size - off || size > GS_NOTES_MAX_BYTES) {
		gs_verify_find(v, GS_SEVERITY_ERROR, "notes-past-end", off,
			       "%" PRIu64 " bytes of notes in a file of %" PRIu64
			       ", the limit is %u",
			       size, blob->size, GS_NOTES_MAX_BYTES);
		return NULL;
	}
	notes = malloc(size);
	if (!notes)
		return gs_error_nomem();
	err = gs_blob_read(blob, "notes", off, notes, size);
	if (err)
		return err;
	w.notes = notes;
	walk_notes(&w);
	return NULL;
}

void gs_verify_note_facts(struct verify *v, const struct note_facts *facts)
{
	if (facts->cpus == 0)
		gs_verify_find(v, GS_SEVERITY_WARNING, "notes-no-cpu", NO_OFFSET,
			       "no NT_PRSTATUS note: no registers of any CPU");
	else if (facts->qemu && facts->qemu != facts->cpus)
		gs_verify_find(v, GS_SEVERITY_WARNING, "notes-cpu-count", NO_OFFSET,
			       "%" PRIu64 " NT_PRSTATUS notes but %" PRIu64 " QEMU notes",
			       facts->cpus, facts->qemu);
}
