"""One public name, one meaning: no two classes or type aliases of the package share a name."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tests.architecture.source import files, name_of, tree

SHARED: dict[str, str] = {}
"""Name -> why it stands for two things. May only shrink."""


def public_names(module: ast.Module) -> Iterator[str]:
    """Yield the public classes and type aliases of a module; constants in capitals are neither."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        yield from (n for n in names if n[0].isupper() and not n.isupper() and len(n) > 1)


def shared(modules: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Return the names that more than one module defines, with the modules."""
    places: dict[str, list[str]] = defaultdict(list)
    for place, module in modules.items():
        for name in set(public_names(module)):
            places[name].append(place)
    return {name: sorted(found) for name, found in places.items() if len(found) > 1}


def test_no_public_name_means_two_things() -> None:
    modules = {name_of(path): tree(path) for path in files()}
    assert {k: v for k, v in shared(modules).items() if k not in SHARED} == {}


def test_the_allow_list_only_shrinks() -> None:
    modules = {name_of(path): tree(path) for path in files()}
    assert set(SHARED) <= set(shared(modules)), "it means one thing now: take it off the list"


def test_a_name_that_two_modules_define_would_be_seen() -> None:
    one, two = ast.parse("class Question: ..."), ast.parse("Question = tuple[str, int]")
    other = ast.parse("QUESTION = 1\nclass _Question: ...\nT = int")
    assert shared({"a": one, "b": two, "c": other}) == {"Question": ["a", "b"]}
