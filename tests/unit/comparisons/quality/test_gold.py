"""Known answers: counted once, and doubted when everybody contradicts them."""

from prefloop.comparisons.quality.gold import doubtful_gold, gold_share
from prefloop.comparisons.quality.thresholds import Thresholds
from tests.unit.comparisons.quality.answers import check

THRESHOLDS = Thresholds()


def test_skips_and_other_kinds_do_not_count() -> None:
    checks = [
        check("a", "ann", True),
        check("b", "ann", False),
        check("c", "ann", None),
        check("d", "ann", True, kind="training"),
        check("e", "ann", True, kind="retest"),
    ]
    assert (gold_share(checks, THRESHOLDS).n_right, gold_share(checks, THRESHOLDS).n) == (1, 2)
    training = gold_share(checks, THRESHOLDS, "training")
    assert (training.n_right, training.n) == (1, 1)


def test_a_gold_question_that_most_contradict_is_doubted() -> None:
    wrong_key = [check("bad", f"p{i}", i == 0, chosen=int(i > 0)) for i in range(8)]
    hard = [check("hard", f"p{i}", i % 2 == 0, chosen=i % 2) for i in range(8)]
    scattered = [check("odd", f"p{i}", False, chosen=i, shown=range(9)) for i in range(1, 9)]
    few = [check("few", f"p{i}", False, chosen=1) for i in range(4)]
    [found] = doubtful_gold([*wrong_key, *hard, *scattered, *few])
    assert (found.comparison_id, found.n_right, found.n) == ("bad", 1, 8)
    assert found.message == (
        "7 of 8 answers name the same other sample, 1 the known one: check the known answer, then "
        "the instructions."
    )
