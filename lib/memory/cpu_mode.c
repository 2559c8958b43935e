/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which mode, and with whose rights, a CPU was running: read off its registers. */
#include <guestscope/memory.h>

#define CR0_PE UINT64_C(1)
#define RFLAGS_VM (UINT64_C(1) << 17)
/* The segment descriptor's second word. */
#define SEGMENT_LONG (UINT64_C(1) << 21)
#define SEGMENT_BIG (UINT64_C(1) << 22)

#define PSTATE_AARCH32 UINT64_C(0x10)
#define MSR_PR UINT64_C(0x4000)
#define MSR_HV (UINT64_C(1) << 60)
#define MSR_SF (UINT64_C(1) << 63)
#define PSW_PROBLEM (UINT64_C(1) << 48)
#define PSW_EXTENDED UINT64_C(0x100000000)
#define PSW_BASIC UINT64_C(0x80000000)

static uint64_t value(const struct gs_registers *regs, const char *name)
{
	uint64_t v = 0;

	return gs_registers_get(regs, name, &v) ? v : 0;
}

/*
 * EFER, which tells compatibility from protected mode, is in no note. But only with long mode on
 * can descriptor tables lie above 4 GiB, and there kernels of 64 bits have them.
 */
static const char *protected_mode(const struct gs_registers *regs, uint64_t cs_flags)
{
	if (cs_flags & SEGMENT_LONG)
		return "long";
	if (value(regs, "gdt.base") >> 32 || value(regs, "idt.base") >> 32)
		return "compatibility";
	return cs_flags & SEGMENT_BIG ? "protected" : "16-bit protected";
}

static struct gs_cpu_mode x86_mode(const struct gs_registers *regs)
{
	struct gs_cpu_mode mode = {.level_kind = "ring"};
	uint64_t cr0, flags;

	if (!gs_registers_get(regs, "cr0", &cr0)) { /* no more than PRSTATUS */
		mode.level = value(regs, "cs.selector") & 3;
	} else if (!(cr0 & CR0_PE)) {
		mode.name = "real";
	} else if ((value(regs, "rflags") | value(regs, "eflags")) & RFLAGS_VM) {
		mode.name = "virtual-8086";
		mode.level = 3;
	} else {
		gs_registers_get(regs, "cs.flags", &flags);
		mode.name = protected_mode(regs, flags);
		mode.level = value(regs, "cs.selector") & 3;
	}
	mode.privilege = mode.level == 3 ? "user" : "kernel";
	return mode;
}

static const struct {
	const char *name, *privilege;
} arm_modes[16] = {
	[0] = {"usr", "user"},        [1] = {"fiq", "kernel"},  [2] = {"irq", "kernel"},
	[3] = {"svc", "kernel"},      [6] = {"mon", "monitor"}, [7] = {"abt", "kernel"},
	[10] = {"hyp", "hypervisor"}, [11] = {"und", "kernel"}, [15] = {"sys", "kernel"},
};

static struct gs_cpu_mode arm_mode(uint64_t cpsr)
{
	return (struct gs_cpu_mode){.name = arm_modes[cpsr & 15].name,
				    .privilege = arm_modes[cpsr & 15].privilege};
}

static struct gs_cpu_mode aarch64_mode(uint64_t pstate)
{
	static const char *const privileges[] = {"user", "kernel", "hypervisor", "monitor"};

	if (pstate & PSTATE_AARCH32)
		return arm_mode(pstate);
	return (struct gs_cpu_mode){.name = "AArch64",
				    .privilege = privileges[pstate >> 2 & 3],
				    .level_kind = "EL",
				    .level = pstate >> 2 & 3};
}

static struct gs_cpu_mode ppc_mode(uint64_t msr, bool is_64bit)
{
	struct gs_cpu_mode mode = {.privilege = msr & MSR_PR ? "user" : "kernel"};

	if (is_64bit) {
		mode.name = msr & MSR_SF ? "64-bit" : "32-bit";
		if (msr & MSR_HV && !(msr & MSR_PR))
			mode.privilege = "hypervisor";
	}
	return mode;
}

static struct gs_cpu_mode s390x_mode(uint64_t mask)
{
	return (struct gs_cpu_mode){
		.name = mask & PSW_EXTENDED ? "64-bit"
			: mask & PSW_BASIC  ? "31-bit"
					    : "24-bit",
		.privilege = mask & PSW_PROBLEM ? "user" : "kernel",
	};
}

struct gs_cpu_mode gs_registers_mode(const struct gs_registers *regs)
{
	switch (regs->arch) {
	case GS_ARCH_X86_64:
	case GS_ARCH_I386:
		return x86_mode(regs);
	case GS_ARCH_AARCH64:
		return aarch64_mode(value(regs, "pstate"));
	case GS_ARCH_ARM:
		return arm_mode(value(regs, "cpsr"));
	case GS_ARCH_PPC64:
	case GS_ARCH_PPC:
		return ppc_mode(value(regs, "msr"), regs->arch == GS_ARCH_PPC64);
	case GS_ARCH_S390X:
		return s390x_mode(value(regs, "psw.mask"));
	default:
		return (struct gs_cpu_mode){0};
	}
}
