/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two trees say the same. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/json.h>

static int compare_members(const void *a, const void *b)
{
	const struct gs_json *const *x = a, *const *y = b;

	return strcmp(gs_json_key(*x), gs_json_key(*y));
}

/* The members of @object by key, for the caller to free. */
static const struct gs_json **sorted_members(const struct gs_json *object, size_t count)
{
	const struct gs_json **members = calloc(count + 1, sizeof(*members));
	size_t i = 0;

	if (!members)
		return NULL;
	gs_json_for_each (member, object)
		members[i++] = member;
	qsort(members, count, sizeof(*members), compare_members);
	return members;
}

/* Without memory for sorting it still answers, only slowly. */
static bool looked_up_equal(const struct gs_json *a, const struct gs_json *b)
{
	const struct gs_json *other;

	gs_json_for_each (member, a) {
		other = gs_json_get(b, gs_json_key(member));
		if (!other || !gs_json_equal(member, other))
			return false;
	}
	return true;
}

static bool objects_equal(const struct gs_json *a, const struct gs_json *b)
{
	size_t count = gs_json_count(a);
	gs_autofree const struct gs_json **x = NULL, **y = NULL;

	if (gs_json_count(b) != count)
		return false;
	x = sorted_members(a, count);
	y = sorted_members(b, count);
	if (!x || !y)
		return looked_up_equal(a, b);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(gs_json_key(x[i]), gs_json_key(y[i])) != 0 || !gs_json_equal(x[i], y[i]))
			return false;
	}
	return true;
}

static bool arrays_equal(const struct gs_json *a, const struct gs_json *b)
{
	a = gs_json_first(a);
	b = gs_json_first(b);
	for (; a && b; a = gs_json_next(a), b = gs_json_next(b)) {
		if (!gs_json_equal(a, b))
			return false;
	}
	return !a && !b;
}

bool gs_json_equal(const struct gs_json *a, const struct gs_json *b)
{
	if (gs_json_type(a) != gs_json_type(b))
		return false;
	switch (gs_json_type(a)) {
	case GS_JSON_BOOL:
		return gs_json_is_true(a) == gs_json_is_true(b);
	case GS_JSON_NUMBER:
		return strcmp(gs_json_number_text(a), gs_json_number_text(b)) == 0;
	case GS_JSON_STRING:
		return strcmp(gs_json_string(a), gs_json_string(b)) == 0;
	case GS_JSON_ARRAY:
		return arrays_equal(a, b);
	case GS_JSON_OBJECT:
		return objects_equal(a, b);
	default:
		return true;
	}
}
