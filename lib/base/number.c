/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, sizes and durations to and from text. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <guestscope/base/text.h>

enum scan { SCAN_OK, SCAN_NONE, SCAN_TOO_LARGE };

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The digits that @*text begins with. */
static enum scan scan_digits(const char **text, unsigned int base, uint64_t *ret)
{
	const char *c = *text;
	bool too_large = false;
	uint64_t v = 0;
	int digit;

	for (; (digit = digit_value(*c)) >= 0 && digit < (int)base; c++) {
		too_large |= __builtin_mul_overflow(v, base, &v);
		too_large |= __builtin_add_overflow(v, (unsigned int)digit, &v);
	}
	if (c == *text)
		return SCAN_NONE;
	*text = c;
	*ret = v;
	return too_large ? SCAN_TOO_LARGE : SCAN_OK;
}

/* Decimal or 0x hex; @*text is left behind it. */
static enum scan scan_u64(const char **text, uint64_t *ret)
{
	const char *hex = *text + 2;
	enum scan scan;

	if (strncasecmp(*text, "0x", 2) != 0)
		return scan_digits(text, 10, ret);
	scan = scan_digits(&hex, 16, ret);
	if (scan != SCAN_NONE)
		*text = hex;
	return scan;
}

static struct gs_error *malformed(const char *kind, const char *text)
{
	return gs_error_create(GS_ERROR_INVALID, "\"%s\" is not a %s", text, kind);
}

static struct gs_error *too_large(const char *kind, const char *text)
{
	return gs_error_create(GS_ERROR_INVALID, "%s \"%s\" is too large", kind, text);
}

struct gs_error *gs_parse_u64(const char *text, uint64_t *ret)
{
	const char *rest = text;
	uint64_t v = 0;
	enum scan scan = scan_u64(&rest, &v);

	if (scan == SCAN_NONE || *rest)
		return malformed("number", text);
	if (scan == SCAN_TOO_LARGE)
		return too_large("number", text);
	*ret = v;
	return NULL;
}

/* log2 of what a size's suffix multiplies by, or -1. */
static int size_suffix_shift(const char *suffix)
{
	static const char letters[] = "KMGT";
	const char *letter;

	if (!*suffix || strcasecmp(suffix, "B") == 0)
		return 0;
	letter = strchr(letters, *suffix & ~0x20);
	if (!letter)
		return -1;
	suffix++;
	if (*suffix && strcasecmp(suffix, "B") != 0 && strcasecmp(suffix, "iB") != 0)
		return -1;
	return (int)(letter - letters + 1) * 10;
}

struct gs_error *gs_parse_size(const char *text, uint64_t *bytes_ret)
{
	const char *rest = text;
	uint64_t v = 0;
	enum scan scan = scan_u64(&rest, &v);
	int shift = scan == SCAN_NONE ? -1 : size_suffix_shift(rest);

	if (shift < 0)
		return malformed("size", text);
	if (scan == SCAN_TOO_LARGE || v > UINT64_MAX >> shift)
		return too_large("size", text);
	*bytes_ret = v << shift;
	return NULL;
}

/* Milliseconds of a duration's unit, or 0. */
static uint64_t duration_unit_ms(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) == 0)
			return units[i].ms;
	}
	return 0;
}

/* ".25" as 25 / 100. False unless there are 1 to 9 digits. */
static bool scan_fraction(const char **text, uint64_t *numerator_ret, uint64_t *denominator_ret)
{
	const char *digits = *text + 1;

	*text = digits;
	*denominator_ret = 1;
	if (scan_digits(text, 10, numerator_ret) != SCAN_OK || *text - digits > 9)
		return false;
	for (; digits < *text; digits++)
		*denominator_ret *= 10;
	return true;
}

struct gs_error *gs_parse_duration(const char *text, uint64_t *ms_ret)
{
	uint64_t whole = 0, part = 0, parts = 1, unit_ms, ms;
	const char *rest = text;
	enum scan scan = scan_digits(&rest, 10, &whole);

	if (scan == SCAN_NONE || (*rest == '.' && !scan_fraction(&rest, &part, &parts)))
		return malformed("duration", text);
	unit_ms = duration_unit_ms(rest);
	if (!unit_ms)
		return malformed("duration", text);
	/* Rounded up, so that a short timeout does not become none at all. */
	part = (part * unit_ms + parts - 1) / parts;
	if (scan == SCAN_TOO_LARGE || __builtin_mul_overflow(whole, unit_ms, &ms) ||
	    __builtin_add_overflow(ms, part, &ms))
		return too_large("duration", text);
	*ms_ret = ms;
	return NULL;
}

/* Nanoseconds of a unit, or 0. */
static uint64_t time_unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) == 0)
			return units[i].ns;
	}
	return 0;
}

struct gs_error *gs_parse_time_ns(const char *text, uint64_t *ns_ret)
{
	uint64_t whole = 0, part = 0, parts = 1, unit_ns, ns;
	const char *rest = text;
	enum scan scan = scan_digits(&rest, 10, &whole);

	if (scan == SCAN_NONE || (*rest == '.' && !scan_fraction(&rest, &part, &parts)))
		return malformed("time", text);
	unit_ns = time_unit_ns(rest);
	if (!unit_ns)
		return gs_error_create(GS_ERROR_INVALID,
				       "\"%s\" is not a time with a unit: ns, us, ms or s", text);
	if (scan == SCAN_TOO_LARGE || __builtin_mul_overflow(whole, unit_ns, &ns) ||
	    __builtin_add_overflow(ns, part * unit_ns / parts, &ns))
		return too_large("time", text);
	*ns_ret = ns;
	return NULL;
}

char *gs_format_time_ns(uint64_t ns, char buf[GS_TIME_TEXT])
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1e3, "us"}, {1e6, "ms"}, {1e9, "s"}, {60e9, "min"}, {3600e9, "h"}};
	size_t unit = 0;
	double v;

	if (ns < 1000) {
		snprintf(buf, GS_TIME_TEXT, "%u ns", (unsigned int)ns);
		return buf;
	}
	while (unit < 4 && (double)ns >= units[unit + 1].ns)
		unit++;
	v = (double)ns / units[unit].ns;
	snprintf(buf, GS_TIME_TEXT, "%.*f %s", v < 10 ? 2 : v < 100 ? 1 : 0, v, units[unit].name);
	return buf;
}

char *gs_format_size(uint64_t bytes, char buf[GS_SIZE_TEXT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned int unit = 0;
	uint64_t tenths = bytes;

	if (bytes < 1024) {
		snprintf(buf, GS_SIZE_TEXT, "%u B", (unsigned int)bytes);
		return buf;
	}
	do {
		uint64_t one = UINT64_C(1) << (10 * ++unit);

		tenths = bytes / one * 10 + (bytes % one * 10 + one / 2) / one;
	} while (tenths >= 10240 && unit < 6);
	if (tenths % 10)
		snprintf(buf, GS_SIZE_TEXT, "%u.%u %s", (unsigned int)(tenths / 10),
			 (unsigned int)(tenths % 10), units[unit]);
	else
		snprintf(buf, GS_SIZE_TEXT, "%u %s", (unsigned int)(tenths / 10), units[unit]);
	return buf;
}
