"""Settings of `evaluation.people` change how many people judge, and how often it is looked at."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from prefloop.run.evaluating import evaluate
from prefloop.run_folder import read_run_folder
from tests.e2e.labelers import answer_in_store
from tests.models_for_tests import save_gpt2
from tests.stages_for_tests import disturb
from tests.wiring.runs import assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers

PEOPLE, ANSWERS, LOOKS = "people of a question", "answers", "looks"

JUDGED = {"evaluation.judges": ["people"]}
WIRES = [
    Wire(setting="evaluation.people.answers", value=3, given=JUDGED, changes={PEOPLE, ANSWERS}),
    Wire(setting="evaluation.people.looks", value=2, given=JUDGED, changes={LOOKS}),
]


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled(settings, folder) as stages:

        def everybody_answers(_: float) -> None:
            for name in ("ann", "ben", "eve"):
                answer_in_store(stages.store, name)

        stages.people._sleep = everybody_answers
        disturb(stages.policy.trainer.collector.roles.policy, 0.05)
        stages.policy.train_round(0, 0, [])
        evaluate(stages, 0)
        latest = read_run_folder(folder).latest
        assert latest is not None and latest.figures.win_rate is not None
        people = latest.figures.win_rate.people
        assert people is not None
        given = Counter(a.label.comparison_id for a in stages.store.judging.answers(-1))
    return {PEOPLE: set(given.values()), ANSWERS: people.answers, LOOKS: people.looks}


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_numbers_are_those_of_the_settings(observer: Observer) -> None:
    seen = observer.observe(observe, evaluation__judges=["people"])
    assert seen == {PEOPLE: {1}, ANSWERS: 4, LOOKS: 4}
    seen = observer.observe(observe, evaluation__judges=["people"], evaluation__people__answers=3)
    assert seen == {PEOPLE: {3}, ANSWERS: 12, LOOKS: 4}


@covers("evaluation.baseline")
def test_models_are_compared_with_what_the_baseline_names(
    base: dict[str, object], new_folder: Callable[[], Path]
) -> None:
    """With the reference, with another model, and with the passages' own answers."""
    other = str(save_gpt2(new_folder() / "other", seed=1))
    texts = {"prompts.reference_column": "answer", "evaluation.judges": ["length"]}
    seen: dict[str, set[str]] = {}
    for baseline in ("reference", other, "human"):
        settings = {**base, **texts, "evaluation.baseline": baseline}
        with assembled(settings, new_folder()) as stages:
            stages.policy.train_round(0, 0, [])
            evaluate(stages, 0)
            latest = read_run_folder(stages.folder).latest
            assert latest is not None and latest.figures.baseline == baseline
            found = stages.store.samples_by_id(latest.figures.rows.baseline_samples)
        seen[baseline] = {sample.text for sample in found.values()}
        assert {sample.model for sample in found.values()} == {baseline}
    assert all(text.startswith("Then came summer") for text in seen["human"])
    assert len(seen["human"]) == 4 and seen["reference"] != seen[other]
