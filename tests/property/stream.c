// SPDX-License-Identifier: GPL-2.0-or-later
/* Saving and loading, symbol by symbol. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "partners.h"
#include "stream.h"

enum { SECTION_FULL = 0x04, SUBSECTION = 0x05, FOOTER = 0x7e };
#define SECTION_ID 0x01020304
#define SUBSECTION_VERSION_MASK 0xff /* of it, the loader keeps that much */

/* ---- layouts ---- */

static struct layout *lay_out(const struct description *description, const unsigned int *quantities,
			      const char *path, const char *scope, struct leaves *leaves);

static void lay_out_structs(struct layout_field *ret, const unsigned int *quantities,
			    const char *path, const char *scope, struct leaves *leaves)
{
	ret->elements = pool_take(ret->count * sizeof(struct layout *));
	for (size_t i = 0; i < ret->count; i++)
		ret->elements[i] = lay_out(ret->field->description, quantities,
					   ret->count > 1 ? pool_printf("%s[%zu]", path, i) : path,
					   scope, leaves);
}

static void lay_out_field(struct layout_field *ret, const struct field *field,
			  const unsigned int *quantities, const char *path, const char *scope,
			  struct leaves *leaves)
{
	unsigned int width = field->bytes == NONE ? field->size : quantities[field->bytes];
	struct leaf *leaf;

	ret->field = field;
	ret->count = field->length == NONE ? field->count : quantities[field->length];
	path = path_join(path, field->name);
	if (field->description) {
		lay_out_structs(ret, quantities, path, scope, leaves);
		return;
	}
	if (leaves->count == LEAVES_MAX) {
		fprintf(stderr, "%s: more than %d fields\n", path, LEAVES_MAX);
		exit(2);
	}
	leaf = &leaves->all[leaves->count++];
	*leaf = (struct leaf){path, scope, field->size, (unsigned int)ret->count * width,
			      field_is_unused(field)};
	ret->leaf = leaf;
}

static struct layout *lay_out(const struct description *description, const unsigned int *quantities,
			      const char *path, const char *scope, struct leaves *leaves)
{
	struct layout *layout = pool_take(sizeof(*layout));

	layout->description = description;
	for (size_t i = 0; i < description->field_count; i++)
		lay_out_field(&layout->fields[i], &description->fields[i], quantities, path, scope,
			      leaves);
	for (size_t i = 0; i < description->subsection_count; i++) {
		const char *step = pool_printf("[%s]", description->subsections[i]->name);

		layout->subsections[i] =
			lay_out(description->subsections[i], quantities, path_join(path, step),
				path_join(scope, step), leaves);
	}
	return layout;
}

struct layout *layout_of(const struct description *description, const unsigned int *quantities,
			 struct leaves *leaves)
{
	return lay_out(description, quantities, "", "", leaves);
}

/* ---- both sides ---- */

static bool holds(const struct world *world, int variable)
{
	return world->variables >> variable & 1;
}

/* Sent, or taken: each side asks with the version that it goes by. */
static bool exists(const struct world *world, const struct field *field, unsigned int version)
{
	return field->conditional ? holds(world, field->predicate) : field->version <= version;
}

/* ---- saving ---- */

static void put(struct stream *stream, uint16_t symbol)
{
	if (stream->size == STREAM_MAX) {
		fprintf(stderr, "more than %d bytes in a section\n", STREAM_MAX);
		exit(2);
	}
	stream->symbols[stream->size++] = symbol;
}

static void put_be32(struct stream *stream, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put(stream, value >> shift & 0xff);
}

static void put_name(struct stream *stream, const char *name)
{
	put(stream, (uint16_t)strlen(name));
	for (; *name; name++)
		put(stream, (uint8_t)*name);
}

static void put_value(struct stream *stream, const struct leaf *leaf)
{
	for (unsigned int i = 0; i < leaf->bytes; i++) {
		stream->sent[stream->sent_count].leaf = leaf;
		stream->sent[stream->sent_count].offset = i;
		put(stream, (uint16_t)(SYMBOL_VALUE + stream->sent_count++));
	}
}

static void save(struct stream *stream, const struct world *world, const struct layout *layout)
{
	const struct description *description = layout->description;

	for (size_t i = 0; i < description->field_count; i++) {
		const struct layout_field *field = &layout->fields[i];

		if (!exists(world, field->field, description->version))
			continue;
		if (field->leaf)
			put_value(stream, field->leaf);
		for (size_t k = 0; k < field->count && !field->leaf; k++)
			save(stream, world, field->elements[k]);
	}
	for (size_t i = 0; i < description->subsection_count; i++) {
		const struct description *sub = description->subsections[i];

		if (!holds(world, sub->sent))
			continue;
		put(stream, SUBSECTION);
		put_name(stream, sub->name);
		put_be32(stream, sub->version);
		save(stream, world, layout->subsections[i]);
	}
}

static void put_header(struct stream *stream, const char *name, uint32_t version)
{
	put(stream, SECTION_FULL);
	put_be32(stream, SECTION_ID);
	put_name(stream, name);
	put_be32(stream, 0); /* instance */
	put_be32(stream, version);
}

void stream_save(struct stream *stream, const struct worlds *worlds, const struct world *world,
		 const struct layout *layout)
{
	const struct description *description = worlds->saver->description;

	stream->size = stream->sent_count = 0;
	put_header(stream, description->name, description->version);
	save(stream, world, layout);
	put(stream, FOOTER);
	put_be32(stream, SECTION_ID);
	put_header(stream, "behind", 1);
}

/* ---- loading ---- */

struct reader {
	const struct stream *stream;
	const struct world *world;
	const struct stream_judge *judge;
	size_t at, start; /* of the data of the section or subsection */
	struct load load;
};

static uint16_t peek(const struct reader *reader, size_t ahead)
{
	return reader->at + ahead < reader->stream->size
		       ? reader->stream->symbols[reader->at + ahead]
		       : 0;
}

static uint32_t get_be32(struct reader *reader)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++, reader->at++)
		value = value << 8 | peek(reader, 0);
	return value;
}

static void note_wrong(struct reader *reader)
{
	if (!reader->load.has_wrong)
		reader->load.wrong = reader->at - reader->start;
	reader->load.has_wrong = true;
}

static bool take_value(struct reader *reader, const struct leaf *leaf)
{
	for (unsigned int i = 0; i < leaf->bytes; i++, reader->at++) {
		unsigned int symbol = peek(reader, 0);
		const struct leaf *sent;

		if (symbol < SYMBOL_VALUE) {
			note_wrong(reader);
			return false;
		}
		symbol -= SYMBOL_VALUE;
		sent = reader->stream->sent[symbol].leaf;
		reader->load.spills |= strcmp(sent->scope, leaf->scope) != 0;
		if (reader->judge->fits(reader->judge->arg, sent,
					reader->stream->sent[symbol].offset, leaf, i))
			continue;
		note_wrong(reader);
		reader->load.outcome = OUTCOME_SILENT;
	}
	return true;
}

static bool load(struct reader *reader, const struct layout *layout, uint32_t version);

static bool load_field(struct reader *reader, const struct layout_field *field)
{
	if (field->leaf)
		return take_value(reader, field->leaf);
	for (size_t i = 0; i < field->count; i++) {
		/* Its version is not in the stream: it is one's own. */
		if (!load(reader, field->elements[i], field->elements[i]->description->version))
			return false;
	}
	return true;
}

static bool name_is(const struct reader *reader, size_t ahead, const char *name, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (peek(reader, ahead + i) != (uint8_t)name[i])
			return false;
	}
	return true;
}

static bool load_subsection(struct reader *reader, const struct layout *layout)
{
	const struct description *description = layout->description;
	size_t size = peek(reader, 1), outer = reader->start;
	bool ok;

	for (size_t i = 0; i < description->subsection_count; i++) {
		const char *name = description->subsections[i]->name;

		if (strlen(name) != size || !name_is(reader, 2, name, size))
			continue;
		reader->at += 2 + size;
		reader->start = reader->at + 4;
		ok = load(reader, layout->subsections[i],
			  get_be32(reader) & SUBSECTION_VERSION_MASK);
		reader->start = outer;
		return ok;
	}
	return false;
}

static bool load(struct reader *reader, const struct layout *layout, uint32_t version)
{
	const struct description *description = layout->description;
	size_t name_size = strlen(description->name);

	if (version > description->version || version < description->minimum)
		return false;
	for (size_t i = 0; i < description->field_count; i++) {
		if (exists(reader->world, &description->fields[i], version) &&
		    !load_field(reader, &layout->fields[i]))
			return false;
	}
	/* What has another prefix is left to whoever is around this. */
	while (peek(reader, 0) == SUBSECTION && peek(reader, 1) > name_size &&
	       name_is(reader, 2, description->name, name_size)) {
		if (!load_subsection(reader, layout))
			return false;
	}
	return true;
}

static bool load_section(struct reader *reader, const struct description *description,
			 const struct layout *layout)
{
	size_t size;
	uint32_t version;

	reader->at = 5;
	size = peek(reader, 0);
	if (size != strlen(description->name) || !name_is(reader, 1, description->name, size))
		return false;
	reader->at += 1 + size + 4;
	version = get_be32(reader);
	reader->start = reader->at;
	if (!load(reader, layout, version))
		return false;
	if (peek(reader, 0) == FOOTER) {
		reader->at++;
		return get_be32(reader) == SECTION_ID;
	}
	/* A value that nobody took; not a subsection's marker, which is no byte of the data. */
	if (peek(reader, 0) >= SYMBOL_VALUE)
		note_wrong(reader);
	return false;
}

struct load stream_load(const struct stream *stream, const struct worlds *worlds,
			const struct world *world, const struct layout *layout,
			const struct stream_judge *judge)
{
	struct reader reader = {stream, world, judge, 0, 0, {.outcome = OUTCOME_GOOD}};

	if (!load_section(&reader, worlds->loader->description, layout))
		reader.load.outcome = OUTCOME_BROKEN;
	return reader.load;
}
