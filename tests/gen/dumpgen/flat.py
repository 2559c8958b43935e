"""The flattened (makedumpfile) container: records of {offset, size, data}, big endian."""

import hashlib
import random

from . import DescriptionError
from .expression import evaluate
from .image import Image

START_SIZE = 4096
OPTIONS = {"order", "seed", "chunk", "overwrite", "end", "gaps"}


def parse_options(description):
    """flatten: yes, or words order= seed= chunk= overwrite= end= gaps=."""
    words = description.get("flatten", "no").split()
    if words == ["no"]:
        return None
    options = dict(word.split("=", 1) for word in words if word != "yes")
    if set(options) - OPTIONS:
        raise DescriptionError(f"flatten: unknown option {sorted(set(options) - OPTIONS)[0]}")
    return options


def payload_records(payload, options):
    """[(offset, data)] in the order of the file, stale data before what replaces it."""
    chunk = evaluate(options.get("chunk", "16384"))
    records = [(offset, payload.read(offset, min(chunk, payload.size - offset)))
               for offset in range(0, payload.size, chunk)]
    if options.get("gaps") == "yes":
        records = [r for r in records[:-1] if any(r[1])] + records[-1:]
    order = options.get("order", "forward")
    if order == "reverse":
        records.reverse()
    elif order == "shuffled":
        random.Random(evaluate(options.get("seed", "1"))).shuffle(records)
    stale = []
    for index in range(evaluate(options.get("overwrite", "0"))):
        offset, data = records[index * 7 % len(records)]
        noise = hashlib.shake_128(f"stale {index}".encode()).digest(len(data) + 100)
        low = max(0, offset - 50)
        stale.append((low, noise[:min(len(noise), payload.size - low)]))
    return stale + records


class Writer:
    """Appends records, giving their fields the names flat[N].offset and flat[N].size."""

    def __init__(self):
        self.image = Image()
        self.count = 0
        end = self.image.struct(0, "flat", "big", [
            ("signature", ("str", 16), "makedumpfile"), ("type", "u64", 1), ("version", "u64", 1)])
        self.image.write(end, bytes(START_SIZE - end))

    def record(self, offset, size, data):
        end = self.image.struct(self.image.size, f"flat[{self.count}]", "big", [
            ("offset", "u64", offset), ("size", "u64", size)])
        self.image.write(end, data)
        self.count += 1


def flatten(description, payload):
    """The flattened image of a payload; record: lines are added before the end record."""
    options = parse_options(description)
    if options is None:
        return payload
    writer = Writer()
    for offset, data in payload_records(payload, options):
        writer.record(offset, len(data), data)
    for line in description.all("record"):
        offset, size, *data = line.split()
        writer.record(evaluate(offset), evaluate(size), bytes.fromhex("".join(data)))
    if options.get("end", "yes") == "yes":
        writer.record(-1, -1, b"")
    return writer.image
