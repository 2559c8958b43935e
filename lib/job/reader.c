/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Foreign readers: which of our formats each needs, and how it is called. */
#include <guestscope/job.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

static const struct gs_reader readers[] = {
	{"crash", "kdump-lzo", true},
	{"drgn", "kdump-lzo", false},
	{"gdb", "elf", false},
};

/* ---- what they object to ---- */

static bool is_raw(const struct gs_memory *mem, const struct gs_dump_facts *facts)
{
	(void)mem;
	return strcmp(facts->format, "raw") == 0;
}

static bool is_flattened(const struct gs_memory *mem, const struct gs_dump_facts *facts)
{
	(void)mem;
	return facts->flattened;
}

static bool is_split(const struct gs_memory *mem, const struct gs_dump_facts *facts)
{
	(void)mem;
	return facts->parts > 1;
}

static bool is_kdump(const struct gs_memory *mem, const struct gs_dump_facts *facts)
{
	(void)mem;
	return strcmp(facts->format, "kdump") == 0;
}

/* As QEMU writes it: only the machine. Without VMCOREINFO a conversion would know no better. */
static bool is_nameless(const struct gs_memory *mem, const struct gs_dump_facts *facts)
{
	const struct gs_attributes *a = &mem->attrs;

	return is_kdump(mem, facts) && a->vmcoreinfo &&
	       (!a->utsname[GS_UTS_SYSNAME][0] || !a->utsname[GS_UTS_RELEASE][0] ||
		!a->utsname[GS_UTS_VERSION][0] || !a->utsname[GS_UTS_MACHINE][0]);
}

static bool lacks_vaddrs(const struct gs_memory *mem, const struct gs_dump_facts *facts)
{
	return strcmp(facts->format, "elf") == 0 && mem->attrs.vmcoreinfo && !facts->has_vaddrs;
}

/* What it does: README's table, "who reads what". */
static const struct {
	const char *reader;
	bool (*applies)(const struct gs_memory *mem, const struct gs_dump_facts *facts);
	const char *why;
} objections[] = {
	{"crash", is_raw, "it is a plain image"},
	{"drgn", is_raw, "it is a plain image"},
	{"drgn", is_flattened, "it is flattened"},
	{"drgn", is_split, "it is in several files"},
	{"drgn", is_nameless, "it does not name the kernel in its header"},
	{"drgn", lacks_vaddrs, "it has no virtual addresses"},
	{"gdb", is_raw, "it is a plain image"},
	{"gdb", is_kdump, "it is no ELF file"},
	{"gdb", is_flattened, "it is flattened"},
	{"gdb", lacks_vaddrs, "it has no virtual addresses"},
};

const struct gs_reader *gs_reader_find(const char *name)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		if (strcmp(readers[i].name, name) == 0)
			return &readers[i];
	}
	return NULL;
}

const char *gs_reader_objection(const struct gs_reader *reader, const struct gs_memory *mem)
{
	const struct gs_dump_facts *facts = gs_dump_facts(mem);

	for (size_t i = 0; facts && i < sizeof(objections) / sizeof(*objections); i++) {
		if (strcmp(objections[i].reader, reader->name) == 0 &&
		    objections[i].applies(mem, facts))
			return objections[i].why;
	}
	return NULL;
}

/* ---- how they are called ---- */

/* Words, each with its NUL. */
static void add(struct gs_text *words, const char *word)
{
	gs_text_append(words, word, strlen(word) + 1);
}

static void add_all(struct gs_text *words, const char *const *more)
{
	for (; more && *more; more++)
		add(words, *more);
}

/* gdb parts the words of a command by spaces, unless a backslash stands before. */
static void add_gdb_symbols(struct gs_text *words, const struct gs_reader_call *call)
{
	gs_text_printf(words, "symbol-file -o 0x%" PRIx64 " ", call->kernel_offset);
	for (const char *c = call->vmlinux; *c; c++) {
		if (strchr(" \t\\'\"", *c))
			gs_text_puts(words, "\\");
		gs_text_append(words, c, 1);
	}
	gs_text_append(words, "", 1);
}

static void add_words(struct gs_text *words, const struct gs_reader *reader,
		      const struct gs_reader_call *call)
{
	add(words, reader->name);
	if (strcmp(reader->name, "crash") == 0) {
		if (call->vmlinux)
			add(words, call->vmlinux);
		add_all(words, call->paths);
	} else if (strcmp(reader->name, "drgn") == 0) {
		add(words, "-c");
		add(words, call->paths[0]);
		if (call->vmlinux) {
			add(words, "-s");
			add(words, call->vmlinux);
		}
	} else {
		if (call->vmlinux) {
			add(words, "-ex");
			add_gdb_symbols(words, call);
		}
		add(words, "-ex");
		gs_text_puts(words, "core-file ");
		add(words, call->paths[0]);
	}
	add_all(words, call->arguments);
}

/* The pointers, and behind them the words. */
struct gs_error *gs_reader_command(const struct gs_reader *reader,
				   const struct gs_reader_call *call, char ***argv_ret)
{
	gs_autotext struct gs_text words = {0};
	size_t count = 0;
	char **argv, *word;

	add_words(&words, reader, call);
	if (words.failed)
		return gs_error_nomem();
	for (size_t i = 0; i < words.size; i++)
		count += !words.data[i];
	argv = calloc(1, (count + 1) * sizeof(*argv) + words.size);
	if (!argv)
		return gs_error_nomem();
	word = memcpy((char *)(argv + count + 1), words.data, words.size);
	for (size_t i = 0; i < count; i++) {
		argv[i] = word;
		word += strlen(word) + 1;
	}
	*argv_ret = argv;
	return NULL;
}
