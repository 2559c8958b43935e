/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_SYMBOLS_TARGET_H
#define TESTS_UNIT_SYMBOLS_TARGET_H

/* A function of its own, called and not inlined, whatever the compiler could do with it. */
#define KEEP __attribute__((noinline, noclone, noipa, used))
#define TELL(function) printf("%s %p\n", #function, (void *)(function))

extern volatile int counter;
void tell_other(void);

#endif
