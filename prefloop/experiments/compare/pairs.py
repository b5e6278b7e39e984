"""The policies of finished runs, judged in pairs on the prompts that both answered."""

from collections.abc import Sequence
from itertools import combinations

from prefloop.errors import InputError
from prefloop.evaluation.estimates import share_figure
from prefloop.evaluation.judges.build import build_judge
from prefloop.evaluation.judges.judge import Outcome
from prefloop.evaluation.judges.scorer_judge import outcomes_of_scores
from prefloop.evaluation.win_rate import POINTS
from prefloop.experiments.compare.finished_run import FinishedRun
from prefloop.figures.compared_runs import RunPairFigures
from prefloop.figures.text import counted
from prefloop.figures.usage import usage_text
from prefloop.progress import Progress
from prefloop.settings.comparisons import PEOPLE


def run_pairs(
    runs: Sequence[FinishedRun], judge: tuple[str, str], progress: Progress
) -> tuple[list[RunPairFigures], str]:
    """Return every two runs beside each other, and why there are none; nothing is stored.

    A judge that gives scores has scored every response already. One that sees both texts is asked
    now, which may cost requests; people are not asked.
    """
    name, fingerprint = judge
    if name == PEOPLE:
        return [], "people judged each policy beside the baseline, not the policies themselves"
    scores = [run.scores.get(name) for run in runs]
    if all(scores):
        return [
            _pair(one, other, _by_scores(one, other, name)) for one, other in combinations(runs, 2)
        ], ""
    asked = build_judge(name, runs[0].config)
    if asked.fingerprint != fingerprint:
        raise InputError(
            f"The judge {name!r} is another today than when it judged these runs: its settings, "
            "weights or code have changed. Have it judge them again: `prefloop evaluation "
            f"{runs[0].folder}`, for each run; then compare again."
        )
    found = []
    for one, other in combinations(runs, 2):
        shared = _shared(one, other)
        progress.say(f"{name} compares {one.name} and {other.name}: {counted(len(shared), 'pair')}")
        outcomes = asked.compare_all(
            [one.prompts[i].text for i in shared],
            [one.samples[i].text for i in shared],
            [other.samples[i].text for i in shared],
        )
        found.append(_pair(one, other, dict(zip(shared, outcomes, strict=True))))
    used = asked.metered.take_usage(name) if asked.metered is not None else None
    if used is not None:
        progress.say(f"{name}: {usage_text(used)}.")
    return found, ""


def _shared(one: FinishedRun, other: FinishedRun) -> list[str]:
    """Return the ids of the prompts that both policies answered."""
    return [i for i in one.samples if i in other.samples and i in one.prompts]


def _by_scores(one: FinishedRun, other: FinishedRun, judge: str) -> dict[str, Outcome]:
    ours, theirs = one.scores[judge], other.scores[judge]
    shared = [i for i in _shared(one, other) if i in ours and i in theirs]
    outcomes = outcomes_of_scores([ours[i] for i in shared], [theirs[i] for i in shared])
    return dict(zip(shared, outcomes, strict=True))


def _pair(one: FinishedRun, other: FinishedRun, outcomes: dict[str, Outcome]) -> RunPairFigures:
    said = list(outcomes.values())
    rate = share_figure([POINTS[outcome] for outcome in said], list(outcomes))
    assert rate is not None  # runs without a common prompt are refused
    return RunPairFigures(
        run=one.name,
        other=other.name,
        win_rate=rate,
        wins=said.count("win"),
        ties=said.count("tie"),
        losses=said.count("loss"),
    )
