"""The verb that looks a run over."""

import json

import typer

from prefloop.cli.arguments import AsJson, RunPlace, run_file


def doctor(folder: RunPlace, as_json: AsJson = False) -> None:
    """Check every stage of a run; say which one is bad, and why. Exits with code 2 if one is.

    Example: `prefloop doctor my-run`
    """
    from prefloop.doctor.checks import conclusion, examine

    results = examine(run_file(folder))
    text = conclusion(results)
    if as_json:
        print(json.dumps({"conclusion": text, "results": [r.model_dump() for r in results]}))
    else:
        for result in results:
            print(f"{result.status:<5}  {result.stage:<11}  {result.message}")
            if result.action:
                print(f"{'':<20}-> {result.action}")
        print(text)
    if any(result.status == "bad" for result in results):
        raise typer.Exit(2)
