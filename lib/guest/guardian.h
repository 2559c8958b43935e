/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process behind the pause guard. */
#ifndef GUESTSCOPE_GUEST_GUARDIAN_H
#define GUESTSCOPE_GUEST_GUARDIAN_H

#define GUARDIAN_READY 'R'
#define GUARDIAN_DISMISS 'D'

/*
 * Runs in the forked child: @leash is its end of the socketpair, @monitor the inherited QMP socket.
 * Writes GUARDIAN_READY once nothing can reach it any more, then waits: GUARDIAN_DISMISS ends it,
 * end of file makes it resume the guest first.
 */
_Noreturn void gs_guardian_main(int leash, int monitor);

#endif
