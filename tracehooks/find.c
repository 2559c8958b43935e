/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds by what the user calls them. */
#include <stdlib.h>

#include <guestscope/base/text.h>

#include "tracehooks.h"

char *hold_dir(void)
{
	return gs_hold_dir(getenv("XDG_RUNTIME_DIR"));
}

static struct gs_error *not_held(const struct gs_hold_list *list, const char *word)
{
	gs_autotext struct gs_text text = {0};

	for (size_t i = 0; i < list->count; i++)
		gs_text_printf(&text, "%s%d", i ? ", " : "", (int)list->records[i].id.pid);
	return gs_error_create(GS_ERROR_NODATA, "%s is not held: %s%s", word,
			       list->count ? "what is held is " : "nothing is",
			       text.size ? text.data : "");
}

struct gs_error *find_hold(const struct gs_hold_list *list, const char *word,
			   const struct gs_hold_record **ret)
{
	uint64_t id;
	struct gs_error *err = gs_parse_u64(word, &id);

	if (err)
		return gs_error_wrap(err, "ID");
	for (size_t i = 0; i < list->count; i++) {
		*ret = &list->records[i];
		if ((uint64_t)(*ret)->id.pid == id)
			return NULL;
	}
	return not_held(list, word);
}
