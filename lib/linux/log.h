/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the generations of the kernel log share: reading it in order, and handing records out. */
#ifndef GUESTSCOPE_LINUX_LOG_H
#define GUESTSCOPE_LINUX_LOG_H

#include <guestscope/linux.h>

/* More is no log, but damage: the kernel's default is 128 KiB, large machines have 16 MiB. */
#define LOG_MAX_BYTES (UINT64_C(256) << 20)

/* A record's length has 16 bits, and a ring has a number of 4 or 8 bytes in front of it. */
#define LOG_RECORD_MAX (65536 + 8)

#define LOG_LOST_MAX 4096

#define LOG_WINDOW_BYTES 65536u

/*
 * A stretch of kernel memory that is read mostly in order: large steps are read at once, as each
 * read of a live guest takes a millisecond.
 */
struct log_window {
	uint64_t vaddr, size; /* of the stretch */
	uint64_t start;       /* offset in it of bytes[0] */
	uint32_t filled;      /* 0: nothing there */
	bool torn;            /* the step at start cannot be read as a whole */
	uint8_t bytes[LOG_WINDOW_BYTES];
};

struct log_walk {
	struct gs_linux *l;
	bool big_endian;
	unsigned int word; /* sizeof(long), bytes */
	gs_log_fn fn;
	void *arg;
	bool stopped; /* by fn */
	uint64_t lost;
	uint8_t record[LOG_RECORD_MAX]; /* room for one */
	struct log_window windows[3];   /* for the walk's own use */
};

/* @size bytes (at most LOG_RECORD_MAX) at @off of the stretch. CORRUPT beyond its end. */
GS_MUST_CHECK struct gs_error *gs_log_window_read(struct log_walk *walk, struct log_window *window,
						  uint64_t off, void *buf, size_t size);

/* An unsigned number of @width bytes (0: a word) in the kernel's memory. */
GS_MUST_CHECK struct gs_error *gs_log_read_uint(struct log_walk *walk, uint64_t vaddr,
						unsigned int width, uint64_t *ret);
/* The same, of a variable that VMCOREINFO names. NODATA: it does not. */
GS_MUST_CHECK struct gs_error *gs_log_read_symbol(struct log_walk *walk, const char *name,
						  unsigned int width, uint64_t *ret);
/* SIZE(name) or OFFSET(name) of VMCOREINFO. NODATA: it has none. */
GS_MUST_CHECK struct gs_error *gs_log_layout(const struct log_walk *walk, const char *kind,
					     const char *name, uint64_t *ret);

/*
 * Set facility and level from the two bytes behind a record's lengths: the facility, then a byte of
 * bit fields, flags in the first five bits and the level in the other three.
 */
void gs_log_set_level(const struct log_walk *walk, const uint8_t *bytes,
		      struct gs_log_record *record);

/* Hand out a record. */
GS_MUST_CHECK struct gs_error *gs_log_tell(struct log_walk *walk,
					   const struct gs_log_record *record);
/*
 * Count a record as lost. CORRUPT when so many are that there is no log: looking for the rest of
 * it in a running guest would take too long.
 */
GS_MUST_CHECK struct gs_error *gs_log_lose(struct log_walk *walk);

/* The generations; each a file. */
GS_MUST_CHECK struct gs_error *gs_log_walk_ring(struct log_walk *walk);    /* 5.10 and later */
GS_MUST_CHECK struct gs_error *gs_log_walk_records(struct log_walk *walk); /* 3.5 to 5.9 */
GS_MUST_CHECK struct gs_error *gs_log_walk_lines(struct log_walk *walk);   /* before 3.5 */

#endif
