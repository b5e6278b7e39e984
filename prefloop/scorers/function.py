"""A Python function as a scorer: `score(prompts, responses)` in a file of the user's."""

import hashlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import ClassVar

import numpy as np

from prefloop.errors import InputError
from prefloop.registry import guess
from prefloop.scorers.scorer import Scores
from prefloop.settings.section import Section


class FunctionConfig(Section):
    """A function of your own. Its file is run when the scorer is needed, as any Python program."""

    file: str
    """Python file, looked for beside the run file and then from where prefloop is started."""

    function: str = "score"
    """Function in it: `score(prompts, responses)` returns one number per response."""


class FunctionScorer:
    """Scores as a function of the user's says."""

    name: ClassVar[str] = "function"
    description: ClassVar[str] = "a function of the user's"
    Settings = FunctionConfig

    def __init__(self, settings: FunctionConfig) -> None:
        path = Path(settings.file).expanduser()
        if not path.is_file():
            raise InputError(
                f"the file {settings.file} of the function {settings.function} does not exist "
                f"(looked from {Path.cwd()})."
            )
        source = path.read_bytes()
        self.content_hash = hashlib.sha256(source).hexdigest()
        self._function = _function(_module(path, source), settings)

    @staticmethod
    def sources(settings: FunctionConfig) -> frozenset[str]:
        """Return the function's file: what stands in one file may rest on one word list."""
        return frozenset({os.path.relpath(Path(settings.file).expanduser())})

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return what the function returns."""
        return np.asarray(self._function(list(prompts), list(responses)), dtype=np.float64)


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


def _function(module: ModuleType, settings: FunctionConfig) -> Callable[..., object]:
    found: Callable[..., object] | None = getattr(module, settings.function, None)
    if callable(found):
        return found
    known = [n for n, member in vars(module).items() if inspect.isfunction(member)]
    raise InputError(
        f"{settings.file} has no function {settings.function!r}{guess(settings.function, known)}"
    )
