"""How fast the store takes answers and hands out questions when it is full.

    python bench/labeling_store.py [--questions 100000] [--labels 1000000] [--seconds 10]

Fills a new SQLite store, then measures. Every commit is on the disk (`synchronous=FULL`).
"""

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.group_commit import GroupCommit
from prefloop.store.labels import LABEL
from prefloop.store.ledger import append
from prefloop.store.rows import label_payload, label_row
from prefloop.store.settling import settle_all
from prefloop.store.store import Store
from prefloop.store.tables import comparison_samples, comparisons, labels, prompts, samples
from prefloop.store.team_tables import queue, views
from prefloop.teamwork import ClaimPolicy, Gold, Submission, View

K = 4
N_LABELERS = 50
PAGE = 10_000
POLICY = ClaimPolicy()
WORDS = " a response of the usual length, as a model of some size would have written it." * 3


def main() -> None:
    """Fill a store and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--store", type=Path, help="a store of this script to use again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "prefloop.db"
        is_new = not path.exists()
        with Store.open(path) as store:
            if is_new:
                fill(store, options.questions, options.labels // options.questions)
            measure(store, path, options.seconds)


# --- Filling -------------------------------------------------------------------------------------


def fill(store: Store, n_questions: int, overlap: int) -> None:
    """Store questions of four samples, each answered by `overlap` people, one more wanted."""
    started = time.perf_counter()
    store.instructions.publish("1", "Which is best?", "Read all.", False, "bench")
    with store._database.writing() as connection:
        for start in range(0, n_questions, PAGE):
            _insert_questions(connection, range(start, min(start + PAGE, n_questions)))
    store.queue.open_batch(0, [(f"c{i}", overlap + 1) for i in range(n_questions)])
    for i in range(100):
        gold = Gold(
            comparison_id=f"c{i}", chosen=f"c{i}-0", explanation="", is_training=False,
            created_by="bench",
        )  # fmt: skip
        store.gold.add(gold)
    per_page = PAGE // overlap
    for start in range(0, n_questions, per_page):
        with store._database.writing() as connection:
            _insert_answers(connection, range(start, min(start + per_page, n_questions)), overlap)
    with store._database.writing() as connection:
        settle_all(connection)
    print(f"filled in {time.perf_counter() - started:.0f} s")


def _insert_questions(connection: Connection, numbers: range) -> None:
    base = {"round": 0, "split": "train"}
    ids = [(f"c{i}", j) for i in numbers for j in range(K)]
    connection.execute(
        sa.insert(prompts),
        [{"id": f"p{i}", "text": WORDS, "source": "bench", "split": "train"} for i in numbers],
    )
    connection.execute(
        sa.insert(samples),
        [
            {"id": f"{name}-{j}", "prompt_id": f"p{name[1:]}", "model": "reference", "round": 0,
             "purpose": "labels", "text": WORDS, "response_ids": "[]", "is_ended": True}
            for name, j in ids
        ],
    )  # fmt: skip
    connection.execute(
        sa.insert(comparisons),
        [
            {"id": f"c{i}", "prompt_id": f"p{i}", "selection_probability": 1.0} | base
            for i in numbers
        ],
    )
    connection.execute(
        sa.insert(comparison_samples),
        [{"comparison_id": name, "position": j, "sample_id": f"{name}-{j}"} for name, j in ids],
    )


def _insert_answers(connection: Connection, numbers: range, overlap: int) -> None:
    rng = random.Random(numbers.start)
    found = []
    for i in numbers:
        ids = tuple(f"c{i}-{j}" for j in range(K))
        for who in rng.sample(range(N_LABELERS), overlap):
            found.append(_label(f"c{i}", f"labeler{who}", ids, rng))
    events = append(connection, [(LABEL, label_payload(label)) for label in found])
    rows = [
        label_row(label) | {"sequence": event.sequence, "ended_by": None}
        for label, event in zip(found, events, strict=True)
    ]
    connection.execute(sa.insert(labels), rows)
    # Answered over the last weeks, evenly.
    now = time.time()
    times = [now - 3_000_000 + row["sequence"] * 2.5 for row in rows]
    connection.execute(
        sa.insert(views),
        [
            {"id": str(uuid.uuid4()), "comparison_id": row["comparison_id"],
             "labeler": row["labeler"], "kind": "work", "shown": row["shown"],
             "leased_at": at - 9, "leased_until": at + 891, "closed_at": at,
             "answer_id": row["id"], "device": "desktop"}
            for row, at in zip(rows, times, strict=True)
        ],
    )  # fmt: skip


def _label(comparison_id: str, labeler: str, ids: tuple[str, ...], rng: random.Random) -> Label:
    return Label(
        id=str(uuid.uuid4()),
        comparison_id=comparison_id,
        labeler=labeler,
        answer="best",
        chosen=rng.choice(ids),
        shown=tuple(rng.sample(ids, len(ids))),
        seconds=rng.uniform(3, 30),
        instructions="1",
    )


# --- Measuring -----------------------------------------------------------------------------------


def measure(store: Store, path: Path, seconds: float) -> None:
    """Print one line per figure."""
    with store._database.reading() as connection:
        n_labels = connection.execute(sa.select(sa.func.count()).select_from(labels)).scalar_one()
        n_questions = connection.execute(sa.select(sa.func.count()).select_from(queue)).scalar_one()
    print(f"SQLite {sqlite3.sqlite_version}, {n_questions} questions, {n_labels} labels")
    tell("claim 1, answer 1", cycles(store, 1, seconds))
    tell("claim 4, answer 4", cycles(store, 4, seconds))
    tell("nothing left for one labeler", nothing_left(store))
    for size in (1, 16, 64):
        held = hand_out(store, 20 * size)
        groups = [held[i : i + size] for i in range(0, len(held), size)]
        times = [timed(lambda g=g: store.answers.submit(g)) for g in groups]
        rate = len(held) / sum(times)
        print(f"{f'submit of {size}':40} {rate:8.0f}/s   {spread(times)}")
    for n_threads in (1, 32, 128):
        print(f"{f'GroupCommit, {n_threads} at once':40} {group_commit(store, n_threads)}")
    tell("progress of a labeler", [timed(lambda: store.queue.progress("labeler1"))] * 3)
    tell("batches", [timed(store.queue.batches)] * 3)
    tell("mine, 50", [timed(lambda: store.queue.mine("labeler1")) for _ in range(20)])
    size = Path(f"{path}-wal").stat().st_size / 2**20
    print(f"{'write-ahead log':40} {size:8.1f} MiB")
    print(f"{'hash chain verified':40} {timed(store.verify_chain):8.1f} s")
    print(f"{'labels, checks and counts made again':40} {timed(store.rebuild_labels):8.1f} s")


def cycles(store: Store, n: int, seconds: float) -> dict[str, list[float]]:
    """Let labelers in turn claim and answer; return the times of each."""
    rng = random.Random(n)
    found: dict[str, list[float]] = {"claim": [], "submit": []}
    for labeler in turns(seconds):
        box: list[View] = []
        found["claim"].append(
            timed(
                lambda b=box, w=labeler: b.extend(store.queue.claim(w, n=n, rng=rng, policy=POLICY))
            )
        )
        answers = [answer(view, rng) for view in box]
        found["submit"].append(timed(lambda a=answers: store.answers.submit(a)))
    return found


def turns(seconds: float) -> Iterator[str]:
    """Yield names of labelers for some time."""
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        yield f"labeler{random.randrange(N_LABELERS)}"


def answer(view: View, rng: random.Random) -> Submission:
    """Return an answer to a view."""
    ids = tuple(sample.id for sample in view.samples)
    label = Label(
        id=str(uuid.uuid4()), comparison_id=view.comparison_id, labeler=view.labeler,
        answer="best", chosen=rng.choice(ids), shown=ids, seconds=4.0, instructions="1",
    )  # fmt: skip
    return Submission(label=label, view_id=view.id)


def hand_out(store: Store, n: int) -> list[Submission]:
    """Return answers to `n` questions that were handed out, not sent yet."""
    rng = random.Random(n)
    found: list[Submission] = []
    policy = ClaimPolicy(gold_share=0.0, repeat_share=0.0)
    i = 0
    while len(found) < n:
        who = f"extra{n}-{i}"
        i += 1
        views_given = store.queue.claim(who, n=min(100, n - len(found)), rng=rng, policy=policy)
        if not views_given:
            raise SystemExit("too few questions to measure with; give more --questions")
        found += [answer(view, rng) for view in views_given]
    return found


def nothing_left(store: Store) -> list[float]:
    """Time the claims of somebody who holds or has answered every open question."""
    with store._database.reading() as connection:
        names = connection.execute(
            sa.select(queue.c.comparison_id).where(queue.c.is_open)
        ).scalars()
        rows = [
            {"id": str(uuid.uuid4()), "comparison_id": name, "labeler": "solo", "kind": "repeat",
             "shown": json.dumps([]), "leased_at": time.time(), "leased_until": time.time() + 600}
            for name in names
        ]  # fmt: skip
    with store._database.writing() as connection:
        connection.execute(sa.insert(views), rows)
    # They hold them all, so they ask for one more than that.
    rng = random.Random(0)
    with store._database.writing() as connection:
        from prefloop.store.claims import _Chooser

        chooser = _Chooser(connection, "solo", time.time(), rng, POLICY, [])
        times = [timed(lambda: chooser.choose(1)) for _ in range(10)]
        connection.execute(sa.delete(views).where(views.c.labeler == "solo"))
    return times


def group_commit(store: Store, n_threads: int) -> str:
    """Send answers from many threads, each waiting for its receipt; return rate and waits."""
    held = hand_out(store, max(1000, 80 * n_threads))
    waits: list[float] = []
    with GroupCommit(store) as commits:

        def send(part: list[Submission]) -> None:
            for submission in part:
                waits.append(timed(lambda s=submission: commits.submit(s).result()))

        threads = [
            threading.Thread(target=send, args=(held[i::n_threads],)) for i in range(n_threads)
        ]
        total = timed(lambda: [run(threads, "start"), run(threads, "join")])
    return f"{len(held) / total:8.0f}/s   {spread(waits)}"


def run(threads: list[threading.Thread], method: str) -> None:
    """Call a method of every thread."""
    for thread in threads:
        getattr(thread, method)()


def timed(work: Callable[[], Any]) -> float:
    """Return how many seconds something took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def tell(name: str, times: list[float] | dict[str, list[float]]) -> None:
    """Print the spread of times."""
    if isinstance(times, dict):
        for part, values in times.items():
            tell(f"{name}: {part}", values)
        return
    print(f"{name:40} {len(times) / sum(times):8.0f}/s   {spread(times)}")


def spread(times: list[float]) -> str:
    """Return median, 99th percentile and maximum in words."""
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    parts = {"p50": statistics.median(ordered), "p99": p99, "max": ordered[-1]}
    return ", ".join(f"{name} {1000 * value:.2f} ms" for name, value in parts.items())


if __name__ == "__main__":
    main()
