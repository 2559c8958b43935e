/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The renames that QEMU's own checker knows of. */
#include "compat_names.h"

#include <string.h>

/* Old and new names that are the same: any of a list is any other of it. */
struct renames {
	const char *where;
	const char *names[17];
};

static const struct renames renames[] = {
	{"I440FX", {"dev", "parent_obj"}},
	{"PIIX3", {"pci_irq_levels", "pci_irq_levels_vmstate"}},
	{"acpi-ghes", {"ghes_addr_le", "hw_error_le"}},
	{"apic", {"timer", "timer_expiry"}},
	{"cirrus_vga", {"hw_cursor_x", "vga.hw_cursor_x", "hw_cursor_y", "vga.hw_cursor_y"}},
	{"e1000", {"dev", "parent_obj"}},
	{"ehci", {"dev", "pcidev"}},
	{"hpet", {"num_timers", "num_timers_save"}},
	{"ich9-ahci", {"ahci", "ich9_ahci"}},
	{"ich9_ahci", {"card", "parent_obj"}},
	{"ioh-3240-express-root-port",
	 {"port.br.dev", "parent_obj.parent_obj.parent_obj", "port.br.dev.exp.aer_log",
	  "parent_obj.parent_obj.parent_obj.exp.aer_log"}},
	{"ioh3420", {"PCIDevice", "PCIEDevice"}},
	{"lsiscsi", {"dev", "parent_obj"}},
	{"mch", {"d", "parent_obj"}},
	{"pci_bridge", {"bridge.dev", "parent_obj", "bridge.dev.shpc", "shpc"}},
	{"pcnet", {"pci_dev", "parent_obj"}},
	{"piix4_pm",
	 {"dev", "parent_obj", "pci0_status", "acpi_pci_hotplug.acpi_pcihp_pci_status[0x0]",
	  "pm1a.sts", "ar.pm1.evt.sts", "pm1a.en", "ar.pm1.evt.en", "pm1_cnt.cnt", "ar.pm1.cnt.cnt",
	  "tmr.timer", "ar.tmr.timer", "tmr.overflow_time", "ar.tmr.overflow_time", "gpe",
	  "ar.gpe"}},
	{"qxl", {"num_surfaces", "ssd.num_surfaces"}},
	{"rtl8139", {"dev", "parent_obj"}},
	{"spapr_pci",
	 {"dma_liobn[0]", "mig_liobn", "mem_win_addr", "mig_mem_win_addr", "mem_win_size",
	  "mig_mem_win_size", "io_win_addr", "mig_io_win_addr", "io_win_size", "mig_io_win_size"}},
	{"usb-ccid", {"abProtocolDataStructure", "abProtocolDataStructure.data"}},
	{"usb-host", {"dev", "parent_obj"}},
	{"usb-mouse", {"usb-ptr-queue", "HIDPointerEventQueue"}},
	{"usb-tablet", {"usb-ptr-queue", "HIDPointerEventQueue"}},
	{"vmware_vga", {"card", "parent_obj"}},
	{"vmware_vga_internal", {"depth", "new_depth"}},
	{"x3130-upstream", {"PCIDevice", "PCIEDevice"}},
	{"xhci", {"pci_dev", "parent_obj"}},
	{"xio3130-downstream", {"PCIDevice", "PCIEDevice"}},
	{"xio3130-express-downstream-port",
	 {"port.br.dev", "parent_obj.parent_obj.parent_obj", "port.br.dev.exp.aer_log",
	  "parent_obj.parent_obj.parent_obj.exp.aer_log"}},
	{"xio3130-express-upstream-port",
	 {"br.dev", "parent_obj.parent_obj", "br.dev.exp.aer_log",
	  "parent_obj.parent_obj.exp.aer_log"}},
};

static const char *const section_renames[][2] = {
	{"ICH9 LPC", "ICH9-LPC"},
	{"e1000-82540em", "e1000"},
};

static bool is_one_of(const struct renames *row, const char *name)
{
	for (size_t i = 0; row->names[i]; i++) {
		if (strcmp(row->names[i], name) == 0)
			return true;
	}
	return false;
}

bool gs_compat_same_name(const char *where, const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return true;
	for (size_t i = 0; i < sizeof(renames) / sizeof(*renames); i++) {
		if (strcmp(renames[i].where, where) == 0)
			return is_one_of(&renames[i], a) && is_one_of(&renames[i], b);
	}
	return false;
}

const struct gs_devstate_device *gs_compat_find_section(const struct gs_devstate *state,
							const char *type)
{
	const struct gs_devstate_device *found = gs_devstate_find(state, type);

	for (size_t i = 0; !found && i < sizeof(section_renames) / sizeof(*section_renames); i++) {
		const char *const *pair = section_renames[i];

		if (strcmp(type, pair[0]) == 0)
			found = gs_devstate_find(state, pair[1]);
		else if (strcmp(type, pair[1]) == 0)
			found = gs_devstate_find(state, pair[0]);
	}
	return found;
}
