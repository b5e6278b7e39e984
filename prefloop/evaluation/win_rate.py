"""How often a judge prefers the tuned model's sample to the reference's on the same prompt."""

from collections.abc import Mapping, Sequence
from typing import Any

from prefloop.evaluation.estimates import as_row, mean_row, pair_by_prompt, share_row
from prefloop.evaluation.judge import Judge
from prefloop.functional.statistics import paired_win_rate
from prefloop.records import Prompt, Sample, Verdict
from prefloop.seeding import stable_id


def head_to_head(
    judge: Judge,
    prompts: Mapping[str, Prompt],
    policy_samples: Sequence[Sample],
    reference_samples: Sequence[Sample],
    *,
    tie_margin: float = 0.0,
) -> list[Verdict]:
    """Return one verdict per prompt that both models answered.

    Scores no further apart than `tie_margin` are a tie. The judge sees texts only: neither which
    model wrote them nor in which order they will be compared.
    """
    pairs = [
        p for p in pair_by_prompt(policy_samples, reference_samples) if p[0].prompt_id in prompts
    ]
    if not pairs:
        return []
    texts = [prompts[ours.prompt_id].text for ours, _ in pairs]
    ours_scores = judge.score(texts, [ours.text for ours, _ in pairs])
    their_scores = judge.score(texts, [theirs.text for _, theirs in pairs])
    return [
        Verdict(
            id=stable_id("verdict", judge.name, ours.round, ours.id, theirs.id),
            prompt_id=ours.prompt_id,
            model=ours.model,
            baseline=theirs.model,
            sample_id=ours.id,
            baseline_sample_id=theirs.id,
            judge=judge.name,
            outcome=_outcome(float(a - b), tie_margin),
            score=float(a),
            baseline_score=float(b),
        )
        for (ours, theirs), a, b in zip(pairs, ours_scores, their_scores, strict=True)
    ]


def _outcome(lead: float, tie_margin: float) -> float:
    if abs(lead) <= tie_margin:
        return 0.5
    return 1.0 if lead > 0 else 0.0


def win_rate_figures(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return wins, ties, losses, the win rate (a tie is half a win) and both positive shares.

    The positive share is how many samples the judge scores above 0; it is a figure about texts,
    and only means something for judges whose 0 lies between good and bad.
    """
    outcomes = [verdict.outcome for verdict in verdicts]
    prompts = [verdict.prompt_id for verdict in verdicts]
    scores = [verdict.score for verdict in verdicts]
    baseline_scores = [verdict.baseline_score for verdict in verdicts]
    decisive = [verdict for verdict in verdicts if verdict.outcome != 0.5]
    return {
        "judge": verdicts[0].judge,
        "n": len(verdicts),
        "wins": sum(outcome == 1.0 for outcome in outcomes),
        "ties": sum(outcome == 0.5 for outcome in outcomes),
        "losses": sum(outcome == 0.0 for outcome in outcomes),
        "rate": _rate(verdicts),
        "decisive_rate": _rate(decisive) if decisive else None,
        "policy_score": mean_row(scores, prompts),
        "reference_score": mean_row(baseline_scores, prompts),
        "policy_positive": _positive(scores, prompts),
        "reference_positive": _positive(baseline_scores, prompts),
        "verdict_ids": [verdict.id for verdict in verdicts],
    }


def _rate(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    outcomes = [verdict.outcome for verdict in verdicts]
    return as_row(paired_win_rate(outcomes, [verdict.prompt_id for verdict in verdicts]))


def _positive(scores: Sequence[float | None], prompts: Sequence[str]) -> dict[str, Any] | None:
    return share_row([None if score is None else float(score > 0) for score in scores], prompts)
