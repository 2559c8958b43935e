/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds pages that no codec makes smaller (encrypted, compressed, random) without compressing them.
 *
 * First 64 samples: nearly all pages that are worth compressing repeat so many of these bytes that
 * the test ends here. The others get a histogram of a thousand bytes, whose sum of squares shows
 * any byte, run or alphabet that comes more often than chance has it. What it cannot see is long
 * matches between parts that look random by themselves; such pages are rare and are stored raw.
 */
#include <string.h>

#include "codec_ops.h"

/* Of 64 random bytes 57 are distinct on average, with a standard deviation of 2.3. */
#define FIRST_STRIPES 8
#define FIRST_STRIPE_BYTES 8
#define FIRST_DISTINCT_MIN 50

/*
 * Of 1024 random bytes the squares of the counts add up to 1024 + 1024 * 1023 / 256 = 5116, with a
 * standard deviation of 90. 32 bytes too many of one value already give 5116 + 32 * 32 + 2 * 4
 * * 32.
 */
#define SECOND_STRIPES 32
#define SECOND_STRIPE_BYTES 32
#define SECOND_SQUARES_MAX 5500

static bool repeats_itself(const uint8_t *page, size_t size)
{
	uint8_t seen[256] = {0};
	unsigned int distinct = 0;

	for (size_t i = 0; i < FIRST_STRIPES; i++) {
		const uint8_t *stripe = page + i * (size / FIRST_STRIPES);

		for (size_t j = 0; j < FIRST_STRIPE_BYTES; j++)
			seen[stripe[j]] = 1;
	}
	for (size_t i = 0; i < sizeof(seen); i++)
		distinct += seen[i];
	return distinct < FIRST_DISTINCT_MIN;
}

static bool has_flat_histogram(const uint8_t *page, size_t size)
{
	uint16_t counts[256] = {0};
	uint32_t squares = 0;

	for (size_t i = 0; i < SECOND_STRIPES; i++) {
		const uint8_t *stripe = page + i * (size / SECOND_STRIPES);

		for (size_t j = 0; j < SECOND_STRIPE_BYTES; j++)
			counts[stripe[j]]++;
	}
	for (size_t i = 0; i < 256; i++)
		squares += (uint32_t)counts[i] * counts[i];
	return squares <= SECOND_SQUARES_MAX;
}

bool gs_codec_looks_random(const uint8_t *page, size_t size)
{
	if (size < SECOND_STRIPES * SECOND_STRIPE_BYTES)
		return false;
	return !repeats_itself(page, size) && has_flat_histogram(page, size);
}
