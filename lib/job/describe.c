/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The step "describe": what a dump's headers say beyond what its source brought. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/job.h>

/* Guests lie about their memory at will: what would leave out more than this share is kept. */
#define LEFT_OUT_MAX(total) ((total) / 2)

static struct gs_error *copy_ranges(const struct gs_memory *mem, struct gs_description *d)
{
	d->ranges = calloc(mem->range_count + 1, sizeof(*d->ranges));
	if (!d->ranges)
		return gs_error_nomem();
	if (mem->range_count)
		memcpy(d->ranges, mem->ranges, mem->range_count * sizeof(*d->ranges));
	d->range_count = mem->range_count;
	return NULL;
}

static struct gs_error *system_ranges(struct gs_linux *kernel, enum gs_ranges_choice choice,
				      struct gs_description *d)
{
	const struct gs_memory *mem = kernel->mem;
	uint64_t total = gs_ranges_total_bytes(mem->ranges, mem->range_count), kept;
	struct gs_error *err = gs_linux_system_ram(kernel, &d->ranges, &d->range_count);

	if (err)
		return err;
	kept = gs_ranges_total_bytes(d->ranges, d->range_count);
	if (choice == GS_RANGES_SYSTEM || total - kept <= LEFT_OUT_MAX(total))
		return NULL;
	free(gs_take(d->ranges));
	return gs_error_create(
		GS_ERROR_NODATA,
		"system ram: the guest's kernel claims less than half of the memory");
}

static bool wants_system(enum gs_ranges_choice choice, enum gs_dump_format format, bool is_linux)
{
	if (choice == GS_RANGES_DEFAULT)
		return is_linux && format == GS_DUMP_KDUMP;
	return choice == GS_RANGES_SYSTEM;
}

static struct gs_error *choose_ranges(struct gs_memory *mem, struct gs_linux *kernel,
				      enum gs_ranges_choice choice, enum gs_dump_format format,
				      struct gs_description *d)
{
	struct gs_error *err;

	if (!wants_system(choice, format, kernel))
		return copy_ranges(mem, d);
	if (!kernel)
		return gs_error_create(GS_ERROR_NODATA, "cannot tell the guest kernel's RAM: %s",
				       d->why_not);
	err = system_ranges(kernel, choice, d);
	if (!err || choice == GS_RANGES_SYSTEM || !gs_error_is_answer(err))
		return err;
	d->why_all = strdup(err->message);
	gs_error_destroy(err);
	return d->why_all ? copy_ranges(mem, d) : gs_error_nomem();
}

/* A machine's name is known for any guest; the rest only a kernel can tell. */
static void complete_attributes(struct gs_attributes *attrs, const struct gs_linux *kernel)
{
	char *machine = attrs->utsname[GS_UTS_MACHINE];

	if (kernel) {
		attrs->arch = kernel->arch; /* a plain image does not tell */
		memcpy(attrs->utsname, kernel->utsname, sizeof(attrs->utsname));
	}
	if (kernel && kernel->has_phys_base) {
		attrs->has_phys_base = true;
		attrs->phys_base = kernel->phys_base;
	}
	if (!machine[0] && attrs->arch != GS_ARCH_UNKNOWN)
		strncpy(machine, gs_arch_info(attrs->arch)->name, GS_UTSNAME_SIZE - 1);
}

/* One segment does for the whole direct map: it is one piece. */
static struct gs_error *find_segments(const struct gs_linux *kernel, struct gs_description *d)
{
	const struct gs_range *last;

	d->text = (struct gs_segment){kernel->text_gpa, kernel->text_size, kernel->text_vaddr};
	if (!kernel->has_direct_map || !d->range_count)
		return NULL;
	last = &d->ranges[d->range_count - 1];
	d->segments = calloc(1, sizeof(*d->segments));
	if (!d->segments)
		return gs_error_nomem();
	d->segment_count = 1;
	d->segments[0].vaddr = kernel->direct_map;
	d->segments[0].size = last->start + last->size;
	return NULL;
}

/* On success *kernel_ret may be NULL, and then d->why_not says why. */
static struct gs_error *open_linux(struct gs_memory *mem, struct gs_linux **kernel_ret,
				   struct gs_description *d)
{
	struct gs_error *err = gs_linux_open(mem, kernel_ret);

	if (!err || !gs_error_is_answer(err))
		return err;
	d->why_not = strdup(err->message);
	gs_error_destroy(err);
	return d->why_not ? NULL : gs_error_nomem();
}

static struct gs_error *describe(struct gs_memory *mem, enum gs_ranges_choice choice,
				 enum gs_dump_format format, struct gs_description *d)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *kernel = NULL;
	struct gs_error *err = gs_attributes_copy(&mem->attrs, &d->attrs);

	if (!err)
		err = open_linux(mem, &kernel, d);
	if (!err)
		err = choose_ranges(mem, kernel, choice, format, d);
	if (err)
		return err;
	d->is_linux = kernel;
	d->left_out_bytes = gs_ranges_total_bytes(mem->ranges, mem->range_count) -
			    gs_ranges_total_bytes(d->ranges, d->range_count);
	complete_attributes(&d->attrs, kernel);
	return kernel ? find_segments(kernel, d) : NULL;
}

struct gs_error *gs_describe(struct gs_memory *mem, enum gs_ranges_choice choice,
			     enum gs_dump_format format, struct gs_description *ret)
{
	struct gs_description d = {0};
	struct gs_error *err = describe(mem, choice, format, &d);

	if (err)
		gs_description_deinit(&d);
	else
		*ret = d;
	return err;
}

void gs_description_deinit(struct gs_description *d)
{
	gs_attributes_deinit(&d->attrs);
	free(d->ranges);
	free(d->segments);
	free(d->why_not);
	free(d->why_all);
	*d = (struct gs_description){0};
}
