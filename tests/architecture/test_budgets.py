"""Files of at most 350 lines, functions of at most 40; what is longer says why."""

import ast

from tests.architecture.source import files, functions, name_of, tree

FILE_LINES = 350
FUNCTION_LINES = 40

LONG_FILES: dict[str, str] = {}
"""File -> reason. May only shrink."""

LONG_FUNCTIONS = {
    "prefloop/policy/improve.py:improve_microbatch": "three calls whose arguments are all named",
    "prefloop/store/migrations/versions/m0001_initial.py:_create_labels": "a migration that has "
    "been released never changes",
}
"""file:function -> reason. May only shrink."""


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


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines, first to last, without its decorators."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_files_keep_their_budget() -> None:
    assert {k: n for k, n in long_files().items() if k not in LONG_FILES} == {}


def test_functions_keep_their_budget() -> None:
    assert {k: n for k, n in long_functions().items() if k not in LONG_FUNCTIONS} == {}


def test_the_allow_lists_only_shrink() -> None:
    assert set(LONG_FILES) <= set(long_files()), "short enough now: take it off the list"
    assert set(LONG_FUNCTIONS) <= set(long_functions()), "short enough now: take it off the list"
    assert all((LONG_FILES | LONG_FUNCTIONS).values()), "an exception needs its reason"


def test_the_length_of_a_function_is_counted() -> None:
    module = ast.parse("def f():\n" + "    x = 1\n" * 40)
    [(name, function)] = functions(module)
    assert (name, length(function)) == ("f", FUNCTION_LINES + 1)
