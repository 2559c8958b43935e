/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program whose symbols are looked for: it tells where its functions are ("NAME 0xADDRESS"), then
 * waits. For each argument it opens that library when a line comes in, and tells of `late` in it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "target.h"

volatile int counter;

/* One of this name is in target_other.c, too. */
KEEP static int local(int x)
{ /* line: first */
	return counter += x;
}

KEEP int exported(int x)
{
	return local(x) + 1;
}

KEEP int alias(int x) __attribute__((alias("exported")));

/* As compilers name what they make of a function. */
KEEP int cloned(int x)
{
	return x + counter++;
}

KEEP int cloned_isra(int x) __asm__("cloned.isra.0");
KEEP int cloned_isra(int x)
{
	return x + counter++ * 2;
}

KEEP int cloned_part(int x) __asm__("cloned.constprop.0.part.1");
KEEP int cloned_part(int x)
{
	return x + counter++ * 3;
}

KEEP int cloned_cold(int x) __asm__("cloned.cold");
KEEP int cloned_cold(int x)
{
	return x + counter++ * 4;
}

KEEP int renamed(int x) __asm__("renamed.lto_priv.0");
KEEP int renamed(int x)
{
	return x + counter++ * 5;
}

static inline __attribute__((always_inline)) int inlined(int x)
{
	counter += x; /* line: inlined */
	return counter;
}

KEEP int caller_a(int x)
{
	counter++; /* line: caller_a */
	return inlined(x) + 1;
}

KEEP int caller_b(int x)
{
	counter--;
	return inlined(x + 1) * 2;
}

/* What it does at last lies elsewhere, below itself. */
__attribute__((noinline)) int partly_cold(int x)
{
	counter += x;
	if (counter == 12345)
		abort();
	return counter + exported(x);
}

int main(int argc, char **argv)
{
	TELL(main);
	TELL(local);
	TELL(exported);
	TELL(cloned);
	TELL(cloned_isra);
	TELL(cloned_part);
	TELL(cloned_cold);
	TELL(renamed);
	TELL(caller_a);
	TELL(caller_b);
	TELL(partly_cold);
	printf("counter %p\n", (void *)&counter);
	tell_other();
	for (int i = 1; i <= argc; i++) {
		void *library, *late;

		puts("ready");
		fflush(stdout);
		if (getchar() == EOF || i == argc)
			break;
#ifdef WITH_DLOPEN
		library = dlopen(argv[i], RTLD_NOW);
		late = library ? dlsym(library, "late") : NULL;
		printf("late %p\n", late);
#else
		(void)library, (void)late, (void)argv;
#endif
	}
	return caller_a(1) + caller_b(2) + cloned(1) + cloned_isra(1) + cloned_part(1) +
	       cloned_cold(1) + renamed(1) + alias(1) + partly_cold(1);
}
