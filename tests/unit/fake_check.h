/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts on small exports, both ways, in one line each. */
#ifndef TESTS_UNIT_FAKE_CHECK_H
#define TESTS_UNIT_FAKE_CHECK_H

#include <ctype.h>

#include <guestscope/base/text.h>
#include <guestscope/devstate/check.h>

#include "fake_devstate.h"

#define auto_state GS_CLEANUP(gs_devstate_destroy)

/* An export that tells lengths has a device that never changes: "z". */
#define TELLING(devices) FAKE_EXPORT(devices FAKE_DEVICE("z", ", 'Fields': [" SIZED "]"))
#define SIZED FAKE_FIELD_X("n", "0", "false", "1", ", 'num': 1")
#define FIELDS(fields) FIELDS_V("1", fields)
#define FIELDS_V(version, fields) \
	TELLING(FAKE_DEVICE_V("a", version, "0", ", 'Fields': [" fields "]") ",")
#define UNTOLD(fields)                                                            \
	FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" fields "]") "," FAKE_DEVICE( \
		"z", ", 'Fields': [" FAKE_FIELD("n", "1") "]"))
#define SUBSECTIONS(fields, subsections) \
	TELLING(FAKE_DEVICE("a", ", 'Fields': [" fields "], 'Subsections': [" subsections "]") ",")

#define F FAKE_FIELD
#define FV(name, version, size) FAKE_FIELD_X(name, version, "false", size, "")
#define FC(name, size) FAKE_FIELD_X(name, "0", "true", size, "")
#define ARRAY(name, num, size) FAKE_FIELD_X(name, "0", "false", size, ", 'num': " num)
#define DESCRIBED(name, version, minimum, fields, more) \
	FAKE_DESCRIPTION(name, version, minimum, ", 'Fields': [" fields "]" more)
#define SUB(name, fields) DESCRIBED(name, "1", "1", fields, "")
#define IN(description) ", 'Description': " description
#define STRUCT(name, description) FAKE_FIELD_X(name, "0", "false", "999", IN(description))
#define STRUCTC(name, description) FAKE_FIELD_X(name, "0", "true", "999", IN(description))
#define STRUCTS(name, num, description) \
	FAKE_FIELD_X(name, "0", "false", "999", ", 'num': " num IN(description))

struct verdicts {
	struct gs_text text[GS_CHECK_DIRECTIONS]; /* the findings */
	struct gs_text device[GS_CHECK_DIRECTIONS];
};

/* " if p & !q | [a/s]" */
__attribute__((unused)) static void put_condition(struct gs_text *text,
						  const struct gs_condition *condition)
{
	static const char *const sides[] = {"", "saver's ", "loader's "};

	for (size_t i = 0; i < condition->count; i++) {
		const struct gs_term *term = &condition->terms[i];

		gs_text_puts(text, i ? " | " : " if ");
		for (size_t j = 0; j < term->count; j++) {
			const struct gs_literal *literal = &term->literals[j];
			bool is_subsection = literal->kind == GS_LITERAL_SUBSECTION;

			gs_text_printf(
				text, "%s%s%s%s%s%s%s", j ? " & " : "", literal->value ? "" : "!",
				literal->kind == GS_LITERAL_PREDICATE ? sides[literal->side] : "",
				literal->kind == GS_LITERAL_USED ? "used " : "",
				is_subsection ? "[" : "", literal->name, is_subsection ? "]" : "");
			if (literal->occurrence)
				gs_text_printf(text, "#%u", literal->occurrence);
		}
		if (term->count == 0)
			gs_text_puts(text, "always");
	}
}

static void check_sentence(const char *text)
{
	size_t size = strlen(text);

	assert_true(isupper((unsigned char)text[0]));
	assert_int_equal(text[size - 1], '.');
	for (size_t i = 0; i < size; i++)
		assert_false(iscntrl((unsigned char)text[i]));
}

__attribute__((unused)) static struct gs_error *note_finding(void *arg,
							     const struct gs_check_finding *finding)
{
	struct gs_text *text = &((struct verdicts *)arg)->text[finding->direction];
	const char *type = finding->type_before ? finding->type_before : finding->type_after;
	gs_autotext struct gs_text id = {0};

	check_sentence(finding->text);
	assert_int_not_equal(finding->verdict, GS_VERDICT_OK);
	assert_int_equal(finding->verdict == GS_VERDICT_CONDITIONAL, finding->condition.count > 0);
	gs_text_printf(&id, "%s:%s%s%s:%s", gs_check_direction_name(finding->direction),
		       type ? type : finding->section, *finding->path ? "/" : "", finding->path,
		       gs_check_rule_name(finding->rule));
	assert_int_equal(strncmp(finding->id, id.data, id.size), 0);
	gs_text_printf(text, "; %s %s", gs_verdict_name(finding->verdict),
		       finding->id + strlen(gs_check_direction_name(finding->direction)) + 1);
	put_condition(text, &finding->condition);
	if (finding->offset.certainty != GS_WIRE_UNKNOWN)
		gs_text_printf(text, " @%llu%s", (unsigned long long)finding->offset.bytes,
			       finding->offset.certainty == GS_WIRE_EXACT ? "" : "+");
	return NULL;
}

__attribute__((unused)) static struct gs_error *note_device(void *arg,
							    const struct gs_check_device *device)
{
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		struct gs_text *text = &((struct verdicts *)arg)->device[d];

		if (device->directions[d].verdict == GS_VERDICT_OK)
			continue;
		gs_text_printf(text, "%s%s", text->size ? ", " : "",
			       gs_verdict_name(device->directions[d].verdict));
		put_condition(text, &device->directions[d].condition);
	}
	return NULL;
}

/* "OK", or the device's verdict and each finding: "BREAK; BREAK a/x:field-unsent @4" */
__attribute__((unused)) static void check_with(const char *before, const char *after,
					       const struct gs_check_options *options,
					       const char *forward, const char *backward)
{
	auto_state struct gs_devstate *a = fake_devstate(before), *b = fake_devstate(after);
	struct verdicts verdicts = {0};
	struct gs_check_report report = {note_finding, note_device, &verdicts};
	const char *wanted[] = {forward, backward};

	assert_ok(gs_devstate_check(a, b, options, &report));
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		gs_text_puts(&verdicts.device[d], verdicts.device[d].size ? "" : "OK");
		gs_text_puts(&verdicts.device[d],
			     verdicts.text[d].size ? verdicts.text[d].data : "");
		assert_string_equal(verdicts.device[d].data, wanted[d]);
		gs_text_deinit(&verdicts.device[d]);
		gs_text_deinit(&verdicts.text[d]);
	}
}

/* And each export with itself, which is always fine. */
__attribute__((unused)) static void check(const char *before, const char *after,
					  const char *forward, const char *backward)
{
	check_with(before, after, NULL, forward, backward);
	check_with(before, before, NULL, "OK", "OK");
	check_with(after, after, NULL, "OK", "OK");
}

#endif
