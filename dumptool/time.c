/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times of the wall clock. */
#include <stdio.h>
#include <time.h>

#include "dumptool.h"

/* The time zone is "+0100" to strftime(), and "+01:00" to ISO. */
bool dumptool_iso_time(int64_t seconds, unsigned int ns, bool fraction,
		       char buffer[DUMPTOOL_TIME_TEXT])
{
	char date[32], zone[8], micros[16] = "";
	time_t at = (time_t)seconds;
	struct tm tm;

	if (seconds < 0 || !localtime_r(&at, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    strftime(zone, sizeof(zone), "%z", &tm) != 5)
		return false;
	if (fraction)
		snprintf(micros, sizeof(micros), ",%06u", ns / 1000);
	snprintf(buffer, DUMPTOOL_TIME_TEXT, "%s%s%.3s:%s", date, micros, zone, zone + 3);
	return true;
}
