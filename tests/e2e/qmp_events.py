"""A small QMP client for tests that must know when the guest stood still. Shares nothing with lib/qmp."""
import json
import select
import socket
import time


class Monitor:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.buffer = b""
        self.events = []  # (monotonic time of receipt, message)
        self._message(10)  # greeting
        self.execute("qmp_capabilities")

    def _message(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = max(0, deadline - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                return None
            data = self.sock.recv(65536)
            if not data:
                raise EOFError("monitor closed")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        message = json.loads(line)
        if "event" in message:
            self.events.append((time.monotonic(), message))
        return message

    def execute(self, command, **arguments):
        self.sock.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            message = self._message(60)
            if message is None:
                raise TimeoutError(command)
            if "error" in message:
                raise RuntimeError(message["error"]["desc"])
            if "return" in message:
                return message["return"]

    def wait(self, name, timeout):
        """The next event of that name, also one that came already, as (monotonic time of receipt, QEMU's
        wall-clock time of it); None if late."""
        deadline = time.monotonic() + timeout
        while True:
            for i, (when, message) in enumerate(self.events):
                if message["event"] == name:
                    del self.events[: i + 1]
                    stamp = message["timestamp"]
                    return when, stamp["seconds"] + stamp["microseconds"] / 1e6
            left = deadline - time.monotonic()
            if left <= 0 or self._message(left) is None:
                return None

    def take(self, silence):
        """The names of all events that have come, once none has for so many seconds, or QEMU has ended."""
        try:
            while self._message(silence) is not None:
                pass
        except (OSError, EOFError):
            pass
        names = [message["event"] for _, message in self.events]
        self.events.clear()
        return names

    def take_pauses(self, silence):
        """The seconds of each pause that has come to its end, by QEMU's clock; waits as take() does."""
        try:
            while self._message(silence) is not None:
                pass
        except (OSError, EOFError):
            pass
        pauses, stopped = [], None
        for _, message in self.events:
            stamp = message["timestamp"]
            when = stamp["seconds"] + stamp["microseconds"] / 1e6
            if message["event"] == "STOP":
                stopped = when
            elif message["event"] == "RESUME" and stopped is not None:
                pauses.append(when - stopped)
        self.events.clear()
        return pauses

    def drain(self):
        """Forget all events that have come."""
        self.take(0)

    def running(self):
        return self.execute("query-status")["running"]
