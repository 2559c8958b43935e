/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many bytes of a stream a field or a description is, as far as an export tells. */
#include <guestscope/devstate.h>

struct tally {
	uint64_t bytes; /* that are known */
	bool untold;    /* lengths of arrays may add to them */
	bool unknown;   /* so may what has no size in an export */
	size_t conditional, subsections;
};

static void add_description(const struct gs_devstate *state, const struct gs_vmsd *description,
			    struct tally *tally);

/* An unknown sum is as good as one that no stream could hold. */
static void add_bytes(struct tally *tally, uint64_t count, uint64_t bytes)
{
	uint64_t product, sum;

	if (__builtin_mul_overflow(count, bytes, &product) ||
	    __builtin_add_overflow(tally->bytes, product, &sum))
		tally->unknown = true;
	else
		tally->bytes = sum;
}

static void add_field(const struct gs_devstate *state, const struct gs_vmsd_field *field,
		      struct tally *tally)
{
	struct tally element = {0};

	if (field->description) {
		/* Its size in C says nothing. */
		add_description(state, field->description, &element);
	} else {
		element.bytes = field->size;
		element.unknown = field->size == 0;
	}
	add_bytes(tally, field->has_num ? field->num : 1, element.bytes);
	tally->untold |= element.untold || !gs_devstate_has_num(state);
	tally->unknown |= element.unknown;
	tally->conditional += element.conditional;
	tally->subsections += element.subsections;
}

static void add_description(const struct gs_devstate *state, const struct gs_vmsd *description,
			    struct tally *tally)
{
	for (size_t i = 0; i < description->field_count; i++) {
		const struct gs_vmsd_field *field = &description->fields[i];

		if (field->conditional)
			tally->conditional++;
		else if (field->version <= description->version)
			add_field(state, field, tally);
	}
	tally->subsections += description->subsection_count;
}

static struct gs_wire_size size_of(const struct tally *tally)
{
	struct gs_wire_size size = {GS_WIRE_EXACT, tally->bytes};

	if (tally->unknown && tally->bytes == 0)
		size.certainty = GS_WIRE_UNKNOWN;
	else if (tally->unknown || tally->untold)
		size.certainty = GS_WIRE_AT_LEAST;
	return size;
}

struct gs_wire_size gs_vmsd_field_wire(const struct gs_devstate *state,
				       const struct gs_vmsd_field *field)
{
	struct tally tally = {0};

	add_field(state, field, &tally);
	tally.untold |= tally.conditional || tally.subsections;
	return size_of(&tally);
}

struct gs_wire_size gs_vmsd_wire(const struct gs_devstate *state, const struct gs_vmsd *description,
				 size_t *conditional_ret, size_t *subsections_ret)
{
	struct tally tally = {0};

	add_description(state, description, &tally);
	*conditional_ret = tally.conditional;
	*subsections_ret = tally.subsections;
	return size_of(&tally);
}
