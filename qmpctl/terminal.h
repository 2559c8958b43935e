/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own terminal, handed to a guest for a while. */
#ifndef QMPCTL_TERMINAL_H
#define QMPCTL_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

/* {.fd = -1} does nothing. */
struct terminal {
	int fd;
	bool is_raw;
	struct termios before;
};
/* Keys go through as they are, and are not echoed. Without a terminal at fd nothing happens. */
void terminal_make_raw(struct terminal *terminal);
void terminal_restore(struct terminal *terminal);

#define auto_terminal __attribute__((cleanup(terminal_restore)))

#endif
