"""What a correct reader must see, computed from the description and never from the file."""

import hashlib

import xxhash

UNIT = 4096


class View:
    """Guest memory as one file holds it: ranges, and runs that are not plain zero.

    runs are sorted (start, end, state) with state data, excluded or lost; the rest of the
    ranges is zero.
    """

    def __init__(self, ranges, runs, memory):
        self.ranges = ranges
        self.runs = runs
        self.memory = memory

    def read(self, gpa, size):
        content = bytearray(size)
        for start, end, state in self.runs:
            low, high = max(start, gpa), min(end, gpa + size)
            if state == "data" and low < high:
                content[low - gpa:high - gpa] = self.memory.read(low, high - low)
        return bytes(content)

    def data_units(self, low, high):
        """The 4096-byte units of [low, high) that a data run touches, in order."""
        units = set()
        for start, end, state in self.runs:
            start, end = max(start, low), min(end, high)
            if state == "data" and start < end:
                units.update(range(start - start % UNIT, end, UNIT))
        return sorted(units)

    def gaps(self, low, high):
        """(start, end, state) of what lies in [low, high) without data, in order."""
        cursor = low
        for start, end, state in self.runs:
            start, end = max(start, low), min(end, high)
            if state == "data" or start >= end:
                continue
            if cursor < start:
                yield cursor, start, "zero"
            yield start, end, state
            cursor = end
        if cursor < high:
            yield cursor, high, "zero"

    def pieces(self):
        """(start, size, state or bytes) of all ranges: data by unit, the rest by run."""
        for low, high in self.ranges:
            cursor = low
            for unit in self.data_units(low, high) + [high]:
                for start, end, state in self.gaps(cursor, unit) if cursor < unit else ():
                    yield start, end - start, state
                if unit == high:
                    break
                start, end = max(unit, low), min(unit + UNIT, high)
                yield start, end - start, self.read(start, end - start)
                cursor = end


def unit_hash(gpa, data):
    return xxhash.xxh3_128_intdigest(data, seed=gpa)


def expectation(view, facts):
    """The JSON document of --expect."""
    total = units = 0
    pages, apart = [], {"excluded": 0, "lost": 0}
    for start, size, what in view.pieces():
        if isinstance(what, str):
            pages.append([start, size, what])
            if what in apart:
                apart[what] += size
        elif not any(what):
            pages.append([start, size, "zero"])
        else:
            pages.append([start, size, hashlib.sha256(what).hexdigest()])
            if size == UNIT and start % UNIT == 0:
                total += unit_hash(start, what)
                units += 1
    return {
        "attributes": facts,
        "ranges": [[start, end - start] for start, end in view.ranges],
        "pages": pages, "sum": f"{total % (1 << 128):032x}", "nonzero_units": units,
        "excluded_bytes": apart["excluded"], "lost_bytes": apart["lost"],
    }
