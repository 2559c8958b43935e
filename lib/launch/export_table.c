/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of modules in a QEMU program, qemu_modinfo: rows of pointers, the first to the name of
 * a module ("hw-usb-host", without ".so"), the second, if it is one, to the target that it is for,
 * the third, if it is one, to pointers to the names of its types, of which NULL is the last. How
 * long a row is, is not asked: what points to a name of a module is the start of one.
 *
 * Pointers are where the program has them, or in relocations.
 */
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"

#define TABLE "qemu_modinfo"
#define DEVICES "hw-" /* how the names of modules with devices begin */
#define SLOTS_MAX 16384
#define TYPES_MAX 64 /* of a module; real: 3 */
#define STRING_MAX 64

struct table {
	Elf *elf;
	const char *raw; /* the file */
	size_t size;
	uint64_t addr;  /* of the table */
	uint64_t width; /* bytes of a pointer */
	size_t count;   /* of slots */
	uint64_t *slots;
};

/* ---- addresses ---- */

/* What the program has at @addr, and how much of it follows; NULL: nothing. */
static const char *at(const struct table *table, uint64_t addr, size_t *left_ret)
{
	size_t count = 0;
	GElf_Phdr phdr;

	elf_getphdrnum(table->elf, &count);
	for (size_t i = 0; i < count && gelf_getphdr(table->elf, (int)i, &phdr); i++) {
		uint64_t skip = addr - phdr.p_vaddr;

		if (phdr.p_type != PT_LOAD || addr < phdr.p_vaddr || skip >= phdr.p_filesz)
			continue;
		if (phdr.p_offset > table->size || phdr.p_filesz > table->size - phdr.p_offset)
			return NULL;
		*left_ret = phdr.p_filesz - skip;
		return table->raw + phdr.p_offset + skip;
	}
	return NULL;
}

/* The string at @addr, if it is a short one. */
static const char *string_at(const struct table *table, uint64_t addr)
{
	size_t left = 0;
	const char *string = addr ? at(table, addr, &left) : NULL;

	if (string && !memchr(string, '\0', left < STRING_MAX ? left : STRING_MAX))
		return NULL;
	return string;
}

/* ---- the table ---- */

static bool is_table(Elf *elf, size_t strings, const GElf_Sym *sym)
{
	const char *name = elf_strptr(elf, strings, sym->st_name);

	return name && strcmp(name, TABLE) == 0;
}

/* In the table of dynamic symbols: no program that loads modules is without, stripped or not. */
static bool find_table(Elf *elf, GElf_Sym *ret)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_DYNSYM)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getsym(data, i, ret); i++) {
			if (is_table(elf, shdr.sh_link, ret))
				return true;
		}
	}
	return false;
}

/* Up to @count pointers at @addr, as the file has them; the others stay as they are. */
static void read_slots(const struct table *table, uint64_t addr, uint64_t *slots, size_t count)
{
	size_t left = 0;
	const char *data = at(table, addr, &left);

	for (size_t i = 0; data && i < count && i < left / table->width; i++) {
		uint32_t narrow;

		if (table->width == sizeof(narrow)) {
			memcpy(&narrow, data + i * sizeof(narrow), sizeof(narrow));
			slots[i] = narrow;
		} else {
			memcpy(&slots[i], data + i * sizeof(uint64_t), sizeof(uint64_t));
		}
	}
}

static void relocate_slots(const struct table *table, uint64_t addr, uint64_t *slots, size_t count)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	GElf_Rela rela;

	while ((section = elf_nextscn(table->elf, section))) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_RELA)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getrela(data, i, &rela); i++) {
			uint64_t off = rela.r_offset - addr;

			if (rela.r_offset >= addr && off / table->width < count)
				slots[off / table->width] = (uint64_t)rela.r_addend;
		}
	}
}

static bool load(struct table *table)
{
	GElf_Sym sym;

	table->raw = table->elf ? elf_rawfile(table->elf, &table->size) : NULL;
	if (!table->raw || elf_kind(table->elf) != ELF_K_ELF || !find_table(table->elf, &sym))
		return false;
	table->addr = sym.st_value;
	table->width = gelf_getclass(table->elf) == ELFCLASS32 ? 4 : 8;
	table->count = sym.st_size / table->width;
	if (table->count > SLOTS_MAX)
		return false;
	table->slots = calloc(table->count + 2, sizeof(*table->slots));
	if (!table->slots)
		return false;
	read_slots(table, table->addr, table->slots, table->count);
	relocate_slots(table, table->addr, table->slots, table->count);
	return true;
}

/* ---- the modules ---- */

/* The types that the pointers at @addr name; NULL: no memory. */
static struct gs_json *list_types(const struct table *table, uint64_t addr)
{
	struct gs_json *types = gs_json_new_array();
	uint64_t slots[TYPES_MAX] = {0};
	const char *name;

	if (addr) {
		read_slots(table, addr, slots, TYPES_MAX);
		relocate_slots(table, addr, slots, TYPES_MAX);
	}
	for (size_t i = 0; types && i < TYPES_MAX && (name = string_at(table, slots[i])); i++) {
		if (!gs_json_append(types, gs_json_new_string(name))) {
			gs_json_destroy(types);
			types = NULL;
		}
	}
	return types;
}

/* Slots that are behind the table are NULL. */
static bool list(const struct table *table, const char *target, struct gs_json *modules)
{
	for (size_t i = 0; i < table->count; i++) {
		const char *name = string_at(table, table->slots[i]);
		const char *other = name ? string_at(table, table->slots[i + 1]) : NULL;

		if (!name || strncmp(name, DEVICES, strlen(DEVICES)) != 0 ||
		    (other && target && strcmp(other, target) != 0))
			continue;
		if (!gs_json_set(modules, name, list_types(table, table->slots[i + 2])))
			return false;
	}
	return true;
}

struct gs_json *gs_export_table(int fd, const char *target)
{
	struct gs_json *modules = NULL;
	struct table table = {0};

	elf_version(EV_CURRENT);
	table.elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (load(&table))
		modules = gs_json_new_object();
	if (modules && !list(&table, target, modules)) {
		gs_json_destroy(modules);
		modules = NULL;
	}
	free(table.slots);
	elf_end(table.elf);
	return modules;
}
