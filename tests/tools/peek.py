#!/usr/bin/python3
"""What drgn finds in a dump of an arm64 guest, without debug information.

usage: peek.py FILE VMCOREINFO

Prints the architecture, the kernel's release, the sysname by its virtual address in the kernel's
image and by its physical address, and "same" if what lies in the direct map is also where that puts
it.
"""
import sys

import drgn

SECTIONS_BYTES = 4096


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[2], encoding='ascii') as file:
        said = dict(line.rstrip('\n').split('=', 1) for line in file)

    def number(key):
        return int(said[key], 16)

    program = drgn.Program()
    program.set_core_dump(sys.argv[1])
    print(program.platform.arch.name)
    print(program['UTS_RELEASE'].string_().decode())
    image = number('SYMBOL(init_uts_ns)')
    print(program.read(image, 6).decode().rstrip('\0'))
    print(program.read(image - number('NUMBER(kimage_voffset)'), 6, True).decode().rstrip('\0'))
    direct = number('SYMBOL(mem_section)')
    start = -(1 << int(said['NUMBER(VA_BITS)']))
    physical = (direct - start + number('NUMBER(PHYS_OFFSET)')) % 2**64
    virtual = program.read(direct, SECTIONS_BYTES)
    print('same' if any(virtual) and virtual == program.read(physical, SECTIONS_BYTES, True) else 'differs')
    return 0


if __name__ == '__main__':
    sys.exit(main())
