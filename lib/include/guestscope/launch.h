/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Launching guests and finding them again.
 *
 * A launched guest has a folder of its own, GUESTSCOPE/NAME/ below $XDG_RUNTIME_DIR or /run:
 *
 *	lock      locked by QEMU itself (an inherited fd): a live lock means a live guest
 *	guest     JSON: name, pid, qemu, argv, ram, started
 *	qmp       monitor for guestscope's tools
 *	qmp2      a second monitor, free for others
 *	serial    what the guest wrote to its serial port, from the start
 *	serial.in a fifo: what is written there, the guest reads from its serial port; serial.out is
 *	          for QEMU
 *	log       QEMU's stdout and stderr
 */
#ifndef GUESTSCOPE_LAUNCH_H
#define GUESTSCOPE_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/base/json.h>
#include <guestscope/qmp.h>

/*
 * Who has a hand in QEMU's start, such as one who holds it for a debugger. This room knows nothing
 * of holds: it tells when there is something to hold, and learns when not to expect an answer.
 */
struct gs_launch_watch {
	/*
	 * The process is there, and has not become QEMU yet: it waits until this returns. An error
	 * is the launch's. @program: what it will execute, a path or a name to look for in PATH.
	 */
	struct gs_error *(*born)(void *arg, pid_t pid, const char *program);
	/* It has executed that. The time counts from when this returns. */
	struct gs_error *(*begun)(void *arg);
	/* Whether it cannot answer at the moment, so that it is not late. */
	bool (*is_halted)(void *arg);
	void *arg;
};

struct gs_launch {
	const char *run_dir;                  /* holds the guests' folders; see gs_registry_dir() */
	const char *name;                     /* NULL: guest-N, the first free N */
	const char *qemu;                     /* NULL: qemu-system-<host arch> */
	uint64_t mem_bytes;                   /* 0: 1 GiB */
	unsigned int cpus;                    /* 0: 1 */
	const char *kernel, *initrd, *append; /* NULL: none */
	const char *const
		*disks; /* NULL-terminated paths, or NULL; format by content, raw stays raw */
	const char *const *accels; /* NULL-terminated; NULL: kvm, then tcg */
	bool private_ram;          /* QEMU's own RAM instead of a memfd shared with it */
	const char *wait_serial;   /* NULL: do not wait */
	uint64_t timeout_ms;       /* for start and wait_serial together; 0: 60 s */
	const char *const *extra;  /* NULL-terminated QEMU arguments, or NULL; they come last */
	int cancel_fd;             /* readable: the launch is called off; 0: none */
	const struct gs_launch_watch *watch; /* NULL: nobody */
};

/* A guest of the registry; strings are owned. */
struct gs_guest {
	char *name;
	char *dir;
	char *qemu; /* the binary */
	pid_t pid;
	uint64_t mem_bytes;
	bool shared_ram;     /* RAM is a memfd that others may map */
	int64_t started_sec; /* wall clock */
};
void gs_guest_deinit(struct gs_guest *guest);

/*
 * Start a guest that outlives us. On success QEMU has answered its first query-status, and the
 * guest has said wait_serial if asked. On failure nothing is left behind.
 *   GONE         QEMU ended: its own words (the tail of the log)
 *   TIMEOUT      no answer, or no wait_serial text: names the accelerator in use and --accel tcg
 *   BUSY         a live guest has that name
 *   OS (EINTR)   called off
 *
 * QEMU is given -nodefaults, no display, the two monitors, a serial port of a
 * file and a fifo, memory in a memfd (memory-backend-file over /proc/self/fd/N), and a vmcoreinfo
 * device where the machine has it. Of these, what the extra arguments bring themselves is left out:
 * a size
 * (-m), memory backend or NUMA nodes (then QEMU's own RAM), an accelerator, a serial port.
 */
GS_MUST_CHECK struct gs_error *gs_launch_start(const struct gs_launch *launch,
					       struct gs_guest *ret);

/* $XDG_RUNTIME_DIR/guestscope or /run/guestscope, by the values that the tool passes in. */
char *gs_registry_dir(const char *xdg_runtime_dir);
/* All live guests below @run_dir, sorted by name; folders of dead ones are removed. */
GS_MUST_CHECK struct gs_error *gs_registry_list(const char *run_dir, struct gs_guest **ret,
						size_t *count_ret);
void gs_registry_free(struct gs_guest *guests, size_t count);
/* UNREACHABLE when there is no such guest or it has ended; then with the tail of its log. */
GS_MUST_CHECK struct gs_error *gs_registry_find(const char *run_dir, const char *name,
						struct gs_guest *ret);
/* The guest when there is exactly one. UNREACHABLE: none. INVALID: several, and their names. */
GS_MUST_CHECK struct gs_error *gs_registry_only(const char *run_dir, struct gs_guest *ret);

/*
 * Whether process @pid runs a QEMU, by the name of its executable: a wrong pid, or a process that
 * only passes a monitor on (socat, ssh), must not be taken for one.
 */
bool gs_guest_is_qemu(pid_t pid);

/* Whether @guest is an address of qmp.h and no name of the registry. */
bool gs_guest_is_address(const char *guest);
/*
 * Connect to a guest named in any way: NAME of the registry, an address of qmp.h, or NULL for the
 * only one. With names, qmp2 is taken while somebody holds qmp: two of our tools at a time work.
 */
GS_MUST_CHECK struct gs_error *gs_guest_connect(const char *run_dir, const char *guest,
						const struct gs_qmp_options *options,
						struct gs_qmp **ret);
/* The same for a guest that was found already. */
GS_MUST_CHECK struct gs_error *gs_guest_open(const struct gs_guest *guest,
					     const struct gs_qmp_options *options,
					     struct gs_qmp **ret);

/*
 * A pidfd for the QEMU of a guest named in any way, as for gs_guest_connect(). No monitor is asked
 * where the name, "pid:N" or libvirt tells. UNSUPPORTED when the process is elsewhere or unknown,
 * INVALID when pid:N is no QEMU. @options may be NULL.
 */
GS_MUST_CHECK struct gs_error *gs_guest_process(const char *run_dir, const char *guest,
						const struct gs_qmp_options *options,
						int *pidfd_ret);
/*
 * End a process (a QEMU): SIGTERM, SIGKILL after @grace_ms, until it is gone. *forced_ret, which
 * may be NULL: it took SIGKILL.
 */
GS_MUST_CHECK struct gs_error *gs_guest_end(int pidfd, uint64_t grace_ms, bool *forced_ret);

/* A guest's serial line. */
struct gs_console {
	int fd;     /* what is written there, the guest reads; the caller closes it */
	char *name; /* path of the fifo, socket or terminal, for messages */
	/*
	 * The file with all that the guest has written since its start. NULL: there is none; what
	 * it writes from now on is to be read from @fd, and keeps the guest waiting until that is
	 * done.
	 * @fd is at its end (POLLERR) when QEMU closes the line, in any case.
	 */
	char *log;
};
void gs_console_deinit(struct gs_console *console);

/*
 * Attach to a serial line of a guest named in any way. No monitor is asked where the guest was
 * launched and @chardev is NULL; else @chardev is the one to attach to, or NULL: the first that by
 * its name is a serial line or console.
 *   BUSY         somebody else is attached: "held by PID (comm)"
 *   TIMEOUT      QEMU does not take the connection
 *   NODATA       no such chardev; says which there are
 *   UNSUPPORTED  it is neither a unix socket nor a pty, or not on this host
 */
GS_MUST_CHECK struct gs_error *gs_guest_console(const char *run_dir, const char *guest,
						const char *chardev,
						const struct gs_qmp_options *options,
						struct gs_console *ret);

/*
 * A QEMU binary, run for nothing but to be asked over QMP: no machine, no configuration, no
 * devices. It ends with the probe, and with the thread that started it, however that ends.
 *   OS       it cannot be run
 *   GONE     it ended: its own words (it is no QEMU, say)
 *   TIMEOUT, PROTOCOL  it runs, but does not answer, or answers something else
 * @binary is looked up in PATH. @options may be NULL; greeting_ms 0: 30 s.
 */
struct gs_probe;
GS_MUST_CHECK struct gs_error *gs_probe_start(const char *binary,
					      const struct gs_qmp_options *options,
					      struct gs_probe **ret);
/* The session with it, which stays the probe's. */
struct gs_qmp *gs_probe_qmp(const struct gs_probe *probe);
/* Its process: QEMU, or the script that runs it. */
pid_t gs_probe_pid(const struct gs_probe *probe);
/* End it; NULL is fine. */
void gs_probe_end(struct gs_probe *probe);
GS_DEFINE_CLEANUP(struct gs_probe *, gs_probe_end)

#endif
