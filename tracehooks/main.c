/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tracehooks: hold processes so that a debugger can attach. This file is its table of commands. */
#include "tracehooks.h"

#define WHO                                                                                      \
	{.name = "exec",                                                                         \
	 .argument = "GLOB",                                                                     \
	 .help = "hold programs of that name, or, with a slash in it, of that path"},            \
		{.name = "argv",                                                                 \
		 .argument = "REGEX",                                                            \
		 .help = "hold those whose arguments, joined by spaces, match"},                 \
		{.name = "uid", .argument = "UID", .help = "hold those of that effective user"}, \
	{                                                                                        \
		.name = "parent", .argument = "PID|GLOB",                                        \
		.help = "hold those that this process, or one of that name, has forked"          \
	}

#define DEPTH                                                                         \
	{                                                                             \
		.name = "depth", .argument = "N",                                     \
		.help = "hold those that are at most N forks below the first process" \
	}

#define WHICH                                                                                      \
	{.name = "nth", .argument = "N", .help = "hold the Nth that fits (default: 1)"},           \
		{.name = "every", .help = "hold all that fit, from the Nth on"},                   \
	{                                                                                          \
		.name = "hold-max", .argument = "TIME",                                            \
		.help = "release what no debugger has come for by then; 0: never (default: 10min)" \
	}

#define WHERE                                                                                \
	{.name = "at",                                                                       \
	 .argument = "WHERE",                                                                \
	 .values = "exec|main",                                                              \
	 .help = "hold them before anything of them has run (default), or in main"},         \
	{                                                                                    \
		.name = "fail", .argument = "HOW", .values = "open|hold",                    \
		.help = "if we are killed, what is held runs on (default), or stays stopped" \
	}

#define HOW                                                                                  \
	{                                                                                    \
		.name = "wrap", .argument = "CMD",                                           \
		.help = "do not hold: have CMD (valgrind, strace, ...) run it; blanks part " \
			"CMD's words"                                                        \
	}

static const struct gs_option run_options[] = {WHO, DEPTH, WHICH, WHERE, HOW, {0}};
static const struct gs_option watch_options[] = {
	{.name = "exe", .argument = "FILE", .help = "the program; or the script, where it is one"},
	WHO,
	WHICH,
	WHERE,
	HOW,
	{0}};
static const struct gs_option attach_options[] = {WHO, DEPTH, WHICH, WHERE, HOW, {0}};

static const struct gs_option hold_options[] = {
	{.name = "thread", .help = "the thread alone stops (this is so without it)"},
	{.name = "process", .help = "all threads of the process stop with it"},
	{.name = "if",
	 .argument = "COND",
	 .help = "hold calls of which this is true: arg0 == 3 && arg1 == \"vda\", ..."},
	{.name = "nth", .argument = "N", .help = "hold the Nth that fits (default: 1)"},
	{.name = "every", .help = "hold all that fit, from the Nth on"},
	{.name = "all", .letter = 'a', .help = "all places that the name means"},
	{.name = "pending", .help = "also in libraries that it loads later"},
	{.name = "debuginfod",
	 .help = "ask debuginfod servers for symbols first: may take minutes"},
	{.name = "mechanism",
	 .argument = "perf|int3",
	 .help = "hardware breakpoints, or breakpoint instructions (default: perf, if it can be)"},
	{.name = "hold-max",
	 .argument = "TIME",
	 .help = "release what no debugger has come for by then; 0: never (default: 10min)"},
	{0}};

static const struct gs_option release_options[] = {
	{.name = "all", .letter = 'a', .help = "release all"},
	{.name = "stale",
	 .help = "release those whose keeper was killed: continue what it has left stopped, "
		 "and take its breakpoints out of their code"},
	{0}};

static const struct gs_option tree_options[] = {
	{.name = "pid", .argument = "PID", .help = "a process that runs, and its descendants"},
	{.name = "no-wait", .help = "wait for COMMAND alone, not for daemons that it leaves"},
	{.name = "svg", .help = "draw a picture"},
	{.name = "output",
	 .letter = 'o',
	 .argument = "FILE",
	 .help = "write it there; a picture if the name ends with .svg"},
	{.name = "force", .help = "replace an existing output file"},
	{0}};

static const struct gs_command commands[] = {
	{.name = "run",
	 .arguments = "-- COMMAND [ARG]...",
	 .summary = "run a command, and hold what it starts",
	 .details = "Every descendant that fits is held when it has become another program, before "
		    "anything of that has run; the others run on, and so does who has started it. "
		    "Without a filter that is COMMAND itself. The exit status is COMMAND's.\n\n"
		    "Ctrl-C releases all.\n\n"
		    "  tracehooks run --exec 'qemu-system-*' --argv guest= -- virsh create vm.xml",
	 .options = run_options,
	 .takes_json = true,
	 .run = cmd_run},
	{.name = "watch",
	 .arguments = "--exe FILE",
	 .summary = "hold who executes a file, whoever starts it",
	 .details =
		 "For root. Whoever executes FILE is held, if he fits, when he has become that "
		 "program, before anything of it has run. Who starts him is not traced, and may "
		 "have "
		 "a debugger of his own. An upgrade may replace FILE: the new one is watched then. "
		 "Ctrl-C releases all.\n\n"
		 "  tracehooks watch --exe /usr/bin/qemu-system-x86_64 --argv guest=web1",
	 .options = watch_options,
	 .takes_json = true,
	 .run = cmd_watch},
	{.name = "attach",
	 .arguments = "PID",
	 .summary = "hold what a running process starts",
	 .details =
		 "PID and its descendants are traced until tracehooks ends: no debugger can attach "
		 "to them meanwhile. Descendants whose parents have ended already are not found.",
	 .options = attach_options,
	 .min_args = 1,
	 .max_args = 1,
	 .takes_json = true,
	 .run = cmd_attach},
	{.name = "hold",
	 .arguments = "PID FUNC|FILE:LINE|LIB!SYMBOL|0xADDRESS",
	 .summary = "hold a thread of a running process where it calls a function",
	 .details = "The thread stops at the function's first instruction, with its arguments; the "
		    "others run on. PID is traced until then, so no debugger can attach to it "
		    "meanwhile. A name that means several places is refused, and they are listed. "
		    "Ctrl-C releases all.\n\n"
		    "  tracehooks hold \"$(pidof libvirtd)\" virCommandRun\n"
		    "  tracehooks hold 4711 'libssl.so.3!SSL_write' --if 'arg2 > 1000'",
	 .options = hold_options,
	 .min_args = 2,
	 .max_args = 2,
	 .takes_json = true,
	 .run = cmd_hold},
	{.name = "list", .summary = "list what is held", .takes_json = true, .run = cmd_list},
	{.name = "show",
	 .arguments = "ID",
	 .summary = "show where a hold comes from, and its command line",
	 .min_args = 1,
	 .max_args = 1,
	 .takes_json = true,
	 .run = cmd_show},
	{.name = "debug",
	 .arguments = "ID [gdb|lldb|strace|COMMAND...]",
	 .summary = "hand a held process over to a debugger",
	 .details =
		 "The debugger (default: gdb) is started with what makes the first continue work, "
		 "and leaves the process running when it quits. Options of it stand behind \"--\". "
		 "Of another COMMAND, {} stands for the process; without {} its number is put "
		 "behind it.\n\n"
		 "  tracehooks debug 4711\n"
		 "  tracehooks debug 4711 -- gdb -ex 'break main' -ex continue\n"
		 "  tracehooks debug 4711 -- ltrace -p {}",
	 .min_args = 1,
	 .max_args = -1,
	 .run = cmd_debug},
	{.name = "release",
	 .arguments = "[ID]...",
	 .summary = "let held processes run",
	 .options = release_options,
	 .max_args = -1,
	 .run = cmd_release},
	{.name = "tree",
	 .arguments = "[-- COMMAND [ARG]...]",
	 .summary = "show who has started whom, and who is connected with whom",
	 .details =
		 "COMMAND is run, and with it all that it starts is recorded: forks, programs with "
		 "their arguments, ends, pipes and Unix sockets. When the last of them has ended, "
		 "or at Ctrl-C, the tree is printed. The exit status is COMMAND's.\n\n"
		 "  tracehooks tree -o build.svg -- make\n"
		 "  tracehooks tree --pid \"$(pidof libvirtd)\"",
	 .options = tree_options,
	 .takes_json = true,
	 .run = cmd_tree},
	{0},
};

int main(int argc, char **argv)
{
	static const struct gs_tool tool = {
		.name = "tracehooks",
		.summary = "hold processes so that a debugger can attach, without rebuilding them",
		.commands = commands,
		.complete = complete,
	};

	return gs_tool_main(&tool, argc, argv);
}
