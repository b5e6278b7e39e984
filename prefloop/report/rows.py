"""The rows behind the numbers of the report's first page: verdicts, KL values, answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.audits.side_effects import SideEffects
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.records import Sample, Verdict
from prefloop.store.store import Store

MOST = 500
"""Rows of a kind that the page lists; the file of figures names all of them."""


@dataclass(frozen=True, kw_only=True)
class KLRow:
    """What one answer adds to the KL."""

    sample_id: str
    nats: float
    """Its log-probability under the policy less that under the reference."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What the first page's numbers are computed from, at most MOST of each."""

    verdicts: tuple[Verdict, ...]
    kls: tuple[KLRow, ...]
    having: tuple[Sample, ...]
    """The policy's answers that have the trait which stands out."""
    having_before: tuple[Sample, ...]
    """The baseline's answers that have it."""


def rows_behind(store: Store, figures: EvaluationFigures, effects: SideEffects | None) -> Rows:
    """Return the rows of the first page's numbers, in the order in which the file names them."""
    wanted = figures.win_rate.verdict_ids[:MOST] if figures.win_rate else ()
    known = store.verdicts(model=figures.model, baseline=figures.baseline) if wanted else []
    verdicts = {verdict.id: verdict for verdict in known}
    samples = store.samples_by_id(figures.rows.model_samples[:MOST])
    trait = effects.found if effects else None
    return Rows(
        verdicts=tuple(verdicts[i] for i in wanted if i in verdicts),
        kls=tuple(
            KLRow(sample_id=s.id, nats=s.log_ratio)
            for s in samples.values()
            if s.log_ratio is not None
        ),
        having=_samples(store, trait.sample_ids if trait else ()),
        having_before=_samples(store, trait.baseline_ids if trait else ()),
    )


def _samples(store: Store, ids: Sequence[str]) -> tuple[Sample, ...]:
    return tuple(store.samples_by_id(ids[:MOST]).values())
