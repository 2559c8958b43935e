/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that only boards without versions have: nobody promises that they migrate. */
#include <string.h>

#include <guestscope/devstate/check.h>

bool gs_devstate_is_unversioned(const char *type)
{
	/* Types begin with: the family, and what separates it from others of a like name. */
	static const char *const families[] = {
		"aspeed",
		"npcm7xx",
		"npcm8xx",
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		if (strncmp(type, families[i], strlen(families[i])) == 0)
			return true;
	}
	return false;
}
