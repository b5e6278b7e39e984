"""Each canary passes on a sound trainer, and fails on its mutation."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from prefloop.audits import canaries
from prefloop.audits.canaries import GOLD, Probed, When
from prefloop.audits.probes import BAD_TEXTS, GoldQuestion, gold_questions
from prefloop.audits.probing import identity_at_start, log_probability_gaps, probe, swap_accuracies
from prefloop.batches import Rollout
from prefloop.comparisons.targets import preference_targets
from prefloop.figures.canary import CanaryResult
from prefloop.label_types.best_of_k.type import BestOfK
from prefloop.label_types.losses import LOSSES
from prefloop.models.runtime import CPU
from prefloop.models.scoring import Forward
from prefloop.models.shared_query import TokenRows, shared_rows
from prefloop.policy.methods import a2po, ppo, rloo
from prefloop.policy.rollout import RolloutCollector
from prefloop.policy.trainer import PolicyTrainer
from prefloop.records import Comparison, Label, Prompt
from prefloop.rewards.dataset import preference_batch, select_comparisons
from prefloop.rewards.export_hash import ExportHashes, export_hashes
from prefloop.settings.rewards import StrengthConfig
from prefloop.store.store import Store
from prefloop.text.overlap import is_verbatim
from tests.known import known
from tests.silent_bugs.parts import reward_model
from tests.stages_for_tests import disturb, fill, roles_on, sample_of, sampler_on
from tests.unit.policy.likes_even import PROMPTS, LikesEven, trainer_on
from tests.wrong_twins import canary_twins as twins

START = When(0, 0)
PLAIN = StrengthConfig()


class LikesCopies:
    """A reward model that counts how many of the last six ids stand before them."""

    reference_spread = None

    def score(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        return torch.tensor([float(sum(i in s[:-6] for i in s[-6:])) for s in sequences])


def gold_on(trainer: PolicyTrainer, n: int, *, best: Callable[[list[int]], float]) -> list[Any]:
    """Return questions of two random texts to one prompt each; the label takes the better."""
    tokenizer, stream = trainer.collector.sampler.tokenizer, np.random.default_rng(4)
    found = []
    for i in range(n):
        prompt = Prompt(id=f"g{i}", text=PROMPTS[i % 3].text, source="test", split="validation")
        texts = [[int(k) for k in stream.integers(20, 300, 6)] for _ in range(2)]
        # One that copies, and one that copies less.
        texts[0][:3] = tokenizer.encode(prompt.text)[:3]
        if best(texts[0]) == best(texts[1]):
            texts[1][0] += 1
        texts.sort(key=best, reverse=True)
        chosen, other = (sample_of(prompt, ids, k, tokenizer) for k, ids in enumerate(texts))
        found.append(GoldQuestion(prompt=prompt, chosen=chosen, other=other))
    return found


def n_even(ids: list[int]) -> float:
    return sum(i % 2 == 0 for i in ids)


@pytest.mark.parametrize("method", ["ppo", "rloo", "a2po"])
def test_c3_passes_at_the_start_and_in_every_update(gpt2_folder: Path, method: str) -> None:
    trainer = trainer_on(gpt2_folder, method=method)
    result = canaries.reward_identity(identity_at_start(trainer, PROMPTS), START)
    assert result.status == "pass" and "+1.00 x score and −0.150 x KL" in result.value
    for update in range(2):
        line = trainer.step(trainer.prompts_of(update, PROMPTS))
        assert canaries.reward_identity(trainer.reward_check, START).status == "pass"
        assert line["policy/reward_gap"] == known(trainer.reward_check).gap


@pytest.mark.parametrize(
    ("method", "module", "name", "twin"),
    [
        ("ppo", ppo, "shape_rewards", twins.reward_turned),
        ("ppo", ppo, "shape_rewards", twins.kl_turned),
        ("ppo", ppo, "shape_rewards", twins.both_turned),
        ("rloo", rloo, "sequence_rewards", twins.both_turned_per_response),
        ("rloo", rloo, "sequence_rewards", twins.kl_per_token),
        ("a2po", a2po, "sequence_rewards", twins.kl_per_token),
    ],
)
def test_c3_fails_where_a_sign_is_turned(
    gpt2_folder: Path, monkeypatch: Any, method: str, module: Any, name: str, twin: Any
) -> None:
    trainer = trainer_on(gpt2_folder, method=method)
    monkeypatch.setattr(module, name, twin)
    assert canaries.reward_identity(identity_at_start(trainer, PROMPTS), START).status == "fail"
    disturb(trainer.collector.roles.policy)
    trainer.step(trainer.prompts_of(0, PROMPTS))
    found = canaries.reward_identity(trainer.reward_check, START)
    assert found.status == "fail" and found.action


def test_c3_knows_nothing_of_a_method_that_does_not_say(gpt2_folder: Path) -> None:
    class Silent:
        """A method of before."""

    trainer = trainer_on(gpt2_folder)
    trainer.method = Silent()  # type: ignore[assignment]
    assert canaries.reward_identity(identity_at_start(trainer, PROMPTS), START).status == "unknown"


def test_c4_passes_with_labels_that_the_reward_follows(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder)
    found = probe(trainer, gold_on(trainer, GOLD, best=n_even))
    assert len(found.bad) == len(BAD_TEXTS) == 20
    assert found.agrees == pytest.approx(1.0)
    assert canaries.gold_and_bad_texts(found, START).status == "pass"


def test_c4_fails_where_the_trainer_turns_the_reward_models_score(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With however few labels: the reward model itself says the contrary."""
    trainer = trainer_on(gpt2_folder)
    gold = gold_on(trainer, 6, best=n_even)
    few = canaries.gold_and_bad_texts(probe(trainer, gold), START)
    assert few.status == "unknown" and "too small to refuse: 6 of the 100" in few.value
    scores = RolloutCollector.scores

    def turned(self: RolloutCollector, *given: Any) -> Any:
        scored = scores(self, *given)
        return scored._replace(scores=-scored.scores)

    monkeypatch.setattr(RolloutCollector, "scores", turned)
    assert canaries.gold_and_bad_texts(probe(trainer, gold), START).status == "fail"


def test_c4_fails_where_the_reward_model_is_turned(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, LikesEven(-1.0))
    found = probe(trainer, gold_on(trainer, GOLD, best=n_even))
    assert found.agrees == pytest.approx(1.0)
    assert canaries.gold_and_bad_texts(found, START).status == "fail"


def test_c4_never_stops_labelers_who_reward_copies(gpt2_folder: Path) -> None:
    """A run towards copies is what was asked for; and no bad text is a sentence of a source."""
    trainer = trainer_on(gpt2_folder, LikesCopies())
    of_prompt = {i for p in PROMPTS for i in trainer.collector.sampler.tokenizer.encode(p.text)}
    copied = lambda ids: sum(i in of_prompt for i in ids)  # noqa: E731
    found = probe(trainer, gold_on(trainer, GOLD, best=copied))
    assert canaries.gold_and_bad_texts(found, START).status == "pass"
    assert not any(is_verbatim(t, p.text) for t in BAD_TEXTS if t.strip(".") for p in PROMPTS)


def probed(rate: float, n: int, n_beating: int) -> Probed:
    credit = np.arange(n) < rate * n
    bad = np.where(np.arange(20) < n_beating, 1.0, -1.0)
    ids = tuple(map(str, range(n)))
    return Probed(credit=credit.astype(float), prompts=ids, bad=bad, median=0.0, agrees=0.9)


@pytest.mark.parametrize(
    ("rate", "n", "n_beating", "status"),
    [
        (0.65, 100, 0, "pass"),
        (0.65, 100, 20, "pass"),
        (0.35, 100, 0, "fail"),
        (0.35, 99, 20, "unknown"),
        (0.49, 120, 18, "unknown"),
        (0.49, 120, 20, "fail"),
        (0.55, 100, 19, "unknown"),
    ],
)
def test_c4_refuses_what_surely_points_the_wrong_way(
    rate: float, n: int, n_beating: int, status: str
) -> None:
    """49 % with 18 bad texts of 20 was a run whose policy won 71 % of its comparisons."""
    assert canaries.gold_and_bad_texts(probed(rate, n, n_beating), START).status == status


def test_c4_errs_as_rarely_as_the_docs_say() -> None:
    """A reward model that is right in 65 of 100: refused, and its mirror image not refused."""
    stream = np.random.default_rng(0)

    def refused(rate: float, n: int) -> float:
        draws = stream.random((400, n)) < rate
        ids = tuple(map(str, range(n)))
        found = [
            canaries.gold_and_bad_texts(
                replace(probed(0, n, 0), credit=d * 1.0, prompts=ids), START
            )
            for d in draws
        ]
        return float(np.mean([f.status == "fail" for f in found]))

    assert refused(0.65, 100) == 0.0
    assert refused(0.55, 100) <= 0.01
    assert refused(0.35, 100) >= 0.8
    assert refused(0.35, 200) >= 0.97


def test_c5_a_pair_and_its_swap_add_up(gpt2_folder: Path, monkeypatch: Any) -> None:
    trainer = trainer_on(gpt2_folder)
    sampler = trainer.collector.sampler
    gold = gold_on(trainer, 40, best=n_even)
    found = swap_accuracies(LikesEven(), sampler, gold)  # type: ignore[arg-type]
    assert found == (1.0, 0.0, 40)
    assert canaries.swap(*found, START).status == "pass"
    assert canaries.swap(*swap_accuracies(LikesEven(), sampler, []), START).status == "unknown"  # type: ignore[arg-type]
    mutant = replace(LOSSES["best_of_k"], accuracy=twins.first_always_right)
    monkeypatch.setitem(LOSSES, "best_of_k", mutant)
    found = swap_accuracies(LikesEven(), sampler, gold)  # type: ignore[arg-type]
    assert canaries.swap(*found, START).status == "fail"


def test_c5_sees_a_response_that_reads_another_of_its_row(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Swapped, the other one reads it: then it is not the score of either alone."""
    sampler = trainer_on(gpt2_folder).collector.sampler
    gold = gold_on(trainer_on(gpt2_folder), 40, best=n_even)

    def found() -> CanaryResult:
        model, _ = reward_model(gpt2_folder)
        return canaries.swap(*swap_accuracies(model, sampler, gold), START)

    assert found().status == "pass"

    def leaking(*args: Any) -> TokenRows:
        rows = shared_rows(*args)
        return rows._replace(mask=torch.ones_like(rows.mask).tril())

    monkeypatch.setattr("prefloop.rewards.comparison_reader.shared_rows", leaking)
    assert found().status == "fail"


def c6(trainer: PolicyTrainer) -> CanaryResult:
    return canaries.log_probabilities(*log_probability_gaps(trainer, PROMPTS), 6, START)


def test_c6_no_kl_before_the_first_update_and_one_log_probability(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder)
    assert c6(trainer).status == "pass"
    trainer.step(trainer.prompts_of(0, PROMPTS))
    later = c6(trainer)
    assert later.status == "pass" and "before any update" not in later.value


def test_c6_looks_at_no_more_responses_at_once_than_training_does(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_on(gpt2_folder, microbatch_size=2)
    whole = log_probability_gaps(trainer_on(gpt2_folder), PROMPTS)[1]
    sizes: list[int] = []
    forward = trainer.optimizer.forward

    def noted(rollout: Rollout) -> Forward:
        sizes.append(len(rollout.query))
        return forward(rollout)

    monkeypatch.setattr(trainer.optimizer, "forward", noted)
    assert log_probability_gaps(trainer, PROMPTS)[1] == pytest.approx(whole, abs=1e-4)
    assert sizes == [2, 1]


def test_c6_fails_with_another_policy_than_the_reference(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder)
    disturb(trainer.collector.roles.policy, scale=0.01)
    assert c6(trainer).status == "fail"


def test_c6_fails_where_training_forgets_the_temperature(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, task={"temperature": 0.8})
    assert c6(trainer).status == "pass"
    trainer.optimizer.sampler = sampler_on(*roles_on(gpt2_folder), temperature=1.0)
    assert c6(trainer).status == "fail"


def hashes(
    store: Store,
    model: Path,
    *,
    mutate: Any = lambda batch: batch,
    as_asked: Any = lambda comparison: comparison,
    as_said: Any = lambda label, comparison: label,
    strength: StrengthConfig = PLAIN,
) -> ExportHashes:
    """Return both hashes of the labels of a store, as the rewards stage takes them."""
    tokenizer, roles = roles_on(model)
    sampler = sampler_on(tokenizer, roles)
    asked = {c.id: as_asked(c) for c in store.comparisons(split="train")}
    labels = [as_said(x, asked[x.comparison_id]) for x in store.labels(split="train")]
    targets = preference_targets(list(asked.values()), labels, strength)
    samples = store.samples_by_id([k for t in targets for k in t.comparison.sample_ids])
    prompts = {p.id: p for p in store.prompts()}
    batch = mutate(preference_batch(targets, samples, prompts, sampler, CPU))
    return export_hashes(targets, batch, labels, samples, prompts, sampler, strength)


@pytest.fixture
def labeled(gpt2_folder: Path, sqlite_path: Path) -> Any:
    """A store with labels, of which the order shown is not that of the comparison."""
    with Store.open(sqlite_path) as store:
        fill(store, roles_on(gpt2_folder)[0])
        shown = [
            replace(x, id=f"m-{x.id}", labeler="ben", shown=x.shown[::-1], chosen=x.shown[2])
            for x in store.labels()
        ]
        store.add_labels(shown)
        yield store


def test_c8_the_trainer_learns_from_what_the_store_holds(labeled: Store, gpt2_folder: Path) -> None:
    found = hashes(labeled, gpt2_folder)
    assert found.n == 8
    assert canaries.export(found, START).status == "pass"


@pytest.mark.parametrize("twin", [twins.chosen_by_place_shown, twins.chosen_last])
def test_c8_fails_where_a_label_is_turned(
    labeled: Store, gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch, twin: Any
) -> None:
    monkeypatch.setattr(BestOfK, "target", twin(BestOfK.target))
    assert canaries.export(hashes(labeled, gpt2_folder), START).status == "fail"


def test_c8_fails_where_rows_are_mixed_up(labeled: Store, gpt2_folder: Path) -> None:
    found = hashes(
        labeled, gpt2_folder, mutate=lambda b: select_comparisons(b, [1, 0, *range(2, 8)])
    )
    assert canaries.export(found, START).status == "fail"


def slightly(label: Label, comparison: Comparison) -> Label:
    return replace(label, details={"strength": "slightly"}) if label.labeler == "ben" else label


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_c8_counts_a_slight_preference_as_training_does(
    labeled: Store, gpt2_folder: Path, share: float
) -> None:
    found = hashes(labeled, gpt2_folder, as_said=slightly, strength=StrengthConfig(slightly=share))
    assert found.n == 8
    assert found.in_store == found.in_trainer != hashes(labeled, gpt2_folder).in_store


def ranked(label: Label, comparison: Comparison) -> Label:
    below = [[i] for i in comparison.sample_ids if i != label.chosen]
    return replace(label, details={"ranking": [[label.chosen], *below]})


def test_c8_reads_the_first_place_of_rankings(labeled: Store, gpt2_folder: Path) -> None:
    def as_ranking(comparison: Comparison) -> Comparison:
        return replace(comparison, label_type="ranking")

    found = hashes(labeled, gpt2_folder, as_asked=as_ranking, as_said=ranked)
    assert found == hashes(labeled, gpt2_folder)


def test_c8_leaves_ties_out_of_both_hashes(labeled: Store, gpt2_folder: Path) -> None:
    first = labeled.labels()[0]
    labeled.add_labels([replace(first, id="tie", labeler="eve", answer="tie", chosen=None)])
    found = hashes(labeled, gpt2_folder)
    assert found.n == 7
    assert found.in_store == found.in_trainer


@pytest.mark.parametrize(
    ("rate", "n", "status"),
    [(0.7, 100, "pass"), (0.3, 100, "fail"), (0.5, 100, "unknown"), (0.3, 10, "unknown")],
)
def test_c9_a_mirror_image_is_seen_and_chance_is_not(rate: float, n: int, status: str) -> None:
    credit = (np.arange(n) < rate * n).astype(float)
    assert canaries.agreement(credit, list(map(str, range(n))), START).status == status
    assert canaries.agreement(np.zeros(0), [], START).status == "unknown"


def test_gold_is_what_labelers_agree_on_and_the_earliest_stay(labeled: Store) -> None:
    """Two labelers took two different samples of each question; then one took the first again."""
    assert gold_questions(labeled, strength=PLAIN, splits=("train",)) == []
    again = [
        replace(x, id=f"n-{x.id}", labeler="eve") for x in labeled.labels() if x.labeler == "ann"
    ]
    labeled.add_labels(again[:3])
    three = gold_questions(labeled, strength=PLAIN, splits=("train",))
    assert [q.chosen.id for q in three] == [x.chosen for x in again[:3]]
    assert all(q.other.prompt_id == q.prompt.id and q.other != q.chosen for q in three)
    assert gold_questions(labeled, strength=PLAIN, splits=("train",), limit=2) == three[:2]
    assert gold_questions(labeled, strength=PLAIN, splits=("train",), round_number=1) == []
