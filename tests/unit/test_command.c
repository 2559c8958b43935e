/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines of a sample tool, each run in a child whose output and status are looked at. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <guestscope/base/command.h>
#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

static const char *shown(const char *value)
{
	return value ? value : "(none)";
}

/* Says what it was given. */
static int run_echo(struct gs_args *args)
{
	static const char *const usual[] = {"format", "output", "disk", NULL};
	const char *const *rest = gs_args_rest(args);

	printf("format=%s output=%s guest=%s quiet=%d verbose=%d force=%d json=%d\n",
	       shown(gs_args_get(args, "format")), shown(gs_args_get(args, "output")),
	       shown(gs_args_guest(args)), gs_args_quiet(args), gs_args_verbose(args),
	       gs_args_has(args, "force"), gs_args_has(args, "json"));
	for (size_t i = 1; gs_args_guest_nth(args, i); i++)
		printf("and guest %s, after %s\n", gs_args_guest_nth(args, i),
		       gs_args_guest_nth(args, i - 1));
	for (size_t i = 0; gs_args_get_nth(args, "disk", i); i++)
		printf("disk %s\n", gs_args_get_nth(args, "disk", i));
	if (gs_args_besides(args, usual))
		printf("unusual %s\n", gs_args_besides(args, usual));
	for (size_t i = 0; i < gs_args_count(args); i++)
		printf("argument %s\n", gs_args_at(args, i));
	for (; rest && *rest; rest++)
		printf("rest %s\n", *rest);
	return gs_args_at(args, gs_args_count(args)) ? GS_EXIT_FAILED : GS_EXIT_OK;
}

static int run_numbers(struct gs_args *args)
{
	uint64_t level, size, timeout_ms;
	struct gs_error *err = gs_args_u64(args, "level", 6, &level);

	if (!err)
		err = gs_args_size(args, "size", 4096, &size);
	if (!err)
		err = gs_args_duration(args, "timeout", 1500, &timeout_ms);
	if (err)
		return gs_args_fail(args, err);
	printf("%llu %llu %llu\n", (unsigned long long)level, (unsigned long long)size,
	       (unsigned long long)timeout_ms);
	if (gs_args_has(args, "watch"))
		printf("watch %s\n", shown(gs_args_get(args, "watch")));
	return GS_EXIT_OK;
}

static int run_fail(struct gs_args *args)
{
	gs_args_note(args, "%s is odd", "vm\033[31m");
	return gs_args_fail(args, gs_error_create(GS_ERROR_BUSY, "held by \x9b%s", "virsh"));
}

static int run_emit(struct gs_args *args)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_begin(e, "state", "State");
	gs_emit_u64(e, "count", "Count", 3);
	gs_emit_end(e);
	gs_emit_end(e);
	return gs_args_fail(args, gs_emit_finish(e));
}

/* More than any buffer holds, so that a broken pipe or a full device shows. */
static int run_flood(struct gs_args *args)
{
	(void)args;
	for (int i = 0; i < 100000; i++)
		puts("0123456789");
	return GS_EXIT_OK;
}

static const struct gs_option echo_options[] = {
	{.name = "format",
	 .letter = 'f',
	 .argument = "FORMAT",
	 .help = "format of the file",
	 .values = "elf|kdump-zlib|kdump-lzo"},
	{.name = "output", .letter = 'o', .argument = "FILE", .help = "where to write it"},
	{.name = "force", .letter = 'F', .help = "replace an existing file"},
	{.name = "disk",
	 .argument = "FILE",
	 .help = "a disk of the guest, in any of the formats that qemu-img knows and can open",
	 .repeat = true},
	{0},
};

static const struct gs_option numbers_options[] = {
	{.name = "level", .argument = "N", .help = "how hard to try"},
	{.name = "size", .argument = "SIZE", .help = "how much"},
	{.name = "timeout", .argument = "TIME", .help = "how long"},
	{.name = "watch", .letter = 'w', .argument = "TIME", .help = "again", .optional = true},
	{0},
};

static const struct gs_command commands[] = {
	{.name = "echo",
	 .arguments = "FILE [OUT]",
	 .summary = "say what was given",
	 .details = "A paragraph that is long enough to be wrapped, because it goes on for more "
		    "than eighty columns.\n\n  verbatim   line",
	 .options = echo_options,
	 .min_args = 1,
	 .max_args = 2,
	 .takes_guest = true,
	 .takes_json = true,
	 .run = run_echo},
	{.name = "many",
	 .summary = "take several guests",
	 .takes_guest = true,
	 .takes_guests = true,
	 .run = run_echo},
	{.name = "launch",
	 .arguments = "[-- QEMU ARGS...]",
	 .summary = "pass on what follows --",
	 .run = run_echo},
	{.name = "numbers",
	 .summary = "show numbers",
	 .options = numbers_options,
	 .run = run_numbers},
	{.name = "fail", .summary = "fail", .run = run_fail},
	{.name = "emit", .summary = "emit", .takes_json = true, .run = run_emit},
	{.name = "flood", .summary = "print a lot", .run = run_flood},
	{.name = "disk list", .summary = "list disks", .run = run_echo},
	{.name = "disk info",
	 .arguments = "[DISK...]",
	 .summary = "show a disk",
	 .max_args = -1,
	 .takes_json = true,
	 .run = run_echo},
	{.name = "tree",
	 .arguments = "[DISK]",
	 .summary = "show a tree",
	 .max_args = 1,
	 .run = run_echo},
	{.name = "tree has",
	 .arguments = "DISK",
	 .summary = "look",
	 .min_args = 1,
	 .max_args = 1,
	 .run = run_echo},
	{0},
};

static bool complete_disk(const struct gs_args *args, const char *kind, struct gs_candidates *out)
{
	(void)args;
	if (strcmp(kind, "DISK") != 0)
		return false;
	gs_candidate(out, "vda", "the first");
	gs_candidate(out, "vdb", NULL);
	gs_candidate(out, "vd\033[31m", NULL);
	if (getenv("SAMPLE_HANGS"))
		pause();
	return true;
}

static const struct gs_tool tool = {"sample", "A tool for tests.", commands, complete_disk};

struct outcome {
	int status;
	char *out, *err;
};

static char *read_back(FILE *file)
{
	size_t size = (size_t)lseek(fileno(file), 0, SEEK_END);
	char *text = calloc(1, size + 1);

	assert_non_null(text);
	assert_int_equal(gs_pread_full(fileno(file), text, size, 0), size);
	fclose(file);
	return text;
}

/* Splits @line at spaces; the words live in @line. */
static int split(char *line, char **argv, int max)
{
	int argc = 0;

	for (char *word = strtok(line, " "); word && argc < max - 1; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static void run_in_child(const char *line, int out, int err)
{
	char *argv[32], copy[512];
	int argc;

	snprintf(copy, sizeof(copy), "sample %s", line);
	argc = split(copy, argv, 32);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	/* As exit() would: buffers that cmocka filled before stay out of it. */
	_exit(gs_tool_main(&tool, argc, argv));
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static struct outcome run(const char *line)
{
	FILE *out = tmpfile(), *err = tmpfile();
	struct outcome ret;
	pid_t pid;

	assert_true(out && err);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		run_in_child(line, fileno(out), fileno(err));
	ret.status = wait_for(pid);
	ret.out = read_back(out);
	ret.err = read_back(err);
	return ret;
}

static void check(const char *line, int status, const char *out, const char *err)
{
	struct outcome got = run(line);

	if (strcmp(got.out, out) != 0 || strcmp(got.err, err) != 0 || got.status != status)
		fail_msg("sample %s: status %d\nstdout: %s\nstderr: %s", line, got.status, got.out,
			 got.err);
	free(got.out);
	free(got.err);
}

static void test_spellings(void **state)
{
	static const char *const same[] = {
		"echo --format elf --output x --force in",
		"echo --format=elf --output=x --force in",
		"echo -f elf -o x -F in",
		"echo -felf -ox -F in",
		"echo in -F -f elf -o x",
		"echo -Ff elf -ox in",
		"echo -F -o x -f elf -- in",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		check(same[i], 0,
		      "format=elf output=x guest=(none) quiet=0 verbose=0 force=1 json=0\n"
		      "unusual force\n"
		      "argument in\n",
		      "");
}

static void test_common_options(void **state)
{
	(void)state;
	check("-q echo -vv --verbose -g vm1 --json --json in", 0,
	      "format=(none) output=(none) guest=vm1 quiet=1 verbose=3 force=0 json=1\n"
	      "argument in\n",
	      "");
	check("--color=never -g vm1 echo in -vqqv -", 0,
	      "format=(none) output=(none) guest=vm1 quiet=1 verbose=2 force=0 json=0\n"
	      "argument in\nargument -\n",
	      "");
}

static void test_guest_from_environment(void **state)
{
	(void)state;
	setenv("GUESTSCOPE_GUEST", "vm2", 1);
	check("echo in", 0,
	      "format=(none) output=(none) guest=vm2 quiet=0 verbose=0 force=0 json=0\n"
	      "argument in\n",
	      "");
	check("echo in --guest=vm3", 0,
	      "format=(none) output=(none) guest=vm3 quiet=0 verbose=0 force=0 json=0\n"
	      "argument in\n",
	      "");
	unsetenv("GUESTSCOPE_GUEST");
}

static void test_optional_values(void **state)
{
	(void)state;
	check("numbers --watch --level 7", 0, "7 4096 1500\nwatch (none)\n", "");
	check("numbers --watch=2s -q", 0, "6 4096 1500\nwatch 2s\n", "");
	check("numbers -qw2s", 0, "6 4096 1500\nwatch 2s\n", "");
	check("numbers -qw", 0, "6 4096 1500\nwatch (none)\n", "");
	check("numbers --watch 2s", 2, "",
	      "sample: numbers: unexpected argument '2s'\nTry 'sample numbers --help'.\n");
}

static void test_several_guests(void **state)
{
	static const char rest[] = "quiet=0 verbose=0 force=0 json=0\n";
	gs_autofree char *one = gs_strf("format=(none) output=(none) guest=a %s", rest);
	gs_autofree char *three = gs_strf("format=(none) output=(none) guest=c %s"
					  "and guest b, after a\nand guest c, after b\n",
					  rest);

	(void)state;
	check("many -g a", 0, one, "");
	check("-g a many --guest=b -gc", 0, three, "");
	check("-g a -g b many -g c", 0, three, "");
	setenv("GUESTSCOPE_GUEST", "a", 1);
	check("many", 0, one, "");
	check("many -g a -g b -g c", 0, three, "");
	unsetenv("GUESTSCOPE_GUEST");
	check("-g a -g b echo in", 2, "",
	      "sample: echo: --guest is given twice\nTry 'sample echo --help'.\n");
	check("-g a echo in -g b", 2, "",
	      "sample: echo: --guest is given twice\nTry 'sample echo --help'.\n");
}

static void test_repeated_values(void **state)
{
	(void)state;
	check("echo --disk a --disk=b in --disk c", 0,
	      "format=(none) output=(none) guest=(none) quiet=0 verbose=0 force=0 json=0\n"
	      "disk a\ndisk b\ndisk c\nargument in\n",
	      "");
}

static void test_rest(void **state)
{
	(void)state;
	check("launch -v -- -m 1G --help", 0,
	      "format=(none) output=(none) guest=(none) quiet=0 verbose=1 force=0 json=0\n"
	      "rest -m\nrest 1G\nrest --help\n",
	      "");
	check("launch --", 0,
	      "format=(none) output=(none) guest=(none) quiet=0 verbose=0 force=0 json=0\n", "");
	check("echo -- -x --json", 0,
	      "format=(none) output=(none) guest=(none) quiet=0 verbose=0 force=0 json=0\n"
	      "argument -x\nargument --json\n",
	      "");
}

static void test_misuse(void **state)
{
	static const struct {
		const char *line, *message, *hint;
	} cases[] = {
		{"", "which command?", ""},
		{"ehco", "unknown command 'ehco'; did you mean 'echo'?", ""},
		{"zzzzzz", "unknown command 'zzzzzz'", ""},
		{"--frobnicate", "unknown option '--frobnicate'", ""},
		{"echo --ouput x in", "echo: unknown option '--ouput'; did you mean '--output'?",
		 "echo "},
		{"echo -Z in", "echo: unknown option '-Z'", "echo "},
		{"echo --forse in", "echo: unknown option '--forse'; did you mean '--force'?",
		 "echo "},
		{"echo --output", "echo: --output wants FILE", "echo "},
		{"echo in -f", "echo: --format wants FORMAT", "echo "},
		{"echo --force=yes in", "echo: --force takes no value", "echo "},
		{"echo --format=elv in",
		 "echo: --format: 'elv' is not one of elf|kdump-zlib|kdump-lzo; did you mean "
		 "'elf'?",
		 "echo "},
		{"echo -o a -o b in", "echo: --output is given twice", "echo "},
		{"echo", "echo: missing argument: wants FILE [OUT]", "echo "},
		{"echo a b c", "echo: unexpected argument 'c'", "echo "},
		{"launch x", "launch: unexpected argument 'x'", "launch "},
		{"numbers --json", "numbers: unknown option '--json'", "numbers "},
		{"-g vm numbers", "numbers: numbers has no option '--guest'", "numbers "},
		{"help nothing", "help: no command 'nothing'", "help "},
		{"completion csh",
		 "completion: no completion for 'csh', only for bash, zsh and fish", "completion "},
	};
	char expected[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(expected, sizeof(expected), "sample: %s\nTry 'sample %s--help'.\n",
			 cases[i].message, cases[i].hint);
		check(cases[i].line, GS_EXIT_USAGE, "", expected);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	check("numbers", 0, "6 4096 1500\n", "");
	check("numbers --level 0x10 --size 2M --timeout 3", 0, "16 2097152 3000\n", "");
}

static void test_bad_number_names_the_option(void **state)
{
	struct outcome got = run("numbers --level x");

	(void)state;
	assert_int_equal(got.status, GS_EXIT_USAGE);
	assert_non_null(strstr(got.err, "sample: --level: "));
	free(got.out);
	free(got.err);
}

static void test_messages_are_printable(void **state)
{
	(void)state;
	check("fail", GS_EXIT_BUSY, "",
	      "sample: note: vm\\x1b[31m is odd\nsample: held by \\x9bvirsh\n");
	check("fail -q", GS_EXIT_BUSY, "", "sample: held by \\x9bvirsh\n");
}

static void test_emit(void **state)
{
	(void)state;
	check("emit", 0, "State:\n  Count:  3\n", "");
	check("emit --color always", 0, "\033[1mState:\033[0m\n  Count:  3\n", "");
	check("emit --json --color always", 0, "{\n  \"state\": {\n    \"count\": 3\n  }\n}\n", "");
}

static void test_version(void **state)
{
	struct outcome got = run("--version");

	(void)state;
	assert_int_equal(got.status, 0);
	assert_true(strncmp(got.out, "sample ", 7) == 0 && got.out[7] >= '0' && got.out[7] <= '9');
	assert_string_equal(got.err, "");
	free(got.out);
	free(got.err);
}

static void test_tool_help(void **state)
{
	static const char expected[] =
		"Usage: sample COMMAND [OPTION]... [ARGUMENT]...\n"
		"\n"
		"A tool for tests.\n"
		"\n"
		"Commands:\n"
		"  echo        say what was given\n"
		"  many        take several guests\n"
		"  launch      pass on what follows --\n"
		"  numbers     show numbers\n"
		"  fail        fail\n"
		"  emit        emit\n"
		"  flood       print a lot\n"
		"  disk list   list disks\n"
		"  disk info   show a disk\n"
		"  tree        show a tree\n"
		"  tree has    look\n"
		"  help        show help on the tool or one of its commands\n"
		"  completion  print a completion script for a shell\n"
		"\n"
		"Options of all commands:\n"
		"  -q, --quiet        say nothing but errors\n"
		"  -v, --verbose      say more; twice: even more\n"
		"      --color WHEN   color the output: auto, always, never\n"
		"  -h, --help         show this help and exit\n"
		"      --version      show the version and exit\n"
		"\n"
		"Exit status:\n"
		"  0      done, or the check holds\n"
		"  1      failed, or the check found something\n"
		"  2      misuse\n"
		"  3      cannot reach the guest\n"
		"  4      the monitor is busy with another client\n"
		"  5      timed out\n"
		"  6      connection lost, outcome unknown\n"
		"  7      the guest or QEMU ended\n"
		"  8      the text of a monitor command reads like a failure\n"
		"  9      no space, or the consumer of the output went away\n"
		"  128+N  ended by signal N\n"
		"\n"
		"See 'sample COMMAND --help' for the options of a command.\n";

	(void)state;
	check("--help", 0, expected, "");
	check("-qh", 0, expected, "");
	check("help", 0, expected, "");
}

static void test_command_help(void **state)
{
	static const char expected[] =
		"Usage: sample echo [OPTION]... FILE [OUT]\n"
		"\n"
		"say what was given\n"
		"\n"
		"Options:\n"
		"  -f, --format FORMAT  format of the file: elf, kdump-zlib, kdump-lzo\n"
		"  -o, --output FILE    where to write it\n"
		"  -F, --force          replace an existing file\n"
		"      --disk FILE      a disk of the guest, in any of the formats that qemu-img\n"
		"                       knows and can open; may be repeated\n"
		"  -g, --guest GUEST    the guest to work on (default: $GUESTSCOPE_GUEST)\n"
		"  -c, --connect URI    where libvirt: guests are (default: libvirt's own)\n"
		"      --json           print JSON instead of text\n"
		"\n"
		"Common options:\n"
		"  -q, --quiet          say nothing but errors\n"
		"  -v, --verbose        say more; twice: even more\n"
		"      --color WHEN     color the output: auto, always, never\n"
		"  -h, --help           show this help and exit\n"
		"      --version        show the version and exit\n"
		"\n"
		"A paragraph that is long enough to be wrapped, because it goes on for more than\n"
		"eighty columns.\n"
		"\n"
		"  verbatim   line\n";

	(void)state;
	check("echo --help", 0, expected, "");
	check("echo in -h --unknown", 0, expected, "");
	check("help echo", 0, expected, "");
}

/* Runs @command in bash, where "sample" is our tool. */
static char *in_bash(const char *command)
{
	gs_autofree char *self = realpath("/proc/self/exe", NULL);
	gs_autofree char *full =
		gs_strf("sample() { SAMPLE=1 %s \"$@\"; }\n%s", self ? self : "", command);
	FILE *out = tmpfile();
	pid_t pid;

	assert_true(self && full && out);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		execlp("bash", "bash", "-c", full, NULL);
		_exit(127);
	}
	assert_int_equal(wait_for(pid), 0);
	return read_back(out);
}

/* What bash makes of @words, the last of which is being typed. */
static char *complete(const char *words)
{
	gs_autofree char *command =
		gs_strf("source <(sample completion bash)\nCOMP_WORDS=(sample %s);"
			" COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sample; echo \"${COMPREPLY[*]}\"",
			words);

	assert_non_null(command);
	return in_bash(command);
}

static void test_completion(void **state)
{
	static const struct {
		const char *words, *expected;
	} cases[] = {
		{"''", "echo many launch numbers fail emit flood disk tree help completion\n"},
		{"e", "echo emit\n"},
		{"--v", "--verbose --version\n"},
		{"echo --fo", "--format --force\n"},
		{"echo --format ''", "elf kdump-zlib kdump-lzo\n"},
		{"echo -f k", "kdump-zlib kdump-lzo\n"},
		{"echo --format = kdump-l", "kdump-lzo\n"},
		{"echo --format =", "elf kdump-zlib kdump-lzo\n"},
		{"-g vm -q ec", "echo\n"},
		{"--guest = vm ec", "echo\n"},
		{"--color a", "auto always\n"},
		{"echo -g ''", "\n"},
		{"numbers /", "\n"},
		{"help ec", "echo\n"},
		{"completion ''", "bash zsh fish words\n"},
		{"di", "disk\n"},
		{"disk ''", "list info\n"},
		{"disk -v l", "list\n"},
		{"disk info --j", "--json\n"},
		{"disk info ''", "vda vdb\n"},
		{"disk info vda v", "vda vdb\n"},
		{"tree ''", "has vda vdb\n"},
		{"tree has ''", "vda vdb\n"},
		{"tree vda ''", "\n"},
		{"echo --force --fo", "--format\n"},
		{"echo --nonsense ''", "\n"},
		{"launch -- -m ''", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		gs_autofree char *reply = complete(cases[i].words);

		/* NULL: names of files, whichever there are. */
		if (cases[i].expected && strcmp(reply, cases[i].expected) != 0)
			fail_msg("%s: %s", cases[i].words, reply);
	}
}

static void test_completion_words(void **state)
{
	(void)state;
	check("completion words -- disk info v", 0, "vda\tthe first\nvdb\n", "");
	check("completion words -- echo --output f", 0, "/\n", "");
	check("completion words -- echo --output=f", 0, "/\n", "");
	check("completion words -- echo --format=k", 0, "--format=kdump-zlib\n--format=kdump-lzo\n",
	      "");
	check("completion words -- --help x", 0, "", "");
}

/* One that waits for an answer does not keep the user waiting. */
static void test_completion_has_a_budget(void **state)
{
	gs_autofree char *reply = in_bash("SAMPLE_HANGS=1 sample completion words -- tree has vdb");

	(void)state;
	assert_string_equal(reply, "vdb\n");
}

static void test_completion_of_files(void **state)
{
	char folder[] = "/tmp/test-command-XXXXXX";
	gs_autofree char *path = NULL, *words = NULL, *reply = NULL, *expected = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	path = gs_strf("%s/vm core", folder);
	assert_return_code(close(creat(path, 0600)), errno);
	words = gs_strf("echo --output %s/v", folder);
	reply = complete(words);
	expected = gs_strf("%s\n", path);
	assert_string_equal(reply, expected);
	unlink(path);
	rmdir(folder);
}

static void test_two_words(void **state)
{
	static const char tail[] =
		"format=(none) output=(none) guest=(none) quiet=0 verbose=0 force=0 json=%d\n";
	gs_autofree char *plain = gs_strf(tail, 0), *json = gs_strf(tail, 1);
	gs_autofree char *vda = gs_strf("%sargument vda\n", plain);

	(void)state;
	check("disk list", 0, plain, "");
	check("disk --json info", 0, json, "");
	check("disk info vda", 0, vda, "");
	check("tree", 0, plain, "");
	check("tree vda", 0, vda, "");
	check("tree has vda", 0, vda, "");
	check("disk", 2, "",
	      "sample: disk: which command? One of: list info\nTry 'sample disk --help'.\n");
	check("disk lits", 2, "",
	      "sample: unknown command 'disk lits'; did you mean 'list'?\n"
	      "Try 'sample disk --help'.\n");
	check("disk --help", 0,
	      "Usage: sample disk COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n"
	      "  disk list   list disks\n  disk info   show a disk\n\n"
	      "See 'sample disk COMMAND --help' for the options of a command.\n",
	      "");
	check("tree has", 2, "",
	      "sample: tree has: missing argument: wants DISK\nTry 'sample tree has --help'.\n");
}

static int run_into(const char *line, int out)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		run_in_child(line, out, out);
	return wait_for(pid);
}

static void test_full_device(void **state)
{
	gs_autoclose int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(run_into("flood", full), GS_EXIT_NOSPACE);
	assert_int_equal(run_into("--help", full), GS_EXIT_NOSPACE);
	assert_int_equal(run_into("emit", full), GS_EXIT_NOSPACE);
}

static void test_reader_gone(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(run_into("flood", ends[1]), GS_EXIT_NOSPACE);
	assert_int_equal(run_into("emit --json", ends[1]), GS_EXIT_NOSPACE);
	close(ends[1]);
}

static void test_exit_status(void **state)
{
	static const struct {
		enum gs_error_code code;
		int status;
	} cases[] = {
		{GS_ERROR_NOMEM, 1},   {GS_ERROR_CORRUPT, 1},     {GS_ERROR_UNSUPPORTED, 1},
		{GS_ERROR_NODATA, 1},  {GS_ERROR_INVALID, 2},     {GS_ERROR_PROTOCOL, 1},
		{GS_ERROR_REFUSED, 1}, {GS_ERROR_UNREACHABLE, 3}, {GS_ERROR_BUSY, 4},
		{GS_ERROR_TIMEOUT, 5}, {GS_ERROR_LOST, 6},        {GS_ERROR_GONE, 7},
	};
	static const int no_space[] = {ENOSPC, EDQUOT, EFBIG, EPIPE};
	struct gs_error err = {.code = GS_ERROR_OS, .os_errno = EIO};

	(void)state;
	assert_int_equal(gs_exit_status(NULL), 0);
	assert_int_equal(gs_exit_status(&err), 1);
	for (size_t i = 0; i < sizeof(no_space) / sizeof(*no_space); i++) {
		err.os_errno = no_space[i];
		assert_int_equal(gs_exit_status(&err), 9);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err.code = cases[i].code;
		assert_int_equal(gs_exit_status(&err), cases[i].status);
	}
}

int main(int argc, char **argv)
{
	if (getenv("SAMPLE"))
		return gs_tool_main(&tool, argc, argv);

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_common_options),
		cmocka_unit_test(test_guest_from_environment),
		cmocka_unit_test(test_optional_values),
		cmocka_unit_test(test_several_guests),
		cmocka_unit_test(test_repeated_values),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bad_number_names_the_option),
		cmocka_unit_test(test_messages_are_printable),
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_tool_help),
		cmocka_unit_test(test_command_help),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_completion_of_files),
		cmocka_unit_test(test_completion_words),
		cmocka_unit_test(test_completion_has_a_budget),
		cmocka_unit_test(test_two_words),
		cmocka_unit_test(test_full_device),
		cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_exit_status),
	};

	unsetenv("GUESTSCOPE_GUEST");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
