# SPDX-License-Identifier: GPL-2.0-or-later
"""A paused QEMU: starts it, pokes at its devices, saves what it is, loads what another one was."""
import json
import socket
import subprocess
import tempfile

TIMEOUT = 30  # seconds without a word
# What every guest has. It does not run, and its clocks stand still: nothing changes of itself.
COMMON = ('-nodefaults -display none -S -m 32M -accel tcg -rtc base=2020-02-02T02:02:02,clock=vm '
          '-chardev socket,id=qmp,fd={qmp} -mon chardev=qmp,mode=control '
          '-chardev socket,id=qtest,fd={qtest} -qtest chardev:qtest -qtest-log none')


class Ended(Exception):
    """It refused, or is not there any more: what it said last."""


def channel():
    """Our end and the other one."""
    ours, theirs = socket.socketpair()
    ours.settimeout(TIMEOUT)
    return ours, theirs


class Qemu:
    """For a `with` statement, which ends it."""

    def __init__(self, command, arguments, incoming=False):
        self.qmp, qmp = channel()
        self.qtest, qtest = channel()
        self.said = tempfile.TemporaryFile()
        common = COMMON.format(qmp=qmp.fileno(), qtest=qtest.fileno()).split()
        with qmp, qtest:
            self.process = subprocess.Popen(
                [*command, *common, *arguments, *(['-incoming', 'defer'] if incoming else [])],
                pass_fds=(qmp.fileno(), qtest.fileno()), stdin=subprocess.DEVNULL,
                stdout=self.said, stderr=self.said)
        self.lines = self.qmp.makefile('r')

    def __enter__(self):
        try:
            self.next()
            self.command('qmp_capabilities')
            self.command('migrate-set-capabilities',
                         capabilities=[{'capability': 'events', 'state': True}])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for one in (self.lines, self.qmp, self.qtest, self.said):
            one.close()

    # ---- its monitor ----

    def next(self):
        """The next answer or event."""
        try:
            line = self.lines.readline()
        except ConnectionError:
            line = ''
        if not line:
            self.process.wait(TIMEOUT)
            raise Ended(self.last_words())
        return json.loads(line)

    def last_words(self):
        self.said.seek(0)
        lines = [line.split(': ', 1)[-1] for line in self.said.read().decode().splitlines()
                 if 'warning: ' not in line]
        return ' / '.join(lines) or f'exit status {self.process.returncode}'

    def command(self, name, files=(), **arguments):
        text = json.dumps({'execute': name, 'arguments': arguments}).encode()
        try:
            socket.send_fds(self.qmp, [text], [file.fileno() for file in files])
        except BrokenPipeError:
            pass  # what it had to say is still to be read
        while True:
            answer = self.next()
            if 'error' in answer:
                raise Ended(f'{name}: {answer["error"]["desc"]}')
            if 'return' in answer:
                return answer['return']

    def migrated(self):
        """Waits for the end of what was begun."""
        while True:
            event = self.next()
            status = event.get('event') == 'MIGRATION' and event['data']['status']
            if status == 'completed':
                return
            if status == 'failed':
                raise Ended(self.command('query-migrate').get('error-desc', 'failed'))

    def types(self, path='/machine'):
        """The types of all objects that it is made of."""
        found = set()
        for item in self.command('qom-list', path=path):
            if item['type'].startswith('child<'):
                found.add(item['type'][len('child<'):-1])
                found |= self.types(f'{path}/{item["name"]}')
        return found

    # ---- what it is for ----

    def poke(self, line):
        """A command of QEMU's test protocol, as if a CPU did it: "outb 0x20 0x19"."""
        self.qtest.sendall(line.encode() + b'\n')
        answer = self.qtest.recv(4096)
        if not answer.startswith(b'OK'):
            raise Ended(f'{line}: {answer.decode()}')

    def save(self):
        ours, theirs = channel()
        with ours:
            with theirs:
                self.command('getfd', files=[theirs], fdname='stream')
            self.command('migrate', uri='fd:stream')
            data = b''.join(iter(lambda: ours.recv(1 << 20), b''))
            self.migrated()
        return data

    def load(self, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            self.command('migrate-incoming', uri=f'exec:cat {file.name}')
            self.migrated()
