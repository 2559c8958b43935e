#!/usr/bin/python3
"""Compare the monitor's `info registers -a` with `dumptool regs --json`.

usage: hmp_regs.py HMP-TEXT JSON

Every value that the monitor prints and the notes carry must be equal; the number of values compared
is printed for each CPU. What the notes do not carry (x87, SSE, debug registers, EFER) is named in
ABSENT, so that anything else that is missing is an error.
"""
import json
import re
import sys

ABSENT = re.compile(r'^(DR\d|EFER|FCW|FSW|FTW|MXCSR|FPR\d|XMM\d+|YMM\d+|Opmask\d+|ST|CC[SDO]|CPL|II|A20|SMM|HLT)$')
SEGMENT = re.compile(r'^(ES|CS|SS|DS|FS|GS|LDT|TR) *=([0-9a-f]{4}) ([0-9a-f]{8,16}) ([0-9a-f]{8}) ([0-9a-f]{8})')
TABLE = re.compile(r'^(GDT|IDT)= +([0-9a-f]{8,16}) ([0-9a-f]{8})')
WORD = re.compile(r'([A-Z][A-Z0-9]*) *=([0-9a-f]+)')
NAMES = {'RFL': 'rflags', 'EFL': 'eflags'}


def monitor_values(text):
    """{name: value} of one CPU."""
    values = {}
    for line in text.splitlines():
        segment, table = SEGMENT.match(line), TABLE.match(line)
        if segment:
            for field, value in zip(('selector', 'base', 'limit', 'flags'), segment.groups()[1:]):
                values[f'{segment[1].lower()}.{field}'] = int(value, 16)
        elif table:
            values[f'{table[1].lower()}.base'] = int(table[2], 16)
            values[f'{table[1].lower()}.limit'] = int(table[3], 16)
        else:
            for name, value in WORD.findall(line):
                if not ABSENT.match(name):
                    values[NAMES.get(name, name.lower())] = int(value, 16)
    return values


def our_values(cpu):
    values = {}
    for group in ('general', 'control'):
        values.update({name: int(value, 16) for name, value in cpu[group].items()})
    for name, segment in cpu['segments'].items():
        values.update({f'{name}.{field}': int(value, 16) for field, value in segment.items()})
    return values


def differences(theirs, ours):
    for name, value in theirs.items():
        mine = ours.get(name)
        if mine is None:
            yield f'{name}: not in ours'
            continue
        if name.endswith('.flags'):  # the monitor leaves out the bits that are part of the base
            mine &= 0x00ffff00
        if mine != value:
            yield f'{name}: the monitor has {value:#x}, we have {mine:#x}'


def main():
    with open(sys.argv[1], encoding='ascii') as file:
        monitor = re.split(r'^CPU#\d+\s*$', file.read().replace('\r', ''), flags=re.M)[1:]
    with open(sys.argv[2], encoding='ascii') as file:
        cpus = json.load(file)['cpus']
    failed = len(monitor) != len(cpus)
    print(f'the monitor has {len(monitor)} CPUs, we have {len(cpus)}')
    for number, (text, cpu) in enumerate(zip(monitor, cpus)):
        theirs = monitor_values(text)
        found = list(differences(theirs, our_values(cpu)))
        print(f'CPU {number}: {len(theirs)} values', *found, sep='\n  ')
        failed |= bool(found) or cpu['cpu'] != number or len(theirs) != 58
    sys.exit(failed)


if __name__ == '__main__':
    main()
