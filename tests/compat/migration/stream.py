# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the values in the stream of a guest, by the description at its end; takes sections out.

    header: magic, version | elements by type byte | EOF | description
    0x07 configuration   name of the machine, subsections
    0x01 0x02 0x03       a section that comes in parts: here that is RAM alone
    0x04                 a section in one piece: a device
    0x08                 a command, with its length
    0x7e                 footer of a section
All integers are big-endian. What is in a section only the description tells, field by field.
"""
import json
import re

MEM_SIZE, ZERO, RAW, EOS, CONTINUE = 0x04, 0x02, 0x08, 0x10, 0x20
FOOTER = 0x7e


class Malformed(Exception):
    pass


class Cursor:
    def __init__(self, data, pos=0):
        self.data, self.pos = data, pos

    def take(self, size):
        if size > len(self.data) - self.pos:
            raise Malformed(f'cut off at {self.pos}')
        self.pos += size
        return self.data[self.pos - size:self.pos]

    def int(self, size):
        return int.from_bytes(self.take(size), 'big')

    def text(self, length_size=1):
        return self.take(self.int(length_size)).decode()


def description(data):
    """What the stream says of itself: type 6, a length, JSON, and no more."""
    for match in reversed(list(re.finditer(rb'\x06(....)\{', data, re.S))):
        if match.end() - 1 + int.from_bytes(match[1], 'big') == len(data):
            return json.loads(data[match.end() - 1:])
    raise Malformed('no description at the end')


# ---- values ----

def numbers(kind, data, size):
    """Elements of a field; what is no number stays one piece of bytes."""
    whole = re.match(r'(u?)int(8|16|32|64)|(bool)', kind)
    if not whole or size not in (1, 2, 4, 8):
        return data
    signed = whole[1] == '' and whole[3] is None
    return tuple(int.from_bytes(data[i:i + size], 'big', signed=signed)
                 for i in range(0, len(data), size))


def read_fields(cursor, says, path, values):
    """Fields of one name in a row are parts of one array: "index" may lack. Those that only happen
    to have the same name are "x[0]", "x[1]"; on the other side, "x" may be the only one."""
    before, first = None, 0
    for field in says.get('fields', []):
        first = first if field['name'] == before else 0
        before, count = field['name'], field.get('array_len', 1)
        name, end = path + before.removesuffix('[0]'), cursor.pos + field['size'] * count
        if 'struct' in field:
            for i in range(first, first + count):
                element = f'{name}[{i}]/' if i else f'{name}/'
                read_description(cursor, field['struct'], element, values)
        else:
            part = numbers(field['type'], cursor.take(end - cursor.pos), field['size'])
            values[name] = values[name] + part if first else part
        if cursor.pos != end:
            raise Malformed(f'{name}: ends at {cursor.pos}, not {end}')
        first += count


def read_description(cursor, says, path, values):
    """Fields, then subsections: a byte, the name, the version, and the same again."""
    read_fields(cursor, says, path, values)
    for sub in says.get('subsections', []):
        start = cursor.int(1), cursor.text(), cursor.int(4)
        if start != (0x05, sub['vmsd_name'], sub['version']):
            raise Malformed(f'{path}: {start} where {sub["vmsd_name"]} should be')
        values[f'{path}[{sub["vmsd_name"]}]'] = 'sent'
        read_description(cursor, sub, f'{path}[{sub["vmsd_name"]}]/', values)


# ---- elements ----

def skip_configuration(cursor):
    cursor.take(cursor.int(4))
    while cursor.data[cursor.pos] == 0x05:
        cursor.take(1)
        name, _ = cursor.text(), cursor.int(4)
        if name.endswith('/capabilities'):
            for _ in range(cursor.int(4)):
                cursor.text()
        else:
            cursor.take({'target-page-bits': 4, 'uuid': 16}[name.split('/')[1]])


def skip_ram(cursor, page_size):
    while True:
        word = cursor.int(8)
        flags, address = word & (page_size - 1), word & -page_size
        if flags & EOS:
            return
        if flags & MEM_SIZE:
            while address > 0:
                cursor.text()
                address -= cursor.int(8)
            continue
        if not flags & CONTINUE:
            cursor.text()
        if not flags & (ZERO | RAW):
            raise Malformed(f'RAM flags {flags:#x} at {cursor.pos - 8}')
        cursor.take(1 if flags & ZERO else page_size)


class Stream:
    """.sections: (name, instance) -> {path: value}; .devices: the same -> what is said of it."""

    def __init__(self, data):
        self.says = description(data)
        self.devices = {(d['name'], d['instance_id']): d for d in self.says['devices']}
        self.sections, self.sent, self.names = {}, {}, {}
        cursor = Cursor(data)
        if cursor.take(8) != b'QEVM\0\0\0\x03':
            raise Malformed('no stream')
        self.head = data[:8]
        while kind := cursor.int(1):
            start = cursor.pos - 1
            if kind == 0x07:
                skip_configuration(cursor)
                self.head += data[start:cursor.pos]
            elif kind == 0x08:
                cursor.take(2)
                cursor.take(cursor.int(2))
            elif kind in (0x01, 0x02, 0x03, 0x04):
                key = self.read_section(cursor, kind)
                self.sent[key] = data[start:cursor.pos]
            else:
                raise Malformed(f'element {kind} at {start}')

    def read_section(self, cursor, kind):
        number = cursor.int(4)
        if kind in (0x01, 0x04):
            self.names[number] = cursor.text(), cursor.int(4)
            cursor.int(4)
        key = self.names[number]
        if kind == 0x04:
            values = self.sections[key] = {}
            read_description(cursor, self.devices[key], '', values)
        else:
            skip_ram(cursor, self.says['page_size'])
        if (cursor.int(1), cursor.int(4)) != (FOOTER, number):
            raise Malformed(f'no footer of {key} at {cursor.pos - 5}')
        return key

    def alone(self, names):
        """A stream of nothing but the sections whose descriptions have these names."""
        kept = [key for key in self.sections if self.devices[key].get('vmsd_name') in names]
        text = json.dumps({**self.says, 'devices': [self.devices[key] for key in kept]}).encode()
        return b''.join([self.head, *(self.sent[key] for key in kept), b'\0\x06',
                         len(text).to_bytes(4, 'big'), text])
