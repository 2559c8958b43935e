/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a finding is, and what a verdict hangs on: for people and for programs. */
#include <inttypes.h>
#include <string.h>

#include "check.h"

static void put_predicate(struct gs_text *out, const struct gs_literal *literal)
{
	static const char *const words[][2] = {
		[GS_SIDE_BOTH] = {" is not there", " is there"},
		[GS_SIDE_SAVER] = {" is not sent", " is sent"},
		[GS_SIDE_LOADER] = {" is not expected", " is expected"},
	};

	gs_text_puts_printable(out, literal->name);
	if (literal->occurrence)
		gs_text_printf(out, "#%u", literal->occurrence);
	gs_text_puts(out, words[literal->side][literal->value]);
}

static void put_literal(struct gs_text *out, const struct gs_literal *literal)
{
	switch (literal->kind) {
	case GS_LITERAL_PREDICATE:
		put_predicate(out, literal);
		return;
	case GS_LITERAL_SUBSECTION:
		gs_text_puts_printable(out, literal->name);
		gs_text_puts(out, literal->value ? " is sent" : " is not sent");
		return;
	case GS_LITERAL_USED:
		gs_text_puts(out, literal->value ? "the guest uses " : "the guest does not use ");
		gs_text_puts_printable(out, literal->name);
		return;
	}
}

static void put_condition(struct gs_text *out, const struct gs_condition *condition)
{
	for (size_t i = 0; i < condition->count; i++) {
		const struct gs_term *term = &condition->terms[i];

		gs_text_puts(out, i ? ", or " : "");
		for (size_t j = 0; j < term->count; j++) {
			gs_text_puts(out, j ? " and " : "");
			put_literal(out, &term->literals[j]);
		}
	}
}

/* Of a subsection itself, that nothing is before it goes without saying. */
void put_offset(struct gs_text *out, const struct gs_check_finding *finding)
{
	size_t size = strlen(finding->path);

	if (!size || finding->offset.certainty == GS_WIRE_UNKNOWN ||
	    (finding->path[size - 1] == ']' && !finding->offset.bytes))
		return;
	gs_text_printf(out, " (byte %" PRIu64 "%s)", finding->offset.bytes,
		       finding->offset.certainty == GS_WIRE_EXACT ? "" : "+");
}

void put_place(struct gs_text *out, const struct gs_check_finding *finding)
{
	gs_text_puts_printable(out, finding->path);
	put_offset(out, finding);
}

/* Whether the finding's own sentence says it: it is about that, and nothing else. */
static bool is_told(const struct gs_check_finding *finding, const struct gs_condition *condition)
{
	return (finding->rule == GS_RULE_SUBSECTION_GONE || finding->rule == GS_RULE_DEVICE_GONE) &&
	       condition->count == 1 && condition->terms[0].count == 1;
}

void put_sentence(struct gs_text *out, const struct gs_check_finding *finding,
		  const struct gs_condition *condition)
{
	gs_text_puts_printable(out, finding->text);
	if (!is_told(finding, condition))
		put_broken_if(out, condition);
}

void put_whole_sentence(struct gs_text *out, const struct check_finding *finding,
			const struct gs_condition *condition)
{
	put_sentence(out, &finding->is, condition);
	gs_text_puts(out, finding->settings ? finding->settings : "");
}

void put_broken_if(struct gs_text *out, const struct gs_condition *condition)
{
	if (!condition->count)
		return;
	gs_text_puts(out, " It breaks if ");
	put_condition(out, condition);
	gs_text_puts(out, ".");
}

static struct gs_json *literal_json(const struct gs_literal *literal)
{
	static const char *const kinds[] = {"predicate", "subsection", "used"};
	static const char *const sides[] = {"both", "saver", "loader"};
	struct gs_json *object = gs_json_new_object();
	bool ok = gs_json_set(object, "kind", gs_json_new_string(kinds[literal->kind])) &&
		  gs_json_set(object, "name", gs_json_new_string(literal->name)) &&
		  gs_json_set(object, "value", gs_json_new_bool(literal->value));

	if (literal->kind != GS_LITERAL_USED)
		ok = ok &&
		     gs_json_set(object, "description", gs_json_new_string(literal->description));
	if (literal->kind == GS_LITERAL_PREDICATE)
		ok = ok && gs_json_set(object, "side", gs_json_new_string(sides[literal->side])) &&
		     gs_json_set(object, "occurrence", gs_json_new_u64(literal->occurrence));
	if (ok)
		return object;
	gs_json_destroy(object);
	return NULL;
}

static struct gs_json *term_json(const struct gs_term *term)
{
	struct gs_json *array = gs_json_new_array();

	for (size_t i = 0; i < term->count; i++) {
		if (gs_json_append(array, literal_json(&term->literals[i])))
			continue;
		gs_json_destroy(array);
		return NULL;
	}
	return array;
}

struct gs_json *condition_json(const struct gs_condition *condition)
{
	struct gs_json *array = gs_json_new_array();

	for (size_t i = 0; i < condition->count; i++) {
		if (gs_json_append(array, term_json(&condition->terms[i])))
			continue;
		gs_json_destroy(array);
		return NULL;
	}
	return array;
}

const char *verdict_color(enum gs_verdict verdict)
{
	switch (verdict) {
	case GS_VERDICT_SILENT:
	case GS_VERDICT_BREAK:
		return "\033[1;31m";
	case GS_VERDICT_CONDITIONAL:
		return "\033[33m";
	case GS_VERDICT_UNKNOWN:
		return "\033[35m";
	default:
		return "\033[32m";
	}
}
