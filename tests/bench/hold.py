"""What `tracehooks run` costs those who are not held, against strace that looks at the same moments
only, and against nobody."""
import json
import os
import shutil
import subprocess
import time

from status import Times
from tables import O, Table
from timing import Failed, OtherWork, Skipped

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

    def run_once(self):
        others = OtherWork()
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
            self.seconds.append(int(file.read()) / 1e9)
        os.unlink(self.told)
        self.shares.append(others.share())

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
            one.run_once()
    alone, theirs = [one.median_ms() for one in times.values()][:2]
    for name, one in times.items():
        ratio = one.median_ms() / theirs
        table.add((one,), name, f'{one.median_ms():.0f}', f'{one.median_ms() / alone:.2f}',
                  table.judge(ratio, f'{ratio:.2f}', '≤', TIMES_STRACE if one.is_ours else None))
    return table
