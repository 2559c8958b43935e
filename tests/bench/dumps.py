"""Dumps of live guests: how long the guest stands still, and until when the file is there."""
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from tables import DUMPTOOL, O, Table
from timing import QUIET, SAMPLE_S, Failed, OtherWork, sync_file

HERE = os.path.dirname(os.path.realpath(__file__))
GUEST_KIT = os.path.join(HERE, '..', 'guest')
sys.path.insert(0, os.path.join(HERE, '..', 'e2e'))
from qmp_events import Monitor  # noqa: E402

# what, our options, QEMU's format, how many times shorter the pause must be on each input
DUMPS = [
    ('kdump-zlib', ['-f', 'kdump-zlib'], 'kdump-zlib', {'random': 8, 'content': 4}),
    ('kdump-zlib --min-pause', ['-f', 'kdump-zlib', '--min-pause'], 'kdump-zlib',
     {'random': 25, 'content': 25}),
    ('kdump-zlib -d 31 --min-pause', ['-f', 'kdump-zlib', '-d', '31', '--min-pause'],
     'kdump-zlib', {'random': 50, 'content': 50}),
    ('elf', ['-f', 'elf'], 'elf', {}),
    ('elf --min-pause', ['-f', 'elf', '--min-pause'], 'elf', {}),
]
ONE_STEP = [('kdump-zlib', '-c'), ('kdump-lzo', '-l')]
GROWTH = ['1G', '4G', '16G']
SILENCE_S = 0.3  # for the last events to arrive


class Guest:
    """Freshly booted, with a monitor for the dump and one to watch it."""

    def __init__(self, memory, *options):
        for argv in ([os.path.join(GUEST_KIT, 'fetch')],):
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        initramfs = os.path.join(O, 'guest', 'initramfs')
        if not os.path.exists(initramfs):
            subprocess.run([os.path.join(GUEST_KIT, 'mkinitramfs'), initramfs], check=True)
        self.dir = tempfile.mkdtemp(prefix='guestscope-bench-guest.')
        self.pid = None
        self.monitor = os.path.join(self.dir, 'dump')
        watcher = os.path.join(self.dir, 'watch')
        try:
            self._boot(['--mem', memory, '--qmp', self.monitor, '--qmp', watcher,
                        '--timeout', '600', *options])
            self.watcher = Monitor(watcher)
        except BaseException:
            self.end()
            raise

    def _boot(self, options):
        said = subprocess.run([os.path.join(GUEST_KIT, 'boot'), *options, self.dir], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        self.pid = int(dict(line.split('=', 1) for line in said.split())['pid'])

    def cpu_seconds(self):
        with open(f'/proc/{self.pid}/stat', encoding='ascii', errors='replace') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
        self.pid = None
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


@dataclass
class Taken:
    """One dump."""
    pause: float
    seconds: float  # until the file is synced
    others: float

    def others_share(self):
        return self.others


class Others:
    """The share of the CPUs that neither we, nor our children, nor the guest used meanwhile."""

    def __init__(self, guest):
        self.guest = guest
        self.work, self.cpu, self.start = OtherWork(), guest.cpu_seconds(), time.monotonic()

    def share(self):
        cpus = len(os.sched_getaffinity(0))
        passed = (time.monotonic() - self.start) * cpus
        used = self.guest.cpu_seconds() - self.cpu
        return max(0.0, self.work.share() - used / passed) if passed else 0.0


def wait_for_quiet(guest, patience_s):
    deadline = time.monotonic() + patience_s
    share = 1.0
    while share > QUIET and time.monotonic() < deadline:
        others = Others(guest)
        time.sleep(SAMPLE_S)
        share = others.share()


def take(guest, out, patience_s, action):
    """Runs `action`, which makes `out`, and measures it. The output stays."""
    wait_for_quiet(guest, patience_s)
    guest.watcher.drain()
    others, start = Others(guest), time.monotonic()
    action()
    seconds = time.monotonic() - start
    share = others.share()
    pauses = guest.watcher.take_pauses(SILENCE_S)
    if not pauses:
        raise Failed(f'{out}: the guest did not stand still')
    return Taken(sum(pauses), seconds, share)


def by_us(guest, out, options):
    def action():
        result = subprocess.run([DUMPTOOL, 'dump', '-q', '-g', f'unix:{guest.monitor}', '-o', out,
                                 '-e', 'direct', *options], capture_output=True, text=True,
                                check=False)
        if result.returncode:
            raise Failed(f'dump {options}: exit {result.returncode}: {result.stderr}')
    return action


def by_qemu(guest, out, output):
    def action():
        monitor = Monitor(guest.monitor)
        monitor.execute('dump-guest-memory', paging=False, protocol=f'file:{out}', format=output)
        monitor.sock.close()
        sync_file(out)
    return action


def by_makedumpfile(source, out, option):
    start = time.monotonic()
    result = subprocess.run(['makedumpfile', option, '-d', '31', source, out], capture_output=True,
                            text=True, check=False)
    if result.returncode:
        raise Failed(f'makedumpfile: exit {result.returncode}: {result.stdout}{result.stderr}')
    sync_file(out)
    return time.monotonic() - start


def check_sound(path):
    result = subprocess.run([DUMPTOOL, 'verify', '-q', path], capture_output=True, text=True,
                            check=False)
    if result.returncode:
        raise Failed(f'verify {path}: exit {result.returncode}: {result.stdout}')


def guest_options(name, options):
    if name == 'random':
        return ['--fill', f'random:{options.fill}']
    subprocess.run([os.path.join(GUEST_KIT, 'fetch'), '--disk'], check=True,
                   stdout=subprocess.DEVNULL)
    return ['--fill', 'disk', '--disk', os.path.join(O, 'guest', 'debian.img')]


def measure_round(guest, scratch, options, last, results):
    """Ours first: they leave alone what the guest never touched."""
    out = os.path.join(scratch, 'out')
    for what, arguments, _, _ in DUMPS:
        results.setdefault(what, []).append(
            take(guest, out, options.patience, by_us(guest, out, arguments)))
        if last:
            check_sound(out)
        os.unlink(out)
    for output, _ in ONE_STEP:
        results.setdefault(f'{output} -d 31', []).append(
            take(guest, out, options.patience, by_us(guest, out, ['-f', output, '-d', '31'])))
        os.unlink(out)
    source = os.path.join(scratch, 'source')
    by_us(guest, source, ['-f', 'elf', '--ranges', 'system', '--live'])()
    for output, option in ONE_STEP:
        results.setdefault(f'makedumpfile {output}', []).append(by_makedumpfile(source, out, option))
        os.unlink(out)
    os.unlink(source)
    for output in ('kdump-zlib', 'elf'):
        results.setdefault(f'QEMU {output}', []).append(
            take(guest, out, options.patience, by_qemu(guest, out, output)))
        os.unlink(out)


def median(taken, what):
    return statistics.median(getattr(one, what) for one in taken)


def add_pauses(table, name, results):
    for what, _, output, needs in DUMPS:
        ours, theirs = results[what], results[f'QEMU {output}']
        pause, their_pause = median(ours, 'pause'), median(theirs, 'pause')
        need = needs.get(name)
        table.add((*ours, *theirs), name, what,
                  table.judge(their_pause / pause, f'{their_pause / pause:.1f}', '≥', need),
                  f'{pause * 1000:.0f} / {their_pause * 1000:.0f} ms',
                  f'{median(ours, "seconds"):.2f} / {median(theirs, "seconds"):.2f} s')


def add_one_step(table, name, results):
    for output, option in ONE_STEP:
        ours = results[f'{output} -d 31']
        seconds = median(ours, 'seconds')
        theirs = statistics.median(results[f'makedumpfile {output}'])
        table.add(tuple(ours), name, f'{output} -d 31, one step',
                  f'against makedumpfile {option} -d 31 of a file: {theirs / seconds:.1f} as fast',
                  f'{median(ours, "pause") * 1000:.0f} ms', f'{seconds:.2f} / {theirs:.2f} s')


def bench_dump(scratch, options):
    table = Table('guest', 'dump', 'times shorter a pause', 'pause: ours / QEMU here',
                  'whole time: ours / theirs here')
    for name in ('random', 'content'):
        results = {}
        for number in range(options.runs):
            with Guest(options.guest, *guest_options(name, options)) as guest:
                measure_round(guest, scratch, options, number == options.runs - 1, results)
        add_pauses(table, name, results)
        add_one_step(table, name, results)
    return table


def bench_growth(scratch, options):
    table = Table('guest', 'dump', 'pause', 'whole time')
    out = os.path.join(scratch, 'out')
    cases = [('kdump-zlib', []), ('kdump-zlib -d 31 --min-pause', ['-d', '31', '--min-pause'])]
    for memory in GROWTH:
        with Guest(memory) as guest:
            for what, arguments in cases:
                taken = []
                for _ in range(options.runs):
                    taken.append(take(guest, out, options.patience, by_us(guest, out, arguments)))
                    os.unlink(out)
                table.add(tuple(taken), memory, what, f'{median(taken, "pause") * 1000:.0f} ms',
                          f'{median(taken, "seconds"):.2f} s')
    return table
