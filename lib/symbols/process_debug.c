/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Separate debug files: by build-id, and by the name in .gnu_debuglink.
 */
#include "process.h"

int gs_process_find_debug(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  const char *path, const char *link, GElf_Word crc, char **path_ret)
{
	/* By build-id alone: the standard callback would ask debuginfod servers, too. */
	return dwfl_build_id_find_debuginfo(module, userdata, name, base, path, link, crc,
					    path_ret);
}
