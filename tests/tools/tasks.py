#!/usr/bin/python3
"""The names of a dump's tasks, as drgn finds them.

usage: tasks.py FILE VMLINUX

One name a line. When drgn cannot, its exception is the last line of stderr.
"""
import sys

import drgn
from drgn.helpers.linux.pid import for_each_task


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    program = drgn.Program()
    program.set_core_dump(sys.argv[1])
    program.load_debug_info([sys.argv[2]])
    for task in for_each_task(program):
        print(task.comm.string_().decode())
    return 0


if __name__ == '__main__':
    sys.exit(main())
