/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lengths, as far as they are told. */
#include <string.h>

#include "check_scope.h"

void gs_length_clear(struct gs_length *sum)
{
	sum->known = 0;
	memset(sum->factors, 0, sum->count * sizeof(*sum->factors));
}

/* Runs are bounded in number and in size so that no sum overflows. */
void gs_length_add(struct gs_length *sum, const struct gs_scope *scope,
		   const struct gs_item *segment, size_t world)
{
	for (int side = 0; side < GS_SIDES; side++) {
		const struct gs_run *runs =
			gs_segment_runs(scope, segment, (enum gs_check_side)side);
		int64_t sign = side == GS_SAVER ? 1 : -1;

		for (size_t i = 0; i < segment->count[side]; i++) {
			if (runs[i].kind == GS_RUN_END || !gs_run_is_there(&runs[i], world))
				continue;
			if (runs[i].untold)
				sum->factors[runs[i].symbol] += sign * (int64_t)runs[i].bytes;
			else
				sum->known += sign * (int64_t)runs[i].bytes;
		}
	}
}

static int64_t common_factor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a < 0 ? -a : a;
}

enum gs_length_kind gs_length_judge(const struct gs_length *sum, uint8_t *signs_ret)
{
	int64_t ones = sum->known, common = 0; /* the sum, if all lengths are 1 */
	bool can_grow = false, can_shrink = false;

	for (size_t i = 0; i < sum->count; i++) {
		ones += sum->factors[i];
		can_grow |= sum->factors[i] > 0;
		can_shrink |= sum->factors[i] < 0;
		common = common_factor(common, sum->factors[i]);
	}
	*signs_ret = (ones > 0 || can_grow ? GS_SIGN_POSITIVE : 0) |
		     (ones < 0 || can_shrink ? GS_SIGN_NEGATIVE : 0);
	if (*signs_ret == 0)
		return GS_LENGTH_ZERO;
	if (common == 0 || sum->known % common || (ones > 0 && !can_shrink) ||
	    (ones < 0 && !can_grow))
		return GS_LENGTH_NEVER;
	return GS_LENGTH_MAYBE;
}
