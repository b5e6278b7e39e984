"""The same question again, in the same order and in another."""

from prefloop.comparisons.quality.finding import share_finding
from prefloop.comparisons.quality.self_consistency import self_consistency
from prefloop.comparisons.quality.thresholds import Thresholds
from tests.unit.comparisons.quality.answers import check, label

THRESHOLDS = Thresholds()


def test_one_who_goes_by_the_place_agrees_only_in_the_same_order() -> None:
    labels = [label(f"q{i}", "ann", 0) for i in range(20)]
    checks = [
        check(f"q{i}", "ann", i < 10, kind="retest", shown=(0, 1) if i < 10 else (1, 0))
        for i in range(20)
    ]
    found = self_consistency(checks, labels, THRESHOLDS)
    assert (found.same_order, found.other_order) == ((10, 10), (0, 10))
    assert (found.share.n_right, found.share.n) == (10, 20)


def test_fewer_than_15_repeats_are_not_enough_evidence() -> None:
    checks = [check(f"q{i}", "ann", False, kind="retest") for i in range(14)]
    found = self_consistency(checks, [], THRESHOLDS)
    assert found.share.grade == "not enough evidence"
    assert found.same_order == found.other_order == (0, 0), "the first order is not known"


def test_surely_inconsistent_is_found_and_unlucky_is_not() -> None:
    def finding(n_same: int, n: int) -> tuple[str, str | None]:
        checks = [check(f"q{i}", "ann", i < n_same, kind="retest") for i in range(n)]
        share = self_consistency(checks, [], THRESHOLDS).share
        found = share_finding("ann", "test_retest", share, lead="Same answer again")
        return found.status, found.action

    assert finding(5, 40) == ("found", "ask")
    assert finding(8, 15) == ("not enough evidence", None)
    assert finding(12, 15) == ("not found", None)


def test_gold_and_skipped_repeats_do_not_count() -> None:
    checks = [check("a", "ann", True), check("b", "ann", None, kind="retest")]
    assert self_consistency(checks, [], THRESHOLDS).share.n == 0
