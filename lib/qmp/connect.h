/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connected sockets from addresses. */
#ifndef QMP_CONNECT_H
#define QMP_CONNECT_H

#include <guestscope/qmp.h>

/*
 * A new connection to a UNIX or TCP address, or a copy of the descriptor of an FD one. UNREACHABLE
 * when there is none to be had, BUSY when too many others wait to be accepted. Messages do not name
 * the address.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_open_socket(const struct gs_qmp_address *address,
						  uint64_t deadline_ms, int *ret);

#endif
