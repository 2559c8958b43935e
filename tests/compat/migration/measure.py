# SPDX-License-Identifier: GPL-2.0-or-later
"""Has each of two QEMUs save a guest, and each of them load both streams: what came of it."""
import dataclasses
import re

import qemu
from setups import FAILS, LOADS, NEVER, UNSAVED, WRONG
from stream import Malformed, Stream

OLDER, NEWER = 'older', 'newer'
SUBSECTION = re.compile(r'\[([^]]*/[^]]*)\]')  # in a path: "[i8259/ltim]/ltim"

# Values that are not the same after a load, though nothing is wrong: (description, path): what of
# them is to be the same.
NOISE = {
    # A text in a buffer of 100 bytes, 32 since 9.0: what is behind its end has other names.
    ('globalstate', 'runstate'): lambda value: value.split(b'\0')[0],
    # The version of the description that its saver has, saved as a value.
    ('pciespscsi', 'esp.mig_version_id'): lambda value: None,
}


class Comparison:
    """What was saved, and what its loader saved again: of values that both streams describe."""

    def __init__(self, before, after):
        self.wrong, self.noise, self.count = [], set(), 0
        for key, values in before.sections.items():
            self.description = before.devices[key].get('vmsd_name')
            if key not in after.sections:
                self.wrong.append(f'{key[0]}: is not saved again')
                continue
            again = after.sections[key]
            for path in sorted(values.keys() & again.keys()):
                self.compare(path, values[path], again[path])
        if not self.count:
            raise Malformed('nothing to compare')

    def compare(self, path, before, after):
        self.count += 1
        if before == after:
            return
        same = NOISE.get((self.description, path), lambda value: value)
        if same(before) == same(after):
            self.noise.add((self.description, path))
        else:
            self.wrong.append(f'{self.description}: {path} {before}, then {after}')


def overwritten(before, fresh, after):
    """What the loader alone describes, and has other values of than a guest of its own."""
    for key, values in before.sections.items():
        own, again = fresh.sections.get(key, {}), after.sections.get(key, {})
        for path in own.keys() & again.keys() - values.keys():
            if own[path] != again[path]:
                yield f'{path} {own[path]}, then {again[path]}'


@dataclasses.dataclass
class Saved:
    data: bytes
    types: set          # of all its objects
    refused: str = ''   # why there is no data

    def stream(self):
        return Stream(self.data)


class Measurement:
    """One set-up. .outcomes: (saver, loader) -> (what came of it, what there is to say)."""

    def __init__(self, setup, commands):
        self.setup, self.commands, self.noise = setup, commands, set()
        self.saved = {side: self.save(side) for side in commands}
        self.outcomes = {(saver, loader): self.load(saver, loader)
                         for saver in commands for loader in commands}

    def start(self, side, incoming=False):
        setup = self.setup
        return qemu.Qemu(self.commands[side], ['-M', setup.machine, *setup.devices.split(),
                                               *getattr(setup, side).split()], incoming)

    def save(self, side):
        setup = self.setup
        with self.start(side) as guest:
            for line in setup.poke + (setup.poke_newer if side == NEWER else ()):
                guest.poke(line)
            types = guest.types()
            try:
                data = guest.save()
            except qemu.Ended as error:
                if 'non-migratable' not in str(error):
                    raise
                return Saved(b'', types, str(error))
        return Saved(Stream(data).alone(setup.alone) if setup.alone else data, types)

    def load(self, saver, loader):
        saved = self.saved[saver]
        if not saved.data:
            return UNSAVED, saved.refused
        try:
            with self.start(loader, incoming=True) as guest:
                guest.load(saved.data)
                again = Stream(guest.save())
        except qemu.Ended as error:
            return FAILS, str(error)
        compared = Comparison(saved.stream(), again)
        self.noise |= compared.noise
        if compared.wrong:
            return WRONG, '; '.join(compared.wrong)
        lost = sorted(overwritten(saved.stream(), self.saved[loader].stream(), again)
                      if self.saved[loader].data else ())
        return LOADS, '; '.join([f'{compared.count} values', *lost])

    def types(self):
        """Of both guests: what one of them has and the other one does not is to be judged, too."""
        return set().union(*(saved.types for saved in self.saved.values()))

    def sent(self):
        """What of NEVER is in the streams, as they themselves say."""
        found = set()
        for saved in self.saved.values():
            if not saved.data:
                continue
            stream = saved.stream()
            for key, values in stream.sections.items():
                name = stream.devices[key].get('vmsd_name')
                found |= {f'{name}: {path}' for path in values}
                found |= {part for path in values for part in SUBSECTION.findall(path)}
        return found & set(NEVER)
