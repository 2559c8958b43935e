/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hold points: places in your own code where a process waits for a debugger, if it is told to.
 *
 *	#include <guestscope/holdpoint.h>
 *	...
 *	if (fork() == 0) {
 *		GS_HOLDPOINT(child);
 *		execv(path, argv);
 *
 *	$ GUESTSCOPE_HOLD=child ./daemon
 *	holdpoint: held 4711: child
 *	  at        run_child, daemon.c:120
 *	  debug     gdb -p 4711 -ex 'frame function gs_holdpoint_hold'
 *	            lldb -p 4711
 *	  release   gdb -p 4711 -batch -ex 'set var *(int *)0x7ffd9a8c = 0'    (by itself in 10 min)
 *
 * This file is all there is to it: no library. C99 and up, C++11 and up, gcc and clang, Linux. The
 * name is an identifier, several points may share it. In C, a function with a point that is inline
 * must also be static. Off, which it is unless somebody arms it, a point costs one relaxed load, a
 * branch not taken and, if <sys/sdt.h> was there, one nop.
 *
 * It is armed by the environment, which is read when the program comes to its first point:
 *	GUESTSCOPE_HOLD=NAME[,NAME...][:SECONDS]
 * After SECONDS (600; 0: never) it goes on by itself. A program that is set-user-ID or set-group-ID
 * does not look there. Or it is armed by a debugger that writes
 *	set var gs_holdpoint_gate = 1
 * Then all points hold, also those of children that are forked from now on. With 0 none does, and
 * those that are held go on.
 *
 * What is held goes on when
 * - a debugger has attached and lets it continue. (Attached and gone without that: it is held as
 *   before.) The frame of the point is one `up` or `finish` away.
 * - somebody says `set var hold = 0` in the frame of gs_holdpoint_hold(), or enters the printed
 *line that does so from outside. That is the way where the debugger is not noticed: without /proc,
 *   or if it is outside of the process's PID namespace.
 * - the time is over.
 * Where the kernel's Yama lets only ancestors trace, the lines take root.
 *
 * A process is held at a point once; its children again, once each. All threads that come to the
 * point in the meantime wait too, and go on together. What is traced when it comes there (by a
 * debugger, strace, tracehooks) is not held: nobody else could attach.
 *
 * Async-signal-safe, no cancellation point, errno kept: it may stand in a signal handler, and
 * between fork (vfork, if you must: its parent waits as long) and exec. Other signals' handlers run
 * while it is held. What it says goes to descriptor 2, whole or, if that is closed, broken, or full
 * for a second, not at all.
 *
 * For those who want the place but not the wait, each point is a probe guestscope:NAME (SDT), if
 * <sys/sdt.h> was there at compile time; in gdb: `break -probe-stap guestscope:NAME`.
 *
 * Licence: as above. It is compiled into your program: what you build for yourself is your own
 * affair; who passes such a program on does so under terms that the GPL allows.
 */
#ifndef GUESTSCOPE_HOLDPOINT_H
#define GUESTSCOPE_HOLDPOINT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __has_include
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#ifdef __clang__ /* strict, it minds a variadic macro of that file */
#define GS_HOLDPOINT_PROBE(name)                                                            \
	_Pragma("clang diagnostic push")                                                    \
		_Pragma("clang diagnostic ignored \"-Wgnu-zero-variadic-macro-arguments\"") \
			DTRACE_PROBE(guestscope, name) _Pragma("clang diagnostic pop")
#else
#define GS_HOLDPOINT_PROBE(name) DTRACE_PROBE(guestscope, name)
#endif
#endif
#endif
#ifndef GS_HOLDPOINT_PROBE
#define GS_HOLDPOINT_PROBE(name) ((void)0)
#endif

#define GS_HOLDPOINT_LOAD(value) __atomic_load_n(&(value), __ATOMIC_RELAXED)

/* Behind the call stands something, lest it becomes a jump: then the caller had no frame. */
#define GS_HOLDPOINT(name)                                                               \
	do {                                                                             \
		static struct gs_holdpoint gs_holdpoint_##name = {                       \
			#name, __FILE__, __func__, __LINE__, GS_HOLDPOINT_UNREAD, 0, 0}; \
		GS_HOLDPOINT_PROBE(name);                                                \
		if (__builtin_expect(GS_HOLDPOINT_LOAD(gs_holdpoint_gate), 0)) {         \
			gs_holdpoint_hold(&gs_holdpoint_##name);                         \
			__asm__ volatile("" ::: "memory");                               \
		}                                                                        \
	} while (0)

#ifdef __cplusplus
extern "C" {
#endif

enum {
	GS_HOLDPOINT_NAMED = -2,  /* those that the environment names */
	GS_HOLDPOINT_UNREAD = -1, /* not looked yet */
	GS_HOLDPOINT_OFF = 0,
	GS_HOLDPOINT_ALL = 1,
};
/* One for a program and the libraries that it is linked with. */
extern volatile int gs_holdpoint_gate;
__attribute__((weak, visibility("default"))) volatile int gs_holdpoint_gate = GS_HOLDPOINT_UNREAD;

struct gs_holdpoint {
	const char *name, *file, *function;
	int line;
	int named;  /* by the environment: 1, 0, or UNREAD */
	int told;   /* the process that has last said that it is held here; -: that it is not */
	int passed; /* the process that has last gone on from here */
};

/* ---- the rest is the inside ---- */

#define GS_HOLDPOINT_INSIDE static __attribute__((unused))
#define GS_HOLDPOINT_TICK_NS 100000000

/* Strict C does not show these; who has seen them must not be warned. */
#ifndef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
extern char **environ;
extern long syscall(long number, ...);
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
#define GS_HOLDPOINT_AS(type, value) type(value)
#else
#define GS_HOLDPOINT_AS(type, value) ((type)(value))
#endif
#define GS_HOLDPOINT_LONG(value) GS_HOLDPOINT_AS(long, value)

#if !defined(__x86_64__) && !defined(__aarch64__) || defined(__ILP32__)
#define GS_HOLDPOINT_PORTABLE
#endif

/*
 * The C library's functions would do, but are cancellation points, may be intercepted, and put a
 * frame in which a debugger, just attached, does not find `hold`. (The nop, as what comes next may
 * be of an inlined function, and so another frame.) @ret: -errno on failure.
 */
#ifdef GS_HOLDPOINT_PORTABLE /* what architectures without a way of their own do */
#define GS_HOLDPOINT_SYSCALL(ret, number, a, b, c, d) \
	do {                                          \
		(ret) = syscall(number, a, b, c, d);  \
		if ((ret) == -1)                      \
			(ret) = -errno;               \
	} while (0)
#elif defined(__x86_64__)
#define GS_HOLDPOINT_SYSCALL(ret, number, a, b, c, d)                                       \
	do {                                                                                \
		register long gs_holdpoint_d __asm__("r10") = (d);                          \
		__asm__ volatile("syscall\n\tnop"                                           \
				 : "=a"(ret)                                                \
				 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(gs_holdpoint_d) \
				 : "rcx", "r11", "memory");                                 \
	} while (0)
#else /* aarch64 */
#define GS_HOLDPOINT_SYSCALL(ret, number, a, b, c, d)                                             \
	do {                                                                                      \
		register long gs_holdpoint_a __asm__("x0") = (a);                                 \
		register long gs_holdpoint_b __asm__("x1") = (b);                                 \
		register long gs_holdpoint_c __asm__("x2") = (c);                                 \
		register long gs_holdpoint_d __asm__("x3") = (d);                                 \
		register long gs_holdpoint_n __asm__("x8") = (number);                            \
		__asm__ volatile("svc #0\n\tnop"                                                  \
				 : "+r"(gs_holdpoint_a)                                           \
				 : "r"(gs_holdpoint_b), "r"(gs_holdpoint_c), "r"(gs_holdpoint_d), \
				   "r"(gs_holdpoint_n)                                            \
				 : "memory");                                                     \
		(ret) = gs_holdpoint_a;                                                           \
	} while (0)
#endif

GS_HOLDPOINT_INSIDE long gs_holdpoint_syscall(long number, long a, long b, long c)
{
	long ret;

	GS_HOLDPOINT_SYSCALL(ret, number, a, b, c, 0L);
	return ret;
}

GS_HOLDPOINT_INSIDE long long gs_holdpoint_now_ms(void)
{
	long now[2] = {0, 0}; /* the kernel's struct timespec */

	gs_holdpoint_syscall(SYS_clock_gettime, 1 /* CLOCK_MONOTONIC */, GS_HOLDPOINT_LONG(now), 0);
	return now[0] * 1000LL + now[1] / 1000000;
}

/* Who traces this thread; 0: nobody, -1: not to be known. */
GS_HOLDPOINT_INSIDE __attribute__((noinline)) int gs_holdpoint_tracer(void)
{
	static const char path[] = "/proc/thread-self/status", key[] = "\nTracerPid:\t";
	char text[512]; /* it is the eighth line */
	size_t matched = 0;
	long fd, size, i;
	int tracer = 0, flags = O_RDONLY;

#ifdef O_CLOEXEC
	flags |= O_CLOEXEC;
#endif
	/* The path is absolute, so the folder is of no account. */
	fd = gs_holdpoint_syscall(SYS_openat, -1, GS_HOLDPOINT_LONG(path), flags);
	if (fd < 0)
		return -1;
	size = gs_holdpoint_syscall(SYS_read, fd, GS_HOLDPOINT_LONG(text), sizeof(text));
	gs_holdpoint_syscall(SYS_close, fd, 0, 0);
	for (i = 0; i < size && key[matched]; i++)
		matched = text[i] == key[matched] ? matched + 1 : text[i] == key[0];
	if (key[matched])
		return -1;
	for (; i < size && text[i] >= '0' && text[i] <= '9'; i++)
		tracer = tracer * 10 + (text[i] - '0');
	return tracer;
}

/* ---- what the environment wishes ---- */

/* Behind the "=", or NULL. A foreigner must not stop a program that has more rights than he has. */
GS_HOLDPOINT_INSIDE const char *gs_holdpoint_wish(void)
{
	static const char key[] = "GUESTSCOPE_HOLD=";
	char **entry;
	size_t i;

	if (gs_holdpoint_syscall(SYS_getuid, 0, 0, 0) !=
		    gs_holdpoint_syscall(SYS_geteuid, 0, 0, 0) ||
	    gs_holdpoint_syscall(SYS_getgid, 0, 0, 0) != gs_holdpoint_syscall(SYS_getegid, 0, 0, 0))
		return NULL;
	for (entry = environ; entry && *entry; entry++) {
		for (i = 0; key[i] && (*entry)[i] == key[i]; i++)
			;
		if (!key[i])
			return *entry + i;
	}
	return NULL;
}

GS_HOLDPOINT_INSIDE int gs_holdpoint_is_named(const char *wish, const char *name)
{
	size_t i = 0;

	while (wish) {
		for (i = 0; name[i] && wish[i] == name[i]; i++)
			;
		if (!name[i] && (!wish[i] || wish[i] == ',' || wish[i] == ':'))
			return 1;
		while (*wish && *wish != ',' && *wish != ':')
			wish++;
		if (*wish++ != ',')
			return 0;
	}
	return 0;
}

GS_HOLDPOINT_INSIDE int gs_holdpoint_seconds(const char *wish)
{
	int seconds = 0;

	while (wish && *wish && *wish != ':')
		wish++;
	if (!wish || !*wish || !wish[1])
		return 600;
	while (*++wish) {
		if (*wish < '0' || *wish > '9' || seconds > 9999999)
			return 600;
		seconds = seconds * 10 + (*wish - '0');
	}
	return seconds;
}

GS_HOLDPOINT_INSIDE int gs_holdpoint_is_armed(struct gs_holdpoint *point)
{
	int gate = GS_HOLDPOINT_LOAD(gs_holdpoint_gate), named = GS_HOLDPOINT_LOAD(point->named);

	if (gate == GS_HOLDPOINT_UNREAD) {
		int found = gs_holdpoint_wish() ? GS_HOLDPOINT_NAMED : GS_HOLDPOINT_OFF;

		/* Not over what a debugger has written. */
		if (__atomic_compare_exchange_n(&gs_holdpoint_gate, &gate, found, 0,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			gate = found;
	}
	if (gate != GS_HOLDPOINT_NAMED)
		return gate != GS_HOLDPOINT_OFF;
	if (named == GS_HOLDPOINT_UNREAD) {
		named = gs_holdpoint_is_named(gs_holdpoint_wish(), point->name);
		__atomic_store_n(&point->named, named, __ATOMIC_RELAXED);
	}
	return named;
}

/* ---- what is said ---- */

struct gs_holdpoint_text {
	size_t size;
	char data[1800]; /* a pipe takes up to 4096 bytes as one */
};

/* Up to 256 bytes, so that no long name takes the place of what comes after it. */
GS_HOLDPOINT_INSIDE void gs_holdpoint_put(struct gs_holdpoint_text *text, const char *string)
{
	size_t i;

	for (i = 0; string[i] && i < 256 && text->size < sizeof(text->data); i++)
		text->data[text->size++] = string[i];
}

GS_HOLDPOINT_INSIDE void gs_holdpoint_put_number(struct gs_holdpoint_text *text, size_t number,
						 size_t base)
{
	char digits[24];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	gs_holdpoint_put(text, digits + at);
}

/* With @number in the place of each "#" of @format. */
GS_HOLDPOINT_INSIDE void gs_holdpoint_put_with(struct gs_holdpoint_text *text, const char *format,
					       int number)
{
	char piece[2] = {'\0', '\0'};

	for (; *format; format++) {
		piece[0] = *format;
		if (*format == '#')
			gs_holdpoint_put_number(text, GS_HOLDPOINT_AS(size_t, number), 10);
		else
			gs_holdpoint_put(text, piece);
	}
}

/* At once, so that several are not mixed; not waiting for long, nor dying of SIGPIPE. */
GS_HOLDPOINT_INSIDE void gs_holdpoint_say(const struct gs_holdpoint_text *text)
{
	struct pollfd out = {2, POLLOUT, 0};
	long timeout[2] = {1, 0}, ret;

	GS_HOLDPOINT_SYSCALL(ret, SYS_ppoll, GS_HOLDPOINT_LONG(&out), 1L,
			     GS_HOLDPOINT_LONG(timeout), 0L);
	if (ret == 1 && out.revents == POLLOUT)
		gs_holdpoint_syscall(SYS_write, 2, GS_HOLDPOINT_LONG(text->data),
				     GS_HOLDPOINT_LONG(text->size));
}

/* How to attach, to the thread that is held if it is not the first, and how to let go. */
GS_HOLDPOINT_INSIDE void gs_holdpoint_put_lines(struct gs_holdpoint_text *text, int pid, int tid,
						const volatile int *hold)
{
	gs_holdpoint_put_with(text, "\n  debug     gdb -p #", pid);
	if (tid != pid) {
		gs_holdpoint_put(text, " -ex 'python [t.switch() for t in"
				       " gdb.selected_inferior().threads()");
		gs_holdpoint_put_with(text, " if t.ptid[1] == #]'", tid);
	}
	gs_holdpoint_put(text, " -ex 'frame function gs_holdpoint_hold'");
	gs_holdpoint_put_with(text, "\n            lldb -p #", pid);
	gs_holdpoint_put_with(text, "\n  release   gdb -p # -batch -ex 'set var *(int *)0x", pid);
	gs_holdpoint_put_number(text, GS_HOLDPOINT_AS(size_t, hold), 16);
	gs_holdpoint_put(text, " = 0'    (");
}

GS_HOLDPOINT_INSIDE void gs_holdpoint_put_left(struct gs_holdpoint_text *text, int seconds)
{
	if (seconds == 0)
		gs_holdpoint_put(text, "never by itself");
	else if (seconds < 120)
		gs_holdpoint_put_with(text, "by itself in # s", seconds);
	else
		gs_holdpoint_put_with(text, "by itself in # min", (seconds + 30) / 60);
	gs_holdpoint_put(text, ")\n");
}

/* The whole of it for the first thread that is held, a line for each that follows. */
GS_HOLDPOINT_INSIDE __attribute__((noinline)) void gs_holdpoint_say_held(struct gs_holdpoint *point,
									 int pid,
									 const volatile int *hold,
									 int seconds)
{
	int tid = GS_HOLDPOINT_AS(int, gs_holdpoint_syscall(SYS_gettid, 0, 0, 0));
	struct gs_holdpoint_text text;

	text.size = 0;
	gs_holdpoint_put_with(&text, "holdpoint: held #: ", pid);
	gs_holdpoint_put(&text, point->name);
	if (__atomic_exchange_n(&point->told, pid, __ATOMIC_RELAXED) == pid) {
		gs_holdpoint_put_with(&text, ", thread # too\n", tid);
		gs_holdpoint_say(&text);
		return;
	}
	gs_holdpoint_put(&text, "\n  at        ");
	gs_holdpoint_put(&text, point->function);
	gs_holdpoint_put(&text, ", ");
	gs_holdpoint_put(&text, point->file);
	gs_holdpoint_put_with(&text, ":#", point->line);
	gs_holdpoint_put_lines(&text, pid, tid, hold);
	gs_holdpoint_put_left(&text, seconds);
	gs_holdpoint_say(&text);
}

/* @format is about @number, if it is about one. */
GS_HOLDPOINT_INSIDE __attribute__((noinline)) void gs_holdpoint_say_of(
	const struct gs_holdpoint *point, int pid, const char *format, int number)
{
	struct gs_holdpoint_text text;

	text.size = 0;
	gs_holdpoint_put_with(&text, "holdpoint: #: ", pid);
	gs_holdpoint_put(&text, point->name);
	gs_holdpoint_put_with(&text, format, number);
	gs_holdpoint_say(&text);
}

/* ---- the wait ---- */

/* Whether @point is to be passed without a wait: not armed, had already, or no use. */
GS_HOLDPOINT_INSIDE int gs_holdpoint_passes(struct gs_holdpoint *point, int pid)
{
	int tracer;

	if (GS_HOLDPOINT_LOAD(point->passed) == pid)
		return 1;
	tracer = gs_holdpoint_tracer();
	if (tracer > 0 && __atomic_exchange_n(&point->told, -pid, __ATOMIC_RELAXED) != -pid)
		gs_holdpoint_say_of(point, pid, ": not held, as # traces it\n", tracer);
	return tracer > 0;
}

/* The first thread that leaves says why, and takes the others with it. */
GS_HOLDPOINT_INSIDE void gs_holdpoint_pass(struct gs_holdpoint *point, int pid, int tracer,
					   int late)
{
	if (__atomic_exchange_n(&point->passed, pid, __ATOMIC_RELAXED) == pid)
		return;
	if (tracer > 0)
		gs_holdpoint_say_of(point, pid, ": debugged by #\n", tracer);
	else
		gs_holdpoint_say_of(point, pid,
				    late ? ": released: its time is over\n" : ": released\n", 0);
}

/*
 * The pause stands here and not in a function, as the debugger's first frame is where it is. That
 * somebody traces it must be seen twice: a tracer that seizes has not stopped it yet.
 */
GS_HOLDPOINT_INSIDE __attribute__((noinline, cold)) void gs_holdpoint_hold(
	struct gs_holdpoint *point)
{
	volatile int hold = 1;
	int saved_errno = errno, pid, seconds, tracer = 0, before = 0, late = 0;
	long tick[2] = {0, GS_HOLDPOINT_TICK_NS}, ret;
	long long start_ms;

	if (!gs_holdpoint_is_armed(point))
		goto out;
	pid = GS_HOLDPOINT_AS(int, gs_holdpoint_syscall(SYS_getpid, 0, 0, 0));
	if (gs_holdpoint_passes(point, pid))
		goto out;
	seconds = gs_holdpoint_seconds(gs_holdpoint_wish());
	start_ms = gs_holdpoint_now_ms();
	gs_holdpoint_say_held(point, pid, &hold, seconds);
	while (hold && GS_HOLDPOINT_LOAD(gs_holdpoint_gate) && !late &&
	       (tracer <= 0 || before <= 0) && GS_HOLDPOINT_LOAD(point->passed) != pid) {
		GS_HOLDPOINT_SYSCALL(ret, SYS_nanosleep, GS_HOLDPOINT_LONG(tick), 0L, 0L, 0L);
		before = tracer;
		tracer = gs_holdpoint_tracer();
		late = seconds && gs_holdpoint_now_ms() - start_ms >= seconds * 1000LL;
	}
	gs_holdpoint_pass(point, pid, tracer, late && hold);
	(void)ret;
out:
	errno = saved_errno;
}

#ifdef __cplusplus
}
#endif

#endif
