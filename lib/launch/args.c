/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the user's own QEMU arguments: what they bring, ours must not bring again. */
#include <string.h>

#include "internal.h"

/* An option of QEMU, and the item of its value that matters; an item NULL: the option itself. */
struct brought {
	const char *option;
	const char *item;
	unsigned int brings;
};

static const struct brought brought[] = {
	{"numa", NULL, GS_LAUNCH_BRINGS_RAM},
	{"mem-path", NULL, GS_LAUNCH_BRINGS_RAM},
	{"object", "memory-backend-", GS_LAUNCH_BRINGS_RAM},
	{"object", "qom-type=memory-backend-", GS_LAUNCH_BRINGS_RAM},
	{"object", "{", GS_LAUNCH_BRINGS_RAM}, /* JSON: not looked into */
	{"machine", "memory-backend=", GS_LAUNCH_BRINGS_RAM},
	{"m", "size=", GS_LAUNCH_BRINGS_RAM},
	{"accel", NULL, GS_LAUNCH_BRINGS_ACCEL},
	{"enable-kvm", NULL, GS_LAUNCH_BRINGS_ACCEL},
	{"machine", "accel=", GS_LAUNCH_BRINGS_ACCEL},
	{"serial", NULL, GS_LAUNCH_BRINGS_SERIAL},
	{"device", "vmcoreinfo", GS_LAUNCH_BRINGS_VMCOREINFO},
	{"device", "driver=vmcoreinfo", GS_LAUNCH_BRINGS_VMCOREINFO},
	{"daemonize", NULL, GS_LAUNCH_BRINGS_DAEMONIZE},
};

/* Whether a comma separated item of @value begins with @prefix. */
static bool has_item(const char *value, const char *prefix)
{
	const char *item = value;

	while (item) {
		if (strncmp(item, prefix, strlen(prefix)) == 0)
			return true;
		item = strchr(item, ',');
		if (item)
			item++;
	}
	return false;
}

/* Whether the first item of @value is a bare word: "-m 2G" means size=2G, "-M q35" type=q35. */
static bool begins_bare(const char *value)
{
	size_t item = strcspn(value, ",");

	return item > 0 && !memchr(value, '=', item);
}

static unsigned int scan_one(const char *option, const char *value)
{
	unsigned int mask = 0;

	for (size_t i = 0; i < sizeof(brought) / sizeof(brought[0]); i++) {
		if (strcmp(option, brought[i].option) == 0 &&
		    (!brought[i].item || has_item(value, brought[i].item)))
			mask |= brought[i].brings;
	}
	if (strcmp(option, "m") == 0 && begins_bare(value))
		mask |= GS_LAUNCH_BRINGS_RAM;
	if (strcmp(option, "machine") == 0 && (begins_bare(value) || has_item(value, "type=")))
		mask |= GS_LAUNCH_BRINGS_MACHINE;
	return mask;
}

unsigned int gs_launch_scan(const char *const *extra)
{
	unsigned int mask = 0;

	for (; extra && *extra; extra++) {
		const char *option = *extra;

		if (option[0] != '-')
			continue;
		option += option[1] == '-' ? 2 : 1;
		if (strcmp(option, "M") == 0)
			option = "machine";
		mask |= scan_one(option, extra[1] ? extra[1] : "");
	}
	return mask;
}
