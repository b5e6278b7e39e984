"""What people's answers come to: majorities, looks in the order of the ledger, and a stop."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from prefloop.evaluation.people_figures import asked_pairs, look_figure
from prefloop.evaluation.people_verdicts import Look, judging_question, take_looks
from prefloop.evaluation.win_rate import SamplePair
from prefloop.records import REFERENCE, Answer, Label
from prefloop.teamwork import JudgingTerms, VerdictAnswer
from tests.unit.evaluation.worlds import POLICY, sample

WIN, TIE, LOSS = 1.0, 0.5, 0.0


def pairs(n: int) -> dict[str, SamplePair]:
    return asked_pairs(
        [(sample(i, f"ours {i}"), sample(i, f"theirs {i}", model=REFERENCE)) for i in range(n)]
    )


def answered(
    pair: SamplePair,
    vote: float | Answer,
    *,
    at: int,
    who: str = "ann",
    ended_by: int | None = None,
) -> VerdictAnswer:
    """Return an answer: a vote, or an answer without one."""
    ours, theirs = pair
    chosen = {WIN: ours.id, LOSS: theirs.id}.get(vote) if isinstance(vote, float) else None
    answer: Answer = "best" if chosen else "tie" if isinstance(vote, float) else vote
    label = Label(
        id=f"{who}-{at}",
        comparison_id=judging_question(pair).id,
        labeler=who,
        answer=answer,
        chosen=chosen,
        shown=(ours.id, theirs.id),
        seconds=1.0,
        instructions="1",
    )
    return VerdictAnswer(label=label, sequence=at, ended_by=ended_by)


def votes_in_order(asked: dict[str, SamplePair], votes: Sequence[float]) -> list[VerdictAnswer]:
    """Return one answer for each pair, by ten people in turn."""
    people = itertools.cycle(f"person {i}" for i in range(10))
    numbered = enumerate(zip(asked.values(), votes, strict=False), 1)
    return [answered(pair, vote, at=i, who=next(people)) for i, (pair, vote) in numbered]


def terms(questions: int, *, answers: int = 1, looks: int = 1) -> JudgingTerms:
    return JudgingTerms(questions=questions, answers=answers, looks=looks)


def looks_of(votes: Sequence[float], *, n: int, looks: int, is_over: bool = False) -> list[Look]:
    asked = pairs(n)
    answers = votes_in_order(asked, votes)
    return take_looks(asked, answers, terms(n, looks=looks), is_over=is_over)


def test_a_question_names_its_samples_in_no_order_of_models() -> None:
    ours, theirs = sample(1, "a"), sample(1, "b", model=REFERENCE)
    question = judging_question((ours, theirs))
    assert question.sample_ids == tuple(sorted([ours.id, theirs.id]))
    assert (question.split, question.label_type) == ("held_out", "pairs")
    assert POLICY not in question.id and REFERENCE not in question.id


def test_of_three_the_majority_decides_and_no_majority_is_a_tie() -> None:
    asked = pairs(3)
    said = [[WIN, LOSS, WIN], [LOSS, TIE, LOSS], [WIN, TIE, LOSS]]
    answers = [
        answered(pair, vote, at=3 * i + j, who=f"p{j}")
        for i, (pair, votes) in enumerate(zip(asked.values(), said, strict=True))
        for j, vote in enumerate(votes)
    ]
    [look] = take_looks(asked, answers, terms(3, answers=3), is_over=False)
    assert [look.ballots[name].outcome for name in asked] == [WIN, LOSS, TIE]
    assert look.rate.value == 0.5


def test_looks_come_when_their_share_of_the_questions_is_answered() -> None:
    mixed = [WIN, LOSS] * 10
    assert [len(looks_of(mixed[:k], n=20, looks=4)) for k in (4, 5, 9, 10, 20)] == [0, 1, 1, 2, 4]
    assert [len(look.ballots) for look in looks_of(mixed, n=20, looks=4)] == [5, 10, 15, 20]


def test_it_ends_at_the_first_clear_look_and_what_comes_later_does_not_count() -> None:
    clear = looks_of([WIN] * 60 + [LOSS] * 20, n=80, looks=4)
    assert len(clear) < 4 and clear[-1].is_clear
    assert not any(look.is_clear for look in clear[:-1])
    assert clear[-1].rate.value == 1.0, "the losses came after the stop"
    assert not looks_of([WIN, LOSS] * 40, n=80, looks=4)[-1].is_clear


def test_a_few_people_end_nothing_for_everybody() -> None:
    asked = pairs(40)
    for n_people, is_clear in ((1, False), (4, False), (5, True)):
        answers = [
            answered(pair, WIN, at=i, who=f"p{i % n_people}")
            for i, pair in enumerate(asked.values())
        ]
        [look] = take_looks(asked, answers, terms(40), is_over=True)
        assert look.rate.interval.low > 0.5 or n_people > 1
        assert look.is_clear is is_clear


def test_an_early_look_asks_for_more_than_the_last_one() -> None:
    confidences = [look.confidence for look in looks_of([WIN, LOSS] * 10, n=20, looks=4)]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] > 0.9999 and 0.95 < confidences[-1] < 0.96


def test_when_no_more_comes_the_last_look_spends_the_rest() -> None:
    votes = [WIN, LOSS] * 6
    assert len(looks_of(votes, n=20, looks=2)) == 1
    first, last = looks_of(votes, n=20, looks=2, is_over=True)
    assert (len(first.ballots), len(last.ballots)) == (10, 12)
    assert last.confidence < 0.96
    [only] = looks_of(votes, n=20, looks=1, is_over=True)
    np.testing.assert_allclose(only.confidence, 0.95)


def test_skips_say_nothing_and_only_the_last_answer_of_a_person_counts() -> None:
    [pair] = pairs(1).values()
    answers = [
        answered(pair, "skip", at=1, who="ben"),
        answered(pair, WIN, at=2, who="ann", ended_by=3),
        answered(pair, LOSS, at=3, who="ann", ended_by=4),
        answered(pair, "all_bad", at=5, who="eve"),
    ]
    looks = take_looks(pairs(1), answers[:3], terms(1), is_over=False)
    assert [look.rate.value for look in looks] == [WIN], "it was looked at before she changed it"
    [look] = take_looks(pairs(1), [answers[0], *answers[2:]], terms(1), is_over=True)
    assert look.rate.value == LOSS
    [look] = take_looks(pairs(1), [answers[0], answers[3]], terms(1), is_over=True)
    assert look.rate.value == TIE


def test_more_votes_than_wanted_do_not_count() -> None:
    [pair] = pairs(1).values()
    answers = [answered(pair, vote, at=i, who=f"p{i}") for i, vote in enumerate([WIN, LOSS, LOSS])]
    [look] = take_looks(pairs(1), answers, terms(1), is_over=True)
    assert look.rate.value == WIN


@pytest.mark.parametrize(
    ("n_looks", "n_planned", "words"),
    [
        (1, 1, "the only look"),
        (1, 4, "look 1, valid at all looks together"),
        (4, 4, "look 4, valid at all looks together"),
        (2, 1, "look 2, valid at all looks together"),
    ],
)
def test_an_interval_says_whether_others_were_looked_at(
    n_looks: int, n_planned: int, words: str
) -> None:
    [look] = looks_of([WIN, LOSS], n=2, looks=1)
    figure = look_figure(look.rate, n_looks, n_planned)
    assert figure.how == f"{look.rate.how}; {words}"
    assert figure.confidence == 0.95


def test_at_one_half_people_find_a_difference_as_rarely_as_promised() -> None:
    """20 people who do not differ, 40 questions, 100 runs; a twin who peeks errs more often."""
    rng = np.random.default_rng(0)
    asked = pairs(40)
    wrong, peeking = 0, 0
    for _ in range(100):
        answers = [
            answered(pair, float(rng.integers(2)), at=i, who=f"p{rng.integers(20)}")
            for i, pair in enumerate(asked.values())
        ]
        found = take_looks(asked, answers, terms(40, looks=4), is_over=True)
        wrong += found[-1].is_clear
        peeking += any(abs(look.rate.value - 0.5) > 1.96 * _error(look) for look in found)
    assert wrong <= 8
    assert peeking > wrong + 4


def _error(look: Look) -> float:
    return 0.5 / len(look.ballots) ** 0.5
