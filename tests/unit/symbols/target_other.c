/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second source file, with a function of the same name. */
#include <stdio.h>

#include "target.h"

KEEP static int local(int x)
{
	return counter -= x;
}

void tell_other(void)
{
	printf("other_local %p\n", (void *)local);
	local(1);
}
