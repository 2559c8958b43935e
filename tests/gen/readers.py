#!/usr/bin/python3
"""readers.py FILE... < EXPECTATION: reads dumps with libkdumpfile, away from the caller's process.

The library may crash on odd files, so selftest runs this as a program: it compares every page
of the --expect document on standard input and prints the first difference, or nothing.
The module also has the reader for ELF files that trusts readelf alone.
"""

import bisect
import ctypes
import ctypes.util
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys

KPHYSADDR, MACHPHYSADDR = 0, 1
LOAD_LINE = re.compile(r"\s*LOAD" + r"\s+0x([0-9a-f]+)" * 5)


class Libkdumpfile:
    """A dump, or all parts of a split one, opened with libkdumpfile."""

    def __init__(self, paths):
        self.library = library = ctypes.CDLL(ctypes.util.find_library("kdumpfile"))
        library.kdump_new.restype = ctypes.c_void_p
        library.kdump_get_err.restype = ctypes.c_char_p
        self.context = ctypes.c_void_p(library.kdump_new())
        files = (ctypes.c_int * len(paths))(*(os.open(path, os.O_RDONLY) for path in paths))
        if library.kdump_open_fdset(self.context, len(paths), files):
            raise OSError(self.error())

    def error(self):
        return self.library.kdump_get_err(self.context).decode()

    def read(self, gpa, size):
        """The bytes, or None when the dump has none for that address."""
        room, length = ctypes.create_string_buffer(size), ctypes.c_size_t(size)
        status = self.library.kdump_read(self.context, MACHPHYSADDR, ctypes.c_uint64(gpa), room,
                                         ctypes.byref(length))
        return room.raw if status == 0 else None


class Readelf:
    """Physical memory by the segments that readelf lists; the last one with bytes counts."""

    def __init__(self, path):
        run = subprocess.run(["readelf", "-hlnW", path], capture_output=True, text=True,
                             check=False)
        if run.returncode or run.stderr:
            raise OSError(run.stderr.strip() or f"readelf exits with {run.returncode}")
        matches = (LOAD_LINE.match(line) for line in run.stdout.splitlines())
        self.loads = [[int(text, 16) for text in m.groups()] for m in matches if m]
        filled = [(load[2], place, load) for place, load in enumerate(self.loads) if load[3]]
        self.filled = sorted(filled)
        self.starts = [start for start, _, _ in self.filled]
        self.reach = list(itertools.accumulate(
            (load[2] + load[3] for _, _, load in self.filled), max))
        self.file = open(path, "rb")

    def ranges(self):
        merged = []
        for start, end in sorted((paddr, paddr + memsz) for _, _, paddr, _, memsz in self.loads
                                 if memsz):
            if merged and start <= merged[-1][0] + merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end - merged[-1][0])
            else:
                merged.append([start, end - start])
        return merged

    def segments(self, gpa, size):
        """Those with bytes that may touch an address range, in the file's order."""
        found = []
        index = bisect.bisect_left(self.starts, gpa + size)
        while index and self.reach[index - 1] > gpa:
            index -= 1
            found.append(self.filled[index][1:])
        return [load for _, load in sorted(found)]

    def read(self, gpa, size):
        content = bytearray(size)
        for offset, _, paddr, filesz, _ in self.segments(gpa, size):
            low, high = max(gpa, paddr), min(gpa + size, paddr + filesz)
            if low < high:
                self.file.seek(offset + low - paddr)
                content[low - gpa:high - gpa] = self.file.read(high - low)
        return bytes(content)


def first_difference(reader, expectation):
    """None, or words on the first page that does not read as it must."""
    for gpa, size, state in expectation["pages"]:
        for start in range(gpa, gpa + min(size, 1 << 20), 4096):
            length = min(4096, gpa + size - start)
            data = reader.read(start, length)
            if state in ("excluded", "lost"):
                if data is not None and any(data):
                    return f"{start:#x}: {state} page reads as data"
            elif data is None:
                return f"{start:#x}: no data for a page with contents ({reader.error()})"
            elif state == "zero" and any(data):
                return f"{start:#x}: zero page reads as data"
            elif state != "zero" and hashlib.sha256(data).hexdigest() != state:
                return f"{start:#x}: wrong contents"
    return None


def main():
    try:
        reader = Libkdumpfile(sys.argv[1:])
    except OSError as error:
        sys.exit(f"does not open: {error}")
    difference = first_difference(reader, json.load(sys.stdin))
    if difference:
        sys.exit(difference)


if __name__ == "__main__":
    main()
