"""Settings of `prompts` change prompts, splits and human answers."""

from pathlib import Path

import pytest

from prefloop.prompts.loading import training_texts
from tests.wiring.runs import assembled, write_passages
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers

TEXTS, SPLITS, ANSWERS, LEARNED = "texts", "splits", "answers", "texts of the warm start"

WIRES = [
    Wire(setting="prompts.text_column", value="other", changes={TEXTS, SPLITS, ANSWERS, LEARNED}),
    Wire(setting="prompts.reference_column", value="answer", changes={ANSWERS}),
    Wire(setting="prompts.limit", value=7, changes={TEXTS, SPLITS, ANSWERS}),
    Wire(setting="prompts.held_out_share", value=0.5, changes={SPLITS, LEARNED}),
    Wire(setting="prompts.validation_share", value=0.6, changes={SPLITS, LEARNED}),
]


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled(settings, folder) as run:
        prompts = list(run.prompts.values())
        tokenizer = run.rewards.sampler.tokenizer
        learned = training_texts(run.config.prompts, run.config.task, tokenizer, stored=prompts)
    return {
        TEXTS: [p.text for p in prompts],
        SPLITS: [p.split for p in prompts],
        ANSWERS: [p.reference for p in prompts],
        LEARNED: learned,
    }


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


@covers("prompts.source")
def test_the_source_is_the_file_that_is_read(observer: Observer, tmp_path: Path) -> None:
    other = write_passages(tmp_path / "other.jsonl")
    other.write_text("".join(other.read_text().splitlines(keepends=True)[:9]))
    fewer = observer.observe(observe, prompts__source=str(other))
    assert fewer[TEXTS] == observer.observe(observe)[TEXTS][:9]
    assert len(fewer[LEARNED]) < len(observer.observe(observe)[LEARNED])


@pytest.mark.parametrize("split", ["held_out", "validation"])
def test_a_share_is_that_of_its_own_split(observer: Observer, split: str) -> None:
    none = {"prompts__held_out_share": 0.0, "prompts__validation_share": 0.0}
    changes = {**none, f"prompts__{split}_share": 0.4, "evaluation__judges": []}
    changes["comparisons__validation_labels"] = 0
    found = observer.observe(observe, **changes)[SPLITS]
    assert set(found) == {split, "train"}
    assert 0.2 < found.count(split) / len(found) < 0.6
