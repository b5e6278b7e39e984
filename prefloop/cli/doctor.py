"""The verb that looks a run over."""

import json
from dataclasses import asdict

import typer

from prefloop.cli.arguments import AsJson, RunFolder, run_file


def doctor(folder: RunFolder, as_json: AsJson = False) -> None:
    """Look a run over: which stage is bad, and why. Leaves with code 2 if one is.

    Example: `prefloop doctor my-run`
    """
    from prefloop.doctor.checks import conclusion, examine

    findings = examine(run_file(folder))
    text = conclusion(findings)
    if as_json:
        print(json.dumps({"conclusion": text, "findings": [asdict(f) for f in findings]}))
    else:
        for finding in findings:
            print(f"{finding.status:<5}  {finding.stage:<11}  {finding.told}")
            if finding.action:
                print(f"{'':<20}-> {finding.action}")
        print(text)
    if any(finding.status == "bad" for finding in findings):
        raise typer.Exit(2)
