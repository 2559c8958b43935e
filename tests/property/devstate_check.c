// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gs_devstate_check() against a model of saving and loading that knows nothing of it: on a table of
 * single changes whose outcome is written down by hand, and on pairs of descriptions by chance.
 *
 *	devstate_check [--pairs N] [--seed S] [--first I] [--all]
 *	devstate_check BEFORE AFTER
 *
 * --all goes on after the first disagreements. BEFORE and AFTER are as description.h says.
 *
 * Chance makes pairs as QEMU's developers do; what is stranger is in the table, or nowhere: structs
 * that may be nothing at all but have subsections, several fields of one name without predicates,
 * lengths that are not told where fields move into structs. Pairs are passed over where what is left
 * of a struct's subsection ends up in the fields behind it, which no checker needs to foresee.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "generate.h"
#include "minimise.h"
#include "mutations.h"

#define TABLE "tests/property/mutations"
#define MUTATIONS_MIN 60
#define PAIRS_DEFAULT 20000
#define SHARE_MIN 80        /* one in so many loads, at least, comes to each verdict */
#define CAUTIOUS_MAX 100    /* one in so many loads, at most, is UNKNOWN and need not be */
#define DISAGREEMENTS_MAX 5 /* that are shown */

static unsigned int test_count, failed_count;

static void test_done(bool ok, const char *name)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++test_count, name);
	failed_count += !ok;
}

/* ---- the table ---- */

static const char *model_disagreement(const struct mutation *mutation)
{
	struct export before = export_copy(&mutation->before),
		      after = export_copy(&mutation->after);

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		struct truth truth = d ? judge(&after, &before) : judge(&before, &after);

		if (truth.worlds.too_many)
			return "the model finds too many worlds\n";
		if (truth.verdict != mutation->expected[d])
			return pool_printf("%s: the table says %s, the model %s\n",
					   gs_check_direction_name((enum gs_check_direction)d),
					   gs_verdict_name(mutation->expected[d]),
					   gs_verdict_name(truth.verdict));
	}
	return NULL;
}

static void print_remark(const char *text)
{
	while (*text) {
		int size = (int)strcspn(text, "\n");

		printf("# %.*s\n", size, text);
		text += size + (text[size] == '\n');
	}
}

static void print_pair(const struct export *before, const struct export *after)
{
	printf("# before: %s\n# after:  %s\n", export_text(before), export_text(after));
}

/* Where several fields have one name, which of them is meant is a matter of taste. */
static bool has_one_of_each(const struct description *description)
{
	for (size_t i = 0; description && i < description->field_count; i++) {
		if (field_occurrence(description, i) > 0)
			return false;
	}
	return true;
}

static void test_table(void)
{
	static struct mutation mutations[MUTATIONS_MAX];
	size_t count = mutations_read(TABLE, mutations);

	for (size_t i = 0; i < count; i++) {
		const struct mutation *mutation = &mutations[i];
		const char *model = model_disagreement(mutation);
		bool simple = has_one_of_each(mutation->before.description) &&
			      has_one_of_each(mutation->after.description);
		const char *checker =
			compare(&mutation->before, &mutation->after, simple).disagreement;

		test_done(!model && !checker, mutation->name);
		if (model || checker)
			print_pair(&mutation->before, &mutation->after);
		print_remark(model ? model : "");
		print_remark(checker ? checker : "");
	}
	test_done(count >= MUTATIONS_MIN, "the table is long enough");
}

/* ---- chance ---- */

/* As it did before anything was taken away. */
static bool disagrees(const struct export *before, const struct export *after)
{
	struct comparison comparison = compare(before, after, false);

	return comparison.disagreement && !comparison.spills;
}

static void show_disagreement(struct export *before, struct export *after)
{
	print_pair(before, after);
	print_remark(compare(before, after, false).disagreement);
	minimise(before, after, disagrees);
	printf("# the least that shows one:\n");
	print_pair(before, after);
	print_remark(compare(before, after, false).disagreement);
	printf("# before: %s\n", export_json(before, "one"));
	printf("# after:  %s\n", export_json(after, "another"));
}

struct totals {
	size_t pairs, disagreements;
	size_t too_many, spills; /* pairs that are passed over */
	size_t truths[GS_VERDICT_COUNT], verdicts[GS_VERDICT_COUNT]; /* loads: two of a pair */
	size_t cautious;
};

static void count(struct totals *totals, const struct comparison *comparison)
{
	totals->pairs++;
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		totals->truths[comparison->truths[d]]++;
		totals->verdicts[comparison->verdicts[d]]++;
		totals->cautious += comparison->cautious[d];
	}
}

static void print_totals(const struct totals *totals)
{
	printf("# verdict         model  checker\n");
	for (int v = 0; v < GS_VERDICT_COUNT; v++)
		printf("# %-12s %8zu %8zu\n", gs_verdict_name((enum gs_verdict)v),
		       totals->truths[v], totals->verdicts[v]);
	printf("# UNKNOWN, and need not be, where not all is told: %zu\n", totals->cautious);
	printf("# passed over: %zu of too many worlds, %zu whose subsections spill\n",
	       totals->too_many, totals->spills);
}

static bool is_balanced(const struct totals *totals)
{
	for (int v = 0; v < GS_VERDICT_COUNT; v++) {
		if (totals->verdicts[v] * SHARE_MIN < 2 * totals->pairs)
			return false;
	}
	return totals->cautious * CAUTIOUS_MAX <= 2 * totals->pairs;
}

static void test_pair(struct totals *totals, uint64_t seed, uint64_t i)
{
	struct export before, after;
	struct comparison comparison;

	generate_pair(seed + i * 0x2545f4914f6cdd1d, &before, &after);
	comparison = compare(&before, &after, false);
	totals->too_many += comparison.too_many;
	totals->spills += comparison.spills;
	if (comparison.too_many || comparison.spills)
		return;
	count(totals, &comparison);
	if (!comparison.disagreement)
		return;
	if (++totals->disagreements > DISAGREEMENTS_MAX)
		return;
	printf("# --seed %llu --first %llu --pairs 1\n", (unsigned long long)seed,
	       (unsigned long long)i);
	show_disagreement(&before, &after);
}

struct chances {
	uint64_t seed, first, pairs;
	bool all; /* go on after the first disagreements */
};

static void test_chances(const struct chances *chances)
{
	struct totals totals = {0};
	size_t mark = pool_mark();

	for (uint64_t i = chances->first; i < chances->first + chances->pairs; i++) {
		test_pair(&totals, chances->seed, i);
		pool_release(mark);
		if (totals.disagreements == DISAGREEMENTS_MAX && !chances->all)
			break;
	}
	test_done(totals.disagreements == 0,
		  pool_printf("%zu pairs by chance, both directions, seed %llu", totals.pairs,
			      (unsigned long long)chances->seed));
	print_totals(&totals);
	if (chances->pairs >= PAIRS_DEFAULT && totals.disagreements == 0)
		test_done(is_balanced(&totals), "each verdict is there often enough");
}

/* ---- one pair ---- */

static int compare_texts(const char *before_text, const char *after_text)
{
	struct export before = export_parse(before_text), after = export_parse(after_text);
	struct comparison comparison = compare(&before, &after, false);

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++)
		printf("%s: checker %s, model %s\n",
		       gs_check_direction_name((enum gs_check_direction)d),
		       gs_verdict_name(comparison.verdicts[d]),
		       gs_verdict_name(comparison.truths[d]));
	if (comparison.disagreement)
		show_disagreement(&before, &after);
	return comparison.disagreement ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"pairs", required_argument, NULL, 'n'},
						{"seed", required_argument, NULL, 's'},
						{"first", required_argument, NULL, 'f'},
						{"all", no_argument, NULL, 'a'},
						{0}};
	struct chances chances = {.seed = 2, .pairs = PAIRS_DEFAULT};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			chances.pairs = strtoull(optarg, NULL, 0);
		else if (option == 's')
			chances.seed = strtoull(optarg, NULL, 0);
		else if (option == 'f')
			chances.first = strtoull(optarg, NULL, 0);
		else if (option == 'a')
			chances.all = true;
		else
			return 2;
	}
	if (argc - optind == 2)
		return compare_texts(argv[optind], argv[optind + 1]);
	test_table();
	test_chances(&chances);
	printf("1..%u\n", test_count);
	return failed_count ? 1 : 0;
}
