"""Read the lazy-load database of an R package (NAME.rdx + NAME.rdb) without R.

The index says where each variable lies; a chunk is a 4-byte length and a compressed value.
"""

import bz2
import lzma
import zlib
from pathlib import Path
from typing import Any

import rdata

XZ = [{"id": lzma.FILTER_LZMA2, "preset": 6}]


def decompress(chunk: bytes) -> bytes:
    """Undo the compression named by the fifth byte."""
    kind = chunk[4:5]
    if kind == b"Z":
        return lzma.decompress(chunk[5:], format=lzma.FORMAT_RAW, filters=XZ)
    if kind == b"2":
        return bz2.decompress(chunk[5:])
    if kind == b"0":
        return chunk[5:]
    return zlib.decompress(chunk[4:])


def load(stem: Path) -> dict[str, Any]:
    """Every variable of the database that the parser understands."""
    index_bytes = zlib.decompress(stem.with_suffix(".rdx").read_bytes(), wbits=47)
    index = rdata.conversion.convert(rdata.parser.parse_data(index_bytes))
    data = stem.with_suffix(".rdb").read_bytes()
    found = {}
    for name, place in index["variables"].items():
        start, length = int(place[0]), int(place[1])
        try:
            value = decompress(data[start : start + length])
            found[name] = rdata.conversion.convert(rdata.parser.parse_data(value))
        except (NotImplementedError, ValueError, KeyError, TypeError):
            continue  # some data frames of the package hold types nobody needs here
    return found
