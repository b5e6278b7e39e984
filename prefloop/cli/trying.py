"""Verbs that try what a run made on texts of one's own; nothing of the run is changed."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefloop.cli.arguments import AsJson, RunFolder, run_file
from prefloop.cli.store_verbs import Force
from prefloop.text.printable import on_one_line, printable

if TYPE_CHECKING:
    from prefloop.run.trial import Trial


def try_prompt(
    folder: RunFolder,
    prompt: Annotated[str, typer.Argument(help="A prompt of your own.")],
    n: Annotated[
        int, typer.Option("--number", "-n", min=1, max=64, help="Responses of each model.")
    ] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other responses.")] = 0,
    model: Annotated[
        str | None,
        typer.Option(help="policy/update-40 or policy/round-1; otherwise the newest policy."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the untuned model and the policy answer to a prompt of your own, side by side.

    Example: `prefloop samples try my-run "The garden was" -n 5`
    """
    from prefloop.run.trial import run_trial
    from prefloop.run_file import load_run_as_made

    config = load_run_as_made(run_file(folder))
    trial = run_trial(config, folder, prompt, model=model, n=n, seed=seed, say=_say)
    if as_json:
        from dataclasses import asdict

        print(json.dumps(asdict(trial)))
        return
    _print_trial(trial)


def score_file(
    folder: RunFolder,
    file: Annotated[Path, typer.Argument(help="Texts with the columns prompt and response.")],
    scorer: Annotated[
        str | None, typer.Option(help="A scorer instead of the run's newest reward model.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write prompt, response and score to.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Score texts of your own (JSON lines, an array, CSV, Parquet) as the run scores responses.

    Example: `prefloop rewards score my-run texts.jsonl --scorer length`
    """
    from prefloop.cli.exchange import require_free
    from prefloop.files import write_atomically
    from prefloop.rewards.own_texts import read_texts, scorer_of
    from prefloop.run_file import load_run_as_made

    config = load_run_as_made(run_file(folder))
    if out is not None:
        require_free(out, force=force)
    texts = read_texts(file)
    chosen = scorer_of(config, folder, scorer)
    prompts, responses = (list(column) for column in zip(*texts, strict=True))
    scores = [float(score) for score in chosen.score(prompts, responses)]
    rows = [
        {"prompt": prompt, "response": response, "score": score}
        for (prompt, response), score in zip(texts, scores, strict=True)
    ]
    if out is not None:
        write_atomically(out, "".join(json.dumps(row) + "\n" for row in rows))
    if as_json:
        print(json.dumps({"scorer": chosen.name, "description": chosen.description, "rows": rows}))
    else:
        _print_scores(rows, chosen.description, out)


def without(
    folder: RunFolder,
    labeler: Annotated[
        str,
        typer.Argument(help="Whose labels are left out; write -- before a name such as -x."),
    ],
    round_number: Annotated[
        int | None, typer.Option("--round", min=0, help="The round; otherwise the newest.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a reward model again without one labeler, say what would change, and throw it away.

    Nothing of the run is changed.

    Example: `prefloop rewards without my-run ann`
    """
    from prefloop.cli.console import TerminalProgress
    from prefloop.figures.without_labeler import without_labeler_lines
    from prefloop.run.without_labeler import reward_without
    from prefloop.run_file import load_run_as_made

    config = load_run_as_made(run_file(folder))
    figures = reward_without(
        config, folder, labeler, round_number=round_number, progress=TerminalProgress()
    )
    if as_json:
        print(json.dumps(figures.model_dump()))
        return
    print(printable("\n".join(without_labeler_lines(figures))))
    print(f"Nothing in {folder} was changed.")


def _print_scores(rows: list[dict[str, Any]], scorer: str, out: Path | None) -> None:
    """Print one line per text, unless they are in a file, and their mean."""
    from prefloop.figures.text import counted, signed

    for row in rows if out is None else ():
        print(signed(row["score"]).rjust(10), "", _one_line(row["response"]))
    where = "" if out is None else f", in {out}"
    mean = signed(sum(row["score"] for row in rows) / len(rows))
    print(f"{counted(len(rows), 'text')} scored by {scorer}: mean {mean}{where}")


def _print_trial(trial: "Trial") -> None:
    from rich.console import Console
    from rich.table import Table

    from prefloop.cli.showing import cell
    from prefloop.figures.text import model_title

    table = Table(title=cell(f"“{trial.prompt.strip()}”"), show_lines=True)
    for name in (trial.reference, trial.model):
        table.add_column(cell(model_title(name)), overflow="fold")
    for before, after in zip(trial.reference_responses, trial.responses, strict=True):
        table.add_row(cell(before), cell(after))
    Console().print(table)


def _one_line(text: str) -> str:
    shown = on_one_line(text)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr)
