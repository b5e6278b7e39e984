"""Accuracy beside copies: what a system is measured by, and the control that copies as much."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from prefloop.experiments.summaries import ArticleSummary
from prefloop.functional.copying_control import Measured, accuracy_above_control
from prefloop.functional.statistics import Estimate
from prefloop.scorers.build import CheckedScorer
from prefloop.text.overlap import novel_sentence_share

SeededPrompt = tuple[str, int]
"""A prompt in one seed."""


@dataclass(frozen=True, kw_only=True)
class MeasuredSummaries:
    """Summaries of one system, and of each what it copies and whether it is accurate."""

    summaries: Sequence[ArticleSummary]
    copied: list[float | None]
    """Share of its sentences that stand in its source; None for a text without a sentence."""
    accurate: list[float]
    """1 where the check finds it rather supported than not."""


def measure(summaries: Sequence[ArticleSummary], accuracy: CheckedScorer) -> MeasuredSummaries:
    """Return summaries with what every table asks of them."""
    scores = accuracy.score([s.source for s in summaries], [s.text for s in summaries])
    return MeasuredSummaries(
        summaries=summaries,
        copied=[copied(summary) for summary in summaries],
        accurate=[float(score > 0) for score in scores],
    )


def copied(summary: ArticleSummary) -> float | None:
    """Return the share of a summary's sentences that stand in its source; None without any."""
    novel = novel_sentence_share(summary.text, summary.source)
    return None if novel is None else 1.0 - novel


def above_copying(
    system: MeasuredSummaries, start: MeasuredSummaries, copies: MeasuredSummaries
) -> Estimate | None:
    """Return how much more accurate a system is than its start with as many copies put in.

    Only articles that all three summarize count, each once. None where there is none, or the
    system copies more than `copies` do.
    """
    ours, starts, ends = map(_by_article, (system, start, copies))
    articles = [article for article in ours if article in starts and article in ends]
    if not articles:
        return None

    def of(rows: dict[SeededPrompt, tuple[float, float]]) -> Measured:
        return Measured(
            copied=[rows[article][0] for article in articles],
            accurate=[rows[article][1] for article in articles],
        )

    return accuracy_above_control(
        of(ours),
        of(starts),
        of(ends),
        [prompt for prompt, _ in articles],
        repeats=several([seed for _, seed in articles]),
    )


def several(seeds: Sequence[int]) -> list[int] | None:
    """Return the seed of each; None where there is one only, of which no spread is known."""
    return list(seeds) if len(set(seeds)) > 1 else None


def _by_article(measured: MeasuredSummaries) -> dict[SeededPrompt, tuple[float, float]]:
    """Return the mean share copied and the mean accuracy of each article's summaries."""
    groups: dict[SeededPrompt, list[tuple[float, float]]] = {}
    rows = zip(measured.summaries, measured.copied, measured.accurate, strict=True)
    for summary, share, is_accurate in rows:
        if share is not None:
            groups.setdefault((summary.prompt_id, summary.seed), []).append((share, is_accurate))
    return {
        article: (fmean(c for c, _ in rows), fmean(a for _, a in rows))
        for article, rows in groups.items()
    }
