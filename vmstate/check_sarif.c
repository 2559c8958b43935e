/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check --format sarif: SARIF 2.1.0. A result is a finding. Its place is logical, the section and
 * the path; the file is the export that the device is in, for readers that want one.
 */
#include <ctype.h>
#include <string.h>

#include "check.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static const char *const rule_texts[GS_RULE_COUNT] = {
	[GS_RULE_VERSION_ABOVE] = "The version that is saved is above the loader's.",
	[GS_RULE_VERSION_BELOW] = "The version that is saved is below the loader's minimum.",
	[GS_RULE_NAME] = "The device has another name in the stream.",
	[GS_RULE_TYPE] = "The device's type was renamed; in the stream it has the same name.",
	[GS_RULE_DEVICE_GONE] = "The loader has no such device.",
	[GS_RULE_DEVICE_NEW] = "The saver has no such device.",
	[GS_RULE_UNMIGRATABLE] = "One of both refuses to save and to load the device.",
	[GS_RULE_SUBSECTION_GONE] = "The loader does not have the subsection.",
	[GS_RULE_SUBSECTION_NEW] = "The saver does not have the subsection.",
	[GS_RULE_SUBSECTION_PREFIX] = "The loader takes the subsection for somebody else's.",
	[GS_RULE_SUBSECTION_DUPLICATE] = "The first of two subsections of one name takes both.",
	[GS_RULE_FIELD_UNSENT] = "The loader takes bytes that nobody sends.",
	[GS_RULE_FIELD_LEFT] = "Nobody takes bytes that are sent.",
	[GS_RULE_FIELD_SIZE] = "A field has another size or length.",
	[GS_RULE_FIELD_GATE] = "A field is there on another condition.",
	[GS_RULE_FIELD_ORDER] = "Bytes are loaded into other fields than they were saved from.",
	[GS_RULE_FIELD_WIDTH] = "Bytes are divided into elements of another width.",
	[GS_RULE_FIELD_RENAMED] = "A field has another name, and the same bytes.",
	[GS_RULE_FIELD_REPACKED] = "The same bytes are divided otherwise.",
	[GS_RULE_NESTED_MINIMUM] = "The minimum of a struct is above its version.",
	[GS_RULE_NOT_IN_DUMP] = "A device that is used is in neither export.",
	[GS_RULE_TOO_MUCH] = "There is more than can be weighed.",
};

/* ---- pieces: each takes what it is given, NULL is out of memory ---- */

static bool set_string(struct gs_json *object, const char *key, const char *value)
{
	return gs_json_set(object, key, gs_json_new_string(value));
}

static struct gs_json *if_ok(struct gs_json *value, bool ok)
{
	if (ok)
		return value;
	gs_json_destroy(value);
	return NULL;
}

/* {@key: @value} */
static struct gs_json *wrap(const char *key, struct gs_json *value)
{
	struct gs_json *object = gs_json_new_object();

	return if_ok(object, gs_json_set(object, key, value));
}

/* [@value] */
static struct gs_json *array_of(struct gs_json *value)
{
	struct gs_json *array = gs_json_new_array();

	return if_ok(array, gs_json_append(array, value));
}

static struct gs_json *message(const char *text)
{
	return wrap("text", gs_json_new_string(text));
}

/* ---- results ---- */

static const char *level(enum gs_verdict verdict)
{
	if (verdict >= GS_VERDICT_BREAK)
		return "error";
	return verdict >= GS_VERDICT_UNKNOWN ? "warning" : "note";
}

static struct gs_json *result_message(const struct check_finding *finding)
{
	gs_autotext struct gs_text text = {0};

	gs_text_puts_printable(&text, finding->is.section);
	gs_text_printf(&text, ", %s: ", gs_check_direction_name(finding->is.direction));
	put_whole_sentence(&text, finding, &finding->is.condition);
	return text.failed ? NULL : message(text.data);
}

/* A path as a relative reference, or an absolute one. */
static struct gs_json *file_uri(const char *path)
{
	gs_autotext struct gs_text uri = {0};

	gs_text_puts(&uri, *path == '/' ? "file://" : "");
	for (const char *c = path; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr("-._~/", *c))
			gs_text_append(&uri, c, 1);
		else
			gs_text_printf(&uri, "%%%02X", (unsigned char)*c);
	}
	return uri.failed ? NULL : wrap("uri", gs_json_new_string(uri.data ? uri.data : ""));
}

static struct gs_json *logical_location(const struct gs_check_finding *finding)
{
	gs_autotext struct gs_text name = {0};
	struct gs_json *object = gs_json_new_object();

	gs_text_puts(&name, finding->section);
	gs_text_puts(&name, *finding->path ? "/" : "");
	gs_text_puts(&name, finding->path);
	return if_ok(object,
		     !name.failed &&
			     set_string(object, "fullyQualifiedName", name.data ? name.data : "") &&
			     set_string(object, "kind", "member"));
}

static struct gs_json *location(const struct check *c, const struct gs_check_finding *finding)
{
	struct gs_json *object = gs_json_new_object();
	const char *file = finding->type_after ? c->after->name : c->before->name;

	return if_ok(object, gs_json_set(object, "physicalLocation",
					 wrap("artifactLocation", file_uri(file))) &&
				     gs_json_set(object, "logicalLocations",
						 array_of(logical_location(finding))));
}

static struct gs_json *suppression(const struct gs_waiver *waiver)
{
	struct gs_json *object = gs_json_new_object();

	return if_ok(object,
		     set_string(object, "kind", "external") &&
			     set_string(object, "status", "accepted") &&
			     set_string(object, "justification", waiver->reason) &&
			     gs_json_set(object, "properties",
					 wrap("expires", gs_json_new_string(waiver->expires))));
}

static struct gs_json *properties(const struct gs_check_finding *finding)
{
	struct gs_json *object = gs_json_new_object();
	bool ok = set_string(object, "verdict", gs_verdict_name(finding->verdict)) &&
		  set_string(object, "direction", gs_check_direction_name(finding->direction)) &&
		  set_string(object, "typeBefore", finding->type_before) &&
		  set_string(object, "typeAfter", finding->type_after) &&
		  gs_json_set(object, "condition", condition_json(&finding->condition));

	if (ok && finding->offset.certainty != GS_WIRE_UNKNOWN)
		ok = gs_json_set(object, "offset", gs_json_new_u64(finding->offset.bytes)) &&
		     gs_json_set(object, "offsetIsExact",
				 gs_json_new_bool(finding->offset.certainty == GS_WIRE_EXACT));
	return if_ok(object, ok);
}

static struct gs_json *result(const struct check *c, const struct check_finding *finding)
{
	const struct gs_check_finding *is = &finding->is;
	struct gs_json *object = gs_json_new_object();
	bool ok = set_string(object, "ruleId", gs_check_rule_name(is->rule)) &&
		  gs_json_set(object, "ruleIndex", gs_json_new_u64(is->rule)) &&
		  set_string(object, "level", level(is->verdict)) &&
		  gs_json_set(object, "message", result_message(finding)) &&
		  gs_json_set(object, "locations", array_of(location(c, is))) &&
		  gs_json_set(object, "partialFingerprints",
			      wrap("vmstateFinding/v1", gs_json_new_string(is->id)));

	/* Where some results can be suppressed, all are to say whether they are. */
	if (ok && (c->options->baseline || c->options->begun))
		ok = gs_json_set(object, "suppressions",
				 finding->waiver ? array_of(suppression(finding->waiver))
						 : gs_json_new_array());
	return if_ok(object, ok && gs_json_set(object, "properties", properties(is)));
}

static struct gs_json *results(const struct check *c)
{
	struct gs_json *array = gs_json_new_array();
	bool ok = true;

	for (size_t i = 0; ok && i < c->finding_count; i++)
		ok = gs_json_append(array, result(c, &c->findings[i]));
	return if_ok(array, ok);
}

/* ---- the run ---- */

static struct gs_json *rule(enum gs_check_rule rule)
{
	struct gs_json *object = gs_json_new_object();

	return if_ok(object,
		     set_string(object, "id", gs_check_rule_name(rule)) &&
			     gs_json_set(object, "shortDescription", message(rule_texts[rule])));
}

static struct gs_json *driver(void)
{
	struct gs_json *object = gs_json_new_object(), *rules = gs_json_new_array();
	bool ok = true;

	for (int i = 0; ok && i < GS_RULE_COUNT; i++)
		ok = gs_json_append(rules, rule((enum gs_check_rule)i));
	rules = if_ok(rules, ok);
	return if_ok(object, gs_json_set(object, "rules", rules) &&
				     set_string(object, "name", "vmstate") &&
				     set_string(object, "organization", "guestscope") &&
				     set_string(object, "semanticVersion", GS_VERSION));
}

static bool add_note(struct gs_json *notes, const char *level_name, const char *text)
{
	struct gs_json *note = gs_json_new_object();
	bool ok = set_string(note, "level", level_name) &&
		  gs_json_set(note, "message", message(text));

	return gs_json_append(notes, if_ok(note, ok));
}

static bool add_machine(struct gs_json *notes, const struct check *c)
{
	gs_autotext struct gs_text text = {0};

	put_machine(&text, c->machine);
	return !text.failed &&
	       add_note(notes, check_lacks_machine(c) ? "error" : "note", text.data);
}

/* The machine, and what was not judged, as what the tool has to say of its own run. */
static struct gs_json *invocation(const struct check *c)
{
	struct gs_json *object = gs_json_new_object(), *notes = gs_json_new_array();
	bool ok = !c->machine || add_machine(notes, c);

	for (const char *const *text = gs_check_not_judged(); ok && *text; text++)
		ok = add_note(notes, "note", *text);
	notes = if_ok(notes, ok);
	return if_ok(object,
		     gs_json_set(object, "toolExecutionNotifications", notes) &&
			     gs_json_set(object, "executionSuccessful", gs_json_new_bool(true)) &&
			     gs_json_set(object, "exitCode", gs_json_new_u64(c->failed)));
}

static struct gs_json *run(const struct check *c)
{
	struct gs_json *object = gs_json_new_object();

	return if_ok(object, gs_json_set(object, "tool", wrap("driver", driver())) &&
				     gs_json_set(object, "invocations", array_of(invocation(c))) &&
				     set_string(object, "columnKind", "unicodeCodePoints") &&
				     gs_json_set(object, "results", results(c)));
}

int check_as_sarif(const struct check *c)
{
	gs_autojson struct gs_json *log = gs_json_new_object();
	gs_autofree char *text = NULL;
	bool ok = set_string(log, "$schema", SCHEMA) && set_string(log, "version", "2.1.0") &&
		  gs_json_set(log, "runs", array_of(run(c)));

	if (ok)
		text = gs_json_print(log, GS_JSON_PRETTY);
	return check_print(c, text);
}
