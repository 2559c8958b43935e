/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMCOREINFO, page tables, and what a kernel tells of itself: also kernels that lie. */
#include "fake_kernel.h"

/* ---- VMCOREINFO ---- */

static struct gs_vmcoreinfo *parse(const char *text)
{
	struct gs_vmcoreinfo *v;

	assert_ok(gs_vmcoreinfo_parse(text, strlen(text), &v));
	return v;
}

static void test_vmcoreinfo(void **state)
{
	GS_CLEANUP(gs_vmcoreinfo_destroy)
	struct gs_vmcoreinfo *v = parse("OSRELEASE=6.1\nPAGESIZE=4096\nSYMBOL(a)=ffffffff81000000\n"
					"OFFSET(page.flags)=8\nNUMBER(n)=-117440512\n"
					"NUMBER(KERNELOFFSET)=0x1f\nOSRELEASE=again");
	uint64_t u = 0;
	int64_t i = 0;

	(void)state;
	assert_string_equal(gs_vmcoreinfo_get(v, "OSRELEASE"), "6.1");
	assert_null(gs_vmcoreinfo_get(v, "OSRELEAS"));
	assert_null(gs_vmcoreinfo_get(v, ""));
	assert_true(gs_vmcoreinfo_symbol(v, "a", &u));
	assert_int_equal(u, 0xffffffff81000000);
	assert_true(gs_vmcoreinfo_count(v, "OFFSET", "page.flags", &u));
	assert_int_equal(u, 8);
	assert_true(gs_vmcoreinfo_number(v, "n", &i));
	assert_int_equal(i, -117440512);
	assert_true(gs_vmcoreinfo_number(v, "KERNELOFFSET", &i));
	assert_int_equal(i, 31);
	assert_false(gs_vmcoreinfo_count(v, "SIZE", "page.flags", &u));
}

static void test_vmcoreinfo_bad_numbers(void **state)
{
	static const char *const bad[] = {"",    " 1", "+1", "\t1", "1 ",   "1x",
					  "--1", "0x", "x",  "-",   "\v-1", "99999999999999999999"};

	(void)state;
	for (size_t n = 0; n < sizeof(bad) / sizeof(*bad); n++) {
		GS_CLEANUP(gs_vmcoreinfo_destroy) struct gs_vmcoreinfo *v = NULL;
		char text[128];
		uint64_t u = 7;
		int64_t i = 7;

		snprintf(text, sizeof(text), "SYMBOL(a)=%s\nNUMBER(a)=%s\nSIZE(a)=%s\n", bad[n],
			 bad[n], bad[n]);
		v = parse(text);
		assert_false(gs_vmcoreinfo_symbol(v, "a", &u));
		assert_false(gs_vmcoreinfo_number(v, "a", &i));
		assert_false(gs_vmcoreinfo_count(v, "SIZE", "a", &u));
		assert_true(u == 7 && i == 7);
	}
}

static void test_vmcoreinfo_odd_texts(void **state)
{
	static const char *const odd[] = {
		"", "\n\n\n", "=", "==", "=value\n", "no equals\n", "a=\n"};
	gs_autofree char *long_text = calloc(1, GS_VMCOREINFO_MAX_BYTES + 1);
	struct gs_vmcoreinfo *v = NULL;

	(void)state;
	for (size_t n = 0; n < sizeof(odd) / sizeof(*odd); n++) {
		v = parse(odd[n]);
		assert_null(gs_vmcoreinfo_get(v, "OSRELEASE"));
		gs_vmcoreinfo_destroy(v);
	}
	/* What follows a NUL was never said. */
	assert_ok(gs_vmcoreinfo_parse("a=1\0\nb=2\n", 9, &v));
	assert_string_equal(gs_vmcoreinfo_get(v, "a"), "1");
	assert_null(gs_vmcoreinfo_get(v, "b"));
	gs_vmcoreinfo_destroy(v);
	memset(long_text, '\n', GS_VMCOREINFO_MAX_BYTES + 1);
	assert_ok(gs_vmcoreinfo_parse(long_text, GS_VMCOREINFO_MAX_BYTES, &v));
	gs_vmcoreinfo_destroy(v);
	assert_error(gs_vmcoreinfo_parse(long_text, GS_VMCOREINFO_MAX_BYTES + 1, &v),
		     GS_ERROR_CORRUPT, "vmcoreinfo: 1048577 bytes, at most 1048576");
}

/* ---- page tables ---- */

#define USER UINT64_C(0x00007f1234567000)

static void assert_walk(struct fake_kernel *k, uint64_t vaddr, gs_gpa_t expected, uint64_t left)
{
	gs_gpa_t gpa;
	uint64_t left_found;

	assert_ok(gs_x86_64_walk(&k->mem, FK_SWAPPER, k->levels, vaddr, &gpa, &left_found));
	assert_int_equal(gpa, expected);
	assert_int_equal(left_found, left);
}

static void test_walk(void **state)
{
	(void)state;
	for (unsigned int levels = 4; levels <= 5; levels++) {
		struct fake_kernel k;
		gs_gpa_t gpa;

		fk_init(&k, levels);
		fk_map(&k, USER, 0x1234000, 1);
		assert_walk(&k, USER, 0x1234000, 4096);
		assert_walk(&k, USER + 0xabc, 0x1234abc, 4096 - 0xabc);
		assert_walk(&k, FK_TEXT_VADDR + 0x1234, FK_TEXT + 0x1234, 0x200000 - 0x1234);
		assert_walk(&k, k.direct + 0x12345678, 0x12345678, 0x40000000 - 0x12345678);
		/* The top bits of an entry (no-execute, protection keys) are no address, and the
		 * attribute bit of a large page is none either. */
		fk_map(&k, USER, UINT64_C(0xfff0000000000000) | 0x1234000, 1);
		assert_walk(&k, USER, 0x1234000, 4096);
		fk_map(&k, FK_TEXT_VADDR, FK_TEXT | 0x1000, 2);
		assert_walk(&k, FK_TEXT_VADDR, FK_TEXT, 0x200000);
		/* So are the low bits of CR3. */
		assert_ok(gs_x86_64_walk(&k.mem, FK_SWAPPER | 0xfff, levels, USER, &gpa, NULL));
		assert_int_equal(gpa, 0x1234000);
		fk_deinit(&k);
	}
}

static void assert_no_walk(struct fake_kernel *k, gs_gpa_t root, unsigned int levels,
			   uint64_t vaddr, enum gs_error_code code, const char *message)
{
	gs_gpa_t gpa;

	assert_error(gs_x86_64_walk(&k->mem, root, levels, vaddr, &gpa, NULL), code, message);
}

static void test_walk_nowhere(void **state)
{
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	fk_map(&k, USER, 0x1234000, 1);
	assert_no_walk(&k, FK_SWAPPER, 4, 0x1000, GS_ERROR_NODATA, "0x1000: not mapped (level 4)");
	assert_no_walk(&k, FK_SWAPPER, 4, USER + 0x40000000, GS_ERROR_NODATA,
		       "0x7f1274567000: not mapped (level 3)");
	assert_no_walk(&k, FK_SWAPPER, 4, USER + 0x200000, GS_ERROR_NODATA,
		       "0x7f1234767000: not mapped (level 2)");
	assert_no_walk(&k, FK_SWAPPER, 4, USER + 0x1000, GS_ERROR_NODATA,
		       "0x7f1234568000: not mapped (level 1)");
	assert_no_walk(&k, FK_SWAPPER, 4, 0x800000000000, GS_ERROR_NODATA,
		       "0x800000000000: not canonical");
	assert_no_walk(&k, FK_SWAPPER, 5, 0x0100000000000000, GS_ERROR_NODATA,
		       "0x100000000000000: not canonical");
	assert_no_walk(&k, 0xfe000000, 4, USER, GS_ERROR_NODATA,
		       "0x7f1234567000: page table of level 4: fake: 0xfe0007f0: not in any range");
	assert_no_walk(&k, FK_SWAPPER, 3, USER, GS_ERROR_INVALID,
		       "page tables of 3 levels, not 4 or 5");
	k.bad = FK_SWAPPER;
	assert_no_walk(&k, FK_SWAPPER, 4, USER, GS_ERROR_TIMEOUT, NULL);
	fk_deinit(&k);
}

/* A table that is its own next one ends after as many levels as there are. */
static void test_walk_loop(void **state)
{
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 5);
	for (int i = 0; i < 512; i++)
		fk_put(&k, FK_SWAPPER + i * 8, FK_SWAPPER | FK_PRESENT);
	assert_walk(&k, USER + 0x10, FK_SWAPPER + 0x10, 4096 - 0x10);
	assert_int_equal(k.reads, 5);
	fk_deinit(&k);
}

/* ---- the kernel ---- */

static struct gs_linux *open_linux(struct fake_kernel *k)
{
	struct gs_linux *l;

	k->reads = 0;
	assert_ok(gs_linux_open(&k->mem, &l));
	return l;
}

static void test_kernel(void **state)
{
	(void)state;
	for (unsigned int levels = 4; levels <= 5; levels++) {
		GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
		struct fake_kernel k;
		char name[9];

		fk_init(&k, levels);
		l = open_linux(&k);
		assert_int_equal(l->levels, levels);
		assert_int_equal(l->root_gpa, FK_SWAPPER);
		assert_true(l->has_phys_base);
		assert_int_equal(l->phys_base, FK_PHYS_BASE);
		assert_true(l->has_direct_map);
		assert_int_equal(l->direct_map, k.direct);
		assert_int_equal(l->text_vaddr, FK_TEXT_VADDR);
		assert_int_equal(l->text_gpa, FK_TEXT);
		assert_int_equal(l->text_size, 0x200000);
		assert_string_equal(l->utsname[GS_UTS_NODENAME], "guest");
		assert_string_equal(l->utsname[GS_UTS_DOMAINNAME], "(none)");
		assert_ok(gs_linux_read(l, FK_VADDR(FK_UTS) + 4 + 130, name, sizeof(name)));
		assert_memory_equal(name, "6.1.0-fak", sizeof(name));
		fk_deinit(&k);
	}
}

/* Text that is mapped in pieces, with a hole where .init was. */
static void test_text_in_pieces(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	fk_map(&k, FK_TEXT_VADDR + 0x400000, FK_TEXT + 0x400000, 1);
	fk_map(&k, FK_TEXT_VADDR + 0x402000, FK_TEXT + 0x402000, 1);
	fk_map(&k, FK_TEXT_VADDR + 0x404000, FK_TEXT + 0x300000, 1); /* not on the line */
	l = open_linux(&k);
	assert_int_equal(l->text_size, 0x403000);
	fk_deinit(&k);
}

static void test_no_kernel(void **state)
{
	struct fake_kernel k;
	struct gs_linux *l;

	(void)state;
	fk_init(&k, 4);
	k.mem.attrs.vmcoreinfo = NULL;
	assert_error(gs_linux_open(&k.mem, &l), GS_ERROR_NODATA, "no vmcoreinfo");
	k.mem.attrs.vmcoreinfo = k.info;
	fk_unsay(&k, "OSRELEASE");
	assert_error(gs_linux_open(&k.mem, &l), GS_ERROR_NODATA, "vmcoreinfo without OSRELEASE");
	fk_deinit(&k);
}

/* What a kernel left behind that was replaced since, by kexec or a reboot. */
static void test_stale(void **state)
{
	struct fake_kernel k;
	struct gs_linux *l;

	(void)state;
	fk_init(&k, 4);
	fk_unsay(&k, "NUMBER(phys_base)");
	fk_say(&k, "NUMBER(phys_base)=%lld", (long long)FK_PHYS_BASE + 0x100000);
	assert_error(gs_linux_open(&k.mem, &l), GS_ERROR_NODATA,
		     "vmcoreinfo does not fit this memory: no page table found at swapper_pg_dir, "
		     "nor one of a CPU that maps _stext");
	fk_deinit(&k);
}

/* A guest that does not answer is no guest without a kernel: nobody asks it again and again. */
static void test_failing_reads(void **state)
{
	static const gs_gpa_t bad[] = {1, FK_TABLES, FK_TEXT, FK_SWAPPER, FK_UTS};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct fake_kernel k;
		struct gs_linux *l;

		fk_init(&k, 4);
		k.bad = bad[i];
		assert_error(gs_linux_open(&k.mem, &l), GS_ERROR_TIMEOUT, NULL);
		assert_true(k.reads < 30);
		fk_deinit(&k);
	}
}

/* QEMU's note of a CPU: only CR3 counts here. */
static void add_qemu_note(struct fake_kernel *k, uint8_t *notes, uint64_t cr3)
{
	uint8_t *note = notes + k->mem.attrs.notes_size;

	memset(note, 0, 12 + 8 + 440);
	gs_put_u32(note, 5, false);
	gs_put_u32(note + 4, 440, false);
	memcpy(note + 12, "QEMU", 4);
	gs_put_u64(note + 20 + 416, cr3, false);
	k->mem.attrs.notes = notes;
	k->mem.attrs.notes_size += 20 + 440;
}

/* Without phys_base the CPUs' own tables do; one in user mode may not have the kernel in them. */
static void test_root_of_a_cpu(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	uint8_t notes[3 * 460];
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	fk_unsay(&k, "NUMBER(phys_base)");
	add_qemu_note(&k, notes, 0);
	add_qemu_note(&k, notes, 0x700000 | 0x1000); /* an empty table */
	add_qemu_note(&k, notes, FK_SWAPPER | 0x18);
	l = open_linux(&k);
	assert_int_equal(l->root_gpa, FK_SWAPPER);
	assert_int_equal(l->phys_base, FK_PHYS_BASE);
	assert_true(l->has_direct_map);
	fk_deinit(&k);
}

/* ---- the direct map ---- */

static void test_direct_map_from_tables(void **state)
{
	(void)state;
	for (unsigned int levels = 4; levels <= 5; levels++) {
		GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
		struct fake_kernel k;

		fk_init(&k, levels);
		fk_unsay(&k, "SYMBOL(mem_section)");
		l = open_linux(&k);
		assert_true(l->has_direct_map);
		assert_int_equal(l->direct_map, k.direct);
		assert_true(k.reads < 64);
		fk_deinit(&k);
	}
}

/* A mem_section that is somewhere else does not make the map start there. */
static void test_direct_map_lies(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	fk_unsay(&k, "SYMBOL(mem_section)");
	fk_map(&k, UINT64_C(0xffffc90000000000), 0x400000, 1);
	fk_say(&k, "SYMBOL(mem_section)=ffffc90000000000");
	l = open_linux(&k);
	assert_int_equal(l->direct_map, k.direct);
	fk_deinit(&k);
}

/*
 * Tables that map the whole kernel half, all of it to the wrong place, would take days to look
 * through on a live guest.
 */
static void test_direct_map_endless(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 5);
	fk_unsay(&k, "SYMBOL(mem_section)");
	for (int top = 256; top < 511; top++)
		fk_put(&k, FK_SWAPPER + top * 8, 0x500000 | FK_PRESENT);
	for (int i = 0; i < 512; i++) {
		fk_put(&k, 0x500000 + i * 8, 0x501000 | FK_PRESENT);
		fk_put(&k, 0x501000 + i * 8, (0x502000 + i * 0x1000) | FK_PRESENT);
	}
	l = open_linux(&k);
	assert_false(l->has_direct_map);
	assert_true(k.reads < 200);
	fk_deinit(&k);
}

/* ---- names ---- */

static void test_utsname_elsewhere(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	k.ram[FK_UTS + 4] = 'X';
	strcpy(k.mem.attrs.utsname[GS_UTS_NODENAME], "kept");
	strcpy(k.mem.attrs.utsname[GS_UTS_MACHINE], "Unknown");
	l = open_linux(&k);
	assert_string_equal(l->utsname[GS_UTS_SYSNAME], "Linux");
	assert_string_equal(l->utsname[GS_UTS_NODENAME], "kept");
	assert_string_equal(l->utsname[GS_UTS_RELEASE], "6.1.0-fake");
	assert_string_equal(l->utsname[GS_UTS_VERSION], "(unknown)");
	assert_string_equal(l->utsname[GS_UTS_MACHINE], "x86_64");
	fk_deinit(&k);
}

static void test_utsname_unterminated(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	memset(k.ram + FK_UTS + 4 + GS_UTSNAME_SIZE, 'n', 5 * GS_UTSNAME_SIZE);
	l = open_linux(&k);
	assert_int_equal(strlen(l->utsname[GS_UTS_NODENAME]), GS_UTSNAME_SIZE - 1);
	assert_int_equal(strlen(l->utsname[GS_UTS_DOMAINNAME]), GS_UTSNAME_SIZE - 1);
	fk_deinit(&k);
}

/* ---- system RAM ---- */

static void assert_system_ram(struct fake_kernel *k)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = open_linux(k);
	gs_autofree struct gs_range *ram = NULL;
	size_t count;

	assert_ok(gs_linux_system_ram(l, &ram, &count));
	assert_int_equal(count, 1);
	assert_int_equal(ram[0].start, 0);
	assert_int_equal(ram[0].size, FK_RAM_BYTES);
}

static void assert_no_system_ram(struct fake_kernel *k, const char *message)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = open_linux(k);
	struct gs_range *ram;
	size_t count;

	assert_error(gs_linux_system_ram(l, &ram, &count), GS_ERROR_NODATA, message);
}

static void test_system_ram(void **state)
{
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	assert_system_ram(&k);
	/* A flat array of all sections, as kernels without SPARSEMEM_EXTREME have it. */
	fk_unsay(&k, "LENGTH(mem_section)");
	fk_say(&k, "LENGTH(mem_section)=%d", 1 << (46 - 27));
	fk_put(&k, FK_ROOTS, 0x1003);
	assert_system_ram(&k);
	fk_deinit(&k);
}

static void test_system_ram_unknown(void **state)
{
	static const struct {
		const char *key, *instead;
	} cases[] = {
		{"SYMBOL(mem_section)", "SYMBOL(mem_section)=x"},
		{"LENGTH(mem_section)", "LENGTH(mem_section)=-1"},
		{"SIZE(mem_section)", "SIZE(mem_section)=0"},
		{"SIZE(mem_section)", "SIZE(mem_section)=4096"},
		{"OFFSET(mem_section.", "OFFSET(mem_section.section_mem_map)=9"},
		{"OFFSET(mem_section.", "OFFSET(mem_section.section_mem_map)=18446744073709551615"},
		{"NUMBER(SECTION_SIZE_BITS)", "NUMBER(SECTION_SIZE_BITS)=12"},
		{"NUMBER(SECTION_SIZE_BITS)", "NUMBER(SECTION_SIZE_BITS)=-27"},
		{"NUMBER(SECTION_SIZE_BITS)", "NUMBER(SECTION_SIZE_BITS)=64"},
		{"NUMBER(MAX_PHYSMEM_BITS)", "NUMBER(MAX_PHYSMEM_BITS)=26"},
		{"NUMBER(MAX_PHYSMEM_BITS)", "NUMBER(MAX_PHYSMEM_BITS)=64"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fake_kernel k;

		fk_init(&k, 4);
		fk_unsay(&k, cases[i].key);
		fk_say(&k, "%s", cases[i].instead);
		assert_no_system_ram(&k, NULL);
		fk_deinit(&k);
	}
}

static void test_system_ram_lies(void **state)
{
	struct fake_kernel k;

	(void)state;
	fk_init(&k, 4);
	fk_put(&k, FK_SECTIONS, 0x1001); /* present, but without a mem_map */
	assert_no_system_ram(&k,
			     "system ram: mem_section: does not even know the kernel's own pages");
	fk_put(&k, FK_SECTIONS + (FK_VIDEO >> 27) * 16, 0x1003);
	assert_no_system_ram(&k, NULL);
	fk_put(&k, FK_ROOTS, UINT64_C(0xffff777700000000));
	assert_no_system_ram(&k, NULL);
	fk_put(&k, FK_ROOTS, 0);
	assert_no_system_ram(&k, NULL);
	fk_deinit(&k);
}

/* However long the kernel says that the table is, only what covers memory is read. */
static void test_system_ram_costs(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct fake_kernel k;
	gs_autofree struct gs_range *ram = NULL;
	size_t count;

	(void)state;
	fk_init(&k, 4);
	fk_unsay(&k, "LENGTH(mem_section)");
	fk_unsay(&k, "NUMBER(MAX_PHYSMEM_BITS)");
	fk_say(&k, "LENGTH(mem_section)=18446744073709551615");
	fk_say(&k, "NUMBER(MAX_PHYSMEM_BITS)=52");
	for (gs_gpa_t gpa = FK_ROOTS; gpa < FK_SECTIONS; gpa += 8)
		fk_put(&k, gpa, k.direct + FK_SECTIONS);
	k.ranges[1] = (struct gs_range){UINT64_C(1) << 50, UINT64_C(1) << 34};
	l = open_linux(&k);
	k.reads = 0;
	gs_error_destroy(gs_linux_system_ram(l, &ram, &count));
	assert_true(k.reads < 20);
	fk_deinit(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vmcoreinfo),
		cmocka_unit_test(test_vmcoreinfo_bad_numbers),
		cmocka_unit_test(test_vmcoreinfo_odd_texts),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_nowhere),
		cmocka_unit_test(test_walk_loop),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_text_in_pieces),
		cmocka_unit_test(test_no_kernel),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_failing_reads),
		cmocka_unit_test(test_root_of_a_cpu),
		cmocka_unit_test(test_direct_map_from_tables),
		cmocka_unit_test(test_direct_map_lies),
		cmocka_unit_test(test_direct_map_endless),
		cmocka_unit_test(test_utsname_elsewhere),
		cmocka_unit_test(test_utsname_unterminated),
		cmocka_unit_test(test_system_ram),
		cmocka_unit_test(test_system_ram_unknown),
		cmocka_unit_test(test_system_ram_lies),
		cmocka_unit_test(test_system_ram_costs),
	};

	return cmocka_run_group_tests_name("linux", tests, NULL, NULL);
}
