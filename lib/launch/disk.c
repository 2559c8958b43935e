/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The format of a disk image. QEMU's own probing warns about raw images and makes their first
 * sector read-only, so each image is given with its format.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <guestscope/base/io.h>

#include "internal.h"

struct magic {
	const char *format;
	size_t off, size;
	const char *bytes;
};

static const struct magic magics[] = {
	{"qcow2", 0, 4, "QFI\xfb"},
	{"qed", 0, 4, "QED\0"},
	{"vmdk", 0, 4, "KDMV"},
	{"vmdk", 0, 4, "COWD"},
	{"vmdk", 0, 21, "# Disk DescriptorFile"},
	{"vhdx", 0, 8, "vhdxfile"},
	{"vpc", 0, 8, "conectix"},
	{"parallels", 0, 16, "WithoutFreeSpace"},
	{"parallels", 0, 16, "WithouFreSpacExt"},
	{"vdi", 0x40, 4, "\x7f\x10\xda\xbe"},
};

#define MAGIC_END 0x44

static const char *format_of(const char *head, size_t size)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (m->off + m->size <= size && memcmp(head + m->off, m->bytes, m->size) == 0)
			return m->format;
	}
	return "raw";
}

struct gs_error *gs_launch_disk_format(const char *path, const char **ret)
{
	gs_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char head[MAGIC_END];
	ssize_t size;

	if (fd < 0)
		return gs_error_os(errno, "disk %s", path);
	size = gs_pread_full(fd, head, sizeof(head), 0);
	if (size < 0)
		return gs_error_os(errno, "disk %s", path);
	*ret = format_of(head, (size_t)size);
	return NULL;
}
