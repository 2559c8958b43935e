/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMCOREINFO from elsewhere: put into attributes, read from files, found in memory. */
#include <errno.h>

#include "fake_aarch64.h"
#include "fake_kernel.h"

static const char said[] = "OSRELEASE=6.1\nPAGESIZE=16384\n";

/* ---- into the attributes ---- */

struct notes {
	uint8_t bytes[512];
	size_t size;
};

static void add_note(struct notes *n, const char *name, uint32_t type, const char *desc,
		     size_t desc_size, bool big_endian)
{
	size_t name_size = strlen(name) + 1;
	uint8_t *to = n->bytes + n->size;

	gs_put_u32(to, (uint32_t)name_size, big_endian);
	gs_put_u32(to + 4, (uint32_t)desc_size, big_endian);
	gs_put_u32(to + 8, type, big_endian);
	memcpy(to + 12, name, name_size);
	memcpy(to + 12 + ((name_size + 3) & ~3ul), desc, desc_size);
	n->size += 12 + ((name_size + 3) & ~3ul) + ((desc_size + 3) & ~3ul);
}

/* Sets @said over @n; *ret is the caller's to deinit. */
static void set_over(const struct notes *n, bool big_endian, struct gs_attributes *ret)
{
	struct gs_attributes attrs = {
		.arch = GS_ARCH_AARCH64, .big_endian = big_endian, .page_size = 4096};

	if (n->size) {
		attrs.notes = malloc(n->size);
		assert_non_null(attrs.notes);
		memcpy(attrs.notes, n->bytes, n->size);
		attrs.notes_size = n->size;
	}
	assert_ok(gs_attributes_set_vmcoreinfo(&attrs, said, strlen(said)));
	assert_string_equal(attrs.vmcoreinfo, said);
	assert_int_equal(attrs.vmcoreinfo_size, strlen(said));
	*ret = attrs;
}

/* The notes are now those of @expected, to the byte. */
static void assert_notes(const struct notes *before, const struct notes *expected, bool big_endian)
{
	struct gs_attributes attrs;

	set_over(before, big_endian, &attrs);
	assert_int_equal(attrs.notes_size, expected->size);
	assert_memory_equal(attrs.notes, expected->bytes, expected->size);
	gs_attributes_deinit(&attrs);
}

static void test_set(void **state)
{
	(void)state;
	for (int big = 0; big <= 1; big++) {
		struct notes none = {0}, other = {0}, old = {0}, two = {0};
		struct notes alone = {0}, last = {0}, middle = {0};

		add_note(&alone, "VMCOREINFO", 0, said, strlen(said), big);
		assert_notes(&none, &alone, big);
		add_note(&other, "CORE", 1, "abc", 3, big);
		add_note(&last, "CORE", 1, "abc", 3, big);
		add_note(&last, "VMCOREINFO", 0, said, strlen(said), big);
		assert_notes(&other, &last, big);
		other.size--; /* the last one's padding may be missing */
		assert_notes(&other, &last, big);
		add_note(&old, "VMCOREINFO", 0, "OSRELEASE=old\n", 14, big);
		add_note(&old, "CORE", 1, "abc", 3, big);
		add_note(&middle, "VMCOREINFO", 0, said, strlen(said), big);
		add_note(&middle, "CORE", 1, "abc", 3, big);
		assert_notes(&old, &middle, big);
		two = old;
		add_note(&two, "VMCOREINFO", 0, "OSRELEASE=older\n", 16, big);
		assert_notes(&two, &middle, big);
	}
}

/* What comes behind damage is carried along, but nothing that shall be found may be there. */
static void test_set_damaged(void **state)
{
	struct notes damaged = {0};
	struct gs_attributes attrs, again = {.arch = GS_ARCH_AARCH64};

	(void)state;
	add_note(&damaged, "CORE", 1, "abcd", 4, false);
	add_note(&damaged, "CORE", 1, "efgh", 4, false);
	gs_put_u32(damaged.bytes + damaged.size / 2 + 4, UINT32_MAX, false);
	set_over(&damaged, false, &attrs);
	again.notes = attrs.notes;
	again.notes_size = attrs.notes_size;
	assert_ok(gs_attributes_read_notes(&again));
	assert_string_equal(again.vmcoreinfo, said);
	assert_memory_equal(attrs.notes + attrs.notes_size - damaged.size / 2,
			    damaged.bytes + damaged.size / 2, damaged.size / 2);
	free(again.vmcoreinfo);
	gs_attributes_deinit(&attrs);
}

static void test_set_too_long(void **state)
{
	gs_autofree char *text = calloc(1, GS_VMCOREINFO_MAX_BYTES + 1);
	struct gs_attributes attrs = {.arch = GS_ARCH_AARCH64};

	(void)state;
	assert_non_null(text);
	assert_ok(gs_attributes_set_vmcoreinfo(&attrs, text, GS_VMCOREINFO_MAX_BYTES));
	assert_error(gs_attributes_set_vmcoreinfo(&attrs, text, GS_VMCOREINFO_MAX_BYTES + 1),
		     GS_ERROR_INVALID, NULL);
	assert_int_equal(attrs.vmcoreinfo_size, GS_VMCOREINFO_MAX_BYTES);
	gs_attributes_deinit(&attrs);
}

/* The kernel's pages, but never larger than the units in which the dump left pages out. */
static void test_page_size(void **state)
{
	static const struct {
		enum gs_arch arch;
		uint32_t block_size;
		const char *text;
		uint32_t expected;
	} cases[] = {
		{GS_ARCH_AARCH64, 0, "PAGESIZE=65536\n", 65536},
		{GS_ARCH_AARCH64, 0, "A=b\nPAGESIZE=16384\nPAGESIZE=4096", 16384},
		{GS_ARCH_AARCH64, 65536, "PAGESIZE=4096\n", 4096},
		{GS_ARCH_AARCH64, 4096, "PAGESIZE=65536\n", 4096},
		{GS_ARCH_AARCH64, 65536, "OSRELEASE=x\n", 65536},
		{GS_ARCH_AARCH64, 0, "PAGESIZE=12345\n", 4096},
		{GS_ARCH_AARCH64, 0, "PAGESIZE=1\n", 4096},
		{GS_ARCH_AARCH64, 0, "PAGESIZE=", 4096},
		{GS_ARCH_AARCH64, 0, "PAGESIZE=1073741824\n", 4096},
		{GS_ARCH_X86_64, 0, "PAGESIZE=65536\n", 4096},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gs_attributes attrs = {.arch = cases[i].arch,
					      .block_size = cases[i].block_size};

		assert_ok(
			gs_attributes_set_vmcoreinfo(&attrs, cases[i].text, strlen(cases[i].text)));
		assert_int_equal(attrs.page_size, cases[i].expected);
		gs_attributes_deinit(&attrs);
	}
}

/* ---- from a file ---- */

static void write_file(const void *bytes, size_t size)
{
	FILE *f = fopen("file", "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void assert_loads(const void *bytes, size_t size, const char *expected)
{
	gs_autofree char *text = NULL;
	size_t text_size;

	write_file(bytes, size);
	assert_ok(gs_vmcoreinfo_load("file", &text, &text_size));
	assert_string_equal(text, expected);
	assert_int_equal(text_size, strlen(expected));
}

static void test_load(void **state)
{
	(void)state;
	assert_loads(said, strlen(said), said);
	assert_loads("PAGESIZE=4096\nOSRELEASE=6\n", 26, "PAGESIZE=4096\nOSRELEASE=6\n");
	for (int big = 0; big <= 1; big++) {
		struct notes n = {0};

		add_note(&n, "CORE", 1, "abc", 3, big);
		add_note(&n, "VMCOREINFO", 0, said, strlen(said), big);
		assert_loads(n.bytes, n.size, said);
		/* A page of the kernel's, the rest of it zero; notes and text. */
		assert_loads(n.bytes, sizeof(n.bytes), said);
		memset(&n, 0, sizeof(n));
		memcpy(n.bytes, said, strlen(said));
		assert_loads(n.bytes, sizeof(n.bytes), said);
	}
}

static void assert_no_load(const void *bytes, size_t size)
{
	char *text;
	size_t text_size;

	write_file(bytes, size);
	assert_error(gs_vmcoreinfo_load("file", &text, &text_size), GS_ERROR_CORRUPT, NULL);
}

static void test_load_other(void **state)
{
	gs_autofree char *large = malloc(3u << 20);
	struct notes n = {0};
	char *text;
	size_t size;

	(void)state;
	assert_no_load("", 0);
	assert_no_load("OSRELEASE", 9);
	assert_no_load("NOTOSRELEASE=6\n", 15);
	assert_no_load("\0OSRELEASE=6\n", 13);
	add_note(&n, "VMCOREINFO", 0, "PAGESIZE=4096\n", 14, false);
	assert_no_load(n.bytes, n.size);
	assert_non_null(large);
	memset(large, 'A', 3u << 20);
	memcpy(large, said, strlen(said));
	assert_no_load(large, GS_VMCOREINFO_MAX_BYTES + 1);
	assert_no_load(large, 3u << 20);
	assert_os_error(gs_vmcoreinfo_load("none", &text, &size), ENOENT);
}

/* ---- in memory ---- */

#define AT(k, page) ((char *)(k)->ram + (page)*4096)

static void put_note(char *to, const char *text)
{
	gs_put_u32((uint8_t *)to, 11, false);
	gs_put_u32((uint8_t *)to + 4, (uint32_t)strlen(text), false);
	gs_put_u32((uint8_t *)to + 8, 0, false);
	memcpy(to + 12, "VMCOREINFO\0", 12);
	memcpy(to + 24, text, strlen(text));
}

static void assert_found(struct gs_memory *mem, const char *expected)
{
	for (unsigned int threads = 1; threads <= 4; threads *= 4) {
		gs_autofree char *text = NULL;
		size_t size;

		assert_ok(gs_vmcoreinfo_scan(mem, threads, NULL, &text, &size));
		assert_string_equal(text, expected);
		assert_int_equal(size, strlen(expected));
	}
}

static void assert_none(struct gs_memory *mem)
{
	char *text;
	size_t size;

	assert_error(gs_vmcoreinfo_scan(mem, 2, NULL, &text, &size), GS_ERROR_NODATA,
		     "fake: no VMCOREINFO of a running kernel in the memory");
}

/* The kernel's own text stays in k->info, and is no longer told. */
static void forget(struct gs_attributes *attrs)
{
	attrs->vmcoreinfo = NULL;
	attrs->vmcoreinfo_size = 0;
}

static void test_scan(void **state)
{
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	forget(&k.mem.attrs);
	assert_none(&k.mem);
	/* Nothing but page starts count. */
	strcpy(AT(&k, 0x600) + 8, k.info);
	assert_none(&k.mem);
	strcpy(AT(&k, 0x600), k.info);
	assert_found(&k.mem, k.info);
	memset(AT(&k, 0x600), 0, 4096);
	put_note(AT(&k, 0x7f0), k.info);
	assert_found(&k.mem, k.info);
	/* Also of a machine that nobody told of. */
	k.mem.attrs.arch = GS_ARCH_UNKNOWN;
	assert_found(&k.mem, k.info);
	fk_deinit(&k);
}

/* Others' that lie about: of an older boot, of another kernel, cut off. */
static void test_scan_others(void **state)
{
	struct fake_aarch64 k;
	char other[4096];

	(void)state;
	fa_init(&k, 65536, 48, FA_RAM);
	forget(&k.mem.attrs);
	strcpy(AT(&k, 0x790), k.info);
	strcpy(other, k.info);
	memcpy(strstr(other, "NUMBER(kimage_voffset)=0xf"), "NUMBER(kimage_voffset)=0x1", 26);
	strcpy(AT(&k, 0x280), other);
	put_note(AT(&k, 0x281), other);
	strcpy(AT(&k, 0x282), "OSRELEASE=");
	strcpy(AT(&k, 0x283), "OSRELEASE=5.10\n");
	put_note(AT(&k, 0x284), "");
	put_note(AT(&k, 0x285), "OSRELEASE");
	gs_put_u32((uint8_t *)AT(&k, 0x285) + 4, UINT32_MAX, false);
	assert_found(&k.mem, k.info);
	memset(AT(&k, 0x790), 0, 4096);
	assert_none(&k.mem);
	fa_deinit(&k);
}

/* A text at the very end of memory, and one that only claims to go on behind it. */
static void test_scan_at_the_end(void **state)
{
	struct fake_aarch64 k;

	(void)state;
	fa_init(&k, 4096, 48, FA_RAM);
	forget(&k.mem.attrs);
	put_note(AT(&k, 0x7ff), k.info);
	assert_found(&k.mem, k.info);
	gs_put_u32((uint8_t *)AT(&k, 0x7ff) + 4, 4096, false);
	assert_none(&k.mem);
	strcpy(AT(&k, 0x7ff), k.info);
	assert_found(&k.mem, k.info);
	fa_deinit(&k);
}

/* Where page tables are not known, the first one is as good as any. */
static void test_scan_unknown_machine(void **state)
{
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	forget(&k.mem.attrs);
	k.mem.attrs.arch = GS_ARCH_RISCV64;
	strcpy(AT(&k, 0x610), "OSRELEASE=first\n");
	strcpy(AT(&k, 0x600), "PAGESIZE=1\n");
	strcpy(AT(&k, 0x620), "OSRELEASE=second\n");
	assert_found(&k.mem, "OSRELEASE=first\n");
	fk_deinit(&k);
}

/* However many there are, not all are tried: the lowest, whoever comes first. */
static void test_scan_many(void **state)
{
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	forget(&k.mem.attrs);
	for (size_t page = 0x480; page < 0x800; page++)
		strcpy(AT(&k, page), "OSRELEASE=no\nSYMBOL(_stext)=0\n");
	strcpy(AT(&k, 0x4ff), k.info);
	assert_found(&k.mem, k.info);
	strcpy(AT(&k, 0x4ff), "OSRELEASE=no\n");
	strcpy(AT(&k, 0x7ff), k.info);
	k.reads = 0;
	assert_none(&k.mem);
	assert_true(k.reads < 10000);
	fk_deinit(&k);
}

static void test_scan_ends(void **state)
{
	_Atomic int cancelled = 1;
	struct fake_kernel k;
	char *text;
	size_t size;

	(void)state;
	fk_init(&k, 4);
	forget(&k.mem.attrs);
	assert_os_error(gs_vmcoreinfo_scan(&k.mem, 2, &cancelled, &text, &size), EINTR);
	k.bad = 0x700000;
	assert_error(gs_vmcoreinfo_scan(&k.mem, 2, NULL, &text, &size), GS_ERROR_TIMEOUT, NULL);
	fk_deinit(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_damaged),
		cmocka_unit_test(test_set_too_long),
		cmocka_unit_test(test_page_size),
		unit_test_in_scratch(test_load),
		unit_test_in_scratch(test_load_other),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_scan_others),
		cmocka_unit_test(test_scan_at_the_end),
		cmocka_unit_test(test_scan_unknown_machine),
		cmocka_unit_test(test_scan_many),
		cmocka_unit_test(test_scan_ends),
	};

	return cmocka_run_group_tests_name("vmcoreinfo", tests, NULL, NULL);
}
