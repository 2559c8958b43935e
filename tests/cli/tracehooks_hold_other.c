/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another function of the same name, and the library that is loaded later. */
#include "tracehooks_hold.h"

#ifdef LIBRARY
long later(long n);
__attribute__((noinline)) long later(long n)
{
	return n + 1;
}
#else
static volatile long calls;

static __attribute__((noinline)) long helper(long n)
{
	calls++;
	return n + 2;
}

long other(long n)
{
	return helper(n);
}
#endif
