/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which fields of two exports are taken to be the same one, and what is assumed of the lengths that
 * only one of them, or none, tells. All of it is the contract of gs_devstate_check().
 */
#ifndef TESTS_PROPERTY_PARTNERS_H
#define TESTS_PROPERTY_PARTNERS_H

#include "description.h"

#define PLACES_MAX 192

/* A field where it stands. The same path may be there several times. */
struct place {
	struct field *field;
	const char *path, *scope; /* see path_join(); the subsections on the path */
	const struct description *list;
	size_t index;               /* in it */
	const struct place *parent; /* the struct; NULL: the section, or a subsection */
	bool told;                  /* lengths are */
	bool known;                 /* the other side has one of that path */
	struct place *partner;      /* its elements may be of another size */
	unsigned int count;         /* elements: told or assumed; 0: neither */
};
struct places {
	struct place all[PLACES_MAX];
	size_t count;
};
struct partners {
	struct places saver, loader;
};

/* Neither has more than PLACES_MAX fields, or false. */
bool partners_find(struct partners *partners, const struct export *saver,
		   const struct export *loader);
/* Its partner's elements are of the same size, and so there are as many. */
bool place_is_shared(const struct place *place);
bool place_is_unsized(const struct place *place);

/*
 * Whether one of the paths ends in the other, or so do what they are in their subsection, and where
 * that is: x and s/x; [d/p]/x and [d/p]/s/x. Paths here have '/' for each step, and none other.
 */
bool paths_end_alike(const char *a, const char *b);
/* "s/x" of "s" and "x", and of "" and "s.x". */
const char *path_join(const char *path, const char *step);

#endif
