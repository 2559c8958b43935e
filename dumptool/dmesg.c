/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How records of the kernel log look. */
#include "dmesg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define CALLER_IS_CPU UINT32_C(0x80000000)
#define COLOR_TIME "\033[32m"
#define COLOR_END "\033[0m"

static const char *const level_names[] = {"emerg", "alert",  "crit", "err",
					  "warn",  "notice", "info", "debug"};
static const char *const level_colors[] = {"\033[1;31m", "\033[1;31m", "\033[1;31m", "\033[31m",
					   "\033[33m",   "",           "",           "\033[2m"};
static const char *const facility_names[] = {
	"kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
	"uucp",   "cron",   "authpriv", "ftp",    NULL,     NULL,     NULL,     NULL,
	"local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};

const char *dmesg_level_name(unsigned int level)
{
	return level_names[level & 7];
}

const char *dmesg_facility_name(unsigned int facility, char buffer[4])
{
	if (facility < sizeof(facility_names) / sizeof(*facility_names) && facility_names[facility])
		return facility_names[facility];
	snprintf(buffer, 4, "%u", facility & 0xff);
	return buffer;
}

const char *dmesg_caller_name(uint32_t caller, char buffer[DMESG_CALLER_TEXT])
{
	snprintf(buffer, DMESG_CALLER_TEXT, "%c%" PRIu32, caller & CALLER_IS_CPU ? 'C' : 'T',
		 caller & ~CALLER_IS_CPU);
	return buffer;
}

static bool wall_clock(const struct dmesg_style *style, uint64_t timestamp_ns, int64_t *ns_ret)
{
	return timestamp_ns <= INT64_MAX &&
	       !__builtin_add_overflow(style->boot_ns, (int64_t)timestamp_ns, ns_ret) &&
	       *ns_ret >= 0;
}

bool dmesg_iso_time(const struct dmesg_style *style, uint64_t timestamp_ns,
		    char buffer[DUMPTOOL_TIME_TEXT])
{
	int64_t ns;

	return wall_clock(style, timestamp_ns, &ns) &&
	       dumptool_iso_time(ns / NS_PER_S, (unsigned int)(ns % NS_PER_S), true, buffer);
}

static bool dmesg_ctime(const struct dmesg_style *style, uint64_t timestamp_ns,
			char buffer[DUMPTOOL_TIME_TEXT])
{
	time_t seconds;
	struct tm tm;
	int64_t ns;

	if (!wall_clock(style, timestamp_ns, &ns))
		return false;
	seconds = (time_t)(ns / NS_PER_S);
	return localtime_r(&seconds, &tm) &&
	       strftime(buffer, DUMPTOOL_TIME_TEXT, "[%a %b %e %H:%M:%S %Y]", &tm);
}

/* What the wall clock cannot show, as no year has it, is shown in seconds. */
static void put_time(struct gs_text *t, const struct dmesg_style *style, uint64_t timestamp_ns)
{
	char buffer[DUMPTOOL_TIME_TEXT];

	if ((style->time == DMESG_ISO && dmesg_iso_time(style, timestamp_ns, buffer)) ||
	    (style->time == DMESG_CTIME && dmesg_ctime(style, timestamp_ns, buffer)))
		gs_text_puts(t, buffer);
	else
		gs_text_printf(t, "[%5" PRIu64 ".%06" PRIu64 "]", timestamp_ns / NS_PER_S,
			       timestamp_ns % NS_PER_S / 1000);
}

static void put_prefix(struct gs_text *t, const struct dmesg_style *style,
		       const struct gs_log_record *record)
{
	char caller[DMESG_CALLER_TEXT], facility[4];
	bool with_caller = style->caller && record->has_caller;

	if (style->raw)
		gs_text_printf(t, "<%u>", record->facility << 3 | record->level);
	if (style->decode)
		gs_text_printf(t, "%-6s:%-6s: ", dmesg_facility_name(record->facility, facility),
			       dmesg_level_name(record->level));
	if (record->has_timestamp)
		put_time(t, style, record->timestamp_ns);
	if (with_caller)
		gs_text_printf(t, "[%6s]", dmesg_caller_name(record->caller, caller));
	if (record->has_timestamp || with_caller)
		gs_text_puts(t, " ");
}

/* By ASCII alone, whatever the locale: the output of one dump is the same everywhere. */
static bool is_shown(const struct dmesg_style *style, unsigned char c)
{
	if (c >= 0x20 && c < 0x7f)
		return true;
	return c == '\t' || (!style->terminal && c >= '\v' && c <= '\r');
}

static void put_line(struct gs_text *t, const struct dmesg_style *style, const char *line,
		     size_t size)
{
	size_t start = 0;

	for (size_t i = 0; i < size; i++) {
		if (is_shown(style, (unsigned char)line[i]))
			continue;
		gs_text_append(t, line + start, i - start);
		gs_text_printf(t, "\\x%02x", (unsigned char)line[i]);
		start = i + 1;
	}
	gs_text_append(t, line + start, size - start);
}

static void put_lead(struct gs_text *t, const struct dmesg_style *style,
		     const struct gs_text *prefix, bool first)
{
	if (!first && !style->raw)
		gs_text_printf(t, "%*s", (int)prefix->size, "");
	else if (prefix->size && style->color)
		gs_text_printf(t, COLOR_TIME "%s" COLOR_END, prefix->data);
	else if (prefix->size)
		gs_text_append(t, prefix->data, prefix->size);
}

void dmesg_format(struct gs_text *t, const struct dmesg_style *style,
		  const struct gs_log_record *record)
{
	const char *color = style->color ? level_colors[record->level & 7] : "";
	const char *line = record->text, *end = line + record->text_size, *next;
	gs_autotext struct gs_text prefix = {0};

	put_prefix(&prefix, style, record);
	t->failed = t->failed || prefix.failed;
	for (; line; line = next) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		next = stop ? stop + 1 : NULL;
		put_lead(t, style, &prefix, line == record->text);
		gs_text_puts(t, color);
		put_line(t, style, line, (size_t)((stop ? stop : end) - line));
		gs_text_puts(t, *color ? COLOR_END "\n" : "\n");
	}
}
