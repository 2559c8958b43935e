/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs in a test guest: takes memory of several kinds and keeps it, in a process of its own that
 * is left behind.
 *
 * usage: hold KIND:MIB...
 *
 *   anon     private anonymous memory in small pages
 *   thp      the same in transparent huge pages, as far as the kernel has any
 *   hugetlb  from the pool of huge pages
 *   shared   shared anonymous memory
 *   locked   like anon, and locked
 *   comb     like anon, but every other page is given back: free memory in single pages
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul
#define HUGE (2ul << 20)

struct kind {
	const char *name;
	int flags, advice;
};

static const struct kind kinds[] = {
	{"anon", MAP_PRIVATE, MADV_NOHUGEPAGE},
	{"thp", MAP_PRIVATE, MADV_HUGEPAGE},
	{"hugetlb", MAP_PRIVATE | MAP_HUGETLB, MADV_NORMAL},
	{"shared", MAP_SHARED, MADV_NORMAL},
	{"locked", MAP_PRIVATE | MAP_LOCKED, MADV_NOHUGEPAGE},
	{"comb", MAP_PRIVATE, MADV_NOHUGEPAGE},
};

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int take(const struct kind *kind, size_t size)
{
	/* With room to begin at a huge page. */
	size_t room = kind->flags & MAP_HUGETLB ? 0 : HUGE;
	char *start =
		mmap(NULL, size + room, PROT_READ | PROT_WRITE, kind->flags | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return fail(kind->name);
	start += -(unsigned long)start % HUGE; /* no step where there is no room */
	madvise(start, size, kind->advice);
	for (size_t at = 0; at < size; at += PAGE)
		memcpy(start + at, &at, sizeof(at));
	for (size_t at = 0; strcmp(kind->name, "comb") == 0 && at < size; at += 2 * PAGE)
		madvise(start + at, PAGE, MADV_DONTNEED);
	return 0;
}

static int take_word(const char *word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i].name);

		if (strncmp(word, kinds[i].name, length) == 0 && word[length] == ':')
			return take(&kinds[i], strtoul(word + length + 1, NULL, 10) << 20);
	}
	fprintf(stderr, "hold: %s: no such kind\n", word);
	return 1;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (take_word(argv[i]))
			return 1;
	}
	switch (fork()) {
	case -1:
		return fail("fork");
	case 0:
		for (;;)
			pause();
	}
	return 0; /* the child has it all now */
}
