"""The newest rows, a page at a time: web pages must not read all of a long run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Comparison, Label, Sample
from prefloop.store.core import clock
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import chunks, rows_where
from prefloop.store.core.rows import label_record, sample_record
from prefloop.store.core.tables import comparisons, labels, prompts, samples
from prefloop.store.core.team_rows import gold_record, quality_check_record, update_record
from prefloop.store.core.team_tables import assignments, gold, quality_checks, updates
from prefloop.store.labeling.assignments import is_leased
from prefloop.store.labeling.independence import HELD_OUT
from prefloop.store.labeling.questions import comparisons_by_id
from prefloop.teamwork import AnswerTimes, Gold, QualityCheck, Update


@dataclass(frozen=True, kw_only=True)
class SampleInPlace:
    """A sample with the text of its prompt."""

    sample: Sample
    prompt: str


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """Questions that were handed to a labeler and left unanswered: given back, or lapsed."""

    questions: int
    known: int
    """Of them, silent gold questions."""


@dataclass(frozen=True, kw_only=True)
class AskedQuestion:
    """A comparison as the owner sees it: with its answers and, if it is gold, the known one."""

    number: int
    """Counts the comparisons of a run: ask for those before the last one you have."""
    comparison: Comparison
    prompt: str
    samples: tuple[Sample, ...]
    votes: dict[str, int]
    """How many live labels chose each sample."""
    n_answers: int
    """Live labels, ties and skips among them."""
    gold: Gold | None


class Recent:
    """The newest labels, comparisons and metrics of a run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def labels(self, n: int) -> list[Label]:
        """Return the newest live labels, at most `n` of them, in the order in which they came."""
        query = sa.select(labels).where(labels.c.ended_by.is_(None))
        query = query.order_by(labels.c.sequence.desc()).limit(n)
        with self._database.reading() as connection:
            found = [label_record(row) for row in connection.execute(query).mappings()]
        return found[::-1]

    def quality_checks(self, n: int) -> list[QualityCheck]:
        """Return the newest live quality checks, at most `n`, in the order they came."""
        query = sa.select(quality_checks).where(quality_checks.c.ended_by.is_(None))
        query = query.order_by(quality_checks.c.sequence.desc()).limit(n)
        with self._database.reading() as connection:
            found = [quality_check_record(row) for row in connection.execute(query).mappings()]
        return found[::-1]

    def answer_times(self, comparison_ids: Iterable[str]) -> dict[str, AnswerTimes]:
        """Return how long answers to these comparisons took, by the answer's id."""
        held = assignments.c.closed_at - assignments.c.handed_at
        columns = (assignments.c.answer_id, assignments.c.worked_seconds, held.label("held"))
        query = sa.select(*columns, assignments.c.active_seconds)
        query = query.where(assignments.c.answer_id.is_not(None))
        found: dict[str, AnswerTimes] = {}
        with self._database.reading() as connection:
            for chunk in chunks(comparison_ids):
                part = query.where(assignments.c.comparison_id.in_(chunk))
                found |= {
                    row.answer_id: AnswerTimes(
                        worked_seconds=row.worked_seconds,
                        held_seconds=max(row.held, 0.0),
                        active_seconds=row.active_seconds,
                    )
                    for row in connection.execute(part)
                }
        return found

    def questions(
        self, *, limit: int, before: int | None = None, only: Sequence[str] | None = None
    ) -> list[AskedQuestion]:
        """Return comparisons before the one with this number, newest first.

        With `only`, those among these ids. Questions for verdicts are not among them: an owner who
        saw their votes beside their models could no longer judge.
        """
        query = sa.select(comparisons.c.number, comparisons.c.id)
        query = query.where(comparisons.c.split != HELD_OUT)
        query = query.order_by(comparisons.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(comparisons.c.number < before)
        parts = [query] if only is None else [_among(query, chunk) for chunk in chunks(only)]
        with self._database.reading() as connection:
            found = [row for part in parts for row in connection.execute(part)]
            newest = sorted(found, key=lambda row: -row.number)[:limit]
            return asked_questions(connection, {row.id: row.number for row in newest})

    def samples(self, sample_ids: Iterable[str]) -> list[SampleInPlace]:
        """Return the stored ones of these samples, in the given order, with their prompts."""
        wanted = list(dict.fromkeys(sample_ids))
        with self._database.reading() as connection:
            found = _samples(connection, wanted)
            texts = _prompt_texts(connection, (s.prompt_id for s in found.values()))
        known = [found[i] for i in wanted if i in found]
        return [SampleInPlace(sample=s, prompt=texts[s.prompt_id]) for s in known]

    def lines(self, stage: str, limit: int) -> list[Update]:
        """Return the newest lines of metrics of a stage, oldest first."""
        query = sa.select(updates).where(updates.c.stage == stage)
        query = query.order_by(updates.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            found = [update_record(row) for row in connection.execute(query).mappings()]
        return found[::-1]

    def last_line(self) -> int:
        """Return the number of the newest line of metrics; 0 if there is none."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.max(updates.c.number))).scalar() or 0

    def unanswered(self) -> dict[str, Unanswered]:
        """Return what labelers were handed and left unanswered, by labeler.

        Given back, or no longer leased. What they hold now, and training, is not among it.
        """
        with self._database.reading() as connection:
            now = sa.literal(clock.now(connection))
            left = sa.or_(
                sa.and_(assignments.c.closed_at.is_not(None), assignments.c.answer_id.is_(None)),
                sa.and_(assignments.c.closed_at.is_(None), ~is_leased(now)),
            )
            is_known = sa.case((assignments.c.kind == "gold", 1), else_=0)
            columns = (assignments.c.labeler, sa.func.count(), sa.func.sum(is_known))
            query = sa.select(*columns).where(left, assignments.c.kind != "training")
            rows = connection.execute(query.group_by(assignments.c.labeler)).all()
        return {name: Unanswered(questions=n, known=int(known)) for name, n, known in rows}

    def at_work(self) -> set[str]:
        """Return the names of the labelers who hold a leased assignment."""
        with self._database.reading() as connection:
            now = sa.literal(clock.now(connection))
            query = sa.select(assignments.c.labeler).distinct().where(is_leased(now))
            return set(connection.execute(query).scalars())


def _among(query: sa.Select[tuple[int, str]], ids: Sequence[str]) -> sa.Select[tuple[int, str]]:
    return query.where(comparisons.c.id.in_(ids))


def asked_questions(connection: Connection, numbers: dict[str, int]) -> list[AskedQuestion]:
    """Return comparisons with their texts and answers; `numbers` are theirs, by id."""
    asked = comparisons_by_id(connection, numbers)
    texts = _prompt_texts(connection, (c.prompt_id for c in asked.values()))
    found = _samples(connection, [i for c in asked.values() for i in c.sample_ids])
    votes, n_answers = _answers(connection, numbers)
    known = _gold(connection, numbers)
    return [
        AskedQuestion(
            number=number,
            comparison=asked[name],
            prompt=texts[asked[name].prompt_id],
            samples=tuple(found[i] for i in asked[name].sample_ids),
            votes={i: votes[name, i] for i in asked[name].sample_ids},
            n_answers=n_answers[name],
            gold=known.get(name),
        )
        for name, number in numbers.items()
    ]


def _samples(connection: Connection, ids: Sequence[str]) -> dict[str, Sample]:
    return {row["id"]: sample_record(row) for row in rows_where(connection, samples, "id", ids)}


def _prompt_texts(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    return {row["id"]: row["text"] for row in rows_where(connection, prompts, "id", ids)}


def _answers(
    connection: Connection, comparison_ids: Iterable[str]
) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """Count the live labels of each comparison, by chosen sample and in all."""
    votes: Counter[tuple[str, str]] = Counter()
    n_answers: Counter[str] = Counter()
    for chunk in chunks(comparison_ids):
        columns = (labels.c.comparison_id, labels.c.chosen)
        query = sa.select(*columns, sa.func.count().label("n")).group_by(*columns)
        query = query.where(labels.c.comparison_id.in_(chunk), labels.c.ended_by.is_(None))
        for comparison_id, chosen, n in connection.execute(query):
            n_answers[comparison_id] += n
            if chosen is not None:
                votes[comparison_id, chosen] += n
    return votes, n_answers


def _gold(connection: Connection, comparison_ids: Iterable[str]) -> dict[str, Gold]:
    found = {}
    for chunk in chunks(comparison_ids):
        query = sa.select(gold).where(gold.c.comparison_id.in_(chunk), gold.c.ended_by.is_(None))
        for row in connection.execute(query).mappings():
            found[row["comparison_id"]] = gold_record(row)
    return found
