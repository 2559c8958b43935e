/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds QEMU's command line.
 *
 * The user's arguments come last: where QEMU lets a later option win or add up, theirs do; where
 * it would complain, args.c has noticed and ours are left out.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <guestscope/base/text.h>

#include "internal.h"

/* What differs between targets, found by the end of the binary's name. */
struct target {
	const char *suffix;
	const char *machine; /* where QEMU has no default */
	const char *ram_id;  /* the machine's own name for its RAM: it is part of migration streams
			      */
};

static const struct target targets[] = {
	{"-x86_64", NULL, "pc.ram"},
	{"-i386", NULL, "pc.ram"},
	{"qemu-kvm", NULL, "pc.ram"},
	{"-aarch64", "virt", "mach-virt.ram"},
	{"-arm", "virt", "mach-virt.ram"},
	{"-riscv64", "virt", "riscv_virt_board.ram"},
	{"-riscv32", "virt", "riscv_virt_board.ram"},
	{"-loongarch64", "virt", "loongarch.ram"},
	{"-s390x", NULL, "s390.ram"},
	{"-ppc64", NULL, "ppc_spapr.ram"},
	{"", NULL, "ram"},
};

static const struct target *find_target(const char *qemu)
{
	const struct target *t = targets;
	size_t size = strlen(qemu);

	while (strlen(t->suffix) > size || strcmp(qemu + size - strlen(t->suffix), t->suffix) != 0)
		t++;
	return t;
}

/* A growing NULL-terminated array of strings; failure is sticky. */
struct argv {
	char **items;
	size_t count, capacity;
	bool failed;
};

/* Takes @item; NULL is "out of memory". */
static void push(struct argv *a, char *item)
{
	if (item && a->count + 1 >= a->capacity) {
		size_t capacity = a->capacity ? a->capacity * 2 : 32;
		char **items = reallocarray(a->items, capacity, sizeof(*items));

		if (items) {
			a->items = items;
			a->capacity = capacity;
		} else {
			free(item);
			item = NULL;
		}
	}
	if (!item) {
		a->failed = true;
		return;
	}
	a->items[a->count++] = item;
	a->items[a->count] = NULL;
}

static void push_word(struct argv *a, const char *word)
{
	push(a, strdup(word));
}

static void push_option(struct argv *a, const char *option, char *value)
{
	push_word(a, option);
	push(a, value);
}

static void push_option_word(struct argv *a, const char *option, const char *value)
{
	push_option(a, option, strdup(value));
}

/* @path as part of a comma separated option: "prefix" "a,,b" "suffix". */
static char *with_path(const char *prefix, const char *path, const char *suffix)
{
	gs_autotext struct gs_text t = {0};
	char *ret;

	gs_text_puts(&t, prefix);
	for (const char *c = path; *c; c++)
		gs_text_append(&t, ",,", *c == ',' ? 2 : 0), gs_text_append(&t, c, *c != ',');
	gs_text_puts(&t, suffix);
	gs_autoerror struct gs_error *err = gs_text_finish(&t, &ret);
	return err ? NULL : ret;
}

static void push_base(struct argv *a, const struct gs_launch_plan *plan)
{
	push_word(a, plan->qemu);
	push_option(a, "-name", gs_strf("guest=%s,debug-threads=on", plan->name));
	push_word(a, "-no-user-config");
	push_word(a, "-nodefaults");
	push_option_word(a, "-display", "none");
}

static void push_accels(struct argv *a, const struct gs_launch_plan *plan)
{
	static const char *const best_first[] = {"kvm", "tcg", NULL};
	const char *const *accel = plan->launch->accels ? plan->launch->accels : best_first;

	for (; plan->accels && *accel; accel++)
		push_option_word(a, "-accel", *accel);
}

static void push_machine(struct argv *a, const struct gs_launch_plan *plan)
{
	const struct target *target = find_target(plan->qemu);
	unsigned int cpus = plan->launch->cpus ? plan->launch->cpus : 1;

	if (plan->machine && target->machine)
		push_option_word(a, "-machine", target->machine);
	push_option(a, "-m", gs_strf("%" PRIu64 "B", plan->mem_bytes));
	push_option(a, "-smp", gs_strf("%u", cpus));
	if (plan->ram_fd >= 0) {
		push_option(a, "-object",
			    gs_strf("memory-backend-file,id=%s,size=%" PRIu64
				    ",mem-path=/proc/self/fd/%d,share=on",
				    target->ram_id, plan->mem_bytes, plan->ram_fd));
		push_option(a, "-machine", gs_strf("memory-backend=%s", target->ram_id));
	}
	if (plan->vmcoreinfo)
		push_option_word(a, "-device", "vmcoreinfo");
}

static void push_monitors(struct argv *a, const struct gs_launch_plan *plan)
{
	static const char *const ids[] = {"gs-qmp", "gs-qmp2"};

	for (size_t i = 0; i < 2; i++) {
		push_option(a, "-chardev",
			    gs_strf("socket,id=%s,fd=%d,server=on,wait=off", ids[i],
				    plan->monitor_fds[i]));
		push_option(a, "-mon", gs_strf("chardev=%s,mode=control", ids[i]));
	}
}

/*
 * To QEMU a "pipe" is two files, PATH.in and PATH.out, which need not be pipes. A socket with a log
 * file would do for a console, too, but its client could hold up the guest, and when it is slow,
 * QEMU (7.2) writes bytes to the log twice.
 */
static void push_serial(struct argv *a, const struct gs_launch_plan *plan)
{
	if (!plan->serial_path)
		return;
	push_option(a, "-chardev", with_path("pipe,id=gs-serial,path=", plan->serial_path, ""));
	push_option_word(a, "-serial", "chardev:gs-serial");
}

static void push_kernel(struct argv *a, const struct gs_launch *launch)
{
	if (launch->kernel)
		push_option_word(a, "-kernel", launch->kernel);
	if (launch->initrd)
		push_option_word(a, "-initrd", launch->initrd);
	if (launch->append)
		push_option_word(a, "-append", launch->append);
}

static void push_disks(struct argv *a, const struct gs_launch_plan *plan)
{
	const char *const *disks = plan->launch->disks;

	for (size_t i = 0; disks && disks[i]; i++) {
		/* Without a slash, "nbd:x" would be taken for a protocol. */
		const char *prefix = strchr(disks[i], '/') == disks[i] ? "file=" : "file=./";
		gs_autofree char *suffix = gs_strf(",format=%s,if=virtio", plan->disk_formats[i]);

		push_option(a, "-drive", suffix ? with_path(prefix, disks[i], suffix) : NULL);
	}
}

struct gs_error *gs_launch_argv(const struct gs_launch_plan *plan, char ***ret)
{
	const char *const *extra = plan->launch->extra;
	struct argv a = {0};

	push_base(&a, plan);
	push_accels(&a, plan);
	push_machine(&a, plan);
	push_monitors(&a, plan);
	push_serial(&a, plan);
	push_kernel(&a, plan->launch);
	push_disks(&a, plan);
	for (; extra && *extra; extra++)
		push_word(&a, *extra);
	if (a.failed) {
		gs_launch_argv_free(a.items);
		return gs_error_nomem();
	}
	*ret = a.items;
	return NULL;
}

void gs_launch_argv_free(char **argv)
{
	for (char **item = argv; item && *item; item++)
		free(*item);
	free(argv);
}

/* QEMU's name for what uname calls a machine, where they differ. */
static const char *qemu_arch(const char *machine)
{
	static const char *const names[][2] = {
		{"i486", "i386"},           {"i586", "i386"},  {"i686", "i386"},
		{"armv7l", "arm"},          {"armv8l", "arm"}, {"ppc64le", "ppc64"},
		{"loong64", "loongarch64"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(machine, names[i][0]) == 0)
			return names[i][1];
	}
	return machine;
}

char *gs_launch_default_qemu(void)
{
	struct utsname host;

	if (uname(&host) < 0)
		return strdup("qemu-system-x86_64");
	return gs_strf("qemu-system-%s", qemu_arch(host.machine));
}
