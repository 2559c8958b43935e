#!/usr/bin/python3
"""What the tests of breakpoint instructions do to a process, and see of it.

tracehooks_int3.py text PID            a checksum of all of its code that is the program's own
tracehooks_int3.py patch PID ADDRESS   a breakpoint instruction that nobody knows of; prints what was there
tracehooks_int3.py occupy PID FILE     all hardware breakpoints of its threads, until this is killed; makes FILE when it has
                                       them, exit 1 if it cannot
"""
import ctypes
import hashlib
import os
import signal
import struct
import sys

PERF_EVENT_OPEN = 298  # x86-64
TYPE_BREAKPOINT, ATTR_SIZE, EXECUTE, EXCLUDE_KERNEL = 5, 112, 4, 1 << 5


def text(pid):
    digest = hashlib.sha256()
    program = os.readlink(f"/proc/{pid}/exe")
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, access, *_, name = line.rstrip("\n").split(None, 5)
            if "x" in access and name == program:
                begin, end = (int(number, 16) for number in span.split("-"))
                memory.seek(begin)
                digest.update(memory.read(end - begin))
    print(digest.hexdigest())


def patch(pid, address, code=b"\xcc"):
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(int(address, 16))
        print(memory.read(1).hex())
        memory.seek(int(address, 16))
        memory.write(code)


def occupy(pid, ready):
    libc = ctypes.CDLL(None, use_errno=True)
    for tid in os.listdir(f"/proc/{pid}/task"):
        for i in range(1, 9):
            attr = struct.pack("<IIQQQQQIIQQ", TYPE_BREAKPOINT, ATTR_SIZE, 0, 0, 0, 0, EXCLUDE_KERNEL, 0, EXECUTE, i << 12, 8)
            fd = libc.syscall(PERF_EVENT_OPEN, attr.ljust(ATTR_SIZE, b"\0"), int(tid), -1, -1, 0)
            if fd < 0 and i == 1:
                sys.exit(f"perf_event_open: {os.strerror(ctypes.get_errno())}")
    open(ready, "x").close()
    signal.pause()


{"text": text, "patch": patch, "occupy": occupy}[sys.argv[1]](*sys.argv[2:])
