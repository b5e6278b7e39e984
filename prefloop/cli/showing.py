"""What a finished run says on the terminal."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from prefloop.config import load_run_file
from prefloop.records import REFERENCE
from prefloop.seeding import numpy_stream
from prefloop.store.store import Store


def show_result(folder: Path, report: Path, *, n_pairs: int) -> None:
    """Print the verdict, some random before-and-after pairs, and where the report lies."""
    console = Console()
    config = load_run_file(folder / "run.yaml")
    newest = sorted((folder / "evaluation").glob("round-*.json"))
    with Store.open(config.store or folder / "prefloop.db") as store:
        console.print(_pairs(store, seed=config.seed, n_pairs=n_pairs))
    if newest:
        figures = json.loads(newest[-1].read_text(encoding="utf-8"))
        console.print(figures["verdict"], style="bold", markup=False)
    console.print(f"Report: {report}", markup=False, soft_wrap=True)


def _pairs(store: Store, *, seed: int, n_pairs: int) -> Table:
    """Return randomly chosen samples of both models to the same held-out prompts."""
    samples = store.samples(purpose="evaluation")
    before = {s.prompt_id: s for s in samples if s.model == REFERENCE}
    last = max((s.round for s in samples if s.model != REFERENCE), default=0)
    after = {s.prompt_id: s for s in samples if s.model == f"policy/round-{last}"}
    prompts = {p.id: p for p in store.prompts(split="held_out")}
    both = sorted(before.keys() & after.keys())
    chosen = numpy_stream(seed, "terminal pairs").permutation(len(both))[:n_pairs]
    table = Table(title="Random held-out prompts, before and after", show_lines=True)
    for column in ("prompt", "before", "after"):
        table.add_column(column, overflow="fold")
    for i in chosen:
        key = both[int(i)]
        table.add_row(
            *(_plain(t) for t in (prompts[key].text, before[key].text, after[key].text))
        )
    return table


def _plain(text: str) -> str:
    """Make a model's text safe for a terminal: no markup, no control characters."""
    visible = "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
    return visible.replace("[", r"\[").strip()
