/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMCOREINFO: lines KEY=value. The guest wrote them, so that what is wrong with a value says little
 * about the file: warnings.
 */
#include "verify.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE_MIN 4096
#define PAGE_SIZE_MAX (1u << 18)
#define SHOWN_BYTES 64 /* of a line */

/* Where an x86_64 kernel is linked to: phys_base is the physical address of this. */
#define KERNEL_MAP UINT64_C(0xffffffff80000000)

struct text {
	struct verify *v;
	const char *start;
	uint64_t off; /* of start in the file */
	uint32_t block_size;
	struct vmcoreinfo_facts *facts;
	bool has_osrelease, has_page_size; /* of equal keys the first one counts */
	uint64_t uts_vaddr;
};

enum number { NUMBER_HEX, NUMBER_UNSIGNED, NUMBER_SIGNED };

static const struct {
	const char *prefix;
	enum number number;
} number_lines[] = {
	{"PAGESIZE=", NUMBER_UNSIGNED}, {"SYMBOL(", NUMBER_HEX},      {"SIZE(", NUMBER_UNSIGNED},
	{"OFFSET(", NUMBER_UNSIGNED},   {"LENGTH(", NUMBER_UNSIGNED}, {"NUMBER(", NUMBER_SIGNED},
};

static bool starts_with(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

/* The whole of @value; NUMBER() lines are decimal and may be negative, or hexadecimal with 0x. */
static bool parse_number(const char *value, enum number number, uint64_t *ret)
{
	bool is_hex = number == NUMBER_HEX || (number == NUMBER_SIGNED && starts_with(value, "0x"));
	bool is_negative = number == NUMBER_SIGNED && *value == '-';
	char *end;

	if (!isxdigit((unsigned char)value[is_negative]))
		return false;
	errno = 0;
	*ret = is_hex || !is_negative ? strtoull(value, &end, is_hex ? 16 : 10)
				      : (uint64_t)strtoll(value, &end, 10);
	if (number == NUMBER_SIGNED && !is_hex && !is_negative && *ret > INT64_MAX)
		return false;
	return !errno && *end == '\0';
}

static void judge_page_size(struct text *t, const char *line, uint64_t page_size)
{
	uint64_t off = t->off + (uint64_t)(line - t->start);

	if (page_size < PAGE_SIZE_MIN || page_size > PAGE_SIZE_MAX || (page_size & (page_size - 1)))
		gs_verify_find(t->v, GS_SEVERITY_WARNING, "vmcoreinfo-page-size", off,
			       "PAGESIZE=%" PRIu64 ", expected a power of two from %d to %d",
			       page_size, PAGE_SIZE_MIN, PAGE_SIZE_MAX);
	else if (t->block_size && page_size != t->block_size)
		gs_verify_find(t->v, GS_SEVERITY_WARNING, "vmcoreinfo-page-size", off,
			       "PAGESIZE=%" PRIu64 ", but the dump's block_size is %" PRIu32,
			       page_size, t->block_size);
}

static void take_number(struct text *t, const char *line, uint64_t number)
{
	if (starts_with(line, "PAGESIZE=") && !t->has_page_size) {
		t->has_page_size = true;
		judge_page_size(t, line, number);
	}
	if (starts_with(line, "SYMBOL(init_uts_ns)=") && !t->uts_vaddr)
		t->uts_vaddr = number;
	if (starts_with(line, "NUMBER(phys_base)=") && !t->facts->has_phys_base) {
		t->facts->has_phys_base = true;
		t->facts->phys_base = (int64_t)number;
	}
}

static void judge_line(struct text *t, const char *line)
{
	const char *equals = strchr(line, '=');
	uint64_t number;

	t->has_osrelease = t->has_osrelease || starts_with(line, "OSRELEASE=");
	for (size_t i = 0; equals && i < sizeof(number_lines) / sizeof(number_lines[0]); i++) {
		if (!starts_with(line, number_lines[i].prefix))
			continue;
		if (parse_number(equals + 1, number_lines[i].number, &number))
			take_number(t, line, number);
		else
			gs_verify_find(t->v, GS_SEVERITY_WARNING, "vmcoreinfo-number",
				       t->off + (uint64_t)(line - t->start),
				       "%.*s: not a 64-bit number", SHOWN_BYTES, line);
	}
}

static bool is_text(const char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text) && !isspace((unsigned char)*text))
			return false;
	return true;
}

static void judge_text(struct text *t, char *text)
{
	char *save = NULL;

	if (!is_text(text)) {
		gs_verify_find(t->v, GS_SEVERITY_ERROR, "vmcoreinfo-not-text", t->off,
			       "VMCOREINFO holds bytes that are no text");
		return;
	}
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		judge_line(t, line);
	if (!t->has_osrelease)
		gs_verify_find(t->v, GS_SEVERITY_WARNING, "vmcoreinfo-no-osrelease", t->off,
			       "VMCOREINFO without OSRELEASE");
}

static gs_gpa_t find_kernel(const struct text *t)
{
	gs_gpa_t gpa = t->uts_vaddr - KERNEL_MAP + (uint64_t)t->facts->phys_base;

	return t->facts->has_phys_base && t->uts_vaddr >= KERNEL_MAP && gpa < GS_GPA_MAX
		       ? gpa
		       : NO_KERNEL;
}

/* A warning: VMCOREINFO may be that of a kernel that is gone. */
void gs_verify_kernel_missing(struct verify *v, gs_gpa_t kernel_gpa)
{
	gs_verify_find(
		v, GS_SEVERITY_WARNING, "kernel-missing", NO_OFFSET,
		"the page at physical 0x%" PRIx64 ", which holds the kernel's init_uts_ns, "
		"was left out: whatever filtered this dump lost pages that it should have kept",
		kernel_gpa);
}

struct gs_error *gs_verify_vmcoreinfo(struct verify *v, struct gs_blob *blob, uint64_t off,
				      uint64_t size, uint32_t block_size,
				      struct vmcoreinfo_facts *ret)
{
	struct text t = {.v = v, .off = off, .block_size = block_size, .facts = ret};
	gs_autofree char *text = NULL;
	struct gs_error *err;

	*ret = (struct vmcoreinfo_facts){.kernel_gpa = NO_KERNEL};
	if (size == 0) {
		gs_verify_find(v, GS_SEVERITY_INFO, "vmcoreinfo-none", NO_OFFSET,
			       "no VMCOREINFO: readers must be told about the kernel");
		return NULL;
	}
	if (off > blob->size || size > blob->size - off || size > GS_VMCOREINFO_MAX_BYTES) {
		gs_verify_find(v, GS_SEVERITY_ERROR, "vmcoreinfo-past-end", off,
			       "VMCOREINFO of %" PRIu64 " bytes in a file of %" PRIu64
			       ", the limit is %u",
			       size, blob->size, GS_VMCOREINFO_MAX_BYTES);
		return NULL;
	}
	text = calloc(1, size + 1);
	if (!text)
		return gs_error_nomem();
	err = gs_blob_read(blob, "VMCOREINFO", off, text, size);
	if (err)
		return err;
	t.start = text;
	judge_text(&t, text);
	ret->kernel_gpa = find_kernel(&t);
	return NULL;
}
