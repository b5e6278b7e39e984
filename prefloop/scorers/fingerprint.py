"""Fingerprints: scores that were made another way are recognized and made again.

A fingerprint covers the class, its settings apart from `operational` ones, its source code and that
of the modules of its own package which it uses, and the scorer's `content_hash`, if it has one. It
does not cover installed libraries, nor what a server does behind a model's name.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any

from prefloop.files import sha256
from prefloop.settings.section import Section


def fingerprint_of(part: Any, settings: Section) -> str:
    """Return the fingerprint of a scorer or judge that was made with these settings."""
    made = type(part)
    module = sys.modules[made.__module__]
    content: str = getattr(part, "content_hash", "")
    meaning = json.dumps(settings.meaning(), sort_keys=True, default=str)
    return digest(made.__qualname__, meaning, source_hash(module), content)


@cache
def source_hash(module: ModuleType) -> str:
    """Return a hash of a module's file and of the modules of its package that it imports.

    What it imports is read from its file: what else was imported before, or put into a module in
    place of something, changes nothing. It is taken once per process: the code that runs is the
    one that was imported.
    """
    hashes: dict[str, str] = {}
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current.__name__ not in hashes:
            hashes[current.__name__] = _file_hash(current)
            waiting += _used(current)
    return digest(*(f"{name} {hashes[name]}" for name in sorted(hashes)))


def files_hash(paths: Iterable[Path]) -> str:
    """Return a hash of the content of files, in the order given."""
    return digest(*(sha256(path) for path in paths))


def digest(*parts: str) -> str:
    """Return 32 hex digits made from texts.

    >>> digest("a", "b") == digest("ab")
    False
    """
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _file_hash(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    return sha256(Path(file)) if file and Path(file).is_file() else ""


def _used(module: ModuleType) -> Iterator[ModuleType]:
    """Yield the modules of the same package that a module imports."""
    package = module.__name__.partition(".")[0]
    for name in _imported(module):
        if name.partition(".")[0] == package and name in sys.modules:
            yield sys.modules[name]


def _imported(module: ModuleType) -> Iterator[str]:
    """Yield the names of modules that a module's file imports, and of some that are none.

    `from a import b` names `a` and `a.b`, which may be a module or a member.
    """
    file = getattr(module, "__file__", None)
    if not file or not Path(file).is_file():
        return
    package = getattr(module, "__package__", None) or ""
    for node in _statements(ast.parse(Path(file).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.level == 0 or package):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when a module is imported, the branches of `if` and `try` among it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            continue
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield child
            yield from _statements(child)
