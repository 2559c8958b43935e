/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed files: whatever comes, there is never more made of it than may be. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include <guestscope/codec.h>

#define MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *content = NULL;
	size_t content_size = 0;
	struct gs_error *err = gs_unpack(data, size, MAX, &content, &content_size);

	assert(!err || (err->code == GS_ERROR_CORRUPT && !content));
	assert(content_size <= MAX);
	if (content)
		assert(content[content_size] == '\0');
	gs_error_destroy(err);
	free(content);
	return 0;
}
