"""Files of at most 350 lines, classes of 200 and 12 public methods, functions of 40.

What is longer says why.
"""

import ast

from tests.architecture.source import files, functions, name_of, tree

FILE_LINES = 350
FUNCTION_LINES = 40
CLASS_LINES = 200
PUBLIC_METHODS = 12

LONG_FILES: dict[str, str] = {}
"""File -> reason. May only shrink."""

LONG_FUNCTIONS = {
    "prefloop/store/migrations/versions/m0001_initial.py:_create_labels": "a migration that has "
    "been released never changes",
}
"""file:function -> reason. May only shrink."""


LARGE_CLASSES = {
    "prefloop/store/store.py:Store": "the one door to the database: a method per kind of record",
}
"""file:class -> reason. May only shrink."""


def long_files() -> dict[str, int]:
    """Return the files beyond the budget with their lengths."""
    lengths = {name_of(p): len(p.read_text(encoding="utf-8").splitlines()) for p in files()}
    return {name: n for name, n in lengths.items() if n > FILE_LINES}


def long_functions() -> dict[str, int]:
    """Return the functions beyond the budget with their lengths, docstrings included."""
    return {
        f"{name_of(path)}:{name}": length(function)
        for path in files()
        for name, function in functions(tree(path))
        if length(function) > FUNCTION_LINES
    }


def large_classes() -> set[str]:
    """Return the classes beyond either budget."""
    return {
        f"{name_of(path)}:{node.name}"
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and is_large(node)
    }


def is_large(node: ast.ClassDef) -> bool:
    """Say whether a class has too many lines or too many public methods."""
    methods = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    n_public = sum(not method.name.startswith("_") for method in methods)
    return length(node) > CLASS_LINES or n_public > PUBLIC_METHODS


def length(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """Return the lines of a function or class, first to last, without its decorators."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_keep_their_budget() -> None:
    assert {k: n for k, n in long_files().items() if k not in LONG_FILES} == {}


def test_functions_keep_their_budget() -> None:
    assert {k: n for k, n in long_functions().items() if k not in LONG_FUNCTIONS} == {}


def test_classes_keep_their_budget() -> None:
    assert large_classes() - set(LARGE_CLASSES) == set()


def test_the_allow_lists_only_shrink() -> None:
    assert set(LARGE_CLASSES) <= large_classes(), "small enough now: take it off the list"
    assert set(LONG_FILES) <= set(long_files()), "short enough now: take it off the list"
    assert set(LONG_FUNCTIONS) <= set(long_functions()), "short enough now: take it off the list"
    assert all((LONG_FILES | LONG_FUNCTIONS | LARGE_CLASSES).values()), (
        "an exception needs its reason"
    )


def test_the_length_of_a_function_is_counted() -> None:
    module = ast.parse("def f():\n" + "    x = 1\n" * 40)
    [(name, function)] = functions(module)
    assert (name, length(function)) == ("f", FUNCTION_LINES + 1)


def test_a_class_of_many_lines_or_methods_is_seen() -> None:
    small = "class Small:\n" + "    def f(self): ...\n" * PUBLIC_METHODS
    (wide, tall, kept) = (
        ast.parse(text).body[0]
        for text in (
            small + "    def g(self): ...\n",
            "class Tall:\n" + "    x = 1\n" * CLASS_LINES,
            small + "    def _g(self): ...\n",
        )
    )
    assert isinstance(wide, ast.ClassDef) and is_large(wide)
    assert isinstance(tall, ast.ClassDef) and is_large(tall)
    assert isinstance(kept, ast.ClassDef) and not is_large(kept)
