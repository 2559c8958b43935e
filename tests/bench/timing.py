"""Runs commands and says what they took: wall time until the output is on its disk, CPU, memory."""
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass

BLOCK = 1 << 20
QUIET = 0.05  # others may use that share of the CPUs
SAMPLE_S = 0.3


class OtherWork:
    """How much of the CPUs others used meanwhile, as a share of 1."""

    def __init__(self):
        self.start = self._now()

    def share(self):
        total, others = (now - then for now, then in zip(self._now(), self.start))
        return max(0.0, others / total) if total else 0.0

    @staticmethod
    def _now():
        with open('/proc/stat', encoding='ascii') as file:
            # user nice system idle iowait irq softirq steal; guest time is in user
            ticks = [int(word) for word in file.readline().split()[1:9]]
        total = sum(ticks) / os.sysconf('SC_CLK_TCK')
        times = os.times()
        own = times.user + times.system + times.children_user + times.children_system
        return total, total - (ticks[3] + ticks[4]) / os.sysconf('SC_CLK_TCK') - own


class Failed(Exception):
    """A command failed, or its output is not what it should be."""


class Skipped(Exception):
    """Something that a part cannot do without is not here."""


@dataclass
class Run:
    seconds: float
    cpu_seconds: float
    peak_bytes: int  # never below this process's own few MiB: the kernel counts them with the child
    others_share: float  # of the CPUs, used by others meanwhile


@dataclass
class Series:
    """Several runs of one command."""
    runs: list

    def seconds(self):
        return statistics.median(run.seconds for run in self.runs)

    def cpu_seconds(self):
        return statistics.median(run.cpu_seconds for run in self.runs)

    def peak_bytes(self):
        return max(run.peak_bytes for run in self.runs)

    def others_share(self):
        return max(run.others_share for run in self.runs)


def run_once(argv, out):
    """The clock stops when `out` is synced, whether or not the command did that by itself."""
    with tempfile.TemporaryFile() as errors:
        others = OtherWork()
        start = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode == 0:
            sync_file(out)
        seconds = time.monotonic() - start
        if child.returncode != 0:
            errors.seek(0)
            said = errors.read().decode(errors='replace').strip()
            raise Failed(f'{" ".join(argv)}: exit {child.returncode}: {said}')
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, others.share())


def wait_for_quiet(deadline):
    share = 1.0
    while share > QUIET and time.monotonic() < deadline:
        others = OtherWork()
        time.sleep(SAMPLE_S)
        share = others.share()


def run_quietly(argv, out, patience_s):
    """The least disturbed of as many runs as patience allows. The output is there afterwards."""
    deadline = time.monotonic() + patience_s
    best = None
    while not best or (best.others_share > QUIET and time.monotonic() < deadline):
        if best and argv.count(out):
            os.unlink(out)
        wait_for_quiet(deadline)
        run = run_once(argv, out)
        if not best or run.others_share < best.others_share:
            best = run
    return best


def sync_file(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def alternate(commands, count, patience_s, inspect, keep=False):
    """Runs each (argv, out) of `commands` in turn, `count` times over; a Series for each.

    Outputs are removed after each run, unless they are to be kept; those of the last round only
    after inspect().
    """
    series = [Series([]) for _ in commands]
    for number in range(count):
        for (argv, out), runs in zip(commands, series):
            runs.runs.append(run_quietly(argv, out, patience_s))
            if number < count - 1 and not keep:
                os.unlink(out)
    inspect()
    for _, out in commands:
        os.unlink(out)
    return series


def warm_cache(path):
    """Reads all data of the file, so that no run waits for the disk; holes need no reading."""
    buffer = bytearray(BLOCK)
    with open(path, 'rb', buffering=0) as file:
        at, size = 0, os.fstat(file.fileno()).st_size
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # only a hole is left
                return
            end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            file.seek(at)
            while at < end:
                at += file.readinto(memoryview(buffer)[:min(BLOCK, end - at)])
