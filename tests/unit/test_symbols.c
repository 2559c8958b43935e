/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols of small files made here, build-ids, and where debug files are found. */
#include <elf.h>
#include <errno.h>
#include <sys/stat.h>

#include <guestscope/symbols.h>

#include "unit.h"

#define TEXT UINT64_C(0xffffffff81000000)

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* ---- an ELF file: .text at TEXT, per-CPU data at 0, and what the caller wants ---- */

struct image {
	Elf64_Ehdr header;
	Elf64_Shdr sections[6]; /* null .text .data..percpu .symtab .strtab .note */
	Elf64_Sym symbols[8];
	char names[128];
	struct {
		Elf64_Nhdr header;
		char name[4];
		uint8_t id[20];
	} note;
};

static void add_symbol(struct image *image, const char *name, uint64_t address, uint16_t section,
		       int bind, int type)
{
	Elf64_Sym *sym = image->symbols + 1;
	size_t at = 1;

	for (; sym->st_name; sym++)
		at = sym->st_name + strlen(image->names + sym->st_name) + 1;
	strcpy(image->names + at, name);
	*sym = (Elf64_Sym){.st_name = (uint32_t)at,
			   .st_info = ELF64_ST_INFO(bind, type),
			   .st_shndx = section,
			   .st_value = address};
}

static void init_image(struct image *image, uint8_t id)
{
	*image = (struct image){
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			   .e_type = ET_EXEC,
			   .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT,
			   .e_shoff = offsetof(struct image, sections),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_shentsize = sizeof(Elf64_Shdr),
			   .e_shnum = 6},
		.note = {{4, 20, NT_GNU_BUILD_ID}, "GNU", {0}},
	};
	memset(image->note.id, id, 20);
	image->sections[1] = (Elf64_Shdr){.sh_type = SHT_NOBITS, .sh_flags = SHF_EXECINSTR};
	image->sections[2] = (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_flags = SHF_WRITE};
	image->sections[3] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
					  .sh_link = 4,
					  .sh_entsize = sizeof(Elf64_Sym),
					  .sh_offset = offsetof(struct image, symbols),
					  .sh_size = sizeof(image->symbols)};
	image->sections[4] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
					  .sh_offset = offsetof(struct image, names),
					  .sh_size = sizeof(image->names)};
	image->sections[5] = (Elf64_Shdr){.sh_type = SHT_NOTE,
					  .sh_addralign = 4,
					  .sh_offset = offsetof(struct image, note),
					  .sh_size = sizeof(image->note)};
}

static void write_image(const char *path, uint8_t id)
{
	struct image image;

	init_image(&image, id);
	add_symbol(&image, "_stext", TEXT, 1, STB_GLOBAL, STT_NOTYPE);
	write_file(path, &image, sizeof(image));
}

/* ---- the table ---- */

static struct gs_symbols *open_symbols(const char *path)
{
	struct gs_symbols *symbols;

	assert_ok(gs_symbols_open(path, &symbols));
	return symbols;
}

static void assert_at(struct gs_symbols *symbols, uint64_t address, const char *name,
		      uint64_t symbol_address)
{
	struct gs_symbol found;

	if (!gs_symbols_at(symbols, address, &found))
		fail_msg("nothing at 0x%llx", (unsigned long long)address);
	assert_string_equal(found.name, name);
	assert_int_equal(found.address, symbol_address);
}

static void assert_nothing_at(struct gs_symbols *symbols, uint64_t address)
{
	struct gs_symbol found;

	assert_false(gs_symbols_at(symbols, address, &found));
}

static const char system_map[] = "0000000000000000 D __per_cpu_start\n"
				 "0000000000001000 A some_constant\n"
				 "ffffffff81000200 t quiet\n"
				 "ffffffff81000000 T _text\n"
				 "ffffffff81000000 T startup_64\n"
				 "ffffffff81000000 t a\n"
				 "ffffffff81000300 T loud\t[module]\n"
				 "ffffffff81200000 D init_task\n"
				 "ffffffff81200040 A not_a_place\n"
				 "                 U elsewhere_is_no_address\n";

static void test_system_map(void **state)
{
	GS_CLEANUP(gs_symbols_destroy) struct gs_symbols *symbols = NULL;
	struct gs_symbol found;

	(void)state;
	write_file("map", system_map, strrchr(system_map, ' ') - system_map - 18);
	symbols = open_symbols("map");
	assert_int_equal(gs_symbols_count(symbols), 9);
	assert_at(symbols, TEXT, "startup_64", TEXT);
	assert_at(symbols, TEXT + 0x1ff, "startup_64", TEXT);
	assert_at(symbols, TEXT + 0x200, "quiet", TEXT + 0x200);
	assert_at(symbols, TEXT + 0x300 + 0xfffff, "loud", TEXT + 0x300);
	assert_nothing_at(symbols, TEXT + 0x300 + 0x100000);
	assert_at(symbols, TEXT + 0x200048, "init_task", TEXT + 0x200000);
	/* Small numbers are no addresses of per-CPU variables. */
	assert_nothing_at(symbols, 0);
	assert_nothing_at(symbols, 0x1008);
	assert_nothing_at(symbols, TEXT - 1);
	assert_nothing_at(symbols, UINT64_MAX);
	assert_true(gs_symbols_find(symbols, "loud", &found));
	assert_int_equal(found.type, 'T');
	assert_false(gs_symbols_find(symbols, "lou", &found));

	gs_symbols_set_offset(symbols, 0x1800000);
	assert_at(symbols, TEXT + 0x1800204, "quiet", TEXT + 0x1800200);
	assert_nothing_at(symbols, TEXT + 0x200);
	assert_true(gs_symbols_find(symbols, "__per_cpu_start", &found));
	assert_int_equal(found.address, 0);
	assert_true(gs_symbols_find(symbols, "some_constant", &found));
	assert_int_equal(found.address, 0x1000);
	gs_symbols_set_offset(symbols, (uint64_t)-0x1000000);
	assert_at(symbols, TEXT - 0x1000000 + 0x204, "quiet", TEXT - 0x1000000 + 0x200);
}

static void test_bad_maps(void **state)
{
	static const char *const bad[] = {"",
					  "\n",
					  "ffffffff81000000\n",
					  "ffffffff81000000 T\n",
					  "ffffffff81000000 T \n",
					  "ffffffff81000000  name\n",
					  "0ffffffff81000000 T name\n",
					  "-1 T name\n",
					  "name T 0\n",
					  "\177ELF"};

	(void)state;
	for (size_t i = 1; i < sizeof(bad) / sizeof(*bad); i++) {
		struct gs_symbols *symbols = NULL;
		gs_autoerror struct gs_error *err = NULL;

		write_file("bad", bad[i], strlen(bad[i]));
		err = gs_symbols_open("bad", &symbols);
		assert_non_null(err);
		assert_int_equal(err->code, GS_ERROR_CORRUPT);
		assert_null(symbols);
	}
	assert_os_error(gs_symbols_open("missing", &(struct gs_symbols *){NULL}), ENOENT);
	assert_error(gs_symbols_open(".", &(struct gs_symbols *){NULL}), GS_ERROR_INVALID, NULL);
}

static void test_elf(void **state)
{
	GS_CLEANUP(gs_symbols_destroy) struct gs_symbols *symbols = NULL;
	struct gs_symbol found;
	struct image image;

	(void)state;
	init_image(&image, 1);
	add_symbol(&image, "file.c", 0, SHN_ABS, STB_LOCAL, STT_FILE);
	add_symbol(&image, "extern", 0, SHN_UNDEF, STB_GLOBAL, STT_FUNC);
	add_symbol(&image, "$x", TEXT, 1, STB_LOCAL, STT_NOTYPE);
	add_symbol(&image, "cpu_number", 0x40, 2, STB_GLOBAL, STT_OBJECT);
	add_symbol(&image, "_stext", TEXT, 1, STB_GLOBAL, STT_NOTYPE);
	add_symbol(&image, "local", TEXT + 0x10, 1, STB_LOCAL, STT_FUNC);
	write_file("elf", &image, sizeof(image));
	symbols = open_symbols("elf");
	assert_int_equal(gs_symbols_count(symbols), 3);
	assert_at(symbols, TEXT + 0x18, "local", TEXT + 0x10);
	assert_nothing_at(symbols, 0x48);
	assert_true(gs_symbols_find(symbols, "local", &found));
	assert_int_equal(found.type, 't');
	assert_true(gs_symbols_find(symbols, "cpu_number", &found));
	assert_int_equal(found.type, 'D');
}

/* Every 4 bytes of the headers made absurd, and the file cut anywhere: an error or a table. */
static void test_elf_lies(void **state)
{
	struct image image;

	(void)state;
	write_image("elf", 1);
	for (size_t at = 0; at < sizeof(image); at += 4) {
		struct gs_symbols *symbols = NULL;
		struct gs_build_id id;

		init_image(&image, 1);
		add_symbol(&image, "_stext", TEXT, 1, STB_GLOBAL, STT_NOTYPE);
		memset((char *)&image + at, 0xff, 4);
		write_file("elf", &image, sizeof(image));
		gs_error_destroy(gs_symbols_open("elf", &symbols));
		gs_symbols_destroy(symbols);
		gs_error_destroy(gs_build_id_of_file("elf", &id));
		write_image("elf", 1);
		assert_int_equal(truncate("elf", (off_t)at), 0);
		symbols = NULL;
		gs_error_destroy(gs_symbols_open("elf", &symbols));
		gs_symbols_destroy(symbols);
		gs_error_destroy(gs_build_id_of_file("elf", &id));
	}
}

/* ---- build-ids and debug files ---- */

static void test_build_id(void **state)
{
	static const char *const bad[] = {"", "a", "abc", "0g", "g0", " 1", "+1", "0x"};
	char text[2 * GS_BUILD_ID_MAX + 1];
	struct gs_build_id id, other;

	(void)state;
	assert_true(gs_build_id_parse("fe12AB", &id));
	assert_int_equal(id.size, 3);
	gs_build_id_format(&id, text);
	assert_string_equal(text, "fe12ab");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(gs_build_id_parse(bad[i], &id));
	memset(text, '0', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(gs_build_id_parse(text, &id));
	assert_false(gs_build_id_parse("00000000000000000000000000000000000000000000000000000000000"
				       "00000000000000000000000000000000000000000000000000000000000"
				       "000000000000",
				       &id));
	write_image("elf", 7);
	assert_ok(gs_build_id_of_file("elf", &id));
	assert_true(gs_build_id_parse("0707070707070707070707070707070707070707", &other));
	assert_true(gs_build_id_equal(&id, &other));
	write_file("text", "no elf", 6);
	assert_error(gs_build_id_of_file("text", &id), GS_ERROR_NODATA, "text: no ELF file");
}

static void assert_found(const struct gs_debug_search *search, const char *expected)
{
	gs_autofree char *path = NULL, *tried = NULL;

	assert_ok(gs_debug_file_find(search, &path, &tried));
	assert_string_equal(path, expected);
}

static void test_debug_file(void **state)
{
	const char *const dirs[] = {"one", "two", NULL};
	struct gs_debug_search search = {.release = "1.2.3-test", .dirs = dirs};
	gs_autofree char *path = NULL, *tried = NULL;

	(void)state;
	assert_true(gs_build_id_parse("0202020202020202020202020202020202020202", &search.id));
	assert_int_equal(system("mkdir -p one/boot one/.build-id/02 two/lib/modules/1.2.3-test"),
			 0);
	assert_error(gs_debug_file_find(&search, &path, &tried), GS_ERROR_NODATA, NULL);
	assert_non_null(strstr(tried, "one/boot/vmlinux-1.2.3-test: not there\n"));
	assert_non_null(strstr(tried, "/usr/lib/debug/boot/vmlinux-1.2.3-test: not there\n"));
	free(gs_take(tried));

	write_image("one/boot/vmlinux-1.2.3-test", 1);
	assert_error(gs_debug_file_find(&search, &path, &tried), GS_ERROR_NODATA, NULL);
	assert_non_null(
		strstr(tried, "one/boot/vmlinux-1.2.3-test: another kernel, build-id 0101"));
	write_image("two/vmlinux", 2);
	assert_found(&search, "two/vmlinux");
	write_image("two/lib/modules/1.2.3-test/vmlinux", 2);
	assert_found(&search, "two/lib/modules/1.2.3-test/vmlinux");
	write_image("one/.build-id/02/02020202020202020202020202020202020202.debug", 2);
	assert_found(&search, "one/.build-id/02/02020202020202020202020202020202020202.debug");

	/* By the release alone, where that is all there is. */
	search.id.size = 0;
	assert_found(&search, "one/boot/vmlinux-1.2.3-test");
}

/* Asked last, and only if wanted; what it says is checked too. */
static void test_debuginfod(void **state)
{
	static const char script[] = "#!/bin/sh\n[ \"$1\" = debuginfo ] || exit 2\n"
				     "echo \"$2\" >asked\n[ -e vmlinux ] && echo vmlinux\n";
	struct gs_debug_search search = {.release = "1.2.3-test"};
	gs_autofree char *path = NULL, *tried = NULL, *old = strdup(getenv("PATH"));
	gs_autofree char *with_ours = NULL;

	(void)state;
	assert_true(gs_build_id_parse("0202020202020202020202020202020202020202", &search.id));
	write_file("debuginfod-find", script, sizeof(script) - 1);
	assert_int_equal(chmod("debuginfod-find", 0755), 0);
	assert_true(asprintf(&with_ours, "%s:%s", unit_scratch, old) > 0);
	setenv("PATH", with_ours, 1);
	assert_error(gs_debug_file_find(&search, &path, &tried), GS_ERROR_NODATA, NULL);
	assert_int_equal(access("asked", F_OK), -1);
	free(gs_take(tried));
	search.debuginfod = true;
	assert_error(gs_debug_file_find(&search, &path, &tried), GS_ERROR_NODATA, NULL);
	assert_non_null(strstr(tried, "debuginfod-find exited with status 1\n"));
	assert_int_equal(access("asked", F_OK), 0);
	write_image("vmlinux", 1);
	free(gs_take(tried));
	assert_error(gs_debug_file_find(&search, &path, &tried), GS_ERROR_NODATA, NULL);
	assert_non_null(strstr(tried, "vmlinux: another kernel"));
	write_image("vmlinux", 2);
	assert_found(&search, "vmlinux");
	setenv("PATH", old, 1);
}

/* What a guest says must not lead out of the folders, nor to the terminal. */
static void test_hostile_release(void **state)
{
	static const char *const hostile[] = {"../../secret", "",        ".",  "..",
					      "a/b",          "\033[2J", "a b"};
	const char *const dirs[] = {"one", NULL};

	(void)state;
	assert_int_equal(system("mkdir -p one/boot"), 0);
	write_image("secret", 1);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		struct gs_debug_search search = {.release = hostile[i], .dirs = dirs};
		gs_autofree char *path = NULL, *tried = NULL;
		gs_autofree char *hint = gs_debug_package_hint(hostile[i], "Debian");

		assert_error(gs_debug_file_find(&search, &path, &tried), GS_ERROR_NODATA, NULL);
		assert_string_equal(tried, "");
		assert_string_equal(hint, "the package with the debug information of its kernel");
	}
}

static void test_package_hint(void **state)
{
	gs_autofree char *debian =
		gs_debug_package_hint("6.1.0-13-amd64", "#1 SMP Debian 6.1.55-1");
	gs_autofree char *fedora = gs_debug_package_hint("6.5.6-300.fc39.x86_64", "#1 SMP");

	(void)state;
	assert_string_equal(debian, "the package linux-image-6.1.0-13-amd64-dbg");
	assert_string_equal(fedora, "the package kernel-debuginfo-6.5.6-300.fc39.x86_64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_system_map), unit_test_in_scratch(test_bad_maps),
		unit_test_in_scratch(test_elf),        unit_test_in_scratch(test_elf_lies),
		unit_test_in_scratch(test_build_id),   unit_test_in_scratch(test_debug_file),
		unit_test_in_scratch(test_debuginfod), unit_test_in_scratch(test_hostile_release),
		cmocka_unit_test(test_package_hint),
	};

	return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
