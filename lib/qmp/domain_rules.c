/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of a domain's devices, for libvirt up to 11 and QEMU 5.2 to 10.0. What the machines
 * have built in, and what is part of something else, was read from the object trees of QEMU 7.2
 * and 10.0; it is the same for all versions of a machine there.
 */
#include "domain_rules.h"

#include <stddef.h>

#define PC "/machine:@family=pc|q35"
#define X86 "/machine:@arch=x86_64|i686"
#define ARM_VIRT "/machine:@family=virt /machine:@arch=aarch64|armv7l"
#define VIRT_BEFORE_4_2                                                               \
	"virt-2.6|virt-2.7|virt-2.8|virt-2.9|virt-2.10|virt-2.11|virt-2.12|virt-3.0|" \
	"virt-3.1|virt-4.0|virt-4.1"
#define CPU "{/machine:@cpu}"
/* QEMU knows them by a shorter name, too. */
#define PASSED_VIRTIO(name)                                                    \
	{"qemu:device", "@driver=" name, name "-% " name "-device"},           \
	{                                                                      \
		"qemu:device",                                                 \
			"@driver=" name "-pci|" name "-pci-transitional|" name \
			"-pci-non-transitional|" name "-ccw",                  \
			"{@driver} " name "-device"                            \
	}
#define VIRTIO "virtio|virtio-transitional|virtio-non-transitional"

const struct gs_domain_rule gs_domain_rules[] = {
	/* ---- what a machine has built in ---- */
	{"os/type", PC, "+fw_cfg_io i8257 isa-pcspk kvmvapic mc146818rtc"},
	{"os/type", PC " !/features/ps2:@state=off", "+i8042 port92 ps2-kbd ps2-mouse"},
	{"os/type", PC " !/features/ps2:@state=off !/features/vmport:@state=off",
	 "+vmmouse vmport"},
	{"os/type", PC " !/clock/timer:@name=hpet,@present=no", "+hpet"},
	{"os/type", PC " /machine:@accel=qemu", "+apic ioapic isa-i8259 isa-pit"},
	{"os/type", PC " /machine:@accel=kvm", "+kvm-apic kvmclock"},
	{"os/type", PC " /machine:@accel=kvm /features/ioapic:@driver=qemu",
	 "+ioapic isa-i8259 isa-pit"},
	{"os/type", PC " /machine:@accel=kvm !/features/ioapic:@driver=qemu",
	 "+kvm-i8259 kvm-ioapic kvm-pit"},
	{"os/type", "/machine:@family=pc", "+i440FX i440FX-pcihost PIIX3 piix3-ide isa-fdc"},
	{"os/type", "/machine:@family=pc /features/acpi:", "+PIIX4_PM smbus-eeprom"},
	{"os/type", "/machine:@family=q35",
	 "+ICH9-LPC ICH9-SMB ich9-ahci mch q35-pcihost smbus-eeprom"},
	{"os/type", X86 " !/cpu:", "+qemu64-" CPU},
	{"os/type", PC " /machine:@accel=qemu|kvm", ""},

	{"os/type", ARM_VIRT,
	 "+cfi.pflash01 fw_cfg_mem gpex-pcihost gpex-root pl011 pl031 platform-bus-device "
	 "virtio-mmio"},
	{"os/type", ARM_VIRT " /features/acpi: /machine:@arch=aarch64 !@machine=" VIRT_BEFORE_4_2,
	 "+acpi-ged"},
	{"os/type", ARM_VIRT " /machine:@arch=armv7l", "+gpio-key pl061"},
	{"os/type", ARM_VIRT " !/features/acpi:", "+gpio-key pl061"},
	{"os/type", "@machine=" VIRT_BEFORE_4_2, "+gpio-key pl061"},
	{"os/type",
	 ARM_VIRT " /machine:@accel=qemu /features/gic:@version=2 /cpu:", "arm_gic arm-gicv2m"},
	{"os/type", ARM_VIRT " /machine:@accel=qemu /features/gic:@version=3 /cpu:",
	 "arm-gicv3 arm-gicv3-its"},
	{"os/type", "/machine:@family=s390 /machine:@accel=qemu /cpu:",
	 "s390-flic-qemu s390-ipl s390-pcihost s390-sclp-event-facility s390-skeys-qemu "
	 "s390-storage_attributes-qemu s390-tod-qemu sclp sclp-cpu-hotplug sclpquiesce "
	 "virtual-css-bridge"},
	{"os/type", "", NULL},

	{"cpu", "@mode=host-passthrough /machine:@cpu=*", "host-" CPU},
	{"cpu", "@mode=maximum /machine:@cpu=*", "max-" CPU},
	{"cpu", "@mode=custom| /cpu/model: /machine:@cpu=*", ""},
	{"cpu", "@mode= " X86, "qemu64-" CPU}, /* topology and the like alone */
	{"cpu", "", NULL},
	{"cpu/model", "!/cpu:@mode=host-model|host-passthrough|maximum /machine:@cpu=*",
	 "{.}-" CPU},

	{"os/loader", "@type=pflash " PC, "cfi.pflash01"},
	{"os", "@firmware=efi " PC, "cfi.pflash01"},
	{"features/vmcoreinfo", "@state=on|", "vmcoreinfo"},
	{"genid", "", "vmgenid"},

	{"devices/", "address/zpci/@uid=*", "+zpci"},

	/* ---- disks ---- */
	{"devices/disk", "target/@bus=virtio @type=vhostuser", "vhost-user-blk-% vhost-user-blk"},
	{"devices/disk", "target/@bus=virtio", "virtio-blk-% virtio-blk-device"},
	{"devices/disk", "target/@bus=scsi @device=lun", "scsi-block"},
	{"devices/disk", "target/@bus=scsi @device=cdrom", "scsi-cd"},
	{"devices/disk", "target/@bus=scsi", "scsi-hd"},
	{"devices/disk", "target/@bus=ide|sata @device=cdrom", "ide-cd"},
	{"devices/disk", "target/@bus=ide|sata", "ide-hd"},
	{"devices/disk", "target/@bus=usb @model=usb-bot @device=cdrom", "usb-bot scsi-cd"},
	{"devices/disk", "target/@bus=usb @model=usb-bot", "usb-bot scsi-hd"},
	{"devices/disk", "target/@bus=usb", "usb-storage scsi-hd"},
	{"devices/disk", "target/@bus=fdc", "floppy"},
	{"devices/disk", "target/@bus=sd", "sd-card"},
	{"devices/disk", "target/@bus=nvme", "nvme-ns"},

	/* ---- controllers ---- */
	{"devices/controller", "@type=usb @model=none", ""},
	{"devices/controller", "@type=usb @model=qemu-xhci", "qemu-xhci base-xhci"},
	{"devices/controller", "@type=usb @model=nec-xhci", "nec-usb-xhci base-xhci"},
	{"devices/controller", "@type=usb @model=piix3-uhci", "piix3-usb-uhci"},
	{"devices/controller", "@type=usb @model=piix4-uhci", "piix4-usb-uhci"},
	{"devices/controller", "@type=usb @model=vt82c686b-uhci", "vt82c686b-usb-uhci"},
	{"devices/controller", "@type=usb @model=ehci", "usb-ehci"},
	{"devices/controller", "@type=usb @model=ich9-ehci1", "ich9-usb-ehci1"},
	{"devices/controller", "@type=usb @model=ich9-uhci1", "ich9-usb-uhci1"},
	{"devices/controller", "@type=usb @model=ich9-uhci2", "ich9-usb-uhci2"},
	{"devices/controller", "@type=usb @model=ich9-uhci3", "ich9-usb-uhci3"},
	{"devices/controller", "@type=usb @model=pci-ohci", "pci-ohci"},
	{"devices/controller", "@type=usb @model= " X86, "piix3-usb-uhci"},
	{"devices/controller", "@type=scsi @model=" VIRTIO "|virtio-scsi",
	 "virtio-scsi-% virtio-scsi-device"},
	{"devices/controller", "@type=scsi @model=lsilogic", "lsi53c895a"},
	{"devices/controller", "@type=scsi @model=lsisas1068", "mptsas1068"},
	{"devices/controller", "@type=scsi @model=lsisas1078", "megasas"},
	{"devices/controller", "@type=scsi @model=vmpvscsi", "pvscsi"},
	{"devices/controller", "@type=scsi @model=am53c974", "am53c974 esp"},
	{"devices/controller", "@type=scsi @model=dc390", "dc390 esp"},
	{"devices/controller", "@type=scsi @model=ibmvscsi", "spapr-vscsi"},
	{"devices/controller", "@type=scsi @model=auto| " X86, "lsi53c895a"},
	{"devices/controller", "@type=scsi @model=auto| /machine:@family=virt|s390",
	 "virtio-scsi-% virtio-scsi-device"},
	{"devices/controller", "@type=ide @model=piix3", "piix3-ide"},
	{"devices/controller", "@type=ide @model=piix4", "piix4-ide"},
	{"devices/controller", "@type=ide /machine:@family=pc", "piix3-ide"},
	{"devices/controller", "@type=sata", "ich9-ahci"},
	{"devices/controller", "@type=nvme", "nvme"},
	{"devices/controller", "@type=fdc " X86, "isa-fdc"},
	{"devices/controller", "@type=virtio-serial", "virtio-serial-% virtio-serial-device"},
	{"devices/controller", "@type=ccid", "usb-ccid"},
	{"devices/controller", "@type=isa", ""},
	{"devices/controller", "@type=pci @model=pci-root|pcie-root @index=0|", ""},
	{"devices/controller", "@type=pci @model=pci-bridge", "pci-bridge"},
	{"devices/controller", "@type=pci @model=dmi-to-pci-bridge", "i82801b11-bridge"},
	{"devices/controller", "@type=pci @model=pcie-to-pci-bridge", "pcie-pci-bridge"},
	{"devices/controller", "@type=pci @model=pcie-root-port model/@name=ioh3420", "ioh3420"},
	{"devices/controller", "@type=pci @model=pcie-root-port", "pcie-root-port"},
	{"devices/controller", "@type=pci @model=pcie-switch-upstream-port", "x3130-upstream"},
	{"devices/controller", "@type=pci @model=pcie-switch-downstream-port",
	 "xio3130-downstream"},
	{"devices/controller", "@type=pci @model=pci-expander-bus", "pxb pxb-host pci-bridge"},
	{"devices/controller", "@type=pci @model=pcie-expander-bus", "pxb-pcie pxb-host"},

	/* ---- network, video, sound ---- */
	{"devices/interface", "@type=hostdev", "vfio-pci"},
	{"devices/interface", "model/@type=" VIRTIO, "virtio-net-% virtio-net-device"},
	{"devices/interface", "model/@type=igb", "igb igbvf"},
	{"devices/interface",
	 "model/@type=e1000|e1000e|e1000-82544gc|e1000-82545em|rtl8139|ne2k_pci|pcnet|vmxnet3|"
	 "i82550|i82551|i82557a|i82557b|i82557c|i82558a|i82558b|i82559a|i82559b|i82559c|"
	 "i82559er|i82562|i82801|tulip|usb-net|spapr-vlan",
	 "{model/@type}"},
	{"devices/interface", "model/@type=e1000-82540em", "e1000"},
	{"devices/interface", "model/@type= " X86, "rtl8139"},

	{"devices/video", "model/@type=none", ""},
	{"devices/video", "model/@type=vga", "VGA"},
	{"devices/video", "model/@type=cirrus", "cirrus-vga"},
	{"devices/video", "model/@type=vmvga", "vmware-svga"},
	{"devices/video", "model/@type=bochs", "bochs-display"},
	{"devices/video", "model/@type=ramfb", "ramfb"},
	{"devices/video", "model/@type=qxl model/@primary=yes", "qxl-vga"},
	{"devices/video", "model/@type=qxl", "qxl"},
	{"devices/video", "model/@type=virtio driver/@name=vhostuser model/@primary=yes " X86,
	 "vhost-user-vga vhost-user-gpu"},
	{"devices/video", "model/@type=virtio driver/@name=vhostuser",
	 "vhost-user-gpu-% vhost-user-gpu"},
	{"devices/video",
	 "model/@type=virtio model/acceleration/@accel3d=yes model/@primary=yes " X86,
	 "virtio-vga-gl virtio-gpu-gl-device"},
	{"devices/video", "model/@type=virtio model/acceleration/@accel3d=yes",
	 "virtio-gpu-gl-% virtio-gpu-gl-device"},
	{"devices/video", "model/@type=virtio model/@primary=yes " X86,
	 "virtio-vga virtio-gpu-device"},
	{"devices/video", "model/@type=virtio", "virtio-gpu-% virtio-gpu-device"},

	{"devices/sound", "@model=ac97", "AC97"},
	{"devices/sound", "@model=es1370", "ES1370"},
	{"devices/sound", "@model=sb16", "sb16"},
	{"devices/sound", "@model=usb", "usb-audio"},
	{"devices/sound", "@model=pcspk", ""},
	{"devices/sound", "@model=virtio", "virtio-sound-% virtio-sound-device"},
	{"devices/sound", "@model=ich6", "+intel-hda"},
	{"devices/sound", "@model=ich9", "+ich9-intel-hda"},
	{"devices/sound", "codec/@type=duplex", "+hda-duplex"},
	{"devices/sound", "codec/@type=micro", "+hda-micro"},
	{"devices/sound", "codec/@type=output", "+hda-output"},
	{"devices/sound", "@model=ich6|ich9 codec/@type=", "hda-duplex"},

	/* ---- what sits on a USB or a serial line ---- */
	{"devices/input", "@bus=ps2", ""},
	{"devices/input", "@type=evdev", ""},
	{"devices/input", "@bus=usb @type=tablet|mouse", "usb-{@type}"},
	{"devices/input", "@bus=usb @type=keyboard", "usb-kbd"},
	{"devices/input", "@bus=virtio @type=tablet|mouse|keyboard",
	 "virtio-{@type}-% virtio-{@type}-device"},
	{"devices/input", "@bus=virtio @type=passthrough",
	 "virtio-input-host-% virtio-input-host-device"},
	{"devices/hub", "@type=usb", "usb-hub"},
	{"devices/redirdev", "@bus=usb|", "usb-redir"},
	{"devices/smartcard", "@mode=host|host-certificates", "ccid-card-emulated"},
	{"devices/smartcard", "@mode=passthrough", "ccid-card-passthru"},
	{"devices/serial", "target/model/@name=isa-serial|pci-serial",
	 "{target/model/@name} serial"},
	{"devices/serial", "target/model/@name=usb-serial|spapr-vty|isa-debugcon",
	 "{target/model/@name}"},
	{"devices/serial", "target/model/@name=sclpconsole|sclplmconsole", "{target/model/@name}"},
	{"devices/serial", "target/model/@name=pl011", ""},
	{"devices/serial", "target/model/@name= target/@type=usb-serial", "usb-serial"},
	{"devices/serial", "target/model/@name= target/@type=pci-serial", "pci-serial serial"},
	{"devices/serial", "target/model/@name= target/@type=isa-serial| " X86,
	 "isa-serial serial"},
	{"devices/parallel", X86, "isa-parallel"},
	{"devices/console", "target/@type=serial|", ""}, /* the first <serial> once more */
	{"devices/console", "target/@type=virtio", "virtconsole"},
	{"devices/console", "target/@type=sclp", "sclpconsole"},
	{"devices/console", "target/@type=sclplm", "sclplmconsole"},
	{"devices/channel", "target/@type=virtio", "virtserialport"},
	{"devices/channel", "target/@type=guestfwd", ""},

	/* ---- devices of the host ---- */
	{"devices/hostdev", "@type=pci", "vfio-pci"},
	{"devices/hostdev", "@type=usb", "usb-host"},
	{"devices/hostdev", "@type=scsi", "scsi-generic"},
	{"devices/hostdev", "@type=scsi_host", "vhost-scsi-% vhost-scsi"},
	{"devices/hostdev", "@type=mdev @model=vfio-pci @ramfb=on", "vfio-pci-nohotplug"},
	{"devices/hostdev", "@type=mdev @model=vfio-pci|vfio-ccw|vfio-ap", "{@model}"},

	/* ---- others ---- */
	{"devices/watchdog", "@model=i6300esb|ib700|diag288", "{@model}"},
	{"devices/watchdog", "@model=itco", ""}, /* part of ICH9-LPC */
	{"devices/memballoon", "@model=none", ""},
	{"devices/memballoon", "@model=" VIRTIO, "virtio-balloon-% virtio-balloon-device"},
	{"devices/rng", "@model=" VIRTIO, "virtio-rng-% virtio-rng-device"},
	{"devices/vsock", "@model=" VIRTIO, "vhost-vsock-% vhost-vsock-device"},
	{"devices/crypto", "@model=virtio", "virtio-crypto-% virtio-crypto-device"},
	{"devices/filesystem", "driver/@type=virtiofs", "vhost-user-fs-% vhost-user-fs-device"},
	{"devices/filesystem", "driver/@type=mtp", "usb-mtp"},
	{"devices/filesystem", "driver/@type=path|handle|", "virtio-9p-% virtio-9p-device"},
	{"devices/tpm", "@model=tpm-tis| " X86, "tpm-tis"},
	{"devices/tpm", "@model=tpm-tis| /machine:@family=virt", "tpm-tis-device"},
	{"devices/tpm", "@model=tpm-crb|tpm-spapr|spapr-tpm-proxy", "{@model}"},
	{"devices/panic", "@model=isa| " X86, "pvpanic"},
	{"devices/panic", "@model=pvpanic", "pvpanic-pci"},
	{"devices/panic", "@model=hyperv|pseries|s390|", ""},
	{"devices/iommu", "@model=intel", "intel-iommu"},
	{"devices/iommu", "@model=amd", "amd-iommu AMDVI-PCI"},
	{"devices/iommu", "@model=virtio", "virtio-iommu-% virtio-iommu-device"},
	{"devices/iommu", "@model=smmuv3", "arm-smmuv3"},
	{"devices/memory", "@model=dimm", "pc-dimm"},
	{"devices/memory", "@model=nvdimm|sgx-epc", "{@model}"},
	{"devices/memory", "@model=virtio-mem|virtio-pmem", "{@model}-% {@model}"},
	{"devices/shmem", "model/@type=ivshmem-plain|ivshmem-doorbell", "{model/@type}"},
	{"devices/pstore", "@backend=acpi-erst|", "acpi-erst"},
	{"devices/emulator", "", ""},
	{"devices/graphics", "", ""},
	{"devices/audio", "", ""},
	{"devices/lease", "", ""},
	{"devices/redirfilter", "", ""},

	/* ---- arguments that libvirt passes on ---- */
	{"qemu:device", "@driver=qemu-xhci|nec-usb-xhci", "+base-xhci"},
	{"qemu:device", "@driver=pci-serial|isa-serial", "+serial"},
	{"qemu:device", "@driver=am53c974|dc390", "+esp"},
	{"qemu:device", "@driver=virtio-vga", "+virtio-gpu-device"},
	PASSED_VIRTIO("virtio-9p"),
	PASSED_VIRTIO("virtio-balloon"),
	PASSED_VIRTIO("virtio-blk"),
	PASSED_VIRTIO("virtio-crypto"),
	PASSED_VIRTIO("virtio-gpu"),
	PASSED_VIRTIO("virtio-iommu"),
	PASSED_VIRTIO("virtio-keyboard"),
	PASSED_VIRTIO("virtio-mouse"),
	PASSED_VIRTIO("virtio-net"),
	PASSED_VIRTIO("virtio-rng"),
	PASSED_VIRTIO("virtio-scsi"),
	PASSED_VIRTIO("virtio-serial"),
	PASSED_VIRTIO("virtio-sound"),
	PASSED_VIRTIO("virtio-tablet"),
	{"qemu:device", "@driver=ahci", "ich9-ahci"},
	{"qemu:device", "@driver=lsi", "lsi53c895a"},
	{"qemu:device", "@driver=e1000-82540em", "e1000"},
	{"qemu:device", "", "{@driver}"},
	{"qemu:commandline/qemu:arg",
	 "@value=-net|-nic|-vga|-soundhw|-audio|-usb|-usbdevice|-serial|-parallel|-virtfs|"
	 "-watchdog|-cdrom|-hda|-hdb|-hdc|-hdd|-fda|-fdb|-sd|-pflash|-mtdblock",
	 NULL},
	{NULL, NULL, NULL},
};
