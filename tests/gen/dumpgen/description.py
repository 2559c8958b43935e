"""Parses the key: value lines of a description; tests/gen/gendump documents the keys."""

import re

from . import DescriptionError
from .expression import evaluate

KEYS = set("""
format class endian machine layout phoff pnxnum align load flags ram page page_size
version shape block_size bitmaps codec zero incomplete split data_order gap max_mapnr nr_cpus
phys_base dump_level status sysname nodename release uts_version uts_machine domainname
cpus prstatus_size qemu_note cr3 note vmcoreinfo vmcoreinfo_hex vmcoreinfo_at notes_at eraseinfo
flatten record set poke poke_payload truncate truncate_payload append append_payload
""".split())
LINE = re.compile(r"([a-z_0-9]+)(?:@(\d+))?:\s*(.*)")
# Overrides keep their order among each other, whatever their key.
OVERRIDES = ("set", "poke", "poke_payload", "truncate", "truncate_payload", "append",
             "append_payload")


class Description:
    """An ordered list of (key, part or None, value)."""

    def __init__(self, text):
        self.lines = []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            match = LINE.fullmatch(line)
            if not match or match[1] not in KEYS:
                raise DescriptionError(f"line {number}: not understood: {line!r}")
            self.lines.append((match[1], match[2] and int(match[2]), match[3]))

    def all(self, key):
        return [value for name, _, value in self.lines if name == key]

    def get(self, key, default=None, choices=None):
        """The last value of a key."""
        value = (self.all(key) or [default])[-1]
        if choices and value not in choices:
            raise DescriptionError(f"{key}: {value!r} is none of {' '.join(choices)}")
        return value

    def number(self, key, default=0):
        value = self.get(key)
        return default if value is None else evaluate(value)

    def flag(self, key, default="no"):
        return self.get(key, default, ("yes", "no")) == "yes"

    def overrides(self, part):
        """The (key, value) overrides of one output file."""
        return [(key, value) for key, only, value in self.lines
                if key in OVERRIDES and only in (None, part)]
