"""What labelers prefer is told with what it was calibrated on, or that it was not."""

from typing import Any

import pytest

from prefloop.registry import SCORERS
from prefloop.report.preferences import preferences_text
from prefloop.run_file import parse_run
from prefloop.scorers.hurried_vote import VOTES
from prefloop.settings.run import RunConfig


def text(scorers: dict[str, float], *, entries: Any = None, **synthetic: Any) -> str:
    raw = {
        "task": "summarization",
        "scorers": entries or {},
        "comparisons": {"synthetic": {"scorers": scorers, **synthetic}},
        "evaluation": {"judges": ["imagery"]},
    }
    return preferences_text(parse_run(raw, "run.yaml"))


def test_calibrated_scorers_and_others_are_told_apart() -> None:
    assert text({"hurried_vote": 1.0, "length": 0.2}, noise="gumbel") == (
        f"hurried_vote (1; calibrated on {VOTES}), "
        "length (0.2; not calibrated on people, as far as is known); gumbel noise with a scale of "
        "1, as people were measured to have for hurried_vote, and an assumption here"
    )


@pytest.mark.parametrize(
    ("scorer", "synthetic", "end"),
    [
        ("hurried_vote", {"noise": "gumbel"}, "a scale of 1, as people were measured to have"),
        ("sentiment", {}, "deviation of 0.97 log-odds, as people were measured to have"),
        (
            "hurried_vote",
            {},
            "as people were measured to have for sentiment, and an assumption here",
        ),
        ("sentiment", {"disagreement": 2.0}, "2 times what people were measured to have"),
        ("length", {"disagreement": 0.0}, "; without noise: all of them prefer the same"),
    ],
)
def test_noise_is_told_with_what_it_was_measured_for(
    scorer: str, synthetic: dict[str, Any], end: str
) -> None:
    assert text({scorer: 1.0}, **synthetic).endswith(end)


def test_coefficients_that_were_changed_are_told() -> None:
    half = {"half": {"kind": "hurried_vote", "verbatim": 1.02}}
    told = text({"half": 1.0}, entries=half, noise="gumbel")
    assert "changed here: verbatim 1.02, fitted 2.04" in told
    assert told.endswith("a scale of 1, as people were measured to have")


def test_a_scorer_whose_package_is_gone_is_told_too() -> None:
    run = parse_run({"task": "sentiment"}, "run.yaml")
    synthetic = run.comparisons.synthetic.model_copy(update={"scorers": {"gone": 1.0}})
    comparisons = run.comparisons.model_copy(update={"synthetic": synthetic})
    gone: RunConfig = run.model_copy(update={"comparisons": comparisons})
    assert preferences_text(gone).startswith("gone (1; not calibrated on people, as far as is")


def test_people_are_not_said_to_vote_as_the_hurried_check_does() -> None:
    assert SCORERS.load("accuracy_in_a_hurry").description.endswith("not how people vote")
    assert "accuracy_in_a_hurry (1; not calibrated on people" in text({"accuracy_in_a_hurry": 1.0})
