"""May these runs be compared? What must be the same in all, and what is said where it is not."""

from collections.abc import Callable, Sequence
from itertools import combinations
from textwrap import shorten

from prefloop.errors import InputError, listing
from prefloop.experiments.compare.finished_run import FinishedRun
from prefloop.experiments.members import first_difference
from prefloop.figures.evaluation import WinRateFigures
from prefloop.figures.text import NONE, count, counted
from prefloop.run.kept_contents import model_differences, scorer_hash
from prefloop.run_paths import PATH_KEYS
from prefloop.settings.section import by_dotted_key

ANOTHER_RUN = "Compare runs of one run file that differ in what is to be compared"

SHOWN_CHARACTERS = 80
"""Of a setting that differs."""

WORDED = {"question", "instructions", "instructions_version"}
"""Settings of a task that labels answer to: other labels are refused for themselves."""

Difference = Callable[[FinishedRun, FinishedRun], str | None]


def refuse_uncommon_ground(runs: Sequence[FinishedRun], *, different_labels: bool) -> None:
    """Raise an InputError that names every run on other ground than the first, and what differs.

    With `different_labels` runs may have learned from other labels or towards another reward.
    """
    checks: list[Difference] = [_task, _base, _prompts, _baseline]
    if not different_labels:
        checks.append(_labels)
    found = [_same_run(one, run) for one, run in combinations(runs, 2)]
    found += [check(runs[0], run) for run in runs[1:] for check in checks]
    problems = [problem for problem in found if problem is not None]
    if problems:
        raise InputError(f"{listing('the comparison', problems)}\n{ANOTHER_RUN}.")


def shared_judge(runs: Sequence[FinishedRun]) -> tuple[str, str]:
    """Return name and fingerprint of the first judge that judged the policies of all runs.

    InputError if there is none.
    """
    for judge in runs[0].judges:
        if all(judge in run.judges for run in runs):
            return judge
    lines = []
    for run in runs:
        names = [name for name, _ in run.judges]
        lines.append(f"{run.name}: {', '.join(names) or run.evaluation.why_not_judged}")
    common = set.intersection(*({name for name, _ in run.judges} for run in runs))
    if common:
        name = sorted(common)[0]
        raise InputError(
            f"The judge {name!r} has not the same settings, weights or code in all runs "
            f"({', '.join(run.name for run in runs)}). Give it the same ones in their run files, "
            f"and have it judge again: `prefloop evaluation {runs[-1].folder}`, for each run."
        )
    asked = "\n".join(f"  - {line}" for line in lines)
    raise InputError(
        f"These runs share no judge:\n{asked}\nAdd one judge to evaluation.judges in the run file "
        f"of each, and have it judge: `prefloop evaluation {runs[0].folder}`, for each run; or in "
        "Python run.compare(judge)."
    )


def judged_by(run: FinishedRun, judge: tuple[str, str]) -> WinRateFigures:
    """Return the run's win rate by the shared judge."""
    return run.judges[judge]


def differing_settings(runs: Sequence[FinishedRun]) -> dict[str, tuple[str, ...]]:
    """Return every setting in which the runs differ, with its value in each; store and report
    aside."""
    every = [run.config.model_dump(exclude={"store", "report"}) for run in runs]
    flat = [dict(by_dotted_key(settings)) for settings in every]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    found = {key: tuple(str(settings.get(key, NONE)) for settings in flat) for key in keys}
    return {
        key: tuple(shorten(value, SHOWN_CHARACTERS, placeholder=" ...") for value in values)
        for key, values in found.items()
        if len(set(values)) > 1
    }


def is_same_reward(first: FinishedRun, run: FinishedRun) -> bool:
    """Whether two runs were trained towards the same reward; what reward models learned from is not
    looked at."""
    was, now = first.config.policy.reward, run.config.policy.reward
    return was == now and is_same_scorer(now, first, run)


def is_same_scorer(name: str, first: FinishedRun, run: FinishedRun) -> bool:
    """Whether a name stands for the same scorer in two runs: settings, and what it was made of.

    Where both runs have kept a hash of that, it does not matter under which path it lies.
    """
    hashes = [scorer_hash(name, each.folder) for each in (first, run)]
    paths = () if None in hashes else PATH_KEYS
    ours, theirs = (
        {key: value for key, value in each.config.scorers.get(name, {}).items() if key not in paths}
        for each in (first, run)
    )
    return ours == theirs and (None in hashes or hashes[0] == hashes[1])


def _same_run(first: FinishedRun, run: FinishedRun) -> str | None:
    if first.head != run.head or not run.head.n_events:
        return None
    return f"{run.name} and {first.name} are one run: a copy of a folder; name it once"


def _task(first: FinishedRun, run: FinishedRun) -> str | None:
    ours, theirs = (
        {"task": r.config.task.model_dump(exclude=WORDED)}
        | {"samples": r.config.samples.model_dump(exclude={"batch_size", "per_prompt"})}
        for r in (first, run)
    )
    found = first_difference(ours, theirs)
    if found is None:
        return None
    key, was, now = found
    return (
        f"{run.name} has another task: {key} is {now!r}, and {was!r} in {first.name}; responses to "
        "different tasks cannot be held against each other"
    )


def _base(first: FinishedRun, run: FinishedRun) -> str | None:
    was, now = first.config, run.config
    differing = model_differences(first.folder, run.folder)
    if differing is None:
        differing = ["name"] if was.models.name != now.models.name else []
    if was.policy.warm_start != now.policy.warm_start:
        differing.append("warm start (policy.warm_start)")
    if not differing:
        return None
    return (
        f"{run.name} began with another model than {first.name} ({now.models.name} and "
        f"{was.models.name}: other {', '.join(differing)}): win rate and KL are measured from "
        "another reference"
    )


def _prompts(first: FinishedRun, run: FinishedRun) -> str | None:
    if first.splits == run.splits:
        return _judged_prompts(first, run)
    shared = first.splits.keys() & run.splits.keys()
    moved = sum(first.splits[i] != run.splits[i] for i in shared)
    if moved:
        return (
            f"{run.name} divides the prompts in another way: {counted(moved, 'prompt')} of "
            f"{count(len(shared))} in both runs are in another split than in {first.name} (see "
            "prompts.held_out_share and prompts.validation_share)"
        )
    return (
        f"{run.name} has other prompts: {count(len(run.splits))}, and {first.name} "
        f"{count(len(first.splits))}, of which {count(len(shared))} are in both (see "
        "prompts.source)"
    )


def _judged_prompts(first: FinishedRun, run: FinishedRun) -> str | None:
    if first.samples.keys() & run.samples.keys():
        return None
    return (
        f"{run.name} and {first.name} were judged on different held-out prompts, none in both; "
        "raise evaluation.prompts in both and run `prefloop evaluation` again"
    )


def _baseline(first: FinishedRun, run: FinishedRun) -> str | None:
    was, now = first.evaluation.baseline, run.evaluation.baseline
    if was != now:
        return (
            f"{run.name} is compared with {now}, and {first.name} with {was}: give both the same "
            "evaluation.baseline and run `prefloop evaluation` again"
        )
    if now.startswith("policy/"):
        return (
            f"{run.name} and {first.name} are each compared with their own {now}: set "
            "evaluation.baseline: reference in both and run `prefloop evaluation` again"
        )
    return None


def _labels(first: FinishedRun, run: FinishedRun) -> str | None:
    allow = "`--different-labels` compares them nevertheless, and says so"
    was, now = first.config.policy.reward, run.config.policy.reward
    if was != now:
        return (
            f"{run.name} was trained towards another reward: policy.reward is {now!r}, and {was!r} "
            f"in {first.name}; {allow}"
        )
    if not is_same_reward(first, run):
        return (
            f"{run.name} was trained towards another reward than {first.name}: both call it "
            f"{now!r}, and its settings, code or files differ; {allow}"
        )
    if first.labels == run.labels:
        return None
    return (
        f"{run.name} learned from other labels: {counted(len(run.labels), 'label')}, and "
        f"{first.name} from {count(len(first.labels))}, of which "
        f"{count(len(first.labels & run.labels))} are the same. With the same seed, labelers and "
        f"one round they are; `prefloop experiment methods` shares them. {allow}"
    )
