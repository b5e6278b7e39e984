"""SQL, printing, HTML and tensor arithmetic each in its place; and no data that runs."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from prefloop.run_file import RunFileLoader
from tests.architecture.source import PACKAGE, ROOT, called, files, imported, name_of, tree

Fault = tuple[int, str]
Exclusion = Callable[[ast.Module], Iterator[Fault]]

EVERYTHING = [
    path
    for folder in ("prefloop", "pretraining", "scorer_training", "docs")
    for path in files(ROOT / folder)
]
OUTSIDE_STORE = [path for path in files() if path.parts[len(PACKAGE.parts)] != "store"]
OUTSIDE_CLI = [path for path in files() if path.parts[len(PACKAGE.parts)] != "cli"]
WITH_TENSORS = ("functional", "models")
STAGES = [path for path in files() if path.parts[len(PACKAGE.parts)] not in WITH_TENSORS]

SQL_WORDS = re.compile(
    r"\b(SELECT\s+.+\s+FROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE|PRAGMA)\b"
)
HTML_TAGS = re.compile(r"</?(html|head|body|div|span|table|tr|td|th|ul|li|script|style|h[1-6])\b")
ARITHMETIC = frozenset(
    [
        *("exp", "expm1", "log", "log1p", "log2", "softmax", "log_softmax", "logsumexp"),
        *("sigmoid", "logsigmoid", "softplus", "tanh", "relu", "clamp", "clip", "clamp_min"),
        *("sqrt", "rsqrt", "square", "pow", "gather", "masked_fill", "cumsum", "matmul", "einsum"),
        *("bmm", "var", "std", "norm", "cross_entropy", "mse_loss", "nll_loss", "kl_div", "grad"),
        "binary_cross_entropy_with_logits",
    ]
)
"""Calls that make one tensor from another by a formula."""

BROAD_EXCEPTS: dict[str, str] = {}
"""File -> why it must catch everything. May only shrink."""

ARITHMETIC_KEPT: dict[str, str] = {}
"""file:call -> reason. May only shrink."""

SAFE_LOADERS = ("SafeLoader", "CSafeLoader", "RunFileLoader")
TRUST = "trust_remote_code"
"""Whether transformers may run code in a model folder; it asks at the terminal if not told."""
RUNS_DATA = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def texts(module: ast.Module, pattern: re.Pattern[str]) -> Iterator[Fault]:
    """Find the texts in which a pattern occurs."""
    for node in ast.walk(module):
        match node:
            case ast.Constant(value=str(text)) if pattern.search(text):
                yield node.lineno, text[:60]


def sql(module: ast.Module) -> Iterator[Fault]:
    """Find SQL in texts, and the libraries that speak it."""
    for name, line in imported(module):
        if name.split(".")[0] in ("sqlalchemy", "alembic", "sqlite3", "psycopg"):
            yield line, f"import {name}"
    yield from texts(module, SQL_WORDS)


def printing(module: ast.Module) -> Iterator[Fault]:
    """Find what writes to the terminal."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) == "print":
            yield node.lineno, "print"
        if isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr"):
            yield node.lineno, f"sys.{node.attr}"


def html(module: ast.Module) -> Iterator[Fault]:
    """Find tags of a page in texts; SVG shapes are drawings, not pages."""
    yield from texts(module, HTML_TAGS)


def tensor_arithmetic(module: ast.Module) -> Iterator[Fault]:
    """Find formulas over tensors in a file that handles tensors."""
    if not any(name.split(".")[0] == "torch" for name, _ in imported(module)):
        return
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        first, last = name.split(".")[0], name.split(".")[-1]
        if last in ARITHMETIC and "." in name and first not in ("math", "np"):
            yield node.lineno, last
        if last == "backward" and any(isinstance(n, ast.BinOp) for n in ast.walk(node.func)):
            yield node.lineno, "backward of an expression"


def broad_excepts(module: ast.Module) -> Iterator[Fault]:
    """Find handlers that swallow bugs: the last statement raises neither the bug nor from it."""
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler) and not _raises_again(node):
            caught = "" if node.type is None else ast.unparse(node.type)
            if caught in ("", "Exception", "BaseException"):
                yield node.lineno, f"except {caught}"


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether the last statement raises the caught error, or another one with it as its cause."""
    last = handler.body[-1]
    if not isinstance(last, ast.Raise):
        return False
    is_cause = isinstance(last.cause, ast.Name) and last.cause.id == handler.name
    return last.exc is None or is_cause


def data_that_runs(module: ast.Module) -> Iterator[Fault]:
    """Find ways for a file that somebody hands over to run code here."""
    for name, line in imported(module):
        if name.split(".")[0] in RUNS_DATA:
            yield line, f"import {name}"
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        unsafe = name in ("eval", "exec", "compile", "__import__", "os.system")
        if unsafe or name in ("yaml.unsafe_load", "yaml.full_load"):
            yield node.lineno, name
        given = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if name == "torch.load" and given.get("weights_only") != "True":
            yield node.lineno, "torch.load without weights_only=True"
        if name == "yaml.load" and given.get("Loader", "").split(".")[-1] not in SAFE_LOADERS:
            yield node.lineno, "yaml.load without a safe loader"
        opens = name.split(".")[0].lower().startswith("auto") and "." in name
        if opens and name.endswith(("pretrained", "from_config")) and TRUST not in given:
            yield node.lineno, f"{name} without {TRUST}=False"
        for switch in (TRUST, "allow_pickle", "shell"):
            if given.get(switch, "False") != "False":
                yield node.lineno, f"{switch}={given[switch]}"


def found(rule: Exclusion, paths: list[Path]) -> list[str]:
    """Return a rule's faults as file:line: what."""
    return [f"{name_of(p)}:{line}: {what}" for p in paths for line, what in rule(tree(p))]


def keys(rule: Exclusion, paths: list[Path]) -> set[str]:
    """Return a rule's faults as file:what, which an edit elsewhere in the file leaves alone."""
    return {f"{name_of(p)}:{what}" for p in paths for _, what in rule(tree(p))}


@pytest.mark.parametrize(
    ("rule", "paths"),
    [(sql, OUTSIDE_STORE), (printing, OUTSIDE_CLI), (html, files()), (data_that_runs, EVERYTHING)],
    ids=["sql only in store", "print only in cli", "html only in templates", "data never runs"],
)
def test_everything_is_in_its_place(rule: Exclusion, paths: list[Path]) -> None:
    assert found(rule, paths) == []


def test_formulas_are_in_functional_and_models() -> None:
    assert keys(tensor_arithmetic, STAGES) - set(ARITHMETIC_KEPT) == set()
    assert set(ARITHMETIC_KEPT) <= keys(tensor_arithmetic, STAGES), "gone: take it off the list"


def test_nothing_swallows_our_own_bugs() -> None:
    there = {name_of(path) for path in EVERYTHING if list(broad_excepts(tree(path)))}
    assert there == set(BROAD_EXCEPTS)


def test_the_run_files_loader_is_a_safe_one() -> None:
    assert issubclass(RunFileLoader, yaml.SafeLoader)


def test_packages_re_export_nothing() -> None:
    """The one exception is what users of Python import: `prefloop` itself, which loads it late."""
    there = [path for path in files() if path.name == "__init__.py"]
    crowded = [
        name_of(path)
        for path in there
        if any(
            isinstance(n, ast.Import | ast.ImportFrom | ast.FunctionDef) for n in tree(path).body
        )
    ]
    assert crowded == ["prefloop/__init__.py"]
    assert [name_of(path) for path in there if not ast.get_docstring(tree(path))] == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (sql, "import sqlite3"),
        (sql, "q = 'SELECT id FROM labels'"),
        (printing, "print(1)"),
        (printing, "sys.stderr.write('x')"),
        (html, "page = '<table>'"),
        (tensor_arithmetic, "import torch\nratio = (new - old).exp()"),
        (tensor_arithmetic, "from torch.nn import functional as F\nF.softmax(x, dim=1)"),
        (tensor_arithmetic, "import torch\n(a + 2 * b).backward()"),
        (broad_excepts, "try:\n    x\nexcept Exception:\n    pass"),
        (broad_excepts, "try:\n    x\nexcept:\n    pass"),
        (broad_excepts, "try:\n    x\nexcept Exception as error:\n    raise Our('x') from None"),
        (data_that_runs, "import pickle"),
        (data_that_runs, "torch.load('x.pt')"),
        (data_that_runs, "eval('1')"),
        (data_that_runs, "yaml.load(text)"),
        (data_that_runs, "yaml.load(text, Loader=yaml.Loader)"),
        (data_that_runs, "AutoModel.from_pretrained(x, trust_remote_code=True)"),
        (data_that_runs, "AutoModel.from_pretrained(x)"),
    ],
)
def test_a_fault_would_be_seen(rule: Exclusion, source: str) -> None:
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (sql, "text = 'labels are kept from update to update'"),
        (tensor_arithmetic, "import math, torch\nmath.exp(1.0)"),
        (tensor_arithmetic, "import torch\nloss.backward()\nscores.mean().item()"),
        (data_that_runs, "model.eval()\nre.compile('x')"),
        (data_that_runs, "yaml.load(text, Loader=yaml.SafeLoader)"),
        (data_that_runs, "torch.load(path, weights_only=True)"),
        (broad_excepts, "try:\n    x\nexcept ValueError:\n    pass"),
        (broad_excepts, "try:\n    x\nexcept BaseException:\n    undo()\n    raise"),
        (broad_excepts, "try:\n    x\nexcept Exception as error:\n    raise Our('x') from error"),
    ],
)
def test_what_is_in_its_place_is_left_alone(rule: Exclusion, source: str) -> None:
    assert not list(rule(ast.parse(source)))
