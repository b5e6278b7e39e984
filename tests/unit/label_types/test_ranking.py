"""A ranking goes the whole way: checks, store, files, synthetic labelers, targets, training."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from prefloop.comparisons.exchange.formats import export_file, import_file
from prefloop.comparisons.labelers.synthetic import SyntheticLabeler, private_noise
from prefloop.comparisons.questions import questions_of
from prefloop.comparisons.targets import preference_targets
from prefloop.errors import InputError, StoreError
from prefloop.label_types.ranking.type import RANKING, stage_votes
from prefloop.metrics import MetricsLog
from prefloop.models.runtime import CPU
from prefloop.progress import Silent
from prefloop.records import Comparison, Label
from prefloop.rewards.dataset import preference_batch
from prefloop.rewards.model import RewardModel
from prefloop.rewards.trainer import RewardTrainer
from prefloop.scorers.length import LengthScorer
from prefloop.seeding import numpy_stream
from prefloop.settings.comparisons import SyntheticConfig
from prefloop.settings.rewards import RewardsConfig, StrengthConfig
from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.store import Store
from tests.stages_for_tests import PROMPTS, roles_on, sample_of, sampler_on
from tests.unit.comparisons.builders import make_label, make_prompt, make_samples

PLAIN = StrengthConfig()

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


def ranked(*places: str, labeler: str = "ann") -> Label:
    """Return a label with these places, the best first; samples of one place are side by side."""
    ranking = [place.split() for place in places]
    label = make_label(ASKED, labeler, "best", ranking[0][0])
    return replace(label, details={"ranking": ranking})


LABEL = ranked("p0-s1", "p0-s2", "p0-s0")


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
        ({"ranking": [["p0-s1"], ["p0-s0"]]}, "gives no place to p0-s2; rank every sample"),
        ({"ranking": [["p0-s1"], [], ["p0-s0", "p0-s2"]]}, "leaves place 2 of its ranking empty"),
        (
            {"ranking": [["p0-s1"], ["p0-s0"], ["p0-s1"], ["p0-s2"]]},
            "ranks sample p0-s1 2 times; each has one place",
        ),
        (
            {"ranking": [["p0-s1"], ["p9-s0"], ["p0-s0", "p0-s2"]]},
            "ranks the unknown sample p9-s0; its comparison has p0-s0, p0-s1, p0-s2",
        ),
        ({"ranking": [["p0-s0"], ["p0-s1"], ["p0-s2"]]}, "has p0-s0 in the first place and"),
        ({"ranking": [["p0-s1", "p0-s0"], ["p0-s2"]]}, "answer `tie` if the best are equally"),
        ({"ranking": ["p0-s1", "p0-s0", "p0-s2"]}, "details.ranking.0: Input should be a valid"),
        ({"ranking": []}, "gives no place to p0-s0, p0-s1, p0-s2"),
    ],
)
def test_places_that_are_no_order_of_the_samples_are_refused(
    store: Store, details: dict[str, list[list[str]]], told: str
) -> None:
    with pytest.raises(StoreError, match=told):
        store.add_label(replace(LABEL, details=details))


def test_the_same_id_with_other_details_is_another_label(store: Store) -> None:
    store.add_label(LABEL)
    other = replace(LABEL, details={"ranking": [["p0-s1"], ["p0-s0"], ["p0-s2"]]})
    with pytest.raises(StoreError, match="is stored already"):
        store.add_label(other)


def test_an_owner_decides_on_a_ranking_by_a_ranking(store: Store) -> None:
    store.add_label(LABEL)
    store.instructions.publish("1", "Which is best?", "", True, "olga")
    places = {"ranking": [["p0-s2"], ["p0-s1"], ["p0-s0"]]}
    verdict = OwnersVerdict(comparison_id="c0", answer="best", chosen="p0-s2", details=places)
    store.adjudications.decide(verdict, "olga")
    [label] = store.labels(for_training=True)
    assert label.details == places
    [target] = preference_targets([ASKED], [label], PLAIN)
    assert target.probabilities == (0.0, 0.0, 1.0)


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
    rows = [json.loads(line) for line in (tmp_path / "trl.jsonl").read_text().splitlines()]
    assert [(row["chosen"], row["rejected"]) for row in rows] == [
        ("one two three", "one two"),
        ("one two three", "one"),
        ("one two", "one"),
    ]
    assert export_file(store, tmp_path / "2020.jsonl", "openai_2020")["lines"] == 3


def test_synthetic_labelers_answer_it(store: Store) -> None:
    labeler = SyntheticLabeler(
        "synthetic-0", LengthScorer(), SyntheticConfig(disagreement=0.0), seed=1, instructions="1"
    )
    [question] = questions_of([ASKED], {"p0": PROMPT}, {s.id: s for s in SAMPLES})
    label = labeler.answer(question)
    assert label.details == LABEL.details
    store.add_label(label)


def hard(order: Sequence[int]) -> NDArray[np.float64]:
    """Return the votes of one strict order, place by place."""
    votes = np.zeros((len(order), 2 ** len(order)))
    for place in range(len(order) - 1):
        votes[order[place], sum(2**i for i in order[place:])] = 1.0
    return votes


def test_a_target_has_one_vote_for_each_choice() -> None:
    target = RANKING.target(LABEL, ASKED.sample_ids)
    assert target is not None
    np.testing.assert_array_equal(target, hard((1, 2, 0)))


@pytest.mark.parametrize(
    ("places", "orders"),
    [
        (["a", "b c d"], [(0, *rest) for rest in permutations((1, 2, 3))]),
        (["c", "a b", "d"], [(2, 0, 1, 3), (2, 1, 0, 3)]),
        (["a b c d"], list(permutations(range(4)))),
    ],
)
def test_a_shared_place_is_the_mean_over_all_its_orders(
    places: list[str], orders: list[tuple[int, ...]]
) -> None:
    votes = stage_votes([place.split() for place in places], ("a", "b", "c", "d"))
    np.testing.assert_allclose(votes, np.mean([hard(order) for order in orders], axis=0))


def test_labels_of_several_people_average() -> None:
    other = ranked("p0-s2", "p0-s1", "p0-s0", labeler="bob")
    tie = make_label(ASKED, "cas", "tie")
    [target] = preference_targets([ASKED], [LABEL, other], PLAIN)
    assert target.probabilities == (0.0, 0.5, 0.5)
    assert target.n_labels == 2
    [target] = preference_targets([ASKED], [LABEL, other, tie], PLAIN)
    assert target.probabilities == pytest.approx((1 / 9, 4 / 9, 4 / 9))


def test_a_close_call_shares_a_place_below_the_first() -> None:
    scores = np.array([0.0, 3.0, 0.1, 1.0])
    content = RANKING.from_scores(scores, ("a", "b", "c", "d"), tie_margin=0.5)
    assert content.details == {"ranking": [["b"], ["d"], ["c", "a"]]}
    assert (content.chosen, content.n_choices) == ("b", 2)
    assert RANKING.from_scores(scores, ("a", "b", "c", "d"), tie_margin=2.5).answer == "tie"


def test_with_gumbel_noise_rankings_are_those_of_plackett_and_luce() -> None:
    """The share of each order of three is the product of softmax choices."""
    config = SyntheticConfig(noise="gumbel")
    scores, n = np.array([0.0, 0.7, 1.5]), 20_000
    draws = private_noise(numpy_stream(3, "rankings").standard_normal(3 * n), config)
    found = Counter(map(tuple, np.argsort(-(scores + draws.reshape(n, 3)), axis=1).tolist()))
    for order in permutations(range(3)):
        e = np.exp(scores[list(order)])
        likely = float(np.prod([e[i] / e[i:].sum() for i in range(3)]))
        error = np.sqrt(likely * (1 - likely) / n)
        assert abs(found[order] / n - likely) < 4 * error


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
        labels.append(replace(label, details={"ranking": [[name] for name in order]}))
    batch = preference_batch(
        preference_targets(comparisons, labels, PLAIN),
        by_id,
        {p.id: p for p in PROMPTS},
        sampler,
        runtime=CPU,
    )
    assert batch.targets.shape == (2, 4, 16)
    assert batch.loss == "plackett_luce"
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
        before = trainer.model.forward_comparisons(batch)[0].double()
        expected = [-_log_likelihood(before[0, [2, 1, 0]]), -_log_likelihood(before[1].flip(0))]
    losses = [trainer.step(batch, step, 25)["rewards/loss"] for step in range(20)]
    assert losses[0] == pytest.approx(sum(expected) / 2, abs=1e-4)
    assert losses[-1] < 0.5 * losses[0]
    scores = trainer.model.forward_comparisons(batch)[0].detach().numpy()
    assert np.argsort(scores[1]).tolist() == [0, 1, 2, 3]


def _log_likelihood(scores_in_order: torch.Tensor) -> float:
    places = range(len(scores_in_order) - 1)
    return float(sum(scores_in_order[i] - scores_in_order[i:].logsumexp(0) for i in places))


def test_types_with_different_losses_do_not_train_one_reward_model(gpt2_folder: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    samples = [sample_of(PROMPTS[0], [60 + n, 61], n, tokenizer) for n in range(3)]
    ids = tuple(s.id for s in samples)
    of_all = replace(ASKED, prompt_id=PROMPTS[0].id, sample_ids=ids)
    pair = replace(of_all, id="pair", sample_ids=ids[:2], label_type=None)
    label = make_label(of_all, "ann", "best", ids[0])
    label = replace(label, details={"ranking": [[name] for name in ids]})
    targets = preference_targets(
        [of_all, pair], [label, make_label(pair, "ann", "best", ids[0])], PLAIN
    )
    with pytest.raises(InputError, match=r"different losses \(ranking; pairs\).*run of their own"):
        preference_batch(
            targets,
            {s.id: s for s in samples},
            {p.id: p for p in PROMPTS},
            sampler_on(tokenizer, roles),
            runtime=CPU,
        )
