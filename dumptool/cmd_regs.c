/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool regs: the registers of a guest's CPUs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "dumptool.h"

#define LINE_COLUMNS 96
#define NAME_COLUMNS 6
#define INDENT "  "

static const char *const segment_fields[] = {"selector", "base", "limit", "flags"};
#define SEGMENT_FIELDS (sizeof(segment_fields) / sizeof(*segment_fields))

static const struct {
	unsigned int bit;
	const char *name;
} rflags[] = {
	{0, "CF"},  {2, "PF"},   {4, "AF"},   {6, "ZF"},  {7, "SF"},  {8, "TF"},
	{9, "IF"},  {10, "DF"},  {11, "OF"},  {14, "NT"}, {16, "RF"}, {17, "VM"},
	{18, "AC"}, {19, "VIF"}, {20, "VIP"}, {21, "ID"},
};

/* The value with all its digits. */
static void print_value(struct gs_text *t, const struct gs_register *reg)
{
	if (reg->width == 16)
		gs_text_printf(t, "%016" PRIx64 "%016" PRIx64, reg->high, reg->low);
	else
		gs_text_printf(t, "%0*" PRIx64, reg->width * 2, reg->low);
}

static struct gs_json *value_json(const struct gs_register *reg)
{
	char text[2 + 32 + 1];

	if (!reg->high)
		return gs_json_new_hex(reg->low);
	snprintf(text, sizeof(text), "0x%" PRIx64 "%016" PRIx64, reg->high, reg->low);
	return gs_json_new_string(text);
}

/* ---- segments: registers named "cs.base" and so on ---- */

static int segment_name_size(const struct gs_register *reg)
{
	return (int)strcspn(reg->name, ".");
}

/* Whether the one at @i is the first of its segment. */
static bool begins_segment(const struct gs_registers *regs, size_t i)
{
	int size = segment_name_size(&regs->list[i]);

	if (regs->list[i].group != GS_REGISTERS_SEGMENT)
		return false;
	for (size_t k = 0; k < i; k++) {
		if (!strncmp(regs->list[k].name, regs->list[i].name, (size_t)size + 1))
			return false;
	}
	return true;
}

static bool segment_field(const struct gs_registers *regs, const struct gs_register *reg,
			  const char *field, uint64_t *ret)
{
	char name[32];

	snprintf(name, sizeof(name), "%.*s.%s", segment_name_size(reg), reg->name, field);
	return gs_registers_get(regs, name, ret);
}

static void segment_line(struct gs_emit *e, const struct gs_registers *regs,
			 const struct gs_register *reg)
{
	static const int digits[SEGMENT_FIELDS] = {4, 16, 8, 8};
	gs_autotext struct gs_text t = {0};

	gs_text_printf(&t, INDENT "%-4.*s", segment_name_size(reg), reg->name);
	for (size_t i = 0; i < SEGMENT_FIELDS; i++) {
		uint64_t v;

		if (segment_field(regs, reg, segment_fields[i], &v))
			gs_text_printf(&t, "  %*s%0*" PRIx64, i ? 0 : 4, "", digits[i], v);
		else
			gs_text_printf(&t, "  %*s%*s", i ? 0 : 4, "", digits[i], "");
	}
	while (t.size && t.data[t.size - 1] == ' ')
		t.data[--t.size] = '\0';
	gs_emit_line(e, "%s", t.data ? t.data : "");
}

static void segment_lines(struct gs_emit *e, const struct gs_registers *regs)
{
	bool any = false;

	for (size_t i = 0; i < regs->count; i++) {
		if (!begins_segment(regs, i))
			continue;
		if (!any)
			gs_emit_line(e, INDENT "      selector  %-16s  %-8s  flags", "base",
				     "limit");
		segment_line(e, regs, &regs->list[i]);
		any = true;
	}
}

static struct gs_json *segments_json(const struct gs_registers *regs)
{
	struct gs_json *segments = gs_json_new_object();

	for (size_t i = 0; i < regs->count; i++) {
		struct gs_json *segment;
		char name[16];
		uint64_t v;

		if (!begins_segment(regs, i))
			continue;
		segment = gs_json_new_object();
		for (size_t k = 0; k < SEGMENT_FIELDS; k++) {
			if (segment_field(regs, &regs->list[i], segment_fields[k], &v))
				gs_json_set(segment, segment_fields[k], gs_json_new_hex(v));
		}
		snprintf(name, sizeof(name), "%.*s", segment_name_size(&regs->list[i]),
			 regs->list[i].name);
		gs_json_set(segments, name, segment);
	}
	return segments;
}

/* ---- the other groups ---- */

static struct gs_json *group_json(const struct gs_registers *regs, enum gs_register_group group)
{
	struct gs_json *object = gs_json_new_object();

	for (size_t i = 0; i < regs->count; i++) {
		if (regs->list[i].group == group)
			gs_json_set(object, regs->list[i].name, value_json(&regs->list[i]));
	}
	return object;
}

/* How wide the registers of a group are when they stand below each other. Long names stick out. */
static void measure(const struct gs_registers *regs, enum gs_register_group group, int *name_ret,
		    int *digits_ret)
{
	*name_ret = *digits_ret = 0;
	for (size_t i = 0; i < regs->count; i++) {
		const struct gs_register *reg = &regs->list[i];

		if (reg->group != group)
			continue;
		if ((int)strlen(reg->name) > *name_ret && strlen(reg->name) <= NAME_COLUMNS)
			*name_ret = (int)strlen(reg->name);
		if (reg->width * 2 > *digits_ret)
			*digits_ret = reg->width * 2;
	}
}

static void group_lines(struct gs_emit *e, const struct gs_registers *regs,
			enum gs_register_group group)
{
	gs_autotext struct gs_text t = {0};
	int name, digits, per_line, on_line = 0;

	measure(regs, group, &name, &digits);
	per_line = LINE_COLUMNS / (name + 1 + digits + 2);
	for (size_t i = 0; i < regs->count; i++) {
		const struct gs_register *reg = &regs->list[i];

		if (reg->group != group)
			continue;
		gs_text_printf(&t, INDENT "%-*s ", name, reg->name);
		gs_text_printf(&t, "%*s", digits - reg->width * 2, "");
		print_value(&t, reg);
		if (++on_line < per_line)
			continue;
		gs_emit_line(e, "%s", t.data ? t.data : "");
		gs_text_clear(&t);
		on_line = 0;
	}
	if (on_line)
		gs_emit_line(e, "%s", t.data ? t.data : "");
}

static void flags_line(struct gs_emit *e, const struct gs_registers *regs)
{
	gs_autotext struct gs_text t = {0};
	uint64_t v;

	if (!gs_registers_get(regs, "rflags", &v) && !gs_registers_get(regs, "eflags", &v))
		return;
	for (size_t i = 0; i < sizeof(rflags) / sizeof(*rflags); i++) {
		if (v >> rflags[i].bit & 1)
			gs_text_printf(&t, " %s", rflags[i].name);
	}
	gs_emit_line(e, INDENT "flags:%s", t.data ? t.data : " none");
}

/* ---- names ---- */

/* Registers that hold the address of something. */
static struct gs_json *name_lines(struct gs_emit *e, const struct gs_registers *regs,
				  const struct dumptool_kernel *kernel)
{
	struct gs_json *names = gs_json_new_object();

	for (size_t i = 0; i < regs->count; i++) {
		const struct gs_register *reg = &regs->list[i];
		gs_autofree char *name = reg->group == GS_REGISTERS_VECTOR || reg->width < 4
						 ? NULL
						 : dumptool_name_address(kernel, reg->low);

		if (!name)
			continue;
		gs_emit_line(e, INDENT "%-8s  %s", reg->name, name);
		gs_json_set(names, reg->name, gs_json_new_string(name));
	}
	return names;
}

static void heading(struct gs_emit *e, const struct gs_registers *regs,
		    const struct gs_cpu_mode *mode)
{
	gs_autotext struct gs_text t = {0};

	gs_text_printf(&t, "CPU %u", regs->cpu);
	if (mode->privilege)
		gs_text_printf(&t, ": %s", mode->privilege);
	if (mode->level_kind)
		gs_text_printf(&t, " (%s %u)", mode->level_kind, mode->level);
	if (mode->name)
		gs_text_printf(&t, "%s %s mode", mode->privilege ? "," : ":", mode->name);
	gs_emit_line(e, "%s", t.data ? t.data : "");
}

static void set_string(struct gs_json *object, const char *key, const char *v)
{
	if (v)
		gs_json_set(object, key, gs_json_new_string(v));
}

static struct gs_json *cpu_json(const struct gs_registers *regs, const struct gs_cpu_mode *mode)
{
	struct gs_json *cpu = gs_json_new_object();
	const char *pc_name = gs_registers_pc_name(regs);
	uint64_t pc;

	gs_json_set(cpu, "cpu", gs_json_new_u64(regs->cpu));
	set_string(cpu, "mode", mode->name);
	set_string(cpu, "privilege", mode->privilege);
	if (mode->level_kind)
		gs_json_set(cpu, strcmp(mode->level_kind, "EL") ? "ring" : "el",
			    gs_json_new_u64(mode->level));
	if (pc_name && gs_registers_get(regs, pc_name, &pc))
		gs_json_set(cpu, "pc", gs_json_new_hex(pc));
	gs_json_set(cpu, "general", group_json(regs, GS_REGISTERS_GENERAL));
	gs_json_set(cpu, "segments", segments_json(regs));
	gs_json_set(cpu, "control", group_json(regs, GS_REGISTERS_CONTROL));
	gs_json_set(cpu, "vector", group_json(regs, GS_REGISTERS_VECTOR));
	return cpu;
}

static void emit_cpu(struct gs_emit *e, const struct gs_registers *regs,
		     const struct dumptool_kernel *kernel, struct gs_json *cpus)
{
	const struct gs_cpu_mode mode = gs_registers_mode(regs);
	struct gs_json *cpu = cpu_json(regs, &mode);

	heading(e, regs, &mode);
	group_lines(e, regs, GS_REGISTERS_GENERAL);
	flags_line(e, regs);
	segment_lines(e, regs);
	group_lines(e, regs, GS_REGISTERS_CONTROL);
	group_lines(e, regs, GS_REGISTERS_VECTOR);
	gs_json_set(cpu, "symbols", name_lines(e, regs, kernel));
	gs_json_append(cpus, cpu);
}

static struct gs_error *emit_all(struct gs_emit *e, const struct gs_attributes *attrs,
				 const struct dumptool_kernel *kernel, struct gs_json *cpus)
{
	struct gs_registers_walk walk = {0};
	struct gs_registers regs;
	bool found = true;

	while (found) {
		struct gs_error *err = gs_registers_next(attrs, &walk, &regs, &found);

		if (err)
			return err;
		if (found)
			emit_cpu(e, &regs, kernel, cpus);
	}
	if (walk.cpu)
		return NULL;
	return gs_error_create(GS_ERROR_NODATA, "no note tells of a CPU's registers");
}

static struct gs_error *emit_one(struct gs_emit *e, const struct gs_attributes *attrs,
				 const struct dumptool_kernel *kernel, uint32_t cpu,
				 struct gs_json *cpus)
{
	struct gs_registers regs;
	struct gs_error *err = gs_registers_of_cpu(attrs, cpu, &regs);

	if (!err)
		emit_cpu(e, &regs, kernel, cpus);
	return err;
}

static struct gs_error *emit_document(const struct gs_args *args, uint32_t cpu, struct gs_emit *e,
				      const struct dumptool_input *in,
				      const struct dumptool_kernel *kernel)
{
	gs_autojson struct gs_json *cpus = gs_json_new_array();
	const struct gs_attributes *attrs = &in->mem->attrs;
	struct gs_error *err;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, in->qmp ? "guest" : "file", NULL, in->mem->name);
	gs_emit_string(e, "arch", NULL, gs_arch_info(attrs->arch)->name);
	if (gs_args_has(args, "cpu"))
		err = emit_one(e, attrs, kernel, cpu, cpus);
	else
		err = emit_all(e, attrs, kernel, cpus);
	if (!err)
		gs_emit_json(e, "cpus", NULL, cpus);
	gs_emit_end(e);
	return gs_error_wrap(err, "%s", in->mem->name);
}

static struct gs_error *show(struct gs_args *args, struct gs_emit *e)
{
	dumptool_autoinput struct dumptool_input in = {0};
	dumptool_autokernel struct dumptool_kernel kernel = {0};
	uint32_t cpu;
	struct gs_error *err = dumptool_cpu(args, &cpu);

	if (!err)
		err = dumptool_look(args, gs_args_count(args), &in);
	if (!err)
		err = dumptool_find_kernel(args, in.mem, true, &kernel);
	return err ? err : emit_document(args, cpu, e, &in, &kernel);
}

int cmd_regs(struct gs_args *args)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);
	struct gs_error *err = e ? show(args, e) : gs_error_nomem();

	return gs_args_fail(args, err ? err : gs_emit_finish(e));
}
