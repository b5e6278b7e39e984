"""The schedule of a run: the update that ends each round, and the labels due by then."""

from dataclasses import dataclass

from prefloop.functional.schedules import label_budget
from prefloop.settings.comparisons import ComparisonsConfig
from prefloop.settings.run import RunConfig


@dataclass(frozen=True, kw_only=True)
class QuestionCount:
    """How many questions of one split a round asks, and of how many labelers each."""

    split: str
    questions: int
    overlap: int


def last_update(config: RunConfig, round_number: int) -> int:
    """Return the policy update, counted over the whole run, with which a round ends."""
    return (round_number + 1) * config.policy.updates // config.rounds


def labels_due(config: ComparisonsConfig, round_number: int, rounds: int) -> int:
    """Return how many training labels there should be once this round has asked."""
    if round_number < 0:
        return 0
    if rounds == 1:
        return config.labels
    initial = config.initial_labels or max(config.labels // rounds, config.labels // 4)
    share = round_number / (rounds - 1)
    return label_budget(min(initial, config.labels), config.labels, share)


def questions_in(config: ComparisonsConfig, round_number: int, rounds: int) -> list[QuestionCount]:
    """Return what a round asks, split by split."""
    due, before = (labels_due(config, r, rounds) for r in (round_number, round_number - 1))
    return [
        QuestionCount(
            split="train", questions=-(-(due - before) // config.overlap), overlap=config.overlap
        ),
        QuestionCount(
            split="validation",
            questions=-(-config.validation_labels // config.validation_overlap),
            overlap=config.validation_overlap,
        ),
    ]
