/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF dumps, as a file and as a stream. */
#include <sys/mman.h>
#include <unistd.h>

#include "memory_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stream(const uint8_t *data, size_t size)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	gs_autoclose int fd = memfd_create("input", MFD_CLOEXEC);
	struct gs_attributes attrs = {0};
	gs_autoerror struct gs_error *err = NULL;

	assert(!gs_pwrite_full(fd, data, size, 0));
	err = gs_elf_stream_open(fd, "input", NULL, &attrs, &src);
	if (!err)
		property_source(src);
	gs_attributes_deinit(&attrs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	property_dump(data, size);
	check_stream(data, size);
	return 0;
}
