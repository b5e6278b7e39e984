"""A run that has ended, with what is compared of it; nothing of it is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefloop.errors import InputError
from prefloop.figures.evaluation import EvaluationFigures, WinRateFigures
from prefloop.figures.text import ordinal
from prefloop.records import LedgerHead, Prompt, Sample, Split
from prefloop.run_file import load_run_as_made
from prefloop.run_folder import RunFigures, read_run_folder
from prefloop.run_paths import RUN_FILE
from prefloop.run_store import open_run_store, require_begun
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

Choice = tuple[str, str, str, str | None]
"""What a label says: its comparison, its labeler, the answer, and the chosen sample."""


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """One run: its settings, its figures, and the rows behind its last evaluation."""

    name: str
    folder: Path
    config: RunConfig
    """The settings that it was made with."""
    figures: RunFigures
    evaluation: EvaluationFigures
    """Of the policy of its last round."""
    splits: Mapping[str, Split]
    """Every prompt of the run, by id."""
    prompts: Mapping[str, Prompt]
    """Those that its policy answered in the evaluation."""
    samples: Mapping[str, Sample]
    """The policy's response to each of them."""
    baseline_samples: Mapping[str, Sample]
    scores: Mapping[str, Mapping[str, float]]
    """By judge and prompt: the score of the policy's response, of judges that give scores."""
    labels: frozenset[Choice]
    """What its reward model learned from."""
    head: LedgerHead
    """The end of its store's ledger."""

    @property
    def judges(self) -> dict[tuple[str, str], WinRateFigures]:
        """The win rates of the evaluation by the judge's name and fingerprint."""
        return {(each.judge, each.fingerprint): each for each in self.evaluation.win_rates}


def read_finished_runs(folders: Sequence[Path]) -> list[FinishedRun]:
    """Return the runs; InputError if there is one only, one twice, or one that has not ended."""
    if len(folders) < 2:
        raise InputError(
            f"{len(folders)} run named. Name two runs or more, such as `prefloop compare run-a "
            "run-b`; what one run reached stands in its report."
        )
    places = [folder.resolve() for folder in folders]
    for place, folder in zip(places, folders, strict=True):
        if places.count(place) > 1:
            raise InputError(f"{folder} is named twice. Name each run once.")
    names = _names(folders)
    return [_read(folder, name) for folder, name in zip(folders, names, strict=True)]


def _names(folders: Sequence[Path]) -> list[str]:
    """Return the folders' names, or their paths as typed where two names are the same."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else [folder.as_posix() for folder in folders]


def _read(folder: Path, name: str) -> FinishedRun:
    config = load_run_as_made(folder / RUN_FILE)
    require_begun(config, folder)
    figures = read_run_folder(folder)
    last = config.rounds - 1
    file = figures.evaluation_of_round(last)
    if file is None:
        raise InputError(
            f"{name} is not finished: the policy of its {ordinal(last)} round has no evaluation. "
            f"`prefloop run {folder}` goes on with it; then compare again."
        )
    evaluation = file.figures
    with open_run_store(config, folder, read_only=True) as store:
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        samples = _by_prompt(store, evaluation.rows.model_samples)
        return FinishedRun(
            name=name,
            folder=folder,
            config=config,
            figures=figures,
            evaluation=evaluation,
            splits={prompt.id: prompt.split for prompt in prompts.values()},
            prompts={i: prompts[i] for i in samples if i in prompts},
            samples=samples,
            baseline_samples=_by_prompt(store, evaluation.rows.baseline_samples),
            scores=_scores(store, evaluation),
            labels=frozenset(
                (label.comparison_id, label.labeler, label.answer, label.chosen)
                for label in store.labels(for_training=True)
            ),
            head=store.ledger_head(),
        )


def _by_prompt(store: Store, ids: Sequence[str]) -> dict[str, Sample]:
    """Return the first of these samples for each prompt, as the judges saw them."""
    found: dict[str, Sample] = {}
    for sample in store.samples_by_id(ids).values():
        found.setdefault(sample.prompt_id, sample)
    return found


def _scores(store: Store, evaluation: EvaluationFigures) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = {}
    for figures in evaluation.win_rates:
        ids = set(figures.verdict_ids)
        verdicts = store.verdicts(
            model=evaluation.model, baseline=evaluation.baseline, judge=figures.judge
        )
        known = {v.prompt_id: v.score for v in verdicts if v.id in ids and v.score is not None}
        if known:
            scores[figures.judge] = known
    return scores
