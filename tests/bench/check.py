"""What `vmstate check` takes for the exports of two QEMUs, against QEMU's own checker, which is a
script: CHECKER is where that is."""
import lzma
import os
import subprocess

from status import ROUNDS_MIN, Times
from tables import O, Table
from timing import Skipped

DATA = os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'data')
VMSTATE = os.path.join(O, 'vmstate')
EXPORTS = ('x86_64@7.2', 'x86_64@10.0')
NEED = 8  # times as fast
ANY = range(256)  # how much was found


def unpack(scratch, name):
    path = os.path.join(scratch, name)
    with lzma.open(os.path.join(DATA, f'{name}.json.xz')) as packed, open(path, 'wb') as file:
        file.write(packed.read())
    return path


def find_python():
    """The python3 that PATH leads to, itself and not what may stand before it, and its version."""
    asked = 'import platform, sys; print(sys.executable, platform.python_version())'
    said = subprocess.run(['python3', '-c', asked], capture_output=True, text=True, check=True)
    return said.stdout.split()


def commands_for(checker, plain):
    a, b = plain
    python, version = find_python()
    packed = [os.path.join(DATA, f'{name}.json.xz') for name in EXPORTS]
    return {f'{os.path.basename(checker)}, Python {version}': [python, checker, '-s', a, '-d', b],
            'vmstate check': [VMSTATE, 'check', a, b],
            'vmstate check --compat-script': [VMSTATE, 'check', '--compat-script', a, b],
            'vmstate check, of .xz': [VMSTATE, 'check', *packed],
            'vmstate --version': [VMSTATE, '--version']}


def bench_check(scratch, options):
    checker = os.environ.get('CHECKER')
    if not checker:
        raise Skipped("no CHECKER=PATH of QEMU's scripts/vmstate-static-checker.py")
    table = Table('command', 'ms', 'times as fast')
    table.runs = max(options.runs, ROUNDS_MIN)
    commands = commands_for(checker, [unpack(scratch, name) for name in EXPORTS])
    times = {name: Times() for name in commands}
    for _ in range(table.runs):
        for name, argv in commands.items():
            times[name].run(argv, ANY)
    theirs = next(iter(times.values())).median_ms()
    for name, one in times.items():
        need = NEED if name == 'vmstate check' else None
        ratio = theirs / one.median_ms()
        table.add((one,), name, f'{one.median_ms():.2f}',
                  table.judge(ratio, f'{ratio:.1f}', '≥', need))
    return table
