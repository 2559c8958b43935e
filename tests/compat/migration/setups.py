# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests that are saved and loaded, and what came of it when it was measured.

Both sides have the same machine and devices; `older` and `newer` are what only one of them is
given: a setting that decides a predicate, or a device that the other one does not know. `poke` is
done before saving, for state that no fresh guest has. Where layouts differ but the values at stake
are all zero nobody sees a difference; such guests show nothing, and so are not here.

Boards without versions promise nothing, and other devices of theirs would end the load before: of
these single devices are loaded, out of the stream of the whole board. So it is with the CPU of
aarch64 machines that have versions: by TCG, 7.2 and 10.0 do not load each other's.
"""
import dataclasses

LOADS, FAILS, WRONG, UNSAVED = 'loads', 'fails', 'wrong', 'not saved'


# Conditional fields and subsections that only one of the two has: no guest sends or expects them,
# but for those that say so.
NEVER = ('e1000e: core.timadj', 'i8259/ltim', 'esp/pdma', 'virtio-gpu/blob', 'acpi-ged/cpuhp',
         'sd-card/ext_csd_modes-state')


@dataclasses.dataclass
class Setup:
    name: str
    machine: str
    devices: str = ''
    older: str = ''
    newer: str = ''
    poke: tuple = ()       # of both sides
    poke_newer: tuple = ()
    target: str = 'x86_64'
    alone: tuple = ()      # nothing is loaded but sections of descriptions of these names
    forward: str = LOADS   # older saves, newer loads
    backward: str = LOADS
    sent: tuple = ()       # what it sends, or expects, of NEVER


def board(name, machine, devices='', **others):
    return Setup(name, machine, devices, target='aarch64', **others)


Q35, I440FX = 'pc-q35-7.2', 'pc-i440fx-7.2'
DISK = '-drive if=none,id=disk,driver=null-co,read-zeroes=on,size=64M '
SOUND = '-audiodev none,id=sound '

# The controller's registers are given a port; a byte goes into its FIFO in DMA mode: it raises DRQ.
ESP_DRQ = ('outl 0xcf8 0x80000810', 'outl 0xcfc 0xc000', 'outl 0xcf8 0x80000804', 'outw 0xcfc 0x1',
           'outb 0xc00c 0x80', 'outb 0xc008 0x1')

# A board's clock is unlocked and set to the next day; the clock stands at the second of February.
NEXT_DAY = ('writel 0x1e781010 0x2', 'writel 0x1e781004 0x00141402', 'writel 0x1e781000 0x03020202')
AST2500 = '-m 256M'

SETUPS = [
    # ---- what 7.2 and 10.0 describe differently ----
    Setup('am53c974 that requests DMA', Q35, '-device am53c974', poke=ESP_DRQ,
          forward=FAILS, backward=WRONG),
    Setup('dc390 that requests DMA', Q35, '-device dc390', poke=ESP_DRQ,
          forward=FAILS, backward=WRONG),
    Setup('e1000e', Q35, '-device e1000e'),
    Setup('e1000e with migrate-timadj', Q35, '-device e1000e',
          newer='-global e1000e.migrate-timadj=on',
          forward=FAILS, backward=FAILS, sent=('e1000e: core.timadj',)),
    Setup('interrupts by edges', Q35),
    Setup('interrupts by levels', Q35, poke_newer=('outb 0x20 0x19',),
          backward=FAILS, sent=('i8259/ltim',)),
    Setup('virtio-gpu', Q35, '-device virtio-gpu-pci'),
    Setup('virtio-gpu with another layout of scanouts', Q35, '-device virtio-gpu-pci',
          newer='-global virtio-gpu-device.x-scanout-vmstate-version=2',
          forward=FAILS, backward=FAILS),
    Setup('ramfb', Q35, '-device ramfb'),
    Setup('ramfb that migrates', Q35, '-device ramfb', newer='-global ramfb.x-migrate=on',
          backward=FAILS),
    Setup('igb on the newer side', Q35, newer='-device igb', backward=FAILS),
    Setup('sb16', Q35, SOUND + '-device sb16,audiodev=sound'),
    Setup('sd-card', Q35, DISK + '-device sdhci-pci -device sd-card,drive=disk'),
    Setup('hpet with five timers', Q35, '-global hpet.timers=5'),

    # ---- what they do not ----
    *(Setup(device, Q35, f'-device {device}') for device in (
        'rtl8139', 'ne2k_pci', 'pcnet', 'i82557b', 'tulip', 'vmxnet3', 'e1000', 'usb-ehci',
        'megasas', 'megasas-gen2', 'mptsas1068', 'pvscsi', 'VGA', 'cirrus-vga', 'vmware-svga',
        'i6300esb', 'pvpanic-pci', 'vmcoreinfo', 'vmgenid', 'intel-iommu')),
    *(Setup(device, Q35, f'{SOUND} -device {device},audiodev=sound')
      for device in ('AC97', 'ES1370', 'gus', 'cs4231a')),
    Setup('HD audio', Q35, SOUND + '-device intel-hda -device hda-duplex,audiodev=sound'),
    Setup('scsi-hd', Q35, DISK + '-device lsi53c895a -device scsi-hd,drive=disk'),
    Setup('ide-hd', Q35, DISK + '-device ide-hd,drive=disk'),
    Setup('USB', Q35, '-device qemu-xhci -device usb-kbd -device usb-tablet -device usb-hub '
          '-device usb-ccid'),
    Setup('virtio', Q35, DISK + '-device virtio-blk-pci,drive=disk -device virtio-net-pci '
          '-device virtio-rng-pci -device virtio-serial-pci -device virtio-balloon-pci '
          '-device virtio-keyboard-pci -device virtio-scsi-pci'),
    Setup('PCI bridges', Q35, '-device pcie-root-port,id=root,chassis=1 -device ioh3420,chassis=2 '
          '-device x3130-upstream,bus=root,id=up -device xio3130-downstream,bus=up,chassis=3 '
          '-device pci-bridge,chassis_nr=4 -device i82801b11-bridge -device pcie-pci-bridge'),
    Setup('IPMI', Q35, '-device ipmi-bmc-sim,id=bmc -device isa-ipmi-kcs,bmc=bmc'),
    Setup('serial and parallel ports', Q35, '-device pci-serial -device isa-serial '
          '-chardev null,id=port -device isa-parallel,chardev=port'),
    Setup('nvme', Q35, DISK + '-device nvme,serial=1,drive=disk',
          forward=UNSAVED, backward=UNSAVED),
    Setup('memory slots', I440FX, '-m 32M,slots=2,maxmem=1G '
          '-object memory-backend-ram,id=more,size=64M -device pc-dimm,memdev=more'),

    # ---- boards of aarch64 ----
    board('clock of a board, set', 'ast2500-evb', AST2500, poke=NEXT_DAY, alone=('aspeed.rtc',),
          forward=WRONG, backward=FAILS),
    board('flash of a board', 'ast2500-evb', AST2500, alone=('aspeed.smc',), backward=FAILS),
    board('i2c of a board', 'ast2500-evb', AST2500, alone=('aspeed.i2c',),
          forward=FAILS, backward=FAILS),
    board('network card of a board', 'ast2500-evb', AST2500, alone=('ftgmac100',),
          forward=FAILS, backward=FAILS),
    board('interrupts of a board', 'ast2500-evb', AST2500, alone=('aspeed.new-vic',)),
    board('serial port of a board', 'imx25-pdk', alone=('imx.serial',),
          forward=FAILS, backward=FAILS),
    board('SD host of a board', 'cubieboard', '-m 512M', alone=('allwinner-sdhost',),
          forward=FAILS, backward=FAILS),
    board('virt without its CPU', 'virt-7.2', alone=(
        'pflash_cfi01', 'arm_gic', 'pl011', 'pl031', 'gpex_root', 'PCIHost', 'PCIBUS', 'pl061',
        'gpio-key', 'fw_cfg')),
    board('microbit', 'microbit', '-m 16K',
          newer='-global migration.send-switchover-start=off'),
]
