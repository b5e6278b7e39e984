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
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any

from prefloop.files import sha256
from prefloop.settings.section import Section

TYPES_ONLY = ("TYPE_CHECKING", "typing.TYPE_CHECKING")
"""Conditions under which nothing is imported when a program runs."""


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
    package = module.__name__.partition(".")[0]
    files: dict[str, Path] = {}
    waiting = [(module.__name__, _own_file(module))]
    while waiting:
        name, file = waiting.pop()
        if file is not None and name not in files:
            files[name] = file
            imported = [n for n in _imported(name, file) if n.partition(".")[0] == package]
            waiting += [(n, _file_of(n)) for n in imported if n not in files]
    return digest(*(f"{name} {sha256(files[name])}" for name in sorted(files)))


def files_hash(paths: Iterable[Path]) -> str:
    """Return a hash of the content of files, in the order given."""
    return digest(*(sha256(path) for path in paths))


def digest(*parts: str) -> str:
    """Return 32 hex digits made from texts.

    >>> digest("a", "b") == digest("ab")
    False
    """
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _own_file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if file and Path(file).is_file() else None


def _file_of(name: str) -> Path | None:
    """Return the file of a module; None of what is none, such as a member of one."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    origin = None if spec is None else spec.origin
    return Path(origin) if origin and Path(origin).is_file() else None


def _imported(name: str, file: Path) -> Iterator[str]:
    """Yield the names of modules that a module's file imports, and of some that are none.

    `from a import b` names `a` and `a.b`, which may be a module or a member; `import a.b` names
    `a` too, whose members it reaches.
    """
    package = name if file.stem == "__init__" else name.rpartition(".")[0]
    for node in _statements(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))
        elif isinstance(node, ast.ImportFrom) and (node.level == 0 or package):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when a module is imported, each branch of an `if` or a `try` among it."""
    parts = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and ast.unparse(node.test) in TYPES_ONLY:
        parts = list(node.orelse)
    for part in parts:
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
            yield part
            yield from _statements(part)
