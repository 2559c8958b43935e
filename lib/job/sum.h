/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order-independent sum over guest memory; gs_sum_memory() in job.h has its definition. */
#ifndef GUESTSCOPE_JOB_SUM_H
#define GUESTSCOPE_JOB_SUM_H

#include <guestscope/job.h>

#define SUM_UNIT_BYTES 4096

/* Add the units that lie wholly in [gpa, gpa + size). */
void gs_sum_add(struct gs_memory_sum *sum, gs_gpa_t gpa, const uint8_t *data, uint64_t size);
void gs_sum_merge(struct gs_memory_sum *sum, const struct gs_memory_sum *other);

#endif
