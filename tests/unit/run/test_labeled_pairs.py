"""A policy that learns from labels has those of its round's reward model, and no later ones."""

from pathlib import Path

import pytest

from prefloop.errors import InputError, SettingsError
from prefloop.files import remove_folder
from prefloop.policy.pair_batches import LabeledPair
from prefloop.run.labeled_pairs import labeled_pairs, learn_from_labels, stored_labels
from prefloop.run.labeling import collect_comparisons
from prefloop.run.stages import Stages
from prefloop.run.training import train_reward_model
from tests.known import known
from tests.unit.comparisons.builders import make_label
from tests.wiring.runs import assembled, save_model, small_run, write_passages


def pairs_of(stages: Stages) -> list[LabeledPair]:
    return list(labeled_pairs(stored_labels(stages, 0), stages.rewards.sampler))


def test_the_pairs_are_the_labels_of_the_rounds_reward_model(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    base = small_run(save_model(tmp_path / "model"), write_passages(tmp_path / "passages.jsonl"))
    with assembled({**base, "policy.method": "dpo"}, run) as stages:
        collect_comparisons(stages, 0)
        train_reward_model(stages, 0)
        pairs = pairs_of(stages)
        labels = stages.store.labels(split="train")
        comparisons = {c.id: c for c in stages.store.comparisons(split="train")}
        samples = {sample.id: sample for sample in stages.store.samples()}
        chosen = [label for label in labels if label.answer == "best"]
        assert len(labels) == 8 and chosen
        for label in chosen:
            prompt_id = comparisons[label.comparison_id].prompt_id
            best = samples[known(label.chosen)].response_ids
            held = [p for p in pairs if p.prompt.id == prompt_id]
            against = [p.responses[p.votes.index(1.0)] for p in held if 1.0 in p.votes]
            assert against == [best, best], "of three samples the chosen one beats two"
        assert {pair.prompt.split for pair in pairs} == {"train"}
        other = make_label(comparisons[chosen[0].comparison_id], "ann", "tie")
        stages.store.add_label(other)
        assert pairs_of(stages) == pairs, "it came after the reward model"
        learn_from_labels(stages, 0)
        batch = known(stages.policy.trainer.labeled).of_update(0, 1)
        assert len(batch.scores) == stages.config.policy.batch_size
        remove_folder(run / "rewards" / "round-0")
        with pytest.raises(InputError, match="rewards/round-0 does not say which labels"):
            stored_labels(stages, 0)


def test_what_is_held_out_of_a_reward_is_not_held_out_of_labels(tmp_path: Path) -> None:
    base = small_run(save_model(tmp_path / "model"), write_passages(tmp_path / "passages.jsonl"))
    changes = {"policy.method": "dpo", "rewards.hold_out": ["copying"]}
    with (
        pytest.raises(SettingsError, match=r"policy\.method dpo learns from the labels themselves"),
        assembled({**base, **changes}, tmp_path),
    ):
        raise AssertionError("it was put together")
