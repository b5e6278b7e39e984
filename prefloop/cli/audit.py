"""Verbs that ask whether a run may be believed."""

import json
from typing import TYPE_CHECKING

from prefloop.cli.arguments import AsJson, RunFolder, run_file

if TYPE_CHECKING:
    from prefloop.figures.check_result import CheckResult
    from prefloop.figures.label_audit import LabelAuditFigures, ShortcutFigures

NAME = 26
"""Width of the column with the names of shortcuts."""


def labels(folder: RunFolder, as_json: AsJson = False) -> None:
    """Say what the labels of a run reward: which shortcuts explain the choices, and how surely.

    Example: `prefloop audit labels my-run`
    """
    from prefloop.audits.findings import beside_reward_model
    from prefloop.audits.labels import audit_labels, audit_scorers, write_label_audit
    from prefloop.cli.console import TerminalProgress
    from prefloop.files import is_write_protected
    from prefloop.run.usage import recording_usage
    from prefloop.run_file import load_run_as_made
    from prefloop.run_folder import read_run_folder
    from prefloop.run_store import open_run_store

    config = load_run_as_made(run_file(folder))
    # Scores of the run file's scorers are kept in the store; everything else only reads it.
    scorers, progress = audit_scorers(config), TerminalProgress()
    metered = {scorer.name: scorer.metered for scorer in scorers}
    with (
        open_run_store(config, folder, read_only=not scorers) as store,
        recording_usage(folder, progress, metered),
    ):
        figures = audit_labels(store, config, folder, progress, scorers=scorers)
    if not is_write_protected(folder):
        write_label_audit(folder, figures)
    trusts = [file.figures.validation for file in read_run_folder(folder).trusts]
    measured = [validation for validation in trusts if validation is not None]
    beside = beside_reward_model(figures, measured[-1], config) if measured else None
    findings = [*figures.findings, *([beside] if beside else [])]
    if as_json:
        rows = [finding.model_dump() for finding in findings]
        print(json.dumps(figures.model_dump() | {"findings": rows}))
    else:
        _show(figures, findings)


def _show(figures: "LabelAuditFigures", findings: list["CheckResult"]) -> None:
    from prefloop.figures.label_audit_text import audit_head, differences, together_sentence

    print(audit_head(figures))
    for note in figures.notes:
        print(note)
    if figures.shortcuts:
        print(f"\n{'':<{NAME}}  {'agrees with':<19}  wins         log-odds per usual difference")
        for shortcut in figures.shortcuts:
            print(_row(shortcut))
        print(together_sentence(figures))
        for difference in differences(figures):
            print(difference)
        print()
    for finding in findings:
        print(f"{finding.status:<5}  {finding.message}")
        if finding.action:
            print(f"{'':<7}-> {finding.action}")
    for name, why in figures.left_out.items():
        print(f"left out: {name}: {why}")


def _row(shortcut: "ShortcutFigures") -> str:
    from prefloop.figures.label_audit_text import direction
    from prefloop.figures.text import percent, share_interval, signed, signed_interval

    agreement, weight = shortcut.agreement, shortcut.coefficient
    ends = share_interval(agreement.low, agreement.high)
    agrees = f"{percent(agreement.value)} ({ends})"
    weighs = f"{signed(weight.value)} ({signed_interval(weight.low, weight.high)})"
    return f"{shortcut.title:<{NAME}}  {agrees:<19}  {direction(shortcut):<11}  {weighs}"
