/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel log, in a memory that may hold anything. The input is
 *
 *	flags 1 | size 2 | that much VMCOREINFO | memory
 *
 * little endian; of the flags 1 is 64 bit, 2 is big endian. The memory is at DIRECT_MAP, and zero
 * where the input ends. Whatever it holds, a log is read in bounded time, and no more text comes
 * out of it than fits into it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/linux.h>

#define DIRECT_MAP UINT64_C(0xffff888000000000)
#define IMAGE_BYTES ((size_t)128 << 10)
#define ROOT_GPA 0x100000 /* two page tables: a direct map of 1 GiB, and the same at 0 */
#define TABLES_BYTES 0x2000
#define READS_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct image {
	struct gs_memory mem;
	struct gs_range ranges[2];
	unsigned int reads;
	uint8_t tables[TABLES_BYTES];
	uint8_t ram[IMAGE_BYTES];
};

static struct gs_error *image_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct image *image = (struct image *)mem;

	assert(++image->reads <= READS_MAX);
	memcpy(buf, gpa < IMAGE_BYTES ? image->ram + gpa : image->tables + (gpa - ROOT_GPA), size);
	return NULL;
}

static const struct gs_memory_ops image_ops = {.format = "image", .read = image_read};

static void init_image(struct image *image, unsigned int flags, const uint8_t *ram, size_t size)
{
	memset(image, 0, sizeof(*image));
	image->mem =
		(struct gs_memory){.ops = &image_ops, .name = (char *)"image", .range_count = 2};
	image->ranges[0] = (struct gs_range){0, IMAGE_BYTES};
	image->ranges[1] = (struct gs_range){ROOT_GPA, TABLES_BYTES};
	image->mem.ranges = image->ranges;
	image->mem.attrs = (struct gs_attributes){.arch = GS_ARCH_X86_64,
						  .is_64bit = flags & 1,
						  .big_endian = flags & 2,
						  .page_size = 4096};
	gs_put_u64(image->tables, (ROOT_GPA + 0x1000) | 1, false);
	gs_put_u64(image->tables + (DIRECT_MAP >> 39 & 511) * 8, (ROOT_GPA + 0x1000) | 1, false);
	gs_put_u64(image->tables + 0x1000, 1 | 1 << 7, false);
	memcpy(image->ram, ram, size < IMAGE_BYTES ? size : IMAGE_BYTES);
}

struct told {
	uint64_t count, text_bytes;
};

static struct gs_error *check(void *arg, const struct gs_log_record *record)
{
	struct told *told = arg;
	volatile char byte = 0;

	assert(record->level < 8);
	for (size_t i = 0; i < record->text_size; i++)
		byte = record->text[i];
	(void)byte;
	told->text_bytes += record->text_size;
	told->count++;
	return NULL;
}

/* The direct map shows each byte once: twice around is the most that a log can tell. */
static void check_log(struct gs_linux *l)
{
	gs_autoerror struct gs_error *err = NULL, *boot_err = NULL;
	struct told told = {0};
	uint64_t lost = 0;
	int64_t boot_ns;

	err = gs_linux_log(l, check, &told, &lost);
	assert(!err || gs_error_is_answer(err));
	assert(told.text_bytes <= 2 * IMAGE_BYTES);
	assert(told.count + lost <= 2 * IMAGE_BYTES);
	boot_err = gs_linux_boot_time(l, &boot_ns);
	assert(!boot_err || gs_error_is_answer(boot_err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image image;
	struct gs_linux l = {
		.mem = &image.mem,
		.arch = GS_ARCH_X86_64,
		.page_size = 4096,
		.root_gpa = ROOT_GPA,
		.levels = 4,
		.va_bits = 48,
	};
	size_t text_size;

	if (size < 3)
		return 0;
	text_size = gs_get_u16(data + 1, false);
	if (text_size > size - 3)
		text_size = size - 3;
	init_image(&image, data[0], data + 3 + text_size, size - 3 - text_size);
	gs_error_destroy(gs_vmcoreinfo_parse((const char *)data + 3, text_size, &l.info));
	if (!l.info)
		return 0;
	check_log(&l);
	gs_vmcoreinfo_destroy(l.info);
	return 0;
}
