/* SPDX-License-Identifier: GPL-2.0-or-later */
/* While we are attached to a guest's serial line. */
#ifndef QMPCTL_ATTACHED_H
#define QMPCTL_ATTACHED_H

#include <guestscope/base/text.h>

#include "qmpctl.h"
#include "terminal.h"

#define ESCAPE_NONE (-1)

enum attached_end {
	ATTACHED_GOES_ON,
	ATTACHED_ESCAPED, /* the user has enough, or what was expected has come */
	ATTACHED_CLOSED,  /* the guest ended, or its QEMU closed the line */
	ATTACHED_TIMEOUT,
	ATTACHED_SIGNAL,
};

struct attached {
	const struct gs_console *console;
	const char *expect; /* ends it when the guest writes that; or NULL */
	int escape;         /* byte from the terminal that ends it */
	uint64_t deadline_ms;
	uint64_t tail; /* lines of the log to show first */

	/* Its own. */
	struct terminal terminal;
	int signal_fd, inotify_fd, log_fd;
	bool reads_input;
	char input[4096]; /* on its way to the guest */
	size_t input_size, input_sent;
	struct gs_text seen; /* the end of what was shown: less than expect */
	enum attached_end end;
	int signal;
};
/* Copy both ways until it ends: *@a tells how. */
GS_MUST_CHECK struct gs_error *attached_run(struct attached *a);

#endif
