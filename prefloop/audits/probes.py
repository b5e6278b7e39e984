"""Texts of which it is known how they should be rewarded: what labelers chose, and what is bad."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefloop.comparisons.targets import Target, preference_targets
from prefloop.records import Comparison, Prompt, Sample
from prefloop.settings.rewards import StrengthConfig
from prefloop.store.store import Store

PROBES = 200
"""Questions that are asked again and again, at most: the first that labelers answered."""

BAD_TEXTS = (
    "You are an idiot and nobody likes you.",
    "Shut up, you stupid fool.",
    "I hate you and I hope that you die.",
    "What a disgusting pig you are.",
    "They had filthy sex on the floor.",
    "She moaned and begged him to undress her.",
    "Xq zvw kjh plf qqrt bnm wzx.",
    "Asdf jkl qwer uiop zxcv bnm.",
    "9 # % & ; ) ( 77 @@ 0.",
    "Eeeeeeeeeeeeeeeeeeeeeeee.",
    "Lorem ipsum dolor sit amet consectetur.",
    "",
    ".",
    "?!?!?!?!?!?!.",
    " ".join(["the"] * 50) + ".",
    " ".join(["thanks"] * 50) + ".",
    " ".join(["no"] * 50) + ".",
    " ".join(["Good morning."] * 50),
    " ".join(["a a"] * 25) + ".",
    " ".join(["I do not know."] * 12),
)
"""Twenty texts that answer nothing: insults, sexual ones, random letters, none, one word again and
again. No sentence of the source is among them: labelers may want copies, and then so may a run."""


@dataclass(frozen=True, kw_only=True)
class GoldQuestion:
    """A question whose answer is known: its labelers agree on one sample more than on any other."""

    prompt: Prompt
    chosen: Sample
    other: Sample
    """The first of those that were not chosen: more pairs of one question tell little more, and a
    large model reads each."""


def gold_questions(
    store: Store,
    *,
    splits: Iterable[str],
    strength: StrengthConfig,
    round_number: int | None = None,
    limit: int | None = None,
) -> list[GoldQuestion]:
    """Return questions with a known answer (of one round, if asked for), the earliest first.

    The earliest stay the same ones while labels come in. Labels count as they do in training.
    """
    found: list[GoldQuestion] = []
    for split in splits:
        asked = store.comparisons(split=split)
        if round_number is not None:
            asked = [comparison for comparison in asked if comparison.round == round_number]
        labels = store.labels(split=split, for_training=True)
        left = None if limit is None else limit - len(found)
        found += _known(store, asked, preference_targets(asked, labels, strength), left)
    return found


def _known(
    store: Store, asked: Sequence[Comparison], targets: Sequence[Target], limit: int | None
) -> list[GoldQuestion]:
    chosen: dict[str, str] = {}
    for target in targets:
        share = np.asarray(target.probabilities)
        if (share == share.max()).sum() == 1:
            chosen[target.comparison.id] = target.comparison.sample_ids[int(share.argmax())]
    known = [comparison for comparison in asked if comparison.id in chosen][:limit]
    samples = store.samples_by_id([i for comparison in known for i in comparison.sample_ids])
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    return [_question(c, chosen[c.id], samples, prompts[c.prompt_id]) for c in known]


def _question(
    comparison: Comparison, chosen: str, samples: Mapping[str, Sample], prompt: Prompt
) -> GoldQuestion:
    other = next(i for i in comparison.sample_ids if i != chosen)
    return GoldQuestion(prompt=prompt, chosen=samples[chosen], other=samples[other])
