/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How rates are shown: as a live table, as plain rows, as lines of JSON. */
#ifndef QMPCTL_BLK_RATES_H
#define QMPCTL_BLK_RATES_H

#include "blk_stat.h"

/* What the rates are of. */
enum since {
	SINCE_START,    /* of QEMU */
	SINCE_PREVIOUS, /* sample */
	SINCE_FIRST,    /* sample: the summary */
};

struct rates_view {
	bool json, live; /* else plain rows */
	bool titled;     /* plain rows have had their heading */
	double peak;     /* bytes per second: the most that a device did so far */
};
/* @rates are of @sample's rows. */
void emit_rates(struct gs_emit *e, struct rates_view *view, enum since since,
		const struct sample *sample, const struct gs_block_rates *rates);

#endif
