"""Questions as the owner sees them: with the answers so far, and what is known of each."""

from prefloop.store.labeling.recent import AskedQuestion
from prefloop.web.services.services import Services
from prefloop.web.team.messages import GoldNow, QuestionNow, QuestionsAsked, SampleAsked


def questions_asked(
    here: Services, *, before: int | None, limit: int, known: bool
) -> QuestionsAsked:
    """Return questions before one of this number, newest first; with `known`, those with an answer
    that is known."""
    only = [gold.comparison_id for gold in here.store.gold.all()] if known else None
    found = here.store.recent.questions(limit=limit + 1, before=before, only=only)
    shown, rest = found[:limit], found[limit:]
    doubts = here.quality.doubts()
    return QuestionsAsked(
        questions=[_question(asked, doubts.get(asked.comparison.id, "")) for asked in shown],
        before=shown[-1].number if rest else None,
    )


def _question(asked: AskedQuestion, doubt: str) -> QuestionNow:
    gold = asked.gold
    return QuestionNow(
        number=asked.number,
        comparison=asked.comparison.id,
        round=asked.comparison.round,
        prompt=asked.prompt,
        samples=[
            SampleAsked(id=sample.id, text=sample.text, votes=asked.votes[sample.id])
            for sample in asked.samples
        ],
        n_answers=asked.n_answers,
        gold=None
        if gold is None
        else GoldNow(
            chosen=gold.chosen,
            explanation=gold.explanation,
            is_training=gold.is_training,
            created_by=gold.created_by,
        ),
        doubt=doubt,
    )
