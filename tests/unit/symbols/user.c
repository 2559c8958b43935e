/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that uses library.c. */
#include <stdio.h>

int versioned(int x);
int chosen(int x);
void tell_library(void);

int main(void)
{
	tell_library();
	puts("ready");
	fflush(stdout);
	getchar();
	return versioned(1) + chosen(1);
}
