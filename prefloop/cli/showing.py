"""What a run says on the terminal."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from prefloop.cli.arguments import run_file
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.run_file import load_run_file
from prefloop.run_folder import read_run_folder
from prefloop.seeding import numpy_stream
from prefloop.store.store import Store

Pair = tuple[Prompt, Sample, Sample]
"""A held-out prompt with the reference's sample and the policy's."""


def show_result(folder: Path, report: Path, *, n_pairs: int, as_json: bool) -> None:
    """Print the verdict, some random before-and-after pairs, and where the report lies."""
    newest = read_run_folder(folder).evaluations[-1:]
    figures: dict[str, Any] = newest[0].figures if newest else {}
    if as_json:
        print(
            json.dumps(
                {
                    "report": str(report),
                    "evaluation": str(folder / newest[0].path) if newest else None,
                    "verdict": figures.get("verdict"),
                }
            )
        )
        return
    show_pairs(folder, n_pairs=n_pairs, as_json=False)
    console = Console()
    if figures:
        console.print(figures["verdict"], style="bold", markup=False)
    console.print(f"Report: {report}", markup=False, soft_wrap=True)


def show_pairs(folder: Path, *, n_pairs: int, as_json: bool) -> None:
    """Print random before-and-after pairs."""
    config = load_run_file(run_file(folder))
    with Store.open(config.store or folder / "prefloop.db", read_only=True) as store:
        pairs = _pairs(store, seed=config.seed, n_pairs=n_pairs)
    if as_json:
        rows = [{"prompt": p.text, "before": b.text, "after": a.text} for p, b, a in pairs]
        print(json.dumps(rows))
        return
    if not pairs:
        Console().print("There are no pairs yet: the run has not evaluated a policy.")
        return
    table = Table(title="Random held-out prompts, before and after", show_lines=True)
    for column in ("prompt", "before", "after"):
        table.add_column(column, overflow="fold")
    for records in pairs:
        table.add_row(*(_plain(record.text) for record in records))
    Console().print(table)


def show_progress(folder: Path, *, as_json: bool) -> None:
    """Print how much of each stage there is."""
    config = load_run_file(run_file(folder))
    with Store.open(config.store or folder / "prefloop.db", read_only=True) as store:
        counts = {
            "prompts": len(store.prompts()),
            "samples": len(store.samples()),
            "comparisons": len(store.comparisons()),
            "labels": len(store.labels()),
            "verdicts": len(store.verdicts()),
        }
    run = read_run_folder(folder)
    counts |= {
        "reward_models": len(run.trusts),
        "policy_updates": sum(line["stage"] == "policy" for line in run.metrics),
        "policies": len(list((folder / "policy").glob("round-*"))),
        "evaluations": len(run.evaluations),
    }
    if as_json:
        print(json.dumps(counts))
        return
    print(", ".join(f"{n} {noun.replace('_', ' ')}" for noun, n in counts.items()))


def _pairs(store: Store, *, seed: int, n_pairs: int) -> list[Pair]:
    """Return randomly chosen samples of both models to the same held-out prompts."""
    samples = store.samples(purpose="evaluation")
    before = {s.prompt_id: s for s in samples if s.model == REFERENCE}
    last = max((s.round for s in samples if s.model != REFERENCE), default=0)
    # The newest of several: after a roll back a round's policy is made again.
    after = {s.prompt_id: s for s in samples if s.model != REFERENCE and s.round == last}
    prompts = {p.id: p for p in store.prompts(split="held_out")}
    both = sorted(before.keys() & after.keys() & prompts.keys())
    chosen = numpy_stream(seed, "terminal pairs").permutation(len(both))[:n_pairs]
    keys = [both[int(i)] for i in chosen]
    return [(prompts[key], before[key], after[key]) for key in keys]


def _plain(text: str) -> str:
    """Make a model's text safe for a terminal: no markup, no control characters."""
    visible = "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
    return visible.replace("[", r"\[").strip()
