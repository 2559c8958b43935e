/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can go wrong, for people: one sentence for all devices that it is true of. */
#include <string.h>

#include "check_entries.h"

/* ---- what is said of a device ---- */

bool check_is_lonely(const struct check_device *device)
{
	return !device->is.type_before != !device->is.type_after;
}

/* The worst in direction @d of what is not waived, and how many more there are; NULL: none. */
static const struct check_finding *worst_finding(const struct check *c,
						 const struct check_device *device, int d,
						 size_t *more_ret)
{
	const struct check_finding *worst = NULL;
	size_t count = 0;

	for (size_t i = device->first; i < device->first + device->count; i++) {
		const struct check_finding *finding = &c->findings[i];

		if ((int)finding->is.direction != d || finding->waiver ||
		    finding->is.verdict <= GS_VERDICT_INFO)
			continue;
		count++;
		if (!worst || finding->is.verdict > worst->is.verdict)
			worst = finding;
	}
	*more_ret = count ? count - 1 : 0;
	return worst;
}

static struct gs_error *say_worst(const struct check *c, const struct check_device *device, int d,
				  struct check_worst *ret)
{
	size_t more;
	const struct check_finding *worst = worst_finding(c, device, d, &more);
	struct gs_text place = {0}, offset = {0}, text = {0};
	struct gs_error *err;

	if (worst) {
		ret->rule = worst->is.rule;
		gs_text_puts_printable(&place, worst->is.path);
		put_offset(&offset, &worst->is);
		put_whole_sentence(&text, worst, &device->is.directions[d].condition);
	}
	if (more)
		gs_text_printf(&text, " (And %zu more.)", more);
	err = gs_text_finish(&place, &ret->place);
	if (!err)
		err = gs_text_finish(&offset, &ret->offset);
	if (!err)
		err = gs_text_finish(&text, &ret->text);
	gs_text_deinit(&offset);
	gs_text_deinit(&text);
	return err;
}

/* What one direction's is called in the other one. */
static enum gs_check_rule mirrored(enum gs_check_rule rule)
{
	static const enum gs_check_rule pairs[][2] = {
		{GS_RULE_FIELD_UNSENT, GS_RULE_FIELD_LEFT},
		{GS_RULE_VERSION_ABOVE, GS_RULE_VERSION_BELOW}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (rule == pairs[i][0] || rule == pairs[i][1])
			return pairs[i][rule == pairs[i][0]];
	}
	return rule;
}

static int only_direction(const struct check_said *said)
{
	const struct check_worst *forward = &said->worst[GS_CHECK_FORWARD];
	const struct check_worst *backward = &said->worst[GS_CHECK_BACKWARD];
	const enum gs_verdict *left = said->device->left;

	if (!*forward->text)
		return GS_CHECK_BACKWARD;
	if (!*backward->text || (left[GS_CHECK_FORWARD] == left[GS_CHECK_BACKWARD] &&
				 forward->rule == mirrored(backward->rule)))
		return GS_CHECK_FORWARD;
	return GS_CHECK_DIRECTIONS;
}

static struct gs_error *say(const struct check *c, const struct check_device *device,
			    struct check_said *ret)
{
	struct gs_error *err = NULL;

	ret->device = device;
	for (int d = 0; !err && d < GS_CHECK_DIRECTIONS; d++)
		err = say_worst(c, device, d, &ret->worst[d]);
	if (!err)
		ret->direction = only_direction(ret);
	return err;
}

/* ---- order ---- */

static int compare_size(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static enum gs_verdict worst_left(const struct check_device *device)
{
	return device->left[0] > device->left[1] ? device->left[0] : device->left[1];
}

/* The worst first; what is bad both ways before the rest, and what one side lacks last. */
static int compare_gravity(const struct check_device *a, const struct check_device *b)
{
	int order = compare_size(worst_left(b), worst_left(a));

	if (!order)
		order = compare_size(check_is_lonely(a), check_is_lonely(b));
	if (!order)
		order = compare_size(b->left[0] == b->left[1], a->left[0] == a->left[1]);
	for (int d = 0; !order && d < GS_CHECK_DIRECTIONS; d++)
		order = compare_size(b->left[d], a->left[d]);
	return order;
}

/* It is there, and the question is what of it: another thing than that there is none. */
static bool is_stateless(const struct check_device *device)
{
	return device->absence == GS_ABSENCE_STATELESS;
}

/* 0: they are of one entry. */
static int compare_sayings(const struct check_said *a, const struct check_said *b)
{
	int order = compare_gravity(a->device, b->device);

	if (order || check_is_lonely(a->device))
		return order ? order
			     : compare_size(is_stateless(a->device), is_stateless(b->device));
	order = compare_size((size_t)a->direction, (size_t)b->direction);
	for (int d = 0; !order && d < GS_CHECK_DIRECTIONS; d++) {
		if (a->direction != GS_CHECK_DIRECTIONS && a->direction != d)
			continue;
		order = strcmp(a->worst[d].text, b->worst[d].text);
		if (!order && a->direction == GS_CHECK_DIRECTIONS)
			order = strcmp(a->worst[d].place, b->worst[d].place);
	}
	return order;
}

static const char *place_of(const struct check_said *said)
{
	return said->worst[said->direction % GS_CHECK_DIRECTIONS].place;
}

static int compare_said(const void *left, const void *right)
{
	const struct check_said *a = left, *b = right;
	int order = compare_sayings(a, b);

	if (!order && !check_is_lonely(a->device))
		order = strcmp(place_of(a), place_of(b));
	return order ? order : strcmp(a->device->name, b->device->name);
}

/* ---- entries ---- */

static void cut(struct check_entries *e)
{
	for (size_t i = 0; i < e->said_count; i++) {
		const struct check_said *said = &e->said[i];

		if (i && compare_sayings(said - 1, said) == 0)
			e->entries[e->count - 1].count++;
		else
			e->entries[e->count++] = (struct check_entry){said, 1};
	}
}

static struct gs_error *say_all(const struct check *c, struct check_entries *e)
{
	struct gs_error *err = NULL;

	e->said = calloc(c->device_count + 1, sizeof(*e->said));
	e->entries = calloc(c->device_count + 1, sizeof(*e->entries));
	if (!e->said || !e->entries)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < c->device_count; i++) {
		if (worst_left(&c->devices[i]) > GS_VERDICT_INFO)
			err = say(c, &c->devices[i], &e->said[e->said_count++]);
	}
	return err;
}

struct gs_error *check_entries_init(const struct check *check, struct check_entries *ret)
{
	struct check_entries e = {0};
	struct gs_error *err = say_all(check, &e);

	if (err) {
		check_entries_deinit(&e);
		return err;
	}
	qsort(e.said, e.said_count, sizeof(*e.said), compare_said);
	cut(&e);
	*ret = e;
	return NULL;
}

void check_entries_deinit(struct check_entries *entries)
{
	for (size_t i = 0; i < entries->said_count; i++) {
		for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
			free(entries->said[i].worst[d].place);
			free(entries->said[i].worst[d].offset);
			free(entries->said[i].worst[d].text);
		}
	}
	free(entries->said);
	free(entries->entries);
}
