/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP: transports, the session, and the commands that the project uses, typed.
 *
 * One session serves one thread. All waits take a deadline (base/time.h).
 */
#ifndef GUESTSCOPE_QMP_H
#define GUESTSCOPE_QMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/base/json.h>
#include <guestscope/base/time.h>

/* Where a monitor is. */
enum gs_qmp_kind {
	GS_QMP_UNIX,    /* path; a leading '@' is the abstract namespace; paths of any length */
	GS_QMP_TCP,     /* host, port */
	GS_QMP_FD,      /* an inherited, connected socket */
	GS_QMP_PID,     /* a QEMU process: its monitor is looked up */
	GS_QMP_LIBVIRT, /* a domain of libvirt's, by name */
};

struct gs_qmp_address {
	enum gs_qmp_kind kind;
	char *path; /* UNIX; LIBVIRT: the domain; owned */
	char *host; /* TCP; owned */
	uint16_t port;
	int fd;
	pid_t pid;
};

/*
 * "unix:PATH", "unix:@NAME", anything with a '/', "tcp:HOST:PORT" ([v6] in brackets), "fd:N",
 * "pid:N", "libvirt:DOMAIN". GS_ERROR_INVALID otherwise: a bare word is not an address (launch.h
 * knows guest names).
 */
GS_MUST_CHECK struct gs_error *gs_qmp_address_parse(const char *text, struct gs_qmp_address *ret);
void gs_qmp_address_deinit(struct gs_qmp_address *address);

struct gs_qmp_options {
	/*
	 * How long a connection may be without a greeting; 0: 5 s. Half way through, a second one
	 * replaces it unless another client holds the monitor. A QEMU that allocates its guest's
	 * memory at start needs about a second per GiB.
	 */
	uint64_t greeting_ms;
	uint64_t command_ms;     /* deadline of a command that has none of its own; 0: 30 s */
	const char *libvirt_uri; /* for libvirt: guests; NULL: libvirt's own default */
	size_t message_max;      /* bytes of one message from the peer; 0: 256 MiB */
	/* Wire trace (-v): @outgoing tells the direction. May be NULL. */
	void (*trace)(void *arg, bool outgoing, const char *text, size_t size);
	void *trace_arg;
};

struct gs_qmp;

/*
 * Connect, await the greeting (events before it are kept), negotiate without oob.
 *   UNREACHABLE  no connection; pid:N: the process has no monitor to connect to
 *   BUSY         no greeting, because another client is served: "socket is busy: held by PID
 *                (comm)"; also where that cannot be ruled out
 *   TIMEOUT      no greeting although nobody else is connected: QEMU starts, hangs or is stopped
 *   GONE         the peer greeted and left (a QEMU that failed to start), or left without a word
 *   PROTOCOL     it speaks something else (a human monitor, say)
 * @options may be NULL. An fd: address is copied and stays the caller's; the socket behind it may
 * have been used and negotiated before. pid:N takes the first of the process's monitors that is
 * free. libvirt: starts a process that talks to libvirt for us and ends with the session; it is a
 * fork that goes on to use the heap, as the common C libraries allow beside threads. UNSUPPORTED:
 * libvirt is not installed.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_connect(const struct gs_qmp_address *address,
					      const struct gs_qmp_options *options,
					      struct gs_qmp **ret);
/*
 * A session over an fd that was negotiated by somebody else, maybe by a process that died in the
 * middle of a command or of reading a reply: resyncs the peer's parser, waits until the peer has
 * done what the dead one had asked for, and drops its replies; events are kept. options.command_ms
 * bounds the wait (TIMEOUT). Takes @fd on success. No version is known afterwards (all 0).
 */
GS_MUST_CHECK struct gs_error *gs_qmp_adopt(int fd, const struct gs_qmp_options *options,
					    struct gs_qmp **ret);
/*
 * To whoever adopted a copy of the fd: this process neither reads nor writes there any more, and
 * all that is still asked of the session, or waits for an answer, finds the connection at its end
 * (LOST, at once or when something comes). From any thread.
 */
void gs_qmp_give_away(struct gs_qmp *qmp);
void gs_qmp_close(struct gs_qmp *qmp);
GS_DEFINE_CLEANUP(struct gs_qmp *, gs_qmp_close)

/* The monitor's address as given, for messages. */
const char *gs_qmp_name(const struct gs_qmp *qmp);
/* For poll(); -1 if the transport has none. Data that is already buffered: gs_qmp_has_pending(). */
int gs_qmp_fd(const struct gs_qmp *qmp);
bool gs_qmp_has_pending(const struct gs_qmp *qmp);
/* Whether descriptors can be passed (getfd, and all that needs it): over local sockets only. */
bool gs_qmp_passes_fds(const struct gs_qmp *qmp);
/*
 * Whether libvirt holds the monitor. It lets no dump-guest-memory through but its own:
 * gs_qmp_libvirt_dump().
 */
bool gs_qmp_is_libvirt(const struct gs_qmp *qmp);
/*
 * The QEMU process if it runs on this host and is known for sure, else 0: found by the kernel's
 * table of sockets among the open files that we may see. Looked up by each call.
 */
pid_t gs_qmp_peer_pid(const struct gs_qmp *qmp);
/* Major, minor, micro of the peer's greeting. */
void gs_qmp_version(const struct gs_qmp *qmp, int version[3]);

/*
 * Sockets that are no monitors, but like those serve one client at a time: a serial line, say.
 * Connect to the unix socket @path (a leading '@' is the abstract namespace; of any length) and see
 * that the connection is served. BUSY: another client is: "held by PID (comm)". TIMEOUT: nobody
 * is, the server stands still.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_connect_unix(const char *path, int *fd_ret);
/*
 * Path (leading '@': abstract; the caller frees) of the unix socket that listens as descriptor @fd
 * of process @pid, or NULL.
 */
char *gs_qmp_listening_path(pid_t pid, int fd);

/*
 * Run a command. @arguments (an object or NULL) is taken. @return_ret may be NULL; otherwise it is
 * the value of "return", the caller's. Events that arrive meanwhile are queued.
 *   REFUSED  the peer answered an error: "<desc>" (its class: gs_qmp_error_class())
 *   TIMEOUT  the deadline passed; the late reply will be dropped
 *   LOST     the connection ended with the command in flight: outcome unknown ("quit": success)
 * @deadline_ms 0: options.command_ms from now. A deadline that has passed still takes what is
 * there.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_execute(struct gs_qmp *qmp, const char *command,
					      struct gs_json *arguments, uint64_t deadline_ms,
					      struct gs_json **return_ret);
/* The same with a descriptor riding on the first byte. UNSUPPORTED where the transport cannot. */
GS_MUST_CHECK struct gs_error *gs_qmp_execute_fd(struct gs_qmp *qmp, const char *command,
						 struct gs_json *arguments, int fd,
						 uint64_t deadline_ms, struct gs_json **return_ret);
/*
 * The same, but what is returned is the peer's whole message, which may be an error, under the id
 * that it was sent with. @fd -1: none.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_execute_reply(struct gs_qmp *qmp, const char *command,
						    struct gs_json *arguments, int fd,
						    uint64_t deadline_ms,
						    struct gs_json **reply_ret);
/* Class of the last REFUSED ("CommandNotFound"); "" before the first. */
const char *gs_qmp_error_class(const struct gs_qmp *qmp);

/*
 * Split in two, for commands that run long. At most 8 are in flight (INVALID beyond); ids are the
 * session's. One that gs_qmp_await() gave up with TIMEOUT cannot be awaited again.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_send(struct gs_qmp *qmp, const char *command,
					   struct gs_json *arguments, uint64_t *id_ret);
GS_MUST_CHECK struct gs_error *gs_qmp_await(struct gs_qmp *qmp, uint64_t id, uint64_t deadline_ms,
					    struct gs_json **return_ret);

/*
 * Whether gs_qmp_await() of this command would return at once, from what has arrived by now: for
 * those who have something else to wait for beside it.
 */
bool gs_qmp_answered(struct gs_qmp *qmp, uint64_t id);

/* An event as it came. */
struct gs_qmp_event {
	struct gs_json *message;    /* the whole object; owned */
	const char *name;           /* borrowed from message */
	const struct gs_json *data; /* borrowed; NULL if absent */
	uint64_t received_ms;       /* CLOCK_MONOTONIC */
	bool synthetic;             /* made here, not sent by the peer: see gs_qmp_next_event() */
};
void gs_qmp_event_deinit(struct gs_qmp_event *event);

/*
 * The oldest queued event, or the next one to arrive. TIMEOUT at the deadline, which may be in the
 * past: then what is there is taken. When the connection ends, one synthetic SHUTDOWN {guest:
 * false, reason: "disconnected"} comes unless a SHUTDOWN was seen; after that GONE.
 *
 * The queue holds 65,536 events or 64 MiB. Beyond that the oldest go, and a synthetic EVENTS_LOST
 * {count: N} stands in their place.
 */
#define GS_QMP_EVENTS_LOST "EVENTS_LOST"
GS_MUST_CHECK struct gs_error *gs_qmp_next_event(struct gs_qmp *qmp, uint64_t deadline_ms,
						 struct gs_qmp_event *ret);
/* Drop the events that have arrived, so that what is awaited next was caused by what is sent next.
 */
void gs_qmp_drop_events(struct gs_qmp *qmp);

/*
 * How the guest stood still and ran, as the peer's events told since the session began, also those
 * that were taken or dropped since.
 */
struct gs_qmp_run_history {
	uint64_t resumes;  /* RESUME events */
	uint64_t stood_us; /* from each STOP to the RESUME behind it, by the peer's clock */
};
struct gs_qmp_run_history gs_qmp_run_history(const struct gs_qmp *qmp);

/* ---- commands, typed ---- */

struct gs_qmp_status {
	bool running;
	char status[32]; /* "running", "paused", ...: verbatim */
};
GS_MUST_CHECK struct gs_error *gs_qmp_query_status(struct gs_qmp *qmp, struct gs_qmp_status *ret);
/* "stop", "cont", ...: a command without arguments or result. */
GS_MUST_CHECK struct gs_error *gs_qmp_simple(struct gs_qmp *qmp, const char *command);
GS_MUST_CHECK struct gs_error *gs_qmp_getfd(struct gs_qmp *qmp, const char *name, int fd);
GS_MUST_CHECK struct gs_error *gs_qmp_closefd(struct gs_qmp *qmp, const char *name);

struct gs_qmp_dump {
	const char *fd_name; /* as given to getfd; the dump takes it */
	const char *format;  /* NULL: elf */
	bool detach;
	bool has_range;
	uint64_t begin, length; /* bytes; ELF only */
};
/* Sends dump-guest-memory; without detach the reply comes when the dump is over (await @id_ret). */
GS_MUST_CHECK struct gs_error *gs_qmp_dump_start(struct gs_qmp *qmp, const struct gs_qmp_dump *dump,
						 uint64_t *id_ret);
/*
 * libvirt's own dump of all memory into @fd, a pipe's end, which stays the caller's; @format NULL:
 * elf. NULL: it has begun, and DUMP_COMPLETED will tell of its end.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_libvirt_dump(struct gs_qmp *qmp, const char *format, int fd);
struct gs_qmp_dump_status {
	char status[16]; /* none active completed failed */
	uint64_t completed_bytes, total_bytes;
};
GS_MUST_CHECK struct gs_error *gs_qmp_query_dump(struct gs_qmp *qmp,
						 struct gs_qmp_dump_status *ret);
/* Array of format names, as the peer offers them. */
GS_MUST_CHECK struct gs_error *gs_qmp_dump_formats(struct gs_qmp *qmp, struct gs_json **ret);

/* HMP text; @cpu -1: none. *text_ret has LF line ends and is the caller's. */
GS_MUST_CHECK struct gs_error *gs_qmp_hmp(struct gs_qmp *qmp, const char *line, int cpu,
					  char **text_ret);
/* HMP reports failure only in prose: whether @text reads like one (a table of prefixes). */
bool gs_qmp_hmp_looks_failed(const char *text);

#endif
