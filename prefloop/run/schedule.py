"""The schedule of a run: with which update a round ends, and which labels it asks for."""

from collections.abc import Iterable
from dataclasses import dataclass

from prefloop.functional.schedules import label_budget
from prefloop.records import Comparison
from prefloop.seeding import stable_id
from prefloop.settings.comparisons import NOBODY, ComparisonsConfig
from prefloop.settings.run import RunConfig


@dataclass(frozen=True, kw_only=True)
class QuestionCount:
    """How many questions of one split a round asks, and of how many labelers each."""

    split: str
    questions: int
    overlap: int


def last_update(config: RunConfig, round_number: int) -> int:
    """Return the policy update, counted over the whole run, with which a round ends."""
    return (round_number + 1) * config.updates // config.rounds


def updates_needed(rounds: int, *, begun: int, made: int) -> int:
    """Return how many updates a run of so many rounds needs, so that each of them has one.

    `begun` rounds have begun and `made` updates are made: the next round must end after them.

    >>> updates_needed(3, begun=1, made=2)
    5
    """
    return max(rounds, -(-(made + 1) * rounds // (begun + 1)) if begun < rounds else 0)


def questions_due(questions: int, updates: int, *, after: int, until: int) -> int:
    """Return how many of a run's live questions fall into the updates `after` to `until`.

    They are spread evenly over its updates.

    >>> [questions_due(3, 6, after=update - 1, until=update) for update in range(1, 7)]
    [0, 1, 0, 1, 0, 1]
    """
    return questions * until // updates - questions * after // updates


def labels_due(config: ComparisonsConfig, round_number: int, rounds: int) -> int:
    """Return how many training labels there should be once this round has asked."""
    if round_number < 0:
        return 0
    if rounds == 1:
        return config.labels
    initial = config.initial_labels or max(config.labels // rounds, config.labels // 4)
    share = round_number / (rounds - 1)
    return label_budget(min(initial, config.labels), config.labels, share)


def questions_in(
    config: ComparisonsConfig, round_number: int, rounds: int, *, asked: int
) -> list[QuestionCount]:
    """Return what a round asks, split by split; earlier rounds asked for `asked` training labels.

    A run whose rounds or labels were raised may have asked for more by now than its schedule says:
    its next rounds ask for less, so that the whole run has the labels that are set.
    """
    due = max(0, labels_due(config, round_number, rounds) - asked)
    return [
        QuestionCount(split="train", questions=-(-due // config.overlap), overlap=config.overlap),
        QuestionCount(
            split="validation",
            questions=-(-config.validation_labels // config.validation_overlap),
            overlap=config.validation_overlap,
        ),
    ]


def planned_labels(config: RunConfig) -> tuple[dict[str, int], dict[str, int]]:
    """Return the labels and the questions of the whole run, by split; none where nobody labels."""
    comparisons = config.comparisons
    if not config.policy.uses_reward_model or comparisons.labelers == NOBODY:
        return {}, {}
    questions = {"train": 0, "validation": 0}
    for round_number in range(config.rounds):
        asked = questions["train"] * comparisons.overlap
        for part in questions_in(comparisons, round_number, config.rounds, asked=asked):
            questions[part.split] += part.questions
    train = labels_due(comparisons, config.rounds - 1, config.rounds)
    validation = questions["validation"] * comparisons.validation_overlap
    return {"train": train, "validation": validation}, questions


def labels_asked(comparisons: Iterable[Comparison], config: ComparisonsConfig, before: int) -> int:
    """Return for how many training labels the rounds before `before` asked.

    Imported comparisons do not count: nobody was asked.
    """
    own = [c for c in comparisons if c.split == "train" and c.round < before and _is_own(c)]
    return len(own) * config.overlap


def _is_own(comparison: Comparison) -> bool:
    """Whether this program made the comparison: its id then follows from what it shows."""
    round_number, prompt_id = comparison.round, comparison.prompt_id
    return comparison.id == stable_id("comparison", round_number, prompt_id, *comparison.sample_ids)
