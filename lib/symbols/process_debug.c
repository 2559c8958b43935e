/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Separate debug files, by build-id and by the name in .gnu_debuglink, here and where the process
 * sees them: in a container, both the files and what belongs to them may be there alone. A file
 * counts only if its build-id, or checksum, is the right one.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <guestscope/base/io.h>

#include "elf_file.h"

#define DEBUG_FOLDER "/usr/lib/debug"

struct search {
	struct process_file *file;
	struct gs_build_id id; /* size 0: then the checksum counts */
	GElf_Word crc;
	int root_fd; /* the process's own root; -1: not ours to see */
	int fd;      /* -1: not found yet */
	char *path;  /* by which we can open it */
};

/* ---- whether it is the right one ---- */

static bool has_checksum(int fd, uint32_t wanted)
{
	gs_autofree uint8_t *buf = malloc(1 << 20);
	uint32_t crc = 0;
	uint64_t off = 0;
	ssize_t n = 1;

	while (buf && n > 0) {
		n = gs_pread_full(fd, buf, 1 << 20, off);
		if (n > 0)
			crc = libdeflate_crc32(crc, buf, (size_t)n);
		off += n > 0 ? (uint64_t)n : 0;
	}
	return buf && !n && crc == wanted;
}

static bool is_right(const struct search *search, int fd)
{
	struct gs_build_id id;
	struct stat st;
	bool right;
	Elf *elf;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	elf = gs_process_open_elf(fd);
	if (search->id.size)
		right = elf && gs_build_id_of_elf(elf, &id) && gs_build_id_equal(&id, &search->id);
	else
		right = elf && has_checksum(fd, search->crc);
	elf_end(elf);
	return right;
}

/* ---- where it may be ---- */

/* Links in the process's folders lead where they lead for the process, not out of its root. */
static int open_inside(int root_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return root_fd < 0 ? -1 : (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

/* Takes @path; NULL for want of memory is as good as not there. */
static void try_path(struct search *search, char *path)
{
	gs_autofree char *owned = path;

	for (int inside = 0; path && inside <= 1 && search->fd < 0; inside++) {
		gs_autoclose int fd =
			inside ? open_inside(search->root_fd, path)
			       : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

		if (fd < 0 || !is_right(search, fd))
			continue;
		search->fd = gs_take_fd(&fd);
		search->path =
			inside ? gs_strf("/proc/%d/root%s", (int)search->file->symbols->pid, path)
			       : gs_take(owned);
	}
}

static void try_build_id(struct search *search)
{
	char id[2 * GS_BUILD_ID_MAX + 1];

	if (search->id.size < 2)
		return;
	gs_build_id_format(&search->id, id);
	try_path(search, gs_strf(DEBUG_FOLDER "/.build-id/%.2s/%s.debug", id, id + 2));
}

static void try_link(struct search *search, const char *link)
{
	const char *path = search->file->path, *slash = strrchr(path, '/');
	int size = slash ? (int)(slash - path) : 0;

	if (strchr(link, '/'))
		return; /* hostile: the format has a name alone */
	try_path(search, gs_strf("%.*s/%s", size, path, link));
	try_path(search, gs_strf("%.*s/.debug/%s", size, path, link));
	try_path(search, gs_strf(DEBUG_FOLDER "%.*s/%s", size, path, link));
	/* Packages of before /usr took everything in. */
	if (!strncmp(path, "/usr/", 5) && size >= 5)
		try_path(search, gs_strf(DEBUG_FOLDER "%.*s/%s", size - 4, path + 4, link));
}

/* What several debug files share; its name is absolute, or counts from theirs. */
static void try_shared(struct search *search, const char *name)
{
	const char *debug = NULL, *slash;

	if (*name == '/') {
		try_path(search, strdup(name));
		return;
	}
	dwfl_module_info(search->file->module, NULL, NULL, NULL, NULL, NULL, NULL, &debug);
	slash = debug ? strrchr(debug, '/') : NULL;
	if (slash)
		try_path(search, gs_strf("%.*s/%s", (int)(slash - debug), debug, name));
}

/* ---- the callback ---- */

static void set_build_id(const void *bits, size_t size, struct search *search)
{
	if (size > GS_BUILD_ID_MAX)
		return;
	memcpy(search->id.bytes, bits, size);
	search->id.size = size;
}

static void find_debug(struct search *search, const char *link)
{
	const unsigned char *bits = NULL;
	GElf_Addr address;
	int size = dwfl_module_build_id(search->file->module, &bits, &address);

	if (size > 0)
		set_build_id(bits, (size_t)size, search);
	try_build_id(search);
	if (link)
		try_link(search, link);
}

/* Whether @elf calls what it shares with others @name: a name, and the build-id behind its NUL. */
static bool shares(Elf *elf, const char *name, struct search *search)
{
	size_t names, size = strlen(name) + 1;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *data;

	if (!elf || elf_getshdrstrndx(elf, &names) < 0)
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *title = gelf_getshdr(section, &header)
					    ? elf_strptr(elf, names, header.sh_name)
					    : NULL;

		if (!title || strcmp(title, ".gnu_debugaltlink") != 0)
			continue;
		data = elf_rawdata(section, NULL);
		if (!data || !data->d_buf || data->d_size <= size ||
		    memcmp(data->d_buf, name, size) != 0)
			return false;
		set_build_id((const char *)data->d_buf + size, data->d_size - size, search);
		return true;
	}
	return false;
}

/*
 * libdwfl asks for both in the same way. The file that says so is the debug file, which it has
 * then, or the mapped one itself.
 */
static bool is_shared(struct search *search, const char *name)
{
	const char *debug = NULL;
	GElf_Addr bias;
	gs_autoclose int fd = -1;
	Elf *elf;
	bool is;

	if (shares(dwfl_module_getelf(search->file->module, &bias), name, search))
		return true;
	dwfl_module_info(search->file->module, NULL, NULL, NULL, NULL, NULL, NULL, &debug);
	if (debug)
		fd = open(debug, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	elf = fd >= 0 ? gs_process_open_elf(fd) : NULL;
	is = shares(elf, name, search);
	elf_end(elf);
	return is;
}

int gs_process_find_debug(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  const char *path, const char *link, GElf_Word crc, char **path_ret)
{
	struct process_file *file = *userdata;
	struct search search = {.file = file, .crc = crc, .fd = -1};

	search.root_fd = openat(file->symbols->proc_fd, "root", O_PATH | O_CLOEXEC);
	if (link && is_shared(&search, link)) {
		try_build_id(&search);
		try_shared(&search, link);
	} else {
		find_debug(&search, link);
	}
	if (search.root_fd >= 0)
		close(search.root_fd);
	/* The standard callback would ask servers whenever the environment names some. */
	if (search.fd < 0 && file->symbols->debuginfod)
		return dwfl_standard_find_debuginfo(module, userdata, name, base, path, link, crc,
						    path_ret);
	*path_ret = search.path;
	errno = 0;
	return search.fd;
}
