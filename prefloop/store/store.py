"""The store: prompts, samples, comparisons, labels, verdicts and the ledger, as records."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.access import is_write_protected, why_closed
from prefloop.errors import StoreError
from prefloop.records import Comparison, Event, Label, LedgerHead, Prompt, Sample, Verdict
from prefloop.store.core import clock, ledger, room
from prefloop.store.core.database import Database, open_database
from prefloop.store.core.database_copy import open_copy
from prefloop.store.core.insertion import refuse, require_known, rows_where
from prefloop.store.core.row_digests import STORED, insert_with_digest
from prefloop.store.core.rows import (
    prompt_record,
    prompt_row,
    sample_record,
    sample_row,
    verdict_record,
    verdict_row,
)
from prefloop.store.core.score_digests import SCORES_STORED
from prefloop.store.core.tables import prompts, samples, verdicts
from prefloop.store.labeling import adjudications, exclusions, gold, holds, instructions, shares
from prefloop.store.labeling.answer_log import AnswerLog
from prefloop.store.labeling.answers import AnswerIntake
from prefloop.store.labeling.imports import IMPORTED, LabelFile, LabelImports, insert_imported
from prefloop.store.labeling.judging import OPENED, JudgingQueue
from prefloop.store.labeling.labels import KINDS, insert_labels, rebuild, select_labels, withdraw
from prefloop.store.labeling.live import ASKED, LiveQuestions
from prefloop.store.labeling.own_answers import OwnAnswers
from prefloop.store.labeling.quality_checks import CHECK_KINDS, rebuild_quality_checks
from prefloop.store.labeling.questions import insert_comparisons, select_comparisons
from prefloop.store.labeling.queue import FROZEN, Queue
from prefloop.store.labeling.recent import Recent
from prefloop.store.labeling.recount import recount_all
from prefloop.store.labeling.tallies import Tallies
from prefloop.store.people.access import Access
from prefloop.store.people.people import People
from prefloop.store.trainer import stop_requests
from prefloop.store.trainer.scores import SampleScores
from prefloop.store.trainer.updates import Updates

OWN_KINDS = {
    *KINDS,
    *stop_requests.KINDS,
    *(gold.ADDED, gold.ENDED),
    *(holds.HELD, holds.RELEASED),
    *(adjudications.DECIDED, adjudications.WITHDRAWN),
    *CHECK_KINDS,
    *(FROZEN, OPENED, ASKED, shares.ASSIGNED),
    *(exclusions.APPLIED, exclusions.UNDONE),
    instructions.PUBLISHED,
    IMPORTED,
    *STORED,
    SCORES_STORED,
    *ledger.REWRITINGS,
}
"""Events that are written together with a change of tables: `add_event` refuses them."""


class Store:
    """The database of a run, as records.

    Each `add_*` is one transaction: when it returns, all of it is on the disk. Adding the same
    record twice stores it once; adding another record under a stored id is refused. People and
    their work are in parts of the store: `store.people`, `store.queue`, ...
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.people = People(database)
        self.access = Access(database)
        self.instructions = instructions.InstructionsBook(database)
        self.queue = Queue(database)
        self.batch_shares = shares.BatchShares(database)
        self.judging = JudgingQueue(database)
        self.live = LiveQuestions(database)
        self.answers = AnswerIntake(database)
        self.own_answers = OwnAnswers(database)
        self.gold = gold.GoldPool(database)
        self.answer_log = AnswerLog(database)
        self.holds = holds.Holds(database)
        self.adjudications = adjudications.Adjudications(database)
        self.exclusions = exclusions.Exclusions(database)
        self.stop_requests = stop_requests.StopRequests(database)
        self.tallies = Tallies(database)
        self.updates = Updates(database)
        self.recent = Recent(database)
        self.scores = SampleScores(database)
        self.imports = LabelImports(database)

    @classmethod
    def open(
        cls,
        url_or_path: str | Path,
        *,
        read_only: bool = False,
        page_cache_kib: int | None = None,
    ) -> Self:
        """Return the store at a path or URL, created or upgraded to the newest schema.

        `page_cache_kib`: what each connection to SQLite may keep in memory; None: the default.
        """
        if read_only and _is_protected(url_or_path):
            return cls(open_copy(Path(url_or_path)))
        return cls(open_database(url_or_path, read_only=read_only, page_cache_kib=page_cache_kib))

    @classmethod
    def open_thrown_away(cls, path: Path) -> Self:
        """Return a copy of the store at a path that takes writes, and is removed when closed."""
        return cls(open_copy(path, takes_writes=True))

    def now(self) -> float:
        """Return the seconds since 1970, UTC, by the database's clock."""
        with self._database.reading() as connection:
            return clock.now(connection)

    def free_bytes(self) -> int | None:
        """Return the room on the disk of this store; None where a server has it."""
        return room.free_bytes(self._database)

    def close(self) -> None:
        """Close the database's connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # prompts and samples

    def add_prompts(self, records: Sequence[Prompt]) -> None:
        """Store prompts."""
        self.add_all(prompts=records)

    def prompts(self, split: str | None = None) -> list[Prompt]:
        """Return the prompts of a split, in the order in which they were added."""
        query = sa.select(prompts).order_by(prompts.c.number)
        if split is not None:
            query = query.where(prompts.c.split == split)
        with self._database.reading() as connection:
            return [prompt_record(row) for row in connection.execute(query).mappings()]

    def has_prompts(self) -> bool:
        """Whether any prompt is stored."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(prompts.c.id).limit(1)).first() is not None

    def add_samples(self, records: Sequence[Sample]) -> None:
        """Store samples; their prompts must be stored before."""
        self.add_all(samples=records)

    def samples(
        self, *, round: int | None = None, purpose: str | None = None, model: str | None = None
    ) -> list[Sample]:
        """Return the samples of a round, purpose and model, in the order in which they came."""
        query = sa.select(samples).order_by(samples.c.number)
        wanted = {"round": round, "purpose": purpose, "model": model}
        query = query.where(*_equal(samples, wanted))
        with self._database.reading() as connection:
            return [sample_record(row) for row in connection.execute(query).mappings()]

    def samples_by_id(self, ids: Iterable[str]) -> dict[str, Sample]:
        """Return the samples with these ids, by id; an unknown id is refused."""
        wanted = list(dict.fromkeys(ids))
        with self._database.reading() as connection:
            rows = rows_where(connection, samples, "id", wanted)
        found = {row["id"]: sample_record(row) for row in rows}
        refuse("The question", [f"there is no sample {i}" for i in wanted if i not in found])
        return {sample_id: found[sample_id] for sample_id in wanted}

    # comparisons and labels

    def add_comparisons(self, records: Sequence[Comparison]) -> None:
        """Store comparisons; their samples must be stored before, and answer the same prompt."""
        self.add_all(comparisons=records)

    def comparisons(
        self, *, round: int | None = None, split: str | None = None
    ) -> list[Comparison]:
        """Return the comparisons of a round and split, in the order in which they were added."""
        with self._database.reading() as connection:
            return select_comparisons(connection, round=round, split=split)

    def add_label(self, label: Label) -> None:
        """Store a label. It replaces an earlier one of its labeler on its comparison."""
        self.add_labels([label])

    def add_labels(self, records: Sequence[Label]) -> None:
        """Store labels, each as an event of the ledger and as a row."""
        self.add_all(labels=records)

    def withdraw_label(self, label_id: str, *, reason: str = "") -> Event | None:
        """Withdraw a label; return the event, or None if the label is no longer live."""
        with self._database.writing() as connection:
            return withdraw(connection, label_id, reason)

    def labels(
        self,
        *,
        round: int | None = None,
        split: str | None = None,
        as_of: int | None = None,
        for_training: bool = False,
    ) -> list[Label]:
        """Return the live labels of a round and split of comparisons, in the order they came.

        With `as_of`, those that were live at that event of the ledger: a result that never changes.
        With `for_training`, what a reward model learns from: not the labels of labelers who are (or
        were then) excluded, and an owner's verdict in place of the labels of its question.
        """
        with self._database.reading() as connection:
            return select_labels(
                connection,
                round=round,
                split=split,
                as_of=as_of,
                for_training=for_training,
            )

    def rebuild_labels(self) -> int:
        """Rebuild labels, quality checks and the queue's counts; return the number of labels."""
        with self._database.writing() as connection:
            n_labels = rebuild(connection)
            rebuild_quality_checks(connection)
            recount_all(connection)
            return n_labels

    # verdicts

    def add_verdicts(self, records: Sequence[Verdict]) -> None:
        """Store verdicts; their prompts and samples must be stored before."""
        self.add_all(verdicts=records)

    def verdicts(
        self, *, model: str | None = None, baseline: str | None = None, judge: str | None = None
    ) -> list[Verdict]:
        """Return the verdicts of a judge on a model against a baseline, in the order added."""
        query = sa.select(verdicts).order_by(verdicts.c.number)
        wanted = {"model": model, "baseline": baseline, "judge": judge}
        query = query.where(*_equal(verdicts, wanted))
        with self._database.reading() as connection:
            return [verdict_record(row) for row in connection.execute(query).mappings()]

    # everything at once

    def add_all(
        self,
        *,
        prompts: Sequence[Prompt] = (),
        samples: Sequence[Sample] = (),
        comparisons: Sequence[Comparison] = (),
        labels: Sequence[Label] = (),
        verdicts: Sequence[Verdict] = (),
        file: LabelFile | None = None,
    ) -> dict[str, int]:
        """Store records of all kinds in one transaction; return how many of each were new.

        With `file` the labels are not the run's own: it says what they rest on.
        """
        with self._database.writing() as connection:
            return {
                "prompts": _insert_prompts(connection, prompts),
                "samples": _insert_samples(connection, samples),
                "comparisons": insert_comparisons(connection, comparisons),
                "labels": (
                    insert_labels(connection, labels)
                    if file is None
                    else insert_imported(connection, labels, file)
                ),
                "verdicts": _insert_verdicts(connection, verdicts),
            }

    # the ledger

    def add_event(self, kind: str, payload: Mapping[str, Any]) -> Event:
        """Append an event to the ledger and return it."""
        if kind in OWN_KINDS:
            raise StoreError(
                f"Events of kind {kind!r} are written by adding or withdrawing records, gold, "
                "exclusions, stop requests, instructions and imports. Choose another kind."
            )
        with self._database.writing() as connection:
            return ledger.append(connection, [(kind, payload)])[0]

    def events(self, *, after: int = 0) -> list[Event]:
        """Return the events of the ledger after a sequence number."""
        with self._database.reading() as connection:
            return [event for page in ledger.pages(connection, after=after) for event in page]

    def events_of_kind(self, kind: str) -> list[Event]:
        """Return the events of the ledger of one kind."""
        with self._database.reading() as connection:
            return ledger.of_kind(connection, kind)

    def ledger_head(self, n_events: int | None = None) -> LedgerHead:
        """Return the end of the ledger, or what it was after so many events."""
        with self._database.reading() as connection:
            return ledger.head(connection, n_events)

    def verify_chain(self) -> int:
        """Return the number of events; raise a StoreError if the ledger was tampered with."""
        with self._database.reading() as connection:
            return ledger.verify(connection)


def _is_protected(place: str | Path) -> bool:
    """Whether a store is a file where nothing can be written."""
    is_url = isinstance(place, str) and "://" in place
    if is_url or why_closed(Path(place)):
        return False
    return Path(place).is_file() and is_write_protected(Path(place))


def _equal(table: sa.Table, wanted: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def _insert_prompts(connection: Connection, records: Sequence[Prompt]) -> int:
    return insert_with_digest(connection, prompts, "prompt", [prompt_row(r) for r in records])


def _insert_samples(connection: Connection, records: Sequence[Sample]) -> int:
    rows = [sample_row(record) for record in records]
    require_known(connection, prompts, rows, "prompt_id", "prompt")
    return insert_with_digest(connection, samples, "sample", rows)


def _insert_verdicts(connection: Connection, records: Sequence[Verdict]) -> int:
    rows = [verdict_row(record) for record in records]
    require_known(connection, prompts, rows, "prompt_id", "prompt")
    require_known(connection, samples, rows, "sample_id", "sample")
    require_known(connection, samples, rows, "baseline_sample_id", "sample")
    return insert_with_digest(connection, verdicts, "verdict", rows)
