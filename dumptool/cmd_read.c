/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool read: bytes of memory, by physical or virtual address. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "reading.h"

#define DEFAULT_BYTES 256
#define JSON_MAX_BYTES (UINT64_C(16) << 20)

/* ---- where to read ---- */

/* As we print addresses: 16 digits, without 0x. */
static bool parse_printed(const char *text, uint64_t *ret)
{
	if (strlen(text) != 16 || strspn(text, "0123456789abcdefABCDEF") != 16)
		return false;
	*ret = strtoull(text, NULL, 16);
	return true;
}

/* NAME or NAME+OFFSET. */
static struct gs_error *find_symbol(const struct dumptool_kernel *kernel, const char *text,
				    uint64_t *ret)
{
	const char *plus = strchr(text, '+');
	gs_autofree char *name = strndup(text, plus ? (size_t)(plus - text) : strlen(text));
	struct gs_symbol symbol;
	uint64_t offset = 0;
	struct gs_error *err = name ? NULL : gs_error_nomem();

	if (!err && plus)
		err = gs_parse_u64(plus + 1, &offset);
	if (err)
		return gs_error_wrap(err, "%s", text);
	if (!kernel->symbols)
		return gs_error_create(GS_ERROR_NODATA, "%s: no symbols: give --symbols FILE",
				       text);
	if (!gs_symbols_find(kernel->symbols, name, &symbol))
		return gs_error_create(GS_ERROR_NODATA, "%s: no such symbol", name);
	*ret = symbol.address + offset;
	return NULL;
}

static bool is_name(const char *text)
{
	uint64_t v;

	return (isalpha((unsigned char)*text) || *text == '_') && !parse_printed(text, &v);
}

static bool is_virtual(const struct gs_args *args)
{
	return gs_args_has(args, "virt") || gs_args_has(args, "cpu");
}

static struct gs_error *parse_address(const struct gs_args *args, const char *text,
				      const struct dumptool_kernel *kernel, uint64_t *ret)
{
	if (parse_printed(text, ret))
		return NULL;
	if (!is_name(text))
		return gs_error_wrap(gs_parse_u64(text, ret), "ADDR");
	if (!is_virtual(args))
		return gs_error_create(GS_ERROR_INVALID,
				       "%s: a symbol is a virtual address: add --virt", text);
	return find_symbol(kernel, text, ret);
}

static struct gs_error *parse_size(const struct gs_args *args, const char *text,
				   struct dumptool_reading *r)
{
	struct gs_error *err = NULL;

	r->size = DEFAULT_BYTES;
	if (text)
		err = gs_error_wrap(gs_parse_size(text, &r->size), "LEN");
	if (!err && !r->size)
		err = gs_error_create(GS_ERROR_INVALID, "LEN: nothing to read");
	if (!err && gs_args_has(args, "json") && r->size > JSON_MAX_BYTES)
		err = gs_error_create(GS_ERROR_INVALID,
				      "LEN: a document has at most 16 MiB; --raw has no limit");
	return err;
}

/* ---- the command ---- */

static struct gs_error *choose_view(const struct gs_args *args, struct dumptool_kernel *kernel,
				    struct gs_registers *cpu, struct gs_view *view)
{
	struct gs_error *err;
	uint32_t number;

	if (gs_args_has(args, "cpu")) {
		err = dumptool_cpu(args, &number);
		if (!err)
			err = gs_registers_of_cpu(&view->mem->attrs, number, cpu);
		view->cpu = cpu;
		return err;
	}
	if (gs_args_has(args, "virt") && !kernel->l)
		return gs_error_wrap(gs_take(kernel->why_not),
				     "no kernel whose page tables could be used (--cpu N goes by a "
				     "CPU's)");
	view->kernel = gs_args_has(args, "virt") ? kernel->l : NULL;
	return NULL;
}

static struct gs_error *put_document(struct dumptool_reading *r)
{
	gs_autojson struct gs_json *runs = gs_json_new_array();
	struct gs_error *err;

	if (!runs)
		return gs_error_nomem();
	r->runs = runs;
	err = dumptool_put_memory(r);
	gs_emit_begin(r->e, NULL, NULL);
	gs_emit_address(r->e, "address", NULL, r->address);
	gs_emit_u64(r->e, "size", NULL, r->size);
	gs_emit_u64(r->e, "bytes_read", NULL, r->bytes_read);
	gs_emit_json(r->e, "runs", NULL, runs);
	gs_emit_end(r->e);
	return err;
}

/* @words: ADDR [LEN]. */
static struct gs_error *read_memory(const struct gs_args *args, const char *const *words,
				    struct gs_memory *mem, struct dumptool_reading *r)
{
	dumptool_autokernel struct dumptool_kernel kernel = {0};
	struct gs_registers cpu;
	struct gs_error *err = NULL;

	r->view.mem = mem;
	if (gs_args_has(args, "virt") && !gs_args_has(args, "cpu"))
		err = dumptool_find_vmcoreinfo(args, mem, NULL);
	if (!err && is_virtual(args))
		err = dumptool_find_kernel(args, mem, is_name(words[0]), &kernel);
	if (!err)
		err = parse_address(args, words[0], &kernel, &r->address);
	if (!err && r->size - 1 > UINT64_MAX - r->address)
		err = gs_error_create(GS_ERROR_INVALID, "LEN: more than there are addresses");
	if (!err)
		err = choose_view(args, &kernel, &cpu, &r->view);
	if (err)
		return err;
	return gs_args_has(args, "json") ? put_document(r) : dumptool_put_memory(r);
}

static struct gs_error *run(const struct gs_args *args, struct gs_emit *e)
{
	size_t files = dumptool_names_guest(args) ? 0 : 1;
	struct dumptool_reading r = {.e = gs_args_has(args, "raw") ? NULL : e};
	dumptool_autoinput struct dumptool_input in = {0};
	struct gs_error *err;

	if (gs_args_count(args) <= files || gs_args_count(args) > files + 2)
		return gs_error_create(GS_ERROR_INVALID, "%s is wanted",
				       files ? "FILE ADDR [LEN]" : "with -g, ADDR [LEN]");
	if (gs_args_has(args, "raw") && gs_args_has(args, "json"))
		return gs_error_create(GS_ERROR_INVALID, "--raw and --json exclude each other");
	err = parse_size(args, gs_args_at(args, files + 1), &r);
	if (!err)
		err = dumptool_look(args, files, &in);
	if (err)
		return err;
	err = read_memory(args, gs_args_all(args) + files, in.mem, &r);
	return gs_error_wrap(err, "%s", in.mem->name);
}

int cmd_read(struct gs_args *args)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);
	struct gs_error *err = e ? run(args, e) : gs_error_nomem(), *finish_err;

	finish_err = gs_emit_finish(e); /* what was read before an error is worth showing */
	if (!err)
		return gs_args_fail(args, finish_err);
	gs_error_destroy(finish_err);
	return gs_args_fail(args, err);
}
