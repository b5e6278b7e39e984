"""What is wrong with everybody at once is told of the run, not of people."""

from dataclasses import replace

import numpy as np

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.population import key_is_in_doubt, population_alarms
from prefloop.comparisons.quality.thresholds import Thresholds
from tests.unit.comparisons.quality.answers import check, label

THRESHOLDS = Thresholds()


def gold(
    accuracy: float, *, people: int = 6, each: int = 20, seed: int = 0, k: int = 2
) -> LabelHistory:
    rng = np.random.default_rng(seed)
    checks = [
        check(f"g{i}", f"p{p}", bool(rng.random() < accuracy), shown=range(k))
        for i in range(each)
        for p in range(people)
    ]
    return LabelHistory(labels=[], checks=checks)


def kinds(history: LabelHistory) -> list[tuple[str, str]]:
    return [(a.kind, a.level) for a in population_alarms(history, THRESHOLDS)]


def test_a_crowd_that_knows_the_gold_is_fine() -> None:
    assert all(kinds(gold(0.8, seed=seed)) == [] for seed in range(20))


def test_a_low_level_is_no_alarm_as_long_as_it_is_above_chance() -> None:
    """Four-way questions at 50 %: hard, and twice what guessing gives."""
    assert kinds(gold(0.5, k=4, each=30)) == []


def test_a_flipped_crowd_stops_the_run() -> None:
    assert kinds(gold(0.2)) == [("flipped", "stop")]
    assert kinds(gold(0.08, k=4, each=40)) == [("flipped", "stop")]


def test_a_crowd_at_chance_is_looked_at() -> None:
    assert kinds(gold(0.5, each=40)) == [("chance", "look")]


def test_a_hard_question_is_not_called_guessing_on_little_evidence() -> None:
    assert kinds(gold(0.5, each=6)) == []


def test_a_flip_shows_in_the_latest_answers() -> None:
    before, after = gold(0.85, each=200), gold(0.15, each=34, seed=1)
    renamed = [replace(c, comparison_id=f"new-{c.comparison_id}") for c in after.checks]
    assert kinds(LabelHistory(labels=[], checks=[*before.checks, *renamed])) == [
        ("flipped", "stop")
    ]


def test_two_people_are_no_population_and_few_answers_no_evidence() -> None:
    assert kinds(gold(0.0, people=2, each=100)) == []
    assert kinds(gold(0.0, people=5, each=5)) == []


def test_excluded_labelers_cannot_raise_the_alarm() -> None:
    history = gold(0.1)
    names = frozenset(f"p{p}" for p in range(4))
    assert kinds(replace(history, excluded=names)) == []


def test_labelers_against_researchers_are_an_alarm() -> None:
    labels = [
        label(f"q{i}", name, i % 2 if name == "owner" else 1 - i % 2)
        for i in range(40)
        for name in ("owner", "ann", "bob", "cleo")
    ]
    history = LabelHistory(labels=labels, owners=frozenset({"owner"}))
    [alarm] = [a for a in population_alarms(history, THRESHOLDS) if a.kind != "position"]
    assert (alarm.kind, alarm.level) == ("flipped", "stop")
    assert alarm.message.startswith("Labelers choose as the owners do in 0 %")
    assert key_is_in_doubt([alarm])


def test_a_place_that_everybody_favors_is_a_matter_of_the_page() -> None:
    rng = np.random.default_rng(0)
    labels = [
        label(f"q{i}", f"p{i % 10}", int(rng.random() < 0.35), shown=(0, 1)) for i in range(400)
    ]
    [alarm] = population_alarms(LabelHistory(labels=labels), THRESHOLDS)
    assert (alarm.kind, alarm.level) == ("position", "look")
    assert "the first sample shown" in alarm.message
    assert not key_is_in_doubt([alarm])
