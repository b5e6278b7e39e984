"""Verdicts that people give: asked on the labeling page, waited for, and closed when clear."""

from collections.abc import Callable, Iterable

from prefloop.errors import InputError
from prefloop.evaluation.estimates import pair_by_prompt
from prefloop.evaluation.people_figures import asked_pairs
from prefloop.evaluation.people_verdicts import judging_question, take_looks
from prefloop.evaluation.win_rate import SamplePair
from prefloop.figures.text import counted
from prefloop.run.stages import Stages
from prefloop.store.labeling.independence import ENOUGH_INDEPENDENT
from prefloop.store.store import Store
from prefloop.teamwork import Batch, JudgingTerms


def collect_verdicts(
    stages: Stages, models: Iterable[str], *, closes_others: bool = True
) -> frozenset[str]:
    """Have people compare each model with the baseline; return the sources of those who did.

    All questions are open at once, so that nobody can tell which model is in question. The batch of
    a model is closed when its result is clear, or when nobody has a question of it left.
    Batches of other models are closed if `closes_others`.
    """
    store = stages.store
    name = stages.rounds.contestants.baseline
    baseline = store.samples(purpose="evaluation", model=name)
    contests = {
        model: asked_pairs(
            pair_by_prompt(store.samples(purpose="evaluation", model=model), baseline)
        )
        for model in models
    }
    numbers = {model: _ask(stages, model, pairs) for model, pairs in contests.items() if pairs}
    if closes_others:
        close_others(store, set(numbers.values()))
    _say_who_is_asked(stages)
    for model, number in numbers.items():
        stages.people.wait(number, is_clear=_clear(store, contests[model], number))
        _require_answers(store, number)
        store.queue.freeze(number)
    answers = [answer for number in numbers.values() for answer in store.judging.answers(number)]
    return frozenset(f"person:{answer.label.labeler}" for answer in answers)


def _ask(stages: Stages, model: str, pairs: dict[str, SamplePair]) -> int:
    store, settings = stages.store, stages.config.evaluation.people
    store.add_comparisons([judging_question(pair) for pair in pairs.values()])
    number = stages.people.ask_for_verdicts(
        list(pairs), answers=settings.answers, looks=settings.looks
    )
    opened = store.judging.terms(number)
    wanted = JudgingTerms(questions=len(pairs), answers=settings.answers, looks=settings.looks)
    if opened != wanted:
        stages.monitor.say(
            f"People judge {model} as when they were first asked: {_in_words(opened)}. "
            f"Today's settings, {_in_words(wanted)}, hold for models that people are not asked "
            "about yet."
        )
    return number


def _in_words(terms: JudgingTerms) -> str:
    return (
        f"{counted(terms.questions, 'question')}, {counted(terms.answers, 'answer')} to each, "
        f"{counted(terms.looks, 'look')}"
    )


def close_others(store: Store, numbers: set[int]) -> None:
    """Close questions about models that this run does not evaluate any more."""
    for batch in store.queue.batches():
        if batch.is_for_verdicts and batch.frozen_at is None and batch.round not in numbers:
            store.queue.freeze(batch.round)


def _clear(store: Store, pairs: dict[str, SamplePair], number: int) -> Callable[[Batch], bool]:
    """Return whether a batch's answers are clear; looked at only where there is a new one."""
    seen: list[int] = []
    terms = store.judging.terms(number)

    def is_clear(batch: Batch) -> bool:
        if seen and seen[-1] == batch.answered:
            return False
        seen.append(batch.answered)
        asked = {question.id for question in store.judging.questions(number)}
        known = {name: pair for name, pair in pairs.items() if name in asked}
        looks = take_looks(known, store.judging.answers(number), terms, is_over=False)
        return bool(looks) and looks[-1].is_clear

    return is_clear


def _require_answers(store: Store, number: int) -> None:
    """Refuse to end with nothing; the questions stay open for whoever comes."""
    batch = store.queue.batch(number)
    if batch is not None and batch.answered == 0 and batch.frozen_at is None:
        raise InputError(
            f"Nobody with an account has said which is better in any of {batch.wanted} questions: "
            "all were skipped or flagged, or everybody has judged another model on their prompts. "
            "Add people (prefloop team add --help) and run again, or choose another judge in "
            "evaluation.judges."
        )


def _say_who_is_asked(stages: Stages) -> None:
    n = len(stages.store.judging.independent_people())
    if n < ENOUGH_INDEPENDENT:
        stages.monitor.say(
            f"Of the people with an account {n} gave no label for training; from "
            f"{ENOUGH_INDEPENDENT} on only they would be asked for verdicts. Now everybody is, and "
            "the report says so. To change that, add people: prefloop team add --help"
        )
