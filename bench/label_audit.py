"""How long the audit of many labels takes: once with the texts to measure, then on kept figures.

    python bench/label_audit.py --labels 100000

A store is filled first (untimed) with best-of-four labels of 50 labelers who like copies. Each
audit then runs in a process of its own, from opening the store to the written figures. The target
is 30 s and 1 GB for 100,000 labels on kept figures, on two cores; measuring the texts stands apart,
at a rate.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from prefloop.audits.labels import audit_labels, write_label_audit
from prefloop.progress import Silent
from prefloop.records import REFERENCE, Comparison, Label, Prompt, Sample
from prefloop.run_file import load_run_file
from prefloop.run_folder import LABEL_AUDIT, TEXT_FIGURES
from prefloop.store.store import Store

PER_QUESTION, LABELERS, CHUNK = 4, 50, 5000
PROMPT_WORDS, SAMPLE_WORDS = 80, 24
RUN = """\
task: summarization
models: {name: "builtin:tiny"}
comparisons: {labelers: people}
"""


def fill(folder: Path, n_labels: int) -> None:
    """Fill a store with so many labels, each on a question of its own."""
    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(rng.choice(letters, size=n)) for n in rng.integers(2, 10, 5000)])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.yaml").write_text(RUN)
    with Store.open(folder / "prefloop.db") as store:
        for start in range(0, n_labels, CHUNK):
            numbers = range(start, min(start + CHUNK, n_labels))
            rows = [_question(rng, words, number) for number in numbers]
            store.add_all(
                prompts=[row[0] for row in rows],
                samples=[sample for row in rows for sample in row[1]],
                comparisons=[row[2] for row in rows],
                labels=[row[3] for row in rows],
            )


def _question(
    rng: np.random.Generator, words: np.ndarray, number: int
) -> tuple[Prompt, list[Sample], Comparison, Label]:
    source = [" ".join(rng.choice(words, size=PROMPT_WORDS // 5)) + "." for _ in range(5)]
    prompt = Prompt(id=f"p{number}", text=" ".join(source), source=f"made {number}", split="train")
    is_copy = rng.random(PER_QUESTION) < 0.3
    texts = [
        source[int(rng.integers(5))] if copied else " ".join(rng.choice(words, size=SAMPLE_WORDS))
        for copied in is_copy
    ]
    samples = [
        Sample(
            id=f"s{number}-{place}",
            prompt_id=prompt.id,
            model=REFERENCE,
            round=0,
            purpose="labels",
            text=text,
            response_ids=tuple(range(32)),
            is_ended=True,
            logprob=-40.0,
            ref_logprob=-40.0,
        )
        for place, text in enumerate(texts)
    ]
    ids = tuple(sample.id for sample in samples)
    order = rng.permutation(PER_QUESTION)
    comparison = Comparison(
        id=f"c{number}", prompt_id=prompt.id, sample_ids=ids, round=0, split="train"
    )
    label = Label(
        id=f"l{number}",
        comparison_id=comparison.id,
        labeler=f"labeler {number % LABELERS}",
        answer="best",
        chosen=ids[int(np.argmax(2.0 * is_copy + rng.gumbel(size=PER_QUESTION)))],
        shown=tuple(ids[int(i)] for i in order),
        seconds=float(rng.lognormal(2.6, 0.5)),
        instructions="1",
    )
    return prompt, samples, comparison, label


def measure(folder: Path) -> dict[str, float]:
    """Audit the labels of a run, and return the seconds and the peak of memory in MB."""
    config = load_run_file(folder / "run.yaml")
    began, began_cpu = time.perf_counter(), time.process_time()
    with Store.open(folder / "prefloop.db", read_only=True) as store:
        figures = audit_labels(store, config, folder, Silent())
    write_label_audit(folder, figures)
    seconds = time.perf_counter() - began
    # Kilobytes on Linux, bytes on macOS.
    unit = 1024 if sys.platform == "linux" else 1024**2
    own, children = (
        resource.getrusage(who).ru_maxrss / unit
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "seconds": seconds,
        "cpu_seconds": time.process_time() - began_cpu,
        "peak_mb": own,
        "largest_process_mb": children,
        "choices": figures.choices,
        "best": figures.shortcuts[0].agreement.value,
    }


def in_its_own_process(folder: Path) -> dict[str, float]:
    """Measure an audit in a new process."""
    command = [sys.executable, __file__, "--measure", str(folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(printed)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--labels", type=int, default=100_000)
    parser.add_argument("--measure", type=Path, help="audit this run and print what it took")
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure)))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        began = time.perf_counter()
        fill(folder, options.labels)
        print(f"filling the store took {time.perf_counter() - began:.0f} s", file=sys.stderr)
        cold = in_its_own_process(folder)
        (folder / LABEL_AUDIT).unlink()
        kept = in_its_own_process(folder)
        megabytes = (folder / TEXT_FIGURES).stat().st_size / 1e6
    n_texts = options.labels * PER_QUESTION
    rate = n_texts / max(cold["seconds"] - kept["seconds"], 1e-9)
    print(f"{options.labels:,} labels, {n_texts:,} samples, {LABELERS} labelers\n")
    print("| audit | seconds | of them the first process at work | peak, MB |")
    print("| --- | --- | --- | --- |")
    for name, took in (("texts to measure", cold), ("figures kept", kept)):
        seconds = f"{took['seconds']:.1f} | {took['cpu_seconds']:.1f}"
        print(f"| {name} | {seconds} | {took['peak_mb']:.0f} |")
    print(f"\ntexts are measured at {rate:,.0f} a second; their file has {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
