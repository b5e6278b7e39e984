"""The package's files as syntax trees, for the rules."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "prefloop"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(folder: Path = PACKAGE) -> list[Path]:
    """Return every Python file below a folder; an empty answer would hide every fault."""
    found = sorted(folder.rglob("*.py"))
    assert found, f"no Python file below {folder}"
    return found


def name_of(path: Path) -> str:
    """Return a file's name as messages and allow-lists write it."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(module: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield every function and method with its dotted name."""

    def below(node: ast.AST, place: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{place}.{child.name}" if place else child.name
                if not isinstance(child, ast.ClassDef):
                    yield name, child
                yield from below(child, name)
            else:
                yield from below(child, place)

    yield from below(module, "")


def imported(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield every imported module's name with its line."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno


def called(node: ast.Call) -> str:
    """Return the name of what is called, dotted as far as it is written out."""
    parts, place = [], node.func
    while isinstance(place, ast.Attribute):
        parts.append(place.attr)
        place = place.value
    parts.append(place.id if isinstance(place, ast.Name) else "")
    return ".".join(reversed(parts))
