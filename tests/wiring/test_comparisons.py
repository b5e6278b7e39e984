"""Settings of `comparisons` change how much is asked, of whom, and what synthetic labelers say."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prefloop.comparisons.labelers.registry import build_labelers
from prefloop.comparisons.questions import Question
from prefloop.records import REFERENCE, Comparison, Label, Prompt, Sample
from prefloop.run.labeling import collect_comparisons
from prefloop.run.schedule import labels_due
from tests.wiring.runs import SENTENCES, assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers, run_with

TRAIN, PER_QUESTION = "training questions", "labels per training question"
VALIDATION, PER_VALIDATION = "validation questions", "labels per validation question"
ALTOGETHER, LABELERS, QUEUED = "labels by the end", "labelers", "questions in the queue"
TYPE = "label type of the comparisons"

WIRES = [
    Wire(setting="comparisons.label_type", value="ranking", changes={TYPE}),
    Wire(setting="comparisons.labels", value=12, changes={TRAIN, ALTOGETHER}),
    Wire(setting="comparisons.initial_labels", value=7, changes={TRAIN}),
    Wire(setting="comparisons.validation_labels", value=6, changes={VALIDATION}),
    Wire(setting="comparisons.overlap", value=2, changes={TRAIN, PER_QUESTION}),
    Wire(setting="comparisons.validation_overlap", value=1, changes={VALIDATION, PER_VALIDATION}),
    Wire(
        setting="comparisons.labelers",
        value="people",
        changes={LABELERS, QUEUED, PER_QUESTION, PER_VALIDATION},
    ),
]


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled({**settings, "rounds": 2}, folder) as stages:
        collect_comparisons(stages, 0)
        store = stages.store
        labels = Counter(label.comparison_id for label in store.labels())
        asked = {split: store.comparisons(split=split) for split in ("train", "validation")}
        batch = store.queue.batch(0)
        return {
            TRAIN: len(asked["train"]),
            PER_QUESTION: {labels[c.id] for c in asked["train"]},
            VALIDATION: len(asked["validation"]),
            PER_VALIDATION: {labels[c.id] for c in asked["validation"]},
            ALTOGETHER: labels_due(stages.config.comparisons, 1, 2),
            LABELERS: bool(labels),
            QUEUED: None if batch is None else batch.wanted,
            TYPE: {c.label_type for c in store.comparisons()},
        }


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_numbers_are_those_of_the_settings(observer: Observer) -> None:
    seen = observer.observe(
        observe,
        comparisons__initial_labels=6,
        comparisons__overlap=3,
        comparisons__validation_labels=3,
        comparisons__validation_overlap=1,
    )
    assert (seen[TRAIN], seen[PER_QUESTION]) == (2, {3})
    assert (seen[VALIDATION], seen[PER_VALIDATION]) == (3, {1})
    assert seen[ALTOGETHER] == 8


def test_nobody_is_asked_where_labels_are_imported(observer: Observer) -> None:
    seen = observer.observe(observe, comparisons__labelers="none")
    assert (seen[TRAIN], seen[VALIDATION], seen[LABELERS], seen[QUEUED]) == (0, 0, False, None)


NAMES, CHOSEN, TIES, LATER = "names", "choices", "ties", "choices of the last round"
FIRST, COPIED, SECONDS = "choices of the first shown", "choices of a copy", "seconds"
CHOICES = {CHOSEN, FIRST, COPIED}

STRENGTHS = "how much better"

SYNTHETIC = [
    Wire(setting="comparisons.synthetic.slight_margin", value=0.5, changes={STRENGTHS}),
    Wire(setting="comparisons.synthetic.labelers", value=4, changes={NAMES}),
    Wire(
        setting="comparisons.synthetic.scorers",
        value={"length": 1.0},
        changes={*CHOICES, LATER},
    ),
    Wire(setting="comparisons.synthetic.disagreement", value=0.0, changes={*CHOICES, LATER}),
    Wire(setting="comparisons.synthetic.noise", value="gumbel", changes={*CHOICES, LATER}),
    Wire(setting="comparisons.synthetic.words_per_minute", value=100.0, changes={SECONDS}),
    Wire(setting="comparisons.synthetic.flips", value=0.5, changes={*CHOICES, LATER}),
    Wire(setting="comparisons.synthetic.position_bias", value=90.0, changes={*CHOICES, LATER}),
    Wire(setting="comparisons.synthetic.laziness", value=1.0, changes={*CHOICES, LATER, SECONDS}),
    Wire(setting="comparisons.synthetic.drift", value=-3.0, changes={LATER}),
    Wire(setting="comparisons.synthetic.tie_margin", value=1.0, changes={*CHOICES, LATER, TIES}),
]
PROMPT = Prompt(id="p", text=" ".join(SENTENCES), source="test", split="train")
N_QUESTIONS = 40


def answers(settings: Settings, _folder: Path) -> Observations:
    labelers = build_labelers(run_with({**settings, "rounds": 2}))
    first = next(iter(labelers.values()))
    now, later = ([first.answer(question(n, r)) for n in range(N_QUESTIONS)] for r in (0, 1))
    return {
        NAMES: sorted(labelers),
        CHOSEN: [place_of(label) for label in now],
        STRENGTHS: [label.details.get("strength") for label in now],
        TIES: [label.answer == "tie" for label in now],
        FIRST: [label.chosen == label.shown[0] for label in now],
        COPIED: [place_of(label) == COPY for label in now],
        LATER: [place_of(label) for label in later],
        SECONDS: [label.seconds for label in now],
    }


COPY = 3
"""Where the sample stands that repeats the prompt."""


def question(number: int, round: int) -> Question:
    """Return a question about a happy, a sad, a long and a copied text."""
    texts = [
        "She was happy and laughed.",
        "He was sad and afraid.",
        "It was a table in a room with a chair and a lamp beside a door.",
        SENTENCES[number % len(SENTENCES)],
    ]
    samples = tuple(
        Sample(
            id=f"q{number}-{place}",
            prompt_id=PROMPT.id,
            model=REFERENCE,
            round=round,
            purpose="labels",
            text=text,
            response_ids=(1,),
            is_ended=True,
            logprob=-1.0,
            ref_logprob=-1.0,
        )
        for place, text in enumerate(texts)
    )
    comparison = Comparison(
        id=f"c{number}",
        prompt_id=PROMPT.id,
        sample_ids=tuple(s.id for s in samples),
        round=round,
        split="train",
    )
    return Question(comparison=comparison, prompt=PROMPT, samples=samples)


def place_of(label: Label) -> int | None:
    """Return which of the texts was chosen; None for a tie."""
    return None if label.chosen is None else int(label.chosen.rpartition("-")[2])


@pytest.mark.parametrize("wire", SYNTHETIC, ids=str)
def test_a_fault_of_synthetic_labelers_changes_this_and_nothing_else(
    wire: Wire, observer: Observer
) -> None:
    assert observer.changed(answers, wire) == wire.changes


def test_each_fault_is_the_one_that_it_is_called(observer: Observer) -> None:
    def seen(**changes: Any) -> Observations:
        perfect: dict[str, Any] = {"comparisons__synthetic__disagreement": 0.0}
        named = {f"comparisons__synthetic__{name}": value for name, value in changes.items()}
        return observer.observe(answers, **{**perfect, **named})

    assert set(seen()[CHOSEN]) == {0}, "the happy one"
    assert set(seen(scorers={"length": 1.0})[CHOSEN]) == {2}, "the long one"
    assert set(seen(scorers={"sentiment": -1.0})[CHOSEN]) == {1, COPY}, "the sad ones"
    assert all(seen(position_bias=90.0)[FIRST])
    assert all(seen(laziness=1.0)[COPIED])
    assert all(seen(tie_margin=90.0)[TIES])
    assert set(seen(drift=-3.0)[LATER]) == {1, COPY} and set(seen(drift=-3.0)[CHOSEN]) == {0}
    slips: Counter[int] = Counter(seen(flips=1.0)[CHOSEN])
    assert len(slips) == 4 and min(slips.values()) >= 3, "any of the four"
    noisy: Counter[int] = Counter(seen(disagreement=20.0)[CHOSEN])
    assert len(noisy) == 4 and min(noisy.values()) >= 3


def test_a_run_asks_the_labelers_of_its_settings(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    settings = {**base, "comparisons.synthetic.labelers": 2, "comparisons.overlap": 2}
    with assembled(settings, new_folder()) as stages:
        collect_comparisons(stages, 0)
        signed = {label.labeler for label in stages.store.labels()}
    assert signed == set(build_labelers(run_with(settings)))


@covers("comparisons.options")
def test_options_reach_the_labeler_of_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "picky-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: picky\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[prefloop.labelers]\npicky = picky_one:Picky\n")
    (tmp_path / "picky_one.py").write_text(
        "from prefloop.settings.section import Section\n"
        "class Picky:\n"
        "    class Settings(Section):\n"
        "        bar: float = 1.0\n"
        "    def __init__(self, settings):\n"
        "        self.bar = settings.bar\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    chosen: Settings = {"comparisons.labelers": "picky"}
    bars = [
        vars(build_labelers(run_with({**chosen, **options}))["picky"])["bar"]
        for options in ({}, {"comparisons.options": {"bar": 2.5}})
    ]
    assert bars == [1.0, 2.5]
