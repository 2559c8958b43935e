/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel on aarch64. Virtual addresses (Documentation/arch/arm64/memory.rst): text lies
 * kimage_voffset above its physical address; the direct map (linear map) has PHYS_OFFSET at its
 * begin, which KASLR moves, and so may even be negative. It is the lower half of the kernel's
 * addresses, and was the upper one before 5.4.
 */
#include "kernel.h"

/* A search of a live guest's page tables keeps the guest stopped: no kernel is nearly as large. */
#define IMAGE_BYTES_MAX (UINT64_C(256) << 20)

/* How many bits the page tables translate, by what VMCOREINFO has of that. */
static unsigned int va_bits_in_use(const struct gs_linux *l)
{
	int64_t unused;

	if (!gs_vmcoreinfo_number(l->info, "TCR_EL1_T1SZ", &unused) || unused < 0 || unused > 64)
		return 0;
	return (unsigned int)(64 - unused);
}

static unsigned int va_bits_configured(const struct gs_linux *l)
{
	int64_t bits;

	if (!gs_vmcoreinfo_number(l->info, "VA_BITS", &bits) || bits < 0 || bits > 64)
		return 0;
	return (unsigned int)bits;
}

static struct gs_error *try_va_bits(struct gs_linux *l, unsigned int va_bits)
{
	uint64_t vaddr;
	int64_t offset;

	if (!gs_aarch64_has(l->page_size, va_bits) ||
	    !gs_vmcoreinfo_symbol(l->info, "swapper_pg_dir", &vaddr) ||
	    !gs_vmcoreinfo_number(l->info, "kimage_voffset", &offset))
		return NULL;
	l->va_bits = va_bits;
	return gs_kernel_try_root(l, vaddr - (uint64_t)offset, vaddr);
}

/*
 * The bits in use may be fewer than those that the kernel was built for. Where that is a matter of
 * 52 or 48 with pages of 64 KiB, its tables are the large ones nevertheless, of which the processor
 * is shown the end.
 */
static struct gs_error *find_root(struct gs_linux *l)
{
	struct gs_error *err = try_va_bits(l, va_bits_in_use(l));

	if (!err && !l->root_gpa)
		err = try_va_bits(l, va_bits_configured(l));
	if (err || l->root_gpa)
		return err;
	return gs_error_create(GS_ERROR_NODATA,
			       "vmcoreinfo does not fit this memory: no page table found at "
			       "swapper_pg_dir");
}

static struct gs_error *find_text(struct gs_linux *l)
{
	uint64_t vaddr;

	if (!gs_vmcoreinfo_symbol(l->info, "_stext", &vaddr))
		return NULL;
	return gs_kernel_find_text(l, vaddr, IMAGE_BYTES_MAX);
}

/* Where the direct map begins is a matter of what the kernel was built for. */
static struct gs_error *direct_map_from_phys_offset(struct gs_linux *l)
{
	unsigned int va_bits = va_bits_configured(l);
	struct gs_error *err = NULL;

	if (!gs_vmcoreinfo_number(l->info, "PHYS_OFFSET", &l->phys_base) || va_bits < 2 ||
	    va_bits > 63)
		return NULL;
	for (unsigned int bits = va_bits; !err && !l->has_direct_map && bits >= va_bits - 1; bits--)
		err = gs_kernel_try_direct_map(l, (UINT64_MAX << bits) - (uint64_t)l->phys_base);
	l->has_phys_base = l->has_direct_map;
	return err;
}

static struct gs_error *direct_map_from_mem_section(struct gs_linux *l)
{
	uint64_t vaddr;

	if (!gs_vmcoreinfo_symbol(l->info, "mem_section", &vaddr) ||
	    vaddr - l->text_vaddr < l->text_size)
		return NULL;
	return gs_kernel_try_direct_map_around(l, vaddr, l->page_size);
}

static struct gs_error *look_around(struct gs_linux *l)
{
	struct gs_error *err = find_root(l);

	if (!err)
		err = find_text(l);
	if (!err)
		err = direct_map_from_phys_offset(l);
	if (!err && !l->has_direct_map)
		err = direct_map_from_mem_section(l);
	return err;
}

const struct kernel_arch gs_kernel_aarch64 = {
	.arch = GS_ARCH_AARCH64,
	.sign = "NUMBER(kimage_voffset)",
	.format = &gs_paging_aarch64,
	.look_around = look_around,
};
