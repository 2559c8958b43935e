/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmstate: what the state of devices is made of. This file is its table of commands. */
#include "html.h"
#include "vmstate.h"

static const struct gs_option export_options[] = {
	{.name = "qemu",
	 .argument = "BIN",
	 .help = "the QEMU binary (default: the one of this host's architecture)"},
	{.name = "output", .letter = 'o', .argument = "FILE", .help = "default: standard output"},
	{.name = "force", .help = "replace an existing output file"},
	{.name = "plain", .help = "only what QEMU's -dump-vmstate writes, byte for byte"},
	{.name = "no-cache", .help = "run the binary in any case, and keep nothing"},
	{.name = "timeout",
	 .argument = "TIME",
	 .help = "give the binary so long, each of the two times that it is run (default: 30 s)"},
	{0}};

static const struct gs_option show_options[] = {
	{.name = "tree", .help = "with DEVICE: also what is in its structs and subsections"}, {0}};

static const struct gs_option diff_options[] = {VMSTATE_USED_OPTIONS, HTML_OPTIONS, {0}};

static const struct gs_option check_options[] = {
	{.name = "format",
	 .argument = "FORMAT",
	 .help = "how to report (default: text)",
	 .values = "text|json|sarif|junit"},
	{.name = "direction",
	 .argument = "WAY",
	 .help = "forward: from A to B; backward: from B to A (default: both)",
	 .values = "forward|backward|both"},
	{.name = "devices",
	 .argument = "LIST",
	 .help = "the types that a guest has, separated by commas: nothing else is judged"},
	VMSTATE_USED_OPTIONS,
	{.name = "machine",
	 .argument = "MACHINE",
	 .help = "whether both have it, and what it sets of properties that may decide"},
	{.name = "strict",
	 .help = "judge devices of boards without versions as strictly as all others"},
	{.name = "fail-on",
	 .argument = "VERDICT",
	 .help = "exit 1 for a device with it or a worse one (default: break)",
	 .values = "silent|break|conditional|unknown|info|never"},
	{.name = "baseline",
	 .argument = "FILE",
	 .help = "findings that do not count: a line each of id, last day, reason"},
	{.name = "write-baseline",
	 .argument = "FILE",
	 .help = "waive what fails today: begin such a FILE"},
	{.name = "reason", .argument = "TEXT", .help = "with --write-baseline: why"},
	{.name = "expires",
	 .argument = "YYYY-MM-DD",
	 .help = "with --write-baseline: the last day on which it is waived"},
	{.name = "force", .help = "replace an existing baseline"},
	{.name = "compat-script",
	 .help = "complain of what QEMU's vmstate-static-checker.py would; exit: how often"},
	{0}};

static const struct gs_option matrix_options[] = {
	HTML_OPTIONS,
	{.name = "direction",
	 .argument = "WAY",
	 .help = "forward: to those named later; backward: from them (default: both)",
	 .values = "forward|backward|both"},
	VMSTATE_USED_OPTIONS,
	{.name = "strict",
	 .help = "judge devices of boards without versions as strictly as all others"},
	{.name = "fail-on",
	 .argument = "VERDICT",
	 .help = "exit 1 for a device with it or a worse one (default: break)",
	 .values = "silent|break|conditional|unknown|info|never"},
	{0}};

static const struct gs_command commands[] = {
	{.name = "export",
	 .summary = "write down what a QEMU binary says of the state of its devices",
	 .details =
		 "No guest is started: the binary writes down its descriptions and says over QMP "
		 "what else is to be known: its version, its machines and, from QEMU 9.1 on, what "
		 "each of them changes of the devices' properties. A FILE that ends in .xz is "
		 "packed.\n\nAn export is kept, below $XDG_CACHE_HOME/guestscope, until the binary "
		 "or its modules change.\n\n  vmstate export --qemu ./qemu-system-aarch64 -o "
		 "new.json.xz",
	 .options = export_options,
	 .run = cmd_export},
	{.name = "show",
	 .arguments = "FILE [DEVICE]",
	 .summary = "show the devices of an export, or what one of them saves",
	 .details =
		 "FILE is an export, as vmstate or QEMU's -dump-vmstate writes it, maybe packed "
		 "by xz, gzip or zstd; or a QEMU binary, which is then exported. DEVICE is a type, "
		 "or the name that the stream has for it.\n\n"
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
	{.name = "diff",
	 .arguments = "FILE FILE [DEVICE]...",
	 .summary = "show what two exports say differently",
	 .details =
		 "All of it, device by device: what was added, removed, renamed, moved, or became "
		 "other bytes. DEVICE is a type, or the name that the stream has for it.\n\n"
		 "Fields are the same if they have the same name, or else the same bytes at the "
		 "same place. Whether a stream can be loaded is another question.\n\n"
		 "  vmstate diff 7.2.json.xz 10.0.json.xz e1000e\n"
		 "  vmstate diff --html -o diff.html 7.2.json.xz 10.0.json.xz",
	 .options = diff_options,
	 .min_args = 2,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_diff},
	{.name = "check",
	 .arguments = "FILE FILE [DEVICE]...",
	 .summary = "judge whether one QEMU can load what another one saves",
	 .details =
		 "A, the first, and B, the second, are exports or QEMU binaries. Both ways are "
		 "judged, device by device; "
		 "exit 1 if one of them fails. Verdicts, the worst first:\n\n"
		 "  SILENT       it loads, but values are in other fields than they were\n"
		 "  BREAK        it never loads\n"
		 "  CONDITIONAL  it depends: the report says on what\n"
		 "  UNKNOWN      the exports do not tell\n"
		 "  INFO         it loads, and there is something to say\n"
		 "  OK           it loads\n\n"
		 "Reported is what can go wrong; with -v, or DEVICE (a type, or the name that the "
		 "stream has for it), everything.\n\n"
		 "  vmstate check 7.2.json.xz qemu-system-x86_64 --direction forward",
	 .options = check_options,
	 .min_args = 2,
	 .max_args = -1,
	 .takes_json = true,
	 .run = cmd_check},
	{.name = "matrix",
	 .arguments = "A B...",
	 .summary = "show which machines' guests go from which QEMU to which",
	 .details =
		 "Each of A, B, ... is a QEMU binary, or an export; exports by vmstate tell their "
		 "machines. For each pair, a row is a machine (versions that say the same are "
		 "one), "
		 "and a cell the worst verdict of vmstate check on a device, with how many devices "
		 "have it. Exit 1 if a pair that has a machine in common fails.\n\n"
		 "What devices save is described alike for all machines. What a machine changes "
		 "are "
		 "properties, as QEMU tells from 9.1 on; those are listed that may decide "
		 "something "
		 "that is found, by their names.\n\n"
		 "  vmstate matrix old.json.xz qemu-system-x86_64\n"
		 "  vmstate matrix --html -o matrix.html 8.2.json.xz 9.2.json.xz 10.0.json.xz",
	 .options = matrix_options,
	 .min_args = 2,
	 .max_args = 16,
	 .takes_json = true,
	 .run = cmd_matrix},
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
