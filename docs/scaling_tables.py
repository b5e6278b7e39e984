"""The figures of docs/scaling.md: what was measured, from bench/results, and what follows from it.

`make docs` writes them between the page's markers; `--check` says when they are stale.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from docs.markdown import markdown_table
from docs.scaling_machines import (
    MODELS,
    SHARES,
    divided_table,
    drawn_a_second,
    gigabytes,
    machines_table,
    sizes_table,
)
from prefloop.comparisons.labelers.synthetic import DECISION_SECONDS
from prefloop.figures.text import fixed
from prefloop.run.plan import WORDS_A_MINUTE
from prefloop.settings.task_presets import load_task
from prefloop.text.words import WORDS_PER_TOKEN

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scaling.md"
RESULTS = ROOT / "bench" / "results" / "scaling.json"
BESIDE_POTATO = ROOT / "bench" / "results" / "labeling_beside_potato.json"
NOT_YET = "*Not measured yet: `make bench-scaling` on a machine that does nothing else.*"
BLOCK = re.compile(r"(<!-- figures: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

PEOPLE, PER_PROMPT = 10_000, 4
HOURS_A_DAY = 8
"""That each of them labels; spread over the day, as people who live everywhere do."""
REFRESH_SECONDS, RENEW_SECONDS = 60, 300
"""How often a page asks for its figures, and at most renews its leases (static/labeling)."""
GROWING = ("events", "labels", "assignments", "quality_checks")
"""Tables that have a row for an answer; others grow with people, hours and questions."""

Result = Mapping[str, Any]


def filled(text: str) -> str:
    """Return the page with every block as it is now."""
    return BLOCK.sub(lambda m: f"{m[1]}\n{blocks()[m[2]]()}\n\n{m[3]}", text)


def blocks() -> dict[str, Callable[[], str]]:
    """Return what makes each block, by its name in the page."""
    result = json.loads(RESULTS.read_text()) if RESULTS.exists() else None

    def of(table: Callable[[Result], str]) -> Callable[[], str]:
        return lambda: NOT_YET if result is None else table(result)

    return {
        "constants": of(constants_text),
        "check": of(check_table),
        "fitted": of(fitted_table),
        "memory": of(memory_text),
        "rows": of(rows_table),
        "sizes": sizes_table,
        "machines": machines_table,
        "divided": divided_table,
        "people": people_table,
        "servers": lambda: servers_table(result),
        "growth": of(growth_table),
        "drawing": drawing_table,
    }


def measured_tables(result: Result) -> str:
    """Return all that was measured, for the benchmark's own file."""
    parts = (constants_text, check_table, fitted_table, memory_text, rows_table, growth_table)
    return "\n\n".join([*(part(result) for part in parts), servers_table(result)]) + "\n"


# --- Training ----------------------------------------------------------------------------------


def constants_text(result: Result) -> str:
    """Return the constants, and the rates that they mean."""
    seconds = result["model"]["seconds"]
    rows = []
    for kind in ("drawing", "reading", "training"):
        rate = 1e-9 / seconds[kind] if seconds[kind] else float("inf")
        share = rate / result["matmul_gflops"]
        rows.append([kind, f"{rate:,.0f} GFLOPS", f"{100 * share:.0f} %"])
    call = seconds["a call of a layer"]
    rows.append(["a call of a layer", f"{1e6 * call:,.0f} µs", ""])
    heads = ["Constant", "fitted", "of the rate of a matrix product"]
    where = (
        f"{result['date']}, {result['machine']}, {result['threads']} threads; a matrix product of "
        f"1,024 x 1,024 ran at {result['matmul_gflops']:,.0f} GFLOPS. Load when a run began: "
        f"{_loads(result)}."
    )
    return "\n".join([*markdown_table(heads, rows), "", where])


def _loads(result: Result) -> str:
    return ", ".join(fixed(run["load_before"], 1) for run in result["runs"])


def check_table(result: Result) -> str:
    """Return measured and predicted seconds of the run that nothing was fitted to."""
    (run,) = (run for run in result["runs"] if run["is_held_back"])
    rows = _stage_rows(run)
    whole = [sum(stage[side] for stage in run["stages"].values()) for side in SIDES]
    rows.append(["**one of each**", *(fixed(s, 2) for s in whole), fixed(whole[0] / whole[1], 2)])
    heads = ["One stage", "measured, s", "predicted, s", "measured / predicted"]
    return "\n".join([*markdown_table(heads, rows), "", f"The run: {_shape(run)}."])


SIDES = ("measured", "predicted")


def _stage_rows(run: Result) -> list[list[str]]:
    return [
        [
            name,
            *(fixed(seconds[side], 2) for side in SIDES),
            fixed(seconds["measured"] / seconds["predicted"], 2),
        ]
        for name, seconds in run["stages"].items()
    ]


def _shape(run: Result) -> str:
    shape = run["shape"]
    trained = "full copies" if shape["adapter"] == "none" else "adapters"
    if shape["top_layers"]:
        trained += f" on {shape['top_layers']} layers"
    return (
        f"{shape['layers']} layers of {shape['width']}, {run['parameters'] / 1e6:.1f} M weights, "
        f"{trained}, texts of {shape['query']} + {shape['response']} tokens, "
        f"policy.epochs {shape['epochs']}"
    )


def fitted_table(result: Result) -> str:
    """Return measured over predicted of the runs that the constants were fitted to."""
    runs = [run for run in result["runs"] if not run["is_held_back"]]
    rows = [[_shape(run), *(row[3] for row in _stage_rows(run))] for run in runs]
    return "\n".join(markdown_table(["Run", *runs[0]["stages"]], rows))


def memory_text(result: Result) -> str:
    """Return the peak of memory of each run beside the count."""
    rows = []
    for run in result["runs"]:
        peaks = run["peak_bytes"], run["predicted_peak_bytes"]
        name = _shape(run) + (" (not fitted to)" if run["is_held_back"] else "")
        rows.append([name, *map(gigabytes, peaks), fixed(peaks[0] / peaks[1], 2)])
    heads = ["Run", "measured", "predicted", "measured / predicted"]
    base = gigabytes(result["model"]["base_bytes"])
    return "\n".join([*markdown_table(heads, rows), "", f"Of each, {base} are there at any size."])


def rows_table(result: Result) -> str:
    """Return rows for each label in the store of a run with synthetic labelers."""
    (run,) = (run for run in result["runs"] if run["is_held_back"])
    labels = run["rows"]["labels"]
    names = ("labels", "events", "comparisons", "comparison_samples", "samples")
    rows = [[f"`{n}`", str(run["rows"][n]), fixed(run["rows"][n] / labels, 2)] for n in names]
    rows.append(["the whole file, bytes", f"{run['bytes_in_store']:,}", _per(run, labels)])
    return "\n".join(markdown_table(["Table", "rows", "for each label"], rows))


def _per(run: Result, labels: int) -> str:
    return f"{run['bytes_in_store'] / labels:,.0f}"


# --- Labeling ----------------------------------------------------------------------------------


def seconds_a_label(task: str) -> float:
    """Return a person's time for one question: its words at the speed of reading, and one choice.

    238 words a minute are Brysbaert's (2019), the time of a choice is an assumption.
    """
    config = load_task(task)
    tokens = config.query_tokens_max + PER_PROMPT * config.response_tokens
    return tokens * WORDS_PER_TOKEN / WORDS_A_MINUTE * 60 + DECISION_SECONDS


TASKS = ("summarization", "sentiment")


def people_table() -> str:
    """Return what 10,000 people send, task by task."""
    rows = []
    for task in TASKS:
        seconds = seconds_a_label(task)
        answers = PEOPLE / seconds
        rest = PEOPLE / REFRESH_SECONDS + PEOPLE / RENEW_SECONDS
        daily = PEOPLE * HOURS_A_DAY * 3600 / seconds
        rows.append(
            [
                task,
                f"{seconds:.0f}",
                f"{3600 / seconds:.0f}",
                f"{answers:.0f}",
                f"{2 * answers + rest + min(answers, PEOPLE / 3):,.0f}",
                f"{daily / 24 / 3600:.0f}",
                f"{daily / 1e6:.1f} M",
                _days(60_000 / daily),
            ]
        )
    heads = [
        "Task",
        "seconds a label",
        "labels an hour and person",
        "answers a second, all at once",
        "requests a second with them",
        f"answers a second, {HOURS_A_DAY} hours each over the day",
        "answers a day",
        "60,000 labels take",
    ]
    return "\n".join(markdown_table(heads, rows))


def _days(days: float) -> str:
    return f"{days * 24 * 60:.0f} minutes"


def sqlite_rate() -> float:
    """Return the questions and answers a second of the benchmark beside Potato."""
    rows = json.loads(BESIDE_POTATO.read_text())["rows"]
    whole = [r["per_second"] for r in rows if r["side"] == "prefloop" and not r["killed"]]
    return float(sorted(whole)[len(whole) // 2])


def servers_table(result: Result | None) -> str:
    """Return what one process takes over each store, and how much of it 10,000 people need."""
    rates = {"SQLite, `bench/labeling_beside_potato.py`": sqlite_rate()}
    if result is not None:
        for kind, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
            name = f"{title}, `bench/scaling.py`"
            rates[name] = float(result["labeling"][kind]["per_second"])
    rows = []
    for name, rate in rates.items():
        needs = [PEOPLE / seconds_a_label(task) / rate for task in TASKS]
        rows.append([name, f"{rate:.0f}", *(f"{100 * need:.0f} %" for need in needs)])
    heads = ["Store", "questions and answers a second", *(f"{t}: all at once need" for t in TASKS)]
    table = "\n".join(markdown_table(heads, rows))
    if result is None:
        return f"{table}\n\n{NOT_YET} (PostgreSQL)"
    file, server = (result["labeling"][kind]["per_second"] for kind in ("sqlite", "postgresql"))
    ratio = f"In the same minutes one process took {fixed(server / file, 2)} times as many"
    return f"{table}\n\n{ratio} over PostgreSQL as over SQLite."


def growth_table(result: Result) -> str:
    """Return rows and bytes for each answer of a person in PostgreSQL, and what a day adds."""
    found = result["labeling"]["postgresql"]
    answers = found["answers"]
    daily = PEOPLE * HOURS_A_DAY * 3600 / seconds_a_label("summarization")
    added = {name: found["bytes_added"].get(name, 0) for name in GROWING}
    sizes = sorted(added.items(), key=lambda item: -item[1])
    rows = []
    for name, size in sizes:
        n_rows = found["rows_added"].get(name, 0)
        rows.append([f"`{name}`", fixed(n_rows / answers, 2), *_grown(size / answers, daily)])
    total = sum(added.values()) / answers
    rows.append(["all", "", *_grown(total, daily)])
    heads = ["Table", "rows an answer", "bytes an answer", "a day of summaries", "a year"]
    said = f"First to be large: `{sizes[0][0]}`."
    return "\n".join([*markdown_table(heads, rows), "", said])


def _grown(each: float, daily: float) -> list[str]:
    return [f"{each:,.0f}", gigabytes(each * daily), gigabytes(365 * each * daily)]


def drawing_table() -> str:
    """Return what all people at once need to read, beside what one device draws."""
    rows = []
    for task in TASKS:
        response = load_task(task).response_tokens
        needed = PEOPLE / seconds_a_label(task) * PER_PROMPT * response
        rows.append(
            [
                task,
                f"{needed:,.0f}",
                *(
                    " to ".join(
                        fixed(needed / drawn_a_second(shape, rows=64, share=share), 1)
                        for share in reversed(SHARES)
                    )
                    for shape in MODELS.values()
                ),
            ]
        )
    heads = ["Task", "tokens a second that are read", *(f"H100s for {name}" for name in MODELS)]
    return "\n".join(markdown_table(heads, rows))
