"""What a command takes that only asks a guest: `qmpctl status`, the least that any client can do,
and virsh, all with the same QEMU."""
import os
import shutil
import statistics
import subprocess
import time

from tables import O, Table
from timing import Failed, OtherWork

HERE = os.path.dirname(os.path.realpath(__file__))
MINIMAL = os.path.join(O, 'tests', 'bench', 'minimal')
QMPCTL = os.path.join(O, 'qmpctl')
ROUNDS_MIN = 20
TIMES_MINIMAL = 3  # that `qmpctl status` may take
NAME = 'bench'
DOMAIN = f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<name>{NAME}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
<devices><emulator>%s</emulator><memballoon model='none'/></devices>
<qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='unix:%s,server=on,wait=off'/>
</qemu:commandline></domain>"""
DEVNULL_BOTH = [(os.POSIX_SPAWN_OPEN, fd, '/dev/null', os.O_RDWR, 0) for fd in (0, 1)]


class Times:
    """Of one command; what Table wants of a series."""

    def __init__(self):
        self.seconds, self.shares = [], []

    def run(self, argv, statuses=(0,)):
        others, start = OtherWork(), time.monotonic()
        pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=DEVNULL_BOTH)
        status = os.waitpid(pid, 0)[1]
        self.seconds.append(time.monotonic() - start)
        self.shares.append(others.share())
        if os.waitstatus_to_exitcode(status) not in statuses:
            raise Failed(f'{" ".join(argv)}: {os.waitstatus_to_exitcode(status)}')

    def median_ms(self):
        return statistics.median(self.seconds) * 1000

    def others_share(self):
        return statistics.median(self.shares)


class Domain:
    """A paused domain of a libvirtd of our own, with a second monitor at `monitor`; without libvirt
    or the rights for that, the same QEMU by `qmpctl launch`."""

    def __init__(self, scratch):
        self.dir = os.path.join(scratch, 'status')
        self.monitor = os.path.join(self.dir, 'qmp')
        self.uri = None
        os.makedirs(self.dir)

    def __enter__(self):
        try:
            if os.geteuid() == 0 and all(map(shutil.which, ('libvirtd', 'virtlogd', 'virsh'))):
                self.start_domain()
            else:
                self.launch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_domain(self):
        said = subprocess.run([os.path.join(HERE, '..', 'guest', 'libvirtd'), self.dir],
                              capture_output=True, text=True, check=True).stdout
        self.uri = subprocess.run(['bash', '-c', f'eval "$1"; echo "$uri"', '-', said],
                                  capture_output=True, text=True, check=True).stdout.strip()
        description = os.path.join(self.dir, 'domain.xml')
        with open(description, 'w', encoding='utf-8') as file:
            file.write(DOMAIN % (shutil.which('qemu-system-x86_64'), self.monitor))
        self.virsh('create', description, '--paused')

    def launch(self):
        environment = {**os.environ, 'XDG_RUNTIME_DIR': self.dir}
        subprocess.run([QMPCTL, 'launch', '-n', NAME, '-m', '64M', '--accel', 'tcg', '--', '-S'],
                       env=environment, stdout=subprocess.DEVNULL, check=True)
        self.monitor = os.path.join(self.dir, 'guestscope', NAME, 'qmp')

    def virsh(self, *arguments):
        subprocess.run(['virsh', '-q', '-c', self.uri, *arguments], check=True,
                       stdout=subprocess.DEVNULL)

    def __exit__(self, *_):
        if not self.uri:
            subprocess.run([QMPCTL, 'kill', '-q', '-g', self.monitor], check=False,
                           stdout=subprocess.DEVNULL)
            return
        subprocess.run(['virsh', '-q', '-c', self.uri, 'destroy', NAME], check=False)
        for daemon in ('libvirtd', 'virtlogd'):
            with open(os.path.join(self.dir, f'{daemon}.pid'), encoding='ascii') as file:
                os.kill(int(file.read()), 15)


def commands_for(domain):
    commands = {'minimal': [MINIMAL, domain.monitor],
                'qmpctl status': [QMPCTL, 'status', '-g', domain.monitor]}
    if domain.uri:
        commands['virsh domstate'] = ['virsh', '-q', '-c', domain.uri, 'domstate', NAME]
        commands['qmpctl status -g libvirt:'] = [QMPCTL, 'status', '-g', f'libvirt:{NAME}',
                                                 '-c', domain.uri]
    return commands


def bench_status(scratch, options):
    table = Table('command', 'ms', 'times minimal', 'times virsh domstate')
    table.runs = max(options.runs, ROUNDS_MIN)
    with Domain(scratch) as domain:
        commands = commands_for(domain)
        times = {name: Times() for name in commands}
        for _ in range(table.runs):
            for name, argv in commands.items():
                times[name].run(argv)
    minimal = times['minimal'].median_ms()
    virsh = times['virsh domstate'].median_ms() if domain.uri else None
    for name, one in times.items():
        need = TIMES_MINIMAL if name == 'qmpctl status' else None
        ratio = one.median_ms() / minimal
        table.add((one,), name, f'{one.median_ms():.2f}',
                  table.judge(ratio, f'{ratio:.2f}', '≤', need),
                  f'{one.median_ms() / virsh:.2f}' if virsh else '-')
    return table
