"""Labels as pairs, worked by hand."""

from dataclasses import replace

import pytest

from prefloop.comparisons.pairs import PreferencePair, preference_pairs
from prefloop.records import Answer, Label
from prefloop.settings.rewards import StrengthConfig
from tests.unit.comparisons.builders import make_label, make_question

PLAIN = StrengthConfig()
FOUR = make_question(["w", "x", "y", "z"], number=1).comparison
TWO = make_question(["x", "y"], number=2).comparison


def votes_of(pairs: list[PreferencePair]) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the votes by the last letters of the two ids, such as `s0`."""
    return {(a[-2:], b[-2:]): pair.votes for pair in pairs for a, b in [pair.sample_ids]}


def test_the_chosen_sample_is_held_against_each_of_the_others() -> None:
    pairs = preference_pairs([FOUR], [make_label(FOUR, "ann", "best", "p1-s2")], PLAIN)
    assert votes_of(pairs) == {
        ("s0", "s2"): (0.0, 1.0),
        ("s1", "s2"): (0.0, 1.0),
        ("s2", "s3"): (1.0, 0.0),
    }
    assert {pair.prompt_id for pair in pairs} == {FOUR.prompt_id}


def test_a_label_of_a_file_that_does_not_say_what_was_shown_counts_whole() -> None:
    label = make_label(FOUR, "ann", "best", "p1-s2")
    unknown = replace(label, shown=())
    assert preference_pairs([FOUR], [unknown], PLAIN) == preference_pairs([FOUR], [label], PLAIN)


@pytest.mark.parametrize("answer", ["tie", "all_bad"])
def test_a_tie_has_half_its_votes_on_either_side_and_as_many_as_a_choice(answer: Answer) -> None:
    pairs = preference_pairs([FOUR], [make_label(FOUR, "ann", answer)], PLAIN)
    assert set(votes_of(pairs).values()) == {(0.25, 0.25)}
    assert sum(sum(pair.votes) for pair in pairs) == 3.0
    (pair,) = preference_pairs([TWO], [make_label(TWO, "ann", answer)], PLAIN)
    assert pair.votes == (0.5, 0.5)


@pytest.mark.parametrize("answer", ["skip", "flag"])
def test_an_answer_without_preference_says_nothing(answer: Answer) -> None:
    silent = make_label(FOUR, "ann", answer)
    chosen = make_label(FOUR, "bob", "best", "p1-s0")
    assert preference_pairs([FOUR], [silent], PLAIN) == []
    both = preference_pairs([FOUR], [silent, chosen], PLAIN)
    assert both == preference_pairs([FOUR], [chosen], PLAIN)


def test_disagreement_is_votes_on_both_sides() -> None:
    labels = [
        make_label(TWO, "ann", "best", "p2-s0"),
        make_label(TWO, "bob", "best", "p2-s0"),
        make_label(TWO, "cleo", "best", "p2-s1"),
        make_label(TWO, "dan", "tie"),
    ]
    (pair,) = preference_pairs([TWO], labels, PLAIN)
    assert pair.votes == (2.5 / 4, 1.5 / 4)


def test_a_slight_preference_leaves_a_share_to_the_other() -> None:
    label = replace(make_label(TWO, "ann", "best", "p2-s1"), details={"strength": "slightly"})
    (pair,) = preference_pairs([TWO], [label], StrengthConfig(slightly=0.5))
    assert pair.votes == (0.25, 0.75)


def test_a_ranking_gives_all_pairs_of_places() -> None:
    ranked = replace(FOUR, label_type="ranking")
    places = [["p1-s2"], ["p1-s0", "p1-s3"], ["p1-s1"]]
    label = make_label(ranked, "ann", "best", "p1-s2")
    label = replace(label, details={"ranking": places})
    assert votes_of(preference_pairs([ranked], [label], PLAIN)) == {
        ("s0", "s1"): (1.0, 0.0),
        ("s0", "s2"): (0.0, 1.0),
        ("s1", "s2"): (0.0, 1.0),
        ("s1", "s3"): (0.0, 1.0),
        ("s2", "s3"): (1.0, 0.0),
    }


def test_the_order_is_that_of_the_comparisons_whatever_that_of_the_labels() -> None:
    labels: list[Label] = [
        make_label(TWO, "ann", "best", "p2-s0"),
        make_label(FOUR, "ann", "best", "p1-s0"),
    ]
    pairs = preference_pairs([FOUR, TWO], labels, PLAIN)
    assert [pair.prompt_id for pair in pairs] == [FOUR.prompt_id] * 3 + [TWO.prompt_id]
    assert pairs == preference_pairs([FOUR, TWO], labels[::-1], PLAIN)
