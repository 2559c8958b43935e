/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is held, written down: one file each, for those who ask from outside, and for repair if who
 * holds it is killed.
 *
 *	DIR/4711         {"id": 4711, "start": 88123, "pid": 4711, "state": "held",
 *	                  "program": "/usr/bin/qemu...", "argv": [...], "cwd": "/",
 *	                  "lineage": [{"pid": 4711, "name": "qemu"}, ...], "at": null,
 *	                  "keeper": {"pid": 4700, "start": 88001}, "debugger": null,
 *	                  "since": 1700000000, "until": 1700000600}
 *	DIR/4700.socket  of the keeper that holds it; see keeper.h
 *
 * "id" and "start" are the thread's that is held, "pid" its process. Of an exec hold both numbers
 * are the same, and "at" is null; of a function hold "at" is
 *
 *	{"kind": "function", "symbol": "virCommandRun", "offset": 0, "name": null,
 *	 "module": "/usr/lib/.../libvirt.so.0.9000.0", "build-id": "fe12...",
 *	 "file": "util/vircommand.c", "line": 2345, "address": "0x7f...",
 *	 "args": ["0x1", ... six], "strings": ["vda", null, ... six],
 *	 "mechanism": "perf", "thread": "rpc-worker", "condition": null}
 *
 * with null for what is unknown.
 */
#ifndef GUESTSCOPE_HOLD_RECORD_H
#define GUESTSCOPE_HOLD_RECORD_H

#include <guestscope/base/cleanup.h>
#include <guestscope/base/json.h>
#include <guestscope/hold/catch.h>
#include <guestscope/hold/proc.h>
#include <guestscope/symbols/process.h>

enum gs_hold_state {
	GS_HOLD_HELD,        /* by its keeper, in ptrace-stop */
	GS_HOLD_HANDED_OVER, /* stopped, and nobody traces it: a debugger is awaited */
	GS_HOLD_DEBUGGED,    /* one has come */
};
const char *gs_hold_state_name(enum gs_hold_state state); /* "held", "handed-over", "debugged" */

struct gs_hold_ancestor {
	pid_t pid;
	char name[17];
};

/* Where a thread has come to, and with what. */
struct gs_hold_at {
	struct gs_place place;
	enum gs_catch_mechanism mechanism;
	char thread[17]; /* its name */
	uint64_t args[GS_CALL_ARGS];
	char *strings[GS_CALL_ARGS]; /* what they point to, where that reads as text; or NULL */
	char *condition;             /* that was fulfilled; NULL: there was none */
};
void gs_hold_at_free(struct gs_hold_at *at); /* may be NULL */

struct gs_hold_record {
	struct gs_proc_id id;  /* the thread; its number is the hold's */
	pid_t pid;             /* its process */
	struct gs_hold_at *at; /* NULL: held at its exec */
	struct gs_proc_id keeper;
	enum gs_hold_state state;
	pid_t debugger;                   /* 0: none */
	char *program;                    /* path; "" if unknown */
	char **argv;                      /* NULL-terminated */
	char *cwd;                        /* "" if unknown */
	struct gs_hold_ancestor *lineage; /* itself first, then who has forked it, ... */
	size_t lineage_count;
	int64_t since, until; /* seconds since the epoch; until 0: for ever */
};
void gs_hold_record_deinit(struct gs_hold_record *record);

/* A place as "at" has it. NULL: out of memory. */
struct gs_json *gs_hold_place_json(const struct gs_place *place);
/* CORRUPT says what is wrong. */
GS_MUST_CHECK struct gs_error *gs_hold_place_parse(const struct gs_json *json,
						   struct gs_place *ret);

/* NULL: out of memory. */
struct gs_json *gs_hold_record_json(const struct gs_hold_record *record);
/* CORRUPT says what is wrong. */
GS_MUST_CHECK struct gs_error *gs_hold_record_parse(const struct gs_json *json,
						    struct gs_hold_record *ret);
/* The arguments in one line for a shell; the caller frees. NULL: out of memory. */
char *gs_hold_record_command(const struct gs_hold_record *record);

/* $XDG_RUNTIME_DIR/tracehooks, or /run/tracehooks for root, else /tmp/tracehooks-UID; the caller
 * frees. */
char *gs_hold_dir(const char *xdg_runtime_dir);
/* Makes it if it is not there. INVALID: it is not ours alone. */
GS_MUST_CHECK struct gs_error *gs_hold_dir_make(const char *dir);

/* Beside, synced and renamed: it is there as a whole, or as it was. */
GS_MUST_CHECK struct gs_error *gs_hold_record_write(const char *dir,
						    const struct gs_hold_record *record);
/* OS, ENOENT: there is none. */
GS_MUST_CHECK struct gs_error *gs_hold_record_read(const char *dir, pid_t id,
						   struct gs_hold_record *ret);
void gs_hold_record_remove(const char *dir, pid_t id);

/*
 * All that are held, by id, and those that were when their keeper was killed. Records of threads
 * that have ended are removed.
 */
struct gs_hold_list {
	struct gs_hold_record *records;
	size_t count;
};
GS_MUST_CHECK struct gs_error *gs_hold_list(const char *dir, struct gs_hold_list *ret);
void gs_hold_list_deinit(struct gs_hold_list *list);
/* Its keeper has ended: nobody will release it. */
bool gs_hold_is_stale(const struct gs_hold_record *record);

#endif
