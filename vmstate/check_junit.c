/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check --format junit: a suite for each direction, a case for each device. */
#include "check.h"
#include "xml.h"

struct totals {
	size_t tests, failures, skipped;
};

static bool is_failed(const struct check *c, const struct check_device *device, int d)
{
	return device->left[d] >= c->options->fail_on;
}

static bool is_machine_failed(const struct check *c)
{
	return check_lacks_machine(c) && c->options->fail_on < GS_VERDICT_COUNT;
}

/* It would fail, if nothing of it was waived. */
static bool is_skipped(const struct check *c, const struct check_device *device, int d)
{
	return device->waived[d] && !is_failed(c, device, d) &&
	       device->is.directions[d].verdict >= c->options->fail_on;
}

static struct totals count(const struct check *c, int d)
{
	struct totals totals = {.tests = c->device_count};

	if (c->machine) {
		totals.tests++;
		totals.failures += is_machine_failed(c);
	}
	for (size_t i = 0; i < c->device_count; i++) {
		totals.failures += is_failed(c, &c->devices[i], d);
		totals.skipped += is_skipped(c, &c->devices[i], d);
	}
	return totals;
}

static void put_totals(struct xml *xml, const struct totals *totals)
{
	xml_number(xml, "tests", totals->tests);
	xml_number(xml, "failures", totals->failures);
	xml_number(xml, "errors", 0);
	xml_number(xml, "skipped", totals->skipped);
}

/* ---- findings ---- */

static void put_finding(struct gs_text *out, const struct check_finding *finding)
{
	gs_text_printf(out, "%s ", gs_verdict_name(finding->is.verdict));
	gs_text_puts(out, finding->is.id);
	gs_text_puts(out, ": ");
	put_whole_sentence(out, finding, &finding->is.condition);
	if (!finding->waiver)
		return;
	gs_text_printf(out, " Waived until %s: ", finding->waiver->expires);
	gs_text_puts(out, finding->waiver->reason);
}

static void put_findings(struct xml *xml, const struct check *c, const struct check_device *device,
			 int d)
{
	for (size_t i = device->first; i < device->first + device->count; i++) {
		gs_autotext struct gs_text line = {0};

		if ((int)c->findings[i].is.direction != d)
			continue;
		put_finding(&line, &c->findings[i]);
		xml_line(xml, &line);
	}
}

static bool has_findings(const struct check *c, const struct check_device *device, int d)
{
	for (size_t i = device->first; i < device->first + device->count; i++) {
		if ((int)c->findings[i].is.direction == d)
			return true;
	}
	return false;
}

/* ---- cases ---- */

/* What it comes to, all together. */
static void put_message(struct xml *xml, const struct check_device *device, int d)
{
	gs_autotext struct gs_text text = {0};

	gs_text_puts(&text, gs_verdict_name(device->is.directions[d].verdict));
	gs_text_puts(&text, device->is.directions[d].condition.count ? "." : "");
	put_broken_if(&text, &device->is.directions[d].condition);
	xml_attribute(xml, "message", text.data ? text.data : "");
}

static void put_case(struct xml *xml, const struct check *c, const struct check_device *device,
		     int d)
{
	const char *outcome = "system-out";

	xml_begin(xml, "testcase");
	xml_attribute(xml, "classname", gs_check_direction_name((enum gs_check_direction)d));
	xml_attribute(xml, "name", device->name);
	if (is_failed(c, device, d))
		outcome = "failure";
	else if (is_skipped(c, device, d))
		outcome = "skipped";
	if (*outcome != 's' || has_findings(c, device, d)) {
		xml_begin(xml, outcome);
		if (is_failed(c, device, d))
			xml_attribute(xml, "type",
				      gs_verdict_name(device->is.directions[d].verdict));
		if (is_failed(c, device, d) || is_skipped(c, device, d))
			put_message(xml, device, d);
		put_findings(xml, c, device, d);
		xml_end(xml);
	}
	xml_end(xml);
}

/* Whether both have the machine. */
static void put_machine_case(struct xml *xml, const struct check *c, int d)
{
	gs_autotext struct gs_text text = {0};

	put_machine(&text, c->machine);
	xml_begin(xml, "testcase");
	xml_attribute(xml, "classname", gs_check_direction_name((enum gs_check_direction)d));
	xml_attribute(xml, "name", c->machine->name);
	xml_begin(xml, is_machine_failed(c) ? "failure" : "system-out");
	xml_line(xml, &text);
	xml_end(xml);
	xml_end(xml);
}

static void put_suite(struct xml *xml, const struct check *c, int d)
{
	const char *saver = d == GS_CHECK_FORWARD ? c->before->name : c->after->name;
	const char *loader = d == GS_CHECK_FORWARD ? c->after->name : c->before->name;
	gs_autofree char *name = gs_strf("%s to %s", saver, loader);
	struct totals totals = count(c, d);

	xml_begin(xml, "testsuite");
	xml_attribute(xml, "name", name ? name : "");
	put_totals(xml, &totals);
	if (c->machine)
		put_machine_case(xml, c, d);
	for (size_t i = 0; i < c->device_count; i++)
		put_case(xml, c, &c->devices[i], d);
	xml_end(xml);
}

int check_as_junit(const struct check *c)
{
	gs_autotext struct gs_text text = {0};
	struct xml xml = {.out = &text};
	struct totals all = {0};

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		struct totals totals = count(c, d);

		if (!c->options->directions[d])
			continue;
		all.tests += totals.tests;
		all.failures += totals.failures;
		all.skipped += totals.skipped;
	}
	xml_begin(&xml, "testsuites");
	xml_attribute(&xml, "name", "vmstate check");
	put_totals(&xml, &all);
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (c->options->directions[d])
			put_suite(&xml, c, d);
	}
	xml_end(&xml);
	return check_print(c, text.failed ? NULL : text.data);
}
