"""Verbs that ask whether a run may be believed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.access import is_write_protected
from prefloop.cli.arguments import AsJson, RunFolder, run_file
from prefloop.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefloop.figures.check_result import CheckResult
    from prefloop.figures.label_audit import LabelAuditFigures, ShortcutFigures
    from prefloop.figures.overoptimization import OverOptimizationFigures
    from prefloop.figures.reward_audit import RewardAuditFigures
    from prefloop.figures.trust import ValidationFigures
    from prefloop.run_folder import TrustFile

NAME = 26
"""Width of the column with the names of shortcuts."""


def labels(folder: RunFolder, as_json: AsJson = False) -> None:
    """Say what the labels of a run reward: which shortcuts explain the choices, and how surely.

    Example: `prefloop audit labels my-run`
    """
    from prefloop.audits.findings import findings_with_trust
    from prefloop.audits.labels import audit_labels, audit_scorers, write_label_audit
    from prefloop.cli.console import TerminalProgress
    from prefloop.run.usage import recording_usage
    from prefloop.run_file import load_run_as_made
    from prefloop.run_folder import read_trusts
    from prefloop.run_store import open_run_store, require_begun
    from prefloop.scorers.build import metered_by_name

    config = load_run_as_made(run_file(folder))
    require_begun(config, folder)
    # Scores of the run file's scorers are kept in the store; everything else only reads it.
    scorers, progress = audit_scorers(config), TerminalProgress()
    with (
        open_run_store(config, folder, read_only=not scorers) as store,
        recording_usage(folder, progress, metered_by_name(scorers)),
    ):
        figures = audit_labels(store, config, folder, progress, scorers=scorers)
    if not is_write_protected(folder):
        write_label_audit(folder, figures)
    findings = findings_with_trust(figures, read_trusts(folder), config)
    if as_json:
        rows = [finding.model_dump() for finding in findings]
        print(json.dumps(figures.model_dump() | {"findings": rows}))
    else:
        _show(figures, findings)


def rewards(
    folder: RunFolder,
    round_number: Annotated[
        int | None, typer.Option("--round", min=0, help="The round; otherwise the newest.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a policy may be trained against a reward model: train, collect more, or stop.

    Example: `prefloop audit rewards my-run`
    """
    figures, trust = _audited_rewards(folder, round_number)
    validation = trust.figures.validation
    if as_json:
        measured = validation.model_dump(mode="json") if validation else None
        print(json.dumps(figures.model_dump(mode="json") | {"validation": measured}))
    else:
        _show_rewards(figures, validation)


def _audited_rewards(
    folder: Path, round_number: int | None
) -> "tuple[RewardAuditFigures, TrustFile]":
    """Return the audit of a round's reward model, made now or before, and the model's figures."""
    from prefloop.audits.labels import audit_scorers
    from prefloop.audits.rewards import (
        audit_rewards,
        known_reward_audit,
        saved_model,
        saved_trust,
        write_reward_audit,
    )
    from prefloop.cli.console import TerminalProgress
    from prefloop.run.usage import recording_usage
    from prefloop.run_file import load_run_as_made
    from prefloop.run_store import open_run_store
    from prefloop.scorers.build import metered_by_name

    config, progress = load_run_as_made(run_file(folder)), TerminalProgress()
    trust, scorers = saved_trust(folder, round_number), audit_scorers(config)
    # Scores of stored samples are kept in the store; everything else only reads it.
    with (
        open_run_store(config, folder) as store,
        recording_usage(folder, progress, metered_by_name(scorers)),
    ):
        figures = known_reward_audit(store, config, folder, trust, scorers)
        if figures is None:
            model = saved_model(folder, trust.round)
            figures = audit_rewards(store, config, folder, model, progress, scorers=scorers)
    if not is_write_protected(folder):
        write_reward_audit(folder, figures)
    return figures, trust


def overoptimization(
    folder: RunFolder,
    people: Annotated[
        bool, typer.Option("--people", help="Show what people said of policies, as far as asked.")
    ] = False,
    draw: Annotated[
        bool,
        typer.Option(help="Draw what kept policies lack; otherwise leave them out."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Say from which KL on more of the reward brings less of what a held-out judge wants.

    Example: `prefloop audit overoptimization my-run --no-draw`
    """
    from prefloop.audits.overoptimization import audit_without_drawing, write_overoptimization
    from prefloop.cli.console import TerminalProgress
    from prefloop.figures.record import to_line
    from prefloop.files import only_one_process
    from prefloop.run.kept_settings import with_method_options
    from prefloop.run_file import load_run_as_made
    from prefloop.run_store import open_run_store, require_begun

    config = with_method_options(load_run_as_made(run_file(folder)))
    require_begun(config, folder)
    progress = TerminalProgress()
    if draw:
        from prefloop.run.kept_policies import audit_kept_policies

        with only_one_process(folder):
            figures = audit_kept_policies(config, folder, progress, with_people=people)
    else:
        with open_run_store(config, folder) as store:
            figures = audit_without_drawing(store, config, folder, progress, with_people=people)
    if not is_write_protected(folder):
        write_overoptimization(folder, figures)
    if as_json:
        print(to_line(figures))
    else:
        _show_overoptimization(figures)


def _say(*lines: str) -> None:
    """Print lines; labelers, scorers and versions are named by others."""
    print(printable("\n".join(lines)))


def _show_rewards(figures: "RewardAuditFigures", validation: "ValidationFigures | None") -> None:
    from prefloop.figures.reward_audit_text import (
        best_of_lines,
        calibration_lines,
        edit_lines,
        ensemble_text,
        group_lines,
        length_lines,
        margin_lines,
        reward_audit_head,
        shortcut_lines,
    )

    _say(reward_audit_head(figures))
    tables = [lines(figures) for lines in (shortcut_lines, edit_lines, best_of_lines, group_lines)]
    if validation is not None and not validation.prefers_nothing:
        tables += [part(validation) for part in (margin_lines, length_lines, calibration_lines)]
    for found in tables:
        if found:
            _say("", *found)
    if said := ensemble_text(figures):
        _say("", said)
    _say(f"\n{figures.forecast}\n")
    _show_findings(figures.findings)
    _show_left_out(figures.left_out)


def _show_overoptimization(figures: "OverOptimizationFigures") -> None:
    from prefloop.figures.overoptimization_text import curve_lines, overoptimization_head

    _say(overoptimization_head(figures))
    for curve in figures.curves:
        _say("", *curve_lines(curve))
    _say("", *figures.notes)
    _show_findings([finding for finding in figures.findings if finding.action])
    _show_left_out(figures.left_out)


def _show_findings(findings: "Sequence[CheckResult]") -> None:
    for finding in findings:
        _say(f"{finding.status:<5}  {finding.message}")
        if finding.action:
            _say(f"{'':<7}-> {finding.action}")


def _show_left_out(left_out: "Mapping[str, str]") -> None:
    from prefloop.audits.findings import left_out_lines

    for line in left_out_lines(left_out):
        _say(f"left out: {line}")


def _show(figures: "LabelAuditFigures", findings: "Sequence[CheckResult]") -> None:
    from prefloop.figures.label_audit_text import audit_head, differences, together_sentence

    _say(audit_head(figures))
    for note in figures.notes:
        _say(note)
    if figures.shortcuts:
        _say(f"\n{'':<{NAME}}  {'agrees with':<19}  wins         log-odds per usual difference")
        for shortcut in figures.shortcuts:
            _say(_row(shortcut))
        _say(together_sentence(figures))
        for difference in differences(figures):
            _say(difference)
        _say("")
    _show_findings(findings)
    _show_left_out(figures.left_out)


def _row(shortcut: "ShortcutFigures") -> str:
    from prefloop.figures.label_audit_text import direction
    from prefloop.figures.text import percent, share_interval, signed, signed_interval

    agreement, weight = shortcut.agreement, shortcut.coefficient
    ends = share_interval(agreement.low, agreement.high)
    agrees = f"{percent(agreement.value)} ({ends})"
    weighs = f"{signed(weight.value)} ({signed_interval(weight.low, weight.high)})"
    return f"{shortcut.title:<{NAME}}  {agrees:<19}  {direction(shortcut):<11}  {weighs}"
