/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library with two versions of a function, and one that is chosen when it is loaded. */
#include <stdio.h>

#include "target.h"

KEEP int versioned_1(int x)
{
	return x + 1;
}

KEEP int versioned_2(int x)
{
	return x + 2;
}

__asm__(".symver versioned_1, versioned@ONE");
__asm__(".symver versioned_2, versioned@@TWO");

KEEP static int choice_a(int x)
{
	return x + 3;
}

KEEP static int choice_b(int x)
{
	return x + 4;
}

static int (*choose(void))(int)
{
	return choice_b;
}

int chosen(int x) __attribute__((ifunc("choose")));
/* Nobody calls this one, so that nobody knows the choice. */
int unasked(int x) __attribute__((ifunc("choose")));

void tell_library(void)
{
	TELL(versioned_1);
	TELL(versioned_2);
	TELL(choice_b);
	choice_a(1);
}
