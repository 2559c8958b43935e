/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool: guest memory dumps. This file is its table of commands. */
#include "dumptool.h"

static const struct gs_option dump_options[] = {
	DUMPTOOL_OUTPUT_OPTIONS,
	DUMPTOOL_VMCOREINFO_OPTION,
	{.name = "engine",
	 .letter = 'e',
	 .argument = "ENGINE",
	 .help = "how memory is taken (default: auto, the fastest that works)",
	 .values = "auto|direct|stream|qemu"},
	{.name = "min-pause",
	 .help = "copy memory, let the guest run, and only then write the file"},
	{.name = "spool-max",
	 .argument = "SIZE",
	 .help = "room for that copy (default: half of the memory that is available)"},
	{.name = "max-pause",
	 .argument = "TIME",
	 .help = "give up rather than let the guest stand still for longer (\"2s\", \"500ms\")"},
	{.name = "live", .help = "do not stop the guest: the dump is not one instant"},
	{.name = "on",
	 .argument = "EVENT,...",
	 .help = "wait for one of these QMP events of the guest, and dump then"},
	{.name = "count",
	 .argument = "N",
	 .help = "with --on: dump N times; %n in the name of FILE is the number (default: 1)"},
	{.name = "crash", .help = "end the guest (quit) once the dump is complete"},
	{.name = "reset", .help = "reset the guest once the dump is complete"},
	{.name = "dry-run", .help = "estimate the size of the file and the pause; write nothing"},
	{0}};

static const struct gs_option verify_options[] = {
	{.name = "sum", .help = "also a checksum of the memory, the same for every format"},
	{.name = "reference",
	 .argument = "FILE",
	 .help = "also compare with this dump page by page"},
	{.name = "threads", .argument = "N", .help = "worker threads (default: one per CPU)"},
	DUMPTOOL_FILE_OPTIONS,
	{0}};

static const struct gs_option convert_options[] = {
	DUMPTOOL_OUTPUT_OPTIONS, DUMPTOOL_INPUT_OPTIONS, {0}};

static const struct gs_option info_options[] = {
	{.name = "pages", .help = "read all pages, to tell which are zero or unreadable"},
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_option notes_options[] = {
	{.name = "vmcoreinfo", .help = "print the guest kernel's VMCOREINFO text"},
	DUMPTOOL_FILE_OPTIONS,
	{0}};

static const struct gs_option dmesg_options[] = {
	{.name = "level",
	 .letter = 'l',
	 .argument = "LIST",
	 .help = "only these, as in err,warn; err+ is err and all that is worse"},
	{.name = "decode", .letter = 'x', .help = "show facility and level in words"},
	{.name = "raw", .letter = 'r', .help = "show them as numbers, <6>, in front of each line"},
	{.name = "caller", .help = "show the thread or CPU that spoke, as [    T1] or [    C0]"},
	{.name = "time",
	 .argument = "FORMAT",
	 .help = "time as seconds since boot (raw, the default), or by the wall clock",
	 .values = "raw|ctime|iso"},
	{.name = "tail", .argument = "N", .help = "only the last N records"},
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_option regs_options[] = {
	{.name = "cpu", .argument = "N", .help = "only CPU N, counted from 0"},
	DUMPTOOL_SYMBOLS_OPTION,
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_option compare_options[] = {
	{.name = "list", .help = "list every run of pages that differ"},
	{.name = "threads", .argument = "N", .help = "worker threads (default: one per CPU)"},
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_option split_options[] = {
	{.name = "parts", .letter = 'n', .argument = "N", .help = "how many parts, 2 to 256"},
	{.name = "output",
	 .letter = 'o',
	 .argument = "PATTERN",
	 .help = "names of the parts: %d becomes 1, 2, 3...; without one the number is appended"},
	{.name = "format",
	 .letter = 'f',
	 .argument = "FORMAT",
	 .help = "convert to this format first (default for what is no kdump file: kdump-zlib)",
	 .values = "kdump-zlib|kdump-lzo|kdump-snappy|kdump-zstd|kdump-raw"},
	{.name = "threads",
	 .argument = "N",
	 .help = "worker threads of a conversion (default: one per CPU)"},
	{.name = "force", .help = "replace existing output files"},
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_option join_options[] = {
	{.name = "output",
	 .letter = 'o',
	 .argument = "FILE",
	 .help = "where to write; - is standard output (the file is then flattened)"},
	{.name = "force", .help = "replace an existing output file"},
	{.name = "spool-dir",
	 .argument = "DIR",
	 .help = "where indexes that do not fit into memory are kept meanwhile (default: "
		 "/var/tmp)"},
	{0}};

static const struct gs_option read_options[] = {
	{.name = "virt", .help = "ADDR is a virtual address of the kernel's, or a symbol"},
	{.name = "cpu",
	 .argument = "N",
	 .help = "ADDR is a virtual address as CPU N, counted from 0, translates it"},
	{.name = "raw", .help = "the bytes as they are, on standard output"},
	DUMPTOOL_SYMBOLS_OPTION,
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_option map_options[] = {
	{.name = "output",
	 .letter = 'o',
	 .argument = "FILE",
	 .help = "draw an SVG picture into FILE; - is standard output"},
	{.name = "cell", .argument = "SIZE", .help = "memory per cell, a power of two"},
	{.name = "threads", .argument = "N", .help = "worker threads (default: one per CPU)"},
	{.name = "force", .help = "replace an existing output file"},
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_option open_options[] = {
	{.name = "with",
	 .argument = "READER",
	 .help = "what to open it with (default: crash)",
	 .values = "crash|drgn|gdb"},
	{.name = "vmlinux", .argument = "FILE", .help = "the kernel's symbols"},
	{.name = "debug-dir",
	 .argument = "DIR",
	 .help = "look for vmlinux there first",
	 .repeat = true},
	{.name = "debuginfod", .help = "download vmlinux by debuginfod-find, if it is not here"},
	{.name = "print", .help = "print the command line that would be run; do nothing"},
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_option repair_options[] = {
	{.name = "output",
	 .letter = 'o',
	 .argument = "FILE",
	 .help = "write a repaired copy, which is never flattened"},
	{.name = "in-place", .help = "repair the file itself, with a journal beside it"},
	{.name = "dry-run", .help = "only say what is wrong, and what it should be"},
	{.name = "vmcoreinfo",
	 .argument = "FILE",
	 .help = "add this VMCOREINFO text to a kdump file that has none"},
	{.name = "ranges",
	 .argument = "WHICH",
	 .help = "of kdump files: drop pages that are no RAM of the guest's kernel (system, the "
		 "default where it is known), or keep all",
	 .values = "system|all"},
	{.name = "force", .help = "replace an existing output file"},
	{.name = "spool-dir",
	 .argument = "DIR",
	 .help = "where indexes that do not fit into memory are kept meanwhile (default: "
		 "/var/tmp)"},
	{0}};

static const struct gs_command commands[] = {
	{.name = "dump",
	 .arguments = "-o FILE",
	 .summary = "dump the memory of a running guest",
	 .details =
		 "The guest stands still meanwhile and runs again afterwards, whatever happens to "
		 "dumptool; one that was found paused stays paused.\n\n"
		 "Engine direct reads the memory of the QEMU process, where that is allowed. "
		 "Engine stream: QEMU writes ELF into a pipe, and we make any of our formats of "
		 "it. Engine qemu: QEMU's own writer, in the formats that it was built with; kdump "
		 "files come flattened.\n\n"
		 "--dry-run reads samples of the guest's memory: with engines other than direct "
		 "it stops for some milliseconds.",
	 .options = dump_options,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_dump},
	{.name = "capabilities",
	 .summary = "show what engines and formats a guest allows",
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_capabilities},
	{.name = "convert",
	 .arguments = "FILE... -o FILE",
	 .summary = "write a dump in another format",
	 .details = "FILE is an ELF, kdump or flattened dump, - for standard input, or the parts "
		    "of a split kdump in any order; with --raw-base it is a plain image.\n"
		    "\n"
		    "ELF output carries the kernel's virtual addresses where they can be found, "
		    "as gdb and drgn want them; holes stand for zero pages.\n",
	 .options = convert_options,
	 .min_args = 1,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_convert},
	{.name = "split",
	 .arguments = "FILE... -n N -o PATTERN",
	 .summary = "write a dump as a set of smaller kdump files",
	 .details = "The parts take about the same room, and are laid out as makedumpfile does it: "
		    "crash opens all of them together, and join, or makedumpfile's reassemble, "
		    "makes one file of them again.\n\n"
		    "The pages of a kdump file are copied as they are stored. Any other dump, or "
		    "with --format, is converted first.",
	 .options = split_options,
	 .min_args = 1,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_split},
	{.name = "join",
	 .arguments = "PART... -o FILE",
	 .summary = "make one file of the parts of a split dump",
	 .details = "PARTs are all files of one set, in any order; their pages are copied as they "
		    "are stored.",
	 .options = join_options,
	 .min_args = 2,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_join},

	{.name = "repair",
	 .arguments = "FILE",
	 .summary = "put right the headers of a dump, or what is left of one",
	 .details =
		 "What the headers should say comes from the dump's own content: utsname and "
		 "phys_base (QEMU leaves the one empty and gets the other wrong), the place of "
		 "VMCOREINFO, ROM and video memory that make makedumpfile lose pages, the place of "
		 "an ELF file's program headers and their virtual addresses. Of a file that was "
		 "cut "
		 "readers get what there is.\n\n"
		 "An interrupted repair in place is finished by the next one.",
	 .options = repair_options,
	 .min_args = 1,
	 .max_args = 1,
	 .takes_json = true,
	 .run = cmd_repair},
	{.name = "info",
	 .arguments = "[FILE...]",
	 .summary = "show what a dump, or a live guest's memory, is and holds",
	 .options = info_options,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_info},
	{.name = "dmesg",
	 .arguments = "[FILE...]",
	 .summary = "print the kernel log that is in the guest's memory",
	 .details =
		 "Needs no vmlinux. Without options it prints what makedumpfile prints."
		 "\n\n"
		 "The wall clock is known from what the kernel logged when it set its clock from "
		 "the RTC: to half a second, as UTC, and before later corrections.",
	 .options = dmesg_options,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_dmesg},
	{.name = "regs",
	 .arguments = "[FILE...]",
	 .summary = "show the registers of a dump's, or a live guest's, CPUs",
	 .details = "What the notes of the dump carry: general registers; of x86 also segments, "
		    "descriptor tables and control registers, of Arm also floating point. Values "
		    "that are addresses of the kernel's are shown by name.",
	 .options = regs_options,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_regs},
	{.name = "read",
	 .arguments = "[FILE] ADDR [LEN]",
	 .summary = "show bytes of a dump's, or with -g a live guest's, memory",
	 .details =
		 "ADDR is a guest physical address, or with --virt or --cpu a virtual one, there "
		 "also SYMBOL or SYMBOL+OFFSET. Numbers are decimal, 0x hex, or hex of 16 digits "
		 "as printed here. LEN takes K, M, G; without it 256 bytes are shown.",
	 .options = read_options,
	 .min_args = 1,
	 .max_args = 3,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_read},
	{.name = "notes",
	 .arguments = "[FILE...]",
	 .summary = "list a dump's notes: CPUs, VMCOREINFO",
	 .options = notes_options,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_notes},
	{.name = "map",
	 .arguments = "[FILE...]",
	 .summary = "draw what is where in a dump's, or a live guest's, memory",
	 .details =
		 "Rows of cells by address: what the kernel uses pages for, which are zero, free, "
		 "left out or unreadable, and how well they compressed. On a terminal each cell "
		 "shows the two kinds that it has most of; without colour, a letter.",
	 .options = map_options,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_map},
	{.name = "open",
	 .arguments = "FILE... [-- ARGS...]",
	 .summary = "start crash, drgn or gdb on a dump",
	 .details = "vmlinux is found by the build-id that the dump tells. What the reader cannot "
		    "read is converted first, into a file that is gone when the reader ends. ARGS "
		    "are the reader's own. The exit status is the reader's.\n\n"
		    "  dumptool open vm.flat --with drgn -- script.py",
	 .options = open_options,
	 .min_args = 1,
	 .max_args = -1,
	 .run = cmd_open},
	{.name = "verify",
	 .arguments = "FILE...",
	 .summary = "check a dump: its structure, and every page",
	 .details =
		 "The file is judged by its raw bytes, apart from the readers of the other "
		 "commands. Each finding has a stable code and a severity; the exit status is 1 if "
		 "one of them is an error.\n\n"
		 "The sum is over the non-zero 4 KiB units of memory by guest physical address: "
		 "equal sums and equal ranges mean equal memory, in whatever format. That of a "
		 "plain image is had with --raw-base.",
	 .options = verify_options,
	 .min_args = 1,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_verify},
	{.name = "compare",
	 .arguments = "FILE [FILE]",
	 .summary = "find the pages that differ between two dumps",
	 .details =
		 "The second one is a dump, or with -g a live guest, which goes on running. "
		 "Formats "
		 "do not matter. Pages are counted by what the first guest's kernel used them for, "
		 "where that can be told.\n\n"
		 "The exit status is 0 if the memories are the same, and 1 if they differ.",
	 .options = compare_options,
	 .min_args = 1,
	 .max_args = 2,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_compare},
	{0},
};

int main(int argc, char **argv)
{
	static const struct gs_tool tool = {
		.name = "dumptool",
		.summary = "take, convert, look into and check dumps of guest memory",
		.commands = commands,
		.complete = complete,
	};

	return gs_tool_main(&tool, argc, argv);
}
