// SPDX-License-Identifier: GPL-2.0-or-later
/* Run the checker, note what it reports, and hold it against the truth. */
#include <ctype.h>
#include <string.h>

#include "compare.h"

#define FINDINGS_MAX 128

struct finding {
	struct gs_check_finding is; /* strings are copies; conditions are gone */
	const char *gist;           /* all that must be the same when both exports are exchanged */
	const char *text;           /* so must this, but for which one is the newer */
};

struct report {
	const struct truth *truths;           /* by direction; NULL: conditions are not looked at */
	const char *type_before, *type_after; /* the device that is looked at */
	struct finding findings[FINDINGS_MAX];
	size_t count, finished; /* findings, and those of devices that were reported */
	struct gs_check_device device;
	bool has_device;
	struct world_set conditions[GS_CHECK_DIRECTIONS];
	struct gs_text complaints;
};

#define complain(report, ...)                                       \
	do {                                                        \
		gs_text_printf(&(report)->complaints, __VA_ARGS__); \
		gs_text_puts(&(report)->complaints, "\n");          \
	} while (0)

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* ---- conditions ---- */

struct term {
	uint32_t mask, value; /* of variables */
};

static bool side_is_right(const struct variable *variable, enum gs_literal_side side)
{
	if (variable->kind != GS_LITERAL_PREDICATE)
		return true;
	return side == (variable->saver && variable->loader ? GS_SIDE_BOTH
			: variable->saver                   ? GS_SIDE_SAVER
							    : GS_SIDE_LOADER);
}

static struct term read_term(struct report *report, const struct worlds *worlds,
			     const struct gs_term *from)
{
	struct term term = {0};

	for (size_t i = 0; i < from->count; i++) {
		const struct gs_literal *literal = &from->literals[i];
		int variable = worlds_find(worlds, literal);

		if (variable == NONE) {
			complain(report, "a condition names %s, which decides nothing",
				 literal->name);
			continue;
		}
		if (!side_is_right(&worlds->variables[variable], literal->side))
			complain(report, "a condition has %s on the wrong side", literal->name);
		if (term.mask >> variable & 1)
			complain(report, "a term names %s twice", literal->name);
		term.mask |= 1u << variable;
		term.value |= (uint32_t)literal->value << variable;
	}
	return term;
}

#define TERMS_MAX 64

static bool term_holds(const struct term *term, uint32_t variables)
{
	return (variables & term->mask) == term->value;
}

static struct world_set worlds_of_terms(const struct worlds *worlds, const struct term *terms,
					size_t count)
{
	struct world_set set = {0};

	for (uint32_t v = 0; v >> worlds->variable_count == 0; v++) {
		for (size_t i = 0; i < count; i++) {
			if (term_holds(&terms[i], v)) {
				world_set_add(&set, v);
				break;
			}
		}
	}
	return set;
}

static bool sets_equal(const struct world_set *a, const struct world_set *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* No literal and no term can be left out. */
static void check_brevity(struct report *report, const struct worlds *worlds, struct term *terms,
			  size_t count)
{
	struct world_set all = worlds_of_terms(worlds, terms, count), less;

	for (size_t i = 0; i < count; i++) {
		struct term term = terms[i];

		for (size_t v = 0; v < worlds->variable_count; v++) {
			if (!(term.mask >> v & 1))
				continue;
			terms[i].mask = term.mask & ~(1u << v);
			terms[i].value = term.value & terms[i].mask;
			less = worlds_of_terms(worlds, terms, count);
			if (sets_equal(&all, &less))
				complain(report, "a term does not need %s",
					 worlds->variables[v].name);
		}
		terms[i] = terms[0];
		less = worlds_of_terms(worlds, terms + 1, count - 1);
		terms[i] = term;
		if (sets_equal(&all, &less))
			complain(report, "a condition does not need its term %zu", i);
	}
}

static struct world_set read_condition(struct report *report, enum gs_check_direction direction,
				       const struct gs_condition *condition)
{
	const struct worlds *worlds = &report->truths[direction].worlds;
	struct term terms[TERMS_MAX] = {0};

	if (condition->count > TERMS_MAX) {
		complain(report, "a condition of %zu terms", condition->count);
		return (struct world_set){0};
	}
	for (size_t i = 0; i < condition->count; i++)
		terms[i] = read_term(report, worlds, &condition->terms[i]);
	check_brevity(report, worlds, terms, condition->count);
	return worlds_of_terms(worlds, terms, condition->count);
}

/* ---- findings ---- */

static bool is_sentence(const char *text)
{
	size_t size = strlen(text);

	for (const char *c = text; *c; c++) {
		if (iscntrl((unsigned char)*c) || (c[0] == ' ' && c[1] == ' '))
			return false;
	}
	return size > 10 && isupper((unsigned char)text[0]) && text[size - 1] == '.' &&
	       text[size - 2] != '.' && !strstr(text, "(null)");
}

static void check_finding(struct report *report, const struct gs_check_finding *finding)
{
	const char *direction = gs_check_direction_name(finding->direction);
	size_t size = strlen(direction);

	if (finding->verdict == GS_VERDICT_OK)
		complain(report, "%s: nothing was found", finding->id);
	if ((finding->condition.count > 0) != (finding->verdict == GS_VERDICT_CONDITIONAL))
		complain(report, "%s: %s with a condition of %zu terms", finding->id,
			 gs_verdict_name(finding->verdict), finding->condition.count);
	if (!is_sentence(finding->text))
		complain(report, "%s: no sentence: \"%s\"", finding->id, finding->text);
	if (strncmp(finding->id, direction, size) != 0 || finding->id[size] != ':' ||
	    !strstr(finding->id, gs_check_rule_name(finding->rule)))
		complain(report, "%s: the id does not tell what it is", finding->id);
	for (size_t i = 0; i < report->count; i++) {
		if (strcmp(report->findings[i].is.id, finding->id) == 0)
			complain(report, "%s: two of that id", finding->id);
	}
}

static const char *copy_string(const char *string)
{
	return string ? pool_printf("%s", string) : NULL;
}

static struct gs_error *note_finding(void *arg, const struct gs_check_finding *finding)
{
	struct report *report = arg;
	struct finding *copy = &report->findings[report->count];

	check_finding(report, finding);
	if (report->truths && finding->condition.count &&
	    same_string(finding->type_before, report->type_before) &&
	    same_string(finding->type_after, report->type_after))
		read_condition(report, finding->direction, &finding->condition);
	if (report->count == FINDINGS_MAX)
		return NULL;
	report->count++;
	copy->is = *finding;
	copy->is.type_before = copy_string(finding->type_before);
	copy->is.type_after = copy_string(finding->type_after);
	copy->is.section = copy_string(finding->section);
	copy->is.path = copy_string(finding->path);
	copy->is.text = copy_string(finding->text);
	copy->is.id = copy_string(finding->id);
	copy->is.condition = (struct gs_condition){0};
	copy->gist =
		pool_printf("%s %s %s/%s %d+%llu %zu", gs_verdict_name(finding->verdict),
			    gs_check_rule_name(finding->rule), finding->section, finding->path,
			    finding->offset.certainty, (unsigned long long)finding->offset.bytes,
			    finding->condition.count);
	copy->text = strstr(finding->text, " newer ") || strstr(finding->text, " older ")
			     ? ""
			     : copy->is.text;
	return NULL;
}

static struct gs_error *note_device(void *arg, const struct gs_check_device *device)
{
	struct report *report = arg;
	size_t counts[GS_CHECK_DIRECTIONS] = {0};

	for (; report->finished < report->count; report->finished++)
		counts[report->findings[report->finished].is.direction]++;
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		enum gs_verdict verdict = device->directions[d].verdict;

		if (counts[d] != device->directions[d].findings)
			complain(report, "%s: %zu findings, and not %zu",
				 gs_check_direction_name((enum gs_check_direction)d), counts[d],
				 device->directions[d].findings);
		if ((verdict == GS_VERDICT_OK) != (counts[d] == 0))
			complain(report, "%s: %s with %zu findings",
				 gs_check_direction_name((enum gs_check_direction)d),
				 gs_verdict_name(verdict), counts[d]);
	}
	if (!same_string(device->type_before, report->type_before) ||
	    !same_string(device->type_after, report->type_after))
		return NULL;
	report->has_device = true;
	report->device = *device;
	for (int d = 0; d < GS_CHECK_DIRECTIONS && report->truths; d++) {
		if (device->directions[d].condition.count)
			report->conditions[d] = read_condition(report, (enum gs_check_direction)d,
							       &device->directions[d].condition);
	}
	return NULL;
}

/* ---- one run ---- */

static struct gs_devstate *parse(struct report *report, const struct export *export,
				 const char *machine)
{
	const char *text = export_json(export, machine);
	struct gs_devstate *state = NULL;
	gs_autoerror struct gs_error *err = gs_devstate_parse(text, strlen(text), &state);

	if (err)
		complain(report, "%s", err->message);
	return state;
}

static void run(struct report *report, const struct gs_devstate *before,
		const struct gs_devstate *after)
{
	const struct gs_check_options options = {.strict = true};
	const struct gs_check_report to = {note_finding, note_device, report};
	gs_autoerror struct gs_error *err = gs_devstate_check(before, after, &options, &to);

	if (err)
		complain(report, "%s", err->message);
}

/* ---- against the truth ---- */

static bool agrees(const struct truth *truth, enum gs_verdict verdict, bool *cautious)
{
	*cautious = verdict == GS_VERDICT_UNKNOWN && truth->verdict != GS_VERDICT_UNKNOWN &&
		    truth->worlds.untold;
	if (verdict == GS_VERDICT_INFO)
		verdict = GS_VERDICT_OK;
	return verdict == truth->verdict || *cautious;
}

static void print_worlds(struct report *report, const char *whose, const struct worlds *worlds,
			 const struct world_set *set)
{
	complain(report, "  %s:", whose);
	for (uint32_t v = 0; v >> worlds->variable_count == 0; v++) {
		if (!world_set_has(set, v))
			continue;
		gs_text_puts(&report->complaints, "   ");
		for (size_t i = 0; i < worlds->variable_count; i++)
			gs_text_printf(&report->complaints, " %s=%d", worlds->variables[i].name,
				       v >> i & 1);
		gs_text_puts(&report->complaints, "\n");
	}
}

static void compare_direction(struct report *report, const struct truth *truth,
			      enum gs_check_direction direction, struct comparison *ret)
{
	enum gs_verdict verdict =
		report->has_device ? report->device.directions[direction].verdict : GS_VERDICT_OK;
	const char *name = gs_check_direction_name(direction);

	ret->verdicts[direction] = verdict;
	ret->truths[direction] = truth->verdict;
	if (!agrees(truth, verdict, &ret->cautious[direction])) {
		complain(report, "%s: the checker says %s, the model %s", name,
			 gs_verdict_name(verdict), gs_verdict_name(truth->verdict));
	} else if (verdict == GS_VERDICT_CONDITIONAL &&
		   !sets_equal(&report->conditions[direction], &truth->broken)) {
		complain(report, "%s: broken in other worlds than the condition says", name);
		print_worlds(report, "checker", &truth->worlds, &report->conditions[direction]);
		print_worlds(report, "model", &truth->worlds, &truth->broken);
	}
}

/* The one finding that is worse than INFO. */
static const struct gs_check_finding *only_finding(const struct report *report,
						   enum gs_check_direction direction)
{
	const struct gs_check_finding *only = NULL;

	for (size_t i = 0; i < report->count; i++) {
		const struct gs_check_finding *finding = &report->findings[i].is;

		if (finding->direction != direction || finding->verdict <= GS_VERDICT_INFO)
			continue;
		if (only)
			return NULL;
		only = finding;
	}
	return only;
}

/*
 * The only finding of a section's data points at the first byte that goes wrong. It may be before
 * it where several fields have no namesakes: which of them is new, and which is but another's new
 * name, is a matter of taste.
 */
static void compare_offset(struct report *report, const struct truth *truth,
			   enum gs_check_direction direction, bool simple)
{
	const struct gs_check_finding *only = only_finding(report, direction);

	if (!only || only->offset.certainty != GS_WIRE_EXACT || strchr(only->path, '[') ||
	    !truth->wrong.known || only->offset.bytes == truth->wrong.bytes)
		return;
	if (only->offset.bytes < truth->wrong.bytes && !simple)
		return;
	complain(report, "%s: at byte %llu, and not %zu", only->id,
		 (unsigned long long)only->offset.bytes, truth->wrong.bytes);
}

/* The next finding in a direction, from @at on; NULL: no more. */
static const struct finding *next_finding(const struct report *report, int direction, size_t *at)
{
	while (*at < report->count) {
		const struct finding *finding = &report->findings[(*at)++];

		if (finding->is.direction == (enum gs_check_direction)direction)
			return finding;
	}
	return NULL;
}

/* What is said of A to B is what is said backward of B and A. */
static void compare_mirror(struct report *report, const struct report *mirror)
{
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		const struct finding *one, *other;
		size_t i = 0, k = 0;

		do {
			one = next_finding(report, d, &i);
			other = next_finding(mirror, !d, &k);
			if (!one != !other || (one && strcmp(one->gist, other->gist) != 0) ||
			    (one && strcmp(one->text, other->text) != 0))
				complain(report, "found: %s: %s\nwith both exchanged: %s: %s",
					 one ? one->gist : "nothing", one ? one->text : "",
					 other ? other->gist : "nothing", other ? other->text : "");
		} while (one && other);
		if (report->device.directions[d].verdict != mirror->device.directions[!d].verdict)
			complain(report, "other verdicts with both exchanged");
	}
}

static void set_types(struct report *report, const struct export *before,
		      const struct export *after)
{
	report->type_before = before->description ? before->type : NULL;
	report->type_after = after->description ? after->type : NULL;
}

static const char *take_complaints(struct report *report)
{
	const char *text = report->complaints.size ? pool_take(report->complaints.size + 1) : NULL;

	if (text)
		memcpy((char *)text, report->complaints.data, report->complaints.size);
	gs_text_deinit(&report->complaints);
	return text;
}

/* The names of machines, which differ, say nothing. */
static void check_both(struct report *report, struct report *mirror, const struct export *before,
		       const struct export *after)
{
	GS_CLEANUP(gs_devstate_destroy) struct gs_devstate *a = parse(report, before, "one");
	GS_CLEANUP(gs_devstate_destroy) struct gs_devstate *b = parse(report, after, "another");

	if (!a || !b)
		return;
	run(report, a, b);
	run(mirror, b, a);
}

struct comparison compare(const struct export *before, const struct export *after, bool simple)
{
	static struct report report, mirror;
	struct export a = export_copy(before), b = export_copy(after);
	struct truth truths[GS_CHECK_DIRECTIONS] = {judge(&a, &b), judge(&b, &a)};
	struct comparison comparison = {0};

	comparison.too_many = truths[0].worlds.too_many || truths[1].worlds.too_many;
	comparison.spills = truths[0].spills || truths[1].spills;
	if (comparison.too_many)
		return comparison;
	report = mirror = (struct report){0};
	report.truths = truths;
	set_types(&report, &a, &b);
	set_types(&mirror, &b, &a);
	check_both(&report, &mirror, &a, &b);
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		compare_direction(&report, &truths[d], (enum gs_check_direction)d, &comparison);
		compare_offset(&report, &truths[d], (enum gs_check_direction)d, simple);
	}
	compare_mirror(&report, &mirror);
	gs_text_deinit(&mirror.complaints);
	comparison.disagreement = take_complaints(&report);
	return comparison;
}
