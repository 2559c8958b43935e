/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptions as values of the tests' own, which share nothing with the library but its JSON: made
 * from a line of text, changed at will, written as text or as the export that says the same.
 *
 *	(d 3 1 a:4 b:2x4 c:4@2 e:4? s:2x(t 1 1 x:4) +(d/sub 1 1 y:4))
 *
 * is the description d, version 3, minimum 1, of a field of 4 bytes; an array of 2 times 4; one
 * that is there from version 2 on; one with a predicate; an array of two structs; and a subsection.
 * "*" is a size of 0; "-" in place of the fields: no list of fields. Before it may stand "~" (an
 * export that tells no lengths), and "type=" (of the device; else it is as the description's name).
 * An export of no device is "-".
 */
#ifndef TESTS_PROPERTY_DESCRIPTION_H
#define TESTS_PROPERTY_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/text.h>

#define NAME_SIZE 32
#define FIELDS_MAX 16 /* of a description */
#define SUBSECTIONS_MAX 6

struct description;

struct field {
	char name[NAME_SIZE];
	unsigned int version;
	bool conditional;
	unsigned int num;  /* of a fixed array; 0: none, or none is told */
	unsigned int size; /* of an element; 0: not told, or a struct's */
	struct description *description;
	/* Notes of worlds_of(), for one pair and direction: which variable is its predicate, and
	 * which quantities are how many elements it has and how many bytes one is. NONE: @count
	 * and @size say it. */
	int predicate, length, bytes;
	unsigned int count;
};
#define NONE (-1)

struct description {
	char name[NAME_SIZE];
	unsigned int version, minimum;
	bool no_fields;
	struct field fields[FIELDS_MAX];
	size_t field_count;
	struct description *subsections[SUBSECTIONS_MAX];
	size_t subsection_count;
	int sent; /* note of worlds_of(): the variable that says so of a subsection */
};

struct export
{
	char type[NAME_SIZE];
	bool tells_num;
	struct description *description; /* NULL: no device */
};

/*
 * Memory that is given back from the last on: all that was taken since a mark. Ends the program
 * when there is none left, as do the functions below at text that is none.
 */
void *pool_take(size_t size); /* zeroed */
char *pool_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
size_t pool_mark(void);
void pool_release(size_t mark);

struct export export_parse(const char *text);
struct export export_copy(const struct export *export);
char *export_text(const struct export *export);
/* As QEMU writes it; with a second device, whose array shows whether lengths are told. */
char *export_json(const struct export *export, const char *machine);

struct description *description_new(const char *name, unsigned int version, unsigned int minimum);
struct description *description_copy(const struct description *description);
void field_insert(struct description *description, size_t at, const struct field *field);
void field_remove(struct description *description, size_t at);
void subsection_remove(struct description *description, size_t at);
bool field_is_unused(const struct field *field);
/* How many fields of its name stand before it. */
unsigned int field_occurrence(const struct description *description, size_t at);

#endif
