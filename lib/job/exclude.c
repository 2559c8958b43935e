/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaving out pages by what the guest's kernel uses them for. */
#include "exclude.h"

#include <string.h>

static const struct {
	const char *name;
	unsigned int bit;
} names[] = {
	{"zero", GS_EXCLUDE_ZERO}, {"cache", GS_EXCLUDE_CACHE}, {"private", GS_EXCLUDE_PRIVATE},
	{"user", GS_EXCLUDE_USER}, {"free", GS_EXCLUDE_FREE},
};

static unsigned int find_bit(const char *word, size_t size)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) == size && memcmp(names[i].name, word, size) == 0)
			return names[i].bit;
	}
	return 0;
}

struct gs_error *gs_exclude_parse(const char *text, unsigned int *ret)
{
	unsigned int result = 0;

	for (const char *word = text;; word++) {
		size_t size = strcspn(word, ",");
		unsigned int bit = find_bit(word, size);

		if (!bit)
			return gs_error_create(GS_ERROR_INVALID,
					       "'%.*s' is no class of pages: zero, cache, private, "
					       "user or free",
					       (int)size, word);
		result |= bit;
		word += size;
		if (!*word)
			break;
	}
	*ret = result;
	return NULL;
}

struct gs_error *gs_exclude_pages(struct gs_memory *mem, unsigned int exclude, unsigned int threads,
				  struct gs_progress *progress, struct gs_selection *sel)
{
	(void)exclude;
	(void)threads;
	(void)progress;
	(void)sel;
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "%s: only zero pages can be told from others here", mem->name);
}
