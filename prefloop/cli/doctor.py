"""The verb that looks a run over."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from prefloop.cli.arguments import AsJson, RunPlace, run_file
from prefloop.text.printable import printable

if TYPE_CHECKING:
    from prefloop.figures.check_result import CheckResult


def doctor(folder: RunPlace, as_json: AsJson = False) -> None:
    """Check every stage of a run; say first which one is bad, why, and what to do about it.

    Exits with code 2 if one is bad.

    Example: `prefloop doctor my-run`
    """
    from prefloop.doctor.checks import examine
    from prefloop.doctor.terms import terms_in
    from prefloop.doctor.worst import conclusion, warns_before, worst

    results = examine(run_file(folder))
    text = conclusion(results)
    if as_json:
        print(json.dumps({"conclusion": text, "results": [r.model_dump() for r in results]}))
    else:
        first = worst(results)
        earlier = warns_before(first, results) if first else None
        begin = [f"-> Begin before that, with {earlier.stage}: {earlier.action}"] if earlier else []
        _say(text, *([f"-> {first.action}"] if first and first.action else []), *begin, "")
        _say(*_lines(results))
        if terms := terms_in(results):
            _say("", "What the words mean:", *(f"* {term}" for term in terms))
    if any(result.status == "bad" for result in results):
        raise typer.Exit(2)


def _lines(results: "Sequence[CheckResult]") -> list[str]:
    """Return a line for each check, and below it what to do; the same advice is given once."""
    lines, advised = [], set[str]()
    for result in results:
        lines.append(f"{result.status:<5}  {result.stage:<11}  {result.message}")
        if result.action:
            action = "As above." if result.action in advised else result.action
            lines.append(f"{'':<20}-> {action}")
            advised.add(result.action)
    return lines


def _say(*lines: str) -> None:
    """Print lines; labelers, and words of the policy, are named by others."""
    print(printable("\n".join(lines)))
