/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool notes: the notes of a dump, with what says most about a CPU. */
#include <elf.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "dumptool.h"

static const struct gs_emit_column columns[] = {
	{"offset", "OFFSET", true},   {"name", "NAME", false}, {"type", NULL, true},
	{"type_name", "TYPE", false}, {"size", "SIZE", true},  {"cpu", "CPU", true},
	{"pc", "PC", true},           {"sp", "SP", true},      {"cr3", "CR3", true},
};

static const struct {
	const char *name; /* of the note */
	uint32_t type;
	const char *type_name;
} types[] = {
	{"CORE", NT_PRSTATUS, "PRSTATUS"},
	{"CORE", NT_PRFPREG, "PRFPREG"},
	{"CORE", NT_PRPSINFO, "PRPSINFO"},
	{"CORE", NT_AUXV, "AUXV"},
	{"QEMU", 0, "CPU state"},
	{"VMCOREINFO", 0, "VMCOREINFO"},
	{"ERASEINFO", 0, "ERASEINFO"},
	{"LINUX", NT_PRXFPREG, "PRXFPREG"},
	{"LINUX", NT_PPC_VMX, "PPC_VMX"},
	{"LINUX", NT_PPC_SPE, "PPC_SPE"},
	{"LINUX", NT_PPC_VSX, "PPC_VSX"},
	{"LINUX", NT_X86_XSTATE, "X86_XSTATE"},
	{"LINUX", NT_S390_TIMER, "S390_TIMER"},
	{"LINUX", NT_S390_TODCMP, "S390_TODCMP"},
	{"LINUX", NT_S390_TODPREG, "S390_TODPREG"},
	{"LINUX", NT_S390_CTRS, "S390_CTRS"},
	{"LINUX", NT_S390_PREFIX, "S390_PREFIX"},
	{"LINUX", NT_S390_VXRS_LOW, "S390_VXRS_LOW"},
	{"LINUX", NT_S390_VXRS_HIGH, "S390_VXRS_HIGH"},
	{"LINUX", NT_S390_GS_CB, "S390_GS_CB"},
	{"LINUX", NT_ARM_VFP, "ARM_VFP"},
	{"LINUX", NT_ARM_SVE, "ARM_SVE"},
};

static const char *type_name(const struct gs_note *note)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (gs_note_is(note, types[i].name, types[i].type))
			return types[i].type_name;
	}
	return NULL;
}

static void emit_cpu(struct gs_emit *e, const struct gs_cpu *cpu)
{
	if (cpu->has_number)
		gs_emit_u64(e, "cpu", "", cpu->number);
	gs_emit_address(e, "pc", "", cpu->pc);
	gs_emit_address(e, "sp", "", cpu->sp);
	if (cpu->has_cr3)
		gs_emit_address(e, "cr3", "", cpu->cr3);
}

static struct gs_error *emit_note(struct gs_emit *e, const struct gs_note *note,
				  const struct gs_attributes *attrs)
{
	gs_autofree char *name = gs_strf("%.*s", (int)note->name_size, note->name);
	gs_autofree char *number = gs_strf("%u", note->type);
	const char *known = type_name(note);
	struct gs_cpu cpu;

	if (!name || !number)
		return gs_error_nomem();
	gs_emit_row(e);
	gs_emit_u64(e, "offset", "", note->off);
	gs_emit_string(e, "name", "", name);
	gs_emit_u64(e, "type", "", note->type);
	gs_emit_string(e, "type_name", "", known ? known : number);
	gs_emit_bytes(e, "size", "", note->desc_size);
	if (gs_note_cpu(note, attrs->arch, attrs->big_endian, &cpu))
		emit_cpu(e, &cpu);
	return NULL;
}

static struct gs_error *emit_notes(struct gs_emit *e, const struct gs_attributes *attrs)
{
	struct gs_error *err = NULL;
	bool found = true;
	size_t pos = 0;

	gs_emit_table(e, "notes", "Notes", columns, sizeof(columns) / sizeof(*columns));
	while (!err && found) {
		struct gs_note note;

		err = gs_note_next(attrs->notes, attrs->notes_size, attrs->big_endian, &pos, &note,
				   &found);
		if (!err && found)
			err = emit_note(e, &note, attrs);
	}
	gs_emit_end(e);
	return err;
}

/* As the guest's kernel wrote it: lines for people, one string for programs. */
static struct gs_error *emit_vmcoreinfo(struct gs_emit *e, const struct gs_memory *mem)
{
	const char *text = mem->attrs.vmcoreinfo;

	if (!text)
		return gs_error_create(GS_ERROR_NODATA, "%s: no VMCOREINFO", mem->name);
	gs_emit_string(e, "vmcoreinfo", NULL, text);
	while (*text) {
		size_t size = strcspn(text, "\n");

		gs_emit_line(e, "%.*s", (int)size, text);
		text += size + (text[size] == '\n');
	}
	return NULL;
}

int cmd_notes(struct gs_args *args)
{
	dumptool_autoinput struct dumptool_input in = {0};
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);
	struct gs_error *err = e ? dumptool_look(args, gs_args_count(args), &in) : gs_error_nomem(),
			*finish_err;

	if (err)
		return gs_args_fail(args, err);
	gs_emit_begin(e, NULL, NULL);
	if (gs_args_has(args, "vmcoreinfo"))
		err = emit_vmcoreinfo(e, in.mem);
	else
		err = emit_notes(e, &in.mem->attrs);
	gs_emit_end(e);
	/* The notes before a damaged one are worth showing. */
	finish_err = gs_emit_finish(e);
	if (err) {
		gs_error_destroy(finish_err);
		return gs_args_fail(args, gs_error_wrap(err, "%s", in.mem->name));
	}
	return gs_args_fail(args, finish_err);
}
