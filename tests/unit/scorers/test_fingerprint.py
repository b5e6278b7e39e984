"""A fingerprint changes with whatever changes the scores, and with nothing else."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from prefloop.registry import SCORERS
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.fingerprint import files_hash, source_hash
from prefloop.scorers.scorer import Scores
from prefloop.scorers.sentiment import WEIGHTS, SentimentScorer
from prefloop.settings.section import Section

PLAIN = ("sentiment", "lexicon", "descriptiveness", "imagery", "length", "copying")


def test_the_same_scorer_has_the_same_fingerprint_and_another_has_another() -> None:
    first = {name: build_scorer(name, {}).fingerprint for name in PLAIN}
    assert first == {name: build_scorer(name, {}).fingerprint for name in PLAIN}
    assert len(set(first.values())) == len(PLAIN)


class _Scaled:
    name: ClassVar[str] = "scaled"
    sources: ClassVar[frozenset[str]] = frozenset({"nothing"})
    description: ClassVar[str] = "a scaled scorer"

    class Settings(Section):
        scale: float = 1.0

    def __init__(self, settings: Settings) -> None:
        self.scale = settings.scale

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        return np.full(len(responses), self.scale)


def test_changed_settings_change_it() -> None:
    prints = []
    for scale in (1.0, 1.0, 2.0):
        settings = _Scaled.Settings(scale=scale)
        prints.append(CheckedScorer("scaled", _Scaled(settings), settings).fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_settings_that_change_no_score_change_nothing() -> None:
    """A run that is slowed down, or pays another price, has not to be judged again."""
    entry = {"kind": "openai", "base_url": "http://h/v1", "model": "m"}

    def print_of(**settings: object) -> str:
        return build_scorer("mine", {"mine": {**entry, **settings}}).fingerprint

    assert print_of() == print_of(concurrency=1, timeout_seconds=9.0, prices={"prompt": 1.0})
    for settings in (
        {"model": "n"},
        {"template": "{response}?"},
        {"scale": 2.0},
        {"max_tokens": 1},
    ):
        assert print_of(**settings) != print_of()


def test_changed_weights_change_it(tmp_path: Path) -> None:
    copy = tmp_path / "weights.safetensors"
    copy.write_bytes(WEIGHTS.read_bytes())
    same = CheckedScorer("sentiment", SentimentScorer(copy)).fingerprint
    assert same == build_scorer("sentiment", {}).fingerprint
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1  # one bit of the last weight
    copy.write_bytes(data)
    assert CheckedScorer("sentiment", SentimentScorer(copy)).fingerprint != same


@pytest.mark.parametrize("name", ["descriptiveness", "imagery", "accuracy_in_a_hurry"])
def test_word_lists_are_part_of_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build_scorer(name, {}).fingerprint
    monkeypatch.setattr(SCORERS.load(name), "content_hash", files_hash([Path(__file__)]))
    assert build_scorer(name, {}).fingerprint != before


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose scorer uses a function of another of its modules."""
    folder = tmp_path / "fingerprinted"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "unused.py").write_text("X = 1\n")
    (folder / "counting.py").write_text("def count(text):\n    return len(text)\n")
    (folder / "scorer.py").write_text("from fingerprinted.counting import count\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def _imported(before: str | None = None, *, replaced: str | None = None) -> str:
    """Return the hash of the scorer, imported anew after another, or with a member replaced."""
    for name in [name for name in sys.modules if name.startswith("fingerprinted")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    if before is not None:
        importlib.import_module(before)
    scorer = importlib.import_module("fingerprinted.scorer")
    if replaced is not None:
        setattr(scorer, replaced, pytest)
    return source_hash(scorer)


def test_changed_source_code_changes_it_wherever_the_scorer_uses_it(package: Path) -> None:
    before = _imported()
    assert _imported() == before
    (package / "unused.py").write_text("X = 2\n")
    assert _imported() == before
    (package / "counting.py").write_text("def count(text):\n    return len(text) + 1 + 0\n")
    changed = _imported()
    assert changed != before
    (package / "scorer.py").write_text("from fingerprinted.counting import count\nY = 1\n")
    assert _imported() not in (before, changed)


def test_what_the_process_did_besides_does_not(package: Path) -> None:
    """The same code, hashed by two processes, gives the same: a run goes on with stored scores."""
    (package / "scorer.py").write_text(
        "from typing import TYPE_CHECKING\nfrom fingerprinted import counting\n"
        "if TYPE_CHECKING:\n    from fingerprinted.unused import X\n"
    )
    before = _imported()
    assert _imported("fingerprinted.unused") == before
    assert _imported(replaced="counting") == before


@pytest.mark.parametrize(
    "imports",
    [
        "import fingerprinted.counting",
        "from fingerprinted import counting",
        "from . import counting as c",
        "try:\n    from .counting import count\nexcept ImportError:\n    raise",
        "from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    from .counting import count",
        "class Scorer:\n    from fingerprinted.counting import count",
    ],
)
def test_whatever_way_it_imports_is_followed(package: Path, imports: str) -> None:
    (package / "scorer.py").write_text(f"{imports}\n")
    before = _imported()
    (package / "counting.py").write_text("def count(text):\n    return 2\n")
    assert _imported() != before


def test_what_a_branch_may_import_counts_whoever_loaded_it(package: Path) -> None:
    """The platform decides what runs; what another part of the process loaded does not."""
    (package / "scorer.py").write_text(
        "import sys\nif sys.platform == 'nowhere':\n    from fingerprinted import counting\n"
    )
    before = _imported()
    assert _imported("fingerprinted.counting") == before


def test_a_constant_of_the_package_is_reached_through_its_module(package: Path) -> None:
    (package / "scorer.py").write_text("import fingerprinted.counting\nY = fingerprinted.__doc__\n")
    before = _imported()
    (package / "__init__.py").write_text("X = 2\n")
    assert _imported() != before


@pytest.mark.parametrize("place", ["fingerprinted.words", ".words"])
def test_changed_constants_of_another_module_change_it(package: Path, place: str) -> None:
    """A list of words does not say which module it is from."""
    (package / "words.py").write_text("WORDS = ['please']\n")
    (package / "scorer.py").write_text(f"from {place} import WORDS\n")
    before = _imported()
    (package / "words.py").write_text("WORDS = ['please', 'thanks']\n")
    assert _imported() != before
