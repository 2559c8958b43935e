"""What the guest's memory holds: patterns laid over address ranges, the last line wins."""

import hashlib
import struct

from . import DescriptionError
from .expression import evaluate, evaluate_range

PATTERN_UNIT = 4096
STATES = ("excluded", "lost")
PAGE_OPTIONS = {"codec", "flags", "size", "length", "cut", "tail", "payload", "force"}


def make_fill(argument):
    return lambda gpa: bytes([evaluate(argument)]) * PATTERN_UNIT


def make_counter(argument):
    start = evaluate(argument or "0")
    words = PATTERN_UNIT // 8
    return lambda gpa: struct.pack(
        f"<{words}Q", *((start + gpa + i) & (1 << 64) - 1 for i in range(words)))


def make_text(argument):
    line = argument or "the quick brown fox"

    def pattern(gpa):
        text = f"{gpa:#014x} {line}\n".encode()
        return (text * (PATTERN_UNIT // len(text) + 1))[:PATTERN_UNIT]
    return pattern


def make_random(argument):
    return lambda gpa: hashlib.shake_128(f"{argument}:{gpa}".encode()).digest(PATTERN_UNIT)


def make_hex(argument):
    return lambda gpa: bytes.fromhex(argument).ljust(PATTERN_UNIT, b"\0")[:PATTERN_UNIT]


def make_tail(argument):
    return lambda gpa: bytes([evaluate(argument)]).rjust(PATTERN_UNIT, b"\0")


PATTERNS = {
    "zero": lambda argument: lambda gpa: bytes(PATTERN_UNIT),
    "fill": make_fill, "counter": make_counter, "text": make_text,
    "random": make_random, "hex": make_hex, "tail": make_tail,
}


class Page:
    """One page line: where, which pattern, and how the page is to be stored."""

    def __init__(self, line, page_size):
        words = line.split()
        self.options = {}
        while "=" in words[-1]:
            key, _, value = words.pop().partition("=")
            self.options[key] = value
        if set(self.options) - PAGE_OPTIONS:
            raise DescriptionError(f"unknown option in page line {line!r}")
        where, kind, argument = words[0], words[1], " ".join(words[2:])
        if ".." in where:
            self.start, self.end = evaluate_range(where)
        else:
            self.start = evaluate(where)
            self.end = self.start + page_size
        if (self.start | self.end) % PATTERN_UNIT:
            raise DescriptionError(f"page line not on 4096-byte borders: {line!r}")
        self.kind = kind
        if kind not in PATTERNS and kind not in STATES:
            raise DescriptionError(f"unknown pattern: {kind}")
        self.pattern = PATTERNS["zero" if kind in STATES else kind](argument)

    @property
    def state(self):
        return self.kind if self.kind in STATES else "zero" if self.kind == "zero" else "data"


class Memory:
    """RAM ranges and their contents, independent of any file format."""

    def __init__(self, description):
        self.ranges = [evaluate_range(text) for text in description.all("ram")]
        size = description.number("page_size", description.number("block_size", 4096))
        self.pages = [Page(line, size) for line in description.all("page")]

    def page_at(self, gpa):
        for page in reversed(self.pages):
            if page.start <= gpa < page.end:
                return page
        return None

    def read(self, gpa, size):
        """Contents of any stretch of addresses; what no line describes is zero."""
        parts = []
        while size > 0:
            unit, skip = gpa - gpa % PATTERN_UNIT, gpa % PATTERN_UNIT
            take = min(size, PATTERN_UNIT - skip)
            page = self.page_at(gpa)
            content = page.pattern(unit) if page else bytes(PATTERN_UNIT)
            parts.append(content[skip:skip + take])
            gpa += take
            size -= take
        return b"".join(parts)

    def segments(self, start, end):
        """(start, end, page line or None) pieces that cover [start, end) in order."""
        cuts = {start, end}
        for page in self.pages:
            cuts.update(cut for cut in (page.start, page.end) if start < cut < end)
        cuts = sorted(cuts)
        return [(low, high, self.page_at(low)) for low, high in zip(cuts, cuts[1:])]


def merge(ranges):
    """Sorted, disjoint, never touching (start, end) pairs."""
    merged = []
    for start, end in sorted(r for r in ranges if r[0] < r[1]):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return [tuple(r) for r in merged]
