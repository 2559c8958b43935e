/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Baselines: each waiver is found by its id, and what is read is read again when it is written. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <guestscope/devstate/baseline.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gs_baseline *parse(const char *text, size_t size)
{
	struct gs_baseline *baseline = NULL;
	gs_autoerror struct gs_error *err = gs_baseline_parse("w", text, size, &baseline);

	assert(!err == !!baseline);
	assert(!err || err->code == GS_ERROR_INVALID);
	return baseline;
}

static bool is_printable(const char *text)
{
	gs_autotext struct gs_text printable = {0};

	gs_text_puts_printable(&printable, text);
	return strcmp(printable.data, text) == 0;
}

/* An id that no finding has matches nothing. */
static void check_found(const struct gs_baseline *baseline, size_t i)
{
	const struct gs_waiver *waiver = gs_baseline_at(baseline, i);
	size_t place;

	assert(gs_is_day(waiver->expires) && *waiver->reason && *waiver->id);
	if (is_printable(waiver->id))
		assert(gs_baseline_find(baseline, waiver->id, &place) && place == i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GS_CLEANUP(gs_baseline_destroy)
	struct gs_baseline *first = parse((const char *)data, size), *again = NULL;
	gs_autotext struct gs_text text = {0};
	const struct gs_waiver *waiver;
	bool is_plain = true;

	for (size_t i = 0; (waiver = gs_baseline_at(first, i)); i++) {
		check_found(first, i);
		is_plain &= is_printable(waiver->id);
		gs_baseline_put(&text, waiver->id, waiver->expires, waiver->reason);
	}
	if (!text.size || !is_plain)
		return 0;
	again = parse(text.data, text.size);
	assert(gs_baseline_count(again) == gs_baseline_count(first));
	for (size_t i = 0; (waiver = gs_baseline_at(first, i)); i++)
		assert(strcmp(waiver->id, gs_baseline_at(again, i)->id) == 0);
	return 0;
}
