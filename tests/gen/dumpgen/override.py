"""set, poke, truncate, append: turn a well-formed image into a malformed one."""

from . import DescriptionError
from .expression import evaluate
from .image import SIZES


def number(image, text):
    return evaluate(text, image.value, image.place)


def override_set(image, text):
    """FIELD=NUMBER, or FIELD="TEXT" for the text fields."""
    name, _, value = (word.strip() for word in text.partition("="))
    image.place(name)
    if image.fields[name][1] in SIZES:
        image.set(name, number(image, value))
    else:
        text = value.strip('"').encode("latin-1").decode("unicode_escape")
        image.set(name, text.encode("latin-1"))


def override_poke(image, text):
    """OFFSET HEX; the offset may be at(FIELD)."""
    where, _, digits = text.rpartition(" ")
    offset = number(image, where)
    if offset < 0:
        raise DescriptionError(f"poke before the start of the file: {text!r}")
    image.write(offset, bytes.fromhex(digits))


def override_truncate(image, text):
    image.truncate(number(image, text))


def override_append(image, text):
    image.write(image.size, bytes.fromhex(text))


ACTIONS = {"set": override_set, "poke": override_poke, "truncate": override_truncate,
           "append": override_append}


def apply_payload(image, overrides):
    """What is meant for the dump itself: set of its fields and the _payload keys."""
    for key, text in overrides:
        if key.endswith("_payload"):
            ACTIONS[key.removesuffix("_payload")](image, text)
        elif key == "set" and not text.startswith("flat"):
            override_set(image, text)


def apply_file(image, overrides):
    """What is meant for the file as written: set of flattened fields, poke, truncate, append."""
    for key, text in overrides:
        if key in ("poke", "truncate", "append") or key == "set" and text.startswith("flat"):
            ACTIONS[key](image, text)
