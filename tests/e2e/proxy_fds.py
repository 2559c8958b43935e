#!/usr/bin/python3
"""Descriptors through a proxy: two clients use the same name for different files.

usage: proxy_fds.py PROXY-SOCKET QEMU-PID
"""
import array
import json
import os
import socket
import sys
import time


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, passed=None, **arguments):
        text = json.dumps({"execute": command, "arguments": arguments}).encode()
        rights = [] if passed is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [passed]))]
        self.socket.sendmsg([text], rights)
        while True:
            reply = json.loads(self.lines.readline())
            if "event" not in reply:
                return reply.get("return", reply.get("error", {}).get("desc"))

    def leave(self):
        self.lines.close()
        self.socket.close()


def named(name):
    return os.memfd_create(name)


def held(pid):
    """The names of memfds that QEMU has open."""
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    return sorted(link.split(":")[1].split(" ")[0] for link in links if "memfd:gs-test" in link)


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"wanted {wanted!r}, got {got!r}")


def expect_unknown(desc, name):
    """As QEMU words it, and the name as the client gave it."""
    expect("named '" + name + "'" in desc and "not" in desc and "found" in desc or desc, True)


def eventually(function, wanted):
    deadline = time.monotonic() + 10
    while function() != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    expect(function(), wanted)


path, pid = sys.argv[1], int(sys.argv[2])
a, b = Client(path), Client(path)
file_a, file_b = named("gs-test-a"), named("gs-test-b")
expect(a.ask("getfd", file_a, fdname="same"), {})
expect(b.ask("getfd", file_b, fdname="same"), {})
expect(held(pid), ["gs-test-a", "gs-test-b"])

# A name is found where commands mention it, and only one's own.
third = Client(path)
expect_unknown(third.ask("dump-guest-memory", paging=False, protocol="fd:same"), "same")
expect_unknown(third.ask("closefd", fdname="same"), "same")
expect(b.ask("dump-guest-memory", paging=False, protocol="fd:same"), {})
expect(os.fstat(file_a).st_size, 0)
expect(os.pread(file_b, 4, 0), b"\x7fELF")
expect_unknown(b.ask("closefd", fdname="same"), "same")  # the dump took it

# The address of a socket: what is written to our end arrives in QEMU.
ours, its = socket.socketpair()
expect(b.ask("getfd", its.fileno(), fdname="wire"), {})
its.close()
backend = {"type": "socket", "data": {"addr": {"type": "fd", "data": {"str": "wire"}}, "server": False}}
expect(b.ask("chardev-add", id="c", backend=backend), {})
expect(b.ask("chardev-remove", id="c"), {})
ours.settimeout(10)
expect(ours.recv(1), b"")

# What a command says of a name is said of the client's.
expect(a.ask("getfd", file_a, fdname="1st") == {}, False)
expect_unknown(a.ask("netdev_add", type="tap", id="n", fd="nobody"), "nobody")

# What is left is closed when its client leaves, and nothing else; sets are everybody's.
expect(b.ask("getfd", file_b, fdname="same"), {})
fdset = a.ask("add-fd", named("gs-test-set"), opaque="gs")["fdset-id"]
expect(held(pid), ["gs-test-a", "gs-test-b", "gs-test-set"])
a.leave()
eventually(lambda: held(pid), ["gs-test-b", "gs-test-set"])
expect(b.ask("cont"), {})  # while the guest stands still, QEMU removes nothing
expect(b.ask("remove-fd", **{"fdset-id": fdset}), {})
b.leave()
third.leave()
eventually(lambda: held(pid), [])
