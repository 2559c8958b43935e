# SPDX-License-Identifier: GPL-2.0-or-later
"""What `vmstate check` foretells of a guest: by its verdicts on the guest's devices."""
import json
import os
import re
import subprocess
import tempfile

from setups import LOADS, FAILS, WRONG, NEVER

# What a verdict on a whole guest foretells; SILENT may come out as a failure: the stream is not as
# long as it is, then.
TRUE = {'loads': {LOADS}, 'fails': {FAILS}, 'is silent': {WRONG, FAILS},
        'unknown': {LOADS, FAILS, WRONG}}
# Of these a check says at its end that what they send by hand is not judged.
BY_HAND = re.compile(r'(virtio|vhost)-.*-device')


def literal_name(literal):
    """As the set-ups name it: "i8259/ltim", "e1000e: core.timadj"."""
    if literal['kind'] == 'subsection':
        return literal['name']
    return f'{literal["description"]}: {literal["name"]}'


class Undecided(Exception):
    pass


def holds(literal, sent):
    if literal['kind'] == 'used':
        return literal['value']
    name = literal_name(literal)
    if name not in sent and name not in NEVER:
        raise Undecided(f'hangs on {name}')
    return literal['value'] == (name in sent)


def foretell_device(verdict, condition, sent):
    """Of one device; the condition's terms are what breaks it."""
    if verdict == 'CONDITIONAL':
        if not condition:
            raise Undecided('no condition')
        broken = any(all(holds(literal, sent) for literal in term) for term in condition)
        return 'fails' if broken else 'loads'
    return {'OK': 'loads', 'INFO': 'loads', 'BREAK': 'fails', 'SILENT': 'is silent',
            'UNKNOWN': 'unknown'}[verdict]


class Check:
    """The verdicts on two binaries, and which description each type has."""

    def __init__(self, vmstate, older, newer):
        with tempfile.TemporaryDirectory() as folder:
            files = [os.path.join(folder, side) for side in ('older', 'newer')]
            self.names = {}
            for file, binary in zip(files, (older, newer)):
                command = [vmstate, 'export', '-q', '--no-cache', '--qemu', binary, '-o', file]
                subprocess.run(command, check=True)
                with open(file, encoding='utf-8') as export:
                    self.note_names(json.load(export)['dump'])
            done = subprocess.run([vmstate, 'check', '--json', '--strict', '--fail-on', 'never',
                                   *files], check=True, capture_output=True)
        said = json.loads(done.stdout)
        if not any('virtio' in text for text in said['not-judged']):
            raise ValueError('virtio is judged now')
        self.devices = said['devices']

    def note_names(self, dump):
        for kind, device in dump.items():
            self.names.setdefault(kind, device.get('Description', {}).get('name'))

    def always(self, verdict):
        """The same check, if it said that of everything."""
        other = object.__new__(Check)
        other.names = self.names
        said = {'verdict': verdict, 'condition': [[{'kind': 'used', 'value': True}]]}
        other.devices = [{**device, 'forward': said, 'backward': said} for device in self.devices]
        return other

    def foretell(self, direction, types, sent):
        """(what comes of a guest with devices of these types, because of which of them)."""
        because = {}
        for device in self.devices:
            kind = next((device[side] for side in ('type-before', 'type-after')
                         if device[side] in types), None)
            if not kind:
                continue
            said = device[direction]
            try:
                comes = foretell_device(said['verdict'], said['condition'], sent)
            except Undecided as error:
                comes = f'{error}'
            if comes == 'loads' and BY_HAND.fullmatch(kind):
                comes = 'unknown'
            because.setdefault(comes, []).append(f'{kind} {said["verdict"]}')
        for comes in ('fails', 'is silent', *sorted(because.keys() - TRUE.keys()), 'unknown'):
            if comes in because:
                return comes, ', '.join(because[comes])
        return 'loads', ''
