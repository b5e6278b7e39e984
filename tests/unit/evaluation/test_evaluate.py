"""One round's evaluation through the real store."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.evaluation.evaluate import evaluate_round
from prefloop.records import REFERENCE
from prefloop.scorers.build import build_scorer, build_weighted
from prefloop.settings.evaluation import EvaluationConfig
from prefloop.settings.task_presets import load_task
from prefloop.store.store import Store
from tests.unit.evaluation.worlds import POLICY, prompt, sample

N = 12


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        opened.add_prompts([prompt(n) for n in range(N)])
        ours = [sample(n, "What a happy, lovely day.", kl=3.0 + 0.1 * n) for n in range(N)]
        theirs = [sample(n, "A cold and awful day.", model=REFERENCE) for n in range(N)]
        drawn = [
            sample(n, "good " * k + "day", model=REFERENCE, purpose="frontier", copy=k)
            for n in range(3)
            for k in range(6)
        ]
        opened.add_samples(ours + theirs + drawn)
        yield opened


def _evaluate(store: Store, folder: Path, *, judge: str | None, has_taste: bool) -> dict:
    return evaluate_round(
        store,
        config=EvaluationConfig(),
        judge=build_scorer(judge, {}) if judge else None,
        task=load_task("sentiment"),
        round=0,
        policy_model=POLICY,
        scorer=build_weighted({"sentiment": 1.0}, {}) if has_taste else None,
        folder=folder,
    )


def test_figures_are_stored_with_the_rows_they_came_from(store: Store, tmp_path: Path) -> None:
    figures = _evaluate(store, tmp_path, judge="lexicon", has_taste=True)
    assert json.loads((tmp_path / "evaluation" / "round-0.json").read_text()) == figures
    assert figures["win_rate"]["wins"] == N
    assert "Wilson" in figures["win_rate"]["rate"]["how"]
    assert figures["win_rate"]["verdict_ids"] == [
        v.id for v in store.verdicts(model="policy/round-0")
    ]
    ids = figures["rows"]["policy_samples"] + figures["rows"]["reference_samples"]
    assert set(ids) <= set(store.samples_by_id(ids))
    assert figures["kl"]["value"] == pytest.approx(3.55)
    assert figures["frontier"]["n_samples"] == 6
    assert figures["verdict"].startswith("The held-out judge (a sentiment lexicon) prefers")


def test_evaluating_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    first = _evaluate(store, tmp_path, judge="lexicon", has_taste=True)
    assert _evaluate(store, tmp_path, judge="lexicon", has_taste=True) == first
    assert len(store.verdicts()) == N


def test_what_is_not_measured_is_absent_and_explained(store: Store, tmp_path: Path) -> None:
    figures = _evaluate(store, tmp_path, judge=None, has_taste=False)
    assert (figures["win_rate"], figures["frontier"], figures["rouge"]) == (None, None, None)
    assert set(figures["missing"]) == {"win_rate", "frontier", "rouge"}
    assert "was not judged: no judge was asked" in figures["verdict"]
    assert store.verdicts() == []


def test_a_policy_without_samples_is_not_judged(store: Store, tmp_path: Path) -> None:
    figures = evaluate_round(
        store,
        config=EvaluationConfig(),
        task=load_task("sentiment"),
        round=5,
        policy_model="policy/round-5",
        judge=build_scorer("lexicon", {}),
        scorer=None,
        folder=tmp_path,
    )
    assert figures["win_rate"] is None
    assert figures["kl"] is None
    assert "no held-out prompt has samples of both models" in figures["verdict"]
