"""What `tracehooks run` costs those who are not held, against strace that looks at the same moments
only, and against nobody."""
import json
import os
import shutil
import subprocess
import time

from status import Times
from tables import O, Table
from timing import QUIET, Failed, OtherWork, Skipped, wait_for_quiet

SPAWNER = os.path.join(O, 'tests', 'bench', 'spawner')
TRACEHOOKS = os.path.join(O, 'tracehooks')
PROGRAM = '/bin/true'
CHILDREN, EVERY = 1000, 100  # each EVERYth is held
ROUNDS_MIN = 10
TIMES_STRACE = 1.1  # that the others may take
PATIENCE_S = 60


class Children(Times):
    """The time that the spawner has told; who fits does not delay it, held or not."""

    def __init__(self, scratch, tracer, is_ours=False):
        super().__init__()
        self.told = os.path.join(scratch, 'told')
        self.argv = [*tracer, SPAWNER, str(CHILDREN), str(EVERY), PROGRAM, self.told]
        self.environment = {**os.environ, 'XDG_RUNTIME_DIR': scratch}
        self.is_ours = is_ours

    def run_quietly(self, patience_s):
        """The least disturbed of as many runs as patience allows counts."""
        deadline = time.monotonic() + patience_s
        seconds, share = None, 1.0
        while seconds is None or (share > QUIET and time.monotonic() < deadline):
            wait_for_quiet(deadline)
            others = OtherWork()
            taken = self.run_once()
            if seconds is None or others.share() < share:
                seconds, share = taken, others.share()
        self.seconds.append(seconds)
        self.shares.append(share)

    def run_once(self):
        with subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              env=self.environment) as child:
            if self.is_ours:
                self.release()
            said = child.stdout.read()
        if child.returncode:
            raise Failed(f'{" ".join(self.argv)}: exit {child.returncode}')
        if self.is_ours:
            self.check(said)
        with open(self.told, encoding='ascii') as file:
            taken = int(file.read()) / 1e9
        os.unlink(self.told)
        return taken

    def release(self):
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(self.told):
            if time.monotonic() > deadline:
                raise Failed('the children do not end')
            time.sleep(0.01)
        subprocess.run([TRACEHOOKS, 'release', '--all'], env=self.environment, check=True)

    @staticmethod
    def check(said):
        events = [json.loads(line) for line in said.splitlines()]
        held = [event['argv'] for event in events if event['event'] == 'held']
        if held != [[PROGRAM, 'held']] * (CHILDREN // EVERY):
            raise Failed(f'not the right ones were held: {held}')


def bench_hold(scratch, options):
    if not shutil.which('strace'):
        raise Skipped('no strace here to be compared with; `.ci/deps` installs it')
    ours = [TRACEHOOKS, 'run', '--json', '--every', '--exec', 'true', '--argv', 'held$', '--']
    strace = ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=execve']
    times = {'nobody': Children(scratch, []),
             'strace -f --seccomp-bpf -e execve': Children(scratch, strace),
             'tracehooks run': Children(scratch, ours, is_ours=True)}
    table = Table('who traces', f'ms for {CHILDREN} children', 'times as long as alone',
                  'times as long as by strace')
    table.runs = max(options.runs, ROUNDS_MIN)
    for _ in range(table.runs):
        for one in times.values():
            one.run_quietly(options.patience)
    alone, theirs = [one.median_ms() for one in times.values()][:2]
    for name, one in times.items():
        ratio = one.median_ms() / theirs
        table.add((one,), name, f'{one.median_ms():.0f}', f'{one.median_ms() / alone:.2f}',
                  table.judge(ratio, f'{ratio:.2f}', '≤', TIMES_STRACE if one.is_ours else None))
    return table
