/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening ELF files, and the build-ids in their notes. */
#include "elf_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct gs_error *check_kind(const char *path, int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return gs_error_os(errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return gs_error_create(GS_ERROR_INVALID, "%s: not a regular file", path);
	return NULL;
}

/* Read, not mapped: a file that is cut meanwhile must not end us. */
static struct gs_error *begin(const char *path, int fd, Elf **ret)
{
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		elf = NULL;
	} else if (!elf) {
		return gs_error_create(GS_ERROR_CORRUPT, "%s: %s", path, elf_errmsg(-1));
	}
	*ret = elf;
	return NULL;
}

struct gs_error *gs_elf_file_open(const char *path, struct gs_elf_file **ret)
{
	gs_autofree struct gs_elf_file *file = calloc(1, sizeof(*file));
	gs_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct gs_error *err = file ? check_kind(path, fd) : gs_error_nomem();

	*ret = NULL;
	if (!err)
		err = begin(path, fd, &file->elf);
	if (err || !file->elf)
		return err;
	file->fd = gs_take_fd(&fd);
	*ret = gs_take(file);
	return NULL;
}

void gs_elf_file_close(struct gs_elf_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	close(file->fd);
	free(file);
}

/* ---- build-ids ---- */

bool gs_build_id_parse(const char *text, struct gs_build_id *ret)
{
	struct gs_build_id id = {.size = strlen(text) / 2};

	if (!id.size || id.size > GS_BUILD_ID_MAX || strlen(text) % 2)
		return false;
	for (size_t i = 0; i < id.size; i++) {
		if (!isxdigit((unsigned char)text[2 * i]) ||
		    !isxdigit((unsigned char)text[2 * i + 1]) ||
		    sscanf(text + 2 * i, "%2hhx", &id.bytes[i]) != 1)
			return false;
	}
	*ret = id;
	return true;
}

void gs_build_id_format(const struct gs_build_id *id, char ret[2 * GS_BUILD_ID_MAX + 1])
{
	*ret = '\0';
	for (size_t i = 0; i < id->size; i++)
		sprintf(ret + 2 * i, "%02x", id->bytes[i]);
}

bool gs_build_id_equal(const struct gs_build_id *a, const struct gs_build_id *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static bool find_in_notes(Elf_Data *data, struct gs_build_id *ret)
{
	size_t pos = 0, name, desc;
	GElf_Nhdr note;

	while (data && (pos = gelf_getnote(data, pos, &note, &name, &desc)) > 0) {
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp((char *)data->d_buf + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) != 0 ||
		    !note.n_descsz || note.n_descsz > GS_BUILD_ID_MAX)
			continue;
		ret->size = note.n_descsz;
		memcpy(ret->bytes, (char *)data->d_buf + desc, note.n_descsz);
		return true;
	}
	return false;
}

/* In a separate debug file only the sections tell what is there; in a stripped one, the segments.
 */
bool gs_build_id_of_elf(Elf *elf, struct gs_build_id *ret)
{
	Elf_Scn *section = NULL;
	size_t segments = 0;
	GElf_Shdr header;
	GElf_Phdr segment;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE &&
		    find_in_notes(elf_getdata(section, NULL), ret))
			return true;
	}
	elf_getphdrnum(elf, &segments);
	for (size_t i = 0; i < segments && i < INT32_MAX; i++) {
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_NOTE &&
		    find_in_notes(elf_getdata_rawchunk(elf, (int64_t)segment.p_offset,
						       segment.p_filesz, ELF_T_NHDR),
				  ret))
			return true;
	}
	return false;
}

struct gs_error *gs_build_id_of_file(const char *path, struct gs_build_id *ret)
{
	GS_CLEANUP(gs_elf_file_close) struct gs_elf_file *file = NULL;
	struct gs_build_id id = {0};
	struct gs_error *err = gs_elf_file_open(path, &file);

	if (err)
		return err;
	if (!file)
		return gs_error_create(GS_ERROR_NODATA, "%s: no ELF file", path);
	if (!gs_build_id_of_elf(file->elf, &id))
		return gs_error_create(GS_ERROR_NODATA, "%s: no build-id", path);
	*ret = id;
	return NULL;
}
