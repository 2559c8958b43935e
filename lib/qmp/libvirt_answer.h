/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to libvirt, answered in a process of its own: a call that never returns, and a
 * library that falls over what it is told, harm nobody else.
 *
 *	list:   {"is_local": true, "domains": [DOMAIN...]}
 *	domain: {"is_local": true, "domains": [DOMAIN], "disks": [DISK...], "xml": "..."}
 *	else:   {"error": "libvirt's own words", "code": 9}
 *
 *	DOMAIN  {"name", "uuid", "state", "running", "memory"}
 *	DISK    {"target", "source", ..., "readonly"}; what the XML does not tell is null
 */
#ifndef QMP_LIBVIRT_ANSWER_H
#define QMP_LIBVIRT_ANSWER_H

#include <stdbool.h>

struct gs_libvirt_question {
	const char *uri;    /* NULL: libvirt's default */
	const char *domain; /* NULL: list them */
	bool all;           /* of the list: also those that do not run */
};

/* Writes the answer to @fd, its own, and ends. */
_Noreturn void gs_libvirt_answer_main(const struct gs_libvirt_question *question, int fd);

#endif
