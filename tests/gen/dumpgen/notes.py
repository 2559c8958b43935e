"""Machines, and the note segment that QEMU writes for each: CPU state and VMCOREINFO."""

import hashlib
import struct

from .expression import evaluate
from .memory import PATTERNS

# name: (e_machine, class, byte order, utsname.machine, number of general registers)
MACHINES = {
    "x86_64": (62, 64, "little", "x86_64", 27),
    "i386": (3, 32, "little", "i686", 17),
    "aarch64": (183, 64, "little", "aarch64", 34),
    "arm": (40, 32, "little", "armv7l", 18),
    "ppc64": (21, 64, "big", "ppc64", 48),
    "ppc64le": (21, 64, "little", "ppc64le", 48),
    "ppc": (20, 32, "big", "ppc", 48),
    "s390x": (22, 64, "big", "s390x", 27),
    "riscv64": (243, 64, "little", "riscv64", 32),
    "riscv32": (243, 32, "little", "riscv32", 32),
    "loongarch64": (258, 64, "little", "loongarch64", 45),
    "mips": (8, 32, "big", "mips", 45),
    "mips64": (8, 64, "big", "mips64", 45),
}
DEFAULT_VMCOREINFO = """OSRELEASE=6.1.0-test
BUILD-ID=00112233445566778899aabbccddeeff00112233
PAGESIZE={page_size}
SYMBOL(_stext)=ffffffff81000000
SYMBOL(init_uts_ns)=ffffffff82a16aa0
NUMBER(phys_base)={phys_base}
CRASHTIME=1700000000
"""


class Target:
    """The guest's architecture, as the description or its machine says."""

    def __init__(self, description):
        self.name = description.get("machine", "x86_64", MACHINES)
        number, bits, order, self.uts_machine, self.registers = MACHINES[self.name]
        self.e_machine = number
        self.bits = description.number("class", bits)
        self.order = description.get("endian", order, ("little", "big"))
        self.mark = "<" if self.order == "little" else ">"


def prstatus(target, cpu, size):
    """struct elf_prstatus: 112 (64-bit) or 72 (32-bit) bytes, the registers, pr_fpvalid."""
    wide = target.bits == 64
    word, start, pid = (8, 112, 32) if wide else (4, 72, 24)
    body = bytearray(start + word * target.registers + word)
    struct.pack_into(target.mark + "I", body, pid, cpu + 1)
    for index in range(target.registers):
        value = (cpu + 1) << (word * 4) | 0x100 + index
        struct.pack_into(target.mark + ("Q" if wide else "I"), body, start + word * index, value)
    return bytes(body[:size].ljust(size, b"\0")) if size else bytes(body)


def qemu_state(cpu, size, cr3):
    """QEMU's own note: version, size, 18 registers, 10 segments, cr0..cr4, kernel_gs_base."""
    body = struct.pack("<II", 1, size)
    body += struct.pack("<18Q", *(0x1000 * (cpu + 1) + index for index in range(18)))
    for index in range(10):
        body += struct.pack("<IIIIQ", index * 8, 0xffffffff, 0xa09b00, 0, 0x10000 * index)
    body += struct.pack("<5Q", 0x80050033, 0, 0, cr3, 0x6f0)
    return (body + struct.pack("<Q", 0xffff888000000000 + cpu))[:size]


def vmcoreinfo_text(description):
    """The VMCOREINFO bytes, or None."""
    if description.get("vmcoreinfo_hex"):
        return bytes.fromhex(description.get("vmcoreinfo_hex"))
    lines = description.all("vmcoreinfo")
    if not lines:
        return None
    text = "".join(line + "\n" for line in lines if line != "default")
    if "default" in lines:
        size = description.number("page_size", description.number("block_size", 4096))
        text = DEFAULT_VMCOREINFO.format(
            page_size=size, phys_base=description.number("phys_base", 0)) + text
    return text.encode()


def free_note(line):
    """note: NAME TYPE SIZE [PATTERN [ARGUMENT]]"""
    name, kind, size, *rest = line.split()
    size = evaluate(size)
    pattern = PATTERNS[rest[0] if rest else "zero"](" ".join(rest[1:]))
    data = b"".join(pattern(gpa) for gpa in range(0, size, 4096))[:size]
    return name, evaluate(kind), data


def all_notes(description, target):
    """[(name, type, desc)] in QEMU's order: every PRSTATUS, every QEMU, the guest's, others."""
    cpus = description.number("cpus")
    size = description.number("prstatus_size")
    notes = [("CORE", 1, prstatus(target, cpu, size)) for cpu in range(cpus)]
    if description.get("qemu_note"):
        size = description.number("qemu_note")
        cr3 = description.number("cr3", 0x2a10000)
        notes += [("QEMU", 0, qemu_state(cpu, size, cr3)) for cpu in range(cpus)]
    text = vmcoreinfo_text(description)
    if text is not None:
        notes.append(("VMCOREINFO", 0, text))
    return notes + [free_note(line) for line in description.all("note")]


def write_notes(image, offset, notes, target):
    """Write the notes back to back; returns their end. Fields are note[N].n_descsz and so on."""
    for index, (name, kind, data) in enumerate(notes):
        raw = name.encode() + b"\0"
        offset = image.struct(offset, f"note[{index}]", target.order, [
            ("n_namesz", "u32", len(raw)), ("n_descsz", "u32", len(data)),
            ("n_type", "u32", kind), ("name", ("str", len(raw)), raw),
            ("", ("pad", -len(raw) % 4), 0)])
        image.mark(f"note[{index}].desc", offset, len(data))
        image.write(offset, data + bytes(-len(data) % 4))
        offset += len(data) + -len(data) % 4
    return offset


def attributes(description, target, notes):
    """What a reader can know from the notes, for --expect."""
    text = next((d for n, _, d in notes if n == "VMCOREINFO"), None)
    return {
        "machine": target.name, "class": target.bits, "endian": target.order,
        "cpus": sum(1 for n, k, _ in notes if n == "CORE" and k == 1),
        "notes": [[n, k, len(d)] for n, k, d in notes],
        "vmcoreinfo_size": len(text) if text is not None else None,
        "vmcoreinfo_sha256": hashlib.sha256(text).hexdigest() if text is not None else None,
    }
