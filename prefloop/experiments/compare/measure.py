"""Finished runs beside each other: from folders to figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefloop.evaluation.estimates import mean_figure
from prefloop.experiments.compare.common_ground import (
    differing_settings,
    is_same_reward,
    is_same_scorer,
    judged_by,
    refuse_uncommon_ground,
    shared_judge,
)
from prefloop.experiments.compare.finished_run import FinishedRun, read_finished_runs
from prefloop.experiments.compare.pairs import run_pairs
from prefloop.figures.compared_runs import ComparedRunFigures, RunsComparedFigures
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import WinRateFigures
from prefloop.figures.text import count, counted, plain
from prefloop.progress import Progress
from prefloop.records import Sample
from prefloop.report.methods import methods_of
from prefloop.run.evaluating import known_reward
from prefloop.scorers.build import WeightedScorer, build_weighted
from prefloop.scorers.function import is_handed_over

NO_SCORER = "nobody knows a scorer behind these labels"
COSTS_REQUESTS = "the scorer behind the labels costs requests"
HANDED_OVER = "the reward is a function that was handed over in Python, and is not in the folder"
DIFFERENT_SCORERS = "the scorers behind the labels are not the same in all runs"
NOT_RECORDED = "not recorded when the run was made"
BEYOND = "the best gain at so large a KL is not known: too few reference samples carry it"
BOUND_BEYOND = (
    "the best gain at the bound of its KL is not known: too few reference samples carry it"
)


def compare_runs(
    folders: Sequence[Path], progress: Progress, *, different_labels: bool = False
) -> RunsComparedFigures:
    """Return the figures of finished runs on common ground; no run is changed.

    InputError with every reason why they cannot be compared. With `different_labels` they may have
    learned from different labels, and the figures say so.
    """
    runs = read_finished_runs(folders)
    refuse_uncommon_ground(runs, different_labels=different_labels)
    judge = shared_judge(runs)
    first = judged_by(runs[0], judge)
    pairs, why_no_pairs = run_pairs(runs, judge, progress)
    scorer, why_no_reward = _known_scorer(runs)
    shared = set.intersection(*(set(run.samples) for run in runs))
    return RunsComparedFigures(
        task=runs[0].evaluation.task,
        base=runs[0].config.models.name,
        baseline=runs[0].evaluation.baseline,
        judge=judge[0],
        judge_description=first.description,
        reward=_reward_text(scorer),
        prompts=len(shared),
        runs=tuple(_run_figures(run, judged_by(run, judge), scorer, why_no_reward) for run in runs),
        pairs=tuple(pairs),
        why_no_pairs=why_no_pairs,
        settings=differing_settings(runs),
        notes=tuple(_notes(runs, first, len(shared), len(pairs))),
    )


def _run_figures(
    run: FinishedRun, win_rate: WinRateFigures, scorer: WeightedScorer | None, why_no_reward: str
) -> ComparedRunFigures:
    frontier = run.evaluation.frontier
    share = frontier.share_of_best_gain if frontier else None
    beyond = BOUND_BEYOND if frontier and frontier.model.is_bound else BEYOND
    cost = run.figures.cost
    reasons = {
        "kl": run.evaluation.missing.get("kl", ""),
        "reward": why_no_reward,
        "share_of_best_gain": beyond if frontier else run.evaluation.missing.get("frontier", ""),
        "cost": NOT_RECORDED,
    }
    reward = _reward(scorer, run, run.samples)
    kl, bound = run.evaluation.kl, run.evaluation.kl_at_most
    distance = kl if bound is None else bound
    there = {"kl": distance, "reward": reward, "share_of_best_gain": share, "cost": cost}
    return ComparedRunFigures(
        name=run.name,
        method=methods_of(run.figures, run.config),
        model=run.evaluation.model,
        win_rate=win_rate.rate,
        kl=kl,
        kl_at_most=bound,
        reward=reward,
        baseline_reward=_reward(scorer, run, run.baseline_samples),
        share_of_best_gain=share,
        episodes=run.figures.episodes(),
        cost=cost,
        missing={name: reasons[name] for name, found in there.items() if found is None},
    )


def _known_scorer(runs: Sequence[FinishedRun]) -> tuple[WeightedScorer | None, str]:
    """Return what the labelers of all runs are known to want, or why that is not known."""
    known = [known_reward(run.config) for run in runs]
    if not known[0]:
        return None, NO_SCORER
    are_same = (is_same_scorer(name, runs[0], run) for name in known[0] for run in runs[1:])
    if any(other != known[0] for other in known) or not all(are_same):
        return None, DIFFERENT_SCORERS
    if any(is_handed_over(name, runs[0].config.scorers) for name in known[0]):
        return None, HANDED_OVER
    scorer = build_weighted(known[0], runs[0].config.scorers)
    if any(part is not None for part in scorer.metered.values()):
        return None, COSTS_REQUESTS
    return scorer, ""


def _reward_text(scorer: WeightedScorer | None) -> str:
    """Return the names of the scorers, with their weights where there are several."""
    parts = scorer.parts if scorer is not None else ()
    if len(parts) == 1:
        return parts[0][1].name
    return " + ".join(f"{plain(weight)} {part.name}" for weight, part in parts)


def _reward(
    scorer: WeightedScorer | None, run: FinishedRun, samples: Mapping[str, Sample]
) -> EstimateFigure | None:
    """Return the mean score of responses; None without a scorer or responses."""
    if scorer is None or not samples:
        return None
    shown = [sample for i, sample in samples.items() if i in run.prompts]
    scores = scorer.score(
        [run.prompts[sample.prompt_id].text for sample in shown], [sample.text for sample in shown]
    )
    return mean_figure(scores.tolist(), [sample.prompt_id for sample in shown])


def _notes(
    runs: Sequence[FinishedRun], judge: WinRateFigures, n_shared: int, n_pairs: int
) -> list[str]:
    """Return what to keep in mind when reading the figures."""
    notes = [
        "Each row is one run. Its intervals are about prompts; what the same settings would reach "
        "with another seed is not in them."
    ]
    if n_pairs > 1:
        notes.append(
            f"Each of the {count(n_pairs)} intervals of pairs is one of its own, not corrected for "
            "their number: where no run differs, one in 20 looks as if one did."
        )
    first = runs[0]
    if any(run.labels != first.labels for run in runs):
        learned = ", ".join(f"{run.name} from {count(len(run.labels))}" for run in runs)
        notes.append(
            f"The runs learned from different labels ({learned}): what differs may come from those."
        )
    if not all(is_same_reward(first, run) for run in runs):
        notes.append("The runs were trained towards different rewards (policy.reward).")
    if any(len(run.samples) != n_shared for run in runs):
        notes.append(
            f"The runs were not judged on the same prompts throughout: "
            f"{counted(n_shared, 'prompt')} are shared by all."
        )
    verdicts = {run.name: run.evaluation.win_rate for run in runs}
    others = [n for n, found in verdicts.items() if found is None or found.judge != judge.judge]
    if others:
        notes.append(
            f"{judge.judge} is not the first judge of {', '.join(others)}: the verdict in its "
            "report is by another one."
        )
    if judge.shared_sources:
        notes.append(
            f"The judge is not independent of the labels: both rest on "
            f"{', '.join(judge.shared_sources)}."
        )
    return notes
