/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How records of the kernel log look. */
#ifndef DMESG_H
#define DMESG_H

#include <guestscope/base/text.h>
#include <guestscope/linux.h>

#include "dumptool.h"

enum dmesg_time { DMESG_SECONDS, DMESG_CTIME, DMESG_ISO };

struct dmesg_style {
	enum dmesg_time time;
	int64_t boot_ns; /* for CTIME and ISO: since 1970 */
	bool raw;        /* "<6>" in front of each line */
	bool decode;     /* "kern  :info  : " in front */
	bool caller;     /* "[    T1]" behind the time */
	bool color;
	bool terminal; /* white space that moves the cursor is escaped, too */
};

const char *dmesg_level_name(unsigned int level); /* 0 to 7: "emerg" */
/* "kern"; a number in @buffer if there is no name. */
const char *dmesg_facility_name(unsigned int facility, char buffer[4]);
/* "T123", "C0" */
#define DMESG_CALLER_TEXT 12
const char *dmesg_caller_name(uint32_t caller, char buffer[DMESG_CALLER_TEXT]);
/* The wall clock at that moment; false: no year has it. */
bool dmesg_iso_time(const struct dmesg_style *style, uint64_t timestamp_ns,
		    char buffer[DUMPTOOL_TIME_TEXT]);

/*
 * Append the record, with a newline: byte for byte as makedumpfile --dump-dmesg has it, if @style
 * asks for nothing. Bytes that do not print become \xNN.
 */
void dmesg_format(struct gs_text *t, const struct dmesg_style *style,
		  const struct gs_log_record *record);

#endif
