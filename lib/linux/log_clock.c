/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the guest was booted, by what its log says: once in a boot the kernel sets its clock from
 * the RTC, and tells so with the seconds since 1970 in parentheses (drivers/rtc/class.c). The clock
 * then is half a second past that, as the RTC was read somewhere within the second.
 */
#include <guestscope/linux.h>

#include <stdlib.h>
#include <string.h>

#define CLOCK_WORDS ": setting system clock to "
#define NS_PER_S INT64_C(1000000000)
#define SECONDS_MAX (INT64_C(1) << 33) /* about the year 2242 */
#define LINE_MAX_BYTES 160

struct clock {
	bool found;
	int64_t boot_ns;
};

/* Only the kernel's own words count: anybody in the guest may write into its log. */
static struct gs_error *look_at(void *arg, const struct gs_log_record *record)
{
	struct clock *clock = arg;
	char line[LINE_MAX_BYTES], *seconds, *end;
	long long value;

	if (record->facility || !record->has_timestamp || record->text_size >= sizeof(line))
		return NULL;
	memcpy(line, record->text, record->text_size);
	line[record->text_size] = '\0';
	seconds = strstr(line, CLOCK_WORDS) ? strrchr(line, '(') : NULL;
	if (!seconds)
		return NULL;
	value = strtoll(seconds + 1, &end, 10);
	if (*end != ')' || value <= 0 || value > SECONDS_MAX ||
	    record->timestamp_ns > (uint64_t)value * (uint64_t)NS_PER_S)
		return NULL;
	clock->boot_ns = value * NS_PER_S + NS_PER_S / 2 - (int64_t)record->timestamp_ns;
	clock->found = true;
	return NULL;
}

struct gs_error *gs_linux_boot_time(struct gs_linux *l, int64_t *ns_ret)
{
	struct clock clock = {0};
	struct gs_error *err = gs_linux_log(l, look_at, &clock, NULL);

	if (err)
		return err;
	if (!clock.found)
		return gs_error_create(GS_ERROR_NODATA,
				       "the kernel log does not say when the clock was set");
	*ns_ret = clock.boot_ns;
	return NULL;
}
