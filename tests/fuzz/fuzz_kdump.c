/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kdump-compressed files. */
#include "memory_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	property_dump(data, size);
	return 0;
}
