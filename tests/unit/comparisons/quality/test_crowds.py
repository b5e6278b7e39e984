"""Simulated crowds: the faulty are found, and the honest are not accused."""

from collections import Counter

import pytest

from prefloop.comparisons.quality.labelers import LabelerFigures
from prefloop.comparisons.quality.team import TeamFigures, team_figures
from tests.unit.comparisons.quality.crowds import Crowd

SEEDS = range(2)
FOUND_AS = {
    "random": {"chance", "flipped"},
    "left": {"position"},
    "flipped": {"flipped", "chance"},
    "copying": {"copying"},
}
"""By what a kind may be found; who guesses may by luck look a little flipped."""


def judged(crowd: Crowd) -> list[tuple[str, LabelerFigures]]:
    """Return every labeler's true kind and figures, over all seeds."""
    kinds = crowd.kinds()
    teams = [team_figures(crowd.history(seed)) for seed in SEEDS]
    assert [team.alarms for team in teams] == [()] * len(teams)
    return [(kinds[row.labeler], row) for team in teams for row in team.labelers]


@pytest.mark.parametrize(
    ("crowd", "honest_told"),
    [
        (Crowd(), 0.10),
        (Crowd(overlap=2, overlap_share=1.0), 0.06),
        (Crowd(n_options=4), 0.02),
    ],
    ids=["two samples, a fifth shared", "two samples, all shared by two", "four samples"],
)
def test_q1_the_faulty_are_found_and_the_honest_are_not_accused(
    crowd: Crowd, honest_told: float
) -> None:
    """200 labels and 17 gold answers each; 10 % random, 5 % left, 3 % flipped, 5 % copying."""
    n, found, accused = Counter[str](), Counter[str](), Counter[str]()
    for kind, row in judged(crowd):
        told = {finding.kind for finding in row.found}
        n[kind] += 1
        found[kind] += bool(told & FOUND_AS[kind]) if kind in FOUND_AS else bool(told)
        accused[kind] += any(finding.action == "exclude" for finding in row.found)
        assert row.gold.grade == "not enough evidence", "17 gold answers are fewer than 30"
    for kind in ("random", "left", "flipped", "copying"):
        assert found[kind] >= 0.9 * n[kind], f"{kind}: {found[kind]} of {n[kind]}"
    assert accused["honest"] <= 0.01 * n["honest"]
    assert found["honest"] <= honest_told * n["honest"], "a look, at most"
    assert accused["left"] == n["left"]
    assert accused["copying"] == 0, "a habit to ask about"


def test_honest_labelers_are_at_most_looked_at() -> None:
    actions = Counter(
        finding.action
        for kind, row in judged(Crowd(n_options=4, accuracy=(0.5, 0.9)))
        for finding in row.found
        if kind == "honest"
    )
    assert actions["exclude"] == 0
    assert actions.total() <= 4, "2 % of 154"


def test_two_hundred_more_labels_make_the_guessers_certain() -> None:
    crowd = Crowd(n_people=60, n_labels=800, n_gold=60)
    accused, n = Counter[str](), Counter[str]()
    for seed in range(2):
        for row in team_figures(crowd.history(seed)).labelers:
            kind = crowd.kinds()[row.labeler]
            n[kind] += 1
            accused[kind] += any(finding.action == "exclude" for finding in row.found)
    assert accused["random"] >= 0.75 * n["random"]
    assert accused["honest"] == 0


def test_weak_but_honest_labelers_are_kept() -> None:
    """60 % where 75 % is usual: their labels still help, and exclusion is not suggested."""
    crowd = Crowd(n_people=40, shares=(), n_labels=600, n_gold=50, accuracy=(0.75, 0.75))
    history = crowd.history(0)
    weak = Crowd(n_people=40, shares=(), n_labels=600, n_gold=50, accuracy=(0.6, 0.6)).history(0)
    mixed = type(history)(
        labels=[
            b if a.labeler in ("honest-000", "honest-001") else a
            for a, b in zip(history.labels, weak.labels, strict=True)
        ],
        checks=[
            b if a.labeler in ("honest-000", "honest-001") else a
            for a, b in zip(history.checks, weak.checks, strict=True)
        ],
    )
    rows = {row.labeler: row for row in team_figures(mixed).labelers}
    for name in ("honest-000", "honest-001"):
        assert rows[name].skill.value < 0.4
        assert [f for f in rows[name].found if f.action == "exclude"] == []


def test_nobody_else_moves_when_one_labeler_is_added() -> None:
    """A flipped labeler's presence gives no honest one a finding."""
    honest = Crowd(n_people=20, shares=(), n_labels=100)
    team: TeamFigures = team_figures(honest.history(5))
    assert [f for row in team.labelers for f in row.found if f.action != "look"] == []


def test_the_same_evidence_gives_the_same_figures() -> None:
    crowd = Crowd(n_people=12, n_labels=60)
    assert team_figures(crowd.history(1)) == team_figures(crowd.history(1))
