"""The page about the Python interface, from the docstrings of what `import prefloop` offers."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise

import prefloop
from docs.markdown import markdown_table

TITLES = {"Args": "Argument", "Attributes": "Attribute", "Raises": "Error"}
"""Parts of a docstring that become a table, with the head of its first column."""
ENTRY = re.compile(r"(\*{0,2}[\w.]+): (.*)")


def python_page() -> str:
    """Return every public name with its methods, what they take, return and raise."""
    lines = [
        "# The Python interface",
        "",
        "What `import prefloop` offers; other modules may change with any version.",
        "[Use prefloop from Python](../how-to/use-from-python.md) shows it at work.",
    ]
    for name in prefloop.__all__:
        chosen = getattr(prefloop, name)
        lines += ["", f"## prefloop.{name}", ""]
        if not issubclass(chosen, Exception) and chosen.__init__ is not object.__init__:
            lines += ["```python", f"prefloop.{name}{_signature(chosen.__init__)}", "```", ""]
        lines += _doc_lines(chosen)
        lines += ["", *markdown_table(["Field", "What it is"], _fields(chosen))]
        for member, described in public_members(chosen):
            if isinstance(described, property):
                lines += ["", f"### {name}.{member}", "", *_doc_lines(described)]
            else:
                call = f"{name}.{member}{_signature(described)}"
                lines += ["", f"### {name}.{member}()", "", "```python", call, "```", ""]
                lines += _doc_lines(described)
    return "\n".join(lines)


def public_members(chosen: type) -> Iterator[tuple[str, property | Callable[..., object]]]:
    """Yield the public methods and properties of a class, then those of the one that it extends."""
    for kind in (chosen, *(base for base in chosen.__bases__ if base.__module__ != "builtins")):
        for name, member in vars(kind).items():
            if not name.startswith("_") and (isinstance(member, property) or callable(member)):
                yield name, member


def _fields(chosen: type) -> list[list[str]]:
    """Return the fields of a dataclass, each with the text that stands under it."""
    if not is_dataclass(chosen):
        return []
    (made,) = ast.parse(inspect.cleandoc(inspect.getsource(chosen))).body
    assert isinstance(made, ast.ClassDef)
    said: dict[str, str] = {}
    for field, under in pairwise([*made.body, ast.Pass()]):
        if isinstance(field, ast.AnnAssign):
            text = ast.unparse(under) if isinstance(under, ast.Expr) else "''"
            said[ast.unparse(field.target)] = " ".join(str(ast.literal_eval(text)).split())
    return [[f"`{field.name}`", said[field.name]] for field in fields(chosen)]


def _signature(function: Callable[..., object]) -> str:
    """Return what a function takes, without types: the table under it says what is meant."""
    found = inspect.signature(function)
    taken = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in found.parameters.items()
        if name != "self"
    ]
    return str(found.replace(parameters=taken, return_annotation=inspect.Signature.empty))


def _doc_lines(described: object) -> list[str]:
    """Return a docstring as Markdown: its parts of arguments and errors as tables."""
    lines: list[str] = []
    for block in (inspect.getdoc(described) or "").split("\n\n"):
        title, _, rest = block.partition(":\n")
        if title in TITLES:
            lines += markdown_table([TITLES[title], "What it is"], _entries(rest))
        elif block.startswith(">>>"):
            lines += ["```python", *block.splitlines(), "```"]
        elif title == "Returns":
            lines.append(f"Returns: {' '.join(rest.split())}")
        else:
            lines += block.splitlines()
        lines.append("")
    return lines[:-1]


def _entries(text: str) -> list[list[str]]:
    """Return the entries of a part, each a name and what is said of it."""
    entries: list[list[str]] = []
    for line in inspect.cleandoc(text).splitlines():
        match = ENTRY.fullmatch(line)
        if match is not None:
            entries.append([f"`{match[1]}`", match[2]])
        else:
            entries[-1][1] += f" {line.strip()}"
    return entries
