"""Figures of summaries that are pooled over seeds: every interval knows prompts and seeds."""

from collections.abc import Sequence

from prefloop.errors import InputError
from prefloop.evaluation.copying import MEASURES
from prefloop.evaluation.estimates import estimate_figure, share_figure
from prefloop.experiments.copying_control import (
    MeasuredSummaries,
    above_copying,
    copied,
    several,
)
from prefloop.experiments.summaries import ArticleSummary, JudgedPolicy
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import CopyingMeasures
from prefloop.figures.experiment import SystemFigures
from prefloop.functional.statistics import clustered_mean, paired_win_rate, ratio_of_means
from prefloop.text.overlap import copies_start
from prefloop.text.words import words

PREAMBLE_WORDS = 3
"""A colon among so many first words is a preamble of news (2019, table 4)."""


def system_figures(
    name: str,
    title: str,
    system: MeasuredSummaries,
    control: tuple[MeasuredSummaries, MeasuredSummaries] | None = None,
    *,
    in_2019: str = "",
) -> SystemFigures:
    """Return how much a system copies and how accurate it is.

    `control` is the start and what copies its articles. InputError without a summary.
    """
    summaries = system.summaries
    if not summaries:
        raise InputError(f"{name} has no summaries to measure; run the experiment again.")
    preambled = [s for s in summaries if has_preamble(s.source)]
    measured = {
        measure: _pooled(
            [value(s.text, s.source) for s in summaries],
            summaries,
            is_share=summarize is share_figure,
        )
        for measure, (value, summarize) in MEASURES.items()
    }
    above = None if control is None else above_copying(system, *control)
    return SystemFigures(
        name=name,
        title=title,
        seeds=tuple(sorted({s.seed for s in summaries})),
        n=len(summaries),
        copying=CopyingMeasures(**measured),
        copied_sentences=_pooled(system.copied, summaries),
        starts_with_preamble=_pooled(
            [float(copies_start(s.text, s.source)) for s in preambled], preambled
        ),
        accurate=_pooled(system.accurate, summaries),
        accuracy_above_copying=None if above is None else _of_seeds(estimate_figure(above)),
        words=_pooled([float(len(words(s.text))) for s in summaries], summaries, is_share=False),
        in_2019=in_2019,
    )


def has_preamble(source: str) -> bool:
    """Whether news begin with a place or a name before a colon, as 2019 has it.

    >>> has_preamble("Moscow: the talks ended."), has_preamble("The talks ended in Moscow.")
    (True, False)
    """
    return any(":" in word for word in source.split()[:PREAMBLE_WORDS])


def copied_before_and_after(
    policies: Sequence[JudgedPolicy],
) -> tuple[EstimateFigure, EstimateFigure, EstimateFigure | None, EstimateFigure]:
    """Return the copied share before and after, their ratio (None if one is 0), and the change.

    Only prompts that both answered with a sentence count. InputError where there is none.
    """
    pairs = [pair for policy in policies for pair in _pairs(policy)]
    if not pairs:
        raise InputError(
            "no held-out prompt was answered with a sentence both before and after the training: "
            "raise evaluation.prompts or task.response_tokens."
        )
    before, after = [b for _, b, _ in pairs], [a for _, _, a in pairs]
    of = [summary for summary, _, _ in pairs]
    prompts, seeds = [s.prompt_id for s in of], _seeds(of)
    ratio = None
    if sum(before) > 0 and sum(after) > 0:
        found = estimate_figure(ratio_of_means(after, before, prompts, repeats=seeds))
        ratio = _of_seeds(found)
    # A change from -1 to 1 as a share from 0 to 1, whose interval knows where it ends.
    halved = _share([(1 + a - b) / 2 for b, a in zip(before, after, strict=True)], of)
    change = halved.model_copy(
        update={
            "value": 2 * halved.value - 1,
            "low": None if halved.low is None else 2 * halved.low - 1,
            "high": None if halved.high is None else 2 * halved.high - 1,
        }
    )
    return _share(before, of), _share(after, of), ratio, change


def win_rate(policies: Sequence[JudgedPolicy]) -> EstimateFigure | None:
    """Return how often the judge prefers the policies to their starts; None without a judge."""
    rows = [(policy, prompt, won) for policy in policies for prompt, won in policy.outcomes]
    seeds = several([policy.member.samples.seed for policy, _, _ in rows])
    if not rows:
        return None
    outcomes, prompts = [won for _, _, won in rows], [prompt for _, prompt, _ in rows]
    return _of_seeds(estimate_figure(paired_win_rate(outcomes, prompts, labelers=seeds)))


def kl(policies: Sequence[JudgedPolicy]) -> EstimateFigure | None:
    """Return the mean KL from the start in nats per summary."""
    rows = [
        (policy.member.samples.seed, prompt, value)
        for policy in policies
        for prompt, value in policy.kl
    ]
    if not rows:
        return None
    return _mean([v for _, _, v in rows], [p for _, p, _ in rows], [seed for seed, _, _ in rows])


def _pairs(policy: JudgedPolicy) -> list[tuple[ArticleSummary, float, float]]:
    """Return the policy's summaries with the copied share before and after."""
    before = {summary.prompt_id: copied(summary) for summary in policy.before}
    found = []
    for summary in policy.after:
        b, a = before.get(summary.prompt_id), copied(summary)
        if a is not None and b is not None:
            found.append((summary, b, a))
    return found


def _pooled(
    values: Sequence[float | None], summaries: Sequence[ArticleSummary], *, is_share: bool = True
) -> EstimateFigure | None:
    known = [(v, s) for v, s in zip(values, summaries, strict=True) if v is not None]
    if not known:
        return None
    numbers, of = [v for v, _ in known], [s for _, s in known]
    if is_share:
        return _share(numbers, of)
    return _mean(numbers, [s.prompt_id for s in of], [s.seed for s in of])


def _mean(values: Sequence[float], prompts: Sequence[str], seeds: Sequence[int]) -> EstimateFigure:
    return _of_seeds(estimate_figure(clustered_mean(values, prompts, repeats=several(seeds))))


def _share(values: Sequence[float], of: Sequence[ArticleSummary]) -> EstimateFigure:
    prompts = [summary.prompt_id for summary in of]
    return _of_seeds(estimate_figure(paired_win_rate(values, prompts, labelers=_seeds(of))))


def _seeds(of: Sequence[ArticleSummary]) -> list[int] | None:
    return several([summary.seed for summary in of])


def _of_seeds(figure: EstimateFigure) -> EstimateFigure:
    """Return the figure in the words of seeds: they are the second grouping here."""
    return figure.model_copy(update={"how": figure.how.replace("labeler", "seed")})
