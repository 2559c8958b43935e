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
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
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

    def drain(self):
        """Forget all events that have come."""
        while self._message(0) is not None:
            pass
        self.events.clear()

    def running(self):
        return self.execute("query-status")["running"]
