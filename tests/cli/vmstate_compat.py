#!/usr/bin/python3
"""Compares `vmstate check --compat-script` with QEMU's own checker.

usage: vmstate_compat.py compare CHECKER COUNT SEED FILE...
       vmstate_compat.py print CHECKER A B

CHECKER is QEMU's scripts/vmstate-static-checker.py; exports are plain JSON. What it prints is read
as kind and operands; they must be the same ones in the same order, with the same exit status, for
all ordered pairs of FILEs, and for COUNT pairs that are made of them and of small exports by
changes of all kinds that the checker knows of. On a difference both are printed, the pair is left
in the current folder as a and b, and the exit status is 1. `print` shows the exit status and what
was read, a line each: kind, section, description, name, other, before, after.

The checker's list of renames grows. One that does not have the newest rows is asked nothing that
hangs on them.
"""
import collections
import contextlib
import copy
import io
import itertools
import json
import os
import random
import re
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.realpath(__file__))
VMSTATE = os.path.join(os.environ.get("O") or "build", "vmstate")
NEWEST_RENAMES = {"acpi-ghes": ("ghes_addr_le", "hw_error_le"), "hpet": ("num_timers", "num_timers_save")}
KEYS = ("section", "description", "name", "other", "before", "after")

# A complaint's words, up to what it is about; and which operand each group is.
Q = '"([^"]*)"'
LINES = [
    ("machine", f"Warning.*: {Q}, {Q}", "name other"),
    ("section", f"Section {Q} does not .*", "section"),
    ("version", rf"Section {Q} version error: (\d+) > (\d+)", "section before after"),
    ("version", rf"Section {Q} Description {Q}: version error: (\d+) > (\d+)", "section description before after"),
    ("minimum", rf"Section {Q} Description {Q}: minimum .*: (\d+) < (\d+)", "section description before after"),
    ("entry", f"Section {Q}: Entry {Q} .*", "section name"),
    ("entry", f"Section {Q} Description {Q}: Entry {Q} .*", "section description name"),
    ("description", f"Section {Q}: Description {Q} .* {Q} .*", "section description other"),
    ("field", f"Section {Q}, Description {Q}: expected .* {Q}, got {Q};.*", "section description name other"),
    ("end", f"Section {Q}, Description {Q}: expected .* {Q}, while .*", "section description name"),
    ("unused", f'Section {Q}, Description {Q}: unused .* " ?([^"]*)"', "section description name"),
    ("size", rf"Section {Q} Description {Q} Field {Q} size .*: (\d+) , (\d+)", "section description name before after"),
    ("no-description", f"Section {Q}, Description {Q}, Field {Q}: .*", "section description name"),
    ("subsection", f"Section {Q}, Description {Q}: Subsection {Q} .*", "section description name"),
]


def read_line(line):
    # What it begins to say of a section's minimum has no end, and no newline.
    line = re.sub(r'^(Section "[^"]*" )+(?=Section|$)', "", line)
    for kind, pattern, operands in LINES:
        match = re.fullmatch(pattern, line)
        if match:
            found = dict(zip(operands.split(), match.groups()))
            return (kind, *(str(found.get(key) or 0) if key in ("before", "after") else found.get(key) for key in KEYS))
    raise ValueError(f"the checker says what is not known here: {line}")


class Checker:
    """Runs in this process, as starting Python for each pair would take most of the time."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.code = compile(file.read(), path, "exec")

    def run(self, a, b):
        said = io.StringIO()
        sys.argv = ["checker", "-s", a, "-d", b]
        try:
            with contextlib.redirect_stdout(said):
                exec(self.code, {"__name__": "__main__"})
            status = 0
        except SystemExit as end:
            status = end.code or 0
        # It may print parts of a line only.
        return status, [read_line(line) for line in said.getvalue().splitlines() if not re.fullmatch(r'(Section "[^"]*" )+', line)]


def ours(a, b):
    done = subprocess.run([VMSTATE, "check", "--compat-script", "--json", a, b], capture_output=True, text=True, check=False)
    if done.stderr:
        raise ValueError(done.stderr)
    findings = json.loads(done.stdout)["findings"]
    return done.returncode, [(f["kind"], *(str(f[k] or 0) if k in ("before", "after") else f[k] for k in KEYS)) for f in findings]


# ---- small exports ----

def read_renames():
    """The rows that we know: {where: [name...]}."""
    with open(os.path.join(HERE, "../../lib/devstate/compat_names.c"), encoding="utf-8") as file:
        rows = re.findall(r'\{"([^"]+)",\s*\{((?:"[^"]+",?\s*)+)\}\}', file.read())
    return {where: re.findall(r'"([^"]+)"', names) for where, names in rows}


NAMES = [f"f{i}" for i in range(12)] + ["unused"] * 4
RENAMED = read_renames()
TYPES = ["d0", "d1", "d2", "ICH9 LPC", "ICH9-LPC", "e1000", "e1000-82540em", "apic", "pci_bridge", "usb-mouse", "x3130-upstream", "ich9-ahci"]


def make_field(r, depth):
    field = {"field": r.choice(NAMES if r.random() < 0.8 else r.choice(list(RENAMED.values()))), "version_id": r.choice([0, 0, 0, 1, 2, 3]), "field_exists": r.random() < 0.2}
    if r.random() < 0.2:
        field["num"] = r.choice([0, 1, 2, 2, 3, 4])
    field["size"] = r.choice([0, 1, 2, 4, 4, 4, 8, 8, 12, 16])
    if depth < 3 and r.random() < 0.3:
        field["Description"] = make_description(r, depth + 1, r.choice([f"n{r.randrange(4)}", *RENAMED, *sum(RENAMED.values(), [])]))
    return field


def make_description(r, depth, name):
    version = r.randrange(4)
    description = {"name": name, "version_id": version, "minimum_version_id": r.randrange(version + 1)}
    if r.random() < 0.95:
        description["Fields"] = [make_field(r, depth) for _ in range(r.randrange(0, 7))]
    if depth < 3 and r.random() < 0.4:
        description["Subsections"] = [make_description(r, depth + 1, f"{name}/s{r.randrange(3)}") for _ in range(r.randrange(0, 4))]
    return description


def make_export(r):
    export = {"vmschkmachine": {"Name": r.choice(["pc", "q35"])}}
    for key in r.sample(TYPES, r.randrange(1, 5)):
        description = make_description(r, 0, r.choice([key, key, "v0", *RENAMED, *sum(RENAMED.values(), [])]))
        export[key] = {"Name": key, "version_id": description["version_id"], "minimum_version_id": description["minimum_version_id"]}
        if r.random() < 0.95:
            export[key]["Description"] = description
    return export


# ---- changes ----

def descriptions(value):
    """All, with their parents' Fields and Subsections."""
    for key, device in value.items():
        if "Description" in device:
            stack = [device["Description"]]
            while stack:
                one = stack.pop()
                yield key, one
                stack += [f["Description"] for f in one.get("Fields", []) if "Description" in f] + one.get("Subsections", [])


def change_versions(r, export, description):
    whom = r.choice([description, *description.get("Fields", []), *[x for x in export.values() if "version_id" in x]])
    whom[r.choice([k for k in whom if k.endswith("version_id")])] = r.randrange(6)


def change_field(r, _, description):
    fields = description.get("Fields")
    if not fields:
        return
    at = r.randrange(len(fields))
    field = fields[at]
    what = r.randrange(9)
    if what == 0:
        del fields[at]
    elif what == 1:
        fields.insert(at, make_field(r, 2))
    elif what == 2:
        field["size"] = r.choice([0, 1, 2, 4, 8, 16, field["size"] * 2])
    elif what == 3:
        field["field"] = r.choice([*NAMES, *RENAMED.get(description["name"], NAMES), *NAMES])
    elif what == 4:
        field["num"] = r.choice([0, 1, 2, 3, 16])
    elif what == 5:
        field.pop("num", None)
    elif what == 6:  # that many into a struct
        count = r.randrange(1, 4)
        fields[at : at + count] = [{"field": "s", "version_id": 0, "field_exists": False, "size": 99, "Description": {"name": "wrap", "version_id": 1, "minimum_version_id": 1, "Fields": fields[at : at + count]}}]
    elif what == 7:  # that many to unused bytes, more or less
        count = r.randrange(1, 4)
        size = sum(f["size"] * f.get("num", 1) for f in fields[at : at + count]) + r.choice([0, 0, 0, 0, 1, -1, 4])
        fields[at : at + count] = [{"field": "unused", "version_id": 0, "field_exists": False, "size": max(size, 0)}]
    elif "Description" in field and r.random() < 0.5:
        fields[at : at + 1] = field["Description"].get("Fields", [])
    else:
        field.pop("Description", None)


def change_lists(r, export, description):
    subsections = description.get("Subsections")
    what = r.randrange(8)
    if what == 0:
        description.pop("Fields", None)
    elif what == 1:
        description.pop("Subsections", None)
    elif what == 2:
        description["Subsections"] = (subsections or []) + [make_description(r, 2, f"{description['name']}/new")]
    elif what == 3 and subsections:
        del subsections[r.randrange(len(subsections))]
    elif what == 4 and subsections:
        subsections.insert(0, copy.deepcopy(r.choice(subsections)))
        change_field(r, None, subsections[0])
    elif what == 5 and subsections:
        r.shuffle(subsections)
    elif what == 6:
        description["name"] += "x"
    elif what == 7 and "Fields" in description:
        description["Fields"] = []


def change_sections(r, export, _):
    key = r.choice([k for k in export if k != "vmschkmachine"])
    what = r.randrange(5)
    if what == 0:
        del export[key]
    elif what == 1:
        export[key].pop("Description", None)
    elif what == 2:
        machine, *items = export.items()  # QEMU always begins with that
        r.shuffle(items)
        export.clear()
        export.update([machine, *items])
    elif what == 3:
        export["vmschkmachine"]["Name"] += "x"
    else:
        export[r.choice([t for t in TYPES if t not in export] or [key])] = export.pop(key)


def changed(r, export):
    result = copy.deepcopy(export)
    for _ in range(r.choice([1, 1, 2, 3, 5, 9])):
        all_of_them = [d for _, d in descriptions(result)]
        if not all_of_them or len(result) < 2:
            break
        change = r.choice([change_field] * 5 + [change_versions, change_lists, change_sections])
        change(r, result, r.choice(all_of_them))
    return result


def pairs(r, count, exports):
    """Of small ones most; of real ones a few devices, as all of them take long."""
    for _ in range(count):
        what = r.random()
        if what < 0.2:
            yield make_export(r), make_export(r)
        elif what < 0.7 or not exports:
            export = make_export(r)
            yield (export, changed(r, export)) if r.random() < 0.5 else (changed(r, export), export)
        else:
            export = r.choice(exports)
            keys = r.sample([k for k in export if k != "vmschkmachine"], 6)
            some = {k: v for k, v in export.items() if k in keys or k == "vmschkmachine"}
            yield (some, changed(r, some)) if r.random() < 0.5 else (changed(r, some), some)


# ---- comparing ----

def write(name, value):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(value, file)
    return name


def with_field(where, name):
    """An export in which there is a field of that name, and a description below it."""
    field = {"field": name, "version_id": 0, "field_exists": False, "size": 1}
    inner = {"name": name, "version_id": 1, "minimum_version_id": 1, "Fields": []}
    fields = [field, {**field, "field": "same", "Description": inner}]
    description = {"name": where, "version_id": 1, "minimum_version_id": 1, "Fields": fields}
    return {"vmschkmachine": {"Name": "pc"}, where: {"Name": where, "version_id": 1, "minimum_version_id": 1, "Description": description}}


def all_renames():
    """Every two names of a row, and a name of another."""
    for where, names in RENAMED.items():
        for a, b in itertools.product(names, [*names, "other"]):
            yield with_field(where, a), with_field(where, b)


def knows_newest(checker):
    a, b = (with_field("hpet", name) for name in NEWEST_RENAMES["hpet"])
    return checker.run(write("a", a), write("b", b))[0] == 0


def without_newest(export):
    """Without devices in which there is a description that newer checkers know renames of."""
    gone = {key for key, d in descriptions(export) if d["name"] in NEWEST_RENAMES} | NEWEST_RENAMES.keys()
    return {k: v for k, v in export.items() if k not in gone}


def compare(checker, a, b, totals):
    write("a", a), write("b", b)
    try:
        theirs = checker.run("a", "b")
    except Exception:
        totals["the checker itself stopped"] += 1
        sys.stderr.write(traceback.format_exc(limit=-1))
        return True
    got = ours("a", "b")
    for kind, *_ in theirs[1]:
        totals[kind] += 1
    totals["pairs"] += 1
    if got == theirs:
        return True
    print(f"exit: {theirs[0]}, ours {got[0]}")
    for one in theirs[1]:
        print("theirs", *one)
    for one in got[1]:
        print("ours  ", *one)
    return False


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def print_one(path, a, b):
    status, findings = Checker(path).run(a, b)
    print(status)
    for one in findings:
        print(*(x or "-" for x in one), sep="\t")
    return 0


def compare_all(path, count, seed, *files):
    r = random.Random(int(seed))
    checker = Checker(path)
    exports = [load(file) for file in files]
    if not knows_newest(checker):
        print("note: an older checker: without what it has no rows for", file=sys.stderr)
        exports = [without_newest(e) for e in exports]
        for name in NEWEST_RENAMES:
            RENAMED.pop(name)
    totals = collections.Counter()
    real = ((a, b) for a in exports for b in exports)
    for a, b in itertools.chain(real, all_renames(), pairs(r, int(count), exports)):
        if not compare(checker, a, b, totals):
            return 1
    print(", ".join(f"{v} {k}" for k, v in sorted(totals.items())))
    return 0


def main():
    what, *arguments = sys.argv[1:]
    return {"print": print_one, "compare": compare_all}[what](*arguments)


if __name__ == "__main__":
    sys.exit(main())
