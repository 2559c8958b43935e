/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qmpctl: launch and drive a guest, talk QMP and HMP. This file is its table of commands. */
#include "qmpctl.h"

static const struct gs_option launch_options[] = {
	{.name = "name",
	 .letter = 'n',
	 .argument = "NAME",
	 .help = "name of the guest (default: guest-1, guest-2, ...)"},
	{.name = "replace", .help = "end the guest that has the name first, as stop does"},
	{.name = "mem", .letter = 'm', .argument = "SIZE", .help = "memory (default: 1G)"},
	{.name = "cpus", .argument = "N", .help = "number of CPUs (default: 1)"},
	{.name = "kernel", .argument = "FILE", .help = "Linux kernel to boot"},
	{.name = "initrd", .argument = "FILE", .help = "initial RAM disk of the kernel"},
	{.name = "append", .argument = "TEXT", .help = "command line of the kernel"},
	{.name = "disk",
	 .argument = "FILE",
	 .help = "virtio disk; its format is found by content",
	 .repeat = true},
	{.name = "qemu",
	 .argument = "BIN",
	 .help = "QEMU binary (default: qemu-system-ARCH of this host)"},
	{.name = "accel",
	 .argument = "ACCEL",
	 .help = "accelerator, with more given the first that works (default: kvm, then tcg)",
	 .repeat = true},
	{.name = "private-ram", .help = "memory that is QEMU's own, not a shared memfd"},
	{.name = "wait-serial",
	 .argument = "TEXT",
	 .help = "return when the guest has written TEXT to its serial port"},
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "for the start and --wait-serial together (default: 60s)"},
	{.name = "hold",
	 .argument = "WHERE",
	 .values = "exec|main",
	 .optional = true,
	 .help = "hold QEMU there, until a debugger has come or tracehooks release"},
	{.name = "hold-max",
	 .argument = "TIME",
	 .help = "release it if none has come by then; 0: never (default: 10min)"},
	{0},
};

static const struct gs_option list_options[] = {
	{.name = "all", .letter = 'a', .help = "also libvirt's domains that do not run"},
	{.name = "connect",
	 .letter = 'c',
	 .argument = "URI",
	 .help = "libvirt's domains there (default: libvirt's own, if it runs)"},
	{0},
};

static const struct gs_option powerdown_options[] = {
	{.name = "wait", .letter = 'w', .help = "return when the guest is down and QEMU is gone"},
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "how long to wait (default: 60s)"},
	{0},
};

static const struct gs_option stop_options[] = {
	{.name = "powerdown",
	 .argument = "TIME",
	 .help = "how long the guest may take to power down; 0: is not asked (default: 60s)"},
	{.name = "quit",
	 .argument = "TIME",
	 .help = "how long QEMU may take to quit; 0: is not told (default: 10s)"},
	{.name = "term",
	 .argument = "TIME",
	 .help = "how long QEMU may take after SIGTERM, before SIGKILL (default: 10s)"},
	{.name = "resume", .letter = 'r', .help = "let a paused guest run, to power down"},
	{0},
};

static const struct gs_option quit_options[] = {
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "how long to wait for QEMU's end (default: 60s)"},
	{0},
};

static const struct gs_option kill_options[] = {
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "how long QEMU may take after SIGTERM (default: 10s)"},
	{0},
};

static const struct gs_option wait_options[] = {
	{.name = "for",
	 .letter = 'f',
	 .argument = "WHAT",
	 .help = "an event (STOP, BLOCK_*), a run state (paused), job:ID or exit (default: exit)",
	 .repeat = true},
	{.name = "exit-status", .letter = 'e', .help = "exit as QEMU did, if its end was awaited"},
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "how long to wait (default: for ever)"},
	{0},
};

static const struct gs_option events_options[] = {
	{.name = "all", .letter = 'a', .help = "of all launched guests"},
	{.name = "match",
	 .letter = 'm',
	 .argument = "GLOB",
	 .help = "only events whose name matches (BLOCK_*)"},
	{.name = "count", .letter = 'n', .argument = "N", .help = "stop after so many"},
	{.name = "timeout", .letter = 't', .argument = "TIME", .help = "stop after that time"},
	{0},
};

static const struct gs_option console_options[] = {
	{.name = "chardev",
	 .argument = "ID",
	 .help = "which chardev (default: the first serial line or console)"},
	{.name = "tail",
	 .letter = 'n',
	 .argument = "N",
	 .help = "show the last N lines first (default: 10 on a terminal, else 0)"},
	{.name = "expect",
	 .letter = 'x',
	 .argument = "TEXT",
	 .help = "leave when the guest has written TEXT"},
	{.name = "timeout", .letter = 't', .argument = "TIME", .help = "leave after that time"},
	{.name = "escape",
	 .letter = 'e',
	 .argument = "KEY",
	 .help = "the key to leave with, on a terminal; or none (default: ^])"},
	{0},
};

static const struct gs_option exec_options[] = {
	{.name = "no-check", .help = "send it whatever the guest's schema says"},
	{.name = "dry-run", .letter = 'n', .help = "print what would be sent, and send nothing"},
	{.name = "raw", .letter = 'r', .help = "print the whole reply, also one that is an error"},
	{.name = "fd",
	 .argument = "[NAME=]N|PATH",
	 .help = "pass our descriptor N, or a file, by getfd before the command",
	 .repeat = true},
	{.name = "keep-going",
	 .letter = 'k',
	 .help = "with - or @FILE: go on behind a command that failed"},
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "how long to wait for an answer (default: 30s)"},
	{0},
};

#define SCHEMA_FROM                                                                            \
	{                                                                                      \
		.name = "from", .letter = 'f', .argument = "SOURCE",                           \
		.help = "a QEMU binary, a file with a saved schema, or a guest, instead of -g" \
	}

static const struct gs_option schema_options[] = {
	SCHEMA_FROM,
	{.name = "search",
	 .letter = 's',
	 .argument = "WORD",
	 .help = "show where names have WORD in them, or match it (*size*)"},
	{.name = "raw", .letter = 'r', .help = "print all of it as QEMU tells it, to be saved"},
	{0},
};

static const struct gs_option schema_has_options[] = {
	SCHEMA_FROM,
	{0},
};

static const struct gs_option schema_diff_options[] = {
	{.name = "breaking", .letter = 'b', .help = "only what may break those who used it"},
	{.name = "match",
	 .letter = 'm',
	 .argument = "GLOB",
	 .help = "only paths that match (blockdev-*)"},
	{0},
};

static const struct gs_option hmp_options[] = {
	{.name = "cpu", .argument = "N", .help = "what the command is to take for the current CPU"},
	{.name = "raw", .letter = 'r', .help = "do not judge the answer: exit 0 whatever it says"},
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "how long to wait for the answer (default: 30s)"},
	{0},
};

static const struct gs_option proxy_options[] = {
	{.name = "allow-quit", .help = "let clients end QEMU through the monitor"},
	{.name = "max-clients",
	 .argument = "N",
	 .help = "connections at a time, others wait (default: 1024)"},
	{.name = "max-request",
	 .argument = "SIZE",
	 .help = "longest command, of which QEMU reads a MiB in 6 s (default: 1M)"},
	{.name = "insecure", .help = "listen where other hosts can connect, too"},
	{0},
};

static const struct gs_option shell_options[] = {
	{.name = "no-check", .help = "send commands without a look at the guest's schema"},
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "how long to wait for an answer (default: 30s; on a terminal: until Ctrl-C)"},
	{0},
};

static const struct gs_option blk_info_options[] = {
	{.name = "virsh",
	 .help = "capacity, allocation and physical size, printed as virsh domblkinfo "
		 "does"},
	{.name = "human", .help = "with --virsh: sizes in KiB, MiB, ..."},
	{.name = "all", .help = "all disks, as without DEVICE"},
	{0},
};

static const struct gs_option blk_stat_options[] = {
	{.name = "watch",
	 .letter = 'w',
	 .argument = "TIME",
	 .help = "rates, each second or TIME, the first since QEMU's start",
	 .optional = true},
	{.name = "count", .letter = 'n', .argument = "N", .help = "watch so many times"},
	{.name = "histogram", .help = "show how latencies are spread, where QEMU keeps that"},
	{.name = "boundaries",
	 .argument = "TIME,...",
	 .help = "begin to keep histograms, by decades or split at 10us,1ms,...",
	 .optional = true},
	{.name = "clear", .help = "keep histograms no longer"},
	{0},
};

static const struct gs_option blk_jobs_options[] = {
	{.name = "watch",
	 .letter = 'w',
	 .argument = "TIME",
	 .help = "look each second or TIME, until all jobs have ended",
	 .optional = true},
	{0},
};

static const struct gs_option blk_threshold_options[] = {
	{.name = "wait", .letter = 'w', .help = "until a write goes beyond it"},
	{.name = "timeout",
	 .letter = 't',
	 .argument = "TIME",
	 .help = "how long to wait (default: for ever)"},
	{0},
};

static const struct gs_command commands[] = {
	{.name = "launch",
	 .arguments = "[-- QEMU-ARGS...]",
	 .summary = "start a guest that outlives this command",
	 .details =
		 "QEMU gets two monitors (one stays free for others), a serial port that is "
		 "written to a file, memory that other programs can map, a vmcoreinfo device, and "
		 "no default devices. QEMU-ARGS come last; what they bring themselves (-m, -accel, "
		 "-serial, memory backends) replaces ours.\n\n  qmpctl launch --name g --kernel "
		 "vmlinuz --append console=ttyS0 \\\n      --wait-serial 'login:' -- -vga std",
	 .options = launch_options,
	 .takes_json = true,
	 .run = cmd_launch},
	{.name = "list",
	 .summary = "list the launched guests, and libvirt's",
	 .details = "NAME is what -g takes. STATE is QEMU's run state, or why there is none: busy "
		    "(other clients hold both monitors), timeout, gone; of libvirt's domains, "
		    "libvirt's own word.",
	 .options = list_options,
	 .takes_json = true,
	 .run = cmd_list},
	{.name = "status",
	 .summary = "show a guest's run state and vital facts",
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_status},
	{.name = "pause",
	 .summary = "stop the CPUs of a guest",
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_pause},
	{.name = "resume",
	 .summary = "let a paused guest run",
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_resume},
	{.name = "reset",
	 .summary = "reset a guest",
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_reset},
	{.name = "powerdown",
	 .summary = "press the power button of a guest",
	 .details = "The guest decides what to make of it. Without --wait, nothing is known but "
		    "that it was asked.",
	 .options = powerdown_options,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_powerdown},
	{.name = "stop",
	 .summary = "end a guest, gently first: powerdown, quit, SIGTERM, SIGKILL",
	 .details = "Each step has its time; the one that ended the guest is told. A guest that "
		    "does not run cannot power down: without --resume that step is left out. "
		    "Signals take a QEMU on this host.",
	 .options = stop_options,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_stop},
	{.name = "quit",
	 .summary = "end QEMU at once, through its monitor",
	 .options = quit_options,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_quit},
	{.name = "kill",
	 .summary = "end QEMU at once, by signals: SIGTERM, then SIGKILL",
	 .options = kill_options,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_kill},
	{.name = "console",
	 .summary = "attach to the serial line of a guest",
	 .details = "On a terminal, keys go to the guest until ^]. Otherwise what is piped in goes "
		    "there, and what the guest writes is printed until the time is over, the "
		    "text has come or the guest ends. Exits 4 when somebody else is attached; "
		    "with --expect, 5 or 7 when the time or the guest ends before.\n\n  echo ps "
		    "| qmpctl console --expect '# ' --timeout 5s",
	 .options = console_options,
	 .takes_guest = true,
	 .run = cmd_console},
	{.name = "wait",
	 .summary = "wait for the end of a guest, or for something else",
	 .details = "Of several --for, the first that comes. Exits 1 when a job has failed, 5 when "
		    "the time is over, and 7 when the guest ends while something else is awaited.",
	 .options = wait_options,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_wait},
	{.name = "events",
	 .summary = "show the events of one guest or of many, as they come",
	 .details = "-g may be given several times; then each line says whose event it is. A QEMU "
		    "that vanishes without a word gets a SHUTDOWN that is marked synthetic. With "
		    "--count, exits 5 or 7 when the time or the guests end before.",
	 .options = events_options,
	 .takes_guest = true,
	 .takes_guests = true,
	 .takes_json = true,
	 .run = cmd_events},
	{.name = "exec",
	 .arguments = "COMMAND [ARG...] | {json} | - | @FILE",
	 .summary = "run QMP commands and print what they return",
	 .details = "ARG is key=text for a string or key:=json for a value of any type; a key a.b "
		    "is a member of an object a; key=@FILE and key:=@FILE take the value from a "
		    "file. One ARG may be all the arguments as {json}. Numbers pass unchanged in "
		    "both directions.\n"
		    "The call is checked against the guest's schema before it is sent; what it "
		    "would not understand is misuse (exit 2).\n"
		    "With - or @FILE, each line of stdin or the file is such a command, in a "
		    "shell's quoting, or {\"execute\": ...}. They run in turn until one fails.\n\n"
		    "  qmpctl exec query-status\n"
		    "  qmpctl exec human-monitor-command command-line='info mtree'\n"
		    "  qmpctl exec balloon value:=536870912\n"
		    "  qmpctl exec blockdev-add driver=qcow2 node-name=n file.driver=file \\\n"
		    "      file.filename=disk.qcow2\n"
		    "  printf 'stop\\nquery-status\\ncont\\n' | qmpctl exec -",
	 .options = exec_options,
	 .min_args = 1,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_exec},
	{.name = "schema",
	 .arguments = "[PATH]",
	 .summary = "show the QMP commands and events of a guest, and what is in them",
	 .details = "PATH is a command or event, and may go on to arguments, what is returned, and "
		    "values: block_resize, blockdev-add/driver/qcow2/file, query-block/ret/device, "
		    "SHUTDOWN/reason. Of an argument with variants, VALUE/MEMBER tells which.\n\n"
		    "  qmpctl schema --search throttl\n"
		    "  qmpctl schema --raw --from qemu-system-x86_64 >schema.json",
	 .options = schema_options,
	 .max_args = 1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_schema},
	{.name = "schema has",
	 .arguments = "PATH...",
	 .summary = "tell by the exit status whether a guest's QMP has something",
	 .details = "Exits 0 if it has all of them, else 1 and says what is missing (not with -q). "
		    "A path may end in +FEATURE.\n\n"
		    "  qmpctl schema has -q blockdev-add/driver/qcow2/discard-no-unref",
	 .options = schema_has_options,
	 .min_args = 1,
	 .max_args = -1,
	 .takes_guest = true,
	 .run = cmd_schema_has},
	{.name = "schema diff",
	 .arguments = "SOURCE [SOURCE]",
	 .summary = "show what another QEMU changes for those who talk to it",
	 .details = "SOURCE is a QEMU binary, a file with a saved schema, or a guest; the second "
		    "is -g's guest unless given. Exits 1 if a call or a reader of replies and "
		    "events that was right with the first may be wrong with the second.\n\n"
		    "  qmpctl schema diff schema.json /opt/qemu/bin/qemu-system-x86_64",
	 .options = schema_diff_options,
	 .min_args = 1,
	 .max_args = 2,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_schema_diff},
	{.name = "hmp",
	 .arguments = "TEXT...",
	 .summary = "run a command of the human monitor",
	 .details = "The human monitor does not report failure, so the answer is judged by how it "
		    "reads: exit 8.",
	 .options = hmp_options,
	 .min_args = 1,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_hmp},
	{.name = "proxy",
	 .arguments = "LISTEN",
	 .summary = "share a guest's monitor among many clients",
	 .details =
		 "LISTEN is unix:PATH, a path with a slash, unix:@NAME or tcp:HOST:PORT; clients "
		 "find a monitor of their own there. Each gets its replies, with its own ids, and "
		 "all events; names of getfd are a client's own. Runs until SIGINT or SIGTERM, or "
		 "until the guest ends (exit 7).\n\n  qmpctl proxy -g unix:/run/vm/qmp.sock "
		 "unix:/run/vm/shared.sock &\n  qmpctl status -g unix:/run/vm/shared.sock",
	 .options = proxy_options,
	 .min_args = 1,
	 .max_args = 1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_proxy},
	{.name = "shell",
	 .summary = "talk QMP and HMP by hand",
	 .details =
		 "On a terminal: completion by the guest's own schema and names, history, and "
		 "events as they come. Elsewhere: lines of stdin run one after the other; exits as "
		 "the last one that failed would. Inside, help says what can be typed.",
	 .options = shell_options,
	 .takes_guest = true,
	 .run = cmd_shell},
	{.name = "blk list",
	 .summary = "show a guest's disks and what they are made of",
	 .details = "Below each device stand the node that stores it and its backing chain. Nodes "
		    "that no device uses come last.",
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_blk_list},
	{.name = "blk info",
	 .arguments = "[DEVICE]",
	 .summary = "show how large disks are, and how that is known",
	 .details = "Each number is said with its basis, and is '-' (null) where it cannot be "
		    "known. DEVICE is a disk as blk list shows it, libvirt's target, a qdev id or "
		    "QOM path, a drive, a node or an image's file. A libvirt: domain may be off.",
	 .options = blk_info_options,
	 .max_args = 1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_blk_info},
	{.name = "blk errors",
	 .summary = "show which disks failed the guest, and what happens then",
	 .details =
		 "STATE is ok, failed or nospace; '-' where QEMU keeps none, as for a disk whose "
		 "errors never stop the guest.",
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_blk_errors},
	{.name = "blk stat",
	 .arguments = "[DEVICE]...",
	 .summary = "show what QEMU counts of a guest's disks",
	 .details =
		 "With --watch, a live table on a terminal, plain rows elsewhere, a line of JSON "
		 "for each look with --json. Ctrl-C ends it with a summary.\n\n  qmpctl blk stat "
		 "--watch=5 vda\n  qmpctl blk stat --histogram --boundaries=100us,1ms,10ms vda",
	 .options = blk_stat_options,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_blk_stat},
	{.name = "blk jobs",
	 .arguments = "[JOB]...",
	 .summary = "show how far a guest's jobs are",
	 .details = "Jobs that go on are looked at twice, a second apart, for their rate. With "
		    "--watch, exits 1 if one failed or was cancelled.",
	 .options = blk_jobs_options,
	 .max_args = -1,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_blk_jobs},
	{.name = "blk threshold",
	 .arguments = "NODE|DEVICE [SIZE]",
	 .summary = "tell when an image grows beyond a size",
	 .details =
		 "Sets the write threshold of a node, or of the one that stores a device; 0 takes "
		 "it away. Without SIZE, shows it. QEMU tells once, and then has none any more.",
	 .options = blk_threshold_options,
	 .min_args = 1,
	 .max_args = 2,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = cmd_blk_threshold},
	{0},
};

static const struct gs_tool tool = {
	.name = "qmpctl",
	.summary = "launch and drive a QEMU guest, and talk to its monitor",
	.commands = commands,
	.complete = complete,
};

int main(int argc, char **argv)
{
	return gs_tool_main(&tool, argc, argv);
}
