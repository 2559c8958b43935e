/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second file of the program that the hold points are tested with. */
#ifndef HOLDPOINT_OTHER_H
#define HOLDPOINT_OTHER_H

/* Holds at `other` and, as the last that it does, at `last`; 6 and @n. */
int other(int n);

#endif
