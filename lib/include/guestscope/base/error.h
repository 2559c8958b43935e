/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error object that every fallible function of the library returns. */
#ifndef GUESTSCOPE_BASE_ERROR_H
#define GUESTSCOPE_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

/*
 * What went wrong, coarse enough to branch on. The message says the rest.
 *
 * The comment behind each code is the exit status that the tools give it (see gs_exit_status()).
 */
enum gs_error_code {
	GS_ERROR_OS = 1,  /* a system call failed; os_errno says how          1, 9 if no space */
	GS_ERROR_NOMEM,   /* out of memory                                    1 */
	GS_ERROR_CORRUPT, /* the input contradicts its own format             1 */
	GS_ERROR_UNSUPPORTED, /* legal, but this build or this peer cannot do it  1 */
	GS_ERROR_NODATA,      /* asked for something that the input does not hold 1 */
	GS_ERROR_INVALID,     /* the caller's argument makes no sense             2 */
	GS_ERROR_PROTOCOL,    /* the peer broke the protocol                      1 */
	GS_ERROR_REFUSED,     /* the peer understood and said no                  1 */
	GS_ERROR_UNREACHABLE, /* no connection could be made                      3 */
	GS_ERROR_BUSY,        /* somebody else holds it                           4 */
	GS_ERROR_TIMEOUT,     /* the deadline passed                              5 */
	GS_ERROR_LOST,        /* the connection broke: the outcome is unknown     6 */
	GS_ERROR_GONE,        /* the guest or its QEMU has ended                  7 */
};

/*
 * An error belongs to whoever holds the pointer; free it with gs_error_destroy() or hand it on.
 * NULL means success throughout the library.
 */
struct gs_error {
	enum gs_error_code code;
	int os_errno;  /* for GS_ERROR_OS, else 0 */
	char *message; /* one line, lower case, no full stop */
};

#define GS_MUST_CHECK __attribute__((warn_unused_result))
#define GS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* A new error. When there is no memory for it, the static out-of-memory error is returned. */
GS_MUST_CHECK GS_PRINTF(2, 3) struct gs_error *gs_error_create(enum gs_error_code code,
							       const char *fmt, ...);

/* GS_ERROR_OS whose message is "<fmt>: <strerror(os_errno)>". */
GS_MUST_CHECK GS_PRINTF(2, 3) struct gs_error *gs_error_os(int os_errno, const char *fmt, ...);

/* The static out-of-memory error. */
GS_MUST_CHECK struct gs_error *gs_error_nomem(void);

/*
 * Put "<fmt>: " in front of the message: "vm.kdump: page 0x1a3: lzo: got 4090 bytes, expected
 * 4096". Takes @err and returns it (or a replacement). NULL stays NULL.
 */
GS_MUST_CHECK GS_PRINTF(2, 3) struct gs_error *gs_error_wrap(struct gs_error *err, const char *fmt,
							     ...);

/* Frees @err; NULL and the static error are fine. */
void gs_error_destroy(struct gs_error *err);

/*
 * Whether the error is about what the input is or lacks (CORRUPT, UNSUPPORTED, NODATA): an answer,
 * where others mean that it could not be looked at.
 */
bool gs_error_is_answer(const struct gs_error *err);

/* "os", "corrupt", ...: the stable word for @code, as --json prints it. */
const char *gs_error_code_name(enum gs_error_code code);

#endif
