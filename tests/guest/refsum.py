#!/usr/bin/python3
"""The checksum of a guest's memory in a dump, computed without any code of the project's library.

usage: refsum.py [--within START-END]... FILE

Guest physical memory is cut into units of 4096 bytes by guest physical address. Of every unit that
lies wholly inside the dump's ranges and holds a byte other than zero, h is the 128-bit XXH3 of its
bytes with the unit's address as the seed; the sum is the sum of all h modulo 2^128.

Prints
  sum 0x<32 hex digits>
  units <how many units were summed>
  excluded <units inside the ranges that the file says it left out>
  range 0x<first address> 0x<address behind the last>   (a line each; adjacent ranges are joined)

With --within only memory of these ranges (hexadecimal, END not included) is looked at: what the ELF
file would hold had it only them.

Reads ELF core files (both classes and byte orders, PN_XNUM) and kdump files (raw, zlib, lzo, snappy
and zstd pages; plain or flattened, not split). Meant for well formed files: it does not look for
damage, as `dumptool verify` does.
"""
import bisect
import mmap
import os
import re
import struct
import sys
import tempfile
import zlib

import xxhash

UNIT = 4096
CHUNK = 256 * UNIT
ZERO_CHUNK = bytes(CHUNK)
ZERO_UNIT = bytes(UNIT)


class Unreadable(Exception):
    """The file is not one that this script reads."""


class Sum:
    """The running sum; `add` takes whole units."""

    def __init__(self):
        self.total = 0
        self.units = 0

    def add(self, gpa, data):
        if len(data) <= CHUNK and data == ZERO_CHUNK[:len(data)]:
            return
        for offset in range(0, len(data), UNIT):
            unit = data[offset:offset + UNIT]
            if unit != ZERO_UNIT:
                self.total += xxhash.xxh3_128_intdigest(unit, gpa + offset)
                self.units += 1

    def value(self):
        return self.total % (1 << 128)


def joined(spans):
    """Sorted spans (start, end) with overlapping and adjacent ones made one."""
    result = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        elif start < end:
            result.append([start, end])
    return result


def whole_units(spans):
    return sum(max(0, end // UNIT - -(-start // UNIT)) for start, end in spans)


def lies_inside(spans, gpa):
    """Whether the unit at gpa lies wholly inside one of the joined spans."""
    at = bisect.bisect_right(spans, [gpa, 1 << 64]) - 1
    return at >= 0 and spans[at][1] >= gpa + UNIT


# ELF


def elf_segments(data):
    """PT_LOADs as (gpa, offset, filesz, memsz)."""
    wide = data[4] == 2
    order = '<' if data[5] == 1 else '>'

    def number(offset, size):
        return struct.unpack_from(order + {2: 'H', 4: 'I', 8: 'Q'}[size], data, offset)[0]

    word = 8 if wide else 4
    phoff, shoff = number(32 if wide else 28, word), number(40 if wide else 32, word)
    phentsize, phnum = number(54 if wide else 42, 2), number(56 if wide else 44, 2)
    if phnum == 0xffff:  # PN_XNUM: the count is in sh_info of section 0
        phnum = number(shoff + (44 if wide else 28), 4)
    layout = struct.Struct(order + ('IIQQQQQQ' if wide else 'IIIIIIII'))
    for index in range(phnum):
        fields = layout.unpack_from(data, phoff + index * phentsize)
        if wide:
            kind, _, offset, _, gpa, filesz, memsz, _ = fields
        else:
            kind, offset, _, gpa, filesz, memsz, _, _ = fields
        if kind != 1:
            continue
        if offset + filesz > len(data):
            raise Unreadable(f'segment {gpa:#x} ends at {offset + filesz}, the file at {len(data)}')
        yield gpa, offset, filesz, memsz


def clipped(segments, spans):
    """What of the segments lies within the spans (start, end)."""
    for gpa, offset, filesz, memsz in segments:
        for start, end in spans:
            first, last = max(gpa, start), min(gpa + memsz, end)
            if first < last:
                skip = first - gpa
                yield first, offset + skip, max(0, min(filesz, last - gpa) - skip), last - first


def disjoint(segments):
    """(gpa, offset, size) of the file parts; what several segments hold is taken from the first."""
    reached = 0
    for gpa, offset, filesz, _ in sorted(segments):
        skip = max(0, reached - gpa)
        if skip < filesz:
            yield gpa + skip, offset + skip, filesz - skip
            reached = gpa + filesz


def data_extents(fd, start, end):
    """What of the file's bytes start..end is not a hole, widened to whole units from start."""
    while start < end:
        try:
            data = os.lseek(fd, start, os.SEEK_DATA)
        except OSError:  # only a hole is left
            return
        hole = min(end, os.lseek(fd, data, os.SEEK_HOLE))
        first = start + max(0, data - start) // UNIT * UNIT
        last = min(end, first + -(-(hole - first) // UNIT) * UNIT)
        if first < last:
            yield first, last
        start = max(last, hole)


def sum_elf(fd, data, spans):
    segments = list(elf_segments(data))
    if spans:
        segments = list(clipped(segments, spans))
    ranges = joined((gpa, gpa + memsz) for gpa, _, _, memsz in segments)
    parts = list(disjoint(segments))
    total = Sum()
    cut = {}  # units that no one part holds whole

    def add_cut(gpa, offset, size):
        while size:
            inside = gpa % UNIT
            count = min(size, UNIT - inside)
            unit = cut.setdefault(gpa - inside, bytearray(UNIT))
            unit[inside:inside + count] = data[offset:offset + count]
            gpa, offset, size = gpa + count, offset + count, size - count

    for gpa, offset, size in parts:
        head = min(size, -gpa % UNIT)
        body = (size - head) // UNIT * UNIT
        add_cut(gpa, offset, head)
        add_cut(gpa + head + body, offset + head + body, size - head - body)
        for start, end in data_extents(fd, offset + head, offset + head + body):
            for at in range(start, end, CHUNK):
                total.add(gpa + at - offset, data[at:min(end, at + CHUNK)])
    for gpa, unit in cut.items():
        if lies_inside(ranges, gpa):
            total.add(gpa, bytes(unit))

    held = joined((gpa, gpa + size) for gpa, _, size in parts)
    return total, whole_units(ranges) - whole_units(held), ranges


# kdump


def unflattened(data):
    """A temporary file with the records of a flattened file where they belong."""
    plain = tempfile.TemporaryFile()
    at = 4096
    while True:
        offset, size = struct.unpack_from('>qq', data, at)
        at += 16
        if offset == -1:
            plain.flush()
            return plain
        if at + size > len(data):
            raise Unreadable(f'record at {at - 16} ends behind the file')
        os.pwrite(plain.fileno(), data[at:at + size], offset)
        at += size


def kdump_header(data):
    """Byte order and (block_size, sub_hdr_size, bitmap_blocks, max_mapnr)."""
    for order in '<>':
        for at in 428, 416:  # 64-bit, 32-bit
            header = struct.unpack_from(order + 'IIII', data, at)
            block, _, bitmap_blocks, max_mapnr = header
            if block & (block - 1) == 0 and UNIT <= block <= 64 * UNIT \
                    and bitmap_blocks * block * 8 >= max_mapnr:
                return order, header
    raise Unreadable('no layout of the kdump header fits')


def bit_runs(bitmap):
    """Runs of set bits as (first, behind the last); long runs may come in pieces."""
    for match in re.finditer(rb'\xff+|[^\0\xff]', bitmap, re.DOTALL):
        if match[0][0] == 0xff:
            yield match.start() * 8, match.end() * 8
            continue
        for bit in range(8):
            if match[0][0] >> bit & 1:
                yield match.start() * 8 + bit, match.start() * 8 + bit + 1


def decompressor(flags, block):
    if flags == 0:
        return lambda data: data
    if flags == 1:
        return zlib.decompress
    if flags == 2:
        import lzo
        return lambda data: lzo.decompress(data, False, block)
    if flags == 4:
        import snappy
        return snappy.uncompress
    if flags == 0x20:
        import zstandard
        context = zstandard.ZstdDecompressor()
        return lambda data: context.decompress(data, max_output_size=block)
    raise Unreadable(f'page with unknown flags {flags:#x}')


def sum_kdump(data):
    order, (block, sub_blocks, bitmap_blocks, max_mapnr) = kdump_header(data)
    bitmaps = data[(1 + sub_blocks) * block:(1 + sub_blocks + bitmap_blocks) * block]
    half = len(bitmaps) // 2
    if bitmap_blocks >= 2 * -(-max_mapnr // (8 * block)):
        exists, stored = bitmaps[:half], bitmaps[half:]
    else:
        exists = stored = bitmaps
    table = struct.Struct(order + 'QIIQ')
    at = (1 + sub_blocks + bitmap_blocks) * block
    total = Sum()
    decompressors = {}
    zero = None  # where the page of zeros is that most descriptors share
    pages = 0
    for first, end in bit_runs(stored):
        for pfn in range(first, end):
            offset, size, flags, _ = table.unpack_from(data, at + pages * table.size)
            pages += 1
            if offset == zero:
                continue
            if flags not in decompressors:
                decompressors[flags] = decompressor(flags, block)
            page = decompressors[flags](data[offset:offset + size])
            if len(page) != block:
                raise Unreadable(f'page {pfn:#x} has {len(page)} bytes, expected {block}')
            if page == ZERO_CHUNK[:block]:
                zero = offset
            else:
                total.add(pfn * block, page)

    ranges = joined((first * block, end * block) for first, end in bit_runs(exists))
    return total, whole_units(ranges) - pages * (block // UNIT), ranges


def sum_file(file, spans):
    data = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    if data[:16] == b'makedumpfile'.ljust(16, b'\0'):
        return sum_file(unflattened(data), spans)
    if data[:4] == b'\x7fELF':
        return sum_elf(file.fileno(), data, spans)
    if spans:
        raise Unreadable('--within is for ELF files')
    if data[:8] == b'KDUMP   ':
        return sum_kdump(data)
    raise Unreadable('neither an ELF nor a kdump file')


def main():
    arguments, spans = sys.argv[1:], []
    while len(arguments) > 2 and arguments[0] == '--within':
        spans.append([int(address, 16) for address in arguments[1].split('-')])
        del arguments[:2]
    if len(arguments) != 1 or arguments[0].startswith('-'):
        print(__doc__, file=sys.stderr)
        return 2
    path = arguments[0]
    try:
        with open(path, 'rb') as file:
            total, excluded, ranges = sum_file(file, spans)
    except (OSError, ValueError, struct.error, Unreadable) as error:
        print(f'refsum: {path}: {error}', file=sys.stderr)
        return 1
    lines = [f'sum {total.value():#034x}', f'units {total.units}', f'excluded {excluded}']
    lines += [f'range {start:#x} {end:#x}' for start, end in ranges]
    print('\n'.join(lines))
    return 0


if __name__ == '__main__':
    sys.exit(main())
