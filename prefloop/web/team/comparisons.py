"""Comparisons as the owner sees them: with their answers and known answers."""

from prefloop.store.labeling.recent import AskedQuestion
from prefloop.web.services.services import Services
from prefloop.web.team.messages import ComparisonOut, ComparisonsOut, GoldOut, SampleVotesOut


def list_comparisons(
    services: Services, *, before: int | None, limit: int, known: bool
) -> ComparisonsOut:
    """Return comparisons before the one with this number, newest first; with `known`, only gold."""
    only = [gold.comparison_id for gold in services.store.gold.all()] if known else None
    found = services.store.recent.questions(limit=limit + 1, before=before, only=only)
    shown, rest = found[:limit], found[limit:]
    doubts = services.quality.doubtful_gold()
    return ComparisonsOut(
        questions=[_comparison(asked, doubts.get(asked.comparison.id, "")) for asked in shown],
        before=shown[-1].number if rest else None,
    )


def _comparison(asked: AskedQuestion, doubt: str) -> ComparisonOut:
    gold = asked.gold
    return ComparisonOut(
        number=asked.number,
        comparison=asked.comparison.id,
        round=asked.comparison.round,
        prompt=asked.prompt,
        samples=[
            SampleVotesOut(id=sample.id, text=sample.text, votes=asked.votes[sample.id])
            for sample in asked.samples
        ],
        n_answers=asked.n_answers,
        gold=None
        if gold is None
        else GoldOut(
            chosen=gold.chosen,
            explanation=gold.explanation,
            is_training=gold.is_training,
            created_by=gold.created_by,
        ),
        doubt=doubt,
    )
