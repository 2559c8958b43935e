/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checksum of a dump's memory as libkdumpfile reads it; shares no code with the project's
 * library.
 *
 * usage: kdumpsum FILE
 *
 * Prints, in the words of tests/guest/refsum.py, "sum 0x...", "units N" and the ranges of pages
 * that the file holds; then "arch NAME" and "virtual NAME", the sysname found at the virtual
 * address of init_uts_ns. In place of a value "- REASON" stands what the library said. Exit status
 * 1: a page cannot be read.
 *
 * Build: cc -o kdumpsum kdumpsum.c -lkdumpfile -laddrxlat -lxxhash
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkdumpfile/kdumpfile.h>
#include <xxhash.h>

#define UNIT 4096
#define SYSNAME_SIZE 65 /* __NEW_UTS_LEN + 1 */

struct sum {
	uint64_t high, low; /* the sum modulo 2^128 */
	uint64_t units;
};

static void add_unit(struct sum *sum, kdump_addr_t gpa, const uint8_t *unit)
{
	static const uint8_t zeros[UNIT];
	XXH128_hash_t hash;

	if (memcmp(unit, zeros, UNIT) == 0)
		return;
	hash = XXH3_128bits_withSeed(unit, UNIT, gpa);
	sum->low += hash.low64;
	sum->high += hash.high64 + (sum->low < hash.low64);
	sum->units++;
}

static kdump_status add_page(kdump_ctx_t *ctx, kdump_addr_t start, kdump_num_t page_size,
			     struct sum *sum)
{
	for (kdump_addr_t gpa = start; gpa < start + page_size; gpa += UNIT) {
		uint8_t unit[UNIT];
		size_t size = UNIT;
		kdump_status status = kdump_read(ctx, KDUMP_MACHPHYSADDR, gpa, unit, &size);

		if (status != KDUMP_OK)
			return kdump_err(ctx, status, "0x%" PRIx64, (uint64_t)gpa);
		add_unit(sum, gpa, unit);
	}
	return KDUMP_OK;
}

static kdump_status open_dump(kdump_ctx_t *ctx, const char *path, int *fd_ret)
{
	*fd_ret = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd_ret < 0)
		return kdump_err(ctx, KDUMP_ERR_SYSTEM, "%s", strerror(errno));
	return kdump_open_fd(ctx, *fd_ret);
}

static void print_range(kdump_addr_t start, kdump_addr_t end)
{
	if (start < end)
		printf("range 0x%" PRIx64 " 0x%" PRIx64 "\n", (uint64_t)start, (uint64_t)end);
}

/*
 * Every page that the file says it has must be readable. (The library's search for the next page
 * that is missing does not get past the end of a segment of an ELF file that another one covers.)
 */
static kdump_status sum_pages(kdump_ctx_t *ctx, struct sum *sum)
{
	kdump_attr_t map = {.type = KDUMP_BITMAP};
	kdump_addr_t start = 0, end = 0, page = 0;
	kdump_num_t page_size;
	kdump_status status = kdump_get_number_attr(ctx, KDUMP_ATTR_PAGE_SIZE, &page_size);

	if (status == KDUMP_OK)
		status = kdump_get_typed_attr(ctx, KDUMP_ATTR_FILE_PAGEMAP, &map);
	while (status == KDUMP_OK && kdump_bmp_find_set(map.val.bitmap, &page) == KDUMP_OK) {
		status = add_page(ctx, page * page_size, page_size, sum);
		if (page * page_size != end) {
			print_range(start, end);
			start = page * page_size;
		}
		end = ++page * page_size;
	}
	print_range(start, end);
	return status;
}

static kdump_status read_sysname(kdump_ctx_t *ctx, char *sysname)
{
	size_t size = SYSNAME_SIZE;
	kdump_addr_t vaddr;
	char *offset;
	kdump_status status = kdump_set_string_attr(ctx, KDUMP_ATTR_OSTYPE, "linux");

	if (status == KDUMP_OK)
		status = kdump_vmcoreinfo_symbol(ctx, "init_uts_ns", &vaddr);
	if (status == KDUMP_OK)
		status = kdump_vmcoreinfo_line(ctx, "OFFSET(uts_namespace.name)", &offset);
	if (status != KDUMP_OK)
		return status;
	vaddr += strtoull(offset, NULL, 10);
	free(offset);
	sysname[SYSNAME_SIZE - 1] = '\0';
	return kdump_read(ctx, KDUMP_KVADDR, vaddr, sysname, &size);
}

static void print_or_reason(kdump_ctx_t *ctx, const char *what, kdump_status status,
			    const char *value)
{
	if (status == KDUMP_OK)
		printf("%s %s\n", what, value);
	else
		printf("%s - %s\n", what, kdump_get_err(ctx));
}

static int sum_dump(kdump_ctx_t *ctx, const char *path)
{
	char sysname[SYSNAME_SIZE];
	const char *arch = "";
	struct sum sum = {0};
	int fd;
	kdump_status status = open_dump(ctx, path, &fd);

	if (status == KDUMP_OK)
		status = sum_pages(ctx, &sum);
	if (status == KDUMP_OK) {
		printf("sum 0x%016" PRIx64 "%016" PRIx64 "\nunits %" PRIu64 "\n", sum.high, sum.low,
		       sum.units);
		status = kdump_get_string_attr(ctx, KDUMP_ATTR_ARCH_NAME, &arch);
		print_or_reason(ctx, "arch", status, arch);
		status = read_sysname(ctx, sysname);
		print_or_reason(ctx, "virtual", status, sysname);
		status = KDUMP_OK;
	}
	if (status != KDUMP_OK)
		fprintf(stderr, "kdumpsum: %s: %s\n", path, kdump_get_err(ctx));
	if (fd >= 0)
		close(fd);
	return status == KDUMP_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
	kdump_ctx_t *ctx;
	int status;

	if (argc != 2) {
		fprintf(stderr, "usage: kdumpsum FILE\n");
		return 2;
	}
	ctx = kdump_new();
	if (!ctx) {
		perror("kdumpsum");
		return 1;
	}
	status = sum_dump(ctx, argv[1]);
	kdump_free(ctx);
	return status;
}
