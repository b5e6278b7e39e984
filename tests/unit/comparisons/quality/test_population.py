"""What is wrong with everybody at once is told of the run, not of people."""

from dataclasses import replace

import numpy as np
import pytest

from prefloop.comparisons.quality.label_history import LabelHistory, QuestionStats
from prefloop.comparisons.quality.population import key_is_in_doubt, population_alarms
from prefloop.comparisons.quality.position import overall_positions
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.records import Label
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


# --- one bad labeler is no population

N_SIMULATED = 60
BAD = {"flipped": 0.02, "guessing": 0.5}


def team(
    seed: int, bad: float, *, people: int, honest: float = 0.75, each: int = 16
) -> LabelHistory:
    """Gold of honest people, and of one who is bad and answers three times as much as they do."""
    rng = np.random.default_rng([seed, people])
    questions = [f"g{i}" for i in range(3 * each)]
    answers = {f"p{i}": (honest, each) for i in range(people - 1)} | {"bad": (bad, 3 * each)}
    checks = [
        check(question, name, bool(rng.random() < accuracy))
        for name, (accuracy, n) in answers.items()
        for question in rng.permutation(questions)[:n]
    ]
    order = rng.permutation(len(checks))
    return LabelHistory(labels=[], checks=[checks[i] for i in order])


def n_alarmed(histories: list[LabelHistory]) -> int:
    return sum(bool(kinds(history)) for history in histories)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("people", [3, 4, 6])
def test_one_bad_labeler_raises_no_alarm_about_everybody(people: int, bad: float) -> None:
    """In 60 simulated teams each, however much they answer."""
    assert n_alarmed([team(seed, bad, people=people) for seed in range(N_SIMULATED)]) <= 1


@pytest.mark.parametrize("people", [6, 8])
def test_a_flip_of_everybody_is_found_all_the_same(people: int) -> None:
    flipped = [team(seed, 0.2, people=people, honest=0.2, each=24) for seed in range(N_SIMULATED)]
    assert sum(kinds(h) == [("flipped", "stop")] for h in flipped) >= 0.95 * N_SIMULATED


def test_one_person_cannot_hide_a_flip_of_all_others() -> None:
    """One who noticed answers the other way round, and three times as much."""
    teams = [team(seed, 0.98, people=8, honest=0.2, each=20) for seed in range(20)]
    alarms = [population_alarms(history, THRESHOLDS) for history in teams]
    assert sum([a.kind for a in found] == ["flipped"] for found in alarms) >= 19
    [alarm] = alarms[0]
    assert "by 7 people" in alarm.message


def test_one_owner_of_several_who_is_wrong_is_no_flip() -> None:
    def choices(name: str, n: int, *, is_flipped: bool = False) -> list[Label]:
        return [label(f"q{i}", name, (i + is_flipped) % 2) for i in range(n)]

    labels = [each for name in ("ann", "bob", "cleo", "dan") for each in choices(name, 60)]
    wrong = choices("wrong", 60, is_flipped=True)
    two = LabelHistory(
        labels=[*labels, *wrong, *choices("right", 10)], owners=frozenset({"wrong", "right"})
    )
    assert [k for k in kinds(two) if k[0] == "flipped"] == []
    alone = LabelHistory(labels=[*labels, *wrong], owners=frozenset({"wrong"}))
    assert ("flipped", "stop") in kinds(alone), "with one owner it cannot be told who is wrong"


def by_position(seed: int, first: float) -> LabelHistory:
    """Four fair people, and one who takes what is shown first so often, and answers as much."""
    rng = np.random.default_rng(seed)
    answers = [(f"p{i % 4}", 0.5) for i in range(200)] + [("first", first)] * 200
    return LabelHistory(
        labels=[
            label(f"q{i}", name, int(rng.random() >= share), shown=(0, 1))
            for i, (name, share) in enumerate(answers)
        ]
    )


def test_one_who_chooses_by_position_is_no_matter_of_the_page() -> None:
    teams = [by_position(seed, 0.9) for seed in range(N_SIMULATED)]
    assert n_alarmed(teams) <= 1
    # Wrong twin: all choices together, which one person moves, would nearly always be an alarm.
    pooled = [overall_positions(history) for history in teams]
    is_alarm = [p.p_value < THRESHOLDS.position_q and p.excess > 0.08 for p in pooled]
    assert sum(is_alarm) > 0.9 * N_SIMULATED
    alone = [x for x in teams[0].labels if x.labeler == "first"]
    assert kinds(replace(teams[0], labels=alone)) == []


# --- copies


def copying(seed: int, shares: dict[str, float], *, n: int = 80, many: str = "") -> LabelHistory:
    """Labels of people who take the copy so often; `many` answers three times as much."""
    rng = np.random.default_rng(seed)
    labels = [
        label(f"q{i}", name, 0 if rng.random() < share else 1, shown=rng.permutation(2).tolist())
        for name, share in shares.items()
        for i in range(3 * n if name == many else n)
    ]
    names = [f"q{i}" for i in range(3 * n)]
    stats = {name: QuestionStats(n_words=40, copies_most=f"{name}-0") for name in names}
    return LabelHistory(labels=labels, question_stats=stats)


PEERS = [f"p{i}" for i in range(5)]


def test_a_team_that_prefers_copies_is_told() -> None:
    [alarm] = population_alarms(copying(0, dict.fromkeys(PEERS, 0.8)), THRESHOLDS)
    assert (alarm.kind, alarm.level) == ("copying", "look")
    assert alarm.interval is not None and alarm.interval.low > 0.5
    assert alarm.message.startswith(
        "Where one sample copies clearly most from the prompt, 5 people together chose it in"
    )
    assert "where guessing gives 50 %: a model that learns from these labels" in alarm.message
    assert not key_is_in_doubt([alarm])


def test_copies_that_nobody_prefers_raise_no_alarm_however_often_it_is_looked_at() -> None:
    """People differ (40 to 60 %), and the page looks after every 20 questions."""
    alarmed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        shares = {name: float(rng.uniform(0.4, 0.6)) for name in PEERS}
        whole = copying(seed, shares)
        looks = [
            replace(whole, labels=[x for x in whole.labels if int(x.comparison_id[1:]) < n])
            for n in range(20, 81, 20)
        ]
        alarmed += any("copying" in {kind for kind, _ in kinds(look)} for look in looks)
    assert alarmed == 0


def test_one_copy_lover_is_no_team_of_them() -> None:
    shares = dict.fromkeys(PEERS, 0.5) | {"copies": 1.0}
    histories = [copying(seed, shares, many="copies") for seed in range(20)]
    assert all(kinds(history) == [] for history in histories)


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
