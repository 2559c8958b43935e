/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can go wrong, for people: devices that say the same are one entry, the worst are first. */
#include <string.h>

#include "check_entries.h"

static enum gs_verdict worst(const struct check_device *device)
{
	return device->left[0] > device->left[1] ? device->left[0] : device->left[1];
}

static int compare_size(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* ---- the same findings ---- */

enum presence { IN_BOTH, ONLY_BEFORE, ONLY_AFTER, IN_NEITHER };

static enum presence presence(const struct check_device *device)
{
	if (device->is.type_before)
		return device->is.type_after ? IN_BOTH : ONLY_BEFORE;
	return device->is.type_after ? ONLY_AFTER : IN_NEITHER;
}

/* Why it is not there, as far as that is another thing to do for somebody. */
static enum gs_absence absence_kind(const struct check_device *device)
{
	return device->absence == GS_ABSENCE_NO_TYPE ? GS_ABSENCE_UNKNOWN : device->absence;
}

static int compare_finding(const struct check_finding *a, const struct check_finding *b)
{
	int order = compare_size(a->is.direction, b->is.direction);

	if (!order)
		order = compare_size(a->is.verdict, b->is.verdict);
	if (!order)
		order = compare_size(a->is.rule, b->is.rule);
	if (!order)
		order = strcmp(a->is.path, b->is.path);
	return order ? order : strcmp(a->is.text, b->is.text);
}

/* By what is found of them; 0: the same, and then they are one entry. */
static int compare_findings(const struct check *c, const struct check_device *a,
			    const struct check_device *b)
{
	int order = compare_size(presence(a), presence(b));

	for (int d = 0; !order && d < GS_CHECK_DIRECTIONS; d++)
		order = compare_size(a->left[d], b->left[d]);
	if (order || presence(a) != IN_BOTH)
		return order ? order : compare_size(absence_kind(a), absence_kind(b));
	order = compare_size(a->count, b->count);
	for (size_t i = 0; !order && i < a->count; i++)
		order = compare_finding(&c->findings[a->first + i], &c->findings[b->first + i]);
	return order;
}

static int compare_devices(const void *left, const void *right, void *check)
{
	const struct check_device *a = *(const struct check_device *const *)left;
	const struct check_device *b = *(const struct check_device *const *)right;
	int order = compare_findings(check, a, b);

	return order ? order : compare_size(a->first, b->first);
}

/* ---- the worst first ---- */

static bool is_both_ways(const struct check_device *device)
{
	return device->left[GS_CHECK_FORWARD] == device->left[GS_CHECK_BACKWARD];
}

/* Those that both have come before those that only one has, of the same verdict. */
static int compare_entries(const void *left, const void *right)
{
	const struct check_device *a = ((const struct check_entry *)left)->devices[0];
	const struct check_device *b = ((const struct check_entry *)right)->devices[0];
	int order = compare_size(worst(b), worst(a));

	if (!order)
		order = compare_size(presence(a), presence(b));
	if (!order)
		order = compare_size(is_both_ways(b), is_both_ways(a));
	if (!order)
		order = compare_size(b->left[GS_CHECK_FORWARD], a->left[GS_CHECK_FORWARD]);
	return order ? order : strcmp(a->name, b->name);
}

static void cut(const struct check *c, struct check_entries *e, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct check_entry *last = &e->entries[e->count - !!e->count];

		if (e->count && compare_findings(c, last->devices[0], e->devices[i]) == 0)
			last->count++;
		else
			e->entries[e->count++] = (struct check_entry){&e->devices[i], 1};
	}
}

struct gs_error *check_entries_init(const struct check *c, struct check_entries *ret)
{
	struct check_entries e = {0};
	size_t count = 0;

	e.devices = calloc(c->device_count + 1, sizeof(*e.devices));
	e.entries = calloc(c->device_count + 1, sizeof(*e.entries));
	if (!e.devices || !e.entries) {
		check_entries_deinit(&e);
		return gs_error_nomem();
	}
	for (size_t i = 0; i < c->device_count; i++) {
		if (worst(&c->devices[i]) > GS_VERDICT_INFO)
			e.devices[count++] = &c->devices[i];
	}
	qsort_r(e.devices, count, sizeof(*e.devices), compare_devices, (void *)c);
	cut(c, &e, count);
	qsort(e.entries, e.count, sizeof(*e.entries), compare_entries);
	*ret = e;
	return NULL;
}

void check_entries_deinit(struct check_entries *entries)
{
	free(entries->devices);
	free(entries->entries);
}
