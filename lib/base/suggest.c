/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean ...?": the nearest of some names by edit distance. */
#include <string.h>

#include <guestscope/base/text.h>

#define WORD_MAX 64 /* longer words are no typing mistakes */

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions
 * and swaps of neighbours. Rows i-2, i-1 and i of the usual table are all that is needed.
 */
static unsigned int edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned int rows[3][WORD_MAX + 1];
	unsigned int *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= b_size; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_size; i++) {
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_size; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1,
				      last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    row[j] > before[j - 2] + 1)
				row[j] = before[j - 2] + 1;
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[b_size];
}

const char *gs_did_you_mean(const char *word, const char *const names[])
{
	size_t word_size = strlen(word);
	/* One mistake in short words, up to one in three letters; never a wholly different word. */
	unsigned int limit = (unsigned int)(word_size + 1) / 3;
	const char *nearest = NULL;

	if (word_size > WORD_MAX)
		return NULL;
	for (size_t i = 0; names[i]; i++) {
		size_t name_size = strlen(names[i]);
		unsigned int distance;

		if (name_size > WORD_MAX)
			continue;
		distance = edit_distance(word, word_size, names[i], name_size);
		if (distance <= limit && (!nearest || distance < limit)) {
			nearest = names[i];
			limit = distance;
		}
	}
	return nearest;
}
