/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ELF file behind a mapping: the very one that is mapped, which may have been deleted, replaced
 * by an upgrade, or lie in another mount namespace.
 */
#include "process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <guestscope/base/io.h>

#include "elf_file.h"

static int open_regular(int folder_fd, const char *path, struct stat *st)
{
	gs_autoclose int fd = openat(folder_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		return -1;
	return gs_take_fd(&fd);
}

/* What the program headers in the process's memory lead to: all that is loaded of it. */
static Elf *open_memory(const struct process_file *file)
{
	char name[32], *path = NULL;
	Elf *elf = NULL;
	int fd;

	snprintf(name, sizeof(name), "[vdso: %d]", (int)file->symbols->pid);
	fd = dwfl_linux_proc_find_elf(file->module, NULL, name, file->start, &path, &elf);
	if (fd >= 0)
		close(fd);
	free(path);
	return elf;
}

/* The last one has an end, then: libdw does not look whether names end in their table. */
static bool has_whole_strings(Elf *elf, int fd)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	char last;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			return false;
		if ((header.sh_type != SHT_STRTAB && !(header.sh_flags & SHF_STRINGS)) ||
		    header.sh_type == SHT_NOBITS || header.sh_flags & SHF_COMPRESSED ||
		    !header.sh_size)
			continue;
		if (gs_pread_full(fd, &last, 1, header.sh_offset + header.sh_size - 1) != 1 || last)
			return false;
	}
	return true;
}

Elf *gs_process_open_elf(int fd)
{
	Elf *elf;

	elf_version(EV_CURRENT);
	/* Read, not mapped: a file that is cut meanwhile must not end us. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && (elf_kind(elf) != ELF_K_ELF || !has_whole_strings(elf, fd))) {
		elf_end(elf);
		return NULL;
	}
	return elf;
}

static bool is_same_inode(const struct process_file *file, const struct stat *st)
{
	return st->st_ino == file->inode && st->st_dev == makedev(file->dev_major, file->dev_minor);
}

static bool is_same_build(const struct process_file *file, Elf *elf)
{
	struct gs_build_id here, there;
	Elf *memory = gs_build_id_of_elf(elf, &here) ? open_memory(file) : NULL;
	bool same =
		memory && gs_build_id_of_elf(memory, &there) && gs_build_id_equal(&here, &there);

	elf_end(memory);
	return same;
}

enum proof { BY_NAME, BY_INODE, BY_BUILD };

static int try_path(const struct process_file *file, const char *path, enum proof proof,
		    Elf **elf_ret)
{
	struct stat st;
	gs_autoclose int fd = open_regular(file->symbols->proc_fd, path, &st);
	Elf *elf;

	if (fd < 0 || (proof == BY_INODE && !is_same_inode(file, &st)))
		return -1;
	elf = gs_process_open_elf(fd);
	if (!elf || (proof == BY_BUILD && !is_same_build(file, elf))) {
		elf_end(elf);
		return -1;
	}
	*elf_ret = elf;
	return gs_take_fd(&fd);
}

static int open_file(const struct process_file *file, Elf **elf_ret)
{
	gs_autofree char *rooted = gs_strf("root%s", file->path);
	/* Of a process whose root is a folder of ours, we see the whole path. */
	const char *paths[] = {rooted ? rooted : "", file->path, "exe"};
	char by_range[64];
	int fd;

	/* Only root is let through these. */
	snprintf(by_range, sizeof(by_range), "map_files/%" PRIx64 "-%" PRIx64, file->start,
		 file->first_end);
	fd = try_path(file, by_range, BY_NAME, elf_ret);
	/* Some filesystems (btrfs, overlays) show another inode in maps than to fstat(). */
	for (enum proof proof = BY_INODE; fd < 0 && proof <= BY_BUILD; proof++) {
		for (size_t i = 0; fd < 0 && i < 3; i++)
			fd = try_path(file, paths[i], proof, elf_ret);
	}
	return fd;
}

int gs_process_find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			char **path_ret, Elf **elf_ret)
{
	const struct process_file *file = *userdata;
	int fd = -1;

	(void)module;
	(void)name;
	(void)base;
	if (*file->path == '/')
		fd = open_file(file, elf_ret);
	if (fd < 0)
		*elf_ret = open_memory(file);
	*path_ret = strdup(file->path);
	return fd;
}
