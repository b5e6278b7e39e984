"""A rule that suddenly excludes many is itself the suspect."""

from pathlib import Path

from prefloop.comparisons.quality.rule_health import (
    RuleHealth,
    introduction_alarm,
    rule_alarms,
    rule_health,
)
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.store.store import Store
from prefloop.teamwork import Exclusion, Person, Tally
from prefloop.web.services.quality_meter import QualityMeter

HOUR, DAY = 3600.0, 86400.0
NOW = 1000 * DAY + 15.4 * HOUR
PEOPLE = [f"p{i}" for i in range(20)]


def tallies(*, days: int = 10, now: float = NOW) -> list[Tally]:
    """Return ten answers an hour from twenty people, day and night."""
    last = int(now // HOUR)
    return [
        Tally(
            hour=hour,
            labeler=name,
            instructions="1",
            n={"best": 8, "tie": 1, "all_bad": 1, "skip": 5},
            seconds=100.0,
        )
        for hour in range(last - 24 * days, last + 1)
        for name in PEOPLE
    ]


def rule(labeler: str, at: float, undone_at: float | None = None, name: str = "gold") -> Exclusion:
    return Exclusion(
        id=f"{name}-{labeler}",
        name=name,
        labeler=labeler,
        reason="",
        applied_by="owner",
        applied_at=at,
        n_labels=100,
        undone_at=undone_at,
    )


def health(rules: list[Exclusion], *, days: int = 10) -> RuleHealth:
    [found] = rule_health(rules, tallies(days=days), now=NOW, thresholds=Thresholds())
    return found


def test_a_rule_with_one_labeler_in_twenty_is_fine() -> None:
    found = health([rule("p0", NOW - 30 * DAY)])
    assert (found.status, found.n_labelers, found.n_labels) == ("fine", 1, 100)
    assert [round(share or 0, 3) for share in found.shares] == [0.05] * 8


def test_q6_an_outage_of_a_gate_is_an_alarm_on_the_rule_within_the_hour() -> None:
    """At the outage everybody's check fails, and a careless owner applies the rule to a third."""
    outage = NOW - 0.9 * HOUR
    found = health([rule("p0", NOW - 30 * DAY), *(rule(f"p{i}", outage) for i in range(1, 7))])
    assert found.status == "alarm"
    assert round(found.shares[0] or 0, 2) == 0.35
    assert "excludes 35 % of the last 24 hours'" in found.message
    [alarm] = rule_alarms([found])
    assert (alarm.kind, alarm.level, alarm.n) == ("rule", "look", 700)
    assert alarm.message.startswith("Rule “gold”: excludes 35 %")


def test_three_times_the_usual_is_an_alarm_below_a_fifth_too() -> None:
    one = rule("p0", NOW - 30 * DAY)
    assert health([one, rule("p1", NOW - HOUR), rule("p2", NOW - HOUR)]).status == "fine"
    four = [one, *(rule(f"p{i}", NOW - HOUR) for i in range(1, 4))]
    assert health(four).status == "alarm"
    assert "where 5 % was usual" in health(four).message


def test_a_first_exclusion_is_no_alarm() -> None:
    found = health([rule("p0", NOW - HOUR)])
    assert found.shares[0] == 0.05
    assert found.status == "fine"


def test_an_undone_rule_keeps_nothing_out() -> None:
    undone = [rule(f"p{i}", NOW - 30 * DAY, undone_at=NOW - HOUR) for i in range(10)]
    found = health(undone)
    assert (found.status, found.n_labelers, found.n_labels) == ("fine", 0, 0)
    assert [share for share in found.shares if share] == [0.5] * 7


def test_few_labels_and_few_days_are_told_as_such() -> None:
    quiet = rule_health([rule("p0", 0.0)], [], now=NOW, thresholds=Thresholds())
    assert quiet[0].status == "not enough evidence"
    assert quiet[0].shares == (None,) * 8
    young = health([rule("p0", NOW - 30 * DAY)], days=1)
    assert "too few earlier days" in young.message
    assert rule_alarms(quiet) == []


def test_rules_are_watched_one_by_one() -> None:
    rules = [rule("p0", 0.0, name="gold"), rule("p1", 0.0, name="speed"), rule("p1", 0.0)]
    found = rule_health(rules, tallies(), now=NOW, thresholds=Thresholds())
    assert [(r.name, r.n_labelers) for r in found] == [("gold", 2), ("speed", 1)]


def test_a_clock_that_was_set_back_hides_no_exclusion() -> None:
    found = health([rule(f"p{i}", NOW + 5 * HOUR) for i in range(7)])
    assert (found.status, found.n_labelers) == ("alarm", 7)
    assert round(found.shares[0] or 0, 2) == 0.35
    assert health([rule("p0", NOW + HOUR, undone_at=NOW + 2 * HOUR)]).n_labelers == 0


def test_q6_an_introduction_that_most_fail_is_the_suspect(sqlite_path: Path) -> None:
    """Its known answers are upside down: nobody passes, and nobody has a label that a share shows.

    It is said with the third who fails, whatever the hour, and is over once they are let through.
    """
    with Store.open(sqlite_path) as store:
        people = [store.people.add(name, "labeler") for name in PEOPLE[:5]]
        store.exclusions.qualify(people[0].id, has_passed=True)
        meter = QualityMeter(store, Thresholds())
        for person in people[1:3]:
            store.exclusions.qualify(person.id, has_passed=False)
        assert meter().alarms == (), "two of three may be bad luck"
        store.exclusions.qualify(people[3].id, has_passed=False)
        [alarm] = meter().alarms
        assert (alarm.kind, alarm.level, alarm.n) == ("rule", "look", 4)
        assert alarm.message.startswith("Rule “introduction not passed”: 3 of 4 people failed")
        store.exclusions.qualify(people[3].id, has_passed=True, by="owner")
        assert meter().alarms == ()


def test_q6_an_introduction_that_half_pass_is_no_alarm() -> None:
    people = [
        Person(
            id=name,
            name=name,
            role="labeler",
            created_at=0.0,
            qualification="passed" if i % 2 else "failed",
        )
        for i, name in enumerate(PEOPLE[:6])
    ]
    assert introduction_alarm(people, Thresholds()) is None
