"""Settings of the whole run: its seed, its rounds, its store, and scorers with settings."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from prefloop.comparisons.labelers.registry import build_labelers
from prefloop.evaluation.judges.build import build_judge
from prefloop.functional.schedules import label_budget
from prefloop.progress import Silent
from prefloop.records import REFERENCE
from prefloop.run.labeling import collect_comparisons
from prefloop.run.loop import run
from prefloop.run.schedule import labels_due
from prefloop.settings.recipes import load_recipe
from prefloop.store.store import Store
from tests.stages_for_tests import weights_of
from tests.wiring.runs import assembled
from tests.wiring.test_comparisons import N_QUESTIONS, question
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers, run_with

PROMPTS, BASE_MODEL, ADAPTERS, HEAD = "prompts", "base", "first adapters", "first score head"
ASKED, SAMPLES, CHOICES = "prompts asked about", "samples", "what labelers choose"
UPDATE_PROMPTS, ROLLOUT, JUDGED = "prompts of an update", "responses of an update", "prompts judged"
ENDS, LABELS, LATER = "updates that end rounds", "labels by then", "choices after a round"

WIRES = [
    Wire(
        setting="seed",
        value=4,
        changes={
            *(ADAPTERS, HEAD, ASKED, SAMPLES, CHOICES, LATER, UPDATE_PROMPTS, ROLLOUT, JUDGED),
        },
    ),
    Wire(
        setting="rounds",
        value=4,
        given={"rounds": 2, "policy.episodes": 32, "comparisons.synthetic.drift": -3.0},
        changes={ASKED, SAMPLES, ENDS, LABELS, LATER},
    ),
]


def observe(settings: Settings, folder: Path) -> Observations:
    config = run_with(settings)
    labeler = next(iter(build_labelers(config).values()))
    now, later = ([question(n, r) for n in range(N_QUESTIONS)] for r in (0, 1))
    with assembled(settings, folder) as stages:
        trainer = stages.policy.trainer
        prompts = trainer.prompts_of(0, stages.prompts_of("train"))
        collect_comparisons(stages, 0)
        samples = stages.store.samples(model=REFERENCE, purpose="labels")
        return {
            PROMPTS: [(p.id, p.text, p.split) for p in stages.prompts.values()],
            BASE_MODEL: weights_of(
                [
                    *stages.policy.trainer.collector.roles.reference.causal.get_input_embeddings().named_parameters()
                ]
            ).tolist(),
            ADAPTERS: weights_of(
                stages.policy.trainer.collector.roles.policy.named_parameters
            ).tolist(),
            HEAD: stages.rewards.model.head.weight.tolist(),
            ASKED: [c.prompt_id for c in stages.store.comparisons()],
            SAMPLES: [sample.response_ids for sample in samples],
            CHOICES: [labeler.answer(q).chosen for q in now],
            LATER: [labeler.answer(q).chosen for q in later],
            UPDATE_PROMPTS: [p.id for p in prompts],
            ROLLOUT: trainer.collect(stages.prompts_of("train")[:8]).response.tolist(),
            JUDGED: [p.id for p in stages.shuffled_prompts("held_out", "evaluation prompts")],
            ENDS: [stages.rounds.last_update(n) for n in range(config.rounds)],
            LABELS: [
                labels_due(config.comparisons, n, config.rounds) for n in range(config.rounds)
            ],
        }


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_numbers_are_those_of_the_settings(observer: Observer) -> None:
    seen = observer.observe(observe, rounds=2)
    assert (seen[ENDS], seen[LABELS]) == (
        [1, 2],
        [label_budget(4, 8, share) for share in (0.0, 1.0)],
    )


def test_the_adapters_of_a_round_are_drawn_for_it(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    with assembled(base, new_folder()) as stages:
        roles, found = stages.policy.trainer.collector.roles, []
        for number in (0, 1, 0):
            roles.reset(roles.reward, number)
            found.append(weights_of(roles.reward.named_parameters))
    assert torch.equal(found[0], found[2]) and not torch.equal(found[0], found[1])


@covers("store")
def test_a_run_keeps_its_labels_in_the_store_that_is_named(base: Settings, tmp_path: Path) -> None:
    for name, path in ((None, tmp_path / "run" / "prefloop.db"), ("a.db", tmp_path / "a.db")):
        folder = tmp_path / ("run" if name is None else "other")
        folder.mkdir()
        settings = {**base, "store": None if name is None else str(path)}
        run(run_with(settings), folder, Silent(), until="prompts")
        assert (folder / "prefloop.db").exists() == (name is None)
        with Store.open(path) as store:
            assert len(store.prompts()) > 30


@covers("scorers")
def test_labelers_reward_and_judges_use_the_scorer_of_the_entry(
    base: Settings, new_folder: Callable[[], Path], tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "def many(prompts, responses):\n    return [7.0 + r.count('a') for r in responses]\n"
        "def few(prompts, responses):\n    return [-7.0 - r.count('a') for r in responses]\n"
    )
    for function, sign in (("many", 1), ("few", -1)):
        entry = {"kind": "function", "file": str(file), "function": function}
        settings = {**base, "scorers": {"mine": entry}, "policy.reward": "mine"}
        settings |= {"comparisons.synthetic.disagreement": 0.0}
        labels = {"comparisons.synthetic.scorers": {"mine": 1.0}}
        labeler = next(iter(build_labelers(run_with({**settings, **labels})).values()))
        texts = {sample.id: sample.text for sample in question(0, 0).samples}
        chosen = texts[str(labeler.answer(question(0, 0)).chosen)]
        assert sign * chosen.count("a") == max(sign * t.count("a") for t in texts.values())
        judge = build_judge("mine", run_with(settings))
        assert judge.compare("", "aaa", "b") == {1: "win", -1: "loss"}[sign]
        with assembled(settings, new_folder()) as stages:
            rollout = stages.policy.trainer.collect(stages.prompts_of("train")[:8])
        ended = rollout.scores[rollout.is_ended]
        assert len(ended) and (sign * ended >= 7.0).all()


@covers("recipe")
def test_a_recipe_fills_in_what_the_run_file_leaves_out(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    recipe = load_recipe("adapters")
    for name, expected in (("none", 1e-5), ("adapters", recipe["policy"]["lr"])):
        with assembled({**base, "recipe": name}, new_folder()) as stages:
            trainer = stages.policy.trainer
            assert trainer.optimizer.config.lr == expected
            assert stages.rewards.config.rewards.lr == (
                5e-5 if name == "none" else recipe["rewards"]["lr"]
            )
        assert run_with({**base, "recipe": name, "policy.lr": 0.5}).policy.lr == 0.5
