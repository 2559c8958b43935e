/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool: guest memory dumps. This file is its table of commands. */
#include "dumptool.h"

static const struct gs_option convert_options[] = {
	DUMPTOOL_OUTPUT_OPTIONS, DUMPTOOL_INPUT_OPTIONS, {0}};

static const struct gs_option info_options[] = {DUMPTOOL_INPUT_OPTIONS, {0}};

static const struct gs_option notes_options[] = {
	{.name = "vmcoreinfo", .help = "print the guest kernel's VMCOREINFO text"},
	DUMPTOOL_INPUT_OPTIONS,
	{0}};

static const struct gs_command commands[] = {
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
	 .run = cmd_convert},
	{.name = "info",
	 .arguments = "FILE...",
	 .summary = "show what a dump is and what it holds",
	 .options = info_options,
	 .min_args = 1,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_info},
	{.name = "notes",
	 .arguments = "FILE...",
	 .summary = "list a dump's notes: CPUs, VMCOREINFO",
	 .options = notes_options,
	 .min_args = 1,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_notes},
	{0},
};

int main(int argc, char **argv)
{
	static const struct gs_tool tool = {
		.name = "dumptool",
		.summary = "write, convert and look into dumps of guest memory",
		.commands = commands,
	};

	return gs_tool_main(&tool, argc, argv);
}
