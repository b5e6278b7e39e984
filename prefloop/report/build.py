"""One page that a person reads at the end: report/index.html."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from prefloop.evaluation.judge import describe
from prefloop.evaluation.sentence import verdict_sentence
from prefloop.files import write_atomically
from prefloop.report.charts.frontier import frontier_chart
from prefloop.report.charts.reliability import reliability_chart
from prefloop.report.charts.win_bar import win_bar
from prefloop.report.labels import LabelFacts, label_facts, synthetic_scorers
from prefloop.report.pairs import Pair, random_pairs
from prefloop.report.training import Figure, kl_levels, policy_figures, rewards_figures
from prefloop.report.wording import FILTERS
from prefloop.run_folder import FigureFile, RunFolder, read_run_folder
from prefloop.settings.report import ReportConfig
from prefloop.settings.task import TaskConfig
from prefloop.store.store import Store

PACKAGES = ("prefloop", "torch", "transformers", "peft", "numpy", "scipy")


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that the template shows; None where the run has nothing to show."""

    run: RunFolder
    task: TaskConfig
    report: ReportConfig
    settings: dict[str, Any]
    scorers: dict[str, float] | None
    verdict: str
    latest: FigureFile | None
    labels: LabelFacts | None
    pairs: list[Pair]
    win_bar: Markup | None
    frontier: Markup | None
    reliability: list[tuple[int, Markup]]
    policy_curves: list[Figure]
    rewards_curves: list[Figure]
    missing: dict[str, str]
    versions: dict[str, str]


def build_report(
    run: Path, store: Store, *, config: ReportConfig, task: TaskConfig, settings: dict[str, Any]
) -> Path:
    """Return the path of the report, after writing it: one file, no network, no script.

    What the run did not measure is left out with a sentence that says why. Texts of models and
    people are escaped: they are strangers.
    """
    page = _page(run, store, config=config, task=task, settings=settings)
    template = _environment().get_template("report.html.jinja")
    path = run / "report" / "index.html"
    write_atomically(path, template.render(page=page))
    return path


def _environment() -> Environment:
    """Return the templates' environment: escaping on, a misspelt name is an error."""
    environment = Environment(
        loader=PackageLoader("prefloop.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals["describe_judge"] = describe
    return environment


def _page(
    run: Path, store: Store, *, config: ReportConfig, task: TaskConfig, settings: dict[str, Any]
) -> Page:
    folder = read_run_folder(run)
    latest = folder.evaluations[-1] if folder.evaluations else None
    figures = latest.figures if latest else {}
    kl = settings.get("policy", {}).get("kl", {})
    frontiers = [e.figures["frontier"] for e in folder.evaluations if e.figures.get("frontier")]
    return Page(
        run=folder,
        task=task,
        report=config,
        settings=json.loads(json.dumps(settings, default=str)),
        scorers=synthetic_scorers(settings),
        verdict=verdict_sentence(figures or _not_evaluated(), task),
        latest=latest,
        labels=_labels(store, config),
        pairs=_pairs(store, latest, config=config, seed=int(settings.get("seed", 0))),
        win_bar=win_bar(figures["win_rate"]) if figures.get("win_rate") else None,
        frontier=frontier_chart(frontiers),
        reliability=[
            (trust.round, _reliability(trust)) for trust in folder.trusts if _validation(trust)
        ],
        policy_curves=policy_figures(folder.metrics, kl_levels=kl_levels(kl)),
        rewards_curves=rewards_figures(
            folder.metrics, samples_shown=settings.get("samples", {}).get("per_prompt")
        ),
        missing=dict(figures.get("missing", {})),
        versions=_versions(),
    )


def _not_evaluated() -> dict[str, Any]:
    return {"missing": {"win_rate": "the run has no evaluation yet (see `prefloop evaluation`)"}}


def _labels(store: Store, config: ReportConfig) -> LabelFacts | None:
    labels = store.labels()
    if not labels:
        return None
    comparisons = {c.id: c for c in store.comparisons()}
    return label_facts(labels, comparisons, config, store.rules.all())


def _pairs(
    store: Store, latest: FigureFile | None, *, config: ReportConfig, seed: int
) -> list[Pair]:
    if latest is None:
        return []
    rows = latest.figures["rows"]
    return random_pairs(
        latest.figures,
        samples=store.samples_by_id([*rows["policy_samples"], *rows["reference_samples"]]),
        prompts={prompt.id: prompt for prompt in store.prompts()},
        verdicts=store.verdicts(model=latest.figures["policy"]),
        n=config.pairs,
        seed=seed,
    )


def _validation(trust: FigureFile) -> dict[str, Any] | None:
    return trust.figures.get("validation")


def _reliability(trust: FigureFile) -> Markup:
    return reliability_chart(
        trust.figures["validation"]["calibration"],
        f"reliability-{trust.round}",
        f"Reliability of the reward model of round {trust.round}",
    )


def _versions() -> dict[str, str]:
    """Return the versions of this installation: those of the run are in its resolved run file."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
