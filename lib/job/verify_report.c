/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings: told one by one as long as that helps, then counted. */
#include "verify.h"

#include <string.h>

#include <guestscope/base/text.h>

static struct code_count *count_code(struct verify *v, enum gs_severity severity, const char *code)
{
	for (size_t i = 0; i < v->code_count; i++)
		if (strcmp(v->codes[i].code, code) == 0)
			return &v->codes[i];
	if (v->code_count == CODES_MAX)
		return NULL;
	v->codes[v->code_count] = (struct code_count){.code = code, .severity = severity};
	return &v->codes[v->code_count++];
}

static void tell(struct verify *v, enum gs_severity severity, const char *code, uint64_t off,
		 const char *text)
{
	struct gs_finding finding = {.severity = severity,
				     .code = code,
				     .has_offset = off != NO_OFFSET,
				     .offset = off == NO_OFFSET ? 0 : off,
				     .text = text};

	if (v->options->finding)
		v->options->finding(v->options->arg, &finding);
}

void gs_verify_find(struct verify *v, enum gs_severity severity, const char *code, uint64_t off,
		    const char *fmt, ...)
{
	struct code_count *count = count_code(v, severity, code);
	gs_autotext struct gs_text text = {0};
	va_list ap;

	if (severity == GS_SEVERITY_ERROR)
		v->result->errors++;
	else if (severity == GS_SEVERITY_WARNING)
		v->result->warnings++;
	if (count && count->count++ >= PER_CODE_MAX)
		return;
	if (v->part)
		gs_text_printf(&text, "%s: ", v->part);
	va_start(ap, fmt);
	gs_text_vprintf(&text, fmt, ap);
	va_end(ap);
	tell(v, severity, code, off, text.failed ? fmt : text.data);
}

void gs_verify_close(struct verify *v)
{
	for (size_t i = 0; i < v->code_count; i++) {
		const struct code_count *c = &v->codes[i];
		gs_autotext struct gs_text text = {0};

		if (c->count <= PER_CODE_MAX)
			continue;
		gs_text_printf(&text, "and %llu more like these",
			       (unsigned long long)(c->count - PER_CODE_MAX));
		tell(v, c->severity, c->code, NO_OFFSET, text.failed ? "and more" : text.data);
	}
}
