"""Settings of `evaluation` change who judges, on how many prompts, and when."""

from pathlib import Path

import pytest

from prefloop.evaluation.judges.build import build_judge
from prefloop.run.evaluating import evaluate
from prefloop.run_folder import read_run_folder
from tests.models_for_tests import save_gpt2
from tests.stages_for_tests import disturb
from tests.unit.scorers.endpoint.chat_server import says, serving
from tests.wiring.runs import assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers, run_with

PROMPTS, MODELS, ROUNDS = "prompts", "models", "rounds evaluated"
JUDGES, VERDICT = "judges", "judge of the verdict"
REACHABLE, REFERENCES = "prompts of the frontier", "reference samples for each"

FRONTIER = {"evaluation.frontier_prompts": 2, "evaluation.frontier_samples": 3}
WIRES = [
    Wire(setting="evaluation.judges", value=["lexicon", "length"], changes={JUDGES}),
    Wire(setting="evaluation.prompts", value=3, changes={PROMPTS}),
    Wire(setting="evaluation.every_round", value=True, given={"rounds": 2}, changes={ROUNDS}),
    Wire(setting="evaluation.frontier_prompts", value=3, given=FRONTIER, changes={REACHABLE}),
    Wire(setting="evaluation.frontier_samples", value=5, given=FRONTIER, changes={REFERENCES}),
]


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled(settings, folder) as stages:
        last = stages.config.rounds - 1
        disturb(stages.policy.trainer.collector.roles.policy, 0.05)
        for number in range(last + 1):
            stages.policy.train_round(number, 0, [])
        rounds = [n for n in range(last + 1) if stages.rounds.wants_evaluation(n)]
        evaluate(stages, last)
        found = {file.figures.model: file.figures for file in read_run_folder(folder).evaluations}
        figures = found["policy/update-0"]
        samples = stages.store.samples_by_id([*figures.rows.model_samples])
        assert {samples[key].model for key in samples} == {"policy/update-0"}
        assert len(figures.rows.baseline_samples) == len(figures.rows.model_samples)
        assert figures.win_rate is not None
    return {
        PROMPTS: len({sample.prompt_id for sample in samples.values()}),
        MODELS: sorted(found),
        JUDGES: [found.judge for found in figures.win_rates],
        VERDICT: figures.win_rate.judge,
        ROUNDS: rounds,
        REACHABLE: figures.frontier and figures.frontier.n_prompts,
        REFERENCES: figures.frontier and figures.frontier.n_samples,
    }


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_numbers_are_those_of_the_settings(observer: Observer) -> None:
    seen = observer.observe(observe, evaluation__judges=["length", "lexicon"])
    assert (seen[JUDGES], seen[VERDICT]) == (["length", "lexicon"], "length")
    assert (seen[PROMPTS], seen[ROUNDS], seen[REACHABLE], seen[REFERENCES]) == (4, [0], None, None)
    assert observer.observe(observe, evaluation__prompts=3)[PROMPTS] == 3
    seen = observer.observe(observe, rounds=2, evaluation__every_round=True)
    assert seen[ROUNDS] == [0, 1]
    frontier = {"evaluation__frontier_prompts": 2, "evaluation__frontier_samples": 3}
    seen = observer.observe(observe, **frontier)
    assert (seen[PROMPTS], seen[REACHABLE], seen[REFERENCES]) == (4, 2, 3)


@covers("evaluation.models")
def test_further_models_are_evaluated_beside_the_policy(observer: Observer, tmp_path: Path) -> None:
    other = str(save_gpt2(tmp_path / "other", seed=1))
    wire = Wire(setting="evaluation.models", value=[other], changes={MODELS})
    assert observer.changed(observe, wire) == wire.changes
    seen = observer.observe(observe, evaluation__models=[other])
    assert seen[MODELS] == sorted([other, "policy/update-0"])


@covers("judges")
def test_a_judge_has_its_kind_and_settings_from_its_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFLOOP_CACHE", str(tmp_path))
    with serving(lambda question, n: says("tie")) as server:
        for text in ("Which is kinder?", "Which is shorter?"):
            entry = {"kind": "llm", "base_url": server.url, "model": "m"}
            template = text + " {a} or {b}"
            settings = {"judges": {"mine": {**entry, "template": template}}}
            config = run_with({"task.name": "sentiment", **settings})
            build_judge("mine", config).compare("p", "one", "two")
    assert [question[:17] for question in server.asked] == ["Which is kinder? "] * 2 + [
        "Which is shorter?"
    ] * 2
