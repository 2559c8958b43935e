/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a guest besides its bytes: ownership and copies. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/memory.h>

void gs_attributes_deinit(struct gs_attributes *attrs)
{
	free(attrs->notes);
	free(attrs->vmcoreinfo);
	free(attrs->eraseinfo);
	*attrs = (struct gs_attributes){0};
}

/* With a NUL behind it. NULL stays NULL, and is what comes back when there is no memory. */
static void *copy_bytes(const void *from, size_t size)
{
	uint8_t *copy = from ? malloc(size + 1) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, from, size);
	copy[size] = '\0';
	return copy;
}

struct gs_error *gs_attributes_copy(const struct gs_attributes *from, struct gs_attributes *ret)
{
	struct gs_attributes copy = *from;

	copy.notes = copy_bytes(from->notes, from->notes_size);
	copy.vmcoreinfo = copy_bytes(from->vmcoreinfo, from->vmcoreinfo_size);
	copy.eraseinfo = copy_bytes(from->eraseinfo, from->eraseinfo_size);
	if (!copy.notes != !from->notes || !copy.vmcoreinfo != !from->vmcoreinfo ||
	    !copy.eraseinfo != !from->eraseinfo) {
		gs_attributes_deinit(&copy);
		return gs_error_nomem();
	}
	*ret = copy;
	return NULL;
}

void gs_attributes_set_page_size(struct gs_attributes *attrs)
{
	uint32_t kernel_size =
		gs_arch_kernel_page_size(attrs->arch, attrs->vmcoreinfo, attrs->vmcoreinfo_size);

	if (attrs->block_size && (!kernel_size || kernel_size > attrs->block_size))
		attrs->page_size = attrs->block_size;
	else
		attrs->page_size = kernel_size ? kernel_size : gs_arch_info(attrs->arch)->page_size;
}
