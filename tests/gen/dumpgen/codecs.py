"""Page compressors, from the Python packages or, where one is missing, the C libraries."""

import ctypes
import zlib

FLAGS = {"raw": 0x0, "zlib": 0x1, "lzo": 0x2, "snappy": 0x4, "zstd": 0x20}


def compress_zlib(data):
    return zlib.compress(data, 1)


def compress_lzo(data):
    try:
        import lzo
        return lzo.compress(data, 1, False)
    except ImportError:
        library = ctypes.CDLL("liblzo2.so.2")
        room = ctypes.create_string_buffer(len(data) + len(data) // 16 + 67)
        size = ctypes.c_ulong(len(room))
        work = ctypes.create_string_buffer(1 << 17)
        check(library.lzo1x_1_compress(data, ctypes.c_ulong(len(data)), room,
                                       ctypes.byref(size), work) == 0, "lzo")
        return room.raw[:size.value]


def compress_snappy(data):
    try:
        import snappy
        return snappy.compress(data)
    except ImportError:
        library = ctypes.CDLL("libsnappy.so.1")
        library.snappy_max_compressed_length.restype = ctypes.c_size_t
        size = ctypes.c_size_t(library.snappy_max_compressed_length(ctypes.c_size_t(len(data))))
        room = ctypes.create_string_buffer(size.value)
        check(library.snappy_compress(data, ctypes.c_size_t(len(data)), room,
                                      ctypes.byref(size)) == 0, "snappy")
        return room.raw[:size.value]


def compress_zstd(data):
    try:
        import zstandard
        return zstandard.ZstdCompressor(level=1).compress(data)
    except ImportError:
        library = ctypes.CDLL("libzstd.so.1")
        library.ZSTD_compress.restype = ctypes.c_size_t
        room = ctypes.create_string_buffer(len(data) + len(data) // 128 + 512)
        size = library.ZSTD_compress(room, ctypes.c_size_t(len(room)), data,
                                     ctypes.c_size_t(len(data)), 1)
        check(not library.ZSTD_isError(ctypes.c_size_t(size)), "zstd")
        return room.raw[:size]


COMPRESS = {"raw": bytes, "zlib": compress_zlib, "lzo": compress_lzo,
            "snappy": compress_snappy, "zstd": compress_zstd}


def check(good, name):
    if not good:
        raise RuntimeError(f"{name}: cannot compress")
