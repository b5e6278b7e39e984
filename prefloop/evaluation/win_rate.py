"""How often a judge prefers the model's sample to the baseline's on the same prompt."""

from collections.abc import Mapping, Sequence

from prefloop.evaluation.estimates import (
    estimate_figure,
    mean_figure,
    pair_by_prompt,
    share_figure,
)
from prefloop.evaluation.judges.build import CheckedJudge
from prefloop.evaluation.judges.judge import Outcome
from prefloop.evaluation.judges.scorer_judge import ScorerJudge
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import WinRateFigures
from prefloop.functional.statistics import paired_win_rate
from prefloop.progress import StopCheck, never_stop
from prefloop.records import Prompt, Sample, Verdict
from prefloop.samples.scores import score_samples
from prefloop.seeding import stable_id
from prefloop.store.store import Store

PAIRS_AT_ONCE = 16
"""Pairs judged between two writes: what an interrupted evaluation has to ask again at most. The
scores of a scorer that judges are kept as they come."""

POINTS: dict[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}

SamplePair = tuple[Sample, Sample]
"""The model's sample and the baseline's, on one prompt."""


def head_to_head(
    store: Store,
    judge: CheckedJudge,
    prompts: Mapping[str, Prompt],
    model_samples: Sequence[Sample],
    baseline_samples: Sequence[Sample],
    check_stop: StopCheck = never_stop,
) -> list[Verdict]:
    """Return one verdict per prompt that both models answered, after storing them.

    A run may stop between batches, by `check_stop`: what was judged stays.

    The judge sees texts only, not which model wrote them. Nothing is judged twice: verdicts are
    found again by the judge's fingerprint (settings, weights and code) and the two samples.
    """
    pairs = [
        p for p in pair_by_prompt(model_samples, baseline_samples) if p[0].prompt_id in prompts
    ]
    if not pairs:
        return []
    ours, theirs = pairs[0]
    there = {
        verdict.id: verdict
        for verdict in store.verdicts(model=ours.model, baseline=theirs.model, judge=judge.name)
    }
    ids = {_verdict_id(judge, pair): pair for pair in pairs}
    missing = [pair for verdict_id, pair in ids.items() if verdict_id not in there]
    at_once = PAIRS_AT_ONCE if judge.scorer is None else max(1, len(missing))
    for start in range(0, len(missing), at_once):
        check_stop("during evaluation")
        fresh = _judged(store, judge, prompts, missing[start : start + at_once])
        store.add_verdicts(fresh)
        there |= {verdict.id: verdict for verdict in fresh}
    return [there[verdict_id] for verdict_id in ids]


def _judged(
    store: Store,
    judge: CheckedJudge,
    prompts: Mapping[str, Prompt],
    pairs: Sequence[SamplePair],
) -> list[Verdict]:
    """Return new verdicts; a scorer judges by scores, which are kept for each sample."""
    scores: list[float | None] = [None] * len(pairs)
    baseline_scores = list(scores)
    if isinstance(judge.judge, ScorerJudge):
        samples = [sample for side in zip(*pairs, strict=True) for sample in side]
        known = score_samples(store, judge.judge.scorer, prompts, samples).tolist()
        ours, theirs = known[: len(pairs)], known[len(pairs) :]
        outcomes = judge.judge.by_scores(ours, theirs)
        scores, baseline_scores = list(ours), list(theirs)
    else:
        outcomes = judge.compare_all(
            [prompts[ours.prompt_id].text for ours, _ in pairs],
            [ours.text for ours, _ in pairs],
            [theirs.text for _, theirs in pairs],
        )
    return [
        Verdict(
            id=_verdict_id(judge, (ours, theirs)),
            prompt_id=ours.prompt_id,
            model=ours.model,
            baseline=theirs.model,
            sample_id=ours.id,
            baseline_sample_id=theirs.id,
            judge=judge.name,
            outcome=POINTS[outcome],
            score=score,
            baseline_score=baseline_score,
        )
        for (ours, theirs), outcome, score, baseline_score in zip(
            pairs, outcomes, scores, baseline_scores, strict=True
        )
    ]


def _verdict_id(judge: CheckedJudge, pair: SamplePair) -> str:
    ours, theirs = pair
    return stable_id("verdict", judge.name, judge.fingerprint, ours.id, theirs.id)


def win_rate_figures(
    verdicts: Sequence[Verdict],
    *,
    description: str,
    fingerprint: str = "",
    shared_sources: Sequence[str] = (),
) -> WinRateFigures:
    """Return wins, ties, losses, the win rate (a tie is half a win) and both positive shares.

    The positive share is how many samples the judge scores above 0; it is a figure about texts,
    and only means something for judges whose 0 lies between good and bad.
    """
    outcomes = [verdict.outcome for verdict in verdicts]
    prompts = [verdict.prompt_id for verdict in verdicts]
    scores = [verdict.score for verdict in verdicts]
    baseline_scores = [verdict.baseline_score for verdict in verdicts]
    decisive = [verdict for verdict in verdicts if verdict.outcome != POINTS["tie"]]
    return WinRateFigures(
        judge=verdicts[0].judge,
        description=description,
        fingerprint=fingerprint,
        shared_sources=tuple(shared_sources),
        n=len(verdicts),
        wins=sum(outcome == POINTS["win"] for outcome in outcomes),
        ties=sum(outcome == POINTS["tie"] for outcome in outcomes),
        losses=sum(outcome == POINTS["loss"] for outcome in outcomes),
        rate=_rate(verdicts),
        decisive_rate=_rate(decisive) if decisive else None,
        score=mean_figure(scores, prompts),
        baseline_score=mean_figure(baseline_scores, prompts),
        positive=_positive(scores, prompts),
        baseline_positive=_positive(baseline_scores, prompts),
        verdict_ids=tuple(verdict.id for verdict in verdicts),
    )


def _rate(verdicts: Sequence[Verdict]) -> EstimateFigure:
    outcomes = [verdict.outcome for verdict in verdicts]
    return estimate_figure(paired_win_rate(outcomes, [verdict.prompt_id for verdict in verdicts]))


def _positive(scores: Sequence[float | None], prompts: Sequence[str]) -> EstimateFigure | None:
    return share_figure([None if score is None else float(score > 0) for score in scores], prompts)
