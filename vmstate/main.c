/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmstate: what the state of devices is made of. This file is its table of commands. */
#include "vmstate.h"

static const struct gs_option show_options[] = {
	{.name = "tree", .help = "with DEVICE: also what is in its structs and subsections"}, {0}};

static const struct gs_command commands[] = {
	{.name = "show",
	 .arguments = "FILE [DEVICE]",
	 .summary = "show the devices of an export, or what one of them saves",
	 .details =
		 "FILE is what QEMU's -dump-vmstate writes, or that as xz has packed it. DEVICE is "
		 "a type, or the name that the stream has for it.\n\n"
		 "BYTES are those of a migration stream: 8+ is 8 or more, ? not to be known from "
		 "an "
		 "export. Conditional parts are not counted among them. Variable arrays and lists "
		 "look like one element, and QEMU before 8.1 does not tell the length of any array."
		 "\n\n  vmstate show q35.json.xz e1000e --tree",
	 .options = show_options,
	 .min_args = 1,
	 .max_args = 2,
	 .takes_json = true,
	 .run = cmd_show},
	{.name = "lint",
	 .arguments = "FILE...",
	 .summary = "find mistakes in the descriptions of an export",
	 .details =
		 "Errors are what is never sent, or cannot be loaded even by the QEMU that saved "
		 "it: exit 1. Remarks are descriptions without fields, and devices that refuse "
		 "to be saved.",
	 .min_args = 1,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_lint},
	{0},
};

int main(int argc, char **argv)
{
	static const struct gs_tool tool = {
		.name = "vmstate",
		.summary = "look into what QEMU's devices put into a migration stream",
		.commands = commands,
		.complete = complete,
	};

	return gs_tool_main(&tool, argc, argv);
}
