"""A sparse file in memory that knows the name and place of every header field in it."""

from . import DescriptionError

CHUNK = 1 << 16
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


class Image:
    """Bytes at offsets up to 2^63; what was never written reads as zero."""

    def __init__(self):
        self.chunks = {}
        self.size = 0
        self.fields = {}

    def write(self, offset, data):
        self.size = max(self.size, offset + len(data))
        view = memoryview(data)
        while len(view):
            index, start = divmod(offset, CHUNK)
            part = view[:CHUNK - start]
            if index in self.chunks or any(part):
                chunk = self.chunks.setdefault(index, bytearray(CHUNK))
                chunk[start:start + len(part)] = part
            offset += len(part)
            view = view[len(part):]

    def read(self, offset, size):
        parts = []
        while size > 0:
            index, start = divmod(offset, CHUNK)
            take = min(size, CHUNK - start)
            chunk = self.chunks.get(index)
            parts.append(bytes(chunk[start:start + take]) if chunk else bytes(take))
            offset += take
            size -= take
        return b"".join(parts)

    def truncate(self, size):
        for index in [i for i in self.chunks if i * CHUNK >= size]:
            del self.chunks[index]
        if size < self.size and size // CHUNK in self.chunks:
            self.chunks[size // CHUNK][size % CHUNK:] = bytes(CHUNK - size % CHUNK)
        self.size = size

    def save(self, path):
        with open(path, "wb") as file:
            for index in sorted(self.chunks):
                file.seek(index * CHUNK)
                file.write(self.chunks[index][:max(0, self.size - index * CHUNK)])
            file.truncate(self.size)

    # Structures: a layout is a list of (name, kind, value); kinds are u8 u16 u32 u64,
    # ("str", size) for NUL-padded text and ("pad", size) for a gap without a name.

    def struct(self, offset, prefix, order, layout):
        """Write a structure and remember its fields as PREFIX.NAME; returns its end."""
        for name, kind, value in layout:
            size = SIZES[kind] if kind in SIZES else kind[1]
            if name:
                self.fields[f"{prefix}.{name}"] = (offset, kind, order)
                self.write(offset, encode(kind, order, value))
            offset += size
        self.size = max(self.size, offset)
        return offset

    def mark(self, name, offset, size):
        """Name a stretch of bytes, so that at(NAME) finds it."""
        self.fields[name] = (offset, ("str", size), "little")

    def place(self, name):
        if name not in self.fields:
            raise DescriptionError(f"no such field: {name}")
        return self.fields[name][0]

    def value(self, name):
        if name == "file_size":
            return self.size
        self.place(name)
        offset, kind, order = self.fields[name]
        if kind not in SIZES:
            raise DescriptionError(f"not a number: {name}")
        return int.from_bytes(self.read(offset, SIZES[kind]), order)

    def set(self, name, value):
        offset = self.place(name)
        _, kind, order = self.fields[name]
        self.write(offset, encode(kind, order, value))


def encode(kind, order, value):
    """Numbers are cut to their field, so that -1 means all ones; text too."""
    if kind in SIZES:
        bits = 8 * SIZES[kind]
        return (int(value) % (1 << bits)).to_bytes(SIZES[kind], order)
    raw = value if isinstance(value, bytes) else str(value).encode()
    return raw[:kind[1]].ljust(kind[1], b"\0")
