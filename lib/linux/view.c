/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as the kernel, or one CPU, sees them, in runs. */
#include "paging.h"

#include <stdio.h>
#include <string.h>

#define CR0_PG (UINT64_C(1) << 31)
#define CR4_PSE (UINT64_C(1) << 4)
#define CR4_PAE (UINT64_C(1) << 5)
#define CR4_LA57 (UINT64_C(1) << 12)
#define CR3_ADDRESS UINT64_C(0x000ffffffffff000)
#define PAGE_BYTES UINT64_C(4096)

/* That long mode is on is not in the notes by itself: the mode of the running code tells. */
static bool in_long_mode(const struct gs_registers *cpu)
{
	struct gs_cpu_mode mode = gs_registers_mode(cpu);

	return mode.name && (!strcmp(mode.name, "long") || !strcmp(mode.name, "compatibility"));
}

static struct gs_error *translate_by_cpu(const struct gs_view *view, uint64_t vaddr,
					 gs_gpa_t *gpa_ret, uint64_t *left_ret)
{
	struct x86_32_paging paging = {0};
	uint64_t cr0, cr3, cr4;

	if (!gs_registers_get(view->cpu, "cr0", &cr0) ||
	    !gs_registers_get(view->cpu, "cr3", &cr3) || !gs_registers_get(view->cpu, "cr4", &cr4))
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "the notes do not tell the page tables of CPU %u",
				       view->cpu->cpu);
	if (!(cr0 & CR0_PG)) {
		*gpa_ret = vaddr;
		*left_ret = vaddr ? -vaddr : UINT64_MAX;
		return NULL;
	}
	if (in_long_mode(view->cpu)) {
		const struct paging long_mode = {.format = &gs_paging_x86_64,
						 .root_gpa = cr3 & CR3_ADDRESS,
						 .page_bits = 12,
						 .va_bits = cr4 & CR4_LA57 ? 57 : 48};

		return gs_paging_walk(&long_mode, view->mem, NULL, vaddr, gpa_ret, left_ret);
	}
	paging = (struct x86_32_paging){cr3, cr4 & CR4_PAE, cr4 & CR4_PSE};
	return gs_x86_32_walk(view->mem, &paging, vaddr, gpa_ret, left_ret);
}

/* *left_ret is set in any case. */
static struct gs_error *translate(const struct gs_view *view, uint64_t address, gs_gpa_t *gpa_ret,
				  uint64_t *left_ret)
{
	*left_ret = PAGE_BYTES - (address & (PAGE_BYTES - 1));
	if (view->cpu)
		return translate_by_cpu(view, address, gpa_ret, left_ret);
	if (view->kernel)
		return gs_linux_translate(view->kernel, address, gpa_ret, left_ret);
	*gpa_ret = address;
	*left_ret = address ? -address : UINT64_MAX;
	return NULL;
}

/* The message begins with the address, which differs from page to page. */
static void keep_reason(const char *message, struct gs_view_run *run)
{
	const char *colon = strncmp(message, "0x", 2) ? NULL : strstr(message, ": ");

	snprintf(run->why_not, sizeof(run->why_not), "%s", colon ? colon + 2 : message);
}

/* What is known of @address, up to the end of its page, of the physical memory's state, or of
 * @size_max. */
static struct gs_error *look(const struct gs_view *view, uint64_t address, uint64_t size_max,
			     struct gs_view_run *ret)
{
	struct gs_view_run run = {.address = address};
	gs_gpa_t end = GS_GPA_MAX;
	struct gs_error *err = translate(view, address, &run.gpa, &run.size);

	if (run.size > size_max)
		run.size = size_max;
	if (err && err->code == GS_ERROR_NODATA) {
		keep_reason(err->message, &run);
		gs_error_destroy(err);
		*ret = run;
		return NULL;
	}
	if (err)
		return err;
	run.mapped = true;
	run.state = GS_EXTENT_HOLE;
	if (run.gpa < GS_GPA_MAX) {
		err = gs_memory_extent(view->mem, run.gpa, &run.state, &end);
		if (!err && end - run.gpa < run.size)
			run.size = end - run.gpa;
	}
	*ret = run;
	return err;
}

static bool continues(const struct gs_view_run *run, const struct gs_view_run *next)
{
	if (run->mapped != next->mapped)
		return false;
	if (!run->mapped)
		return strcmp(run->why_not, next->why_not) == 0;
	return run->state == next->state && run->gpa + run->size == next->gpa;
}

struct gs_error *gs_view_next(const struct gs_view *view, uint64_t address, uint64_t size_max,
			      struct gs_view_run *ret)
{
	struct gs_view_run run, next;
	struct gs_error *err = look(view, address, size_max, &run);

	while (!err && run.size < size_max) {
		err = look(view, address + run.size, size_max - run.size, &next);
		if (err || !continues(&run, &next))
			break;
		run.size += next.size;
	}
	if (!err)
		*ret = run;
	return err;
}
