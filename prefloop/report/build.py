"""One page that a person reads at the end: report/index.html."""

import math
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup

from prefloop.audits.findings import findings_with_trust, left_out_lines, newest_validation
from prefloop.comparisons.labelers.sources import labeler_groups
from prefloop.errors import InputError
from prefloop.figures.best_of_n import BestOfNPolicy
from prefloop.figures.check_result import CheckResult
from prefloop.figures.frontier import FrontierFigures
from prefloop.figures.label_audit_text import differences
from prefloop.figures.provenance import PROVENANCE, installed_versions
from prefloop.figures.reading import read_best_of_n
from prefloop.figures.record import to_json
from prefloop.figures.sentence import verdict_sentence
from prefloop.files import write_atomically
from prefloop.functional.frontier import MIN_EFFECTIVE_SAMPLES
from prefloop.records import LedgerHead
from prefloop.report.chain import Chain, provenance_chain
from prefloop.report.charts.frontier import frontier_chart
from prefloop.report.charts.overoptimization import overoptimization_chart
from prefloop.report.charts.reliability import reliability_chart
from prefloop.report.charts.shortcuts import shortcut_chart
from prefloop.report.charts.win_bar import win_bar
from prefloop.report.filters import page_filters
from prefloop.report.first_page import FirstPage, first_page
from prefloop.report.labels import (
    LabelFacts,
    best_of,
    label_facts,
    unpaid_text,
    who_labels,
)
from prefloop.report.methods import methods_of
from prefloop.report.pairs import Pair, pairs_of_evaluation
from prefloop.report.provenance import report_provenance
from prefloop.report.training import (
    Chart,
    kl_levels,
    policy_charts,
    policy_keys,
    rewards_charts,
)
from prefloop.report.watch import ShownAlarms, shown_alarms
from prefloop.run_file import as_yaml
from prefloop.run_folder import (
    CANARIES,
    LABEL_AUDIT,
    LIVE_AUDIT,
    OVEROPTIMIZATION,
    REWARD_AUDIT,
    EvaluationFile,
    RunFigures,
    TrustFile,
    export_folder,
    newest_first,
    read_provenance,
    read_run_folder,
    report_path,
    settings_of,
)
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from prefloop.templates import template_environment


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that the template shows; None where the run has nothing to show."""

    run: RunFigures
    root: str
    """How links lead from the page to the run folder."""
    config: RunConfig
    """The settings with which the newest model was made."""
    settings: str
    """All of them, as YAML."""
    who_labels: str
    """Who labeled, and from how many samples, such as `7 labels by 2 people, best of 4`."""
    unpaid: str
    """That nobody was paid for labels of programs; empty where people gave all of them."""
    methods: str
    """What trained the policy, such as `PPO`."""
    episodes: int
    """Responses that the policy has learned from."""
    chosen: BestOfNPolicy | None
    """How the newest policy chooses; None if it has weights of its own."""
    rounds: int
    """Rounds that have ended with a policy."""
    verdict: str
    first: FirstPage
    chain: Chain
    """From the newest policy back to the instructions."""
    latest: EvaluationFile | None
    labels: LabelFacts | None
    shortcut_chart: Markup | None
    label_differences: list[str]
    """Shortcuts that weigh differently with labelers or versions of the instructions."""
    label_findings: tuple[CheckResult, ...]
    """What the audit of the labels found, beside the newest reward model if there is one."""
    pairs: list[Pair]
    win_bar: Markup | None
    frontier: Markup | None
    overoptimization: list[Markup | None]
    """A chart for each curve of the audit of over-optimization that could be fitted."""
    frontier_samples_needed: int
    """So many reference samples per prompt would be needed at least to estimate the best reward at
    the latest policy's KL; 0 if that is known."""
    trusts: list[TrustFile]
    """The reward models that were measured on validation labels."""
    reliability: list[tuple[int, Markup]]
    policy_charts: list[Chart]
    rewards_charts: list[Chart]
    alarms: list[ShownAlarms]
    """What the watch on the policy raised, by update."""
    missing: dict[str, str]
    n_compared: int
    """Win rates that stand in the report: models times judges."""
    versions: dict[str, str]
    ledger: LedgerHead
    """The end of the store's ledger when the page was written."""

    @property
    def label_left_out(self) -> list[str]:
        """Shortcuts that the audit of the labels left out, with the reason."""
        audit = self.run.label_audit
        return left_out_lines(audit.left_out) if audit else []

    @property
    def reward_left_out(self) -> list[str]:
        """Shortcuts and edits that the audit of the reward model left out, with the reason."""
        audit = self.run.reward_audit
        return left_out_lines(audit.left_out) if audit else []

    @property
    def audit_files(self) -> list[str]:
        """The files of the audits whose figures stand on the page."""
        run = self.run
        newest = REWARD_AUDIT.format(run.reward_audit.round if run.reward_audit else "")
        files = {
            LABEL_AUDIT: run.label_audit,
            newest: run.reward_audit,
            CANARIES: run.canaries,
            LIVE_AUDIT: run.live,
            OVEROPTIMIZATION: run.overoptimization,
        }
        return [path for path, figures in files.items() if figures]


def _is_report(path: Path) -> bool:
    """Whether a page has the record of a report beside it."""
    try:
        return read_provenance(path.parent) is not None
    except InputError:
        return False


def build_report(run: Path, store: Store, config: RunConfig, *, to: Path | None = None) -> Path:
    """Return the path of the report, after writing it: one file, no network, no script.

    It goes into the run folder, or into the folder `to`.

    What the run did not measure is left out with a sentence that says why. Texts of models and
    people are escaped: they are strangers. `config` says how the page looks; what the run was made
    with is what its models record.
    """
    template = _environment().get_template("report.html.jinja")
    path = report_path(run) if to is None else to / report_path(run).name
    if to is not None and path.exists() and not _is_report(path):
        raise InputError(
            f"{path} exists already, and is no report that prefloop wrote. Name another folder."
        )
    page = _page(run, store, config, root=_way_to(run, path.parent))
    write_atomically(path, template.render(page=page))
    record = report_provenance(run, page.run, store, config)
    write_atomically(path.with_name(PROVENANCE), to_json(record))
    return path


@cache
def _environment() -> Environment:
    """Return the templates' environment: escaping on, a misspelt name is an error."""
    environment = template_environment("prefloop.report")
    environment.filters.update(page_filters())
    return environment


def _way_to(run: Path, folder: Path) -> str:
    """Return the address of a run folder, as a page in another folder links to it."""
    return quote(os.path.relpath(run.resolve(), folder.resolve()))


def _page(run: Path, store: Store, config: RunConfig, *, root: str) -> Page:
    folder = read_run_folder(run)
    config = settings_of(newest_first(folder), config)
    latest, labels = folder.latest, _labels(store, config)
    trusts = [file for file in folder.trusts if file.figures.validation is not None]
    return Page(
        run=folder,
        root=root,
        config=config,
        settings=as_yaml(config),
        who_labels=_who_labels(store, config, labels),
        unpaid=unpaid_text(labeler_groups(store, config)),
        methods=methods_of(folder, config),
        episodes=folder.episodes(),
        chosen=_chosen(run, folder),
        rounds=len(folder.policies),
        verdict=latest.figures.verdict if latest else _not_evaluated(config),
        first=first_page(store, folder, config, run),
        chain=provenance_chain(store, folder, config),
        latest=latest,
        labels=labels,
        shortcut_chart=_shortcuts(folder),
        label_differences=differences(folder.label_audit) if folder.label_audit else [],
        label_findings=_label_findings(folder, config),
        pairs=_pairs(store, latest, config),
        win_bar=_win_bar(latest),
        frontier=_frontier(folder),
        overoptimization=_overoptimization(folder),
        frontier_samples_needed=_samples_needed(latest),
        trusts=trusts,
        reliability=[(file.round, _reliability(file)) for file in trusts],
        policy_charts=_policy_charts(folder, config),
        rewards_charts=rewards_charts(folder.metrics, chance=_chance(labels)),
        alarms=shown_alarms(store, folder.metrics, config.policy),
        missing=latest.figures.missing if latest else {},
        n_compared=sum(len(file.figures.win_rates) for file in folder.evaluations),
        versions=installed_versions(),
        ledger=store.ledger_head(),
    )


def _win_bar(latest: EvaluationFile | None) -> Markup | None:
    win_rate = latest.figures.win_rate if latest else None
    return win_bar(win_rate) if win_rate else None


def _chosen(run: Path, folder: RunFigures) -> BestOfNPolicy | None:
    newest = folder.policies[-1:]
    return read_best_of_n(export_folder(run, newest[0].round)) if newest else None


def _not_evaluated(config: RunConfig) -> str:
    return verdict_sentence(
        None,
        None,
        model="policy/",
        task=config.task.name,
        why_not="the run has no evaluation yet (see `prefloop evaluation`)",
    )


def _pairs(store: Store, latest: EvaluationFile | None, config: RunConfig) -> list[Pair]:
    if latest is None:
        return []
    return pairs_of_evaluation(store, latest.figures, n=config.report.pairs, seed=config.seed)


def _labels(store: Store, config: RunConfig) -> LabelFacts | None:
    labels = store.labels()
    if not labels:
        return None
    comparisons = {c.id: c for c in store.comparisons()}
    times = store.recent.answer_times(comparisons)
    worked = {name: x.worked_seconds for name, x in times.items() if x.worked_seconds is not None}
    return label_facts(labels, comparisons, config.report, store.exclusions.all(), worked)


def _shortcuts(folder: RunFigures) -> Markup | None:
    """Return the chart of what simple rules explain of the labels."""
    audit = folder.label_audit
    if audit is None or not audit.shortcuts or audit.chance is None:
        return None
    validation = newest_validation(folder.trusts)
    accuracy = validation.accuracy.value if validation else None
    return shortcut_chart(audit.shortcuts, audit.chance, accuracy)


def _who_labels(store: Store, config: RunConfig, labels: LabelFacts | None) -> str:
    shown = best_of(labels.samples_shown) if labels else ""
    who = who_labels(labeler_groups(store, config), config.comparisons)
    return f"{who}, {shown}" if shown else who


def _label_findings(folder: RunFigures, config: RunConfig) -> tuple[CheckResult, ...]:
    audit = folder.label_audit
    return findings_with_trust(audit, folder.trusts, config) if audit else ()


def _policy_charts(folder: RunFigures, config: RunConfig) -> list[Chart]:
    levels, keys = kl_levels(config.policy.kl), policy_keys(config.task)
    return policy_charts(folder.metrics, kl_levels=levels, keys=keys)


def _chance(labels: LabelFacts | None) -> dict[str, float | None]:
    """Return what a reward model has that scores all samples alike, by metric."""
    if labels is None:
        return {}
    return {
        "rewards/loss": labels.loss_at_chance,
        "rewards/accuracy": labels.accuracy_at_chance,
    }


def _frontier(folder: RunFigures) -> Markup | None:
    """Return the chart of the policies of all rounds and of the other models that were placed."""
    rounds: list[FrontierFigures] = []
    others: list[FrontierFigures] = []
    for figures in (file.figures for file in folder.evaluations):
        if figures.frontier is not None:
            (others if figures.round is None else rounds).append(figures.frontier)
    return frontier_chart(rounds, others)


def _overoptimization(folder: RunFigures) -> list[Markup | None]:
    audit = folder.overoptimization
    curves = audit.curves if audit else ()
    return [overoptimization_chart(c, f"overoptimization-{i}") for i, c in enumerate(curves)]


def _samples_needed(latest: EvaluationFile | None) -> int:
    """Return MIN_EFFECTIVE_SAMPLES * exp(KL): N weights at a KL have at most N exp(-KL) effective
    samples."""
    frontier = latest.figures.frontier if latest else None
    if frontier is None or frontier.best_reward_at_kl is not None:
        return 0
    return math.ceil(MIN_EFFECTIVE_SAMPLES * math.exp(min(frontier.model.kl_nats.value, 100.0)))


def _reliability(file: TrustFile) -> Markup:
    assert file.figures.validation is not None  # others have no diagram
    return reliability_chart(
        file.figures.validation.calibration,
        f"reliability-{file.round}",
        f"Reliability of the reward model of round {file.round}",
    )
