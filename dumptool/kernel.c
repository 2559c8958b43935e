/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel of the dump or guest that a command looks into, and the names of its addresses. */
#include <inttypes.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "dumptool.h"

/* Not a Linux, or not one that can be known: that is an answer. */
static struct gs_error *open_linux(const struct gs_args *args, struct gs_memory *mem,
				   struct dumptool_kernel *k)
{
	struct gs_error *err = gs_linux_open(mem, &k->l);

	if (!err || !gs_error_is_answer(err))
		return err;
	if (gs_args_verbose(args))
		gs_args_note(args, "no kernel found: %s", err->message);
	k->why_not = err;
	return NULL;
}

static void warn_of_other_kernel(const struct gs_args *args, const char *path,
				 const struct gs_linux *l)
{
	char file_text[2 * GS_BUILD_ID_MAX + 1], guest_text[2 * GS_BUILD_ID_MAX + 1];
	struct gs_build_id file, guest;
	gs_autoerror struct gs_error *err = gs_build_id_of_file(path, &file);

	if (err || !l || !gs_linux_build_id(l, &guest) || gs_build_id_equal(&file, &guest))
		return;
	gs_build_id_format(&file, file_text);
	gs_build_id_format(&guest, guest_text);
	gs_args_note(args, "%s is another kernel: its build-id is %s, the guest's %s", path,
		     file_text, guest_text);
}

static struct gs_error *open_symbols(const struct gs_args *args, const char *path,
				     struct dumptool_kernel *k)
{
	struct gs_error *err = gs_symbols_open(path, &k->symbols);

	if (err)
		return err;
	warn_of_other_kernel(args, path, k->l);
	if (k->l && !gs_linux_place_symbols(k->l, k->symbols))
		gs_args_note(args,
			     "%s: where the kernel lies is not known, so its symbols stand "
			     "where they were linked",
			     path);
	return NULL;
}

static struct gs_error *find_kallsyms(const struct gs_args *args, struct dumptool_kernel *k)
{
	struct gs_error *err = gs_linux_kallsyms(k->l, &k->symbols);

	if (!err || !gs_error_is_answer(err))
		return err;
	if (gs_args_verbose(args))
		gs_args_note(args, "no symbols in the guest's memory: %s", err->message);
	gs_error_destroy(err);
	return NULL;
}

struct gs_error *dumptool_find_kernel(const struct gs_args *args, struct gs_memory *mem,
				      bool symbols, struct dumptool_kernel *ret)
{
	const char *path = gs_args_get(args, "symbols");
	struct dumptool_kernel k = {0};
	struct gs_error *err = open_linux(args, mem, &k);

	if (!err && path)
		err = open_symbols(args, path, &k);
	else if (!err && symbols && k.l)
		err = find_kallsyms(args, &k);
	if (err)
		dumptool_close_kernel(&k);
	else
		*ret = k;
	return err;
}

void dumptool_close_kernel(struct dumptool_kernel *k)
{
	gs_symbols_destroy(k->symbols);
	gs_linux_close(k->l);
	gs_error_destroy(k->why_not);
	*k = (struct dumptool_kernel){0};
}

char *dumptool_name_address(const struct dumptool_kernel *k, uint64_t address)
{
	struct gs_symbol symbol;

	if (!k->symbols || !gs_symbols_at(k->symbols, address, &symbol))
		return NULL;
	if (address == symbol.address)
		return strdup(symbol.name);
	return gs_strf("%s+0x%" PRIx64, symbol.name, address - symbol.address);
}

struct gs_error *dumptool_cpu(const struct gs_args *args, uint32_t *ret)
{
	uint64_t cpu;
	struct gs_error *err = gs_args_u64(args, "cpu", 0, &cpu);

	if (!err && cpu >= UINT32_MAX)
		err = gs_error_create(GS_ERROR_INVALID, "--cpu %" PRIu64 ": no such CPU", cpu);
	if (!err)
		*ret = (uint32_t)cpu;
	return err;
}
