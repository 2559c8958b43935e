/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's symbol table in its own memory (scripts/kallsyms.c makes it), and the place of
 * symbols that come from elsewhere.
 *
 *	kallsyms_names         for each symbol: length, then that many token numbers
 *	kallsyms_token_index   256 u16: where each token's text begins
 *	kallsyms_token_table   these texts
 *	kallsyms_offsets       a u32 for each symbol, from kallsyms_relative_base
 *
 * The first character of what a symbol's tokens spell is its type. Since 6.1 a length with bit 7
 * set goes on in the next byte; before, no length was that large.
 *
 * On kernels with per-CPU symbols at absolute addresses (x86_64 up to 6.14) an offset is signed:
 * one that is not negative is such an address, others count down from the base - 1. Which of the
 * two it is is said nowhere; _stext decides.
 */
#include <guestscope/linux.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define SYMBOLS_MAX (4u << 20)
#define TOKENS 256
#define TOKEN_TABLE_MAX (65536 + 512)
#define NAME_MAX_BYTES 1024 /* KSYM_NAME_LEN is 512, and the type */
#define NAMES_MAX_BYTES (64u << 20)
#define CHUNK_BYTES 4096

struct kallsyms {
	struct gs_linux *l;
	bool big_endian;
	uint32_t count;
	uint64_t base;
	uint8_t *offsets; /* u32 each */
	char *tokens;     /* TOKEN_TABLE_MAX, the last byte is NUL */
	uint16_t token_off[TOKENS];
	uint64_t stext;
	bool percpu_absolute;
	/* kallsyms_names, read as it is walked */
	uint64_t names; /* address of the next chunk */
	uint64_t left;  /* bytes until we do not believe it any more */
	uint8_t chunk[CHUNK_BYTES];
	size_t pos, size;
};

static void deinit(struct kallsyms *k)
{
	free(k->offsets);
	free(k->tokens);
}

/* ---- the tables ---- */

static struct gs_error *find(const struct kallsyms *k, const char *name, uint64_t *ret)
{
	if (gs_vmcoreinfo_symbol(k->l->info, name, ret))
		return NULL;
	return gs_error_create(GS_ERROR_NODATA, "vmcoreinfo does not tell where %s is", name);
}

static struct gs_error *read_at(const struct kallsyms *k, const char *name, void *buf, size_t size)
{
	uint64_t vaddr;
	struct gs_error *err = find(k, name, &vaddr);

	return err ? err : gs_error_wrap(gs_linux_read(k->l, vaddr, buf, size), "%s", name);
}

static struct gs_error *read_counts(struct kallsyms *k)
{
	size_t word = k->l->mem->attrs.is_64bit ? 8 : 4;
	uint8_t raw[8];
	struct gs_error *err = find(k, "_stext", &k->stext);

	if (!err)
		err = read_at(k, "kallsyms_relative_base", raw, word);
	if (err)
		return err;
	k->base = gs_get_uint(raw, word, k->big_endian);
	err = read_at(k, "kallsyms_num_syms", raw, 4);
	if (err)
		return err;
	k->count = gs_get_u32(raw, k->big_endian);
	if (!k->count || k->count > SYMBOLS_MAX)
		return gs_error_create(GS_ERROR_CORRUPT, "kallsyms_num_syms: %u symbols", k->count);
	return find(k, "kallsyms_names", &k->names);
}

static struct gs_error *read_offsets(struct kallsyms *k)
{
	k->offsets = malloc((size_t)k->count * 4);
	if (!k->offsets)
		return gs_error_nomem();
	return read_at(k, "kallsyms_offsets", k->offsets, (size_t)k->count * 4);
}

/* How long the table is follows from where its last token begins. */
static struct gs_error *read_tokens(struct kallsyms *k)
{
	uint8_t index[TOKENS * 2];
	size_t size = 0;
	struct gs_error *err = read_at(k, "kallsyms_token_index", index, sizeof(index));

	if (err)
		return err;
	for (size_t i = 0; i < TOKENS; i++) {
		k->token_off[i] = gs_get_u16(index + i * 2, k->big_endian);
		if (k->token_off[i] > size)
			size = k->token_off[i];
	}
	k->tokens = calloc(1, TOKEN_TABLE_MAX);
	if (!k->tokens)
		return gs_error_nomem();
	/* kallsyms_token_index lies behind the table, so there is something to read. */
	return read_at(k, "kallsyms_token_table", k->tokens, size + sizeof(index));
}

static uint64_t address_of(const struct kallsyms *k, uint32_t i)
{
	uint32_t offset = gs_get_u32(k->offsets + (size_t)i * 4, k->big_endian);

	if (!k->percpu_absolute)
		return k->base + offset;
	return offset < UINT32_C(1) << 31 ? offset
					  : k->base - 1 - (uint64_t)(int64_t)(int32_t)offset;
}

/* ---- the names ---- */

static struct gs_error *next_byte(struct kallsyms *k, uint8_t *ret)
{
	if (k->pos == k->size) {
		size_t size = CHUNK_BYTES - (k->names & (CHUNK_BYTES - 1));
		struct gs_error *err;

		if (size > k->left)
			return gs_error_create(GS_ERROR_CORRUPT,
					       "kallsyms_names: more than %u bytes",
					       NAMES_MAX_BYTES);
		err = gs_linux_read(k->l, k->names, k->chunk, size);
		if (err)
			return gs_error_wrap(err, "kallsyms_names");
		k->names += size;
		k->left -= size;
		k->pos = 0;
		k->size = size;
	}
	*ret = k->chunk[k->pos++];
	return NULL;
}

static struct gs_error *next_length(struct kallsyms *k, size_t *ret)
{
	uint8_t byte = 0, more = 0;
	struct gs_error *err = next_byte(k, &byte);

	if (!err && byte & 0x80)
		err = next_byte(k, &more);
	*ret = (byte & 0x7f) | (size_t)more << 7;
	return err;
}

/* The type and the name of the next symbol; *size_ret includes the type. */
static struct gs_error *next_name(struct kallsyms *k, char name[NAME_MAX_BYTES], size_t *size_ret)
{
	size_t tokens, size = 0;
	struct gs_error *err = next_length(k, &tokens);

	for (; !err && tokens > 0; tokens--) {
		uint8_t token = 0;
		const char *text;
		size_t n;

		err = next_byte(k, &token);
		text = k->tokens + k->token_off[token];
		n = strlen(text);
		if (!err && n >= NAME_MAX_BYTES - size)
			err = gs_error_create(GS_ERROR_CORRUPT,
					      "kallsyms_names: a name of more than %d bytes",
					      NAME_MAX_BYTES);
		if (!err)
			memcpy(name + size, text, n);
		size += n;
	}
	if (!err && size < 2)
		err = gs_error_create(GS_ERROR_CORRUPT, "kallsyms_names: a symbol without a name");
	*size_ret = size;
	return err;
}

/* One pass: *stext_ret is where _stext is, if it is the symbol that is right. */
static struct gs_error *walk_names(struct kallsyms *k, struct gs_symbols *symbols,
				   uint32_t *stext_ret)
{
	struct gs_error *err = NULL;

	*stext_ret = k->count;
	for (uint32_t i = 0; i < k->count && !err; i++) {
		char name[NAME_MAX_BYTES];
		size_t size = 0;

		err = next_name(k, name, &size);
		if (!err)
			err = gs_symbols_add(symbols, name + 1, size - 1, address_of(k, i), *name);
		if (!err && size == 7 && memcmp(name + 1, "_stext", 6) == 0)
			*stext_ret = i;
	}
	return err;
}

static struct gs_error *read_names(struct kallsyms *k, bool *fits_ret, struct gs_symbols **ret)
{
	GS_CLEANUP(gs_symbols_destroy) struct gs_symbols *symbols = NULL;
	uint64_t names = k->names;
	uint32_t stext = 0;
	struct gs_error *err = gs_symbols_create(&symbols);

	k->pos = k->size = 0;
	k->left = NAMES_MAX_BYTES;
	if (!err)
		err = walk_names(k, symbols, &stext);
	k->names = names;
	if (err)
		return err;
	*fits_ret = stext < k->count && address_of(k, stext) == k->stext;
	if (*fits_ret)
		*ret = gs_take(symbols);
	return NULL;
}

static struct gs_error *read_tables(struct kallsyms *k)
{
	struct gs_error *err = read_counts(k);

	if (!err)
		err = read_offsets(k);
	if (!err)
		err = read_tokens(k);
	return err;
}

struct gs_error *gs_linux_kallsyms(struct gs_linux *l, struct gs_symbols **ret)
{
	struct kallsyms k = {
		.l = l,
		.big_endian = l->mem->attrs.big_endian,
		.percpu_absolute = l->arch == GS_ARCH_X86_64,
	};
	bool fits = false;
	struct gs_error *err = read_tables(&k);

	if (!err)
		err = read_names(&k, &fits, ret);
	if (!err && !fits) {
		k.percpu_absolute = !k.percpu_absolute;
		err = read_names(&k, &fits, ret);
	}
	if (!err && !fits)
		err = gs_error_create(GS_ERROR_CORRUPT,
				      "kallsyms does not have _stext where vmcoreinfo has it");
	deinit(&k);
	return err;
}

/* ---- symbols from elsewhere ---- */

bool gs_linux_place_symbols(struct gs_linux *l, struct gs_symbols *symbols)
{
	const char *text = gs_vmcoreinfo_get(l->info, "KERNELOFFSET");
	struct gs_symbol linked;
	uint64_t vaddr;
	char *end;

	gs_symbols_set_offset(symbols, 0);
	if (gs_vmcoreinfo_symbol(l->info, "_stext", &vaddr) &&
	    gs_symbols_find(symbols, "_stext", &linked)) {
		gs_symbols_set_offset(symbols, vaddr - linked.address);
		return true;
	}
	if (!text || !*text || strspn(text, "0123456789abcdefABCDEF") != strlen(text))
		return false;
	gs_symbols_set_offset(symbols, strtoull(text, &end, 16));
	return true;
}

bool gs_linux_build_id(const struct gs_linux *l, struct gs_build_id *ret)
{
	const char *text = gs_vmcoreinfo_get(l->info, "BUILD-ID");

	return text && gs_build_id_parse(text, ret);
}
