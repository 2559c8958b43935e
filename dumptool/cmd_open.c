/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool open: crash, drgn or gdb on a dump, with the kernel's symbols, in a format that it
 * reads. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "dumptool.h"

#define SPOOL_DIR "/var/tmp"
#define DEBUG_DIRS_MAX 16

/* What is put together before the reader starts. */
struct opening {
	const struct gs_reader *reader;
	struct gs_memory *mem;
	const char *release; /* or NULL */
	struct gs_vmcoreinfo *info;
	char *vmlinux;            /* or NULL */
	struct gs_outfile *spool; /* the converted dump; or NULL */
	char spool_path[32];
};

static void opening_deinit(struct opening *o)
{
	gs_memory_destroy(o->mem);
	gs_vmcoreinfo_destroy(o->info);
	gs_outfile_destroy(o->spool);
	free(o->vmlinux);
}

/* ---- the kernel's symbols ---- */

static struct gs_error *know_kernel(struct opening *o)
{
	const struct gs_attributes *attrs = &o->mem->attrs;
	struct gs_error *err;

	if (!attrs->vmcoreinfo)
		return NULL;
	err = gs_vmcoreinfo_parse(attrs->vmcoreinfo, attrs->vmcoreinfo_size, &o->info);
	if (!err)
		o->release = gs_vmcoreinfo_get(o->info, "OSRELEASE");
	return err;
}

static bool wanted_build_id(const struct opening *o, struct gs_build_id *ret)
{
	const char *text = o->info ? gs_vmcoreinfo_get(o->info, "BUILD-ID") : NULL;

	return text && gs_build_id_parse(text, ret);
}

static struct gs_error *check_given(const struct gs_args *args, const char *path, struct opening *o)
{
	struct gs_build_id given = {0}, wanted;
	struct gs_error *err = gs_build_id_of_file(path, &given);

	if (err && err->code != GS_ERROR_NODATA)
		return err;
	gs_error_destroy(err);
	if (wanted_build_id(o, &wanted) && !gs_build_id_equal(&given, &wanted))
		gs_args_note(args, "%s is not the kernel of the dump: the build-ids differ", path);
	o->vmlinux = strdup(path);
	return o->vmlinux ? NULL : gs_error_nomem();
}

/* A reader that can do without is started, and its user told. */
static struct gs_error *go_without(const struct gs_args *args, const struct opening *o,
				   struct gs_error *err, const char *tried)
{
	gs_autofree char *hint = gs_debug_package_hint(o->release ? o->release : "",
						       o->mem->attrs.utsname[GS_UTS_VERSION]);

	if (!hint) {
		gs_error_destroy(err);
		return gs_error_nomem();
	}
	if (tried && *tried && (o->reader->needs_symbols || gs_args_verbose(args)))
		fprintf(stderr, "looked at:\n%s", tried);
	if (!o->reader->needs_symbols) {
		gs_args_note(args, "%s: no vmlinux; install %s, or give --vmlinux FILE",
			     o->mem->name, hint);
		gs_error_destroy(err);
		return NULL;
	}
	err = gs_error_wrap(err, "%s", o->mem->name);
	gs_args_note(args,
		     "install %s, or give --vmlinux FILE, --debug-dir DIR or --debuginfod; "
		     "--with drgn does without",
		     hint);
	return err;
}

static struct gs_error *find_vmlinux(const struct gs_args *args, struct opening *o)
{
	const char *dirs[DEBUG_DIRS_MAX + 1] = {0};
	struct gs_debug_search search = {.release = o->release, .dirs = dirs};
	gs_autofree char *tried = NULL;
	struct gs_error *err;

	if (gs_args_has(args, "vmlinux"))
		return check_given(args, gs_args_get(args, "vmlinux"), o);
	for (size_t i = 0; i < DEBUG_DIRS_MAX; i++)
		dirs[i] = gs_args_get_nth(args, "debug-dir", i);
	search.debuginfod = gs_args_has(args, "debuginfod");
	if (!wanted_build_id(o, &search.id) && !o->release)
		err = gs_error_create(GS_ERROR_NODATA, "the dump does not tell its kernel");
	else
		err = gs_debug_file_find(&search, &o->vmlinux, &tried);
	if (err && err->code == GS_ERROR_NODATA)
		return go_without(args, o, err, tried);
	return err;
}

static uint64_t kernel_offset(const struct opening *o)
{
	const char *text = o->info ? gs_vmcoreinfo_get(o->info, "KERNELOFFSET") : NULL;

	return text ? strtoull(text, NULL, 16) : 0;
}

/* ---- a format that the reader takes ---- */

static const char *spool_dir(const struct gs_args *args)
{
	const char *dir = gs_args_get(args, "spool-dir");

	return dir ? dir : SPOOL_DIR;
}

/*
 * Into a file that never gets a name, where the filesystem can do that: nothing can be left behind.
 * The reader finds it among its own descriptors.
 */
static struct gs_error *convert(const struct gs_args *args, struct opening *o)
{
	gs_autofree char *path = gs_strf("%s/guestscope-open-%d", spool_dir(args), (int)getpid());
	struct gs_output_spec spec = {
		.format = gs_format_find(o->reader->format),
		.exclude = GS_EXCLUDE_ZERO,
		.ranges = GS_RANGES_ALL,
		.progress = dumptool_progress(),
	};
	struct gs_progress_bar *bar;
	struct gs_job_result result;
	struct gs_error *err = path ? gs_outfile_open(path, 0, &o->spool) : gs_error_nomem();

	if (err)
		return err;
	bar = gs_progress_bar_start(spec.progress, "convert", gs_args_quiet(args));
	err = gs_convert(o->mem, &spec, o->spool, &result);
	gs_progress_bar_stop(bar);
	snprintf(o->spool_path, sizeof(o->spool_path), "/proc/self/fd/%d", gs_outfile_fd(o->spool));
	return err;
}

/* ---- the reader ---- */

static volatile pid_t child;

static void pass_on(int signal)
{
	kill(child, signal);
}

/*
 * The terminal is the reader's: what is typed there is not for us. What asks us to end is passed on
 * to it, so that we outlive it and clean up.
 */
static void leave_terminal(void)
{
	const struct sigaction forward = {.sa_handler = pass_on};

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigaction(SIGTERM, &forward, NULL);
	sigaction(SIGHUP, &forward, NULL);
}

static struct gs_error *run_reader(char **argv, const struct opening *o, int *status_ret)
{
	struct gs_spawn_fd fd = {.parent_fd = o->spool ? gs_outfile_fd(o->spool) : -1,
				 .child_fd = -1};
	const struct gs_spawn spawn = {.argv = (const char *const *)argv,
				       .fds = &fd,
				       .fd_count = o->spool ? 1 : 0,
				       .stdin_fd = STDIN_FILENO,
				       .stdout_fd = STDOUT_FILENO,
				       .stderr_fd = STDERR_FILENO,
				       .gate = true};
	struct gs_process process;
	struct gs_error *err = gs_process_spawn(&spawn, &process);
	int status = 0;

	if (err)
		return err;
	child = process.pid;
	leave_terminal();
	err = gs_process_open_gate(&process);
	if (!err)
		err = gs_process_wait(&process, GS_NO_DEADLINE, &status);
	gs_process_deinit(&process);
	*status_ret = WIFSIGNALED(status) ? GS_EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	return err;
}

/* As a shell reads it. */
static void print_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./:,@%";

	if (*word && word[strspn(word, plain)] == '\0') {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

static void print_option(const struct gs_args *args, const char *option)
{
	if (!gs_args_has(args, option))
		return;
	printf("--%s ", option);
	print_word(gs_args_get(args, option));
	putchar(' ');
}

static void print_words(const char *const *words)
{
	for (; *words; words++) {
		print_word(*words);
		putchar(words[1] ? ' ' : '\n');
	}
}

/* What a conversion into a file of that name would be. */
static void print_conversion(const struct gs_args *args, const struct opening *o, const char *path)
{
	const char *before[] = {"dumptool", "convert", "-f", o->reader->format,
				"--ranges", "all",     "-o", path};

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		print_word(before[i]);
		putchar(' ');
	}
	print_option(args, "raw-base");
	print_option(args, "vmcoreinfo");
	print_words(gs_args_all(args));
}

/* NULL: the reader takes the file as it is. */
static const char *why_convert(const struct gs_args *args, const struct opening *o)
{
	if (gs_args_has(args, "vmcoreinfo"))
		return "its VMCOREINFO is another one";
	return gs_reader_objection(o->reader, o->mem);
}

static struct gs_error *start(const struct gs_args *args, struct opening *o, int *status_ret)
{
	const char *why = why_convert(args, o);
	gs_autofree char *printed = gs_strf("%s/dump.%s", spool_dir(args), o->reader->format);
	const char *converted[] = {gs_args_has(args, "print") ? printed : o->spool_path, NULL};
	struct gs_reader_call call = {
		.paths = why ? converted : gs_args_all(args),
		.vmlinux = o->vmlinux,
		.kernel_offset = kernel_offset(o),
		.arguments = gs_args_rest(args),
	};
	gs_autofree char **argv = NULL;
	struct gs_error *err = printed ? NULL : gs_error_nomem();

	if (!err && why && !gs_args_has(args, "print")) {
		gs_args_note(args, "%s: not for %s, as %s: converting to %s", o->mem->name,
			     o->reader->name, why, o->reader->format);
		err = convert(args, o);
	}
	if (!err)
		err = gs_reader_command(o->reader, &call, &argv);
	if (err || !gs_args_has(args, "print"))
		return err ? err : run_reader(argv, o, status_ret);
	if (why)
		print_conversion(args, o, printed);
	print_words((const char *const *)argv);
	return NULL;
}

static struct gs_error *open_dump(const struct gs_args *args, struct opening *o, int *status_ret)
{
	const char *with = gs_args_get(args, "with");
	struct gs_error *err;

	o->reader = gs_reader_find(with ? with : "crash");
	for (size_t i = 0; i < gs_args_count(args); i++) {
		if (strcmp(gs_args_at(args, i), "-") == 0)
			return gs_error_create(GS_ERROR_INVALID,
					       "-: standard input is the reader's");
	}
	err = dumptool_open(args, &o->mem);
	if (!err)
		err = know_kernel(o);
	if (!err)
		err = find_vmlinux(args, o);
	return err ? err : start(args, o, status_ret);
}

int cmd_open(struct gs_args *args)
{
	struct opening o = {0};
	int status = 0;
	struct gs_error *err = open_dump(args, &o, &status);

	opening_deinit(&o);
	return err ? dumptool_end_job(args, err) : status;
}
