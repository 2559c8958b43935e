/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMCOREINFO where a memory comes without: looked for only if the job cannot be done else. */
#include "vmcoreinfo.h"

#include <stdlib.h>
#include <string.h>

#include "exclude.h"
#include "output.h"

bool gs_job_lacks_vmcoreinfo(const struct gs_memory *mem, const struct gs_output_spec *spec)
{
	return !mem->attrs.vmcoreinfo &&
	       ((spec->exclude & EXCLUDE_BY_KERNEL) || spec->ranges == GS_RANGES_SYSTEM);
}

struct gs_error *gs_job_scan_vmcoreinfo(struct gs_memory *mem,
					const struct gs_vmcoreinfo_places *places,
					const struct gs_output_spec *spec, char **ret)
{
	const _Atomic int *cancelled = spec->progress ? &spec->progress->cancelled : NULL;
	char *text = NULL;
	size_t size;
	struct gs_error *err =
		places ? gs_vmcoreinfo_pick(mem, places, &text, &size)
		       : gs_vmcoreinfo_scan(mem, spec->threads, cancelled, &text, &size);

	if (err && err->code == GS_ERROR_NODATA) {
		gs_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	gs_job_note(spec, "%s: VMCOREINFO is missing, but was found in the memory", mem->name);
	*ret = text;
	return NULL;
}

struct gs_error *gs_job_find_vmcoreinfo(struct gs_memory *mem, const struct gs_output_spec *spec)
{
	gs_autofree char *text = NULL;
	struct gs_error *err = NULL;

	if (gs_job_lacks_vmcoreinfo(mem, spec))
		err = gs_job_scan_vmcoreinfo(mem, NULL, spec, &text);
	if (err || !text)
		return err;
	return gs_attributes_set_vmcoreinfo(&mem->attrs, text, strlen(text));
}
