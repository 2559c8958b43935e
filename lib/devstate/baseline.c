/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Baselines: lines of waivers, and which one is of a finding. */
#include <stdio.h>
#include <string.h>

#include <guestscope/devstate/baseline.h>

#define BLANKS " \t\r"
#define DAY_SIZE 10 /* "2027-06-30" */

struct gs_baseline {
	char *text;                /* what the waivers' strings are in */
	struct gs_waiver *waivers; /* by line */
	const struct gs_waiver **by_id;
	size_t count;
};

/* ---- days ---- */

static bool looks_like_day(const char *text)
{
	for (size_t i = 0; i < DAY_SIZE; i++) {
		bool is_dash = i == 4 || i == 7;

		if (is_dash ? text[i] != '-' : text[i] < '0' || text[i] > '9')
			return false;
	}
	return true;
}

static unsigned int days_of_month(unsigned int year, unsigned int month)
{
	static const unsigned int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && is_leap ? 29 : days[month - 1];
}

bool gs_is_day(const char *text)
{
	unsigned int year, month, day;

	if (strlen(text) != DAY_SIZE || !looks_like_day(text) ||
	    sscanf(text, "%4u-%2u-%2u", &year, &month, &day) != 3)
		return false;
	return month >= 1 && month <= 12 && day >= 1 && day <= days_of_month(year, month);
}

/* ---- lines ---- */

/* Where the first word begins that looks like a day; NULL: none does. */
static char *find_day(char *line)
{
	for (char *word = line; *word; word += strspn(word, BLANKS)) {
		size_t size = strcspn(word, BLANKS);

		if (size == DAY_SIZE && looks_like_day(word))
			return word;
		word += size;
	}
	return NULL;
}

static void cut_blanks(char *text)
{
	size_t size = strlen(text);

	while (size && strchr(BLANKS, text[size - 1]))
		text[--size] = '\0';
}

/* @line, without blanks around it, is cut into the three. The string says what is wrong with it. */
static const char *parse_line(char *line, struct gs_waiver *ret)
{
	char *day = find_day(line);

	if (!day)
		return "no day (YYYY-MM-DD) behind the finding's id";
	if (day == line)
		return "no finding's id before the day";
	if (!day[DAY_SIZE])
		return "no reason behind the day";
	day[DAY_SIZE] = '\0';
	day[-1] = '\0';
	cut_blanks(line);
	ret->id = line;
	ret->expires = day;
	ret->reason = day + DAY_SIZE + 1;
	ret->reason += strspn(ret->reason, BLANKS);
	return gs_is_day(day) ? NULL : "there is no such day";
}

static struct gs_error *parse_lines(const char *name, struct gs_baseline *b)
{
	char *line = b->text, *next;
	struct gs_error *err = NULL;

	for (size_t number = 1; !err && line; line = next, number++) {
		struct gs_waiver *waiver = &b->waivers[b->count];
		const char *wrong;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, BLANKS);
		cut_blanks(line);
		if (!*line || *line == '#')
			continue;
		wrong = parse_line(line, waiver);
		waiver->line = number;
		b->count++;
		if (wrong)
			err = gs_error_create(GS_ERROR_INVALID, "%s:%zu: %s", name, number, wrong);
	}
	return err;
}

/* ---- the baseline ---- */

static int compare_waivers(const void *a, const void *b)
{
	const struct gs_waiver *left = *(const struct gs_waiver *const *)a;
	const struct gs_waiver *right = *(const struct gs_waiver *const *)b;
	int order = strcmp(left->id, right->id);

	return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* Then the same ones are neighbours. */
static struct gs_error *sort(const char *name, struct gs_baseline *b)
{
	for (size_t i = 0; i < b->count; i++)
		b->by_id[i] = &b->waivers[i];
	qsort(b->by_id, b->count, sizeof(*b->by_id), compare_waivers);
	for (size_t i = 1; i < b->count; i++) {
		const struct gs_waiver *first = b->by_id[i - 1], *again = b->by_id[i];

		if (strcmp(first->id, again->id) == 0)
			return gs_error_create(GS_ERROR_INVALID,
					       "%s:%zu: waived in line %zu already", name,
					       again->line, first->line);
	}
	return NULL;
}

static size_t count_lines(const char *text)
{
	size_t count = 1;

	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

static struct gs_error *check_text(const char *name, const char *text, size_t size)
{
	if (size > GS_BASELINE_MAX)
		return gs_error_create(GS_ERROR_INVALID, "%s: %zu bytes, and %d are the most", name,
				       size, GS_BASELINE_MAX);
	if (memchr(text, '\0', size))
		return gs_error_create(GS_ERROR_INVALID, "%s: no text: a NUL at offset %zu", name,
				       strnlen(text, size));
	return NULL;
}

struct gs_error *gs_baseline_parse(const char *name, const char *text, size_t size,
				   struct gs_baseline **ret)
{
	GS_CLEANUP(gs_baseline_destroy) struct gs_baseline *b = NULL;
	struct gs_error *err = check_text(name, text, size);
	size_t lines;

	if (err)
		return err;
	b = calloc(1, sizeof(*b));
	if (b)
		b->text = strndup(text, size);
	if (!b || !b->text)
		return gs_error_nomem();
	lines = count_lines(b->text);
	b->waivers = calloc(lines, sizeof(*b->waivers));
	b->by_id = calloc(lines, sizeof(*b->by_id));
	if (!b->waivers || !b->by_id)
		return gs_error_nomem();
	err = parse_lines(name, b);
	if (!err)
		err = sort(name, b);
	if (!err)
		*ret = gs_take(b);
	return err;
}

void gs_baseline_destroy(struct gs_baseline *baseline)
{
	if (!baseline)
		return;
	free(baseline->waivers);
	free(baseline->by_id);
	free(baseline->text);
	free(baseline);
}

size_t gs_baseline_count(const struct gs_baseline *baseline)
{
	return baseline ? baseline->count : 0;
}

const struct gs_waiver *gs_baseline_at(const struct gs_baseline *baseline, size_t i)
{
	return i < gs_baseline_count(baseline) ? &baseline->waivers[i] : NULL;
}

static int compare_id(const void *id, const void *waiver)
{
	return strcmp(id, (*(const struct gs_waiver *const *)waiver)->id);
}

bool gs_baseline_find(const struct gs_baseline *baseline, const char *id, size_t *ret)
{
	gs_autotext struct gs_text printable = {0};
	const struct gs_waiver **found;

	if (!gs_baseline_count(baseline))
		return false;
	gs_text_puts_printable(&printable, id);
	if (printable.failed || !printable.data)
		return false;
	found = bsearch(printable.data, baseline->by_id, baseline->count, sizeof(*found),
			compare_id);
	if (found)
		*ret = (size_t)(*found - baseline->waivers);
	return found != NULL;
}

void gs_baseline_put(struct gs_text *out, const char *id, const char *expires, const char *reason)
{
	gs_text_puts_printable(out, id);
	gs_text_printf(out, " %s ", expires);
	gs_text_puts_printable(out, reason);
	gs_text_puts(out, "\n");
}
