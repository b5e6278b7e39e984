"""What people's verdicts come to, as figures: how often, how sure, by whom."""

from collections.abc import Sequence

from prefloop.evaluation.estimates import estimate_figure, pair_by_prompt, share_figure
from prefloop.evaluation.judges.build import CheckedJudge
from prefloop.evaluation.people_verdicts import (
    Look,
    agreeing_pairs,
    ballots_rate,
    judging_question,
    take_looks,
)
from prefloop.evaluation.win_rate import POINTS, SamplePair
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import WinRateFigures
from prefloop.figures.judging import JudgingFigures
from prefloop.functional.statistics import Estimate
from prefloop.records import Sample, Verdict
from prefloop.seeding import stable_id
from prefloop.store.store import Store
from prefloop.teamwork import JudgingTerms

CONFIDENCE = 0.95
"""Of the intervals of all looks together."""


def people_figures(
    store: Store,
    judge: CheckedJudge,
    model_samples: Sequence[Sample],
    baseline_samples: Sequence[Sample],
) -> WinRateFigures | None:
    """Return what people said of a model, after storing their verdicts; None if nobody was asked.

    Only answers that came before their batch was closed count, in the looks that were planned when
    it was opened.
    """
    pairs = asked_pairs(pair_by_prompt(model_samples, baseline_samples))
    number = store.judging.find(list(pairs))
    batch = None if number is None else store.queue.batch(number)
    if number is None or batch is None:
        return None
    asked = {question.id for question in store.judging.questions(number)}
    pairs = {name: pair for name, pair in pairs.items() if name in asked}
    answers = store.judging.answers(number, as_of=batch.frozen_sequence)
    known = [answer for answer in answers if answer.label.comparison_id in pairs]
    terms = store.judging.terms(number)
    looks = take_looks(pairs, known, terms, is_over=True)
    if not looks:
        return None
    verdicts = _verdicts(judge.name, looks[-1])
    store.add_verdicts(verdicts)
    return _figures(judge, terms, looks, verdicts)


def asked_pairs(pairs: Sequence[SamplePair]) -> dict[str, SamplePair]:
    """Return the pairs by the ids of the questions about them."""
    return {judging_question(pair).id: pair for pair in pairs}


def _figures(
    judge: CheckedJudge,
    terms: JudgingTerms,
    looks: Sequence[Look],
    verdicts: Sequence[Verdict],
) -> WinRateFigures:
    last = looks[-1]
    ballots = list(last.ballots.values())
    outcomes = [ballot.outcome for ballot in ballots]
    decisive = [ballot for ballot in ballots if ballot.outcome != POINTS["tie"]]
    people = {who for ballot in ballots for who in ballot.votes}
    also_labeled = {f"person:{who}" for who in people} & set(judge.shared_sources)
    return WinRateFigures(
        judge=judge.name,
        description=judge.description,
        shared_sources=tuple(sorted(also_labeled)),
        n=len(ballots),
        wins=outcomes.count(POINTS["win"]),
        ties=outcomes.count(POINTS["tie"]),
        losses=outcomes.count(POINTS["loss"]),
        rate=look_figure(last.rate, len(looks), terms.looks),
        decisive_rate=look_figure(ballots_rate(decisive, last.confidence), len(looks), terms.looks)
        if decisive
        else None,
        score=None,
        baseline_score=None,
        positive=None,
        baseline_positive=None,
        people=_judging(looks, terms, n_also_labeled=len(also_labeled)),
        verdict_ids=tuple(verdict.id for verdict in verdicts),
    )


def _judging(looks: Sequence[Look], terms: JudgingTerms, *, n_also_labeled: int) -> JudgingFigures:
    ballots = list(looks[-1].ballots.values())
    return JudgingFigures(
        people=len({who for ballot in ballots for who in ballot.votes}),
        also_labeled=n_also_labeled,
        questions=terms.questions,
        answers_each=terms.answers,
        answers=sum(len(ballot.votes) for ballot in ballots),
        agreement=share_figure(*agreeing_pairs(ballots)),
        looks=len(looks),
        looks_planned=terms.looks,
        is_clear=looks[-1].is_clear,
    )


def look_figure(estimate: Estimate, n_looks: int, n_planned: int) -> EstimateFigure:
    """Return an estimate of a look, with the confidence that it has with all looks together."""
    is_only = n_looks == n_planned == 1
    looks = "the only look" if is_only else f"look {n_looks}, valid at all looks together"
    how = f"{estimate.how}; {looks}"
    return estimate_figure(estimate).model_copy(update={"confidence": CONFIDENCE, "how": how})


def _verdicts(judge: str, look: Look) -> list[Verdict]:
    found = []
    for name, ballot in look.ballots.items():
        ours, theirs = ballot.pair
        found.append(
            Verdict(
                id=stable_id("verdict", judge, name, str(ballot.outcome)),
                prompt_id=ours.prompt_id,
                model=ours.model,
                baseline=theirs.model,
                sample_id=ours.id,
                baseline_sample_id=theirs.id,
                judge=judge,
                outcome=ballot.outcome,
            )
        )
    return found
