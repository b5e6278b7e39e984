"""The whole in one call, and in time."""

import pytest

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import agreements_with_others, overall_agreement
from prefloop.comparisons.quality.team import team_figures
from tests.cpu_time import cpu_seconds
from tests.unit.comparisons.quality.crowds import Crowd

P7_SECONDS = 10.0


def test_figures_of_a_team_hang_together() -> None:
    history = Crowd(n_people=10, n_labels=60, n_gold=12, n_repeats=6).history(0)
    owners = frozenset({"honest-009"})
    team = team_figures(
        LabelHistory(
            labels=history.labels,
            checks=history.checks,
            question_stats=history.question_stats,
            owners=owners,
            excluded=frozenset({"random-000"}),
        ),
    )
    rows = {row.labeler: row for row in team.labelers}
    assert sum(row.n_labels for row in team.labelers) == len(history.labels)
    assert rows["honest-009"].is_owner
    assert rows["random-000"].is_excluded
    assert team.with_owners is not None
    assert team.copying is not None
    for row in team.labelers:
        assert row.n_checks == 18
        assert (row.gold.n, row.consistency.share.n) == (12, 6)
        assert sum(row.answers.values()) == row.n_labels
        [version] = row.by_version
        assert (version.n_labels, version.gold) == (row.n_labels, row.gold)
        assert version.with_others == row.with_others


@pytest.mark.slow
@pytest.mark.parametrize(
    "crowd",
    [
        Crowd(n_people=50, n_labels=2100),
        Crowd(n_people=50, n_labels=3200, overlap=50, overlap_share=1.0),
        Crowd(n_people=1000, n_labels=101),
    ],
    ids=["a fifth shared", "all shared by all", "a thousand people"],
)
def test_p7_agreement_over_100_000_labels_takes_seconds(crowd: Crowd) -> None:
    history = crowd.history(0)
    assert len(history.labels) >= 100_000
    agreement = cpu_seconds(lambda: (overall_agreement(history), agreements_with_others(history)))
    assert agreement < P7_SECONDS
    assert overall_agreement(history) is not None
    assert cpu_seconds(lambda: team_figures(history)) < 2 * P7_SECONDS
