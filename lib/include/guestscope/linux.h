/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be known of a Linux guest from nothing but its memory and VMCOREINFO. */
#ifndef GUESTSCOPE_LINUX_H
#define GUESTSCOPE_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/memory.h>
#include <guestscope/symbols.h>

/*
 * VMCOREINFO: lines "KEY=value" and "KIND(name)=value" that the kernel exports for dump tools
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst). SYMBOL is hex; OFFSET, SIZE, LENGTH decimal;
 * NUMBER decimal and signed (a few kernels print hex: see gs_vmcoreinfo_number()). Hostile text:
 * lines that do not parse are skipped.
 */
struct gs_vmcoreinfo;
GS_MUST_CHECK struct gs_error *gs_vmcoreinfo_parse(const char *text, size_t size,
						   struct gs_vmcoreinfo **ret);
void gs_vmcoreinfo_destroy(struct gs_vmcoreinfo *v);
GS_DEFINE_CLEANUP(struct gs_vmcoreinfo *, gs_vmcoreinfo_destroy)

/* Value text of a whole key ("OSRELEASE", "SYMBOL(_stext)"), or NULL. */
const char *gs_vmcoreinfo_get(const struct gs_vmcoreinfo *v, const char *key);
bool gs_vmcoreinfo_symbol(const struct gs_vmcoreinfo *v, const char *name, uint64_t *vaddr_ret);
/* kind: "OFFSET", "SIZE" or "LENGTH"; name as "page.flags" or "list_head". */
bool gs_vmcoreinfo_count(const struct gs_vmcoreinfo *v, const char *kind, const char *name,
			 uint64_t *ret);
bool gs_vmcoreinfo_number(const struct gs_vmcoreinfo *v, const char *name, int64_t *ret);

/* The guest's kernel, found in its memory. */
struct gs_linux {
	struct gs_memory *mem;      /* borrowed */
	struct gs_vmcoreinfo *info; /* owned */
	enum gs_arch arch;
	char utsname[GS_UTSNAME_FIELDS][GS_UTSNAME_SIZE];
	uint32_t page_size; /* the kernel's: may be less than the blocks of the dump */
	bool has_phys_base;
	int64_t phys_base;    /* as in gs_attributes */
	gs_gpa_t root_gpa;    /* top-level page table; 0: none found */
	unsigned int levels;  /* of page tables: 2 to 5 */
	unsigned int va_bits; /* that they translate */
	bool has_direct_map;
	/*
	 * Virtual address of guest physical 0, which need not be RAM nor be mapped itself: modulo
	 * 2^64 it gives those of all RAM.
	 */
	uint64_t direct_map;
	uint64_t text_vaddr,
		text_size; /* _stext..., the part that is mapped in one piece; size 0 unknown */
	gs_gpa_t text_gpa;
};

/*
 * Look at @mem's VMCOREINFO and page tables. NODATA: no VMCOREINFO, or nothing of it fits this
 * memory (not a Linux guest, or a stale note): the message says which. What could not be found out
 * is left unset; callers must look.
 */
GS_MUST_CHECK struct gs_error *gs_linux_open(struct gs_memory *mem, struct gs_linux **ret);
/* The same with VMCOREINFO of other origin, be there one in @mem or not. */
GS_MUST_CHECK struct gs_error *gs_linux_open_with(struct gs_memory *mem, const char *text,
						  size_t size, struct gs_linux **ret);
void gs_linux_close(struct gs_linux *l);
GS_DEFINE_CLEANUP(struct gs_linux *, gs_linux_close)

/*
 * Walk x86_64 page tables (4 and 5 levels, 1 GiB and 2 MiB pages) from @root_gpa. NODATA: not
 * mapped; names the level. *left_ret: bytes up to the end of that page; may be NULL.
 */
GS_MUST_CHECK struct gs_error *gs_x86_64_walk(struct gs_memory *mem, gs_gpa_t root_gpa,
					      unsigned int levels, uint64_t vaddr,
					      gs_gpa_t *gpa_ret, uint64_t *left_ret);
/* Whether aarch64 has page tables for pages of that size and addresses of so many bits. */
bool gs_aarch64_has(uint32_t page_size, unsigned int va_bits);
/*
 * The same for aarch64's tables of the kernel's half (TTBR1), of pages of 4, 16 or 64 KiB. Levels
 * are counted as above: the last one is 1.
 */
GS_MUST_CHECK struct gs_error *gs_aarch64_walk(struct gs_memory *mem, gs_gpa_t root_gpa,
					       uint32_t page_size, unsigned int va_bits,
					       uint64_t vaddr, gs_gpa_t *gpa_ret,
					       uint64_t *left_ret);
/*
 * By the kernel's own tables. NODATA: not mapped; *left_ret (may be NULL) is set then too: bytes up
 * to where the missing entry's reach ends.
 */
GS_MUST_CHECK struct gs_error *gs_linux_translate(struct gs_linux *l, uint64_t vaddr,
						  gs_gpa_t *gpa_ret, uint64_t *left_ret);
/* Read @size bytes of kernel virtual memory. */
GS_MUST_CHECK struct gs_error *gs_linux_read(struct gs_linux *l, uint64_t vaddr, void *buf,
					     size_t size);

/*
 * The part of the memory's ranges that the kernel owns as RAM: those in sections of mem_map that
 * are present. Leaves out ROM and video memory above it, as /proc/vmcore does, and as makedumpfile
 * must have it. NODATA if the kernel has no sparse mem_map that we can read. The caller frees *ret.
 */
GS_MUST_CHECK struct gs_error *gs_linux_system_ram(struct gs_linux *l, struct gs_range **ret,
						   size_t *count_ret);

/*
 * Look for a VMCOREINFO text in the memory itself: a page that holds an ELF note named VMCOREINFO,
 * or begins with "OSRELEASE=". Reads all memory with @threads (0: one per CPU). Of several, the
 * lowest whose symbols fit the page tables is taken; where page tables are not known, the lowest.
 * NODATA: none. A cancel gives OS "stopped". *text_ret (NUL-terminated) is the caller's.
 */
GS_MUST_CHECK struct gs_error *gs_vmcoreinfo_scan(struct gs_memory *mem, unsigned int threads,
						  const _Atomic int *cancelled, char **text_ret,
						  size_t *size_ret);
/*
 * The same in two steps, where pages come faster from a source than by reads: @src (borrowed) is
 * read to its end, and of the places that looked like one the right one picked.
 */
struct gs_vmcoreinfo_places;
GS_MUST_CHECK struct gs_error *gs_vmcoreinfo_look(struct gs_page_source *src, bool big_endian,
						  unsigned int threads,
						  const _Atomic int *cancelled,
						  struct gs_vmcoreinfo_places **ret);
GS_MUST_CHECK struct gs_error *gs_vmcoreinfo_pick(struct gs_memory *mem,
						  const struct gs_vmcoreinfo_places *places,
						  char **text_ret, size_t *size_ret);
void gs_vmcoreinfo_places_destroy(struct gs_vmcoreinfo_places *places);
GS_DEFINE_CLEANUP(struct gs_vmcoreinfo_places *, gs_vmcoreinfo_places_destroy)

/*
 * The text of a VMCOREINFO that comes as such, as ELF notes with one among them, or as what
 * /sys/kernel/vmcoreinfo points at. CORRUPT names @path and what it should hold. *text_ret
 * (NUL-terminated) is the caller's.
 */
GS_MUST_CHECK struct gs_error *gs_vmcoreinfo_load(const char *path, char **text_ret,
						  size_t *size_ret);

/*
 * What the kernel's mem_map (struct page; sparsemem, with or without vmemmap) says of each page, in
 * the classes of makedumpfile's dump level. Whatever is not known for sure is KERNEL.
 */
enum gs_page_class {
	GS_PAGE_UNMAPPED,      /* no struct page: not RAM of the kernel's */
	GS_PAGE_KERNEL,        /* in use, and none of the below */
	GS_PAGE_CACHE,         /* page cache without private data */
	GS_PAGE_CACHE_PRIVATE, /* page cache with private data (buffer heads, say) */
	GS_PAGE_USER,          /* memory of processes: anonymous, hugetlbfs */
	GS_PAGE_FREE,          /* in the buddy allocator */
	GS_PAGE_HWPOISON,      /* broken memory: must not be read */
	GS_PAGE_OFFLINE,       /* logically offline: ballooned, unplugged by virtio-mem */
	GS_PAGE_CLASS_COUNT
};
#define GS_PAGE_CLASS_UNKNOWN GS_PAGE_CLASS_COUNT         /* where no kernel could be asked */
const char *gs_page_class_name(enum gs_page_class class); /* "cache-private"; also "unknown" */

struct gs_page_map;
/*
 * NODATA names what VMCOREINFO or the memory lacks; UNSUPPORTED: a kernel without sparsemem. @l is
 * borrowed.
 */
GS_MUST_CHECK struct gs_error *gs_page_map_open(struct gs_linux *l, struct gs_page_map **ret);
void gs_page_map_close(struct gs_page_map *map);
GS_DEFINE_CLEANUP(struct gs_page_map *, gs_page_map_close)
/*
 * Classes (enum gs_page_class) of the pages [@first, @first + @count). Thread-safe. Runs that begin
 * and end at multiples of gs_page_map_stride() pages are the cheapest.
 */
GS_MUST_CHECK struct gs_error *gs_page_map_classify(struct gs_page_map *map, gs_pfn_t first,
						    uint64_t count, uint8_t *class_ret);
uint64_t gs_page_map_stride(const struct gs_page_map *map); /* pages; a section */
/*
 * How many pages from @first on are UNMAPPED without a look at each section, as a dump may claim
 * far more memory than the kernel has; 0: that one has to be classified. Thread-safe.
 */
uint64_t gs_page_map_unmapped(struct gs_page_map *map, gs_pfn_t first);

/*
 * The kernel log: printk's lockless ring of records (5.10 and later), the records in log_buf (3.5
 * to 5.9) or the lines in it (before), found by VMCOREINFO alone.
 */
struct gs_log_record {
	uint64_t sequence; /* the kernel's own; before 5.10 counted from the oldest one left */
	bool has_timestamp;
	uint64_t timestamp_ns; /* since boot; not always in order */
	uint8_t level;         /* 0 emergency ... 7 debug */
	uint8_t facility;
	bool has_caller;
	uint32_t caller;  /* thread id, or CPU number with bit 31 set */
	const char *text; /* any bytes, lines parted by '\n'; valid during the call */
	size_t text_size;
};
/*
 * Calls @fn for each record, oldest first; its error ends that. Damaged records, and what a running
 * guest overwrites meanwhile, are passed over; *lost_ret (may be NULL) counts those. NODATA:
 * VMCOREINFO does not tell where the log is. CORRUPT: it is not there, or cannot be followed to its
 * end; *lost_ret is set then, too.
 */
typedef struct gs_error *(*gs_log_fn)(void *arg, const struct gs_log_record *record);
GS_MUST_CHECK struct gs_error *gs_linux_log(struct gs_linux *l, gs_log_fn fn, void *arg,
					    uint64_t *lost_ret);

/*
 * Nanoseconds since 1970 at which the log's timestamps begin, to half a second: from what the
 * kernel logged when it set its clock from the RTC (as UTC; later corrections of the clock are not
 * in it). NODATA: the log does not have that, or not any more.
 */
GS_MUST_CHECK struct gs_error *gs_linux_boot_time(struct gs_linux *l, int64_t *ns_ret);
/*
 * "Linux version RELEASE (builder) (compiler) #1 ...", out of the log or the kernel's text; one
 * line of any bytes, the caller's. NODATA: it is in neither.
 */
GS_MUST_CHECK struct gs_error *gs_linux_banner(struct gs_linux *l, char **ret);

/*
 * The kernel's own symbol table (kallsyms), read out of its memory with the help of VMCOREINFO
 * (kernels from 6.0 on export where it is). NODATA: not there, or not exported.
 */
GS_MUST_CHECK struct gs_error *gs_linux_kallsyms(struct gs_linux *l, struct gs_symbols **ret);
/*
 * Move a kernel's symbols as they were linked (vmlinux, System.map) to where KASLR put this kernel,
 * by _stext, else by KERNELOFFSET. False: neither is known, and the symbols stay.
 */
bool gs_linux_place_symbols(struct gs_linux *l, struct gs_symbols *symbols);
/* BUILD-ID of VMCOREINFO (kernels from 5.9 on); false: none. */
bool gs_linux_build_id(const struct gs_linux *l, struct gs_build_id *ret);

/*
 * Through whose eyes addresses are meant. All is borrowed. With a CPU they are its own linear ones,
 * by the paging mode and the tables that its registers name: any guest's, user memory too. With a
 * kernel, the kernel's. With neither, guest physical ones.
 */
struct gs_view {
	struct gs_memory *mem;
	struct gs_linux *kernel;        /* or NULL */
	const struct gs_registers *cpu; /* or NULL */
};
/* Bytes side by side of which the same is known. */
struct gs_view_run {
	uint64_t address, size;
	bool mapped;          /* has physical addresses; else why_not says what is missing */
	gs_gpa_t gpa;         /* of the first byte, if mapped; the others follow it */
	enum gs_extent state; /* of the physical memory, if mapped */
	char why_not[80];
};
/*
 * The run that begins at @address, at most @size_max bytes (not 0, and not past 2^64) long.
 * UNSUPPORTED: the translation is not known here: page tables of another architecture, or those of
 * a CPU whose notes do not tell where they are.
 */
GS_MUST_CHECK struct gs_error *gs_view_next(const struct gs_view *view, uint64_t address,
					    uint64_t size_max, struct gs_view_run *ret);

#endif
