/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share. */
#ifndef GUESTSCOPE_LAUNCH_INTERNAL_H
#define GUESTSCOPE_LAUNCH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/json.h>
#include <guestscope/base/process.h>
#include <guestscope/launch.h>

/* ---- args.c, argv.c, disk.c: the command line ---- */

/* What the user's own QEMU arguments bring along, so that ours step back. */
enum gs_launch_brings {
	GS_LAUNCH_BRINGS_RAM = 1 << 0,        /* a size, a memory backend, NUMA nodes */
	GS_LAUNCH_BRINGS_ACCEL = 1 << 1,      /* an accelerator */
	GS_LAUNCH_BRINGS_SERIAL = 1 << 2,     /* the first serial port */
	GS_LAUNCH_BRINGS_VMCOREINFO = 1 << 3, /* that device */
	GS_LAUNCH_BRINGS_MACHINE = 1 << 4,    /* a machine type */
	GS_LAUNCH_BRINGS_DAEMONIZE = 1 << 5,
};
/* A mask of the above; @extra is NULL-terminated or NULL. */
unsigned int gs_launch_scan(const char *const *extra);

/* Everything that the command line is made from; all borrowed. */
struct gs_launch_plan {
	const struct gs_launch *launch;
	const char *name;
	const char *qemu;
	uint64_t mem_bytes;
	const char *const *disk_formats; /* one for each of launch->disks */
	int monitor_fds[2];              /* listening sockets: qmp, qmp2 */
	int ram_fd;                      /* -1: QEMU's own RAM */
	const char *serial_path;         /* and .in, .out; NULL: no serial port of ours */
	bool accels;                     /* ours */
	bool machine;                    /* ours, where the target has no default */
	bool vmcoreinfo;
};
/* NULL-terminated; the caller frees it with gs_launch_argv_free(). */
GS_MUST_CHECK struct gs_error *gs_launch_argv(const struct gs_launch_plan *plan, char ***ret);
void gs_launch_argv_free(char **argv);
GS_DEFINE_CLEANUP(char **, gs_launch_argv_free)
/* qemu-system-<host arch>; the caller frees; NULL when out of memory. */
char *gs_launch_default_qemu(void);
/* The image format of a disk by its first bytes: a name that -drive format= takes. */
GS_MUST_CHECK struct gs_error *gs_launch_disk_format(const char *path, const char **ret);

/* ---- folder.c: the guests' folders ---- */

enum gs_folder_state {
	GS_FOLDER_NONE,  /* no guest's folder, or no right to look */
	GS_FOLDER_LIVE,  /* locked */
	GS_FOLDER_ENDED, /* the lock is free */
};
GS_MUST_CHECK struct gs_error *gs_folder_check_name(const char *name);
enum gs_folder_state gs_folder_probe(const char *run_dir, const char *name);
/* Probe, and remove what an ended guest, or a cleaner that was killed, left of @name. */
enum gs_folder_state gs_folder_clean(const char *run_dir, const char *name);

/* A folder that is locked by us. */
struct gs_claim {
	char *name, *dir;
	int lock_fd;
};
/* @name NULL: guest-N. BUSY when a live guest has it. */
GS_MUST_CHECK struct gs_error *gs_folder_claim(const char *run_dir, const char *name,
					       struct gs_claim *ret);
/* Removes the folder; the claim still wants gs_claim_deinit(). */
void gs_folder_disclaim(const char *run_dir, const struct gs_claim *claim);
void gs_claim_deinit(struct gs_claim *claim); /* the folder stays, and so does an inherited lock */

/* ---- record.c ---- */

/* The record: DIR/guest. @argv NULL-terminated. Written as a whole or not at all. */
GS_MUST_CHECK struct gs_error *gs_record_write(const struct gs_guest *guest, int ram_fd,
					       char *const *argv);
GS_MUST_CHECK struct gs_error *gs_record_read(const char *run_dir, const char *name,
					      struct gs_guest *ret);

/* ---- setup.c: what QEMU inherits ---- */

/* Everything that must live until QEMU runs. */
struct gs_launch_setup {
	const struct gs_claim *claim;
	struct gs_launch_plan plan;
	char *qemu, *serial_path;
	const char **disk_formats;
	char **argv;
	int log_fd;
	bool handed_over; /* our copies are closed; the numbers are still QEMU's */
};
/* @vmcoreinfo: with that device, unless the user's arguments bring it. */
GS_MUST_CHECK struct gs_error *gs_launch_setup_init(struct gs_launch_setup *setup,
						    const struct gs_launch *launch,
						    const struct gs_claim *claim, bool vmcoreinfo);
/* To be called when QEMU has inherited everything. */
void gs_launch_setup_hand_over(struct gs_launch_setup *setup);
void gs_launch_setup_deinit(struct gs_launch_setup *setup);

/* ---- log.c: what QEMU and the guest wrote ---- */

/* The last lines of a text file made one: "a; b", bounded, "" if there are none. NULL: no memory.
 */
char *gs_log_last_words(const char *path, size_t max_lines);
/* The same of a text, which is taken apart. */
char *gs_log_words(char *text, size_t max_lines);

/* ---- serial.c ---- */

struct gs_serial_wait {
	const char *path; /* a file that grows */
	const char *text; /* not empty */
	int pidfd;
	int cancel_fd; /* <= 0: none */
	uint64_t deadline_ms;
};
/* TIMEOUT; GONE when the process ended before; OS with EINTR when called off. */
GS_MUST_CHECK struct gs_error *gs_serial_await(const struct gs_serial_wait *wait);

#endif
