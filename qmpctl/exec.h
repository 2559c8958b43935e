/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the command exec. */
#ifndef QMPCTL_EXEC_H
#define QMPCTL_EXEC_H

#include <guestscope/qmp/schema.h>

#include "qmpctl.h"

/* ---- exec_fds.c: descriptors that go along ---- */

struct exec_fd {
	char *name; /* owned; NULL: it goes with the command itself */
	int fd;
	bool opened; /* by us; else it was inherited */
};

struct exec_fds {
	struct exec_fd *at;
	size_t count;
	int riding; /* the one without a name; -1: none */
};
#define EXEC_FDS_NONE        \
	{                    \
		.riding = -1 \
	}

/* What --fd asks for. INVALID, or the error of opening a file. */
GS_MUST_CHECK struct gs_error *exec_fds_open(const struct gs_args *args, struct exec_fds *ret);
void exec_fds_deinit(struct exec_fds *fds);
/* Give those with names to the monitor. */
GS_MUST_CHECK struct gs_error *exec_fds_pass(const struct exec_fds *fds, struct gs_qmp *qmp);
/* Those that no command took would stay there for ever. */
void exec_fds_take_back(const struct exec_fds *fds, struct gs_qmp *qmp);

/* ---- exec_run.c: one command ---- */

struct exec {
	struct gs_args *args;
	struct target target;
	struct exec_fds fds;
	struct gs_schema *schema;
	bool asks_schema; /* not asked for yet, but wanted */
	bool passed_fds;
	bool dry_run, raw;
	enum gs_json_layout layout;
};

/*
 * Check it, say it, run it, as the options have it; the exit status. @place: of the command, for
 * messages; NULL: the command line.
 */
int exec_run(struct exec *exec, struct call *call, const char *place);
/* Takes @err; @place as above. */
int exec_fail(const struct exec *exec, struct gs_error *err, const char *place);

/* ---- exec_lines.c: many commands ---- */

/* Run the lines of @fd, each as it comes, until one fails, or all with --keep-going. */
int exec_lines(struct exec *exec, int fd, const char *name);

#endif
