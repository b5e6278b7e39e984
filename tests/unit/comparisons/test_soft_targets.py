"""How much better a sample was said to be, and why: checks, soft targets, files, labelers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.comparisons.exchange.formats import export_file, import_file
from prefloop.comparisons.labelers.synthetic import SyntheticLabeler
from prefloop.comparisons.questions import questions_of
from prefloop.comparisons.targets import preference_targets
from prefloop.errors import SettingsError, StoreError
from prefloop.label_types.ranking.type import stage_votes
from prefloop.records import Comparison, Label
from prefloop.run_file import parse_run
from prefloop.scorers.length import LengthScorer
from prefloop.settings.comparisons import SyntheticConfig
from prefloop.settings.rewards import StrengthConfig
from prefloop.store.store import Store
from tests.unit.comparisons.builders import make_label, make_prompt, make_samples

PROMPT = make_prompt(0)
SAMPLES = make_samples(("one", "one two three four", "one two"), prompt=PROMPT)
IDS = tuple(sample.id for sample in SAMPLES)


def asked(n: int, label_type: str | None = None) -> Comparison:
    return Comparison(
        id=f"c{n}{label_type or ''}",
        prompt_id="p0",
        sample_ids=IDS[:n],
        round=0,
        split="train",
        label_type=label_type,
    )


def said(comparison: Comparison, labeler: str = "ann", **details: Any) -> Label:
    label = make_label(comparison, labeler, "best", IDS[0])
    return replace(label, details=details)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        opened.add_prompts([PROMPT])
        opened.add_samples(SAMPLES)
        opened.add_comparisons([asked(2), asked(3), asked(3, "ranking")])
        yield opened


@pytest.mark.parametrize(
    ("n", "strength", "wanted"),
    [
        (2, "slightly", (0.75, 0.25)),
        (2, "clearly", (1.0, 0.0)),
        (2, None, (1.0, 0.0)),
        (3, "slightly", (4 / 6, 1 / 6, 1 / 6)),
    ],
)
def test_a_slight_preference_is_half_a_vote_and_half_a_tie(
    n: int, strength: str | None, wanted: tuple[float, ...]
) -> None:
    [target] = preference_targets([asked(n)], [said(asked(n), strength=strength)], StrengthConfig())
    assert target.probabilities == pytest.approx(wanted)


def test_the_map_is_a_setting() -> None:
    label, strength = said(asked(2), strength="slightly"), StrengthConfig(slightly=0.2)
    [target] = preference_targets([asked(2)], [label], strength)
    assert target.probabilities == pytest.approx((0.6, 0.4))
    [target] = preference_targets([asked(2)], [label, said(asked(2), "bob")], strength)
    assert target.probabilities == pytest.approx((0.8, 0.2))
    with pytest.raises(SettingsError, match=r"slightly 0\.9 counts more than clearly 0\.5"):
        parse_run({"rewards": {"strength": {"slightly": 0.9, "clearly": 0.5}}}, "run.yaml")


def test_a_slight_ranking_moves_every_choice_towards_a_tie() -> None:
    comparison, ranking = asked(3, "ranking"), [[name] for name in IDS]
    label = said(comparison, ranking=ranking, strength="slightly")
    [target] = preference_targets([comparison], [label], StrengthConfig())
    expected = 0.5 * stage_votes(ranking, IDS) + 0.5 * stage_votes([IDS], IDS)
    np.testing.assert_allclose(np.array(target.values), expected)


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"strength": "very"}, "details.strength: Input should be 'slightly' or 'clearly'"),
        ({"reasons": "shorter"}, "details.reasons: Input should be a valid"),
        ({"reasons": ["a", "b", "a"]}, "details.reasons: Value error, 'a' stands there twice"),
        ({"reasons": [""]}, "details.reasons.0: String should have at least 1 character"),
        ({"reasons": ["x" * 41]}, "details.reasons.0: String should have at most 40 characters"),
        ({"reasons": list("abcdefg")}, "details.reasons: Tuple should have at most 6 items"),
    ],
)
def test_what_is_no_strength_and_no_reason_is_refused(
    store: Store, details: dict[str, Any], told: str
) -> None:
    with pytest.raises(StoreError, match=told):
        store.add_label(said(asked(2), **details))
    tie = replace(make_label(asked(2), "ann", "tie"), details={"strength": "slightly"})
    with pytest.raises(StoreError, match="says `tie` and yet has details"):
        store.add_label(tie)


def test_they_stand_in_files_and_come_back(store: Store, tmp_path: Path) -> None:
    label = said(asked(2), strength="slightly", reasons=["shorter", "kinder"])
    store.add_label(label)
    for name in ("raw", "openai_2020"):
        path = tmp_path / f"{name}.jsonl"
        export_file(store, path, name)
        with Store.open(tmp_path / f"{name}.db") as other:
            import_file(other, path, name)
            assert [x.details for x in other.labels()] == [label.details]
    store.add_label(said(asked(3)))
    export_file(store, tmp_path / "trl.jsonl", "trl")
    rows = [json.loads(line) for line in (tmp_path / "trl.jsonl").read_text().splitlines()]
    assert [row.get("strength") for row in rows] == ["slightly", None, None]
    assert rows[0]["reasons"] == ["shorter", "kinder"]


def test_an_old_confidence_is_read_and_written(store: Store, tmp_path: Path) -> None:
    store.add_label(replace(said(asked(2)), confidence=0.67))
    export_file(store, tmp_path / "raw.jsonl", "raw")
    with Store.open(tmp_path / "other.db") as other:
        import_file(other, tmp_path / "raw.jsonl", "raw")
        assert [x.confidence for x in other.labels()] == [0.67]


@pytest.mark.parametrize(("margin", "wanted"), [(0.0, None), (1.0, "clearly"), (90.0, "slightly")])
def test_synthetic_labelers_say_how_much_better(margin: float, wanted: str | None) -> None:
    config = SyntheticConfig(disagreement=0.0, slight_margin=margin)
    labeler = SyntheticLabeler("synthetic-0", LengthScorer(), config, seed=1, instructions="1")
    for comparison in (asked(3), asked(3, "ranking")):
        [question] = questions_of([comparison], {"p0": PROMPT}, {s.id: s for s in SAMPLES})
        assert labeler.answer(question).details.get("strength") == wanted


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (["a"] * 2, "a, a: one reason stands there twice"),
        (["Shorter", "shorter"], "one reason stands there twice"),
        (list("abcdefg"), "7 reasons are too many; give at most 6"),
        ([" a"], "' a' is no reason; write words with single spaces"),
        ([""], "'' is no reason"),
        (["a\u202eb"], "is no reason"),
        (["x" * 41], "has 41 characters; the most is 40"),
    ],
)
def test_reasons_to_choose_from_are_a_handful_of_words(reasons: list[str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_run({"comparisons": {"people": {"reasons": reasons}}}, "run.yaml")


def test_an_old_run_file_asks_how_much_better() -> None:
    raw = {"comparisons": {"people": {"confidence": True}}}
    assert parse_run(raw, "run.yaml").comparisons.people.strength
