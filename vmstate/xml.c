/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XML, written. */
#include "xml.h"

#define INDENT 2

/* What was begun has no more attributes. */
static void end_tag(struct xml *xml)
{
	if (xml->in_tag)
		gs_text_puts(xml->out, ">\n");
	xml->in_tag = false;
}

void xml_begin(struct xml *xml, const char *name)
{
	if (xml->depth == XML_DEPTH_MAX) {
		xml->out->failed = true;
		return;
	}
	if (!xml->depth)
		gs_text_puts(xml->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	end_tag(xml);
	gs_text_printf(xml->out, "%*s<%s", (int)xml->depth * INDENT, "", name);
	xml->open[xml->depth++] = name;
	xml->in_tag = true;
}

void xml_attribute(struct xml *xml, const char *name, const char *value)
{
	gs_text_printf(xml->out, " %s=\"", name);
	gs_text_puts_markup(xml->out, value);
	gs_text_puts(xml->out, "\"");
}

void xml_number(struct xml *xml, const char *name, size_t value)
{
	gs_text_printf(xml->out, " %s=\"%zu\"", name, value);
}

void xml_line(struct xml *xml, const struct gs_text *text)
{
	end_tag(xml);
	gs_text_puts_markup(xml->out, text->data ? text->data : "");
	gs_text_puts(xml->out, "\n");
	xml->out->failed |= text->failed;
}

void xml_end(struct xml *xml)
{
	const char *name = xml->open[--xml->depth];

	if (xml->in_tag)
		gs_text_puts(xml->out, "/>\n");
	else
		gs_text_printf(xml->out, "%*s</%s>\n", (int)xml->depth * INDENT, "", name);
	xml->in_tag = false;
}
