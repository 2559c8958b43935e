/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A condition that may be anything, up to its first NUL; what is behind that is the memory which
 * its strings are read from. "A && A" and "A || A" are what A is.
 */
#include <assert.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/hold/condition.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	const uint8_t *data;
	size_t size;
};

static size_t read_memory(void *arg, uint64_t address, void *to, size_t size)
{
	const struct memory *memory = arg;

	if (address >= memory->size)
		return 0;
	if (size > memory->size - address)
		size = memory->size - address;
	memcpy(to, memory->data + address, size);
	return size;
}

static bool holds(const char *text, const struct gs_call *call, bool *is_condition)
{
	GS_CLEANUP(gs_condition_destroy) struct gs_condition *condition = NULL;
	gs_autoerror struct gs_error *err = gs_condition_parse(text, &condition);

	assert(!err || err->code == GS_ERROR_INVALID);
	*is_condition = !err;
	return !err && gs_condition_holds(condition, call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gs_autofree char *text = strndup((const char *)data, size);
	size_t used = text ? strlen(text) : 0;
	struct memory memory = {data + used, size - used};
	struct gs_call call = {.tid = 4711,
			       .args = {0, 1, 2, UINT64_MAX, 1 << 20, 3},
			       .read = read_memory,
			       .arg = &memory};
	bool is_condition, is_true, same;

	assert(text);
	is_true = holds(text, &call, &is_condition);
	for (int i = 0; is_condition && i < 2; i++) {
		gs_autofree char *both = gs_strf("%s %s %s", text, i ? "||" : "&&", text);

		assert(both);
		same = holds(both, &call, &is_condition) == is_true;
		assert(same || !is_condition); /* it may be too long */
		is_condition = true;
	}
	return 0;
}
