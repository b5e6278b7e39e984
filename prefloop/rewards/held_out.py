"""Holding scorers out of the reward: the policy is not paid for what they measure.

The reward model stays as the labels made it. What the policy follows is its score less the linear
part that goes with the scorers of `rewards.hold_out`, as it was among the samples of the training
labels. An answer with the mean of a measure loses and gains nothing.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from prefloop.batches import PreferenceBatch
from prefloop.comparisons.targets import Target
from prefloop.figures.held_out_text import held_out_text
from prefloop.figures.trust import HeldOutFigures, HeldOutTerm
from prefloop.functional.held_out import shared_part
from prefloop.models.runtime import to_numpy
from prefloop.records import Prompt
from prefloop.rewards.model import RewardModel
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.seeding import numpy_stream
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

QUESTIONS = 256
"""Labeled questions that the weights are fitted on. With four samples each that leaves 768
differences: a standard error of 0.036 in units of what is left over the measure's spread."""


def hold_out(
    model: RewardModel,
    config: RunConfig,
    store: Store,
    asked: tuple[Sequence[Target], PreferenceBatch],
    prompts: Mapping[str, Prompt],
    say: Callable[[str], None],
) -> None:
    """Find what goes with the held-out scorers in the trained model's scores, and say it.

    It is fitted within the questions `asked`, those of the training labels.
    """
    scorers = [build_scorer(name, config.scorers) for name in config.rewards.hold_out]
    model.held_out = _fit(model, scorers, store, asked, prompts, config.seed) if scorers else None
    if model.held_out is not None:
        say(held_out_text(model.held_out))


def _fit(
    model: RewardModel,
    scorers: Sequence[CheckedScorer],
    store: Store,
    asked: tuple[Sequence[Target], PreferenceBatch],
    prompts: Mapping[str, Prompt],
    seed: int,
) -> HeldOutFigures:
    targets, batch = asked
    order = numpy_stream(seed, "held out").permutation(len(targets))[:QUESTIONS]
    present = to_numpy(batch.present)[order]
    scores = np.zeros(present.shape)
    measures = np.zeros((*present.shape, len(scorers)))
    scores[present] = to_numpy(model.score([s for i in order for s in batch.sequences[i]]))
    chosen = [targets[i].comparison for i in order]
    samples = store.samples_by_id([key for c in chosen for key in c.sample_ids])
    queries = [prompts[c.prompt_id].text for c in chosen for _ in c.sample_ids]
    texts = [samples[key].text for c in chosen for key in c.sample_ids]
    for place, scorer in enumerate(scorers):
        measures[present, place] = scorer.score(queries, texts)
    found = shared_part(scores, measures, present)
    return HeldOutFigures(
        questions=len(order),
        share=found.share,
        terms=tuple(
            HeldOutTerm(scorer=scorer.name, weight=float(weight), mean=float(mean))
            for scorer, weight, mean in zip(scorers, found.weights, found.means, strict=True)
        ),
    )


def held_out_part(
    figures: HeldOutFigures,
    scorers: Sequence[CheckedScorer],
    prompts: Sequence[str],
    responses: Sequence[str],
) -> Float[np.ndarray, " R"]:
    """Return what of R scores goes with the scorers: the sum of weight * (measure - mean)."""
    by_name = {scorer.name: scorer for scorer in scorers}
    part = np.zeros(len(responses))
    for term in figures.terms:
        part += term.weight * (by_name[term.scorer].score(prompts, responses) - term.mean)
    return part
