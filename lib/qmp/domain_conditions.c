/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what a rule asks of a domain holds. */
#include <string.h>

#include "domain_rules.h"

static bool span_is(const char *span, size_t size, const char *word)
{
	return strlen(word) == size && memcmp(span, word, size) == 0;
}

static bool is_one_of(const char *value, const char *values, const char *end)
{
	for (;;) {
		const char *bar = memchr(values, '|', (size_t)(end - values));
		const char *word_end = bar ? bar : end;

		if (span_is(values, (size_t)(word_end - values), value) ||
		    (*value && span_is(values, (size_t)(word_end - values), "*")))
			return true;
		if (!bar)
			return false;
		values = bar + 1;
	}
}

/* @test: "NAME=VALUES". Of a fact that is there several times, one has to fit. */
static bool holds_in(const struct gs_domain_part *part, const char *test, const char *end)
{
	const char *equals = memchr(test, '=', (size_t)(end - test));
	size_t name_size = (size_t)(equals - test);
	bool found = false;

	for (size_t i = 0; i < part->count; i++) {
		const char *fact = part->facts[i];

		if (strncmp(fact, test, name_size) != 0 || fact[name_size] != '=')
			continue;
		found = true;
		if (is_one_of(fact + name_size + 1, equals + 1, end))
			return true;
	}
	return !found && is_one_of("", equals + 1, end);
}

/* @tests: separated by commas; none: it is there. */
static bool hold_all_in(const struct gs_domain_part *part, const char *tests, const char *end)
{
	while (tests < end) {
		const char *comma = memchr(tests, ',', (size_t)(end - tests));
		const char *test_end = comma ? comma : end;

		if (!holds_in(part, tests, test_end))
			return false;
		tests = comma ? comma + 1 : end;
	}
	return true;
}

/* @condition: "/PATH:TESTS". Where several parts have that path, one has to fit. */
static bool holds_elsewhere(const struct gs_domain_parts *parts, const char *condition,
			    const char *end)
{
	const char *path = condition + 1, *colon = memchr(path, ':', (size_t)(end - path));

	for (size_t i = 0; i < parts->count; i++) {
		const struct gs_domain_part *part = &parts->items[i];

		if (span_is(path, (size_t)(colon - path), part->path) &&
		    hold_all_in(part, colon + 1, end))
			return true;
	}
	return false;
}

/*
 * Those of the rule's conditions that are about other parts, or about @part: what holds of others
 * is the same for all parts.
 */
static bool hold_all(const struct gs_domain_rule *rule, const struct gs_domain_parts *others,
		     const struct gs_domain_part *part)
{
	const char *condition = rule->when;

	while (*condition) {
		const char *end = condition + strcspn(condition, " ");
		bool negated = *condition == '!', is_elsewhere, holds;

		condition += negated;
		is_elsewhere = *condition == '/';
		if (is_elsewhere ? others != NULL : part != NULL) {
			holds = is_elsewhere ? holds_elsewhere(others, condition, end)
					     : holds_in(part, condition, end);
			if (holds == negated)
				return false;
		}
		condition = *end ? end + 1 : end;
	}
	return true;
}

bool gs_domain_rule_is_possible(const struct gs_domain_rule *rule,
				const struct gs_domain_parts *parts)
{
	return hold_all(rule, parts, NULL);
}

bool gs_domain_rule_fits(const struct gs_domain_rule *rule, const struct gs_domain_part *part)
{
	return hold_all(rule, NULL, part);
}
