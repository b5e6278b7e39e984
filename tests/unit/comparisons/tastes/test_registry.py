"""Tastes and judges by name, and what is refused."""

import sys
from pathlib import Path

import numpy as np
import pytest

from prefloop.comparisons.tastes.registry import (
    BUILT_IN,
    FAMILIES,
    JUDGES,
    build_judge,
    build_taste,
    family_of,
)
from prefloop.errors import SettingsError
from tests.tolerances import FP64

TEXTS = ["A lovely day by the sea.", "A long and dreadful night of war and hunger."]


@pytest.fixture
def politeness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package on the path, installed the way pip leaves it."""
    info = tmp_path / "polite-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: polite\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[prefloop.tastes]\n"
        "politeness = polite_taste:PolitenessTaste\n"
        "length = polite_taste:PolitenessTaste\n"
    )
    (tmp_path / "polite_taste.py").write_text(
        "import numpy as np\n"
        "class PolitenessTaste:\n"
        "    family = 'manners'\n"
        "    def score(self, prompts, responses):\n"
        "        return np.array([float('please' in r) for r in responses])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "polite_taste", raising=False)


def test_a_mix_is_the_weighted_sum() -> None:
    parts = [build_taste({name: 1.0}).score(TEXTS, TEXTS) for name in ("sentiment", "length")]
    mixed = build_taste({"sentiment": 2.0, "length": -0.5}).score(TEXTS, TEXTS)
    np.testing.assert_allclose(mixed, 2 * parts[0] - 0.5 * parts[1], **FP64)
    assert mixed.dtype == np.float64


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_taste_scores(name: str) -> None:
    scores = build_taste({name: 1.0}).score([TEXTS[0], ""], [TEXTS[0], ""])
    assert scores.shape == (2,) and np.isfinite(scores).all()
    assert build_taste({name: 1.0}).score([], []).shape == (0,)


def test_every_taste_and_judge_has_a_family() -> None:
    assert set(FAMILIES) == set(BUILT_IN)
    assert set(JUDGES.values()) <= set(FAMILIES)
    assert JUDGES["classifier"] == "sentiment"


def test_unknown_tastes_are_all_named_with_a_guess() -> None:
    with pytest.raises(SettingsError) as error:
        build_taste({"sentimant": 1.0, "lenght": 1.0, "length": 1.0})
    message = str(error.value)
    assert "2 problems" in message
    assert "'sentimant' is not known; did you mean 'sentiment'?" in message
    assert "did you mean 'length'?" in message


def test_no_taste_is_refused() -> None:
    with pytest.raises(SettingsError, match="names no taste"):
        build_taste({})


@pytest.mark.parametrize(
    ("judge", "taste"),
    [
        ("classifier", "sentiment"),
        ("sentiment", "sentiment"),
        ("lexicon", "lexicon"),
        ("copying", "accuracy_in_a_hurry"),
    ],
)
def test_a_judge_of_the_labelers_family_is_refused(judge: str, taste: str) -> None:
    with pytest.raises(SettingsError, match="the labels came from it") as error:
        build_judge(judge, {taste: 1.0, "length": 0.1})
    assert "Choose one of" in str(error.value)
    offered = str(error.value).rsplit("Choose one of: ", 1)[1]
    assert judge not in offered.rstrip(".").split(", ")


def test_a_taste_of_weight_zero_does_not_label() -> None:
    build_judge("classifier", {"sentiment": 0.0, "length": 1.0})


@pytest.mark.parametrize(
    ("judge", "taste"), [("lexicon", "sentiment"), ("imagery", "descriptiveness")]
)
def test_an_independent_judge_is_allowed(judge: str, taste: str) -> None:
    scores = build_judge(judge, {taste: 1.0}).score(TEXTS, TEXTS)
    assert scores.shape == (2,)
    assert not np.allclose(scores, build_taste({taste: 1.0}).score(TEXTS, TEXTS))


def test_an_unknown_judge_gets_a_guess() -> None:
    with pytest.raises(SettingsError, match="did you mean 'lexicon'"):
        build_judge("lexikon", {"sentiment": 1.0})


def test_a_package_registers_a_taste_with_one_line(politeness: None) -> None:
    scores = build_taste({"politeness": 3.0}).score(["", ""], ["Yes please", "No"])
    assert scores.tolist() == [3.0, 0.0]
    assert family_of("politeness") == "manners"
    with pytest.raises(SettingsError, match="manners"):
        build_judge("politeness", {"politeness": 1.0})


def test_a_package_cannot_change_what_a_built_in_name_means(politeness: None) -> None:
    assert build_taste({"length": 1.0}).score([""], ["Yes please"])[0] != 1.0
