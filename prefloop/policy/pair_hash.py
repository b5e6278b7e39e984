"""What was preferred, as one hash from the store's labels and one from the pairs of a policy.

The two ways share no code but the encoding of a sample and what a policy can learn: a winner, a
place or a vote that is turned between store and loss makes other hashes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import combinations
from typing import NamedTuple

import numpy as np

from prefloop.models.runtime import to_numpy
from prefloop.policy.pair_batches import LabeledPair, PairRows
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.rewards.export_hash import DECIMALS, OFF_THE_EDGE, ExportHashes
from prefloop.samples.sampler import Sampler
from prefloop.settings.rewards import StrengthConfig

Response = tuple[str, tuple[int, ...], float]
"""A response of a pair: its prompt's id, its own ids, and how often it was preferred."""


class StoredLabels(NamedTuple):
    """Labels as the store holds them, with what they are about."""

    comparisons: Sequence[Comparison]
    labels: Sequence[Label]
    samples: Mapping[str, Sample]
    prompts: Mapping[str, Prompt]
    strength: StrengthConfig


def pair_hashes(
    rows: PairRows,
    stored: StoredLabels,
    sampler: Sampler,
    *,
    can_learn: Callable[[LabeledPair], bool],
) -> ExportHashes:
    """Return both hashes of all pairs of which the labels prefer one, or call them alike.

    `rows` are what the loss of the policy gets; `can_learn` says which pairs it may have.
    """
    in_store = [
        _line(
            (pair.prompt.id, pair.responses[0], pair.votes[0]),
            (pair.prompt.id, pair.responses[1], pair.votes[1]),
        )
        for pair in _pairs_in(stored, sampler)
        if can_learn(pair)
    ]
    votes, limit = to_numpy(rows.votes).tolist(), sampler.task.response_tokens
    whole = [
        (prompt.id, tuple(ids)[:limit], vote)
        for prompt, ids, vote in zip(rows.prompts, rows.responses, votes, strict=True)
    ]
    in_trainer = [_line(*pair) for pair in zip(whole[0::2], whole[1::2], strict=True)]
    return ExportHashes(_hash(in_store), _hash(in_trainer), len(in_store), "labeled pair")


def _pairs_in(stored: StoredLabels, sampler: Sampler) -> Iterator[LabeledPair]:
    """Yield what the labels say of every two samples of a comparison that they compare."""
    given: dict[str, list[Label]] = defaultdict(list)
    for label in stored.labels:
        if label.answer in ("best", "tie", "all_bad"):
            given[label.comparison_id].append(label)
    limit = sampler.task.response_tokens
    for asked in stored.comparisons:
        labels, prompt = given[asked.id], stored.prompts[asked.prompt_id]
        if not labels:
            continue
        n_query = len(sampler.queries.reward_query(prompt.text))
        ids = {
            name: tuple(sampler.sample_ids(prompt.text, stored.samples[name])[n_query:][:limit])
            for name in asked.sample_ids
        }
        for one, other in combinations(asked.sample_ids, 2):
            said = [_vote(x, one, other, asked.sample_ids, stored.strength) for x in labels]
            votes = sum(v[0] for v in said) / len(labels), sum(v[1] for v in said) / len(labels)
            if any(votes):
                # As the loss has them: rounded to its precision, then to decimals.
                first, second = np.array(votes, dtype=np.float32).tolist()
                yield LabeledPair(prompt, (ids[one], ids[other]), (first, second))


def _vote(
    label: Label, one: str, other: str, asked: Sequence[str], strength: StrengthConfig
) -> tuple[float, float]:
    """Return how far an answer prefers each of two samples to the other."""
    if label.answer != "best":
        return 1.0 / len(asked), 1.0 / len(asked)
    # Without an order of all, what was not chosen shares the place behind.
    rest = [name for name in asked if name != label.chosen]
    places = label.details.get("ranking", [[label.chosen], rest])
    at = {name: number for number, place in enumerate(places) for name in place}
    if at[one] == at[other]:
        return 0.0, 0.0
    wins = (1.0 + strength.share(label.details.get("strength"))) / 2.0
    return (wins, 1.0 - wins) if at[one] < at[other] else (1.0 - wins, wins)


def _line(one: Response, other: Response) -> str:
    """Return a pair as a line, the same whichever of the two is first."""
    return " | ".join(sorted(map(_side, (one, other))))


def _side(response: Response) -> str:
    name, ids, vote = response
    return f"{name} {' '.join(map(str, ids))} {round(vote + OFF_THE_EDGE, DECIMALS)}"


def _hash(lines: Sequence[str]) -> str:
    return sha256("\n".join(sorted(lines)).encode()).hexdigest()
