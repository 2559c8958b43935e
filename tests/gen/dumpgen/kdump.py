"""kdump-compressed (diskdump) files: v0 to v6, three sub-header shapes, split sets."""

import functools
import operator

from . import DescriptionError
from .codecs import COMPRESS, FLAGS
from .expect import View
from .expression import evaluate
from .image import Image
from .memory import STATES, merge
from .notes import Target, all_notes, attributes, vmcoreinfo_text, write_notes

INCOMPLETE = 0x8
DESC_SIZE = 24
# (name, width in the 64-bit, the packed and the padded 32-bit shape, first version)
SUB_HEADER = [
    ("phys_base", 8, 4, 4, 0), ("dump_level", 4, 4, 4, 1), ("split", 4, 4, 4, 2),
    ("start_pfn", 8, 4, 4, 2), ("end_pfn", 8, 4, 4, 2), ("", 0, 0, 4, 3),
    ("offset_vmcoreinfo", 8, 8, 8, 3), ("size_vmcoreinfo", 8, 4, 4, 3), ("", 0, 0, 4, 4),
    ("offset_note", 8, 8, 8, 4), ("size_note", 8, 4, 4, 4), ("", 0, 0, 4, 5),
    ("offset_eraseinfo", 8, 8, 8, 5), ("size_eraseinfo", 8, 4, 4, 5), ("", 0, 0, 4, 6),
    ("start_pfn_64", 8, 8, 8, 6), ("end_pfn_64", 8, 8, 8, 6), ("max_mapnr_64", 8, 8, 8, 6),
]
SHAPES = ("64", "packed", "padded")


def sub_header_layout(shape, version, values):
    column = 1 + SHAPES.index(shape)
    return [(row[0], f"u{8 * row[column]}" if row[0] else ("pad", row[column]),
             values.get(row[0], 0))
            for row in SUB_HEADER if row[4] <= version and row[column]]


class Kdump:
    """Everything about the set that does not differ from part to part."""

    def __init__(self, description, memory):
        self.description, self.memory = description, memory
        self.target = Target(description)
        self.version = description.number("version", 6)
        self.block = description.number("block_size", 4096)
        default = "64" if self.target.bits == 64 else "packed"
        self.shape = description.get("shape", default, SHAPES)
        self.codec = description.get("codec", "zlib", FLAGS)
        self.zero = description.get("zero", "shared", ("shared", "stored"))
        self.ranges = merge((start // self.block, -(-end // self.block))
                            for start, end in memory.ranges)
        self.max_mapnr = description.number("max_mapnr", self.ranges[-1][1])
        self.maps = description.number("bitmaps", 2)
        self.map_blocks = -(-(-(-self.max_mapnr // 8)) // self.block)
        self.runs = [run for low, high in self.ranges for run in self.page_runs(low, high)]
        self.dumpable = sum(high - low for low, high, page in self.runs if kept(page))
        self.notes = all_notes(description, self.target)

    def page_runs(self, low, high):
        """(first pfn, end pfn, page line) of a RAM range; a line may be None."""
        cuts = {low, high}
        for start, end, page in self.memory.segments(low * self.block, high * self.block):
            if (start | end) % self.block and page and page.state in STATES:
                raise DescriptionError(f"{page.state} pages must be whole blocks")
            cuts.update((start // self.block, -(-start // self.block)))
        cuts = sorted(cuts)
        return [(first, end, self.line_of(first)) for first, end in zip(cuts, cuts[1:])]

    def line_of(self, pfn):
        """The first page line in a block: its options rule the whole block."""
        pieces = self.memory.segments(pfn * self.block, (pfn + 1) * self.block)
        return next((page for _, _, page in pieces if page), None)

    def borders(self):
        """[(start_pfn, end_pfn)] of the parts; one pair for a file that is not split."""
        words = self.description.get("split", "1").split()
        if len(words) > 1:
            cuts = [evaluate(word) for word in words]
            return list(zip(cuts, cuts[1:]))
        parts, last = evaluate(words[0]), self.max_mapnr
        step = -(-last // parts)
        return [(index * step, min((index + 1) * step, last)) for index in range(parts)]


def kept(page):
    """Has the page a bit in the second bitmap?"""
    return page is None or page.state != "excluded"


class Part:
    """One output file."""

    def __init__(self, kdump, start_pfn, end_pfn, split):
        self.kdump, self.image = kdump, Image()
        self.start_pfn, self.end_pfn, self.split = start_pfn, end_pfn, split
        self.status = FLAGS[kdump.codec]
        self.zero_slot = None

    def write(self):
        """Everything but the main header, whose status all parts must share."""
        kdump = self.kdump
        self.sub = dict(phys_base=kdump.description.number("phys_base"),
                        dump_level=kdump.description.number("dump_level", 1))
        if self.split:
            self.sub.update(split=1, start_pfn=self.start_pfn, end_pfn=self.end_pfn,
                            start_pfn_64=self.start_pfn, end_pfn_64=self.end_pfn)
        self.sub["max_mapnr_64"] = kdump.max_mapnr
        self.sub_blocks = -(-self.write_sub_area() // kdump.block) - 1
        bitmap = kdump.block * (1 + self.sub_blocks)
        table = bitmap + kdump.block * kdump.maps * kdump.map_blocks
        self.write_bitmaps(bitmap)
        self.write_pages(table)
        self.write_trailer()
        self.image.struct(kdump.block, "sub", kdump.target.order,
                          sub_header_layout(kdump.shape, kdump.version, self.sub))

    def write_header(self, status):
        kdump, text = self.kdump, self.kdump.description.get
        word = f"u{kdump.target.bits}"
        names = [(name, ("str", 65), text(key, value)) for name, key, value in (
            ("sysname", "sysname", "Linux"), ("nodename", "nodename", "guest"),
            ("release", "release", "6.1.0-test"),
            ("version", "uts_version", "#1 SMP Tue Nov 14 22:13:20 UTC 2023"),
            ("machine", "uts_machine", kdump.target.uts_machine),
            ("domainname", "domainname", "(none)"))]
        number = kdump.description.number
        self.image.struct(0, "header", kdump.target.order, [
            ("signature", ("str", 8), "KDUMP   "), ("header_version", "u32", kdump.version),
            *names, ("", ("pad", 6 if kdump.target.bits == 64 else 2), 0),
            ("tv_sec", word, 0), ("tv_usec", word, 0),
            ("status", "u32", number("status", status)), ("block_size", "u32", kdump.block),
            ("sub_hdr_size", "u32", self.sub_blocks),
            ("bitmap_blocks", "u32", kdump.maps * kdump.map_blocks),
            ("max_mapnr", "u32", min(kdump.max_mapnr, 0xffffffff)),
            ("total_ram_blocks", "u32", 0), ("device_blocks", "u32", 0),
            ("written_blocks", "u32", 0), ("current_cpu", "u32", 0),
            ("nr_cpus", "u32", number("nr_cpus", number("cpus") or 1))])

    def write_sub_area(self):
        """Reserve the sub header, write what follows it; returns the end of the area."""
        kdump, order = self.kdump, self.kdump.target.order
        offset = self.image.struct(kdump.block, "sub", order,
                                   sub_header_layout(kdump.shape, kdump.version, {}))
        offset += -offset % 4
        where = kdump.description.get("notes_at", "sub", ("sub", "end"))
        if kdump.version >= 4 and kdump.notes and where == "sub":
            offset = self.write_notes(offset)
        own = kdump.description.get("vmcoreinfo_at", "note", ("note", "own", "none")) == "own"
        if kdump.version == 3 or kdump.version > 3 and own:
            text = vmcoreinfo_text(kdump.description)
            if text is not None:
                self.sub.update(offset_vmcoreinfo=offset, size_vmcoreinfo=len(text))
                self.image.write(offset, text)
                offset += len(text)
        return offset

    def write_notes(self, offset):
        kdump = self.kdump
        end = write_notes(self.image, offset, kdump.notes, kdump.target)
        self.sub.update(offset_note=offset, size_note=end - offset)
        if kdump.description.get("vmcoreinfo_at", "note") == "note":
            for index, (name, _, data) in enumerate(kdump.notes):
                if name == "VMCOREINFO":
                    self.sub.update(offset_vmcoreinfo=self.image.place(f"note[{index}].desc"),
                                    size_vmcoreinfo=len(data))
        return end

    def write_trailer(self):
        """Eraseinfo, and the notes where the description wants them last."""
        kdump, image = self.kdump, self.image
        text = "".join(line + "\n" for line in kdump.description.all("eraseinfo")).encode()
        if text and kdump.version >= 5:
            self.sub.update(offset_eraseinfo=image.size, size_eraseinfo=len(text))
            image.write(image.size, text)
        if kdump.description.get("notes_at") == "end" and kdump.notes and kdump.version >= 4:
            self.write_notes(image.size + -image.size % 4)

    def write_bitmaps(self, offset):
        kdump = self.kdump
        size = kdump.map_blocks * kdump.block
        for number in range(kdump.maps):
            start = offset + number * size
            self.image.mark(f"bitmap{number + 1}", start, size)
            self.image.size = max(self.image.size, start + size)
            for low, high, page in kdump.runs:
                if kept(page) or kdump.maps == 2 and number == 0:
                    set_bits(self.image, start, low, min(high, kdump.max_mapnr))

    def write_pages(self, table):
        kdump, image = self.kdump, self.image
        image.size = max(image.size, table + DESC_SIZE * kdump.dumpable)
        image.write(image.size, bytes(kdump.description.number("gap")))
        pages = [(pfn, page) for low, high, page in kdump.runs if kept(page)
                 for pfn in range(max(low, self.start_pfn), min(high, self.end_pfn))]
        limit = kdump.description.number("incomplete", len(pages))
        if limit < len(pages):
            self.status |= INCOMPLETE
        if kdump.zero == "shared":
            self.write_zero_page()
        order = list(enumerate(pages))[:limit]
        if kdump.description.get("data_order", "forward", ("forward", "reverse")) == "reverse":
            order.reverse()
        for index, (pfn, page) in order:
            self.write_page(table, index, pfn, page)
        for index in range(limit, len(pages)):
            self.write_desc(table, index, 0, 0, 0)

    def write_page(self, table, index, pfn, page):
        options = page.options if page else {}
        if page and page.state == "lost":
            return self.write_desc(table, index, 0, 0, 0)
        data = self.kdump.memory.read(pfn * self.kdump.block, self.kdump.block)
        if self.zero_slot and not any(data) and not options:
            return self.write_desc(table, index, *self.zero_slot)
        payload, flags = self.encode(data, options)
        slot = (self.image.size, evaluate(options.get("size", str(len(payload)))), flags)
        self.image.mark(f"data[{index}]", slot[0], len(payload))
        self.image.write(slot[0], payload)
        return self.write_desc(table, index, *slot)

    def write_zero_page(self):
        """One raw zero page before all others, whether or not any page needs it."""
        self.zero_slot = (self.image.size, self.kdump.block, 0)
        self.image.mark("zero_page", self.image.size, self.kdump.block)
        self.image.write(self.image.size, bytes(self.kdump.block))

    def encode(self, data, options):
        """The payload and flags of a page; its options are there to tell lies with."""
        codec = options.get("codec", self.kdump.codec)
        if "length" in options:
            length = evaluate(options["length"])
            data = data[:length].ljust(length, b"\0")
        if "payload" in options:
            payload = bytes.fromhex(options["payload"])
        else:
            payload = COMPRESS[codec](data)
            if len(payload) >= self.kdump.block and "force" not in options:
                codec, payload = "raw", data
        if "cut" in options:
            payload = payload[:-evaluate(options["cut"])]
        payload += bytes.fromhex(options.get("tail", ""))
        self.status |= FLAGS[codec]
        return payload, evaluate(options["flags"]) if "flags" in options else FLAGS[codec]

    def write_desc(self, table, index, offset, size, flags):
        self.image.struct(table + index * DESC_SIZE, f"desc[{index}]", self.kdump.target.order, [
            ("offset", "u64", offset), ("size", "u32", size), ("flags", "u32", flags),
            ("page_flags", "u64", 0)])


def set_bits(image, base, first, end):
    """Set bits first..end-1 of a map whose bit 0 is the lowest of its first byte."""
    while first < end and (first % 8 or end - first < 8):
        byte = image.read(base + first // 8, 1)[0] | 1 << first % 8
        image.write(base + first // 8, bytes([byte]))
        first += 1
    whole = (end - first) // 8
    if whole > 0:
        image.write(base + first // 8, b"\xff" * whole)
        set_bits(image, base, first + whole * 8, end)


def view_of(kdump):
    """The block-rounded ranges below max_mapnr; with one bitmap an excluded page is a hole."""
    limit = kdump.max_mapnr
    pages = [(low, min(high, limit), page) for low, high, page in kdump.runs if low < limit]
    if kdump.maps == 1:
        pages = [run for run in pages if kept(run[2])]
    ranges = merge((low * kdump.block, high * kdump.block) for low, high, _ in pages)
    runs = [(start, end, page.state) for low, high in ranges
            for start, end, page in kdump.memory.segments(low, high)
            if page and page.state != "zero"]
    return View(ranges, cut_incomplete(kdump, runs, pages), kdump.memory)


def cut_incomplete(kdump, runs, pages):
    """Pages after the first `incomplete: N` descriptors are lost."""
    left = kdump.description.number("incomplete", kdump.dumpable)
    for low, high, page in pages:
        if not kept(page):
            continue
        if high - low > left:
            border = (low + left) * kdump.block
            before = [(s, min(e, border), state) for s, e, state in runs if s < border]
            return before + [(max(low * kdump.block, border), high * kdump.block, "lost")
                             for low, high, page in pages
                             if kept(page) and high * kdump.block > border]
        left -= high - low
    return runs


def build(description, memory):
    """Returns (images, view, attributes); one image per part of a split set."""
    kdump = Kdump(description, memory)
    borders = kdump.borders()
    split = len(borders) > 1
    parts = [Part(kdump, start, end, split) for start, end in borders]
    for part in parts:
        part.write()
    status = functools.reduce(operator.or_, (part.status for part in parts))
    for part in parts:
        part.write_header(status)
    notes = kdump.notes if kdump.version >= 4 else []
    facts = attributes(description, kdump.target, notes)
    facts.update(
        format="kdump", header_version=kdump.version, block_size=kdump.block,
        max_mapnr=kdump.max_mapnr, dumpable_pages=kdump.dumpable, parts=len(parts),
        phys_base=description.number("phys_base"), status=status,
        dump_level=description.number("dump_level", 1) if kdump.version else 0,
        release=description.get("release", "6.1.0-test"))
    return [part.image for part in parts], view_of(kdump), facts
