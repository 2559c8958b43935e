/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XML of a domain: what is taken from it, written down as the least XML that says the same, is
 * taken from that again; and the types of devices that it asks for are such.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/device_types.h>
#include <guestscope/qmp/libvirt.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 65536

static void put_escaped(struct gs_text *xml, const char *text)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || strchr("&<>'", *c))
			gs_text_printf(xml, "&#%d;", *c);
		else
			gs_text_append(xml, c, 1);
	}
}

static void put_attribute(struct gs_text *xml, const char *name, const char *value)
{
	if (!value)
		return;
	gs_text_printf(xml, " %s='", name);
	put_escaped(xml, value);
	gs_text_puts(xml, "'");
}

static void put_volume(struct gs_text *xml, const char *source)
{
	gs_autofree char *pool = source ? strndup(source, strcspn(source, "/")) : NULL;

	assert(!source || strchr(source, '/'));
	put_attribute(xml, "pool", pool);
	put_attribute(xml, "volume", source ? strchr(source, '/') + 1 : NULL);
}

static void put_source(struct gs_text *xml, const struct gs_domain_disk *disk)
{
	static const char *const where[][2] = {
		{"file", "file"},      {"block", "dev"},     {"dir", "dir"},
		{"vhostuser", "path"}, {"vhostvdpa", "dev"},
	};
	bool known = strcmp(disk->type, "volume") == 0;

	if (!disk->source && !disk->protocol)
		return;
	gs_text_puts(xml, "<source");
	put_attribute(xml, "protocol", disk->protocol);
	if (known)
		put_volume(xml, disk->source);
	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++) {
		if (strcmp(disk->type, where[i][0]) == 0) {
			put_attribute(xml, where[i][1], disk->source);
			known = true;
		}
	}
	if (!known) /* of the network, or of a type that nobody knows */
		put_attribute(xml, "name", disk->source);
	gs_text_puts(xml, "/>");
}

static void put_element(struct gs_text *xml, const char *name, const char *attribute,
			const char *value)
{
	gs_text_printf(xml, "<%s", name);
	put_attribute(xml, attribute, value);
	gs_text_puts(xml, "/>");
}

static void put_disk(struct gs_text *xml, const struct gs_domain_disk *disk)
{
	gs_text_puts(xml, "<disk");
	put_attribute(xml, "type", disk->type);
	put_attribute(xml, "device", disk->device);
	gs_text_puts(xml, ">");
	put_source(xml, disk);
	put_element(xml, "target", "dev", disk->target);
	put_element(xml, "driver", "type", disk->format);
	put_element(xml, "alias", "name", disk->alias);
	if (disk->readonly)
		gs_text_puts(xml, "<readonly/>");
	gs_text_puts(xml, "</disk>");
}

static void put_domain(struct gs_text *xml, const struct gs_domain_info *info)
{
	gs_text_puts(xml, "<domain><name>");
	put_escaped(xml, info->domain.name);
	gs_text_puts(xml, "</name><uuid>");
	put_escaped(xml, info->domain.uuid);
	gs_text_puts(xml, "</uuid><devices>");
	for (size_t i = 0; i < info->disk_count; i++)
		put_disk(xml, &info->disks[i]);
	gs_text_puts(xml, "</devices></domain>");
}

/* Sorted, each once; types, or XML that stands for one. */
static void check_types(const char *xml, size_t size)
{
	struct gs_device_types types = {0};
	gs_autoerror struct gs_error *err = gs_device_types_parse_domain(xml, size, &types);

	assert(!err || err->code == GS_ERROR_CORRUPT || err->code == GS_ERROR_INVALID);
	for (size_t i = 0; i < types.count; i++) {
		const char *name = types.names[i];

		assert(*name == '<' || gs_device_types_is_name(name, strlen(name)));
		assert(i == 0 || strcmp(types.names[i - 1], name) < 0);
	}
	gs_device_types_deinit(&types);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gs_domain_info info, again;
	gs_autotext struct gs_text xml = {0}, same = {0};
	gs_autoerror struct gs_error *err = NULL;

	if (size > INPUT_MAX)
		size = INPUT_MAX;
	check_types((const char *)data, size);
	err = gs_domain_parse((const char *)data, size, &info);
	if (err) {
		assert(err->code == GS_ERROR_CORRUPT);
		return 0;
	}
	assert(info.domain.name && info.domain.uuid && !info.xml && !info.is_local);
	put_domain(&xml, &info);
	assert(!gs_domain_parse(xml.data, xml.size, &again));
	assert(again.disk_count == info.disk_count);
	put_domain(&same, &again);
	assert(!xml.failed && !same.failed && strcmp(xml.data, same.data) == 0);
	gs_domain_info_deinit(&info);
	gs_domain_info_deinit(&again);
	return 0;
}
