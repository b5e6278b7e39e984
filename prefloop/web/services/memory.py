"""Memory of the server's process: the C library is kept from holding what was freed.

A server answers from many threads, and glibc gives each a heap of its own, up to eight per core, in
which what was freed stays. One heap is used again by all.
"""

import ctypes
import os

PAGE_CACHE_KIB = 300
"""SQLite's page cache of each connection of a server. Six stay open, one that writes and five that
read, so together they come to at most 1.8 MiB; with the default, 2000, they go on filling for
hours. What is read again comes from the operating system's cache. Prepared statements come on top:
see `padded` of the store."""

CHOICE = "MALLOC_ARENA_MAX"
"""Environment variable by which glibc's users choose for themselves."""

M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def use_one_heap() -> bool:
    """Let all threads that start from now on share one heap; return whether that could be set.

    Not where the C library has no such switch (macOS, musl), nor where the environment chose.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return CHOICE not in os.environ and mallopt is not None and mallopt(M_ARENA_MAX, 1) == 1
