/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own symbol table, in the layouts that it had, and tables that lie. */
#include "fake_kernel.h"

/* In the kernel's text. */
#define AT_NAMES 0x310000
#define AT_COUNT 0x320000
#define AT_TABLE 0x321000
#define AT_INDEX 0x323000
#define AT_OFFSETS 0x324000
#define AT_BASE 0x325000

static const struct {
	const char *name; /* with its type */
	uint64_t address;
} symbols_there[] = {
	{"Dfixed_percpu_data", 0x0},
	{"Acpu_number", 0x1c0},
	{"T_stext", FK_TEXT_VADDR},
	{"tlocal_function", FK_TEXT_VADDR + 0x1000},
	{"Dinit_task", FK_TEXT_VADDR + 0x100000},
};
#define SYMBOLS (sizeof(symbols_there) / sizeof(*symbols_there))

/* Token 1 is "_st"; those of printing characters are themselves; all others are empty. */
static void put_tokens(struct fake_kernel *k)
{
	uint8_t *table = k->ram + AT_TABLE;
	uint16_t off = 0;

	for (int token = 0; token < 256; token++) {
		char text[4] = "";

		if (token == 1)
			strcpy(text, "_st");
		else if (token > ' ' && token < 127)
			text[0] = (char)token;
		gs_put_u16(k->ram + AT_INDEX + token * 2, off, false);
		memcpy(table + off, text, strlen(text) + 1);
		off += (uint16_t)(strlen(text) + 1);
	}
}

/* One byte of length, or two. */
static uint8_t *put_name(uint8_t *at, const char *name, bool long_length)
{
	const char *token = strstr(name, "_st");
	size_t size = strlen(name) - (token ? 2 : 0);

	*at++ = (uint8_t)(long_length ? size | 0x80 : size);
	if (long_length)
		*at++ = 0;
	for (; *name; name++) {
		*at++ = (uint8_t)(name == token ? 1 : *name);
		if (name == token)
			name += 2;
	}
	return at;
}

static void put_kallsyms(struct fake_kernel *k, bool percpu_absolute, bool long_lengths)
{
	uint8_t *at = k->ram + AT_NAMES;

	put_tokens(k);
	gs_put_u32(k->ram + AT_COUNT, SYMBOLS, false);
	fk_put(k, AT_BASE, percpu_absolute ? FK_TEXT_VADDR : 0);
	if (!percpu_absolute)
		fk_put(k, AT_BASE, FK_TEXT_VADDR - 0x1000000);
	for (size_t i = 0; i < SYMBOLS; i++) {
		uint64_t address = symbols_there[i].address;
		uint32_t offset = (uint32_t)(address - (FK_TEXT_VADDR - 0x1000000));

		if (percpu_absolute)
			offset = address < FK_TEXT_VADDR ? (uint32_t)address
							 : (uint32_t)(FK_TEXT_VADDR - 1 - address);
		gs_put_u32(k->ram + AT_OFFSETS + i * 4, offset, false);
		at = put_name(at, symbols_there[i].name, long_lengths);
	}
}

static void init(struct fake_kernel *k, bool percpu_absolute, bool long_lengths)
{
	static const struct {
		const char *name;
		gs_gpa_t gpa;
	} tables[] = {{"names", AT_NAMES},       {"num_syms", AT_COUNT},
		      {"token_table", AT_TABLE}, {"token_index", AT_INDEX},
		      {"offsets", AT_OFFSETS},   {"relative_base", AT_BASE}};

	fk_init(k, 4);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		fk_say(k, "SYMBOL(kallsyms_%s)=%llx", tables[i].name,
		       (unsigned long long)FK_VADDR(tables[i].gpa));
	put_kallsyms(k, percpu_absolute, long_lengths);
}

static struct gs_error *read_symbols(struct fake_kernel *k, struct gs_symbols **ret)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;

	assert_ok(gs_linux_open(&k->mem, &l));
	return gs_linux_kallsyms(l, ret);
}

static void test_layouts(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		GS_CLEANUP(gs_symbols_destroy) struct gs_symbols *symbols = NULL;
		struct gs_symbol found;
		struct fake_kernel k;

		init(&k, kind & 1, kind & 2);
		assert_ok(read_symbols(&k, &symbols));
		assert_int_equal(gs_symbols_count(symbols), SYMBOLS);
		for (size_t i = kind & 1 ? 0 : 2; i < SYMBOLS; i++) {
			assert_true(gs_symbols_find(symbols, symbols_there[i].name + 1, &found));
			assert_int_equal(found.address, symbols_there[i].address);
			assert_int_equal(found.type, symbols_there[i].name[0]);
		}
		assert_true(gs_symbols_at(symbols, FK_TEXT_VADDR + 0x1010, &found));
		assert_string_equal(found.name, "local_function");
		fk_deinit(&k);
	}
}

static void assert_refused(struct fake_kernel *k, enum gs_error_code code, const char *message)
{
	struct gs_symbols *symbols = NULL;

	assert_error(read_symbols(k, &symbols), code, message);
	assert_null(symbols);
	fk_deinit(k);
}

static void test_missing(void **state)
{
	struct fake_kernel k;

	(void)state;
	init(&k, true, false);
	fk_unsay(&k, "SYMBOL(kallsyms_offsets)");
	assert_refused(&k, GS_ERROR_NODATA, "vmcoreinfo does not tell where kallsyms_offsets is");
	init(&k, true, false);
	fk_unsay(&k, "SYMBOL(kallsyms_names)");
	fk_say(&k, "SYMBOL(kallsyms_names)=ffffffffff000000");
	assert_refused(&k, GS_ERROR_NODATA, NULL);
}

static void test_lies(void **state)
{
	struct fake_kernel k;

	(void)state;
	init(&k, true, false);
	gs_put_u32(k.ram + AT_COUNT, 0, false);
	assert_refused(&k, GS_ERROR_CORRUPT, "kallsyms_num_syms: 0 symbols");
	init(&k, true, false);
	gs_put_u32(k.ram + AT_COUNT, UINT32_MAX, false);
	assert_refused(&k, GS_ERROR_CORRUPT, "kallsyms_num_syms: 4294967295 symbols");
	init(&k, true, false);
	gs_put_u32(k.ram + AT_COUNT, SYMBOLS + 1, false); /* a length of 0 follows */
	assert_refused(&k, GS_ERROR_CORRUPT, "kallsyms_names: a symbol without a name");
	init(&k, true, false);
	fk_put(&k, AT_BASE, FK_TEXT_VADDR + 8); /* all are elsewhere */
	assert_refused(&k, GS_ERROR_CORRUPT,
		       "kallsyms does not have _stext where vmcoreinfo has it");
	init(&k, true, false);
	memset(k.ram + AT_NAMES, 0xff, 0x10000); /* 32767 tokens */
	memset(k.ram + AT_TABLE, 'x', 512);
	assert_refused(&k, GS_ERROR_CORRUPT, "kallsyms_names: a name of more than 1024 bytes");
	init(&k, true, false);
	memset(k.ram + AT_INDEX, 0xff, 512); /* all tokens far behind the table */
	assert_refused(&k, GS_ERROR_CORRUPT, "kallsyms_names: a symbol without a name");
}

/* A virtual address space that repeats a few pages, and with them names, for ever. */
static void test_endless_names(void **state)
{
	struct fake_kernel k;

	(void)state;
	init(&k, true, false);
	gs_put_u32(k.ram + AT_COUNT, 300000, false);
	fk_unsay(&k, "SYMBOL(kallsyms_names)");
	fk_say(&k, "SYMBOL(kallsyms_names)=ffffff0000000000");
	fk_unsay(&k, "SYMBOL(kallsyms_offsets)");
	fk_say(&k, "SYMBOL(kallsyms_offsets)=ffffff0000000000");
	for (uint64_t at = 0; at < UINT64_C(256) << 20; at += UINT64_C(2) << 20)
		fk_map(&k, UINT64_C(0xffffff0000000000) + at, 0x600000, 2);
	for (gs_gpa_t gpa = 0x600000; gpa < FK_RAM_BYTES; gpa += 2)
		memcpy(k.ram + gpa, "\xfe\x07", 2); /* a length: 1022 */
	memcpy(k.ram + AT_TABLE, "x", 2);
	memset(k.ram + AT_INDEX, 0, 512);
	gs_put_u16(k.ram + AT_INDEX + 0xfe * 2, 1, false); /* this token is empty */
	assert_refused(&k, GS_ERROR_CORRUPT, "kallsyms_names: more than 67108864 bytes");
}

static void test_failing_reads(void **state)
{
	struct fake_kernel k;
	struct gs_symbols *symbols = NULL;
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;

	(void)state;
	init(&k, true, false);
	assert_ok(gs_linux_open(&k.mem, &l));
	k.bad = AT_NAMES;
	assert_error(gs_linux_kallsyms(l, &symbols), GS_ERROR_TIMEOUT, NULL);
	fk_deinit(&k);
}

/* ---- symbols from elsewhere ---- */

static void assert_placed(const char *unsay, const char *say, const char *linked, bool placed,
			  uint64_t address)
{
	GS_CLEANUP(gs_symbols_destroy) struct gs_symbols *symbols = NULL;
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct gs_symbol found;
	struct fake_kernel k;

	fk_init(&k, 4);
	fk_say(&k, "%s", say);
	assert_ok(gs_linux_open(&k.mem, &l));
	if (unsay) {
		fk_unsay(&k, unsay);
		gs_linux_close(l);
		assert_ok(gs_linux_open(&k.mem, &l));
	}
	assert_ok(gs_symbols_create(&symbols));
	assert_ok(gs_symbols_add(symbols, linked, strlen(linked), 0xffffffff80000000, 'T'));
	assert_int_equal(gs_linux_place_symbols(l, symbols), placed);
	assert_true(gs_symbols_find(symbols, linked, &found));
	assert_int_equal(found.address, address);
	fk_deinit(&k);
}

static void test_place(void **state)
{
	(void)state;
	assert_placed(NULL, "KERNELOFFSET=99", "_stext", true, FK_TEXT_VADDR);
	assert_placed(NULL, "KERNELOFFSET=1800000", "other", true, 0xffffffff81800000);
	assert_placed(NULL, "KERNELOFFSET=0x18", "other", false, 0xffffffff80000000);
	assert_placed(NULL, "KERNELOFFSET=", "other", false, 0xffffffff80000000);
	assert_placed(NULL, "", "other", false, 0xffffffff80000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),       cmocka_unit_test(test_missing),
		cmocka_unit_test(test_lies),          cmocka_unit_test(test_endless_names),
		cmocka_unit_test(test_failing_reads), cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests_name("kallsyms", tests, NULL, NULL);
}
