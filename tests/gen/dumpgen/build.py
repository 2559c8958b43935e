"""From a description to the finished files and what a reader must see in them."""

from . import elf, flat, kdump, raw
from .memory import Memory
from .override import apply_file, apply_payload

FORMATS = {"elf": elf.build, "kdump": kdump.build, "raw": raw.build}


def build(description):
    """Returns (images, one per part; the view of the memory; facts on the file)."""
    build_format = FORMATS[description.get("format", None, FORMATS)]
    images, view, facts = build_format(description, Memory(description))
    facts["flattened"] = flat.parse_options(description) is not None
    finished = []
    for part, image in enumerate(images):
        overrides = description.overrides(part)
        apply_payload(image, overrides)
        image = flat.flatten(description, image)
        apply_file(image, overrides)
        finished.append(image)
    return finished, view, facts
