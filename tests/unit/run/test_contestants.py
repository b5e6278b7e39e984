"""Which models of a run have the figures that are wanted."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from prefloop.errors import InputError
from prefloop.evaluation.judges.build import build_judge
from prefloop.figures.reading import read_evaluation
from prefloop.figures.record import to_json
from prefloop.models.named import NamedModels
from prefloop.records import REFERENCE
from prefloop.run.contestants import Contestants
from prefloop.run_file import parse_run
from prefloop.run_folder import evaluation_path
from prefloop.settings.evaluation import EvaluationConfig
from tests.unit.figures.test_reading import EVALUATION

EARLIER = Path(__file__).parents[1] / "figures" / "earlier_run"
MODEL = "policy/update-6"


def contestants_in(
    folder: Path,
    judges: Sequence[str],
    fingerprint: str = "now",
    *,
    baseline: str = REFERENCE,
    models: Sequence[str] = (),
) -> Contestants:
    """Return the contestants of a run of one round, all of whose judges have this fingerprint."""
    updates = SimpleNamespace(
        name_of=lambda number: MODEL,
        rounds_of=lambda name: [0],
        last_update=6,
        has_ended=lambda number: number == 0,
    )
    return Contestants(
        config=EvaluationConfig(
            judges=list(judges), prompts=1, baseline=baseline, models=list(models)
        ),
        models=cast(
            Any, SimpleNamespace(canonical=lambda name: name, is_policy=NamedModels.is_policy)
        ),
        updates=cast(Any, updates),
        folder=folder,
        last_round=0,
        n_held_out=24,
        last_update=lambda number: 6 * (number + 1),
        fingerprint_of_judge=lambda name: fingerprint,
    )


@pytest.mark.parametrize(
    ("judges", "is_evaluated"), [(["lexicon"], True), (["lexicon", "length"], False)]
)
def test_a_judge_that_is_added_to_a_run_of_version_0_1_is_asked(
    tmp_path: Path, judges: list[str], is_evaluated: bool
) -> None:
    shutil.copytree(EARLIER / "evaluation", tmp_path / "evaluation")
    assert contestants_in(tmp_path, judges).is_evaluated(0) is is_evaluated


@pytest.mark.parametrize(("made_with", "is_evaluated"), [("now", True), ("earlier", False)])
def test_figures_of_a_judge_with_other_settings_are_made_again(
    tmp_path: Path, made_with: str, is_evaluated: bool
) -> None:
    figures = read_evaluation(EVALUATION, "a.json")
    judged = tuple(w.model_copy(update={"fingerprint": made_with}) for w in figures.win_rates)
    path = evaluation_path(tmp_path, MODEL)
    path.parent.mkdir(parents=True)
    path.write_text(to_json(figures.model_copy(update={"win_rates": judged})))
    assert contestants_in(tmp_path, ["lexicon"]).is_evaluated(0) is is_evaluated


def test_a_judge_whose_settings_change_has_another_fingerprint_and_patience_changes_none() -> None:
    raw = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m"}

    def fingerprint(**changes: Any) -> str:
        config = parse_run({"scorers": {"rated": raw | changes}}, "run.yaml")
        return build_judge("rated", config).fingerprint

    assert fingerprint(patience_seconds=3600.0) == fingerprint()
    assert fingerprint(template="{response}?") != fingerprint()


@pytest.mark.parametrize(("baseline", "is_evaluated"), [(REFERENCE, True), ("human", False)])
def test_figures_against_another_baseline_are_made_again(
    tmp_path: Path, baseline: str, is_evaluated: bool
) -> None:
    shutil.copytree(EARLIER / "evaluation", tmp_path / "evaluation")
    found = contestants_in(tmp_path, ["lexicon"], baseline=baseline)
    assert found.is_evaluated(0) is is_evaluated


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ("human", "none of 24 held-out prompts has an answer of its own"),
        ("policy/round-0", "the policy with which this run ends"),
        (MODEL, "the policy with which this run ends"),
    ],
)
def test_a_baseline_that_there_is_not_is_refused_before_the_run_works(
    tmp_path: Path, baseline: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        contestants_in(tmp_path, ["lexicon"], baseline=baseline).refuse_missing()


@pytest.mark.parametrize(
    ("baseline", "model", "what"),
    [
        ("policy/update-6", "policy/round-0", "policy/update-6"),
        ("policy/round-1", "policy/update-12", "policy/update-12"),
        ("here/model", "here/../here/model", "here/model"),
    ],
)
def test_a_model_that_is_the_baseline_by_another_name_is_refused_before_the_run_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, baseline: str, model: str, what: str
) -> None:
    """A round that has not ended has no update yet, but it is known which it will be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here/model").mkdir(parents=True)
    found = contestants_in(tmp_path, ["lexicon"], baseline=baseline, models=[model])
    found = replace(found, last_round=2)
    cast(Any, found.updates).last_update = 18
    with pytest.raises(InputError) as refused:
        found.refuse_missing()
    assert f"evaluation.models names {model}, which is evaluation.baseline" in str(refused.value)
    assert f"{what}. Take it out" in str(refused.value)


def test_figures_whose_verdict_is_of_another_judge_are_made_again(tmp_path: Path) -> None:
    figures = read_evaluation(EVALUATION, "a.json")
    path = evaluation_path(tmp_path, MODEL)
    path.parent.mkdir(parents=True)
    for first, is_evaluated in ((("lexicon",), True), (("length", "lexicon"), False)):
        path.write_text(to_json(figures.model_copy(update={"judges": first})))
        assert contestants_in(tmp_path, ["lexicon"]).is_evaluated(0) is is_evaluated


def test_a_judge_that_cannot_read_the_texts_is_not_asked_again(tmp_path: Path) -> None:
    """Otherwise the run would evaluate for ever."""
    figures = read_evaluation(EVALUATION, "a.json")
    path = evaluation_path(tmp_path, MODEL)
    path.parent.mkdir(parents=True)
    unread = {"win rate of lexicon": "it rates English words"}
    path.write_text(to_json(figures.model_copy(update={"win_rates": (), "missing": unread})))
    assert contestants_in(tmp_path, ["lexicon"]).is_evaluated(0)
    assert not contestants_in(tmp_path, ["lexicon", "length"]).is_evaluated(0)


@pytest.mark.parametrize(
    ("baseline", "can_be"),
    [(REFERENCE, True), ("policy/round-0", False), ("policy/round-1", False), (MODEL, False)],
)
def test_a_round_is_not_compared_with_itself_or_with_what_is_to_come(
    tmp_path: Path, baseline: str, can_be: bool
) -> None:
    found = contestants_in(tmp_path, ["lexicon"], baseline=baseline)
    updates, models = cast(Any, found.updates), cast(Any, found.models)
    updates.has_weights = lambda name: True
    models.is_policy = lambda name: name.startswith("policy/")
    assert found.can_be_evaluated(0) is can_be
