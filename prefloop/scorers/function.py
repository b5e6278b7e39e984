"""A Python function as a scorer: `score(prompts, responses)`, in a file or from Python."""

import hashlib
import inspect
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import Any, ClassVar

from prefloop.access import is_there, why_closed
from prefloop.choices import chosen_kind
from prefloop.errors import InputError
from prefloop.registry import guess
from prefloop.run_paths import expanded
from prefloop.scorers.items import ScoringFunction, call_function, refuse_other_arguments
from prefloop.scorers.scorer import Scores
from prefloop.settings.section import Section

_HANDED_OVER: ContextVar[Mapping[str, ScoringFunction]] = ContextVar(
    "functions handed over in Python", default=MappingProxyType({})
)


class FunctionConfig(Section):
    """A function of your own. Its file is run when the scorer is needed, as any Python program."""

    file: str | None
    """Python file, looked for beside the run file and then from where prefloop is started; `null`
    is a function that is handed over in Python, see `prefloop.Run`."""

    function: str = "score"
    """Function in it: `score(prompts, responses)` returns one number per response."""


class FunctionScorer:
    """Scores as a function of the user's says."""

    name: ClassVar[str] = "function"
    description: ClassVar[str] = "a function of the user's"
    Settings = FunctionConfig

    def __init__(self, settings: FunctionConfig) -> None:
        self.place = "its file"
        """What messages say has changed where the content is another."""
        if settings.file is None:
            self._function = _handed_over(settings.function)
            refuse_other_arguments(self._function, settings.function)
            self.content_hash = function_hash(self._function)
            self.place = "the function"
            return
        path = expanded(settings.file)
        if problem := why_closed(path):
            raise InputError(f"the file {path} of the function {settings.function} {problem}")
        if not is_there(path) or not path.is_file():
            raise InputError(
                f"the file {settings.file} of the function {settings.function} does not exist "
                f"(looked from {Path.cwd()})."
            )
        source = path.read_bytes()
        self.content_hash = hashlib.sha256(source).hexdigest()
        self._function = _function(_module(path, source), settings.file, settings.function)
        refuse_other_arguments(self._function, settings.function)

    @staticmethod
    def sources(settings: FunctionConfig) -> frozenset[str]:
        """Return the function's file: what stands in one file may rest on one word list."""
        if settings.file is None:
            return frozenset({f"function {settings.function}"})
        return frozenset({os.path.relpath(expanded(settings.file))})

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return what the function returns; ItemProblem names a response that it fails on."""
        return call_function(self._function, prompts, responses)


@contextmanager
def handed_over(functions: Mapping[str, ScoringFunction]) -> Iterator[None]:
    """Let scorers of kind `function` without a file be these functions while the block runs."""
    before = _HANDED_OVER.set({**_HANDED_OVER.get(), **functions})
    try:
        yield
    finally:
        _HANDED_OVER.reset(before)


def is_handed_over(name: str, section: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a scorer of the `scorers:` section is a function that a process handed over, which is
    gone with it."""
    kind, raw = chosen_kind(section, name)
    return kind == FunctionScorer.name and raw.get("file") is None


def function_hash(function: ScoringFunction) -> str:
    """Return a hash of what a function is made of: the same where its lines are run again."""
    return hashlib.sha256(_code(function)).hexdigest()


def _handed_over(name: str) -> ScoringFunction:
    known = _HANDED_OVER.get()
    if name in known:
        return known[name]
    raise InputError(
        f"the function {name} was handed over in Python, and is not there in this process. Go on "
        f"with the lines of Python that began the run, prefloop.Run(folder, reward={name}, ...), "
        "or put it into a file and name that in the run file: {kind: function, file: FILE.py, "
        f"function: {name}}}."
    )


def _code(function: object, around: tuple[object, ...] = ()) -> bytes:
    """Return what a function is made of: code, defaults, and what it has enclosed or bound.

    The same in every process of one version of Python. What it calls is not looked at, nor what an
    object of a class of the user's holds. One `around` it, which it encloses in turn, counts once.
    """
    if any(function is known for known in around):
        return b"around"
    inside = (*around, function)
    if isinstance(function, partial):
        bound = [*function.args, *sorted(function.keywords.items())]
        return _code(function.func, inside) + _value(bound, inside)
    if inspect.ismethod(function):
        return _code(function.__func__, inside)
    if not inspect.isfunction(function):
        kind = type(function)
        return f"{kind.__module__}.{kind.__qualname__}".encode() + _instructions(kind.__call__)
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a name that has no value yet
            held.append(cell.cell_contents)
    return _instructions(function) + _value(held, inside)


def _instructions(function: object) -> bytes:
    """Return the source, or the code where the source is not to be had."""
    if inspect.isfunction(function):
        with suppress(OSError, TypeError):
            return inspect.getsource(function).encode()
    code = getattr(function, "__code__", function)
    if not isinstance(code, CodeType):
        return b""
    constants = b"".join(
        _instructions(constant) if isinstance(constant, CodeType) else repr(constant).encode()
        for constant in code.co_consts
    )
    return code.co_code + repr(code.co_names).encode() + constants


def _value(value: object, around: tuple[object, ...]) -> bytes:
    """Return a plain value as it is written, a function as what it is made of; of any other object
    its class."""
    if isinstance(value, int | float | complex | str | bytes | None):
        return repr(value).encode()
    if isinstance(value, tuple | list):
        return b"(" + b",".join(_value(part, around) for part in value) + b")"
    if isinstance(value, Mapping):
        return _value([*value.items()], around)
    return _code(value, around)


class _SourceLoader(SourceFileLoader):
    """Runs the bytes that were hashed: no cached bytecode, and no later version of the file."""

    def __init__(self, name: str, path: Path, source: bytes) -> None:
        super().__init__(name, str(path))
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._source, self.path)


def _module(path: Path, source: bytes) -> ModuleType:
    name = f"prefloop_function_{path.stem}"
    module = module_from_spec(ModuleSpec(name, _SourceLoader(name, path, source), origin=str(path)))
    # Dataclasses and pickling look a class's module up here.
    sys.modules[name] = module
    assert module.__spec__ is not None and module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)
    return module


def _function(module: ModuleType, file: str, name: str) -> ScoringFunction:
    found: ScoringFunction | None = getattr(module, name, None)
    if callable(found):
        return found
    known = [n for n, member in vars(module).items() if inspect.isfunction(member)]
    raise InputError(f"{file} has no function {name!r}{guess(name, known)}")
