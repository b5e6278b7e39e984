"""A Python function as a scorer: `score(prompts, responses)`, in a file or from Python."""

import hashlib
import inspect
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import ClassVar

from prefloop.errors import InputError
from prefloop.registry import guess
from prefloop.scorers.items import ScoringFunction, call_function
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
        if settings.file is None:
            self._function = _handed_over(settings.function)
            self.content_hash = hashlib.sha256(_code(self._function)).hexdigest()
            return
        path = Path(settings.file).expanduser()
        if not path.is_file():
            raise InputError(
                f"the file {settings.file} of the function {settings.function} does not exist "
                f"(looked from {Path.cwd()})."
            )
        source = path.read_bytes()
        self.content_hash = hashlib.sha256(source).hexdigest()
        self._function = _function(_module(path, source), settings.file, settings.function)

    @staticmethod
    def sources(settings: FunctionConfig) -> frozenset[str]:
        """Return the function's file: what stands in one file may rest on one word list."""
        if settings.file is None:
            return frozenset({f"function {settings.function}"})
        return frozenset({os.path.relpath(Path(settings.file).expanduser())})

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


def _code(function: ScoringFunction) -> bytes:
    """Return what a function is made of: its source, or its name where that is not to be had."""
    try:
        return inspect.getsource(function).encode()
    except (OSError, TypeError):
        return repr(getattr(function, "__qualname__", type(function).__qualname__)).encode()


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
