/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel tells of itself, from a memory that may tell anything. The input is
 *
 *	CR3 of a CPU, 8 bytes | size of VMCOREINFO, 2 bytes | that text | words of memory
 *
 * where a word is its index in a small memory (2 bytes) and its value (8 bytes), little endian; the
 * rest of the memory is zero. A text that speaks of kimage_voffset is one of aarch64. However it
 * looks, not much of the memory is read, as on a live guest each read costs the time that the guest
 * stands still; and RAM is found only where there is memory.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/linux.h>

#define RAM_BYTES ((size_t)128 << 10)
#define HIGH_START (UINT64_C(1) << 40) /* more memory, all zero, far away */
#define HIGH_BYTES (UINT64_C(1) << 32)
#define READS_MAX 1000
#define CLASSIFY_READS_MAX 300000 /* as many as a section may have struct pages, and walks */
#define PAGES_ASKED 1000
#define QEMU_NOTE_BYTES (12 + 8 + 440)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct image {
	struct gs_memory mem;
	struct gs_range ranges[2];
	unsigned int reads, reads_max;
	uint8_t notes[QEMU_NOTE_BYTES];
	uint8_t ram[RAM_BYTES];
};

static struct gs_error *image_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct image *image = (struct image *)mem;

	assert(++image->reads <= image->reads_max);
	if (gpa < RAM_BYTES)
		memcpy(buf, image->ram + gpa, size);
	else
		memset(buf, 0, size);
	return NULL;
}

static const struct gs_memory_ops image_ops = {.format = "image", .read = image_read};

static void init_image(struct image *image, uint64_t cr3, const uint8_t *words, size_t size)
{
	*image = (struct image){
		.mem = {.ops = &image_ops, .name = (char *)"image", .range_count = 2},
		.ranges = {{0, RAM_BYTES}, {HIGH_START, HIGH_BYTES}},
		.reads_max = READS_MAX,
	};
	image->mem.ranges = image->ranges;
	gs_put_u32(image->notes, 5, false);
	gs_put_u32(image->notes + 4, 440, false);
	memcpy(image->notes + 12, "QEMU", 4);
	gs_put_u64(image->notes + 20 + 416, cr3, false);
	for (; size >= 10; words += 10, size -= 10)
		gs_put_u64(image->ram + gs_get_u16(words, false) * UINT64_C(8) % RAM_BYTES,
			   gs_get_u64(words + 2, false), false);
}

static void check_ram(struct gs_linux *l)
{
	gs_autofree struct gs_range *ram = NULL;
	gs_autoerror struct gs_error *err = NULL;
	size_t count = 0;

	err = gs_linux_system_ram(l, &ram, &count);
	assert(!err || gs_error_is_answer(err));
	for (size_t i = 0; i < count; i++) {
		size_t at = gs_ranges_find(l->mem->ranges, l->mem->range_count, ram[i].start);
		const struct gs_range *range = &l->mem->ranges[at];

		assert(at < l->mem->range_count && ram[i].start >= range->start && ram[i].size);
		assert(ram[i].size <= range->size - (ram[i].start - range->start));
		assert(!i || ram[i].start > ram[i - 1].start + ram[i - 1].size - 1);
	}
}

/* Whatever mem_map says, each page has a class. */
static void check_pages(struct image *image, struct gs_linux *l)
{
	GS_CLEANUP(gs_page_map_close) struct gs_page_map *map = NULL;
	gs_autoerror struct gs_error *err = NULL;
	uint8_t class[PAGES_ASKED];

	image->reads_max = CLASSIFY_READS_MAX;
	memset(class, 0xff, sizeof(class));
	err = gs_page_map_open(l, &map);
	if (!err)
		err = gs_page_map_classify(map, 0, PAGES_ASKED, class);
	assert(!err || gs_error_is_answer(err));
	for (size_t i = 0; !err && i < PAGES_ASKED; i++)
		assert(class[i] < GS_PAGE_CLASS_COUNT);
}

static void check_kernel(const struct gs_linux *l)
{
	for (int i = 0; i < GS_UTSNAME_FIELDS; i++)
		assert(memchr(l->utsname[i], 0, GS_UTSNAME_SIZE));
	assert(!l->root_gpa || (l->levels >= 2 && l->levels <= 5));
	assert(l->text_size <= -l->text_vaddr);
	assert(!l->has_direct_map || l->root_gpa);
}

static enum gs_arch arch_of(const uint8_t *text, size_t size)
{
	return memmem(text, size, "kimage_voffset", 14) ? GS_ARCH_AARCH64 : GS_ARCH_X86_64;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image image;
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct gs_error *err;
	size_t text_size;

	if (size < 10)
		return 0;
	text_size = gs_get_u16(data + 8, false);
	if (text_size > size - 10)
		text_size = size - 10;
	init_image(&image, gs_get_u64(data, false), data + 10 + text_size, size - 10 - text_size);
	image.mem.attrs = (struct gs_attributes){.arch = arch_of(data + 10, text_size),
						 .is_64bit = true,
						 .page_size = 4096,
						 .notes = image.notes,
						 .notes_size = sizeof(image.notes),
						 .vmcoreinfo = (char *)(uintptr_t)data + 10,
						 .vmcoreinfo_size = text_size};
	err = gs_linux_open(&image.mem, &l);
	assert(!err || gs_error_is_answer(err));
	gs_error_destroy(err);
	if (!l)
		return 0;
	check_kernel(l);
	check_ram(l);
	check_pages(&image, l);
	return 0;
}
