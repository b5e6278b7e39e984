"""The audit on prefloop's own labelers: in a hurry, careful, and with another taste altogether."""

from typing import Any

import numpy as np
import pytest

from prefloop.audits.answers import answer_table
from prefloop.audits.copying import contrast_figures, is_copy
from prefloop.audits.measures import MEASURES, N_WORDS, measure_text
from prefloop.comparisons.labelers.registry import build_labelers
from prefloop.comparisons.questions import questions_of
from prefloop.figures.label_audit import ContrastFigures
from prefloop.run_file import parse_run
from tests.unit.audits.worlds import World, make

ARMS: dict[str, dict[str, Any]] = {
    "hurried": {"scorers": {"hurried_vote": 1.0}, "noise": "gumbel"},
    "careful": {"scorers": {"accuracy_careful": 2.0, "own_words": 0.6}, "noise": "gumbel"},
    "placebo": {"scorers": {"sentiment": 1.0}, "noise": "gumbel"},
}
"""As on docs/labelers.md."""


def contrast(arm: str, n_questions: int, seed: int) -> ContrastFigures:
    """Return what labels of an arm show of copies, on samples of which two in five are copies."""
    raw = {"comparisons": {"labelers": "synthetic", "synthetic": ARMS[arm]}, "seed": seed + 1}
    labelers = list(build_labelers(parse_run({"task": "summarization", **raw}, "x")).values())
    made = make(World(n_questions=n_questions, seed=seed))
    prompts = {prompt.id: prompt for prompt in made.prompts}
    samples = {sample.id: sample for sample in made.samples}
    asked = questions_of(made.comparisons, prompts, samples)
    labels = [labelers[i % len(labelers)].answer(q) for i, q in enumerate(asked)]
    table = answer_table(labels, {c.id: c for c in made.comparisons})
    texts = ((prompts[samples[i].prompt_id].text, samples[i].text) for i in table.sample_ids)
    rows = np.array([measure_text(*text) for text in texts], dtype=np.float32)
    copies = is_copy(rows[:, MEASURES.index("copied_sentences")], rows[:, N_WORDS])
    return contrast_figures(table, copies)


def test_labels_in_a_hurry_are_warned_of_within_60_questions() -> None:
    """Some 50 of them contrast; 27 answers are looked at first."""
    found = [contrast("hurried", 60, seed) for seed in range(20)]
    assert sum(figures.status == "found" for figures in found) >= 19
    assert all(figures.looked_at == 27 for figures in found if figures.status == "found")


@pytest.mark.parametrize("arm", ["careful", "placebo"])
def test_labels_of_the_other_arms_are_not(arm: str) -> None:
    found = [contrast(arm, 320, seed) for seed in range(5)]
    assert all(figures.answers >= 244 for figures in found)
    assert [figures.status for figures in found] == ["not found"] * 5
