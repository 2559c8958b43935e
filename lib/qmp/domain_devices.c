/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types of devices that a domain's XML asks for: what the rules of domain_rules.c say of it. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/json.h>
#include <guestscope/base/text.h>
#include <guestscope/qmp/device_types.h>

#include "domain_parts.h"
#include "domain_rules.h"

struct mapping {
	struct gs_domain_parts parts;
	struct gs_device_types *types;
	bool *possible; /* of each rule: what it asks of other parts holds */
};

/* From the end: what is added to the document is looked for most, and stands there. */
static const struct gs_domain_part *find_part(const struct mapping *m, const char *path,
					      size_t size)
{
	for (size_t i = m->parts.count; i-- > 0;) {
		const struct gs_domain_part *part = &m->parts.items[i];

		if (strncmp(part->path, path, size) == 0 && !part->path[size])
			return part;
	}
	return NULL;
}

/* ---- types ---- */

/* @reference: "NAME", or "/PATH:NAME". The rule has seen that it is there, or nothing comes of it.
 */
static const char *value_of(const struct mapping *m, const struct gs_domain_part *part,
			    const char *reference, size_t size)
{
	const char *colon;

	if (*reference == '/') {
		colon = memchr(reference, ':', size);
		part = find_part(m, reference + 1, (size_t)(colon - reference - 1));
		size -= (size_t)(colon + 1 - reference);
		reference = colon + 1;
	}
	return part ? gs_domain_part_get(part, reference, size) : NULL;
}

static const char *value_named(const struct mapping *m, const struct gs_domain_part *part,
			       const char *reference)
{
	const char *value = value_of(m, part, reference, strlen(reference));

	return value ? value : "";
}

/* How a virtio device is attached: what its type ends in. NULL: to nothing that is known. */
static const char *attachment(const struct mapping *m, const struct gs_domain_part *part)
{
	const char *model = value_named(m, part, "@model");
	const char *bus = value_named(m, part, "address/@type");

	if (!*model)
		model = value_named(m, part, "model/@type");
	if (!*bus)
		bus = value_named(m, part, "/machine:@bus");
	if (strcmp(bus, "ccw") == 0 || strcmp(bus, "virtio-mmio") == 0)
		return bus;
	if (strcmp(bus, "pci") != 0)
		return NULL;
	if (strcmp(model, "virtio-transitional") == 0)
		return "pci-transitional";
	return strcmp(model, "virtio-non-transitional") == 0 ? "pci-non-transitional" : "pci";
}

/* What stands in a type for "%" or "{...}", which *size_ret of its bytes are. */
static const char *value_in_type(const struct mapping *m, const struct gs_domain_part *part,
				 const char *pattern, size_t *size_ret)
{
	if (*pattern == '%') {
		*size_ret = 1;
		return attachment(m, part);
	}
	*size_ret = strcspn(pattern, "}") + 1;
	return value_of(m, part, pattern + 1, *size_ret - 2);
}

/* One of a rule's types, with values in it; none of it, if one of them is not known. */
static void expand(const struct mapping *m, const struct gs_domain_part *part, const char *pattern,
		   const char *end, struct gs_text *ret)
{
	size_t size;

	for (; pattern < end; pattern += size) {
		const char *value;

		size = strcspn(pattern, "%{ ");
		gs_text_append(ret, pattern, size);
		if (size)
			continue;
		value = value_in_type(m, part, pattern, &size);
		if (!value || strcmp(value, "virtio-mmio") == 0)
			gs_text_clear(ret);
		if (!value)
			return;
		gs_text_puts(ret, value);
	}
}

/* ---- what no type is known for ---- */

/* Those of its facts that say what it is: "<video><model type='x'>". */
static void describe(const struct gs_domain_part *part, struct gs_text *ret)
{
	static const char *const own[] = {"@type",    "@model", "@device",  "@mode",  "@bus",
					  "@machine", "@value", "@backend", "@driver"};
	static const struct {
		const char *element, *fact;
	} inner[] = {{"model", "model/@type"},
		     {"model", "model/@name"},
		     {"target", "target/@type"},
		     {"target", "target/@bus"}};
	const char *slash = strrchr(part->path, '/'), *value;

	gs_text_printf(ret, "<%s", slash ? slash + 1 : part->path);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		value = gs_domain_part_get(part, own[i], strlen(own[i]));
		if (value)
			gs_text_printf(ret, " %s='%.64s'", own[i] + 1, value);
	}
	gs_text_puts(ret, ">");
	for (size_t i = 0; i < sizeof(inner) / sizeof(*inner); i++) {
		value = gs_domain_part_get(part, inner[i].fact, strlen(inner[i].fact));
		if (value)
			gs_text_printf(ret, "<%s %s='%.64s'>", inner[i].element,
				       strchr(inner[i].fact, '@') + 1, value);
	}
}

static struct gs_error *add_unknown(struct mapping *m, const struct gs_domain_part *part)
{
	gs_autotext struct gs_text text = {0};

	describe(part, &text);
	return text.failed ? gs_error_nomem() : gs_device_types_add(m->types, text.data);
}

/* ---- the rules on the parts ---- */

static bool is_and_more(const struct gs_domain_rule *rule)
{
	return rule->types && *rule->types == '+';
}

static struct gs_error *add_types(struct mapping *m, const struct gs_domain_rule *rule,
				  const struct gs_domain_part *part)
{
	const char *pattern = rule->types;
	struct gs_error *err = NULL;

	if (!pattern)
		return add_unknown(m, part);
	if (is_and_more(rule))
		pattern++;
	while (!err && *pattern) {
		gs_autotext struct gs_text type = {0};
		const char *end = pattern + strcspn(pattern, " ");

		expand(m, part, pattern, end, &type);
		if (type.failed)
			err = gs_error_nomem();
		else if (!gs_device_types_is_name(type.data, type.size))
			err = add_unknown(m, part);
		else
			err = gs_device_types_add(m->types, type.data);
		pattern = *end ? end + 1 : end;
	}
	return err;
}

#define BELOW_DEVICES "devices/"

static bool is_device(const struct gs_domain_part *part)
{
	return strncmp(part->path, BELOW_DEVICES, strlen(BELOW_DEVICES)) == 0;
}

static bool is_about(const struct gs_domain_rule *rule, const struct gs_domain_part *part)
{
	return strcmp(rule->path, part->path) == 0 ||
	       (strcmp(rule->path, BELOW_DEVICES) == 0 && is_device(part));
}

static struct gs_error *map_part(struct mapping *m, const struct gs_domain_part *part)
{
	bool known = !is_device(part);
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && gs_domain_rules[i].path; i++) {
		const struct gs_domain_rule *rule = &gs_domain_rules[i];

		if (!m->possible[i] || !is_about(rule, part) || !gs_domain_rule_fits(rule, part))
			continue;
		err = add_types(m, rule, part);
		if (!is_and_more(rule))
			return err;
		known |= strcmp(rule->path, BELOW_DEVICES) != 0;
	}
	if (err || known)
		return err;
	return add_unknown(m, part);
}

/* ---- parts beside the XML's ---- */

/* A part that is one element. */
static struct gs_error *add_part(struct mapping *m, const char *path)
{
	struct gs_error *err = gs_domain_parts_open(&m->parts, NULL, path);

	if (!err)
		gs_domain_parts_close(&m->parts);
	return err;
}

static struct gs_error *add_fact(struct mapping *m, const char *name, const char *value)
{
	return gs_domain_parts_attribute(&m->parts, name, value, strlen(value));
}

static const char *family_of(const char *machine)
{
	static const char *const families[][2] = {
		{"pc-q35", "q35"}, {"q35", "q35"},   {"ubuntu-q35", "q35"},       {"pc", "pc"},
		{"ubuntu", "pc"},  {"virt", "virt"}, {"s390-ccw-virtio", "s390"},
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		size_t size = strlen(families[i][0]);

		if (strncmp(machine, families[i][0], size) == 0 &&
		    (!machine[size] || machine[size] == '-'))
			return families[i][1];
	}
	return "";
}

static const char *cpu_suffix_of(const char *arch)
{
	static const char *const suffixes[][2] = {
		{"x86_64", "x86_64-cpu"}, {"i686", "i386-cpu"},   {"aarch64", "arm-cpu"},
		{"armv7l", "arm-cpu"},    {"s390x", "s390x-cpu"}, {"riscv64", "riscv-cpu"},
	};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (strcmp(arch, suffixes[i][0]) == 0)
			return suffixes[i][1];
	return NULL;
}

static struct gs_error *add_machine(struct mapping *m)
{
	/* These live on while parts are added: facts are strings of their own. */
	const char *arch = value_named(m, NULL, "/os/type:@arch");
	const char *family = family_of(value_named(m, NULL, "/os/type:@machine"));
	const char *accel = value_named(m, NULL, "/domain:@type");
	const char *cpu = cpu_suffix_of(arch);
	struct gs_error *err = add_part(m, "machine");

	if (!err)
		err = add_fact(m, "family", family);
	if (!err)
		err = add_fact(m, "arch", arch);
	if (!err)
		err = add_fact(m, "accel", accel);
	if (!err)
		err = add_fact(m, "bus", strcmp(arch, "s390x") == 0 ? "ccw" : "pci");
	if (!err && cpu)
		err = add_fact(m, "cpu", cpu);
	return err;
}

/* Of "-device": "TYPE,property=...", or an object of JSON. */
static struct gs_error *add_passed_device(struct mapping *m, const char *argument)
{
	gs_autojson struct gs_json *json = NULL;
	gs_autofree char *driver = NULL;
	struct gs_error *err = NULL;
	const char *name;

	if (*argument == '{')
		err = gs_json_parse(argument, strlen(argument), &json);
	if (err)
		return gs_error_wrap(err, "argument of -device");
	name = json ? gs_json_string(gs_json_get(json, "driver")) : argument;
	driver = strndup(name ? name : "", strcspn(name ? name : "", ","));
	if (!driver)
		return gs_error_nomem();
	if (strncmp(driver, "driver=", strlen("driver=")) == 0)
		memmove(driver, driver + strlen("driver="), strlen(driver + strlen("driver=")) + 1);
	err = add_part(m, "qemu:device");
	return err ? err : add_fact(m, "driver", driver);
}

static struct gs_error *add_passed_devices(struct mapping *m)
{
	static const char path[] = "qemu:commandline/qemu:arg";
	size_t count = m->parts.count;
	struct gs_error *err = NULL;
	bool follows = false;

	for (size_t i = 0; !err && i < count; i++) {
		const struct gs_domain_part *part = &m->parts.items[i];
		const char *value = value_named(m, part, "@value");

		if (strcmp(part->path, path) != 0)
			continue;
		if (follows)
			err = add_passed_device(m, value);
		follows = !follows && strcmp(value, "-device") == 0;
	}
	return err;
}

static struct gs_error *weigh_rules(struct mapping *m)
{
	size_t count = 0;

	while (gs_domain_rules[count].path)
		count++;
	m->possible = calloc(count, sizeof(*m->possible));
	if (!m->possible)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		m->possible[i] = gs_domain_rule_is_possible(&gs_domain_rules[i], &m->parts);
	return NULL;
}

static struct gs_error *map(struct mapping *m)
{
	struct gs_error *err = add_passed_devices(m);

	if (!err)
		err = add_machine(m);
	if (!err)
		err = weigh_rules(m);
	for (size_t i = 0; !err && i < m->parts.count; i++)
		err = map_part(m, &m->parts.items[i]);
	return err;
}

struct gs_error *gs_device_types_parse_domain(const char *xml, size_t size,
					      struct gs_device_types *types)
{
	struct mapping m = {.types = types};
	struct gs_error *err = gs_domain_parse_parts(xml, size, &m.parts);

	if (err)
		return err;
	err = map(&m);
	gs_domain_parts_deinit(&m.parts);
	free(m.possible);
	return gs_error_wrap(err, "domain XML");
}
