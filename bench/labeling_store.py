"""How fast the store takes answers and hands out questions when it is full.

    python bench/labeling_store.py [--questions 100000] [--labels 1000000] [--seconds 10]

Fills a new SQLite store, then measures. Every commit is on the disk (`synchronous=FULL`).
"""

import argparse
import random
import sqlite3
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core.ledger import append
from prefloop.store.core.rows import label_payload, label_row
from prefloop.store.core.tables import comparison_samples, comparisons, labels, prompts, samples
from prefloop.store.core.team_tables import assignments, queue
from prefloop.store.labeling.free_questions import FREE_FROM
from prefloop.store.labeling.group_commit import GroupCommit
from prefloop.store.labeling.labels import LABEL
from prefloop.store.labeling.recount import recount_all
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy, Gold, Submission

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
        recount_all(connection)
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
        sa.insert(assignments),
        [
            {"id": str(uuid.uuid4()), "comparison_id": row["comparison_id"],
             "labeler": row["labeler"], "kind": "regular", "shown": row["shown"],
             "handed_at": at - 9, "leased_at": at - 9, "leased_until": at + 891, "closed_at": at,
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
    print("by the wall, and in brackets the processor's time: on a busy machine they differ")
    for n in (1, 4):
        for part, spans in cycles(store, n, seconds).items():
            spans.tell(f"claim {n}, answer {n}: {part}")
    nothing_left(store).tell("search by one who has it all on screen")
    for size in (1, 16, 64):
        held = hand_out(store, 20 * size)
        spans = Spans()
        for start in range(0, len(held), size):
            spans.of(partial(store.answers.submit, held[start : start + size]))
        spans.tell(f"submit of {size}", each=size)
    for n_threads in (1, 32, 64):
        print(f"{f'GroupCommit, {n_threads} at once':40} {group_commit(store, n_threads)}")
    for name, work in {
        "progress of a labeler": lambda: store.own_answers.progress("labeler1"),
        "batches": store.queue.batches,
        "mine, 50": lambda: store.own_answers.latest("labeler1"),
    }.items():
        spans = Spans()
        for _ in range(20):
            spans.of(work)
        spans.tell(name)
    size_mib = Path(f"{path}-wal").stat().st_size / 2**20
    print(f"{'write-ahead log':40} {size_mib:8.1f} MiB")
    print(f"{'hash chain verified':40} {timed(store.verify_chain):8.1f} s")
    print(f"{'labels, checks and counts made again':40} {timed(store.rebuild_labels):8.1f} s")


class Spans:
    """How long something took, each time: by the wall, and of the processor's time."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.processor: list[float] = []

    def of(self, work: Callable[[], Any]) -> Any:
        """Do something, note its times, and return what it returned."""
        wall, processor = time.perf_counter(), time.thread_time()
        result = work()
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.thread_time() - processor)
        return result

    def tell(self, name: str, each: int = 1) -> None:
        """Print rates and spreads; `each` is how many answers one time stands for."""
        rates = [each * len(times) / sum(times) for times in (self.wall, self.processor)]
        print(f"{name:40} {rates[0]:8.0f}/s   {spread(self.wall)}")
        print(f"{'':40} ({rates[1]:7.0f}/s)  ({spread(self.processor)})")


def cycles(store: Store, n: int, seconds: float) -> dict[str, Spans]:
    """Let labelers in turn claim and answer; return the times of each."""
    rng = random.Random(n)
    found = {"claim": Spans(), "submit": Spans()}
    for who in turns(seconds):
        views_given = found["claim"].of(
            partial(store.queue.claim, who, n=n, rng=rng, policy=POLICY)
        )
        answers = [answer(view, rng) for view in views_given]
        found["submit"].of(partial(store.answers.submit, answers))
    return found


def turns(seconds: float) -> Iterator[str]:
    """Yield names of labelers for some time."""
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        yield f"labeler{random.randrange(N_LABELERS)}"


def answer(view: Assignment, rng: random.Random) -> Submission:
    """Return an answer to a view."""
    ids = tuple(sample.id for sample in view.samples)
    label = Label(
        id=str(uuid.uuid4()), comparison_id=view.comparison_id, labeler=view.labeler,
        answer="best", chosen=rng.choice(ids), shown=ids, seconds=4.0, instructions="1",
    )  # fmt: skip
    return Submission(label=label, assignment_id=view.id)


def hand_out(store: Store, n: int) -> list[Submission]:
    """Return answers to `n` questions that were handed out, not sent yet."""
    rng = random.Random(n)
    found: list[Submission] = []
    policy = ClaimPolicy(gold_share=0.0, retest_share=0.0)
    i = 0
    while len(found) < n:
        who = f"extra{n}-{i}"
        i += 1
        views_given = store.queue.claim(who, n=min(100, n - len(found)), rng=rng, policy=policy)
        if not views_given:
            raise SystemExit("too few questions to measure with; give more --questions")
        found += [answer(view, rng) for view in views_given]
    return found


def nothing_left(store: Store) -> Spans:
    """Time the search of somebody for whom none of all open questions is free."""
    now = time.time()
    with store._database.reading() as connection:
        query = sa.select(queue.c.comparison_id).where(queue.c.is_open)
        rows = [
            {"id": str(uuid.uuid4()), "comparison_id": name, "labeler": "solo", "kind": "retest",
             "shown": "[]", "handed_at": now, "leased_at": now, "leased_until": now + 600}
            for name in connection.execute(query).scalars()
        ]  # fmt: skip
    spans, terms = Spans(), {"me": "solo", "now": now, "start": 0, "closed": []}
    with store._database.writing() as connection:
        connection.execute(sa.insert(assignments), rows)
    with store._database.reading() as connection:
        for _ in range(5):
            found = spans.of(lambda: connection.execute(FREE_FROM, terms).first())
            assert found is None
    with store._database.writing() as connection:
        connection.execute(sa.delete(assignments).where(assignments.c.labeler == "solo"))
    return spans


def group_commit(store: Store, n_threads: int) -> str:
    """Send answers from many threads, each waiting for its receipt; return rate and waits."""
    held = hand_out(store, max(1000, 80 * n_threads))
    waits: list[float] = []
    with GroupCommit(store.answers, store.queue.claims) as commits:

        def confirm(submission: Submission) -> None:
            commits.submit(submission).result()

        def send(part: list[Submission]) -> None:
            for submission in part:
                waits.append(timed(partial(confirm, submission)))

        def run_all() -> None:
            run(threads, "start")
            run(threads, "join")

        threads = [
            threading.Thread(target=send, args=(held[i::n_threads],)) for i in range(n_threads)
        ]
        processor = time.process_time()
        total = timed(run_all)
        processor = time.process_time() - processor
    rates = f"{len(held) / total:8.0f}/s   {spread(waits)}"
    return f"{rates}\n{'':40} ({len(held) / processor:7.0f}/s of the processor's time, clients too)"


def run(threads: list[threading.Thread], method: str) -> None:
    """Call a method of every thread."""
    for thread in threads:
        getattr(thread, method)()


def timed(work: Callable[[], Any]) -> float:
    """Return how many seconds something took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def tell(name: str, times: list[float]) -> None:
    """Print the spread of times."""
    print(f"{name:40} {len(times) / sum(times):8.0f}/s   {spread(times)}")


def spread(times: list[float]) -> str:
    """Return median, 99th percentile and maximum in words."""
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    parts = {"p50": statistics.median(ordered), "p99": p99, "max": ordered[-1]}
    return ", ".join(f"{name} {1000 * value:.2f} ms" for name, value in parts.items())


if __name__ == "__main__":
    main()
