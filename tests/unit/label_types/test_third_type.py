"""A type that nothing but the tables knows goes the whole way: store, files, targets, training."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from prefloop.comparisons.exchange.formats import export_file, import_file
from prefloop.comparisons.labelers.synthetic import SyntheticLabeler
from prefloop.comparisons.questions import questions_of
from prefloop.comparisons.targets import preference_targets
from prefloop.errors import InputError, StoreError
from prefloop.metrics import MetricsLog
from prefloop.models.runtime import CPU
from prefloop.progress import Silent
from prefloop.records import Comparison, Label
from prefloop.rewards.dataset import preference_batch
from prefloop.rewards.model import RewardModel
from prefloop.rewards.trainer import RewardTrainer
from prefloop.scorers.length import LengthScorer
from prefloop.settings.comparisons import SyntheticConfig
from prefloop.settings.rewards import RewardsConfig
from prefloop.store.store import Store
from tests.stages_for_tests import PROMPTS, roles_on, sample_of, sampler_on
from tests.tolerances import EXACT
from tests.unit.comparisons.builders import make_label, make_prompt, make_samples
from tests.unit.label_types.ranking_for_tests import Ranking, ranked_pairs_loss, ranking_is_known

WORDS = ("one", "one two three", "one two")
PROMPT = make_prompt(0)
SAMPLES = make_samples(WORDS, prompt=PROMPT)
ASKED = Comparison(
    id="c0",
    prompt_id="p0",
    sample_ids=tuple(s.id for s in SAMPLES),
    round=0,
    split="train",
    label_type="ranking",
)


def ranked(*order: str, labeler: str = "ann") -> Label:
    label = make_label(ASKED, labeler, "best", order[0])
    return replace(label, details={"ranking": list(order)})


LABEL = ranked("p0-s1", "p0-s2", "p0-s0")


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    with ranking_is_known():
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        opened.add_prompts([PROMPT])
        opened.add_samples(SAMPLES)
        opened.add_comparisons([ASKED])
        yield opened


def test_the_store_keeps_type_and_details_and_rebuilds_them_from_the_ledger(store: Store) -> None:
    store.add_label(LABEL)
    store.add_label(LABEL)
    assert store.comparisons() == [ASKED]
    assert store.labels() == [LABEL]
    store.rebuild_labels()
    assert store.labels() == [LABEL]
    assert store.verify_chain() > 0


def test_a_label_without_details_is_the_event_that_it_was_before(store: Store) -> None:
    store.add_label(make_label(ASKED, "bob", "tie"))
    [event] = [e for e in store.events() if e.kind == "label"]
    assert "details" not in event.payload


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({}, "details.ranking: Field required"),
        ({"ranking": ["p0-s1", "p0-s0"]}, "rank each sample once, best first"),
        ({"ranking": ["p0-s0", "p0-s1", "p0-s2"]}, "rank each sample once, best first"),
    ],
)
def test_a_label_that_the_type_refuses_is_refused_by_the_store(
    store: Store, details: dict[str, list[str]], told: str
) -> None:
    with pytest.raises(StoreError, match=told):
        store.add_label(replace(LABEL, details=details))


def test_the_same_id_with_other_details_is_another_label(store: Store) -> None:
    store.add_label(LABEL)
    other = replace(LABEL, details={"ranking": ["p0-s1", "p0-s0", "p0-s2"]})
    with pytest.raises(StoreError, match="is stored already"):
        store.add_label(other)


def test_it_survives_the_raw_format_and_becomes_all_of_its_pairs(
    store: Store, tmp_path: Path
) -> None:
    store.add_label(LABEL)
    export_file(store, tmp_path / "raw.jsonl", "raw")
    with Store.open(tmp_path / "other.db") as other:
        import_file(other, tmp_path / "raw.jsonl", "raw")
        assert other.comparisons() == [ASKED]
        assert other.labels() == [LABEL]
    counts = export_file(store, tmp_path / "trl.jsonl", "trl")
    assert counts == {"lines": 3, "labels": 1}


def test_synthetic_labelers_answer_it(store: Store) -> None:
    labeler = SyntheticLabeler(
        "synthetic-0", LengthScorer(), SyntheticConfig(disagreement=0.0), seed=1, instructions="1"
    )
    [question] = questions_of([ASKED], {"p0": PROMPT}, {s.id: s for s in SAMPLES})
    label = labeler.answer(question)
    assert label.details == LABEL.details
    store.add_label(label)


def test_labels_of_several_people_average() -> None:
    other = ranked("p0-s2", "p0-s1", "p0-s0", labeler="bob")
    [target] = preference_targets([ASKED], [LABEL, other])
    assert target.probabilities == (0.0, 0.5, 0.5)
    assert target.values == ((0.0, 0.0, 0.0), (1.0, 0.5, 0.5), (1.0, 0.5, 0.5))
    assert target.n_labels == 2


def test_the_reward_model_trains_on_its_loss(gpt2_folder: Path, tmp_path: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    samples = [sample_of(p, [60 + n, 61], n, tokenizer) for p in PROMPTS[:2] for n in range(4)]
    by_id = {s.id: s for s in samples}
    comparisons = [
        replace(ASKED, id="a", prompt_id=PROMPTS[0].id, sample_ids=tuple(by_id)[:3]),
        replace(ASKED, id="b", prompt_id=PROMPTS[1].id, sample_ids=tuple(by_id)[4:8]),
    ]
    labels = []
    for asked in comparisons:
        order = asked.sample_ids[::-1]
        label = make_label(asked, "ann", "best", order[0])
        labels.append(replace(label, details={"ranking": list(order)}))
    batch = preference_batch(
        preference_targets(comparisons, labels),
        by_id,
        {p.id: p for p in PROMPTS},
        sampler,
        runtime=CPU,
    )
    assert batch.targets.shape == (2, 4, 4)
    assert batch.loss == Ranking().loss
    trainer = RewardTrainer(
        RewardModel(roles, pad_id=tokenizer.pad_id, seed=1),
        RewardsConfig(batch_size=2, lr=2e-2),
        seed=1,
        round_number=0,
        checkpoints=tmp_path / "checkpoints",
        metrics=MetricsLog(tmp_path / "metrics.jsonl"),
        progress=Silent(),
    )
    with torch.no_grad():
        expected = ranked_pairs_loss(trainer.model.forward_comparisons(batch)[0], batch.targets)
    losses = [trainer.step(batch, step, 25)["rewards/loss"] for step in range(20)]
    torch.testing.assert_close(torch.tensor(losses[0]), expected, **EXACT)
    assert losses[-1] < 0.5 * losses[0]
    scores = trainer.model.forward_comparisons(batch)[0].detach().numpy()
    assert np.argsort(scores[1]).tolist() == [0, 1, 2, 3]


def test_types_with_different_losses_do_not_train_one_reward_model(gpt2_folder: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    samples = [sample_of(PROMPTS[0], [60 + n, 61], n, tokenizer) for n in range(3)]
    ids = tuple(s.id for s in samples)
    of_all = replace(ASKED, prompt_id=PROMPTS[0].id, sample_ids=ids)
    pair = replace(of_all, id="pair", sample_ids=ids[:2], label_type=None)
    label = replace(make_label(of_all, "ann", "best", ids[0]), details={"ranking": list(ids)})
    targets = preference_targets([of_all, pair], [label, make_label(pair, "ann", "best", ids[0])])
    with pytest.raises(InputError, match=r"different losses \(ranking; pairs\).*run of their own"):
        preference_batch(
            targets,
            {s.id: s for s in samples},
            {p.id: p for p in PROMPTS},
            sampler_on(tokenizer, roles),
            runtime=CPU,
        )
