"""ELF vmcores: both classes and byte orders, QEMU's layout or the plain one."""

from . import DescriptionError
from .expression import evaluate, evaluate_range
from .expect import View
from .image import Image
from .memory import merge
from .notes import Target, all_notes, attributes, write_notes

PT_LOAD, PT_NOTE, SHT_STRTAB, PN_XNUM = 1, 4, 3, 0xffff
SHSTRTAB = b"\0.shstrtab\0"
LOAD_OPTIONS = {"vaddr", "memsz", "filesz", "offset", "flags", "align", "share", "repeat", "step"}
SIZES = {64: (64, 56, 64), 32: (52, 32, 40)}


class Load:
    """One PT_LOAD. Options: vaddr memsz filesz offset flags align share=N."""

    def __init__(self, start, end, options, flags):
        def number(key, default):
            return evaluate(options[key]) if key in options else default
        self.paddr = start
        self.memsz = number("memsz", end - start)
        self.filesz = number("filesz", end - start)
        self.vaddr = number("vaddr", start)
        self.flags = number("flags", flags)
        self.align = number("align", 0)
        self.offset = number("offset", None)
        self.share = number("share", None)


def parse_loads(description, memory):
    flags = description.number("flags")
    lines = description.all("load")
    if not lines:
        return [Load(start, end, {}, flags) for start, end in memory.ranges]
    loads = []
    for line in lines:
        where, *words = line.split()
        options = dict(word.split("=", 1) for word in words)
        if set(options) - LOAD_OPTIONS:
            raise DescriptionError(f"unknown option in load line {line!r}")
        start, end = evaluate_range(where)
        step = evaluate(options.pop("step", "0"))
        for index in range(evaluate(options.pop("repeat", "1"))):
            loads.append(Load(start + index * step, end + index * step, options, flags))
    return loads


class Layout:
    """Where the tables lie. QEMU puts the section headers before the program headers."""

    def __init__(self, description, target, phnum):
        self.ehsize, self.phentsize, self.shentsize = SIZES[target.bits]
        self.phnum = phnum
        self.qemu = description.get("layout", "plain", ("plain", "qemu")) == "qemu"
        self.xnum = description.flag("pnxnum", "yes" if phnum >= PN_XNUM else "no")
        self.shnum = 2 if self.qemu else 1 if self.xnum else 0
        self.shoff = self.ehsize if self.qemu else 0
        phoff = description.get("phoff", "start")
        table = phnum * self.phentsize
        if phoff == "end":
            self.phoff, self.body = None, self.ehsize + self.shnum * self.shentsize
        else:
            first = self.ehsize + (self.shnum * self.shentsize if self.qemu else 0)
            self.phoff = first if phoff == "start" else evaluate(phoff)
            self.body = max(self.phoff + table, first)
        if not self.qemu and self.shnum:
            self.shoff = self.body if self.phoff is not None else self.ehsize
            self.body = self.shoff + self.shnum * self.shentsize


def place_loads(loads, offset, align):
    """Give every load its file offset; those that share lie inside another one's bytes."""
    for load in loads:
        if load.offset is None and load.share is None:
            offset += -offset % align
            load.offset = offset
            offset += load.filesz
    for load in loads:
        if load.share is not None:
            other = loads[load.share]
            load.offset = other.offset + load.paddr - other.paddr
    return offset


def write_ehdr(image, target, layout, phoff):
    word = f"u{target.bits}"
    ident = b"\x7fELF" + bytes([target.bits // 32, 1 if target.order == "little" else 2, 1])
    image.struct(0, "ehdr", target.order, [
        ("e_ident", ("str", 16), ident), ("e_type", "u16", 4),
        ("e_machine", "u16", target.e_machine), ("e_version", "u32", 1),
        ("e_entry", word, 0), ("e_phoff", word, phoff), ("e_shoff", word, layout.shoff),
        ("e_flags", "u32", 0), ("e_ehsize", "u16", 8 if layout.qemu else layout.ehsize),
        ("e_phentsize", "u16", layout.phentsize),
        ("e_phnum", "u16", PN_XNUM if layout.xnum else layout.phnum),
        ("e_shentsize", "u16", layout.shentsize if layout.shnum else 0),
        ("e_shnum", "u16", layout.shnum),
        ("e_shstrndx", "u16", 1 if layout.qemu else 0)])


def write_phdr(image, target, layout, phoff, index, fields):
    word = f"u{target.bits}"
    flags = ("p_flags", "u32", fields.pop("p_flags", 0))
    body = [(name, word, fields[name]) for name in
            ("p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz")]
    head = [("p_type", "u32", fields["p_type"])]
    tail = [("p_align", word, fields["p_align"])]
    wide = head + [flags] + body + tail
    image.struct(phoff + index * layout.phentsize, f"phdr[{index}]", target.order,
                 wide if target.bits == 64 else head + body + [flags] + tail)


def write_shdrs(image, target, layout, strtab):
    word = f"u{target.bits}"
    for index in range(layout.shnum):
        names = index == 1
        image.struct(layout.shoff + index * layout.shentsize, f"shdr[{index}]", target.order, [
            ("sh_name", "u32", 1 if names else 0),
            ("sh_type", "u32", SHT_STRTAB if names else 0),
            ("sh_flags", word, 0), ("sh_addr", word, 0),
            ("sh_offset", word, strtab if names else 0),
            ("sh_size", word, len(SHSTRTAB) if names else 0), ("sh_link", "u32", 0),
            ("sh_info", "u32", layout.phnum if layout.xnum and not names else 0),
            ("sh_addralign", word, 0), ("sh_entsize", word, 0)])


def write_loads(image, memory, loads):
    for load in loads:
        for start, end, page in memory.segments(load.paddr, load.paddr + load.filesz):
            if page and page.state == "data":
                for gpa in range(start, end, 1 << 20):
                    size = min(1 << 20, end - gpa)
                    image.write(load.offset + gpa - load.paddr, memory.read(gpa, size))
        image.size = max(image.size, load.offset + load.filesz)


def view_of(memory, loads):
    """Bytes past p_filesz are zero, whatever the description laid there."""
    ranges = merge((load.paddr, load.paddr + load.memsz) for load in loads)
    stored = merge((load.paddr, load.paddr + min(load.filesz, load.memsz)) for load in loads)
    runs = [(start, end, "data") for low, high in stored
            for start, end, page in memory.segments(low, high) if page and page.state == "data"]
    return View(ranges, runs, memory)


def build(description, memory):
    """Returns ([image], view, attributes)."""
    target = Target(description)
    notes = all_notes(description, target)
    loads = parse_loads(description, memory)
    if any(load.share is not None and loads[load.share].share is not None for load in loads):
        raise DescriptionError("load: share=N must name a load with bytes of its own")
    layout = Layout(description, target, len(loads) + bool(notes))
    image = Image()
    notes_end = write_notes(image, layout.body, notes, target)
    end = place_loads(loads, notes_end, description.number("align", 1))
    write_loads(image, memory, loads)
    if layout.qemu:
        image.write(end, SHSTRTAB)
    strtab, end = end, end + (len(SHSTRTAB) if layout.qemu else 0)
    phoff = end if layout.phoff is None else layout.phoff
    write_ehdr(image, target, layout, phoff)
    write_shdrs(image, target, layout, strtab)
    if notes:
        size = notes_end - layout.body
        write_phdr(image, target, layout, phoff, 0, {
            "p_type": PT_NOTE, "p_offset": layout.body, "p_vaddr": 0, "p_paddr": 0,
            "p_filesz": size, "p_memsz": size, "p_align": 0})
    for index, load in enumerate(loads, bool(notes)):
        write_phdr(image, target, layout, phoff, index, {
            "p_type": PT_LOAD, "p_offset": load.offset, "p_vaddr": load.vaddr,
            "p_paddr": load.paddr, "p_filesz": load.filesz, "p_memsz": load.memsz,
            "p_align": load.align, "p_flags": load.flags})
    facts = attributes(description, target, notes)
    facts.update(format="elf", phnum=layout.phnum, loads=len(loads))
    return [image], view_of(memory, loads), facts
