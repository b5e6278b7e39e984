"""One cause is told once, and nobody is judged by a key that everybody fails."""

from dataclasses import replace

import pytest

from prefloop.comparisons.quality.findings import IN_DOUBT, KINDS
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.skill import chance_finding, labeler_skills
from prefloop.comparisons.quality.team import team_figures
from prefloop.comparisons.quality.thresholds import Thresholds
from tests.unit.comparisons.quality.answers import check, label
from tests.unit.comparisons.quality.crowds import Crowd

CROWD = Crowd(n_people=24, shares=(("left", 0.1), ("copying", 0.1)), n_gold=35)


def test_every_detector_has_a_word_on_everybody() -> None:
    team = team_figures(CROWD.history(0))
    for row in team.labelers:
        assert tuple(f.kind for f in row.findings) == KINDS
        assert all(f.message and f.labeler == row.labeler for f in row.findings)
        assert all((f.action is None) == (f.status != "found") for f in row.findings)


def test_who_goes_by_place_or_copies_is_not_told_of_as_a_guesser_too() -> None:
    kinds = CROWD.kinds()
    for row in team_figures(CROWD.history(0)).labelers:
        by_kind = {f.kind: f for f in row.findings}
        if kinds[row.labeler] == "left":
            assert by_kind["position"].status == "found"
            assert by_kind["chance"].status == "not found"
            assert by_kind["chance"].message.endswith("See “position”, which explains it.")
        if kinds[row.labeler] == "copying":
            assert by_kind["copying"].status == "found"
            assert by_kind["chance"].status != "found"


def test_q6_when_everybody_fails_the_key_nobody_is_judged_by_it() -> None:
    """The key is upside down: no person fails, and the run is told to stop."""
    good = CROWD.history(1)
    upside_down = [replace(c, is_right=not c.is_right) for c in good.checks]
    team = team_figures(replace(good, checks=upside_down))
    [alarm] = team.alarms
    assert (alarm.kind, alarm.level) == ("flipped", "stop")
    assert "not people" in alarm.message
    for row in team.labelers:
        assert row.gold.grade == "not enough evidence"
        assert row.gold.message == IN_DOUBT
        assert {f.kind for f in row.found} <= {"position", "copying", "streaks"}


def test_gold_that_is_surely_failed_is_a_reason_to_ask() -> None:
    orders = [(0, 1), (1, 0), (1, 0), (0, 1)]
    checks = [check(f"g{i}", "ann", i % 2 == 0, shown=orders[i % 4]) for i in range(60)]
    [row] = team_figures(LabelHistory(labels=[], checks=checks)).labelers
    [finding] = row.found
    assert (finding.kind, finding.action) == ("gold", "ask")
    assert finding.message.startswith("Gold: 50 % of 60 gold answers")


def test_too_few_others_are_no_yardstick() -> None:
    labels = [label(f"q{i}", name, i % 2) for i in range(80) for name in ("ann", "bob")]
    history = LabelHistory(labels=labels)
    skills = labeler_skills(history, Thresholds())
    finding = chance_finding("ann", skills["ann"], Thresholds())
    assert skills["ann"].usual is None
    assert finding.status == "not enough evidence"
    assert "Fewer than 3 others" in finding.message


@pytest.mark.parametrize("n", [0, 29])
def test_few_answers_are_not_enough_evidence_for_anything(n: int) -> None:
    labels = [label(f"q{i}", "ann", 0) for i in range(n)]
    checks = [check(f"g{i}", "ann", False) for i in range(29)]
    team = team_figures(LabelHistory(labels=labels, checks=checks[: 29 - n]))
    for row in team.labelers:
        assert {f.status for f in row.findings} == {"not enough evidence"}


def test_an_empty_store_is_judged() -> None:
    team = team_figures(LabelHistory(labels=[]))
    assert (team.labelers, team.alarms, team.versions) == ((), (), ())
    assert team.agreement is None
