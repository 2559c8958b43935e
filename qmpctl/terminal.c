/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw mode, and back. */
#include "terminal.h"

void terminal_make_raw(struct terminal *t)
{
	struct termios raw;

	if (t->is_raw || tcgetattr(t->fd, &t->before) < 0)
		return;
	raw = t->before;
	cfmakeraw(&raw);
	t->is_raw = tcsetattr(t->fd, TCSADRAIN, &raw) == 0;
}

void terminal_restore(struct terminal *t)
{
	if (t->is_raw)
		tcsetattr(t->fd, TCSADRAIN, &t->before);
	t->is_raw = false;
}
