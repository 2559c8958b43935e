/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What everyone who has guest memory offers, and the two shapes in which it travels.
 *
 * A *memory* answers random reads: an ELF or kdump file, a raw image, a live guest. A *page source*
 * hands the same bytes out once, in address order: made from any memory, or a pipe. A *selection*
 * says which pages a job keeps.
 */
#ifndef GUESTSCOPE_MEMORY_H
#define GUESTSCOPE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

typedef uint64_t gs_gpa_t; /* guest physical address */
typedef uint64_t gs_pfn_t; /* guest physical address / page size */

/* [start, start + size) of guest physical memory; size > 0 and no wrap past 2^64. */
struct gs_range {
	gs_gpa_t start;
	uint64_t size; /* bytes */
};

/* Sort and merge touching and overlapping ranges in place; returns the new count. */
size_t gs_ranges_normalize(struct gs_range *ranges, size_t count);
/* Index of the range that holds @gpa, else of the first one above it (count if none). Binary
 * search. */
size_t gs_ranges_find(const struct gs_range *ranges, size_t count, gs_gpa_t gpa);
uint64_t gs_ranges_total_bytes(const struct gs_range *ranges, size_t count);
/* What lies in both lists (both normalized); the caller frees *ret. */
GS_MUST_CHECK struct gs_error *gs_ranges_intersect(const struct gs_range *a, size_t a_count,
						   const struct gs_range *b, size_t b_count,
						   struct gs_range **ret, size_t *count_ret);

enum gs_arch {
	GS_ARCH_UNKNOWN,
	GS_ARCH_X86_64,
	GS_ARCH_I386,
	GS_ARCH_AARCH64,
	GS_ARCH_ARM,
	GS_ARCH_PPC64,
	GS_ARCH_PPC,
	GS_ARCH_S390X,
	GS_ARCH_RISCV64,
	GS_ARCH_RISCV32,
	GS_ARCH_LOONGARCH64,
	GS_ARCH_MIPS,
	GS_ARCH_MIPS64,
	GS_ARCH_COUNT,
};

/* One row per architecture: the only place that relates names, ELF numbers and widths. */
struct gs_arch_info {
	const char *name;   /* "x86_64": what uname -m says */
	uint16_t e_machine; /* ELF */
	bool is_64bit;
	uint32_t page_size;        /* the usual one, bytes */
	bool has_other_page_sizes; /* that a kernel may have been built for */
	uint32_t prstatus_size;    /* sizeof(struct elf_prstatus), bytes; 0 unknown */
	uint32_t prstatus_pid_off; /* pr_pid in it */
	uint32_t prstatus_reg_off; /* pr_reg in it */
	uint8_t reg_pc, reg_sp;    /* index in pr_reg; equal: unknown */
};
const struct gs_arch_info *gs_arch_info(enum gs_arch arch); /* never NULL */
enum gs_arch gs_arch_from_machine(uint16_t e_machine, bool is_64bit, bool big_endian);
enum gs_arch gs_arch_from_name(const char *utsname_machine); /* i386..i686 fold; UNKNOWN if new */

#define GS_PAGE_SIZE_MAX (256u << 10)
/*
 * PAGESIZE of a VMCOREINFO text (hostile; NULL: none), if @arch has kernels of other page sizes
 * than the usual one, and it is one; else 0.
 */
uint32_t gs_arch_kernel_page_size(enum gs_arch arch, const char *vmcoreinfo, size_t size);

#define GS_UTSNAME_FIELDS 6 /* sysname nodename release version machine domainname */
#define GS_UTSNAME_SIZE 65
enum {
	GS_UTS_SYSNAME,
	GS_UTS_NODENAME,
	GS_UTS_RELEASE,
	GS_UTS_VERSION,
	GS_UTS_MACHINE,
	GS_UTS_DOMAINNAME
};

/* What is known of the guest besides its bytes. Everything may be absent. Texts are hostile. */
struct gs_attributes {
	enum gs_arch arch;
	bool is_64bit; /* ELF class; widths of the guest's native structs */
	bool big_endian;
	/*
	 * Bytes, a power of two >= 4096: the kernel's, if VMCOREINFO says it and the dump can be
	 * seen in such pages, else that of the dump, else the architecture's usual one.
	 */
	uint32_t page_size;
	uint32_t block_size; /* kdump: what is left out is left out in these units; else 0 */
	uint32_t cpu_count;
	bool has_phys_base;
	/*
	 * x86_64: kernel text's physical minus link-time address; aarch64: PHYS_OFFSET, the
	 * physical address at which the direct map begins. Either may be < 0.
	 */
	int64_t phys_base;
	char utsname[GS_UTSNAME_FIELDS][GS_UTSNAME_SIZE]; /* NUL-terminated; "" unknown */
	uint8_t *notes;    /* ELF notes as they came: 12-byte headers, name and desc padded to 4, */
	size_t notes_size; /* guest's byte order; owned */
	char *vmcoreinfo;  /* the text (inside or outside notes), NUL-terminated copy; owned or NULL
			    */
	size_t vmcoreinfo_size; /* bytes without that NUL */
	uint8_t *eraseinfo;     /* makedumpfile's erase text; owned or NULL */
	size_t eraseinfo_size;
	uint32_t dump_level;   /* makedumpfile's -d as recorded; 0 when nothing was left out */
	bool incomplete;       /* the writer said that it did not finish */
	bool live;             /* taken while the guest ran: not one instant; from a note */
	int64_t timestamp_sec; /* when it was taken; 0 unknown */
	int32_t timestamp_usec;
};

void gs_attributes_deinit(struct gs_attributes *attrs);
GS_MUST_CHECK struct gs_error *gs_attributes_copy(const struct gs_attributes *from,
						  struct gs_attributes *ret);

/* Limits that hostile input meets before anything is allocated. */
#define GS_RANGES_MAX (1u << 20)       /* ranges of one memory */
#define GS_NOTES_MAX_BYTES (64u << 20) /* notes of one dump */
#define GS_VMCOREINFO_MAX_BYTES (1u << 20)
#define GS_GPA_MAX (UINT64_C(1) << 52) /* exclusive: no architecture here goes beyond */

/* Set page_size by arch, block_size and vmcoreinfo. */
void gs_attributes_set_page_size(struct gs_attributes *attrs);
/*
 * Replace VMCOREINFO by @text (hostile; more than GS_VMCOREINFO_MAX_BYTES is INVALID): the copy in
 * attrs->vmcoreinfo, and the note among attrs->notes, which is added where there was none. The page
 * size follows.
 */
GS_MUST_CHECK struct gs_error *gs_attributes_set_vmcoreinfo(struct gs_attributes *attrs,
							    const char *text, size_t size);

/*
 * One ELF note inside a notes blob. Pointers are borrowed from the blob.
 */
struct gs_note {
	const char *name; /* as stored, without the final NUL; not NUL-terminated */
	size_t name_size;
	uint32_t type;
	const uint8_t *desc;
	size_t desc_size;
	uint64_t off; /* of the note header in the blob */
};
#define GS_NT_PRSTATUS 1
/* Ours: name "guestscope", no desc. Readers pass over notes of names that they do not know. */
#define GS_NT_LIVE 1
/*
 * Steps through a blob: start with *pos = 0. At the end *found_ret is false. CORRUPT names the
 * offset and leaves *pos past the blob.
 */
GS_MUST_CHECK struct gs_error *gs_note_next(const uint8_t *notes, size_t size, bool big_endian,
					    size_t *pos, struct gs_note *note_ret, bool *found_ret);
bool gs_note_is(const struct gs_note *note, const char *name, uint32_t type);

/* What a note tells of a CPU. */
struct gs_cpu {
	bool has_number;
	uint32_t number; /* from 1, as QEMU and gdb count */
	uint64_t pc, sp;
	bool has_cr3;
	uint64_t cr3;
};
/*
 * CORE/PRSTATUS of the architecture (number, pc, sp) and QEMU's own of x86 (pc, sp, cr3); false for
 * other notes, and for those of an unexpected size.
 */
bool gs_note_cpu(const struct gs_note *note, enum gs_arch arch, bool big_endian,
		 struct gs_cpu *ret);
/* Say in a note (GS_NT_LIVE) that the memory is not of one instant. */
GS_MUST_CHECK struct gs_error *gs_attributes_mark_live(struct gs_attributes *attrs);
/* Fill cpu_count, vmcoreinfo, live from attrs->notes; damaged notes are kept and skipped. */
GS_MUST_CHECK struct gs_error *gs_attributes_read_notes(struct gs_attributes *attrs);

/*
 * The registers of a CPU, as the notes of a dump carry them: PRSTATUS, QEMU's own note of x86, and
 * floating point where its layout is known. Named as the architecture's debuggers do.
 */
enum gs_register_group {
	GS_REGISTERS_GENERAL, /* with program counter and flags */
	GS_REGISTERS_SEGMENT, /* x86: "cs.selector", "cs.base", "gdt.limit", ... */
	GS_REGISTERS_CONTROL, /* x86: cr0...; s390x: access registers */
	GS_REGISTERS_VECTOR,  /* floating point and SIMD, with their status */
	GS_REGISTER_GROUP_COUNT
};
struct gs_register {
	const char *name; /* static */
	enum gs_register_group group;
	uint8_t width;      /* bytes: 2, 4, 8 or 16 */
	uint64_t low, high; /* the value; high: its bits from 64 on */
};
#define GS_REGISTERS_MAX 96
struct gs_registers {
	enum gs_arch arch;
	uint32_t cpu; /* from 0, in the order of the notes: QEMU's own numbers */
	size_t count;
	struct gs_register list[GS_REGISTERS_MAX];
};
#define GS_REGISTER_NOTES_MAX 2 /* kinds of notes that one CPU's registers come from */
struct gs_registers_walk {      /* {0} begins */
	uint32_t cpu;
	size_t pos[GS_REGISTER_NOTES_MAX];
};
/*
 * Steps from CPU to CPU; *found_ret is false behind the last. Where two notes tell of a register
 * QEMU's own counts. UNSUPPORTED for an architecture whose layouts are not known here. A note of an
 * unexpected size is passed over, and what is behind a damaged one is not seen.
 */
GS_MUST_CHECK struct gs_error *gs_registers_next(const struct gs_attributes *attrs,
						 struct gs_registers_walk *walk,
						 struct gs_registers *ret, bool *found_ret);
/* The registers of one CPU. NODATA "no CPU 7: the notes tell of 2". */
GS_MUST_CHECK struct gs_error *gs_registers_of_cpu(const struct gs_attributes *attrs, uint32_t cpu,
						   struct gs_registers *ret);
/* The (low part of the) value; false if there is no such register. */
bool gs_registers_get(const struct gs_registers *regs, const char *name, uint64_t *ret);
const char *gs_register_group_name(enum gs_register_group group); /* "general" */
/* The name of the register that is the program counter; NULL if none. */
const char *gs_registers_pc_name(const struct gs_registers *regs);

/* What a CPU was doing. Names are static; NULL where the notes do not tell. */
struct gs_cpu_mode {
	const char *name;       /* "long", "compatibility", "protected", "virtual-8086", "real",
				   "AArch64", "svc", ... */
	const char *privilege;  /* "user", "kernel", "hypervisor", "monitor" */
	const char *level_kind; /* "ring" or "EL"; NULL: the architecture has no such */
	unsigned int level;
};
struct gs_cpu_mode gs_registers_mode(const struct gs_registers *regs);

/* What is known of an address without reading. */
enum gs_extent {
	GS_EXTENT_DATA,     /* readable */
	GS_EXTENT_ZERO,     /* reads as zero; nobody needs to look */
	GS_EXTENT_EXCLUDED, /* RAM whose page was left out of the dump: read gives NODATA */
	GS_EXTENT_HOLE,     /* no RAM: outside all ranges */
};

struct gs_memory {
	const struct gs_memory_ops *ops;
	char *name; /* for messages: the path, or the guest's name; owned */
	struct gs_attributes attrs;
	struct gs_range *ranges; /* sorted, disjoint, not touching; owned */
	size_t range_count;
};

struct gs_memory_ops {
	const char *format; /* "elf", "kdump", "raw", "guest" */
	/*
	 * @size bytes at @gpa, all inside one range. Thread-safe. NODATA where excluded. Errors
	 * name the file themselves, as a memory may be made of several.
	 */
	struct gs_error *(*read)(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size);
	/*
	 * For a @gpa inside a range: what is known, and up to where (> @gpa, at most @limit) that
	 * holds. Cheap; thread-safe. NULL: all is DATA.
	 */
	struct gs_error *(*extent)(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
				   enum gs_extent *ret, gs_gpa_t *end_ret);
	void (*destroy)(
		struct gs_memory *mem); /* what lies behind ops; not name, attrs, ranges, mem */
};

/* Any span inside the ranges; NODATA "0x..: not in any range / excluded from the dump". */
GS_MUST_CHECK struct gs_error *gs_memory_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf,
					      size_t size);
/* Any @gpa < GS_GPA_MAX, HOLE between ranges; runs of one kind are not necessarily maximal. */
GS_MUST_CHECK struct gs_error *gs_memory_extent(struct gs_memory *mem, gs_gpa_t gpa,
						enum gs_extent *ret, gs_gpa_t *end_ret);
void gs_memory_destroy(struct gs_memory *mem);
GS_DEFINE_CLEANUP(struct gs_memory *, gs_memory_destroy)

/*
 * A chunk: the unit of work of a job. It never crosses a range.
 *  - DATA: at most GS_CHUNK_BYTES, not crossing a GS_CHUNK_BYTES border; page[i] says what the i-th
 *    page (counted from the page that holds gpa) is; pages that are not DATA have no valid bytes.
 *  - ZERO, EXCLUDED: a run of any length, no bytes at all.
 */
#define GS_CHUNK_BYTES (UINT64_C(1) << 20)
#define GS_CHUNK_PAGES_MAX (GS_CHUNK_BYTES / 4096 + 1)

struct gs_chunk {
	gs_gpa_t gpa;
	uint64_t size;                    /* bytes */
	enum gs_extent kind;              /* DATA, ZERO or EXCLUDED */
	uint8_t page[GS_CHUNK_PAGES_MAX]; /* enum gs_extent */
	const uint8_t *data;              /* size bytes once loaded; NULL unless kind is DATA */
	uint8_t *buffer; /* GS_CHUNK_BYTES of room, page aligned, brought by the caller */
	uint64_t cookie; /* the source's own */
};

struct gs_page_source {
	const struct gs_page_source_ops *ops;
	const struct gs_range
		*ranges; /* what it will hand out; borrowed, lives as long as the source */
	size_t range_count;
	uint32_t page_size;
};

struct gs_page_source_ops {
	/* The next chunk, or *end_ret. One caller at a time, in address order; a pipe reads here.
	 */
	struct gs_error *(*next)(struct gs_page_source *src, struct gs_chunk *chunk, bool *end_ret);
	/* Make chunk->data valid. Any thread, any order; for a pipe there is nothing left to do. */
	struct gs_error *(*load)(struct gs_page_source *src, struct gs_chunk *chunk);
	void (*destroy)(struct gs_page_source *src);
};

/*
 * Over a borrowed memory. @ranges restricts it (normalized, within the memory's ranges, borrowed);
 * NULL: all of them.
 */
GS_MUST_CHECK struct gs_error *gs_memory_source(struct gs_memory *mem,
						const struct gs_range *ranges, size_t range_count,
						struct gs_page_source **ret);
GS_MUST_CHECK struct gs_error *gs_page_source_next(struct gs_page_source *src,
						   struct gs_chunk *chunk, bool *end_ret);
GS_MUST_CHECK struct gs_error *gs_page_source_load(struct gs_page_source *src,
						   struct gs_chunk *chunk);
void gs_page_source_destroy(struct gs_page_source *src);
GS_DEFINE_CLEANUP(struct gs_page_source *, gs_page_source_destroy)

/*
 * Which pages a job keeps: all pages that the ranges touch, less those marked as dropped. Memory is
 * spent on populated stretches only: a terabyte of dropped or of kept pages costs next to nothing.
 * Marking is not thread-safe; asking is.
 */
struct gs_selection;
GS_MUST_CHECK struct gs_error *gs_selection_create(const struct gs_range *ranges, size_t count,
						   uint32_t page_size, struct gs_selection **ret);
void gs_selection_destroy(struct gs_selection *sel);
GS_DEFINE_CLEANUP(struct gs_selection *, gs_selection_destroy)

GS_MUST_CHECK struct gs_error *gs_selection_copy(const struct gs_selection *sel,
						 struct gs_selection **ret);
GS_MUST_CHECK struct gs_error *gs_selection_drop(struct gs_selection *sel, gs_pfn_t first,
						 uint64_t count);
const struct gs_range *gs_selection_ranges(const struct gs_selection *sel, size_t *count_ret);
uint32_t gs_selection_page_size(const struct gs_selection *sel);
bool gs_selection_keeps(const struct gs_selection *sel, gs_pfn_t pfn);
/*
 * The next run of kept pages that begins in [@pfn, @limit): [*first_ret, *first_ret + *count_ret),
 * which may go beyond @limit; count 0: there is none. Who wants to know of a few pages only says
 * so by @limit, as the next kept one may be far away. Runs are maximal within the walk's own
 * blocks, so callers merge neighbours if they care.
 */
void gs_selection_next(const struct gs_selection *sel, gs_pfn_t pfn, gs_pfn_t limit,
		       gs_pfn_t *first_ret, uint64_t *count_ret);
uint64_t gs_selection_kept_pages(const struct gs_selection *sel);
uint64_t gs_selection_total_pages(const struct gs_selection *sel); /* touched by the ranges */
gs_pfn_t gs_selection_end_pfn(const struct gs_selection *sel);     /* exclusive; max_mapnr */

/*
 * The pages of @mem that @sel keeps, as a source over the selection's ranges: all others are
 * EXCLUDED and never read, nor asked about. Both are borrowed.
 */
GS_MUST_CHECK struct gs_error *gs_selection_source(struct gs_memory *mem,
						   const struct gs_selection *sel,
						   struct gs_page_source **ret);

/*
 * Room into which the kept pages of a memory are copied when it cannot be had for long (a paused
 * guest). Address space for @max_bytes is reserved, of which @ready_bytes are populated at once, so
 * that copying meets no page faults.
 */
struct gs_page_spool;
GS_MUST_CHECK struct gs_error *gs_page_spool_create(uint64_t max_bytes, uint64_t ready_bytes,
						    struct gs_page_spool **ret);
void gs_page_spool_destroy(struct gs_page_spool *spool);
GS_DEFINE_CLEANUP(struct gs_page_spool *, gs_page_spool_destroy)
/* How much of it the last fill took. */
uint64_t gs_page_spool_used_bytes(const struct gs_page_spool *spool);
/*
 * Copy with @threads at once (0: one per CPU). Zero pages take no room, and *ret knows them as
 * ZERO. *ret has the name, attributes and ranges of @mem, which is not needed any more, and what is
 * not kept is EXCLUDED; it borrows the spool. NODATA: the pages do not fit; that may be found when
 * up to an eighth is still free, as each thread has its own part. A spool may be filled again once
 * *ret is destroyed.
 */
GS_MUST_CHECK struct gs_error *gs_page_spool_fill(
	struct gs_page_spool *spool, struct gs_memory *mem, const struct gs_selection *sel,
	unsigned int threads, const _Atomic int *cancelled, struct gs_memory **ret);

#endif
