#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: wire_sizes.py STREAM < DOCUMENTS

Compares the bytes that vmstate tells (DOCUMENTS: of `vmstate show --json --tree`, one for each
device) with those that a migration stream says it has, in the description at its end. Prints how
many fields were compared by how sure vmstate was; each that contradicts is an error, exit 1.
"""
import collections
import json
import re
import sys


def described(stream):
    """What the stream says of itself: type 6, a length, JSON, and no more."""
    for match in reversed(list(re.finditer(rb'\x06(....)\{', stream, re.S))):
        if match.end() - 1 + int.from_bytes(match[1], 'big') == len(stream):
            return json.loads(stream[match.end() - 1:])
    sys.exit('no description at the end of the stream')


def told(documents):
    """(name of description, name of field, occurrence) -> what vmstate says of such fields."""
    fields = collections.defaultdict(list)
    decoder, pos = json.JSONDecoder(), 0
    while pos < len(documents.rstrip()):
        device, pos = decoder.raw_decode(documents, pos)
        pos += len(documents[pos:]) - len(documents[pos:].lstrip())
        within = [device['name']]
        for part in device.get('parts', []):
            del within[part['depth'] + 1:]
            if part['kind'] == 'field':
                fields[within[-1], part['name'], part['occurrence']].append(part)
            within.append(part['name'] if part['kind'] == 'subsection' else part.get('description'))
    return fields


def sent(description):
    """Name, bytes in all, type of the fields of a description in the stream."""
    sums = collections.Counter()
    types = {}
    for field in description.get('fields', []):
        sums[field['name']] += field['size'] * field.get('array_len', 1)
        types[field['name']] = field['type']
    return [(name, size, types[name]) for name, size in sums.items()]


def below(description):
    yield description
    for field in description.get('fields', []):
        if 'struct' in field:
            yield from below(field['struct'])
    for subsection in description.get('subsections', []):
        yield from below(subsection)


# Arrays of a length that the device has: an export tells of one element.
VARIABLE = {('hpet', 'timer'), ('xhci-core', 'ports'), ('xhci-core', 'slots'),
            ('ich9_pm/memhp', 'acpi_memory_hotplug'),
            ('pcie-root-port', 'parent_obj.parent_obj.parent_obj.exp.aer_log')}


def fits(part, size):
    if part['certainty'] == 'exact':
        return size == part['bytes']
    # Of an array whose length is not told it is the bytes of an element.
    return part['certainty'] == 'unknown' or size % max(part['bytes'], 1) == 0 or 'description' in part


def main():
    stream = described(open(sys.argv[1], 'rb').read())
    fields = told(sys.stdin.read())
    compared, wrong = collections.Counter(), 0
    for device in stream['devices']:
        for description in below(device):
            for name, size, kind in sent(description):
                repeated = re.fullmatch(r'(.*)\[(\d+)\]', name)
                parts = fields.get((description.get('vmsd_name'), name, 0))
                if not parts and repeated:
                    parts = fields.get((description['vmsd_name'], repeated[1], int(repeated[2])))
                if not parts:
                    continue
                fitting = [part for part in parts if fits(part, size)]
                variable = not fitting and (description['vmsd_name'], name) in VARIABLE
                compared['variable' if variable else (fitting or parts)[0]['certainty']] += 1
                if not fitting and not variable:
                    wrong += 1
                    print(f"{description['vmsd_name']}: {name} ({kind}): {size} bytes, not "
                          f"{parts[0]['bytes']} ({parts[0]['certainty']})", file=sys.stderr)
    print(json.dumps(compared))
    sys.exit(1 if wrong else 0)


main()
