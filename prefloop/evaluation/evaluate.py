"""Models against a baseline: from stored samples to figures that name the rows they came from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prefloop.errors import InputError
from prefloop.evaluation.copying import copying_figures
from prefloop.evaluation.fluency import fluency_figures
from prefloop.evaluation.frontier import frontier_figures
from prefloop.evaluation.judges.build import CheckedJudge
from prefloop.evaluation.judges.people import PeopleJudge
from prefloop.evaluation.kl import kl_bound, kl_figure
from prefloop.evaluation.people_figures import people_figures
from prefloop.evaluation.provenance import evaluation_provenance
from prefloop.evaluation.repetition import repetition_figures
from prefloop.evaluation.rouge import rouge_figures
from prefloop.evaluation.win_rate import head_to_head, win_rate_figures
from prefloop.figures.evaluation import (
    VERDICT,
    WIN_RATE_OF,
    EvaluationFigures,
    EvaluationRows,
    WinRateFigures,
)
from prefloop.figures.frontier import FrontierFigures
from prefloop.figures.reading import read_evaluation
from prefloop.figures.record import to_json
from prefloop.figures.sentence import with_verdict
from prefloop.figures.text import at_most
from prefloop.files import read_text, write_atomically
from prefloop.progress import StopCheck, never_stop
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.run_folder import evaluation_path, read_run_folder
from prefloop.samples.scores import score_samples
from prefloop.scorers.build import WeightedScorer
from prefloop.scorers.english import english_problem
from prefloop.settings.comparisons import NOBODY, PEOPLE
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Material:
    """The stored rows that the evaluation of one model looks at."""

    prompts: Mapping[str, Prompt]
    model: Sequence[Sample]
    baseline: Sequence[Sample]
    frontier: Sequence[Sample]
    kl_bound: float | None
    """Upper bound on the model's KL, where nothing measures it."""


def evaluate_models(
    store: Store,
    *,
    models: Mapping[str, int | None],
    baseline: str = REFERENCE,
    judges: Sequence[CheckedJudge],
    scorer: WeightedScorer | None,
    config: RunConfig,
    folder: Path,
    check_stop: StopCheck = never_stop,
) -> list[EvaluationFigures]:
    """Return each model's figures, after writing them to its file.

    `models` are names with the round that each ended or None, `scorer` what synthetic labelers
    prefer. The first judge gives the verdict; figures by judges that are not asked now stay.
    """
    found = list[EvaluationFigures]()
    for model, ended in _others(models, baseline):
        material = _gather(store, folder, model, baseline)
        figures = EvaluationFigures(
            model=model,
            round=ended,
            baseline=baseline,
            task=config.task.name,
            verdict="",
            judges=tuple(judge.name for judge in judges),
            win_rates=_win_rates(store, judges, material, check_stop),
            kl=kl_figure(material.model),
            kl_at_most=material.kl_bound,
            copying=copying_figures(material.prompts, material.model, material.baseline),
            fluency=fluency_figures(material.model, material.baseline),
            repetition=repetition_figures(material.model, material.baseline),
            rouge=rouge_figures(material.prompts, material.model, material.baseline),
            frontier=_frontier(store, material, scorer, config.evaluation.frontier_prompts),
            rows=_rows(material),
            missing={},
            provenance=evaluation_provenance(store, folder, model, config.model_dump()),
        )
        found.append(_write(folder, figures, _missing(config, material, judges, scorer)))
    return found


def _write(
    folder: Path, figures: EvaluationFigures, reasons: Mapping[str, str]
) -> EvaluationFigures:
    """Return a model's figures, with their verdict and beside earlier ones, after writing them.

    Those that version 0.1 wrote are deleted.
    """
    path = evaluation_path(folder, figures.model)
    figures = _with_verdict(_beside_earlier(figures, path), reasons)
    write_atomically(path, to_json(figures))
    _delete_earlier(folder, figures.round)
    return figures


def forget_evaluations(folder: Path, rounds: Iterable[int]) -> None:
    """Delete the figures of these rounds' policies, which are trained and evaluated again."""
    forgotten = set(rounds)
    for file in read_run_folder(folder).evaluations:
        if file.figures.round in forgotten:
            (folder / file.path).unlink()


def outdate_evaluation(folder: Path, round_number: int) -> None:
    """Keep a round's figures as those of their model, but no longer as the round's own.

    Call it before the round's policy is trained on. Version 0.1 named figures by round and not by
    model: those are deleted.
    """
    for file in read_run_folder(folder).evaluations:
        if file.figures.round != round_number:
            continue
        path = evaluation_path(folder, file.figures.model)
        if folder / file.path == path:
            write_atomically(path, to_json(file.figures.model_copy(update={"round": None})))
        else:
            (folder / file.path).unlink()


def _delete_earlier(folder: Path, round_number: int | None) -> None:
    """Delete the figures that version 0.1 wrote of a round which is evaluated under its name."""
    for file in read_run_folder(folder).evaluations:
        figures = file.figures
        if figures.round is not None and figures.model == f"policy/round-{round_number}":
            (folder / file.path).unlink()


def _others(models: Mapping[str, int | None], baseline: str) -> Iterable[tuple[str, int | None]]:
    """Return the models with their rounds; InputError if the baseline is one of them."""
    if baseline in models:
        raise InputError(
            f"{baseline} cannot be compared with itself; take it out of evaluation.models."
        )
    return models.items()


def _gather(store: Store, folder: Path, model: str, baseline: str) -> Material:
    samples = store.samples(purpose="evaluation", model=model)
    asked = {sample.prompt_id for sample in samples}
    beside = store.samples(purpose="evaluation", model=baseline)
    return Material(
        prompts={prompt.id: prompt for prompt in store.prompts()},
        model=samples,
        baseline=[sample for sample in beside if sample.prompt_id in asked],
        frontier=store.samples(purpose="frontier", model=REFERENCE),
        kl_bound=kl_bound(folder, model),
    )


def _reading(judges: Sequence[CheckedJudge], material: Material) -> list[CheckedJudge]:
    """Return the judges that can read the texts."""
    unread = _unread(judges, material)
    return [judge for judge in judges if judge.name not in unread]


def _unread(judges: Sequence[CheckedJudge], material: Material) -> dict[str, str]:
    """Return the judges whose English words the texts do not hold, with the reason."""
    texts = [sample.text for sample in (*material.model, *material.baseline)]
    problems = {judge.name: english_problem(judge.sources, texts) for judge in judges}
    return {name: problem for name, problem in problems.items() if problem is not None}


def _win_rates(
    store: Store,
    judges: Sequence[CheckedJudge],
    material: Material,
    check_stop: StopCheck,
) -> tuple[WinRateFigures, ...]:
    found = list[WinRateFigures]()
    for judge in _reading(judges, material):
        if isinstance(judge.judge, PeopleJudge):
            said = people_figures(store, judge, material.model, material.baseline)
            found += [] if said is None else [said]
            continue
        verdicts = head_to_head(
            store, judge, material.prompts, material.model, material.baseline, check_stop
        )
        if verdicts:
            found.append(
                win_rate_figures(
                    verdicts,
                    description=judge.description,
                    fingerprint=judge.fingerprint,
                    shared_sources=judge.shared_sources,
                )
            )
    return tuple(found)


def _beside_earlier(figures: EvaluationFigures, path: Path) -> EvaluationFigures:
    """Return the figures with those in the model's file by judges that were not asked now.

    Where nobody is asked now, the verdict stays that of those who were.
    """
    if not path.is_file():
        return figures
    earlier = read_evaluation(read_text(path), str(path))
    if earlier.baseline != figures.baseline:
        return figures
    asked = figures.judges or ()
    kept = [each for each in earlier.win_rates if each.judge not in asked]
    return figures.model_copy(
        update={"judges": asked or earlier.judges, "win_rates": (*figures.win_rates, *kept)}
    )


def _frontier(
    store: Store, material: Material, scorer: WeightedScorer | None, n_prompts: int
) -> FrontierFigures | None:
    if scorer is None or n_prompts == 0:
        return None
    score = partial(score_samples, store, scorer, material.prompts)
    drawn = material.frontier, material.model
    return frontier_figures(score, material.prompts, *drawn, material.kl_bound)


def _with_verdict(figures: EvaluationFigures, reasons: Mapping[str, str]) -> EvaluationFigures:
    """Return figures with their verdict, and the reasons for what is absent from them."""
    absent = {name for name in reasons if not getattr(figures, name, True)}
    if figures.win_rates and figures.win_rate is None:
        absent.add(VERDICT)
    missing = {
        name: reason
        for name, reason in reasons.items()
        if name in absent or name.startswith(WIN_RATE_OF)
    }
    for found in figures.win_rates:
        if found.score is None:
            missing[f"score of {found.judge}"] = "this judge compares texts and gives no scores"
    return with_verdict(figures.model_copy(update={"missing": missing}))


def _missing(
    config: RunConfig,
    material: Material,
    judges: Sequence[CheckedJudge],
    scorer: WeightedScorer | None,
) -> dict[str, str]:
    """Return why each part of the figures may be absent."""
    unread = _unread(judges, material)
    return {
        **{WIN_RATE_OF + name: reason for name, reason in unread.items()},
        "win_rates": _missing_win_rates(judges, unread),
        VERDICT: _missing_win_rates(judges[:1], unread),
        "kl": _missing_kl(material),
        "rouge": "the prompts have no human answers",
        "frontier": _missing_frontier(config, scorer),
    }


def _missing_kl(material: Material) -> str:
    if not material.model:
        return "the model has no evaluation samples"
    if material.kl_bound is not None:
        return f"best of n gives no log-ratios; it is {at_most(material.kl_bound)} nats"
    return "the likelihood of its samples under the reference is not known"


def _missing_win_rates(judges: Sequence[CheckedJudge], unread: Mapping[str, str]) -> str:
    if not judges:
        return "no judge was asked; name people, a language model or a scorer in evaluation.judges"
    if all(judge.name in unread for judge in judges):
        return "; ".join(f"{judge.name}: {unread[judge.name]}" for judge in judges)
    if all(isinstance(judge.judge, PeopleJudge) for judge in judges):
        return "nobody answered the questions about it"
    return "no held-out prompt has samples of both models"


def _missing_frontier(config: RunConfig, scorer: WeightedScorer | None) -> str:
    if config.evaluation.frontier_prompts == 0:
        return "the frontier was not asked for (evaluation.frontier_prompts is 0)"
    if scorer is None:
        return f"the best reachable reward needs a known scorer, and {_labeled(config)}"
    return (
        "it needs several reference samples per prompt drawn for the frontier, and samples of the "
        "model whose KL is known"
    )


def _labeled(config: RunConfig) -> str:
    """Return who labeled whose preferences no scorer gives."""
    labelers = config.comparisons.labelers
    known = {PEOPLE: "people labeled", NOBODY: "labels were imported"}
    return known.get(labelers, f"the labeler “{labelers}” has none")


def _rows(material: Material) -> EvaluationRows:
    """Return the ids of the rows behind the figures."""
    return EvaluationRows(
        model_samples=tuple(sample.id for sample in material.model),
        baseline_samples=tuple(sample.id for sample in material.baseline),
        frontier_samples=tuple(sample.id for sample in material.frontier),
    )
