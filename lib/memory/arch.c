/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of architectures. */
#include <elf.h>
#include <string.h>
#include <strings.h>

#include <guestscope/memory.h>

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

/* struct elf_prstatus has one shape per word size up to pr_reg. */
#define PRSTATUS_64(bytes, pc, sp)                                                                 \
	.prstatus_size = (bytes), .prstatus_pid_off = 32, .prstatus_reg_off = 112, .reg_pc = (pc), \
	.reg_sp = (sp)
#define PRSTATUS_32(bytes, pc, sp)                                                                \
	.prstatus_size = (bytes), .prstatus_pid_off = 24, .prstatus_reg_off = 72, .reg_pc = (pc), \
	.reg_sp = (sp)

static const struct gs_arch_info archs[GS_ARCH_COUNT] = {
	[GS_ARCH_UNKNOWN] = {"unknown", EM_NONE, true, 4096, true, 0, 0, 0, 0, 0},
	[GS_ARCH_X86_64] = {"x86_64", EM_X86_64, true, 4096, false, PRSTATUS_64(336, 16, 19)},
	[GS_ARCH_I386] = {"i686", EM_386, false, 4096, false, PRSTATUS_32(144, 12, 15)},
	[GS_ARCH_AARCH64] = {"aarch64", EM_AARCH64, true, 4096, true, PRSTATUS_64(392, 32, 31)},
	[GS_ARCH_ARM] = {"arm", EM_ARM, false, 4096, false, PRSTATUS_32(148, 15, 13)},
	[GS_ARCH_PPC64] = {"ppc64", EM_PPC64, true, 65536, true, PRSTATUS_64(504, 32, 1)},
	[GS_ARCH_PPC] = {"ppc", EM_PPC, false, 4096, true, PRSTATUS_32(268, 32, 1)},
	[GS_ARCH_S390X] = {"s390x", EM_S390, true, 4096, false, PRSTATUS_64(336, 1, 17)},
	[GS_ARCH_RISCV64] = {"riscv64", EM_RISCV, true, 4096, false, PRSTATUS_64(376, 0, 2)},
	[GS_ARCH_RISCV32] = {"riscv32", EM_RISCV, false, 4096, false, PRSTATUS_32(204, 0, 2)},
	[GS_ARCH_LOONGARCH64] = {"loongarch64", EM_LOONGARCH, true, 4096, true,
				 PRSTATUS_64(480, 33, 3)},
	[GS_ARCH_MIPS] = {"mips", EM_MIPS, false, 4096, true, PRSTATUS_32(256, 0, 0)},
	[GS_ARCH_MIPS64] = {"mips64", EM_MIPS, true, 4096, true, PRSTATUS_64(480, 0, 0)},
};

/* What uname -m may say; the longest prefix comes first. */
static const struct {
	const char *prefix;
	enum gs_arch arch;
} machines[] = {
	{"x86_64", GS_ARCH_X86_64},   {"i386", GS_ARCH_I386},
	{"i486", GS_ARCH_I386},       {"i586", GS_ARCH_I386},
	{"i686", GS_ARCH_I386},       {"aarch64", GS_ARCH_AARCH64},
	{"arm", GS_ARCH_ARM},         {"ppc64", GS_ARCH_PPC64},
	{"ppc", GS_ARCH_PPC},         {"s390x", GS_ARCH_S390X},
	{"riscv64", GS_ARCH_RISCV64}, {"riscv32", GS_ARCH_RISCV32},
	{"mips64", GS_ARCH_MIPS64},   {"loongarch64", GS_ARCH_LOONGARCH64},
	{"mips", GS_ARCH_MIPS},
};

const struct gs_arch_info *gs_arch_info(enum gs_arch arch)
{
	return &archs[(unsigned int)arch < GS_ARCH_COUNT ? arch : GS_ARCH_UNKNOWN];
}

/* Byte orders that an architecture does not have. */
static bool is_impossible(enum gs_arch arch, bool big_endian)
{
	switch (arch) {
	case GS_ARCH_X86_64:
	case GS_ARCH_I386:
	case GS_ARCH_LOONGARCH64:
		return big_endian;
	case GS_ARCH_S390X:
		return !big_endian;
	default:
		return false;
	}
}

enum gs_arch gs_arch_from_machine(uint16_t e_machine, bool is_64bit, bool big_endian)
{
	/* The machines whose number leaves the class open. */
	if (e_machine == EM_RISCV)
		return is_64bit ? GS_ARCH_RISCV64 : GS_ARCH_RISCV32;
	if (e_machine == EM_MIPS)
		return is_64bit ? GS_ARCH_MIPS64 : GS_ARCH_MIPS;
	for (int i = GS_ARCH_UNKNOWN + 1; i < GS_ARCH_COUNT; i++) {
		if (archs[i].e_machine == e_machine && !is_impossible(i, big_endian))
			return i;
	}
	return GS_ARCH_UNKNOWN;
}

enum gs_arch gs_arch_from_name(const char *utsname_machine)
{
	/* Case does not count: QEMU writes "S390X". */
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		const char *prefix = machines[i].prefix;

		if (!strncasecmp(utsname_machine, prefix, strlen(prefix)))
			return machines[i].arch;
	}
	return GS_ARCH_UNKNOWN;
}

/* The value of the first line that begins with @key, as far as it is digits. */
static uint64_t line_value(const char *key, const char *text, size_t size)
{
	const char *end = text + size;
	size_t key_size = strlen(key);
	uint64_t value = 0;

	for (const char *line = text; line && (size_t)(end - line) > key_size;) {
		if (memcmp(line, key, key_size) == 0) {
			for (line += key_size; line < end && *line >= '0' && *line <= '9'; line++)
				value = value * 10 + (uint64_t)(*line - '0');
			return value;
		}
		line = memchr(line, '\n', (size_t)(end - line));
		line = line ? line + 1 : NULL;
	}
	return 0;
}

uint32_t gs_arch_kernel_page_size(enum gs_arch arch, const char *vmcoreinfo, size_t size)
{
	uint64_t value;

	if (!vmcoreinfo || !gs_arch_info(arch)->has_other_page_sizes)
		return 0;
	value = line_value("PAGESIZE=", vmcoreinfo, size);
	if (value < 4096 || value > GS_PAGE_SIZE_MAX || (value & (value - 1)))
		return 0;
	return (uint32_t)value;
}
