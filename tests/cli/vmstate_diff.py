#!/usr/bin/python3
"""Compares what `vmstate diff --json A B` says of two exports with the exports themselves.

usage: vmstate_diff.py A B DIFF    (plain JSON, all three)

It has no notion of what was renamed or wrapped, and needs none: whatever has a place in only one
export must be named by some change; and whatever has the same place in both must be told of, if and
only if it differs, with these very values.
"""
import json
import sys


# Changes after which a place, and all below it, need not be on both sides.
SHAPES = ("field-added", "field-removed", "field-renamed", "field-wrapped", "field-size", "subsection-added", "subsection-removed")


def places(description, path, out, told):
    """Every description and field by its path, with what there is to say of it."""
    out[path] = {
        "name": description["name"],
        "version": description["version_id"],
        "minimum": description["minimum_version_id"],
        "fields-gone": "Fields" in description,
    }
    seen = {}
    for field in description.get("Fields", []):
        name = field["field"]
        occurrence = seen.get(name, 0)
        seen[name] = occurrence + 1
        here = path + (name + (f"#{occurrence}" if occurrence else ""),)
        if "Description" in field:
            places(field["Description"], here, out, told)
        said = out.setdefault(here, {})
        said["field-version"] = field["version_id"]
        said["field-condition"] = field["field_exists"]
        said["field-num"] = field.get("num") if told else None
        said["field-size"] = None if "Description" in field else field["size"]
    for subsection in description.get("Subsections", []):
        places(subsection, path + (f"[{subsection['name']}]",), out, told)
    return out


def words(kind, value):
    """A value as the diff puts it."""
    if kind == "field-condition":
        return "conditional" if value else "unconditional"
    if kind == "fields-gone":
        return "a list of fields" if value else "no list of fields"
    return None if value is None else str(value)


def names(change):
    """What came or went by a change, with all that is in it; of runs all their fields."""
    if change["kind"] not in SHAPES:
        return
    place = change["path"].rsplit("/", 1)[0] + "/" if "/" in change["path"] else ""
    yield change["path"]
    if change["kind"] in ("field-renamed", "field-wrapped"):
        for run in (change["before"], change["after"]):
            for one in run.split("), "):
                yield place + one.split(" (")[0]


def compare_device(a, b, changes, told):
    wrong = []
    old, new = ({"/".join(k): v for k, v in places(x["Description"], (), {}, told).items()} for x in (a, b))
    named = {n for c in changes for n in names(c)}

    def is_named(path):  # or is part of what is
        return any(path == n or path.startswith(n + "/") or path.split("#")[0] == n for n in named)

    for path in sorted(old.keys() ^ new.keys()):
        if not is_named(path):
            wrong.append(f"{path}: only in one, and not told")
    want = set()
    for path in old.keys() & new.keys():
        for kind in old[path].keys() & new[path].keys():
            x, y = old[path][kind], new[path][kind]
            if x != y and kind != "field-size":
                want.add((kind, path, words(kind, x), words(kind, y)))
            elif x != y and not any(c["path"] == path and c["kind"] in ("field-size", "field-wrapped") for c in changes):
                wrong.append(f"{path}: size {x} and {y}, and not told")
    kinds = ("name", "version", "minimum", "fields-gone", "field-version", "field-condition", "field-num")
    got = {(c["kind"], c["path"], c["before"], c["after"]) for c in changes if c["kind"] in kinds}
    wrong += [f"not told: {x}" for x in sorted(want - got, key=str)]
    wrong += [f"not so: {x}" for x in sorted(got - want, key=str)]
    for c in changes:
        if c["kind"] in ("field-removed", "subsection-removed", "field-renamed") and c["path"] not in old:
            wrong.append(f"never was there: {c}")
        if c["kind"] in ("field-added", "subsection-added") and c["path"] not in new:
            wrong.append(f"is not there: {c}")
    return wrong


def main():
    a, b, diff = (json.load(open(path)) for path in sys.argv[1:])
    told = all('"num":' in json.dumps(x) for x in (a, b))
    a.pop("vmschkmachine"), b.pop("vmschkmachine")
    of = lambda kind: {c["device-before"] or c["device-after"] for c in diff["changes"] if c["kind"] == kind}
    wrong = []
    if of("device-removed") != a.keys() - b.keys():
        wrong.append(f"removed: {of('device-removed') ^ (a.keys() - b.keys())}")
    if of("device-added") != b.keys() - a.keys():
        wrong.append(f"added: {of('device-added') ^ (b.keys() - a.keys())}")
    for device in sorted(a.keys() & b.keys()):
        changes = [c for c in diff["changes"] if c["device-before"] == device and c["device-after"]]
        wrong += [f"{device}: {w}" for w in compare_device(a[device], b[device], changes, told)]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


sys.exit(main())
