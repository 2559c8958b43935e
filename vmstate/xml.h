/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XML: elements that are begun and ended, one a line. What they hold is escaped. */
#ifndef VMSTATE_XML_H
#define VMSTATE_XML_H

#include <guestscope/base/text.h>

#define XML_DEPTH_MAX 8

struct xml {
	struct gs_text *out;
	const char *open[XML_DEPTH_MAX]; /* names of elements; borrowed */
	unsigned int depth;
	bool in_tag; /* attributes may follow */
};

void xml_begin(struct xml *xml, const char *name);
/* Of the element that was begun last, before what is in it. */
void xml_attribute(struct xml *xml, const char *name, const char *value);
void xml_number(struct xml *xml, const char *name, size_t value);
/* A line of text in the element. */
void xml_line(struct xml *xml, const struct gs_text *text);
/* The innermost element. */
void xml_end(struct xml *xml);

#endif
